//! The arrival of a request.

use crate::units::{SimDuration, SimTime};

/// The arrival of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// The time of the arrival.
    pub at: SimTime,
    /// The service time of the request on a warm instance; `None` if the profile decides.
    pub duration: Option<SimDuration>,
    /// The function that is called, numbered from 0 within its service in order of first appearance. Each function scales
    /// on its own.
    pub function: u32,
}

impl Arrival {
    /// A request of function 0 whose service time the profile decides.
    pub fn new(at: SimTime) -> Self {
        Self {
            at,
            duration: None,
            function: 0,
        }
    }

    /// The same for another function.
    #[must_use]
    pub fn of(self, function: u32) -> Self {
        Self { function, ..self }
    }

    /// The same with a service time of its own.
    #[must_use]
    pub fn lasting(self, duration: SimDuration) -> Self {
        Self {
            duration: Some(duration),
            ..self
        }
    }
}
