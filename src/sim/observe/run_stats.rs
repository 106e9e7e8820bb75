//! The counts of a run that the world keeps itself: arrivals, and integrals over the counted time.

use crate::sim::fact::FleetState;
use crate::units::SimTime;

/// The counts of a run that no observer keeps.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunStats {
    /// Requests that arrived, warm-up included.
    pub arrivals: u64,
    /// End of the counted time: the horizon, or the last arrival.
    pub end: SimTime,
    /// By service.
    pub services: Vec<ServiceStats>,
    /// Most nodes at a time between the warm-up and the end; `None` where there is no cluster.
    pub nodes_peak: Option<u32>,
    /// True if the CPU time of requests was counted.
    pub counts_cpu: bool,
}

/// Instances of one service between the warm-up and the end.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ServiceStats {
    /// Integrals over that time, in instance-nanoseconds and request-nanoseconds.
    pub area: FleetState<i128>,
    /// Most instances at a time; `None` where functions were run one by one.
    pub instances_peak: Option<u32>,
    /// Instances created.
    pub instances_created: u64,
}
