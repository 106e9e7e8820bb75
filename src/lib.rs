//! coldcast
#![warn(missing_docs)]

pub mod cli;
pub mod cost;
pub mod measure;
pub mod model;
mod registry;
pub mod rng;
pub mod sim;
pub mod stats;
pub mod suggest;
pub mod units;
