//! A study that could not be finished.

use super::precision::PrecisionError;
use crate::cost::bill::BillError;
use crate::model::price::PriceError;
use crate::trace::TraceError;
use crate::units::SimDuration;

/// A study that could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The traffic cannot be used.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The bill cannot be made.
    #[error(transparent)]
    Bill(#[from] BillError),
    /// A price is missing.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// The precision to reach cannot be reached.
    #[error(transparent)]
    Precision(#[from] PrecisionError),
    /// Nothing is left after the warm-up.
    #[error("the run lasts {length}, which is not longer than the warm-up of {warm_up}: nothing is left to count")]
    ShorterThanWarmUp {
        /// Length of the run.
        length: SimDuration,
        /// Length of the warm-up.
        warm_up: SimDuration,
    },
    /// Worker threads could not be made.
    #[error("cannot start worker threads: {0}")]
    Threads(String),
}

impl StudyError {
    /// Returns ways to fix it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Trace(error) => error.hints(),
            Self::Bill(error) => error.hints(),
            Self::Price(error) => error.hints(),
            Self::Precision(error) => error.hints(),
            Self::ShorterThanWarmUp { .. } => vec!["shorten `warm-up`, or give a longer trace or `horizon`".into()],
            Self::Threads(_) => vec!["ask for fewer with --threads".into()],
        }
    }
}
