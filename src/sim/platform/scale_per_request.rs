//! The generic function platform: a request that finds no free instance starts one. Used for theory, and for comparison
//! with other simulators.

use serde::{Deserialize, Serialize};

use crate::rng::Draws;
use crate::sim::fact::Reject;
use crate::sim::platform::{Admission, FleetView, InstanceView, KeepAlive, Kind, Platform, Shape};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// `[platform.scale-per-request]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Spec {
    /// Time after which an instance ends.
    pub keep_alive: SimDuration,
    /// From when that time counts.
    pub keep_alive_clock: Clock,
    /// Which of several free instances takes a request.
    pub routing: Routing,
    /// Requests that one instance serves at a time.
    pub concurrency: u32,
    /// The most instances of a function; `None`: no limit.
    pub max_instances: Option<u32>,
    /// What happens to a request at that limit.
    pub queue: Overflow,
    /// Instances that exist at the start.
    pub initial: Initial,
    /// CPU of an instance: names the measured configuration of a profile.
    pub cpu: MilliCpu,
    /// Memory of an instance; `None`: as measured.
    pub memory: Option<MemoryMib>,
}

/// From when the keep-alive time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// From the end of the last request.
    LastUse,
    /// From the creation of the instance; a busy instance ends when its last request does.
    Creation,
}

/// What happens to a request when there are as many instances as allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// It is turned away.
    Reject,
    /// It waits, first come first served.
    Wait,
}

/// Instances that exist at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Initial {
    /// Without a request.
    pub idle: u32,
    /// With one request in service.
    pub busy: u32,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            keep_alive: SimDuration::from_secs(600),
            keep_alive_clock: Clock::LastUse,
            routing: Routing::Newest,
            concurrency: 1,
            max_instances: None,
            queue: Overflow::Reject,
            initial: Initial::default(),
            cpu: MilliCpu(1000),
            memory: None,
        }
    }
}

impl Kind for Spec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.concurrency == 0 {
            problems.push("`concurrency` must be at least 1".into());
        }
        if self.max_instances == Some(0) {
            problems.push("`max-instances` must be at least 1; leave it out for no limit".into());
        }
        if let Some(max) = self.max_instances
            && self.initial.idle.saturating_add(self.initial.busy) > max
        {
            problems.push("`initial` has more instances than `max-instances` allows".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<String> {
        Vec::new()
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu,
            memory: self.memory,
            concurrency: self.concurrency,
            routing: self.routing,
            timeout: None,
            init_limit: None,
            queue_timeout: None,
            initial: InitialState {
                idle: self.initial.idle,
                busy: self.initial.busy,
            },
        }
    }

    fn build(&self, _: Draws) -> Box<dyn Platform> {
        Box::new(ScalePerRequest(self.clone()))
    }
}

/// The platform at work.
#[derive(Debug)]
pub struct ScalePerRequest(Spec);

impl Platform for ScalePerRequest {
    fn admit(&mut self, view: &FleetView) -> Admission {
        let full = self.0.max_instances.is_some_and(|max| view.instances >= max);
        if view.free {
            Admission::Warm
        } else if view.starting_free {
            Admission::Join
        } else if !full {
            Admission::Start
        } else if self.0.queue == Overflow::Wait {
            Admission::Wait
        } else {
            Admission::Reject(Reject::MaxInstances)
        }
    }

    fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        let until = match self.0.keep_alive_clock {
            Clock::LastUse => instance.now + self.0.keep_alive,
            Clock::Creation => instance.created + self.0.keep_alive,
        };
        if until <= instance.now {
            KeepAlive::Stop
        } else {
            KeepAlive::Until(until)
        }
    }
}
