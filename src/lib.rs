//! coldcast answers one question with evidence: what will a backend framework cost per month, and will it keep a latency
//! promise? See ARCHITECTURE.md for the tour.
#![warn(missing_docs)]

pub mod assumption;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cost;
#[cfg(all(feature = "measure", target_os = "linux"))]
pub mod measure;
pub mod model;
pub mod registry;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod sim;
pub mod stats;
pub mod study;
pub mod suggest;
pub mod trace;
pub mod units;
