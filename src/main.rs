//! The `coldcast` program.

use std::process::ExitCode;

use clap::Parser;
use coldcast::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            for hint in failure.hints() {
                eprintln!("hint: {hint}");
            }
            failure.code()
        }
    }
}
