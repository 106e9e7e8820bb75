//! Opening traffic: what a source gets, and what it gives back.

use std::path::{Path, PathBuf};

use super::{Source, TraceError};
use crate::rng::{Draws, Purpose, Stream};
use crate::units::SimDuration;

/// The circumstances of a run in which traffic is opened.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    /// The folder where relative paths start.
    pub base: &'a Path,
    /// The random numbers of this replication.
    pub draws: Draws,
    /// The number of the service, counted from 0. Services with different numbers use independent random numbers.
    pub entity: u64,
    /// The length of the run as the scenario sets it. Arrivals at or after it are left out.
    pub horizon: Option<SimDuration>,
}

impl Open<'_> {
    /// Returns the first instant that is too late for an arrival, in nanoseconds since the start of the run.
    pub fn until(&self) -> u64 {
        self.horizon.map_or(u64::MAX, |horizon| horizon.0)
    }

    /// Returns the horizon, for traffic without an end of its own. `traffic` is the name of the kind.
    ///
    /// # Errors
    /// The scenario sets no horizon.
    pub fn required_horizon(&self, traffic: &'static str) -> Result<SimDuration, TraceError> {
        self.horizon.ok_or(TraceError::NoHorizon { traffic })
    }

    /// Returns the place of a file that the settings name.
    pub fn path(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// Returns the random numbers for the arrival times of a function.
    pub fn arrivals(&self, function: u32) -> Stream {
        arrival_stream(self.draws, self.entity, function)
    }
}

/// Returns the random numbers for the arrival times of a function of the service `entity`.
pub(super) fn arrival_stream(draws: Draws, entity: u64, function: u32) -> Stream {
    draws.stream(Purpose::Arrival, entity << 32 | u64::from(function))
}

/// Traffic that is ready to be replayed.
#[non_exhaustive]
pub struct Opened {
    /// The arrivals.
    pub source: Box<dyn Source>,
    /// The length of the run: the horizon of the scenario, or else the natural length of the trace. `None` if it is known
    /// only at the end, as for a streamed CSV file, whose length is the time of its last arrival.
    pub horizon: Option<SimDuration>,
    /// SHA-256 of the input file in hexadecimal, if it was read whole.
    pub input_sha256: Option<String>,
}

impl Opened {
    /// Traffic whose length is known only at the end.
    pub fn new(source: impl Source + 'static) -> Self {
        Self {
            source: Box::new(source),
            horizon: None,
            input_sha256: None,
        }
    }

    /// Traffic that is generated until the end of the run.
    pub fn generated(source: impl Source + 'static, horizon: SimDuration) -> Self {
        Self {
            source: Box::new(source),
            horizon: Some(horizon),
            input_sha256: None,
        }
    }
}
