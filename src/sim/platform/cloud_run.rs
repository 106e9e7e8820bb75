//! Google Cloud Run services: several requests per instance, instances started for requests that wait and by load, and idle
//! instances that stay for a while.
//!
//! Sources: Cloud Run documentation, "About instance autoscaling", "Maximum concurrent requests", "CPU limits", "Request
//! timeout", read 2026. Not published, and choices here: how often load is looked at (older texts: about every 5 s), which
//! instance takes a request, how many are started for waiting requests, the mean of which starts bounds their wait, and how
//! fast idle instances end.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::{Draws, Purpose};
use crate::sim::platform::billed_by::{BilledBy, Counted, InstanceTime};
use crate::sim::platform::kubernetes::ClusterPlan;
use crate::sim::platform::window::{LastMinute, WINDOW};
use crate::sim::platform::{
    Admission, Boost, FleetView, InstanceView, KeepAlive, Platform, PlatformKind, PlatformSpec, Scale, Shape, Ticks,
    Used,
};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};

/// A request waits this often the mean time of a start, and at least [`LEAST_WAIT`]. Source: "About instance autoscaling".
const WAIT_PER_START: f64 = 3.5;
const LEAST_WAIT: SimDuration = SimDuration::from_secs(10);
/// Starts over which that mean is taken.
const STARTS: usize = 20;

/// The billing mode of Cloud Run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Billing {
    /// Requests, and the time in which an instance starts or has one.
    Request,
    /// The whole life of an instance.
    Instance,
}

/// `[platform.cloud-run]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CloudRunSpec {
    /// CPU of an instance.
    pub cpu: MilliCpu,
    /// Memory of an instance.
    pub memory: MemoryMib,
    /// The billing mode.
    pub billing: Billing,
    /// Requests that one instance serves at a time; `None`: 80, or 1 below one vCPU.
    pub concurrency: Option<u32>,
    /// Instances that are always there.
    pub min_instances: u32,
    /// Most instances.
    pub max_instances: u32,
    /// True if an instance has more CPU while it starts and for 10 s afterwards.
    pub startup_cpu_boost: bool,
    /// A request that is not answered in this time, waiting and starting included, ends with an error.
    pub timeout: SimDuration,
    /// Mean CPU utilisation that instances are started for.
    pub cpu_target: f64,
    /// Mean share of the concurrency that instances are started for.
    pub concurrency_target: f64,
    /// An instance without a request ends after this time, unless load asks for it.
    pub idle_timeout: SimDuration,
    /// How often load is looked at.
    pub evaluation: SimDuration,
    /// Which of several instances with a free slot takes a request.
    pub routing: Routing,
}

impl Default for CloudRunSpec {
    fn default() -> Self {
        Self {
            cpu: MilliCpu(1000),
            memory: MemoryMib(512),
            billing: Billing::Request,
            concurrency: None,
            min_instances: 0,
            max_instances: 100,
            startup_cpu_boost: false,
            timeout: SimDuration::from_secs(300),
            cpu_target: 0.6,
            concurrency_target: 0.6,
            idle_timeout: SimDuration::from_secs(900),
            evaluation: SimDuration::from_secs(5),
            routing: Routing::MostLoaded,
        }
    }
}

/// Least and most memory in MiB from so many thousandths of a vCPU on. Source: "CPU limits".
const MEMORY: [(u32, u32, u32); 7] = [
    (0, 128, 512),
    (500, 128, 1024),
    (1000, 128, 4096),
    (2000, 128, 8192),
    (4000, 2048, 16_384),
    (6000, 4096, 24_576),
    (8000, 4096, 32_768),
];

/// CPU while an instance starts, and until [`BOOST_LASTS`] afterwards, from so many thousandths of a vCPU on. Source: "CPU
/// limits" for the feature; the table is not confirmed.
const BOOST: [(u32, u32); 3] = [(0, 2000), (2000, 4000), (4000, 8000)];
const BOOST_LASTS: SimDuration = SimDuration::from_secs(10);

impl CloudRunSpec {
    fn boost(&self) -> Option<Boost> {
        let step = BOOST.into_iter().rfind(|step| self.cpu.0 >= step.0);
        let (_, cpu) = step.filter(|_| self.startup_cpu_boost)?;
        Some(Boost {
            cpu: MilliCpu(cpu),
            lasts: BOOST_LASTS,
        })
    }

