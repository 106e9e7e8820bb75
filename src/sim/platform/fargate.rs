//! Amazon ECS services on AWS Fargate: tasks that have a machine of their own each, behind a load balancer.
//!
//! Sources: Amazon ECS Developer Guide, "Task CPU and memory" and service auto scaling; AWS Fargate pricing; Elastic Load
//! Balancing documentation, health checks (a registered target is healthy after one that it passes) and deregistration
//! delay; all read 2026. Choices: how long a machine takes to come, how fast an image is pulled and unpacked (published are
//! 53 to 62 s from creation to running for an image of 413 MB, to which the defaults were not fitted), and that a task
//! which is stopped ends with its last request.

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::model::dist::DistSpec;
use crate::rng::Draws;
use crate::sim::platform::billed_by::{BilledBy, TaskTime, factor_problem};
use crate::sim::platform::kubernetes::{ClusterPlan, Kubernetes, Plan, PodTemplate};
use crate::sim::platform::{Architecture, Platform, PlatformKind, RunsOn, Shape, TaskMachine};
use crate::sim::pool::Routing;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// Half of the machines come within 20 s, and 99 % within 40 s.
fn default_launch() -> DistSpec {
    DistSpec::lognormal(SimDuration::from_secs(20), SimDuration::from_secs(40))
}

/// `[platform.fargate]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FargateSpec {
    /// CPU of a task.
    pub cpu: MilliCpu,
    /// Memory of a task.
    pub memory: MemoryMib,
    /// Instruction set.
    pub architecture: Architecture,
    /// The seconds that a second on the instruction set of the profile's machine takes on this one, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture_time_factor: Option<f64>,
    /// Requests that are sent to one task at a time; `None`: any number.
    pub concurrency: Option<u32>,
    /// How the load balancer chooses.
    pub routing: Routing,
    /// `HealthCheckIntervalSeconds` of the target group; zero: a task is healthy as soon as it could answer.
    pub health_check_interval: SimDuration,
    /// Time that a task which is to end stays in the target group without new requests (`deregistration_delay.timeout_seconds`).
    pub deregistration_delay: SimDuration,
    /// Time that a task has to end before it is killed (`stopTimeout`).
    pub stop_timeout: SimDuration,
    /// Time until a task has a machine; `None`: lognormal with a median of 20 s and a 99th percentile of 40 s.
    #[serde(skip_serializing)]
    pub launch: Option<DistSpec>,
    /// Megabytes of a compressed image that come in a second.
    pub registry_mb_per_s: f64,
    /// Megabytes of an image that are unpacked in a second.
    pub unpack_mb_per_s: f64,
    /// `minimumHealthyPercent` and `maximumPercent` of a deployment.
    pub minimum_healthy_percent: u32,
    /// See above.
    pub maximum_percent: u32,
    /// When a new version is deployed, from the beginning of the run on.
    pub rollouts: Vec<SimDuration>,
}

impl Default for FargateSpec {
    fn default() -> Self {
        Self {
            cpu: MilliCpu(1000),
            memory: MemoryMib(2048),
            architecture: Architecture::X86_64,
            architecture_time_factor: None,
            concurrency: None,
            routing: Routing::RoundRobin,
            health_check_interval: SimDuration::from_secs(30),
            deregistration_delay: SimDuration::from_secs(300),
            stop_timeout: SimDuration::from_secs(30),
            launch: None,
            registry_mb_per_s: 100.0,
            unpack_mb_per_s: 50.0,
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            rollouts: Vec::new(),
        }
    }
}

/// Sizes: CPU in thousandths, least and most memory in MiB, and its step. Source: "Task CPU and memory".
const SIZES: [(u32, u32, u32, u32); 7] = [
    (250, 512, 2_048, 512),
    (500, 1_024, 4_096, 1_024),
    (1_000, 2_048, 8_192, 1_024),
    (2_000, 4_096, 16_384, 1_024),
    (4_000, 8_192, 30_720, 1_024),
    (8_000, 16_384, 61_440, 4_096),
    (16_000, 32_768, 122_880, 8_192),
];

/// Returns the problem of a task size; `None` if Fargate offers the size.
fn size_problem(cpu: MilliCpu, memory: MemoryMib) -> Option<String> {
    let Some(&(_, least, most, step)) = SIZES.iter().find(|size| size.0 == cpu.0) else {
        return Some(format!(
            "`cpu` is {}, Fargate offers 0.25, 0.5, 1, 2, 4, 8 and 16 vCPU",
            cpu.as_vcpu()
        ));
    };
    // The smallest size has 512 MiB, 1 and 2 GiB.
    let fits =
        (least..=most).contains(&memory.0) && memory.0.is_multiple_of(step) && !(cpu.0 == 250 && memory.0 == 1_536);
    (!fits).then(|| {
        format!(
            "`memory` is {memory}, Fargate offers {} to {} in steps of {} with {} vCPU",
            MemoryMib(least),
            MemoryMib(most),
            MemoryMib(step),
            cpu.as_vcpu()
        )
    })
}

