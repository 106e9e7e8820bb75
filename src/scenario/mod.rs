//! Scenarios: what the TOML says ([`file`]), changes from the command line ([`set`]), and what it all means ([`plan`]).

pub mod autoscaler;
pub mod client;
pub mod cluster;
mod concurrency;
pub mod error;
pub mod file;
mod from_profile;
pub mod inline;
pub mod instance;
pub mod load;
pub mod measured;
pub mod memory;
pub mod plan;
mod resolve;
mod service;
pub mod set;
pub mod warm_up;
pub mod work;

pub use error::ScenarioError;
pub use file::Scenario;
pub use load::{Loaded, load};
pub use plan::{Plan, Variant};
