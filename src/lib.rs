//! coldcast
#![warn(missing_docs)]

pub mod model;
pub mod rng;
pub mod units;
