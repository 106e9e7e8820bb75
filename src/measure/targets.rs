//! The places where instances run.

pub mod docker;
pub mod process;
