//! The parts that all verbs with an answer share: formats, and printing to a stdout that may be closed.

use std::fmt::Display;
use std::io::{self, Write};

use clap::ValueEnum;

use super::exit::{Failure, Outcome};
use crate::report::table::{self, Style};
use crate::report::{cells, frameworks};

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

/// Tells the user something. A reader that went away, or a full disk behind stderr, is no failure.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints data. A reader that went away (`| head`) is no failure.
///
/// # Errors
/// If stdout cannot be written for another reason.
pub fn print(data: impl AsRef<[u8]>) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(data.as_ref()).and_then(|()| out.flush()).or_else(stopped)
}

/// Returns the result of a command whose stdout failed.
pub fn stopped(error: io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::Environment(
            anyhow::Error::new(error).context("cannot write standard output"),
        )),
    }
}

/// Rows in the format that was asked for.
pub fn shown(format: Format, name: &str, columns: &[&str], rows: Vec<Vec<String>>, text_columns: usize) -> Vec<u8> {
    match format {
        Format::Table => table::draw(Style::Plain, columns, rows, text_columns).into_bytes(),
        Format::Markdown => table::draw(Style::Markdown, columns, rows, text_columns).into_bytes(),
        Format::Json => frameworks::objects(name, columns, rows.into_iter()).into_bytes(),
        Format::Csv => cells::csv(columns, rows),
    }
}
