//! A fixed number of instances behind one queue: virtual machines or pods that nobody scales.

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::Draws;
use crate::sim::fact::Reject;
use crate::sim::platform::{Admission, FleetView, InstanceView, Lifetime, Platform, PlatformKind, Shape};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// `[platform.fixed]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FixedSpec {
    /// Instances of each function, up from the start on.
    pub replicas: u32,
    /// Requests that one instance serves at a time.
    pub concurrency: u32,
    /// The most waiting requests of a function; `None`: no limit.
    pub max_queue: Option<u32>,
    /// A request that waits longer gives up; `None`: never.
    pub queue_timeout: Option<SimDuration>,
    /// Which of several free instances takes a request.
    pub routing: Routing,
    /// CPU of an instance: names the measured configuration of a profile.
    pub cpu: MilliCpu,
    /// Memory of an instance; `None`: as measured.
    pub memory: Option<MemoryMib>,
}

impl Default for FixedSpec {
    fn default() -> Self {
        Self {
            replicas: 1,
            concurrency: 1,
            max_queue: None,
            queue_timeout: None,
            routing: Routing::LeastRecentlyUsed,
            cpu: MilliCpu(1000),
            memory: None,
        }
    }
}

impl PlatformKind for FixedSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.replicas == 0 {
            problems.push("`replicas` must be at least 1".into());
        }
        if self.concurrency == 0 {
            problems.push("`concurrency` must be at least 1".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![Topic::Price.note("`fixed` instances are up from the start and never restart; no price list covers them, so the bill is blank")]
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu,
            boost: None,
            memory: self.memory,
            concurrency: self.concurrency,
            routing: self.routing,
            timeout: None,
            init_limit: None,
            queue_timeout: self.queue_timeout,
            queue_refuses: false,
            starts_ahead: false,
            initial: InitialState::default(),
        }
    }

    fn couples(&self) -> bool {
        false
    }

    fn build(&self, _: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(Fixed(self.clone()))
    }
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct Fixed(FixedSpec);

impl Platform for Fixed {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            Admission::Warm
        } else if self.0.max_queue.is_some_and(|max| view.queued >= max) {
            Admission::Reject(Reject::QueueFull)
        } else {
            Admission::Wait
        }
    }

    fn takes_free(&self, _: u16) -> bool {
        true
    }

    fn lifetime(&mut self, _: &InstanceView) -> Option<Lifetime> {
        Some(Lifetime::FOREVER)
    }

    fn replicas(&self) -> u32 {
        self.0.replicas
    }
}
