//! What can go wrong with a trace: where, what, and how to put it right.

use std::io;

/// A trace that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        reason: io::Error,
    },
    /// A line cannot be read.
    #[error("{path}, line {line}: {problem}")]
    Line {
        /// The file.
        path: String,
        /// Its line, counted from 1.
        line: u64,
        /// What is wrong.
        problem: String,
        /// How to put it right.
        hint: String,
    },
    /// The file as a whole is not usable.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
        /// How to put it right.
        hint: String,
    },
    /// A named column is not in the header.
    #[error("{path} has no column `{column}` (its columns: {present})")]
    Column {
        /// The file.
        path: String,
        /// The column that was asked for.
        column: String,
        /// The setting that asked for it.
        setting: &'static str,
        /// The columns of the file.
        present: String,
        /// Columns with a similar name, the most similar first.
        nearest: Vec<String>,
    },
    /// Traffic without an end in a run without an end.
    #[error("`{traffic}` traffic has no end of its own and the run has no horizon")]
    NoHorizon {
        /// The kind of traffic.
        traffic: &'static str,
    },
    /// The settings contradict themselves.
    #[error("{0}")]
    Settings(String),
}

impl TraceError {
    pub(crate) fn file(path: &str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::File {
            path: path.to_string(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { reason, .. } if reason.kind() == io::ErrorKind::NotFound => {
                vec![
                    "check the name; in a scenario, relative paths start at the folder of the scenario file"
                        .to_string(),
                ]
            }
            Self::Read { .. } | Self::Settings(_) => Vec::new(),
            Self::Line { hint, .. } | Self::File { hint, .. } => vec![hint.clone()],
            Self::Column { setting, nearest, .. } => vec![match nearest.first() {
                Some(name) => format!("did you mean {}? set {setting} = \"{name}\"", quoted_list(nearest)),
                None => format!("set {setting} to one of the file's columns; the first line must name them"),
            }],
            Self::NoHorizon { .. } => vec!["set the length of the run, such as horizon = \"7d\"".to_string()],
        }
    }
}

fn quoted_list(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
}
