//! How a command ends: 0 done, 1 a gate failed, 2 bad input, 3 the environment is missing something.

use std::fmt;
use std::process::ExitCode;

use crate::measure::error::MeasureError;

/// Why a command did not succeed, and with which exit code it says so.
#[derive(Debug)]
pub enum Failure {
    /// A gate given with `--fail-on` failed: exit code 1.
    Gate(String),
    /// A file or flag is wrong: exit code 2.
    Input(anyhow::Error),
    /// Something outside is missing or refuses, such as Docker, the network or disk space: exit code 3.
    Environment(anyhow::Error),
}

/// What every command returns.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// Bad input from any error.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }

    /// A missing or refusing environment from any error.
    pub fn environment(error: impl Into<anyhow::Error>) -> Self {
        Self::Environment(error.into())
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Gate(_) => Vec::new(),
            Self::Input(error) | Self::Environment(error) => {
                error.downcast_ref::<MeasureError>().map(MeasureError::hints).unwrap_or_default()
            }
        }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Gate(_) => 1,
            Self::Input(_) => 2,
            Self::Environment(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate(text) => f.write_str(text),
            Self::Input(error) | Self::Environment(error) => write!(f, "{error:#}"),
        }
    }
}
