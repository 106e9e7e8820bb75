//! Scenarios: from a TOML file to variants that can be run.
//!
//! A scenario passes through three steps, each of which returns values:
//! 1. [`load()`] reads the file, applies `--set` ([`set`]), and parses it strictly ([`file`]).
//! 2. [`plan`] resolves all choices: prices, cluster, services and variants. A measured framework becomes an instance at the
//!    size that the platform gives ([`profile`]).
//! 3. Problems, assumptions and hashes of all steps are merged ([`findings`]); all problems are reported at once.

pub mod error;
pub mod file;
mod files;
pub mod findings;
pub mod load;
pub mod plan;
pub mod profile;
pub mod set;

pub use error::ScenarioError;
pub use file::Scenario;
pub use load::{Loaded, from_text, load};
pub use plan::{Plan, Replications, Variant};
