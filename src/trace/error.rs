//! Errors of traces. Each names the place, the problem and the remedy.

use std::io;

/// The reason why a trace cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// The error of the system.
        reason: io::Error,
    },
    /// A line cannot be read.
    #[error("{path}, line {line}: {problem}")]
    Line {
        /// The file.
        path: String,
        /// The number of the line, from 1.
        line: u64,
        /// The problem.
        problem: String,
        /// The remedy.
        hint: String,
    },
    /// The file as a whole is not usable.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// The problem.
        problem: String,
        /// The remedy.
        hint: String,
    },
    /// A named column is not in the header.
    #[error("{path} has no column `{column}` (its columns: {present})")]
    Column {
        /// The file.
        path: String,
        /// The column that a setting names.
        column: String,
        /// The setting that names the column.
        setting: &'static str,
        /// The columns of the file, separated by commas.
        present: String,
        /// The columns with similar names, the most similar first.
        nearest: Vec<String>,
    },
    /// Neither the traffic nor the run has an end.
    #[error("the run needs a horizon, because `{traffic}` traffic has no end")]
    NoHorizon {
        /// The kind of traffic.
        traffic: &'static str,
    },
    /// The settings are wrong.
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

    /// Returns remedies, one sentence each.
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
                None => format!("set {setting} to a column of the file; the first line must name the columns"),
            }],
            Self::NoHorizon { .. } => vec!["set the length of the run, such as horizon = \"7d\"".to_string()],
        }
    }
}

fn quoted_list(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
}
