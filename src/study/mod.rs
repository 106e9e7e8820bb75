//! Studies: replications of variants on the same traffic and luck, reduced to estimates with intervals and to paired
//! differences. Replications run in parallel; the results do not depend on the number of threads.

pub mod best_nodes;
pub mod bills;
pub mod break_even;
pub mod marginal;
pub mod metrics;
pub mod replicate;
pub mod result;
pub mod split;
pub mod timeline;

pub use replicate::{Options, Progress, run};
pub use result::{Difference, Row, Study, StudyError, VariantResult};
