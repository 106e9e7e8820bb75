//! coldcast
#![warn(missing_docs)]

pub mod cli;
pub mod model;
mod registry;
pub mod rng;
pub mod trace;
pub mod units;
