//! Azure Functions on the Flex Consumption plan: as many instances as the requests in flight need, at once.
//!
//! Sources: Azure Functions documentation, "Flex Consumption plan", "Event-driven scaling" (HTTP scale is deterministic),
//! read 2026. The default concurrency of an instance by its size is not confirmed, and how long an instance without a
//! request stays is not documented: choices. CPU of an instance: 1 vCPU for each 2,048 MB, a choice after the size's share.

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::Draws;
use crate::sim::fact::Reject;
use crate::sim::platform::billed_by::{BilledBy, ExecutingTime};
use crate::sim::platform::kubernetes::ClusterPlan;
use crate::sim::platform::{Admission, FleetView, InstanceView, KeepAlive, Platform, PlatformKind, Shape};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// `[platform.azure-flex]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AzureFlexSpec {
    /// Memory of an instance: 512, 2,048 or 4,096 MB.
    pub instance_memory: MemoryMib,
    /// Requests that one instance serves at a time; `None`: 4, 16 or 32 by the size.
    pub http_concurrency: Option<u32>,
    /// Most instances of a function.
    pub maximum_instance_count: u32,
    /// Instances that are always there: the first ones that a function has.
    pub always_ready: u32,
    /// An instance without a request ends after this time.
    pub idle_timeout: SimDuration,
    /// Which of several instances with a free slot takes a request.
    pub routing: Routing,
}

impl Default for AzureFlexSpec {
    fn default() -> Self {
        Self {
            instance_memory: MemoryMib(2048),
            http_concurrency: None,
            maximum_instance_count: 100,
            always_ready: 0,
            idle_timeout: SimDuration::from_secs(300),
            routing: Routing::MostLoaded,
        }
    }
}

impl AzureFlexSpec {
    fn concurrency(&self) -> u32 {
        let by_size = match self.instance_memory.0 {
            512 => 4,
            4096 => 32,
            _ => 16,
        };
        self.http_concurrency.unwrap_or(by_size)
    }
}

impl PlatformKind for AzureFlexSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if ![512, 2048, 4096].contains(&self.instance_memory.0) {
            problems.push(format!(
                "`instance-memory` is {}, the plan offers 512Mi, 2048Mi and 4096Mi",
                self.instance_memory
            ));
        }
        if !(1..=1000).contains(&self.concurrency()) {
            problems.push(format!(
                "`http-concurrency` is {}, the plan offers 1 to 1000",
                self.concurrency()
            ));
        }
        if !(1..=1000).contains(&self.maximum_instance_count) {
            problems.push(format!(
                "`maximum-instance-count` is {}, the plan offers up to 1000",
                self.maximum_instance_count
            ));
        }
        if self.always_ready > self.maximum_instance_count {
            problems.push("`always-ready` must not be above `maximum-instance-count`".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![
            Topic::Capacity.factor(format!(
                "Azure Flex starts an instance as soon as more requests are in flight than its instances serve, {} on each (the \
                 default by size is not confirmed)",
                self.concurrency(),
            )),
            Topic::Capacity.large(format!(
                "an idle instance of Azure Flex ends after {} (not documented; a choice)",
                self.idle_timeout
            )),
            Topic::Platform.small(format!(
                "requests to Azure Flex go to instances by the rule `{}` (a choice)",
                self.routing.name()
            )),
        ]
    }

    fn billed_by<'a>(&'a self, _: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::ExecutingTime(ExecutingTime {
            memory: self.instance_memory,
            always_ready: self.always_ready,
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: MilliCpu(self.instance_memory.0 * 1000 / 2048),
            boost: None,
            memory: Some(self.instance_memory),
            concurrency: self.concurrency(),
            routing: self.routing,
            timeout: None,
            init_limit: None,
            queue_timeout: None,
            queue_refuses: false,
            starts_ahead: false,
            initial: InitialState {
                idle: self.always_ready,
                busy: 0,
            },
        }
    }

    fn couples(&self) -> bool {
        false
    }

    fn build(&self, _: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(AzureFlex(self.clone()))
    }
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct AzureFlex(AzureFlexSpec);

impl Platform for AzureFlex {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            Admission::Warm
        } else if view.starting_free {
            Admission::Join
        } else if view.instances < self.0.maximum_instance_count {
            Admission::Start
        } else {
            Admission::Reject(Reject::MaxInstances)
        }
    }

    fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        if instance.ordinal < u64::from(self.0.always_ready) {
            KeepAlive::Forever
        } else {
            KeepAlive::Until(instance.now + self.0.idle_timeout)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimTime;

    #[test]
    fn concurrency_and_cpu_follow_the_size() {
        for (memory, concurrency, cpu) in [(512, 4, 250), (2048, 16, 1000), (4096, 32, 2000)] {
            let spec = AzureFlexSpec {
                instance_memory: MemoryMib(memory),
                ..AzureFlexSpec::default()
            };
            assert_eq!(spec.problems(), Vec::<String>::new());
            assert_eq!((spec.shape().concurrency, spec.shape().cpu.0), (concurrency, cpu));
        }
    }

    #[test]
    fn always_ready_instances_stay_and_others_go() {
        let spec = AzureFlexSpec {
            always_ready: 2,
            ..AzureFlexSpec::default()
        };
        let mut platform = spec.build(Draws::new(1, 0), &["f"]);
        let now = SimTime::ZERO + SimDuration::from_secs(100);
        let mut idle = |ordinal| {
            platform.idle(&InstanceView {
                now,
                service: 0,
                function: 0,
                entity: 0,
                ordinal,
                created: SimTime::ZERO,
                provisioned: false,
                unused: false,
            })
        };
        assert_eq!([idle(0), idle(1)], [KeepAlive::Forever; 2]);
        assert_eq!(idle(2), KeepAlive::Until(now + SimDuration::from_secs(300)));
    }

    #[test]
    fn settings_beyond_the_plan_are_problems() {
        for text in [
            "instance-memory = '1Gi'",
            "http-concurrency = 0",
            "maximum-instance-count = 1001",
            "always-ready = 101",
        ] {
            let spec: AzureFlexSpec = toml::from_str(text).unwrap();
            assert_eq!(spec.problems().len(), 1, "{text}");
        }
    }
}
