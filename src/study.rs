//! Studies: replications of variants with the same traffic and the same random numbers, reduced to estimates with intervals and
//! to paired differences. Replications run in parallel; the results do not depend on the number of threads.

pub mod best_nodes;
pub mod bills;
pub mod break_even;
pub mod difference;
pub mod error;
pub mod estimate;
pub mod marginal;
pub mod measurement;
pub mod metric;
pub mod precision;
pub mod replicate;
pub mod replication_row;
mod resources;
pub mod result;
pub mod row;
pub mod sample;
pub mod split;
pub mod terms;
pub mod timeline;
pub mod violation_row;
pub mod what_if;

pub use difference::Difference;
pub use error::StudyError;
pub use metric::{Kind, Metric};
pub use replicate::{Options, Progress, run};
pub use result::{Study, VariantResult};
pub use row::Row;
