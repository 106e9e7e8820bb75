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
mod sharing;
mod spec;
mod state;
mod template;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::BTreeSet;

use crate::rng::{Draws, Purpose, Stream};
use crate::sim::autoscaler::Periods;
use crate::sim::cluster::node::PodShape;
use crate::sim::cluster::scheduler::Scheduler;
use crate::units::{SimDuration, SimTime};
use agenda::{Agenda, Due};
pub use cluster_autoscaler::{ClusterAutoscalerPlan, Expander};
pub use karpenter::{ConsolidationPolicy, KarpenterPlan};
use nodes::Nodes;
pub use plan::{
    ClusterPlan, DisruptionBudget, FailureModel, Image, ImageDisk, NodeKind, Plan, PodCount, PodMemory, Provisioning,
    Pulls, WorkloadPlan,
};
use pods::Pods;
pub(in crate::sim::platform) use spec::node_time;
pub use spec::{KubernetesSpec, LivenessProbe};
pub use template::PodTemplate;
use workload::Workload;

/// The state of the platform.
/// The state of the platform.
#[derive(Debug)]
pub struct Kubernetes {
    template: PodTemplate,
    plan: Plan,
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
    /// True if pods may want more CPU than they request.
    shares_cpu: bool,
}

impl Kubernetes {
    pub(super) fn new(template: PodTemplate, plan: Plan, draws: Draws) -> Self {
        let mut agenda = Agenda::default();
        let phase = |entity: u64, period: SimDuration| {
            let share = draws.stream(Purpose::Phase, entity).uniform(0);
            SimTime::ZERO + period.scale(share)
        };
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
            for &at in &template.rollouts {
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
        let bursts = |workload: &WorkloadPlan| workload.cpu_limit > workload.requests.cpu;
        let shares_cpu = plan.cluster.cpu_period > SimDuration::ZERO && plan.workloads.iter().any(bursts);
        if shares_cpu {
            agenda.at(SimTime::ZERO + plan.cluster.cpu_period, Due::Share);
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
            shares_cpu,
            template,
            plan,
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
