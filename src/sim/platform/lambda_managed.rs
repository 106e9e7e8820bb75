//! AWS Lambda Managed Instances: environments that serve several requests at a time, on EC2 instances of the customer's own
//! account. Requests never wait for a start: environments are added in the background, and what finds no free slot is
//! throttled.
//!
//! Sources: AWS documentation, "Lambda Managed Instances" (sizes, at least three instances and three environments, traffic
//! that doubles within five minutes may be throttled), read 2026. Not published, and choices here: how often load is looked
//! at, over which time, the target, how long an EC2 instance takes to launch, and when capacity goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::{Draws, Purpose};
use crate::sim::fact::Reject;
use crate::sim::platform::billed_by::{BilledBy, HostTime};
use crate::sim::platform::kubernetes::ClusterPlan;
use crate::sim::platform::window::{LastMinute, WINDOW};
use crate::sim::platform::{
    Admission, FleetView, InstanceView, Lifetime, Platform, PlatformKind, Scale, Shape, Ticks, Used,
};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};

/// EC2 instances, one in each zone, and environments that are up before a version is active.
const FEWEST: u32 = 3;
/// `[platform.lambda-managed]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LambdaManagedSpec {
    /// Memory of an environment.
    pub memory: MemoryMib,
    /// GiB of memory for each vCPU: 2, 4 or 8.
    pub memory_per_vcpu: u32,
    /// Requests that an environment serves at a time for each vCPU.
    pub concurrency_per_vcpu: u32,
    /// Fewest environments.
    pub min_environments: u32,
    /// Most environments.
    pub max_environments: u32,
    /// vCPU of an EC2 instance.
    pub instance_vcpu: u32,
    /// Its type, for the bill; `None`: the one that the price list names for this size.
    pub instance_type: Option<String>,
    /// From the decision to launch an EC2 instance to its first environment beginning to start.
    pub instance_launch: SimDuration,
    /// Mean share of the concurrency, and of the CPU, that environments are added for.
    pub target: f64,
    /// How often load is looked at.
    pub evaluation: SimDuration,
    /// Time with fewer environments wanted after which idle ones end.
    pub scale_in_after: SimDuration,
    /// Which of several environments with a free slot takes a request.
    pub routing: Routing,
}

impl Default for LambdaManagedSpec {
    fn default() -> Self {
        Self {
            memory: MemoryMib(2048),
            memory_per_vcpu: 2,
            concurrency_per_vcpu: 16,
            min_environments: FEWEST,
            max_environments: 1000,
            instance_vcpu: 4,
            instance_type: None,
            instance_launch: SimDuration::from_secs(60),
            target: 0.7,
            evaluation: SimDuration::from_secs(10),
            scale_in_after: SimDuration::from_secs(300),
            routing: Routing::LeastOutstanding,
        }
    }
}

impl LambdaManagedSpec {
    fn cpu(&self) -> MilliCpu {
        MilliCpu((u64::from(self.memory.0) * 1000 / (1024 * u64::from(self.memory_per_vcpu.max(1)))) as u32)
    }

    fn concurrency(&self) -> u32 {
        (u64::from(self.concurrency_per_vcpu) * u64::from(self.cpu().0) / 1000).clamp(1, 1600) as u32
    }

    /// Environments on one EC2 instance.
    fn per_instance(&self) -> u32 {
        (self.instance_vcpu * 1000 / self.cpu().0.max(1)).max(1)
    }
}

impl PlatformKind for LambdaManagedSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(2048..=32_768).contains(&self.memory.0) {
            problems.push(format!("`memory` is {}, environments have 2Gi to 32Gi", self.memory));
        }
        if ![2, 4, 8].contains(&self.memory_per_vcpu) {
            problems.push(format!(
                "`memory-per-vcpu` is {}, environments have 2, 4 or 8 GiB for each vCPU",
                self.memory_per_vcpu
            ));
        } else if self.cpu().0 < 1000 {
            problems.push("an environment has at least one vCPU: raise `memory` or lower `memory-per-vcpu`".into());
        } else if self.cpu().0 > self.instance_vcpu * 1000 {
            problems.push("an environment does not fit onto an instance: raise `instance-vcpu`".into());
        }
        if !(1..=64).contains(&self.concurrency_per_vcpu) {
            problems.push(format!(
                "`concurrency-per-vcpu` is {}, 1 to 64 are offered",
                self.concurrency_per_vcpu
            ));
        }
        if self.min_environments < FEWEST || self.min_environments > self.max_environments {
            problems.push(format!(
                "`min-environments` must be at least {FEWEST} and not above `max-environments`"
            ));
        }
        if !(self.target > 0.0 && self.target <= 1.0) {
            problems.push(format!("`target` is {}; it must be above 0 and at most 1", self.target));
        }
        if self.evaluation < SimDuration::from_secs(1) || self.evaluation > WINDOW {
            problems.push("`evaluation` must be between 1s and 60s".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![
            Topic::Capacity.factor(format!(
                "every {} enough managed environments of {} requests each are wanted for {} of concurrency and CPU over the last \
                 minute (not published; a choice)",
                self.evaluation,
                self.concurrency(),
                self.target,
            )),
            Topic::Capacity.large(format!(
                "there are at least {} managed environments, and fewer than before only after {} (not published; a choice)",
                self.min_environments, self.scale_in_after
            )),
            Topic::Capacity
                .large(format!(
                    "an EC2 instance holds {} managed environments and takes {} to launch (a choice), and at least {FEWEST} are \
                     there",
                    self.per_instance(),
                    self.instance_launch
                ))
                .source("AWS documentation, \"Lambda Managed Instances\"", "2026"),
            Topic::Capacity.note("a request to a managed function without a free slot is throttled"),
        ]
    }

    fn billed_by<'a>(&'a self, _: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::HostTime(HostTime {
            cpu: MilliCpu(1000 * self.instance_vcpu),
            memory: MemoryMib(1024 * self.memory_per_vcpu * self.instance_vcpu),
            machine_type: self.instance_type.as_deref(),
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu(),
            boost: None,
            memory: Some(self.memory),
            concurrency: self.concurrency(),
            routing: self.routing,
            timeout: None,
            init_limit: None,
            queue_timeout: None,
            queue_refuses: false,
            starts_ahead: true,
            initial: InitialState {
                idle: self.min_environments,
                busy: 0,
            },
        }
    }

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        let share = draws.stream(Purpose::Phase, 0).uniform(0);
        Box::new(LambdaManaged {
            first: SimTime::ZERO + self.evaluation.scale(share),
            spec: self.clone(),
            functions: BTreeMap::new(),
        })
    }
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct LambdaManaged {
    spec: LambdaManagedSpec,
    /// When load is looked at first.
    first: SimTime,
    functions: BTreeMap<(u16, u32), Function>,
}

