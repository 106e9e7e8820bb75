//! coldcast
#![warn(missing_docs)]

pub mod cost;
pub mod model;
pub mod rng;
pub mod suggest;
pub mod units;
