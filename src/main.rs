//! The `coldcast` program.

use std::process::ExitCode;

use coldcast::cli;
use coldcast::cli::output::say;

fn main() -> ExitCode {
    let cli = cli::parse(std::env::args_os());
    match cli::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(format_args!("error: {failure}"));
            for hint in failure.hints() {
                say(format_args!("hint: {hint}"));
            }
            failure.code()
        }
    }
}