/// The state of a function.
#[derive(Debug, Default)]
struct Function {
    /// Its load.
    minute: LastMinute,
    /// EC2 instances beyond the fewest: when each is there.
    launched: Vec<SimTime>,
    /// Since when fewer environments are wanted than there are.
    low_since: Option<SimTime>,
}

impl Platform for LambdaManaged {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            Admission::Warm
        } else {
            Admission::Reject(Reject::Concurrency)
        }
    }

    fn takes_free(&self, _: u16) -> bool {
        true
    }

    fn lifetime(&mut self, _: &InstanceView) -> Option<Lifetime> {
        Some(Lifetime::FOREVER)
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
        let wanted = spec.wanted(function, view.now, used);
        let mut scale = Scale::default();
        let hosts = |function: &Function| Some(FEWEST + function.launched.len() as u32);
        if wanted < view.instances {
            let since = *function.low_since.get_or_insert(view.now);
            if view.now.since(since) >= spec.scale_in_after {
                scale.stop = view.instances - wanted;
                let needed = wanted.div_ceil(spec.per_instance()).saturating_sub(FEWEST);
                function.launched.truncate(needed as usize);
            }
            scale.hosts = hosts(function);
            return scale;
        }
        function.low_since = None;
        let needed = wanted.div_ceil(spec.per_instance()).saturating_sub(FEWEST) as usize;
        if needed > function.launched.len() {
            function.launched.resize(needed, view.now + spec.instance_launch);
        }
        scale.hosts = hosts(function);
        let there = function.launched.iter().filter(|&&ready| ready <= view.now).count() as u32;
        let room = (FEWEST + there) * spec.per_instance();
        scale.start = wanted.min(room).saturating_sub(view.instances);
        scale
    }
}

impl LambdaManagedSpec {
    /// Environments that the load of the last minute asks for.
    fn wanted(&self, function: &mut Function, now: SimTime, used: &Used) -> u32 {
        let load = function.minute.look(now, used, self.evaluation);
        let wanted = load.instances((self.concurrency(), self.target), (self.cpu(), self.target));
        wanted.clamp(self.min_environments, self.max_environments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the numbers of instances that are started and stopped at each evaluation, every 10 s, with
    /// `busy(second)` requests in flight.
    fn looks(spec: &LambdaManagedSpec, until: u64, busy: impl Fn(u64) -> i128) -> Vec<(u64, u32)> {
        assert_eq!(spec.problems(), Vec::<String>::new());
        let mut platform = spec.build(Draws::new(1, 0), &["f"]);
        let (mut instances, mut area, mut seen) = (spec.min_environments, 0, Vec::new());
        for second in 1..=until {
            area += 1_000_000_000 * busy(second);
            if second % 10 > 0 {
                continue;
            }
            let view = FleetView {
                free: true,
                instances,
                in_flight: busy(second) as u32,
                ..FleetView::empty(SimTime::ZERO + SimDuration::from_secs(second))
            };
            let used = Used {
                in_flight: area,
                ..Used::default()
            };
            let scale = platform.scale(&view, &used);
            instances = instances + scale.start - scale.stop;
            seen.push((second, instances));
        }
        seen
    }

    /// 16 at a time on one vCPU each; four on an EC2 instance, twelve on the three that are there.
    #[test]
    fn environments_beyond_the_first_instances_wait_for_a_launch() {
        let spec = LambdaManagedSpec::default();
        // 220 requests in flight want 220 / (16 x 0.7) = 20 environments, on five EC2 instances.
        let seen = looks(&spec, 200, |second| if second > 10 { 220 } else { 0 });
        let at = |second: u64| seen.iter().find(|s| s.0 == second).unwrap().1;
        assert_eq!(at(10), 3);
        // A sixth of a minute of it, a third, half.
        assert_eq!([at(20), at(30), at(40)], [4, 7, 10]);
        // 14 at 50 s and 17 at 60 s, for each of which an instance more is launched, there a minute later.
        assert_eq!([at(50), at(60), at(100)], [12, 12, 12]);
        assert_eq!(at(110), 16);
        assert_eq!(at(130), 20);
    }

    #[test]
    fn environments_go_after_a_time_with_less_load() {
        let spec = LambdaManagedSpec::default();
        let seen = looks(&spec, 800, |second| if second <= 300 { 110 } else { 20 });
        let at = |second: u64| seen.iter().find(|s| s.0 == second).unwrap().1;
        assert_eq!(at(300), 10);
        assert_eq!(at(600), 10);
        // 20 / 11.2 is below the fewest.
        assert_eq!(at(620), 3);
    }
}
