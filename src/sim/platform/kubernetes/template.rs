//! Pods that an autoscaler multiplies: the settings that Kubernetes, Knative and ECS on Fargate have in common.

use crate::assumption::{Assumption, Topic};
use crate::sim::platform::Shape;
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// Requests in one pod where there is no limit.
const NO_LIMIT: u32 = 1 << 20;

/// The settings of the pods of a platform.
#[derive(Debug, Clone, PartialEq)]
pub struct PodTemplate {
    /// CPU limit of a pod.
    pub cpu: MilliCpu,
    /// Memory limit of a pod.
    pub memory: MemoryMib,
    /// CPU that a pod requests; `None`: the limit.
    pub cpu_request: Option<MilliCpu>,
    /// Memory that a pod requests; `None`: the limit.
    pub memory_request: Option<MemoryMib>,
    /// Requests that are sent to one pod at a time; `None`: any number.
    pub concurrency: Option<u32>,
    /// The rule by which a request gets one of several pods.
    pub routing: Routing,
    /// The longest wait of a request while no pod is ready; zero: it is answered with 503 at once.
    pub hold: SimDuration,
    /// Requests that may wait at a time; `None`: any number.
    pub queue_depth: Option<u32>,
    /// Time between two readiness checks; zero: a pod is ready as soon as it could answer.
    pub readiness_period: SimDuration,
    /// The time within which a container must listen; `None`: any time.
    pub alive_within: Option<SimDuration>,
    /// Time that a pod sleeps before it stops.
    pub pre_stop: SimDuration,
    /// Time from the deletion of a pod until it is killed.
    pub termination_grace: SimDuration,
    /// The most pods above the wanted number during a rolling update, as a share of that number.
    pub max_surge: f64,
    /// The most pods below the wanted number during a rolling update, as a share of that number.
    pub max_unavailable: f64,
    /// Times since the start of the run at which a new version is deployed.
    pub rollouts: Vec<SimDuration>,
}

impl Default for PodTemplate {
    /// The defaults of Kubernetes, with one vCPU and 512 MiB.
    fn default() -> Self {
        Self {
            cpu: MilliCpu(1000),
            memory: MemoryMib(512),
            cpu_request: None,
            memory_request: None,
            concurrency: None,
            routing: Routing::Random,
            hold: SimDuration::ZERO,
            queue_depth: None,
            readiness_period: SimDuration::from_secs(10),
            alive_within: None,
            pre_stop: SimDuration::ZERO,
            termination_grace: SimDuration::from_secs(30),
            max_surge: 0.25,
            max_unavailable: 0.25,
            rollouts: Vec::new(),
        }
    }
}

impl PodTemplate {
    /// Returns the resources and limits of each pod and each request.
    pub fn shape(&self) -> Shape {
        Shape {
            cpu: self.cpu,
            boost: None,
            memory: Some(self.memory),
            concurrency: self.concurrency.unwrap_or(NO_LIMIT),
            routing: self.routing,
            timeout: None,
            init_limit: None,
            queue_timeout: Some(self.hold),
            queue_refuses: true,
            starts_ahead: true,
            initial: InitialState::default(),
        }
    }

    /// Everything that is wrong with the settings.
    pub(in crate::sim::platform) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.concurrency == Some(0) {
            problems.push("`concurrency` must be at least 1".into());
        }
        if self.cpu_request.is_some_and(|request| request > self.cpu) {
            problems.push("`cpu-request` must not be above `cpu`, which is the limit".into());
        }
        if self.memory_request.is_some_and(|request| request > self.memory) {
            problems.push("`memory-request` must not be above `memory`, which is the limit".into());
        }
        if self.pre_stop > self.termination_grace {
            problems.push("`pre-stop` must not be longer than `termination-grace`: the pod is killed before".into());
        }
        for (key, share) in [("max-surge", self.max_surge), ("max-unavailable", self.max_unavailable)] {
            if !(0.0..=1.0).contains(&share) {
                problems.push(format!(
                    "`{key}` is {share}; it is a share of the replicas, from 0 to 1"
                ));
            }
        }
        problems
    }

    /// Choices about the life of a pod.
    pub(in crate::sim::platform) fn assumptions(&self) -> Vec<Assumption> {
        let mut lines = vec![
            Topic::Platform.small(format!(
                "a request goes to a ready pod by the rule `{}`, whatever connection it comes on",
                self.routing.name()
            )),
            Topic::Platform.note("a pod that is deleted gets no more requests from that instant on; pods that the run begins with are up and have nodes"),
            Topic::Platform.note("all functions of a service's traffic are one Deployment"),
            Topic::Autoscaler.small("CPU that a pod needs to start is not seen by its autoscaler, and slows no other pod down"),
        ];
        lines.push(if self.hold == SimDuration::ZERO {
            Topic::Platform.note("a request is answered with 503 while no pod is ready")
        } else {
            Topic::Platform.note(format!(
                "a request waits up to {} while no pod is ready, and is answered with 503 then",
                self.hold
            ))
        });
        lines.push(if self.readiness_period == SimDuration::ZERO {
            Topic::ColdStart.small("a pod is ready with its first answer")
        } else {
            Topic::ColdStart.small(format!(
                "a pod is asked whether it is ready every {} from its binding to a node on, and is so with the first answer",
                self.readiness_period
            ))
        });
        lines.extend(self.alive_within.map(|limit| {
            Topic::ColdStart.small(format!(
                "a container that does not listen {limit} after its start is killed by its liveness probe and starts again, later \
                 with the kubelet's back-off; one that is up is never killed so"
            ))
        }));
        lines
    }
}
