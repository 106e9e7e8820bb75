//! The part of the state that a platform sees when it decides.

use crate::units::SimTime;

/// The state of a function when a request arrives, as the platform sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetView {
    /// The instant of the decision.
    pub now: SimTime,
    /// Position of the service.
    pub service: u16,
    /// Number of the function within the service.
    pub function: u32,
    /// True if a running instance without provisioned concurrency has a free slot.
    pub free: bool,
    /// True if a running instance of provisioned concurrency has a free slot.
    pub free_provisioned: bool,
    /// True if a starting instance has a free slot.
    pub starting_free: bool,
    /// Instances on their way up that have a free slot, and are not of provisioned concurrency.
    pub starting: u32,
    /// Instances of the function: starting, busy and idle.
    pub instances: u32,
    /// Those of them that belong to provisioned concurrency.
    pub provisioned: u32,
    /// Requests of the function in service or waiting for an instance that starts for them.
    pub in_flight: u32,
    /// Those of them on instances of provisioned concurrency.
    pub provisioned_in_flight: u32,
    /// Requests in the function's queue.
    pub queued: u32,
    /// Requests of all functions that share the account's limit in service or waiting for an instance that starts for them;
    /// not those on instances of provisioned concurrency.
    pub account_in_flight: u32,
}

#[cfg(test)]
impl FleetView {
    /// A function with nothing in it, for tests.
    pub(crate) fn empty(now: SimTime) -> Self {
        Self {
            now,
            service: 0,
            function: 0,
            free: false,
            free_provisioned: false,
            starting_free: false,
            starting: 0,
            instances: 0,
            provisioned: 0,
            in_flight: 0,
            provisioned_in_flight: 0,
            queued: 0,
            account_in_flight: 0,
        }
    }
}

/// The resource use of a function since the start of the run, for platforms that act by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Used {
    /// Integral over time of the requests in service or waiting for an instance that starts for them, in
    /// request-nanoseconds.
    pub in_flight: i128,
    /// The part of it on instances of provisioned concurrency.
    pub on_provisioned: i128,
    /// CPU time in milli-CPU-nanoseconds, where requests share the CPU of an instance; else 0.
    pub cpu: u128,
}

/// The state of an instance that has just become idle, as the platform sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceView {
    /// The instant of the decision.
    pub now: SimTime,
    /// Position of the service.
    pub service: u16,
    /// Number of the function within the service.
    pub function: u32,
    /// Number of the function's random stream.
    pub entity: u64,
    /// Number of the instance, unique within its function.
    pub ordinal: u64,
    /// When it was created.
    pub created: SimTime,
    /// True if the instance belongs to provisioned concurrency.
    pub provisioned: bool,
    /// True if the instance was started in advance and has had no request yet.
    pub unused: bool,
}