    fn concurrency(&self) -> u32 {
        self.concurrency.unwrap_or(if self.cpu.0 < 1000 { 1 } else { 80 })
    }
}

impl PlatformKind for CloudRunSpec {
    fn without_limits(&self) -> Option<PlatformSpec> {
        Some(PlatformSpec::CloudRun(Self {
            max_instances: u32::MAX,
            ..self.clone()
        }))
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let cpu = self.cpu.as_vcpu();
        match self.cpu.0 {
            80..1000 | 1000 | 2000 | 4000 | 6000 | 8000 => {}
            _ => problems.push(format!(
                "`cpu` is {cpu}, Cloud Run offers 0.08 to 1, 2, 4, 6 and 8 vCPU"
            )),
        }
        if self.cpu.0 < 1000 && self.concurrency() > 1 {
            problems.push("below one vCPU Cloud Run serves one request at a time: `concurrency = 1`".into());
        }
        if self.cpu.0 < 1000 && self.billing == Billing::Instance {
            problems.push("below one vCPU Cloud Run bills by request: `billing = \"request\"`".into());
        }
        if !(1..=1000).contains(&self.concurrency()) {
            problems.push(format!(
                "`concurrency` is {}, Cloud Run offers 1 to 1000",
                self.concurrency()
            ));
        }
        let band = MEMORY.into_iter().rfind(|band| self.cpu.0 >= band.0);
        let (_, least, most) = band.unwrap_or(MEMORY[0]);
        if !(least..=most).contains(&self.memory.0) {
            problems.push(format!(
                "`memory` is {}, Cloud Run offers {} to {} with {cpu} vCPU",
                self.memory,
                MemoryMib(least),
                MemoryMib(most)
            ));
        }
        if self.max_instances == 0 || self.min_instances > self.max_instances {
            problems.push("`max-instances` must be at least 1 and not below `min-instances`".into());
        }
        if self.timeout < SimDuration::from_secs(1) || self.timeout > SimDuration::from_secs(3600) {
            problems.push(format!("`timeout` is {}, Cloud Run offers 1s to 3600s", self.timeout));
        }
        for (key, target) in [
            ("cpu-target", self.cpu_target),
            ("concurrency-target", self.concurrency_target),
        ] {
            if !(0.1..=0.95).contains(&target) {
                problems.push(format!("`{key}` is {target}, Cloud Run offers 0.10 to 0.95"));
            }
        }
        if self.evaluation < SimDuration::from_secs(1) || self.evaluation > WINDOW {
            problems.push("`evaluation` must be between 1s and 60s".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::Capacity.large(format!(
                "Cloud Run looks at load every {} (a choice) and wants instances for {} of CPU and {} of concurrency over the last \
                 minute",
                self.evaluation, self.cpu_target, self.concurrency_target
            )),
            Topic::Capacity.large(format!(
                "Cloud Run starts an instance for every {} waiting requests that no starting instance will take",
                self.concurrency()
            )),
            Topic::Capacity
                .large(format!(
                    "a request waits for Cloud Run {WAIT_PER_START} times the mean of the last {STARTS} starts, at least \
                     {LEAST_WAIT}, and is turned away then (which starts count is a choice)"
                ))
                .source("Cloud Run documentation, \"About instance autoscaling\"", "2026"),
            Topic::ColdStart
                .large(format!(
                    "Cloud Run ends an instance after {} without a request unless load asks for it (a choice; documented are up to \
                     15 min)",
                    self.idle_timeout
                ))
                .source("Cloud Run documentation, \"About instance autoscaling\"", "2026"),
            Topic::Platform.small(format!(
                "Cloud Run routes a request by the rule `{}` (a choice)",
                self.routing.name(),
            )),
            Topic::Platform.note(format!(
                "a request to Cloud Run ends with an error after {}, waiting included; the instance works on",
                self.timeout
            )),
        ];
        if let Some(boost) = self.boost() {
            lines.push(
                Topic::ColdStart
                    .large(format!(
                        "an instance has {} vCPU while it starts and for {} afterwards (the table is not confirmed)",
                        boost.cpu.as_vcpu(),
                        boost.lasts
                    ))
                    .source("Cloud Run documentation, \"CPU limits\", startup CPU boost", "2026"),
            );
            lines.push(
                Topic::ColdStart
                    .small("starts are those that were measured with more CPU until ready, where a profile has them"),
            );
        }
        lines
    }

    fn billed_by<'a>(&'a self, _: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::InstanceTime(InstanceTime {
            cpu: self.cpu,
            memory: self.memory,
            counted: match self.billing {
                Billing::Request => Counted::Active,
                Billing::Instance => Counted::Lifetime,
            },
            min_instances: self.min_instances,
            boost: self.shape().boost,
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu,
            boost: self.boost(),
            memory: Some(self.memory),
            concurrency: self.concurrency(),
            routing: self.routing,
            timeout: None,
            init_limit: None,
            queue_timeout: None,
            queue_refuses: true,
            starts_ahead: true,
            initial: InitialState {
                idle: self.min_instances,
                busy: 0,
            },
        }
    }

    fn request_timeout(&self) -> Option<SimDuration> {
        Some(self.timeout)
    }

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        let share = draws.stream(Purpose::Phase, 0).uniform(0);
        Box::new(CloudRun {
            first: SimTime::ZERO + self.evaluation.scale(share),
            spec: self.clone(),
            functions: BTreeMap::new(),
        })
    }
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct CloudRun {
    spec: CloudRunSpec,
    /// When load is looked at first.
    first: SimTime,
    functions: BTreeMap<(u16, u32), Function>,
}

/// The state of a service on Cloud Run.
#[derive(Debug, Default)]
struct Function {
    /// The last starts.
    starts: VecDeque<SimDuration>,
    /// Its load.
    minute: LastMinute,
    /// Instances that load asks for.
    wanted: u32,
}

impl Function {
    /// How long a request may wait.
    fn longest_wait(&self) -> SimDuration {
        if self.starts.is_empty() {
            return LEAST_WAIT;
        }
        let sum: u128 = self.starts.iter().map(|start| u128::from(start.0)).sum();
        let mean = SimDuration((sum / self.starts.len() as u128) as u64);
        mean.scale(WAIT_PER_START).max(LEAST_WAIT)
    }
}

impl Platform for CloudRun {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            return Admission::Warm;
        }
        let function = self.functions.entry((view.service, view.function)).or_default();
        let needed = (view.queued + 1).div_ceil(self.spec.concurrency());
        Admission::Queue {
            at_most: function.longest_wait(),
            start: needed > view.starting && view.instances < self.spec.max_instances,
        }
    }

    fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        KeepAlive::Until(instance.now + self.spec.idle_timeout)
    }

    fn expired(&mut self, instance: &InstanceView, instances: u32) -> KeepAlive {
        let function = self.functions.entry((instance.service, instance.function)).or_default();
        if instances > function.wanted.max(self.spec.min_instances) {
            KeepAlive::Stop
        } else {
            KeepAlive::Until(instance.now + self.spec.evaluation)
        }
    }

    fn came_up(&mut self, service: u16, function: u32, _: SimTime, took: SimDuration) {
        let starts = &mut self.functions.entry((service, function)).or_default().starts;
        if starts.len() == STARTS {
            starts.pop_front();
        }
        starts.push_back(took);
    }

    fn ticks(&self, _: u16) -> Option<Ticks> {
        Some(Ticks {
            first: self.first,
            every: self.spec.evaluation,
        })
    }

    fn scale(&mut self, view: &FleetView, used: &Used) -> Scale {
        let spec = &self.spec;
        let function = self.functions.entry((view.service, view.function)).or_default();
        let load = function.minute.look(view.now, used, spec.evaluation);
        let wanted = load.instances(
            (spec.concurrency(), spec.concurrency_target),
            (spec.cpu, spec.cpu_target),
        );
        function.wanted = wanted.clamp(spec.min_instances, spec.max_instances);
        Scale {
            start: function.wanted.saturating_sub(view.instances),
            ..Scale::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> CloudRunSpec {
        toml::from_str(text).unwrap()
    }

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn view(seconds: u64) -> FleetView {
        FleetView::empty(at(seconds))
    }

    #[test]
    fn a_request_waits_three_and_a_half_starts_and_at_least_ten_seconds() {
        let mut platform = CloudRunSpec::default().build(Draws::new(1, 0), &["f"]);
        let mut wait = |starts: &[u64]| {
            starts
                .iter()
                .for_each(|&s| platform.came_up(0, 0, at(0), SimDuration::from_secs(s)));
            match platform.admit(&view(0)) {
                Admission::Queue { at_most, .. } => at_most,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(wait(&[]), SimDuration::from_secs(10));
        assert_eq!(wait(&[2]), SimDuration::from_secs(10));
        assert_eq!(wait(&[6]), SimDuration::from_secs(14));
        // The mean of the last twenty.
        assert_eq!(wait(&[8; 20]), SimDuration::from_secs(28));
    }

    #[test]
    fn an_instance_is_started_for_every_eighty_waiting_requests() {
        let mut platform = spec("max-instances = 3").build(Draws::new(1, 0), &["f"]);
        // Waiting requests, starting instances and all instances before one more request: is one started?
        for (queued, starting, instances, starts) in [
            (0, 0, 0, true),
            (1, 1, 1, false),
            (79, 1, 1, false),
            (80, 1, 1, true),
            (81, 2, 2, false),
            (160, 2, 2, true),
            (240, 3, 3, false),
            (0, 0, 3, false),
        ] {
            let view = FleetView {
                queued,
                starting,
                instances,
                ..view(0)
            };
            let Admission::Queue { start, .. } = platform.admit(&view) else {
                panic!("{view:?}")
            };
            assert_eq!(start, starts, "{view:?}");
        }
    }

    #[test]
    fn load_of_a_minute_over_the_targets_is_what_is_wanted() {
        let mut platform = spec("concurrency = 10\ncpu = '2'").build(Draws::new(1, 0), &["f"]);
        let mut wanted = Vec::new();
        for second in (5..=180).step_by(5) {
            // Thirty requests in flight on three vCPU from the second minute on.
            let busy = i128::from(second.max(60) - 60) * 1_000_000_000;
            let used = Used {
                in_flight: 30 * busy,
                cpu: 3_000 * busy as u128,
                ..Used::default()
            };
            wanted.push((second, platform.scale(&view(second), &used).start));
        }
        // 30 / (10 x 0.6) = 5 for concurrency, 3 / (2 x 0.6) = 2.5 for CPU, once the window is full of it.
        assert!(wanted.iter().all(|&(second, n)| second > 60 || n == 0), "{wanted:?}");
        assert!(wanted.iter().all(|&(second, n)| second < 120 || n == 5), "{wanted:?}");
        assert_eq!(wanted.iter().find(|w| w.0 == 90).unwrap().1, 3);
    }

    #[test]
    fn idle_instances_stay_while_load_or_the_minimum_asks_for_them() {
        let mut platform = spec("min-instances = 2").build(Draws::new(1, 0), &["f"]);
        let instance = InstanceView {
            now: at(1_000),
            service: 0,
            function: 0,
            entity: 0,
            ordinal: 0,
            created: at(0),
            provisioned: false,
            unused: false,
        };
        assert_eq!(platform.idle(&instance), KeepAlive::Until(at(1_900)));
        assert_eq!(platform.expired(&instance, 3), KeepAlive::Stop);
        assert_eq!(platform.expired(&instance, 2), KeepAlive::Until(at(1_005)));
    }

    #[test]
    fn sizes_are_those_that_cloud_run_offers() {
        for (text, problems) in [
            ("", 0),
            ("cpu = '0.5'", 0),
            ("cpu = '0.5'\nconcurrency = 2", 1),
            ("cpu = '0.5'\nbilling = 'instance'", 1),
            ("billing = 'instance'", 0),
            ("cpu = '3'", 1),
            ("cpu = '4'\nmemory = '1Gi'", 1),
            ("cpu = '1'\nmemory = '8Gi'", 1),
            ("min-instances = 5\nmax-instances = 3", 1),
            ("concurrency = 1001", 1),
            ("cpu-target = 0.05", 1),
        ] {
            assert_eq!(
                spec(text).problems().len(),
                problems,
                "{text}: {:?}",
                spec(text).problems()
            );
        }
    }
}
