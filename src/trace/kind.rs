//! The interfaces of traffic: a kind of traffic, its arrivals, and its functions one by one.

use std::path::Path;

use super::guess::Recogniser;
use super::inspect::Inspection;
use super::{ImportReport, OnBadLine, Open, Opened, Placement, TraceError};
use crate::model::arrival::Arrival;
use crate::model::dist::DistSpec;
use crate::units::SimDuration;

/// A stream of arrivals in time order.
pub trait Source: Send {
    /// Appends the next arrivals in time order: at least one, and no more than some thousands. Returns false, and appends
    /// nothing, if there are no more.
    ///
    /// # Errors
    /// A file cannot be read, or a line of it is not usable.
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError>;

    /// Returns an account of the file so far. Generated traffic has nothing to report.
    fn report(&self) -> ImportReport {
        ImportReport::default()
    }
}

/// A kind of traffic: the settings behind one row of the registry.
///
/// The first three methods are required. The others describe properties that only some kinds have, and their defaults say
/// that a kind has none of them.
pub trait TrafficKind {
    /// Returns an example of the settings, as TOML inside `[traffic.<name>]`.
    fn example() -> &'static str
    where
        Self: Sized;

    /// Returns all problems of the settings, one sentence each with the remedy.
    fn problems(&self) -> Vec<String>;

    /// Starts the arrivals: opens files and checks their beginning. The settings have no [`Self::problems`].
    ///
    /// # Errors
    /// A file cannot be read, or the traffic has no end and neither has the run.
    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError>;

    /// Multiplies the number of requests by `factor`, which is above 0, and returns true. Recorded traffic cannot be
    /// scaled so: it stays as it is and returns false, and its arrivals are repeated or left out at random.
    fn scale(&mut self, factor: f64) -> bool {
        let _ = factor;
        false
    }

    /// Returns the file or folder that is read; `None` for generated traffic.
    fn path(&self) -> Option<&str> {
        None
    }

    /// Returns true if requests bring service times of their own, which replace those of the profile.
    fn carries_durations(&self) -> bool {
        false
    }

    /// Returns the functions one by one; `None` if they can only be replayed together.
    fn functions(&self, open: &Open<'_>) -> Option<Box<dyn Functions>> {
        let _ = open;
        None
    }

    /// Returns the users and their think time if the traffic is a closed loop, whose requests the simulator makes; `None`
    /// if the arrivals come from [`Self::open`].
    fn closed_loop(&self) -> Option<ClosedLoop<'_>> {
        None
    }

    /// Reads the whole trace and describes it; `None` for generated traffic. Relative paths start at `base`.
    fn inspect(&self, base: &Path) -> Option<Result<Inspection, TraceError>> {
        let _ = base;
        None
    }

    /// Returns the way to recognise a file of this kind; `None` for generated traffic.
    fn recogniser() -> Option<Recogniser<Self>>
    where
        Self: Sized,
    {
        None
    }

    /// Returns the setting for where arrivals fall within their bin of time, if there is one.
    fn placement_mut(&mut self) -> Option<&mut Placement> {
        None
    }

    /// Returns the setting for lines that cannot be read, if there is one.
    fn on_bad_line_mut(&mut self) -> Option<&mut OnBadLine> {
        None
    }

    /// Returns the setting for the length of a bin of time, if there is one.
    fn bin_mut(&mut self) -> Option<&mut SimDuration> {
        None
    }
}

/// Users who wait for each answer, think, and send the next request.
#[derive(Debug, Clone, Copy)]
pub struct ClosedLoop<'a> {
    /// The number of users, at least 1.
    pub users: u32,
    /// The time between an answer and the user's next request.
    pub think: &'a DistSpec,
}

/// Traffic whose functions can be replayed one by one, with the same arrivals as together.
pub trait Functions: Send + Sync {
    /// Returns the number of functions.
    fn count(&self) -> u32;

    /// Returns the expected number of requests of a function, by which work is shared out among threads.
    fn weight(&self, function: u32) -> f64;

    /// Returns the arrivals of one function, which call function 0.
    fn open(&self, function: u32) -> Box<dyn Source>;

    /// Returns the length of the run.
    fn length(&self) -> SimDuration;

    /// Returns an account of the files that were read.
    fn report(&self) -> ImportReport;
}
