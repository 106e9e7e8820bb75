//! The arrival of a request.

use crate::units::{SimDuration, SimTime};

/// The arrival of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The time of the arrival.
    pub at: SimTime,
    /// The service time of the request on a warm instance; `None` if the profile decides.
    pub duration: Option<SimDuration>,
    /// The function that is called, numbered from 0 within its service in order of first appearance. Each function scales
    /// on its own.
    pub function: u32,
}
