//! Platforms: who serves a request, who starts, who waits, who is turned away, and when an idle instance ends.
//!
//! A platform decides by returning values and changes nothing but its own memory (tokens, counters).

pub mod fixed;
pub mod lambda;
pub mod scale_per_request;

use crate::registry::registry;
use crate::rng::Draws;
use crate::sim::fact::Reject;
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};

registry! {
    /// A `[platform.<name>]` table.
    pub enum PlatformSpec: Kind {
        /// The generic function platform.
        "scale-per-request" => ScalePerRequest(scale_per_request::Spec),
        /// Instances that nobody scales.
        "fixed" => Fixed(fixed::Spec),
        /// AWS Lambda, on demand.
        "lambda" => Lambda(lambda::Spec),
    }
}

/// What every row of the registry can do.
pub trait Kind {
    /// Everything that is wrong with the settings, each with the way out.
    fn problems(&self) -> Vec<String>;

    /// Choices where the platform's documents are silent, and defaults that matter, in words.
    fn assumptions(&self) -> Vec<String>;

    /// What the platform gives each instance and each request.
    fn shape(&self) -> Shape;

    /// The platform at work.
    fn build(&self, draws: Draws) -> Box<dyn Platform>;
}

/// What a platform gives each instance and each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// CPU of an instance: names the measured configuration of a profile.
    pub cpu: MilliCpu,
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
    /// Instances of each function at the start.
    pub initial: InitialState,
}

/// What is to happen with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// An instance with a free slot takes it; which one is a matter of routing.
    Warm,
    /// It waits for an instance that is on its way up and has a free slot.
    Join,
    /// A new instance is started for it.
    Start,
    /// It waits in the function's queue.
    Wait,
    /// It is turned away.
    Reject(Reject),
}

/// How long an instance that just became idle may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// Until this instant, if it stays idle so long.
    Until(SimTime),
    /// As long as the run lasts.
    Forever,
    /// It ends at once.
    Stop,
}

/// What a platform sees of a function when a request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetView {
    /// The instant of the decision.
    pub now: SimTime,
    /// Position of the service.
    pub service: u16,
    /// Number of the function within the service.
    pub function: u32,
    /// Whether an instance that is up has a free slot.
    pub free: bool,
    /// Whether an instance that is on its way up has a free slot.
    pub starting_free: bool,
    /// Instances of the function: starting, busy and idle.
    pub instances: u32,
    /// Requests of the function in service or waiting for an instance that starts for them.
    pub in_flight: u32,
    /// Requests in the function's queue.
    pub queued: u32,
    /// Requests of all functions in service or waiting for an instance that starts for them.
    pub account_in_flight: u32,
}

/// What a platform sees of an instance that just became idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceView {
    /// The instant of the decision.
    pub now: SimTime,
    /// Position of the service.
    pub service: u16,
    /// Number of the function within the service.
    pub function: u32,
    /// Number of the instance, unique within its function.
    pub ordinal: u64,
    /// When it was created.
    pub created: SimTime,
}

/// A platform.
pub trait Platform: Send {
    /// Decides about a request.
    fn admit(&mut self, view: &FleetView) -> Admission;

    /// Decides about an instance that just became idle.
    fn idle(&mut self, instance: &InstanceView) -> KeepAlive;

    /// Instances of each function that are up from the start on and never end by themselves.
    fn replicas(&self) -> u32 {
        0
    }
}

/// Tokens that come back at a steady rate up to a capacity.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    /// Time that one token takes to come back.
    interval: SimDuration,
    /// The bucket is full again at this instant; every missing token puts it one interval further.
    full_at: SimTime,
    /// `full_at` is never further ahead than this.
    depth: SimDuration,
}

impl TokenBucket {
    /// A full bucket of `capacity` tokens of which `per_second` come back each second.
    pub(crate) fn new(capacity: f64, per_second: f64) -> Self {
        let interval = SimDuration::from_secs_f64(1.0 / per_second);
        Self {
            interval,
            full_at: SimTime::ZERO,
            depth: interval.scale(capacity),
        }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: SimTime) -> bool {
        let after = self.full_at.max(now) + self.interval;
        let granted = after <= now + self.depth;
        if granted {
            self.full_at = after;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_capacity_and_refills_steadily() {
        let mut bucket = TokenBucket::new(1_000.0, 100.0);
        let start = SimTime(5_000_000_000);
        assert_eq!((0..2_000).filter(|_| bucket.take(start)).count(), 1_000);
        let later = start + SimDuration::from_secs(3);
        assert_eq!((0..2_000).filter(|_| bucket.take(later)).count(), 300);
        let much_later = later + SimDuration::from_secs(3_600);
        assert_eq!((0..2_000).filter(|_| bucket.take(much_later)).count(), 1_000);
    }
}
