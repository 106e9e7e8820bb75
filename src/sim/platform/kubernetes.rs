//! Deployments on a Kubernetes cluster: pods that an autoscaler asks for, a scheduler that finds nodes for them, and nodes
//! that come and go.
//!
//! The life of a pod:
//! 1. The autoscaler of the workload wants one more (`workload`), and the pod is created (`replicas`, `rollout`).
//! 2. The scheduler finds a node (`placing`). Without one the pod waits, and a provisioner launches a node (`karpenter`,
//!    `cluster_autoscaler`, `provision`).
//! 3. Its image is pulled if the node does not have it (`images`), and its container starts.
//! 4. A readiness probe finds it ready, and it gets requests (`pods`).
//! 5. It is deleted because fewer are wanted, its node goes (`leaving`), a pod of higher priority needs its place, or its
//!    container is killed for its memory (`pressure`). It finishes its requests within the grace period.
//!
//! The order at one instant is that of the agenda (`agenda`): nodes that are ready, fail or go; memory and disks of nodes;
//! machines and containers; readings of metrics; schedules and rollouts; decisions of autoscalers; then the scheduler, and
//! provisioners last.
//!
//! Sources: the modules that it is made of, [`crate::sim::autoscaler`] and [`crate::sim::cluster`], and for the life of a pod
//! the Kubernetes documentation, "Pod Lifecycle", "Configure Liveness, Readiness and Startup Probes", and
//! kubernetes/kubernetes, pkg/controller/controller_utils.go (which pods go first). Choices: a pod that is deleted gets no
//! more requests from that instant on; the pods that the run begins with are ready and on nodes.

mod act;
mod agenda;
mod cluster_autoscaler;
mod images;
mod karpenter;
mod leaving;
mod nodes;
mod placing;
mod plan;
mod pods;
mod pressure;
mod provision;
mod replicas;
mod rollout;
mod state;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::{Draws, Purpose, Stream};
use crate::sim::autoscaler::Periods;
use crate::sim::cluster::node::PodShape;
use crate::sim::cluster::scheduler::Scheduler;
use crate::sim::platform::billed_by::{BilledBy, NodeKindName, NodeTime};
use crate::sim::platform::{Kind, Platform, Shape};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};
use agenda::{Agenda, Due};
pub use cluster_autoscaler::ClusterAutoscalerSpec;
pub use karpenter::KarpenterSpec;
use nodes::Nodes;
pub use plan::{
    ClusterPlan, DisruptionBudget, FailureModel, Image, ImageDisk, NodeKind, Plan, PodCount, PodMemory, Provisioning,
    Pulls, WorkloadPlan,
};
use pods::Pods;
use workload::Workload;

/// `[platform.kubernetes]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Spec {
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
    /// Requests that may wait at a time; `None`: any number. Knative's.
    #[serde(skip)]
    pub queue_depth: Option<u32>,
    /// The rest of the scenario's settings, resolved.
    #[serde(skip)]
    pub plan: Plan,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            cpu: MilliCpu(1000),
            memory: MemoryMib(512),
            cpu_request: None,
            memory_request: None,
            concurrency: None,
            routing: Routing::Random,
            hold: SimDuration::ZERO,
            readiness_period: SimDuration::from_secs(10),
            liveness_probe: None,
            pre_stop: SimDuration::ZERO,
            termination_grace: SimDuration::from_secs(30),
            max_surge: 0.25,
            max_unavailable: 0.25,
            rollouts: Vec::new(),
            queue_depth: None,
            plan: Plan::default(),
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
    /// pkg/kubelet/prober/worker.go: it is asked as it starts and each period after that, and what comes before the initial
    /// delay does not count.
    fn limit(self) -> SimDuration {
        let skipped = self.initial_delay.0.div_ceil(self.period.0.max(1));
        let fatal = skipped + u64::from(self.failure_threshold.max(1)) - 1;
        SimDuration(fatal.saturating_mul(self.period.0))
    }
}

impl Spec {
    /// Within what time a container's initialisation has to be over.
    fn alive_within(&self) -> Option<SimDuration> {
        self.liveness_probe.map(LivenessProbe::limit)
    }
}

/// Requests in one pod where there is no limit.
const NO_LIMIT: u32 = 1 << 20;

