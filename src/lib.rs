//! coldcast answers one question with evidence: what will a backend framework cost per month, and will it keep a latency
//! promise? See ARCHITECTURE.md for the tour.
#![warn(missing_docs)]

pub mod assumption;
pub mod cli;
pub mod cost;
pub mod measure;
pub mod model;
mod registry;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod sim;
pub mod stats;
pub mod study;
pub mod suggest;
pub mod trace;
pub mod units;
