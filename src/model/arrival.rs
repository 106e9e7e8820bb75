//! One request as traffic sees it, and how a source hands requests out.

use crate::units::{SimDuration, SimTime};

/// A request that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrives.
    pub at: SimTime,
    /// Its warm service time, where the traffic itself says so; else the profile decides.
    pub duration: Option<SimDuration>,
    /// The function it calls, numbered from 0 within its service in order of first appearance. A function scales on
    /// its own.
    pub function: u32,
}
