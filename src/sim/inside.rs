//! The inside of an instance: its CPU, the workers that share it, the requests in service, and the extra cost of its first
//! requests.

pub mod code_warm_up;
pub(crate) mod cpu;
pub mod idle_cost;
pub(crate) mod in_service;
mod processor;
pub(crate) mod station;
pub mod turns;

use crate::units::SimDuration;
pub use cpu::CpuLimit;
pub use idle_cost::IdleCost;
pub use turns::Discipline;

/// The workers and the CPU that the requests of one instance share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    /// Workers or threads: requests that are worked on at a time, waits included. Others wait inside the instance in
    /// order of arrival. `None`: no limit.
    pub workers: Option<u32>,
    /// Requests that hold the CPU at a time, each until it is done with it; others wait for their turn in order of
    /// arrival. 1 for an event loop. `None`: all that need it share it.
    pub turns: Option<u32>,
    /// The order of service on one core if it is none of these; `turns` has no meaning then, nor have periods of the CPU limit.
    pub discipline: Option<Discipline>,
    /// The CPU they share.
    pub cpu: CpuLimit,
    /// CPU time of the framework's overhead of a warm request.
    pub overhead_cpu: SimDuration,
    /// More CPU while an instance starts, and for so long afterwards; `None`: the same as ever.
    pub boost: Option<(CpuLimit, SimDuration)>,
}

impl Inside {
    /// CPU time of something that takes `wall` on this instance, alone and on one thread.
    pub(crate) fn cpu_of(&self, wall: SimDuration) -> SimDuration {
        wall.scale(f64::from(self.cpu.quota.0.min(1000)) / 1e3)
    }
}
