//! The generic function platform: a request that finds no free instance starts one. Used for theory, for comparison with
//! other simulators, and for keep-alive policies of the literature.

mod histogram;

use serde::{Deserialize, Serialize};

use crate::assumption::Assumption;
use crate::rng::Draws;
use crate::sim::fact::Reject;
use crate::sim::platform::{
    Admission, FleetView, InstanceView, KeepAlive, Lifetime, Platform, PlatformKind, PlatformSpec, Shape,
};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};
use histogram::Histograms;
pub use histogram::HybridHistogram;

/// `[platform.scale-per-request]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ScalePerRequestSpec {
    /// Time after which an instance ends.
    pub keep_alive: SimDuration,
    /// From when that time counts.
    pub keep_alive_clock: Clock,
    /// Keep-alive and pre-warming learned from the idle times of each function, in place of a fixed keep-alive time.
    pub hybrid_histogram: Option<HybridHistogram>,
    /// Which of several free instances takes a request.
    pub routing: Routing,
    /// Requests that one instance serves at a time.
    pub concurrency: u32,
    /// The most instances of a function; `None`: no limit.
    pub max_instances: Option<u32>,
    /// The rule for requests at that limit.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// From the end of the last request.
    LastUse,
    /// From the creation of the instance; a busy instance ends when its last request does.
    Creation,
    /// Never: instances do not end.
    Never,
}

/// The rule for a request if there is the largest allowed number of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// It is turned away.
    Reject,
    /// It waits, first come first served.
    Wait,
}

/// Instances that exist at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Initial {
    /// Without a request.
    pub idle: u32,
    /// With one request in service.
    pub busy: u32,
}

impl Default for ScalePerRequestSpec {
    fn default() -> Self {
        Self {
            keep_alive: SimDuration::from_secs(600),
            keep_alive_clock: Clock::LastUse,
            hybrid_histogram: None,
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

impl PlatformKind for ScalePerRequestSpec {
    fn without_limits(&self) -> Option<PlatformSpec> {
        self.max_instances.map(|_| {
            PlatformSpec::ScalePerRequest(Self {
                max_instances: None,
                ..self.clone()
            })
        })
    }

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
        if let Some(histogram) = &self.hybrid_histogram {
            problems.extend(histogram.problems());
            if self.concurrency > 1 {
                problems.push(
                    "`hybrid-histogram` is about instances that serve one request at a time: `concurrency = 1`".into(),
                );
            }
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        self.hybrid_histogram.iter().map(HybridHistogram::assumption).collect()
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
            queue_timeout: None,
            queue_refuses: false,
            starts_ahead: self.hybrid_histogram.is_some(),
            initial: InitialState {
                idle: self.initial.idle,
                busy: self.initial.busy,
            },
        }
    }

    fn couples(&self) -> bool {
        false
    }

    fn build(&self, _: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(ScalePerRequest {
            spec: self.clone(),
            histograms: self.hybrid_histogram.map(Histograms::new),
        })
    }
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct ScalePerRequest {
    spec: ScalePerRequestSpec,
    histograms: Option<Histograms>,
}

impl Platform for ScalePerRequest {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if let Some(histograms) = &mut self.histograms {
            histograms.arrived(view);
        }
        let full = self.spec.max_instances.is_some_and(|max| view.instances >= max);
        if view.free {
            Admission::Warm
        } else if view.starting_free {
            Admission::Join
        } else if !full {
            Admission::Start
        } else if self.spec.queue == Overflow::Wait {
            Admission::Wait
        } else {
            Admission::Reject(Reject::MaxInstances)
        }
    }

    fn takes_free(&self, _: u16) -> bool {
        self.histograms.is_none()
    }

    fn lifetime(&mut self, instance: &InstanceView) -> Option<Lifetime> {
        if self.histograms.is_some() {
            return None;
        }
        Some(match self.spec.keep_alive_clock {
            Clock::LastUse => Lifetime {
                idle: self.spec.keep_alive,
                ..Lifetime::FOREVER
            },
            Clock::Creation => Lifetime {
                latest: instance.created + self.spec.keep_alive,
                ..Lifetime::FOREVER
            },
            Clock::Never => Lifetime::FOREVER,
        })
    }

    fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        let histograms = self.histograms.as_mut();
        histograms.map_or(KeepAlive::Forever, |histograms| histograms.idle(instance))
    }
}
