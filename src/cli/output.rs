//! What every verb that answers has in common: formats, and printing to a stdout that may be closed.

use std::io::{self, Write};

use clap::ValueEnum;

use super::exit::{Failure, Outcome};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for a terminal
    Table,
    /// Markdown for a memo or a pull request
    Markdown,
    /// JSON with numbers as numbers and unknown as null
    Json,
    /// CSV with the columns of the file of the same content
    Csv,
}

/// Prints data. A reader that went away (`| head`) is no failure.
///
/// # Errors
/// If stdout cannot be written for another reason.
pub fn print(data: impl AsRef<[u8]>) -> Outcome {
    let mut out = io::stdout().lock();
    match out.write_all(data.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::environment(error)),
        _ => Ok(()),
    }
}