impl FargateSpec {
    /// Its tasks.
    fn template(&self) -> PodTemplate {
        PodTemplate {
            cpu: self.cpu,
            memory: self.memory,
            concurrency: self.concurrency,
            routing: self.routing,
            hold: SimDuration::ZERO,
            readiness_period: self.health_check_interval,
            termination_grace: self.deregistration_delay + self.stop_timeout,
            max_surge: f64::from(self.maximum_percent.saturating_sub(100)) / 100.0,
            max_unavailable: f64::from(100 - self.minimum_healthy_percent.min(100)) / 100.0,
            rollouts: self.rollouts.clone(),
            ..PodTemplate::default()
        }
    }
}

impl PlatformKind for FargateSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(size_problem(self.cpu, self.memory));
        problems.extend(factor_problem(self.architecture_time_factor));
        if self.concurrency == Some(0) {
            problems.push("`concurrency` must be at least 1".into());
        }
        for (key, rate) in [
            ("registry-mb-per-s", self.registry_mb_per_s),
            ("unpack-mb-per-s", self.unpack_mb_per_s),
        ] {
            if !(rate.is_finite() && rate > 0.0) {
                problems.push(format!("`{key}` must be above 0"));
            }
        }
        if self.minimum_healthy_percent > 100 || self.maximum_percent < 100 {
            problems.push("`minimum-healthy-percent` is at most 100 and `maximum-percent` at least 100".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::Platform.small(format!(
                "a request goes to a healthy task by the rule `{}`, and is answered with 503 while there is none",
                self.routing.name()
            )),
            Topic::Platform.note("a task that is stopped gets no more requests and ends with its last one; tasks that the run begins with are healthy"),
            Topic::Platform.note("all functions of a service's traffic are one ECS service"),
            Topic::ColdStart.large(format!(
                "every task has a new machine and pulls its image whole, at {} MB/s, and unpacks it at {} MB/s (choices)",
                self.registry_mb_per_s, self.unpack_mb_per_s
            )),
        ];
        if self.health_check_interval > SimDuration::ZERO {
            lines.push(Topic::ColdStart.small(format!(
                "a task is checked every {} from the pull of its image on, and is healthy with the first answer",
                self.health_check_interval
            )));
        }
        lines
    }

    fn billed_by<'a>(&'a self, _: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::TaskTime(TaskTime {
            architecture: self.architecture,
        })
    }

    fn runs_on(&self) -> RunsOn {
        let machine = TaskMachine {
            launch: self.launch.clone().unwrap_or_else(default_launch),
            registry_mb_per_s: self.registry_mb_per_s,
            unpack_mb_per_s: self.unpack_mb_per_s,
        };
        RunsOn::Tasks(self.template(), machine)
    }

    fn size_problem(&self, cpu: MilliCpu, memory: MemoryMib) -> Option<String> {
        size_problem(cpu, memory)
    }

    fn architecture(&self) -> Architecture {
        self.architecture
    }

    fn architecture_time_factor(&self) -> Option<f64> {
        self.architecture_time_factor
    }

    fn shape(&self) -> Shape {
        self.template().shape()
    }

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(Kubernetes::new(self.template(), Plan::default(), draws))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_fargate_offers() {
        for (text, problems) in [
            ("", 0),
            ("cpu = '0.25'\nmemory = '512Mi'", 0),
            ("cpu = '0.25'\nmemory = '1536Mi'", 1),
            ("cpu = '0.25'\nmemory = '4Gi'", 1),
            ("cpu = '1'\nmemory = '512Mi'", 1),
            ("cpu = '3'", 1),
            ("cpu = '4'\nmemory = '30Gi'", 0),
            ("cpu = '8'\nmemory = '18Gi'", 1),
            ("maximum-percent = 50", 1),
        ] {
            let spec: FargateSpec = toml::from_str(text).unwrap();
            assert_eq!(spec.problems().len(), problems, "{text}: {:?}", spec.problems());
        }
    }

    #[test]
    fn a_deployment_doubles_the_tasks_and_loses_none() {
        let pods = FargateSpec::default().template();
        assert_eq!((pods.max_surge, pods.max_unavailable), (1.0, 0.0));
        assert_eq!(pods.termination_grace, SimDuration::from_secs(330));
    }
}
