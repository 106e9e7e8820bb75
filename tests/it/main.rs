//! The integration tests: one binary, so that the library is linked once. `cargo test --test it cli::` runs the tests of one
//! module.

mod autoscalers;
mod bills;
mod cli;
mod common;
mod determinism;
mod files;
mod frameworks;
mod layers;
mod measure_docker;
mod measure_process;
mod memory;
mod oracle;
mod packing;
mod profiles;
mod stories;
mod theory;
mod trace;
mod vendors;
