//! How a command ends: 0 done, 1 a gate failed, 2 bad input, 3 the environment is missing something.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::cost::bill::BillError;
#[cfg(all(feature = "measure", target_os = "linux"))]
use crate::measure::MeasureError;
use crate::model::price::PriceError;
use crate::report::atomic::WriteError;
use crate::report::manifest::ManifestError;
use crate::scenario::ScenarioError;
use crate::study::StudyError;
use crate::trace::TraceError;

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

/// The result of every command.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// Bad input from any error; a file that may not be read is the environment's doing.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        if error.chain().any(is_denied) {
            Self::Environment(error)
        } else {
            Self::Input(error)
        }
    }

    /// Files that could not be written: bad input if another path would do, else the environment.
    pub fn output(error: WriteError) -> Self {
        if error.is_bad_path() {
            Self::Input(error.into())
        } else {
            Self::Environment(error.into())
        }
    }

    /// A missing or refusing environment from any error.
    pub fn environment(error: impl Into<anyhow::Error>) -> Self {
        Self::Environment(error.into())
    }

    /// Returns ways to fix it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Gate(_) => Vec::new(),
            Self::Input(error) | Self::Environment(error) => error.chain().find_map(hints_of).unwrap_or_default(),
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
            Self::Input(error) | Self::Environment(error) => f.write_str(&told_once(error)),
        }
    }
}

/// An error and its causes, without those that it quotes itself.
fn told_once(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match cause.trim_end() {
            cause if told.is_empty() => cause.into(),
            cause if told.contains(cause) => told,
            cause => format!("{told}: {cause}"),
        }
    })
}

/// Returns true if this link of a chain is a file that may not be read.
fn is_denied(error: &(dyn Error + 'static)) -> bool {
    let io = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    let trace = |error: &TraceError| matches!(error, TraceError::Read { reason, .. } if io(reason));
    let price = |error: &PriceError| matches!(error, PriceError::Read { source, .. } if io(source));
    error.downcast_ref().is_some_and(io)
        || error.downcast_ref().is_some_and(trace)
        || matches!(error.downcast_ref(), Some(StudyError::Trace(error)) if trace(error))
        || matches!(error.downcast_ref(), Some(ScenarioError::Price(error)) if price(error))
}

/// The hints of an error that has any to give.
fn hints_of(error: &(dyn Error + 'static)) -> Option<Vec<String>> {
    let trace = error.downcast_ref::<TraceError>().map(TraceError::hints);
    let scenario = || error.downcast_ref::<ScenarioError>().map(ScenarioError::hints);
    let price = || error.downcast_ref::<PriceError>().map(PriceError::hints);
    let bill = || error.downcast_ref::<BillError>().map(BillError::hints);
    #[cfg(all(feature = "measure", target_os = "linux"))]
    let measure = || error.downcast_ref::<MeasureError>().map(MeasureError::hints);
    #[cfg(not(all(feature = "measure", target_os = "linux")))]
    let measure = || None;
    let study = || error.downcast_ref::<StudyError>().map(StudyError::hints);
    let manifest = || error.downcast_ref::<ManifestError>().map(ManifestError::hints);
    let write = || error.downcast_ref::<WriteError>().map(WriteError::hints);
    trace
        .or_else(scenario)
        .or_else(price)
        .or_else(bill)
        .or_else(measure)
        .or_else(manifest)
        .or_else(write)
        .or_else(study)
}
