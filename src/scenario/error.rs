//! Errors of scenarios.

use std::io;

use crate::model::price::PriceError;

/// A scenario that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The text is not a scenario; the message shows the line.
    #[error("{name}: {message}")]
    Syntax {
        /// The file, or `the built-in scenario`.
        name: String,
        /// Message of the TOML parser with line and caret.
        message: String,
        /// The nearest known key where one was misspelt.
        nearest: Option<String>,
    },
    /// A `--set` that cannot be applied.
    #[error("--set {given}: {problem}")]
    Set {
        /// The text that the user gave.
        given: String,
        /// Why it cannot be applied.
        problem: String,
    },
    /// Everything that is semantically wrong.
    #[error("{name} has {}:\n{}", problems_count(.problems), bullets(.problems))]
    Problems {
        /// The file, or `the built-in scenario`.
        name: String,
        /// One sentence each.
        problems: Vec<String>,
    },
    /// The price list cannot be used.
    #[error(transparent)]
    Price(#[from] PriceError),
}

fn problems_count(problems: &[String]) -> String {
    match problems.len() {
        1 => "a problem".into(),
        n => format!("{n} problems"),
    }
}

fn bullets(problems: &[String]) -> String {
    let lines: Vec<String> = problems.iter().map(|p| format!("  - {p}")).collect();
    lines.join("\n")
}

impl ScenarioError {
    /// Returns remedies, one sentence each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { .. } => vec!["give the path of a scenario file, or no path for the built-in scenario".into()],
            Self::Syntax { message, .. } if message.ends_with("missing field `schema`") => {
                vec!["a scenario begins with `schema = 1` and a `name`; docs/tutorial has one to copy".into()]
            }
            Self::Syntax { nearest, .. } => nearest.iter().map(|n| format!("did you mean `{n}`?")).collect(),
            Self::Set { .. } => {
                vec!["write --set path.to.key=value, such as --set slo.latency=200ms".into()]
            }
            Self::Problems { .. } => Vec::new(),
            Self::Price(error) => error.hints(),
        }
    }
}
