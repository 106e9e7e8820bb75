//! The resources and limits of an instance and of a request.

use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// The resources and limits of each instance and each request on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shape {
    /// CPU of an instance: names the measured configuration of a profile.
    pub cpu: MilliCpu,
    /// More CPU while an instance starts and shortly after; `None`: the same as ever.
    pub boost: Option<Boost>,
    /// Memory of an instance; `None`: as measured.
    pub memory: Option<MemoryMib>,
    /// Requests that one instance serves at a time.
    pub concurrency: u32,
    /// Which of several free instances takes a request.
    pub routing: Routing,
    /// A request that runs longer is cut off.
    pub timeout: Option<SimDuration>,
    /// An initialisation that takes longer is run again inside the first request.
    pub init_limit: Option<SimDuration>,
    /// A request that waits longer gives up.
    pub queue_timeout: Option<SimDuration>,
    /// True if the platform rejects a request that has waited too long; false if the client gives up.
    pub queue_refuses: bool,
    /// True if instances may be started without a request.
    pub starts_ahead: bool,
    /// Instances of each function at the start.
    pub initial: InitialState,
}

impl Default for Shape {
    /// Instances with one vCPU that serve one request at a time, without limits.
    fn default() -> Self {
        Self {
            cpu: MilliCpu(1000),
            boost: None,
            memory: None,
            concurrency: 1,
            routing: Routing::MostRecentlyUsed,
            timeout: None,
            init_limit: None,
            queue_timeout: None,
            queue_refuses: false,
            starts_ahead: false,
            initial: InitialState::default(),
        }
    }
}

/// More CPU while an instance starts and shortly after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boost {
    /// CPU of the instance then.
    pub cpu: MilliCpu,
    /// For how long after the start.
    pub lasts: SimDuration,
}
