//! The integration tests: one binary, so that the library is linked once. `cargo test --test it cli::` runs the tests of one
//! module. They need the whole program but Parquet: `cargo test --no-default-features --features cli,fetch,measure,xlsx` is the
//! quick way.

#[cfg(not(all(feature = "cli", feature = "fetch", feature = "measure", feature = "xlsx")))]
compile_error!(
    "the integration tests need the features cli, fetch, measure and xlsx: \
     use `--no-default-features --features cli,fetch,measure,xlsx` to leave out Parquet alone"
);

mod assumptions;
mod autoscalers;
mod bills;
mod cli;
mod common;
mod coverage;
mod determinism;
mod extending;
mod files;
mod frameworks;
mod lambda_emulator;
mod lambda_logs;
mod lambda_runs;
mod layers;
mod measure_docker;
mod measure_process;
mod memory;
mod oracle;
mod packing;
mod platforms;
mod profiles;
mod source_text;
mod stories;
mod theory;
mod trace;
mod vendors;
mod words;
