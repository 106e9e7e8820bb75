//! `[platform.kubernetes]`: the keys of Deployments on a Kubernetes cluster.

use serde::{Deserialize, Serialize};

use super::{ClusterPlan, Kubernetes, Plan, PodTemplate};
use crate::assumption::Assumption;
use crate::rng::Draws;
use crate::sim::platform::billed_by::{BilledBy, NodeKindName, NodeTime};
use crate::sim::platform::{Platform, PlatformKind, RunsOn, Shape};
use crate::sim::pool::Routing;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// `[platform.kubernetes]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KubernetesSpec {
    /// CPU limit of a pod: names the measured configuration of a profile.
    pub cpu: MilliCpu,
    /// Memory limit of a pod.
    pub memory: MemoryMib,
    /// CPU that a pod requests; `None`: the limit.
    pub cpu_request: Option<MilliCpu>,
    /// Memory that a pod requests; `None`: the limit.
    pub memory_request: Option<MemoryMib>,
    /// Requests that are sent to one pod at a time; `None`: any number.
    pub concurrency: Option<u32>,
    /// The rule that names one of several free pods for a request.
    pub routing: Routing,
    /// Time that a request waits if no pod is ready; zero: it is answered with 503 at once.
    pub hold: SimDuration,
    /// `readinessProbe.periodSeconds`; zero: a pod is ready as soon as it could answer.
    pub readiness_period: SimDuration,
    /// `livenessProbe`, or the `startupProbe` that comes before it; `None`: a container may take any time to start.
    pub liveness_probe: Option<LivenessProbe>,
    /// `preStop` sleep.
    pub pre_stop: SimDuration,
    /// Time that a pod has to end before it is killed (`terminationGracePeriodSeconds`).
    pub termination_grace: SimDuration,
    /// `strategy.rollingUpdate.maxSurge`, as a share of the replicas.
    pub max_surge: f64,
    /// `strategy.rollingUpdate.maxUnavailable`, as a share of the replicas.
    pub max_unavailable: f64,
    /// Times since the start of the run at which a new version is deployed.
    pub rollouts: Vec<SimDuration>,
}

impl Default for KubernetesSpec {
    fn default() -> Self {
        let template = PodTemplate::default();
        Self {
            cpu: template.cpu,
            memory: template.memory,
            cpu_request: template.cpu_request,
            memory_request: template.memory_request,
            concurrency: template.concurrency,
            routing: template.routing,
            hold: template.hold,
            readiness_period: template.readiness_period,
            liveness_probe: None,
            pre_stop: template.pre_stop,
            termination_grace: template.termination_grace,
            max_surge: template.max_surge,
            max_unavailable: template.max_unavailable,
            rollouts: template.rollouts,
        }
    }
}

/// `livenessProbe` of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LivenessProbe {
    /// Time after the start of the container before the first probe (`initialDelaySeconds`).
    pub initial_delay: SimDuration,
    /// Time between two probes (`periodSeconds`).
    pub period: SimDuration,
    /// Failed probes in a row after which the container is killed (`failureThreshold`).
    pub failure_threshold: u32,
}

impl Default for LivenessProbe {
    fn default() -> Self {
        Self {
            initial_delay: SimDuration::ZERO,
            period: SimDuration::from_secs(10),
            failure_threshold: 3,
        }
    }
}

impl LivenessProbe {
    /// Time from a container's start until it is killed if nothing listens in it. Source: kubernetes/kubernetes,
    /// pkg/kubelet/prober/worker.go: it is asked as it starts and each period after that, and what comes before the initial delay
    /// does not count.
    fn limit(self) -> SimDuration {
        let skipped = self.initial_delay.0.div_ceil(self.period.0.max(1));
        let fatal = skipped + u64::from(self.failure_threshold.max(1)) - 1;
        SimDuration(fatal.saturating_mul(self.period.0))
    }
}

impl KubernetesSpec {
    /// The pods of its Deployments.
    fn template(&self) -> PodTemplate {
        PodTemplate {
            cpu: self.cpu,
            memory: self.memory,
            cpu_request: self.cpu_request,
            memory_request: self.memory_request,
            concurrency: self.concurrency,
            routing: self.routing,
            hold: self.hold,
            queue_depth: None,
            readiness_period: self.readiness_period,
            alive_within: self.liveness_probe.map(LivenessProbe::limit),
            pre_stop: self.pre_stop,
            termination_grace: self.termination_grace,
            max_surge: self.max_surge,
            max_unavailable: self.max_unavailable,
            rollouts: self.rollouts.clone(),
        }
    }
}

impl PlatformKind for KubernetesSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.template().problems();
        if let Some(LivenessProbe {
            period,
            failure_threshold,
            ..
        }) = self.liveness_probe
            && (period == SimDuration::ZERO || failure_threshold == 0)
        {
            problems.push("`liveness-probe` needs a `period` and a `failure-threshold` above 0".into());
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        self.template().assumptions()
    }

    fn billed_by<'a>(&'a self, cluster: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        cluster.map_or(BilledBy::Unknown, node_time)
    }

    fn runs_on(&self) -> RunsOn {
        RunsOn::Nodes(self.template())
    }

    fn shape(&self) -> Shape {
        self.template().shape()
    }

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(Kubernetes::new(self.template(), Plan::default(), draws))
    }
}

/// The facts by which a cluster is billed.
pub(in crate::sim::platform) fn node_time(cluster: &ClusterPlan) -> BilledBy<'_> {
    let kinds = cluster.kinds.iter().map(|kind| NodeKindName {
        name: &kind.meter,
        spot: kind.spot,
    });
    BilledBy::NodeTime(NodeTime {
        kinds: kinds.collect(),
        control_plane: &cluster.meter,
    })
}
