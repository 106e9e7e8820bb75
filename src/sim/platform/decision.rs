//! The decisions of a platform, as values: about requests, about idle instances, and about the number of instances.

use crate::sim::fact::Reject;
use crate::units::{SimDuration, SimTime};

/// The decision about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// An instance with a free slot takes it; which one is a matter of routing.
    Warm,
    /// An instance of provisioned concurrency with a free slot takes it.
    Provisioned,
    /// It waits for an instance that is on its way up and has a free slot.
    Join,
    /// A new instance is started for it.
    Start,
    /// It waits in the function's queue.
    Wait,
    /// It waits in the function's queue for so long at most, and an instance is started if `start`.
    Queue {
        /// Longest wait.
        at_most: SimDuration,
        /// True if an instance is started for the waiting request.
        start: bool,
    },
    /// It is turned away.
    Reject(Reject),
}

/// How long an instance that just became idle may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepAlive {
    /// Until this instant, if it stays idle so long.
    Until(SimTime),
    /// Until the end of the run.
    Forever,
    /// It ends at once.
    Stop,
    /// It ends at once, and another one is started at this instant unless a request comes before.
    Rewarm(SimTime),
}

/// When an instance ends: after so long without a request, and once it is idle at an instant or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetime {
    /// Longest time without a request.
    pub idle: SimDuration,
    /// Longest time without a request to its whole function.
    pub silent: SimDuration,
    /// The idle time in all after which it ends early.
    pub idle_in_all: SimDuration,
    /// It does not stay idle after that.
    pub latest: SimTime,
    /// True if another instance is started ahead of requests in place of one that ends early or at `latest`.
    pub replaced: bool,
}

impl Lifetime {
    /// It does not end by itself.
    pub const FOREVER: Self = Self {
        idle: SimDuration::MAX,
        silent: SimDuration::MAX,
        idle_in_all: SimDuration::MAX,
        latest: SimTime::NEVER,
        replaced: false,
    };

    /// Returns when an instance ends that is idle from `now` on, has not been needed since `unneeded`, and was idle for `idle_before` in
    /// earlier times, if its function is not silent.
    #[inline]
    pub(crate) fn end(&self, now: SimTime, unneeded: SimTime, idle_before: SimDuration) -> SimTime {
        let early = now + self.idle_in_all.saturating_sub(idle_before);
        (unneeded + self.idle).min(early).min(self.latest)
    }

    /// True if an instance is worn out at `now`: too old, or idle for too long in all.
    pub(crate) fn is_over(&self, now: SimTime, idle_in_all: SimDuration) -> bool {
        now >= self.latest || idle_in_all >= self.idle_in_all
    }
}

/// When a platform looks at the functions of a service by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticks {
    /// First time.
    pub first: SimTime,
    /// Time from one to the next.
    pub every: SimDuration,
}

/// The changes of a function that are not caused by its requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scale {
    /// The configured provisioned concurrency from now on; `None`: unchanged.
    pub configured: Option<u32>,
    /// Instances to be started.
    pub start: u32,
    /// Idle instances to be ended.
    pub stop: u32,
    /// Instances of provisioned concurrency to be started.
    pub start_provisioned: u32,
    /// Idle instances of provisioned concurrency to be ended.
    pub stop_provisioned: u32,
    /// Requests of the operator's own that keep instances warm, at once, and how long each holds its instance.
    pub pings: Option<(u32, SimDuration)>,
    /// Machines that are there or on their way for the function's instances, where they have machines of their own.
    pub hosts: Option<u32>,
    /// True if the platform wants to look again even if the function has neither instances nor requests.
    pub awake: bool,
}