impl Kind for Spec {
    fn problems(&self) -> Vec<String> {
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
        if let Some(LivenessProbe {
            period,
            failure_threshold,
            ..
        }) = self.liveness_probe
            && (period == SimDuration::ZERO || failure_threshold == 0)
        {
            problems.push("`liveness-probe` needs a `period` and a `failure-threshold` above 0".into());
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

    fn assumptions(&self) -> Vec<Assumption> {
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
        lines.extend(self.alive_within().map(|limit| {
            Topic::ColdStart.small(format!(
                "a container that does not listen {limit} after its start is killed for its liveness probe and starts again, at once the \
                 first time, then with the kubelet's back-off; one that is up answers it in time, however busy it is"
            ))
        }));
        lines
    }

    fn billed_by(&self) -> BilledBy<'_> {
        let cluster = &self.plan.cluster;
        let kinds = cluster.kinds.iter().map(|kind| NodeKindName {
            name: &kind.meter,
            spot: kind.spot,
        });
        BilledBy::NodeTime(NodeTime {
            kinds: kinds.collect(),
            control_plane: &cluster.meter,
        })
    }

    fn shape(&self) -> Shape {
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

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        Box::new(Kubernetes::new(self.clone(), draws))
    }
}

/// The state of the platform.
#[derive(Debug)]
pub struct Kubernetes {
    spec: Spec,
    agenda: Agenda,
    workloads: Vec<Workload>,
    pods: Pods,
    nodes: Nodes,
    scheduler: Scheduler,
    provisioner: provision::Provisioner,
    /// Random stream of the time until single pods have their machines, and the number of machines so far.
    launch_stream: Stream,
    launched: u64,
    /// Random stream of the failures of nodes.
    failure_stream: Stream,
    /// Pods for which others were preempted.
    preempted_for: BTreeSet<u64>,
    /// True if waiting pods may have got a chance to be placed.
    changed: bool,
    /// True if the state of the cluster has changed since it was told.
    untold: bool,
}

impl Kubernetes {
    fn new(spec: Spec, draws: Draws) -> Self {
        let mut agenda = Agenda::default();
        let phase = |entity: u64, period: SimDuration| {
            let share = draws.stream(Purpose::Phase, entity).uniform(0);
            SimTime::ZERO + period.scale(share)
        };
        let plan = &spec.plan;
        let workloads: Vec<Workload> = plan.workloads.iter().cloned().map(Workload::new).collect();
        for (i, workload) in workloads.iter().enumerate() {
            let service = i as u16;
            let entity = 16 * (i as u64 + 1);
            if let Some(Periods { read, decide, in_step }) = workload.timing.periods {
                agenda.at(phase(entity, read), Due::Sample(service));
                agenda.at(phase(entity + u64::from(!in_step), decide), Due::Sync(service));
            }
            if let Some(period) = workload.timing.activation {
                agenda.at(phase(entity + 2, period), Due::Poll(service));
            }
            for &at in &spec.rollouts {
                agenda.at(SimTime::ZERO + at, Due::Deploy(service));
            }
            for &at in &workload.timing.at {
                agenda.at(SimTime::ZERO + at, Due::Scheduled(service));
            }
        }
        let provisioner = provision::Provisioner::new(&plan.cluster.provisioning);
        if let Some(period) = provisioner.period() {
            agenda.at(phase(1, period), Due::Scan);
        }
        if plan.workloads.iter().any(|workload| workload.memory.is_some()) {
            agenda.at(phase(2, pressure::PERIOD), Due::Pressure);
        }
        if plan.cluster.pulls.disk.is_some() {
            agenda.at(phase(3, images::PERIOD), Due::Images);
        }
        let nodes = Nodes::new(&plan.cluster, draws);
        let mut platform = Self {
            agenda,
            workloads,
            pods: Pods::new(draws),
            nodes,
            scheduler: Scheduler::new(plan.cluster.scheduler.clone(), draws.stream(Purpose::Placement, 0)),
            provisioner,
            launch_stream: draws.stream(Purpose::NodeBoot, 1),
            launched: 0,
            failure_stream: draws.stream(Purpose::NodeLifetime, 0),
            preempted_for: BTreeSet::new(),
            changed: false,
            untold: true,
            spec,
        };
        for node in platform.nodes.in_state(nodes::NodeState::Ready) {
            platform.draw_failures(node, SimTime::ZERO);
        }
        platform
    }

    /// The resources that a pod of a service requests from a node.
    fn shape(&self, service: u16) -> PodShape {
        self.workloads[service as usize].shape(service)
    }
}
