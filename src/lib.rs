//! coldcast
#![warn(missing_docs)]

pub mod model;
mod registry;
pub mod rng;
pub mod sim;
pub mod stats;
pub mod units;
