//! Deployments on a Kubernetes cluster: pods that an autoscaler asks for, a scheduler that finds nodes for them, and nodes that
//! come and go.
//!
//! Sources: the modules that it is made of, [`crate::sim::autoscaler`] and [`crate::sim::cluster`], and for the life of a pod
//! the Kubernetes documentation, "Pod Lifecycle", "Configure Liveness, Readiness and Startup Probes", and
//! kubernetes/kubernetes, pkg/controller/controller_utils.go (which pods go first). Choices: a pod that is deleted gets no
//! more requests from that instant on, and the pods of a run's beginning are up and on nodes then.

mod agenda;
mod cluster_autoscaler;
mod karpenter;
mod kpa;
mod nodes;
mod plan;
mod pods;
mod provision;
mod rollout;
mod series;
mod state;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::rng::{Draws, Purpose, Stream};
use crate::sim::cluster::node::PodShape;
use crate::sim::cluster::scheduler::{Running, Scheduler, preempt};
use crate::sim::fact::Reject;
use crate::sim::platform::control::{Control, InstanceId, Order, Sight};
use crate::sim::platform::{Admission, FleetView, InstanceView, KeepAlive, Kind, Platform, Shape};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};
use agenda::{Agenda, Due};
pub use cluster_autoscaler::Spec as ClusterAutoscalerSpec;
pub use karpenter::Spec as KarpenterSpec;
pub use kpa::KpaPlan;
use nodes::Nodes;
pub use plan::{
    ClusterPlan, EcsMetric, Image, MetricTarget, Metrics, NodeKind, Plan, Provisioning, Pulls, Scaling, WorkloadPlan,
};
use pods::Pods;
use workload::Workload;

/// `[platform.kubernetes]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
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
    /// Which of several pods takes a request.
    pub routing: Routing,
    /// How long a request waits if no pod is ready; zero: it is answered with 503 at once.
    pub hold: SimDuration,
    /// `readinessProbe.periodSeconds`; zero: a pod is ready as soon as it could answer.
    pub readiness_period: SimDuration,
    /// `preStop` sleep.
    pub pre_stop: SimDuration,
    /// `terminationGracePeriodSeconds`.
    pub termination_grace: SimDuration,
    /// `strategy.rollingUpdate.maxSurge`, as a share of the replicas.
    pub max_surge: f64,
    /// `strategy.rollingUpdate.maxUnavailable`, as a share of the replicas.
    pub max_unavailable: f64,
    /// When a new version is deployed, from the beginning of the run on.
    pub rollouts: Vec<SimDuration>,
    /// Requests that may wait at a time; `None`: any number. Knative's.
    #[serde(skip)]
    pub queue_depth: Option<u32>,
    /// What else the scenario says, resolved.
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

    fn assumptions(&self) -> Vec<String> {
        let mut lines = vec![
            format!(
                "a request goes to a ready pod by the rule `{}`, whatever connection it comes on",
                self.routing.name()
            ),
            "a pod that is deleted gets no more requests from that instant on; pods that the run begins with are up and have nodes"
                .into(),
            "all functions of a service's traffic are one Deployment".into(),
            "CPU that a pod needs to start is not seen by its autoscaler, and slows no other pod down".into(),
        ];
        lines.push(if self.hold == SimDuration::ZERO {
            "a request is answered with 503 while no pod is ready".into()
        } else {
            format!(
                "a request waits up to {} while no pod is ready, and is answered with 503 then",
                self.hold
            )
        });
        lines.push(if self.readiness_period == SimDuration::ZERO {
            "a pod is ready with its first answer".into()
        } else {
            format!(
                "a pod is asked whether it is ready every {} from its binding to a node on, and is so with the first answer",
                self.readiness_period
            )
        });
        lines
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

/// The platform at work.
#[derive(Debug)]
pub struct Kubernetes {
    spec: Spec,
    agenda: Agenda,
    workloads: Vec<Workload>,
    pods: Pods,
    nodes: Nodes,
    scheduler: Scheduler,
    provisioner: provision::Provisioner,
    /// Decides how long machines of single pods take to come, and how many there have been.
    launch_luck: Stream,
    launched: u64,
    /// Pods that room has been made for.
    preempted_for: BTreeSet<u64>,
    /// Whether pods that wait may have got a chance to be placed.
    changed: bool,
    /// Whether the state of the cluster has to be told.
    untold: bool,
}

impl Kubernetes {
    fn new(spec: Spec, draws: Draws) -> Self {
        let mut agenda = Agenda::default();
        let phase = |entity: u64, period: SimDuration| {
            let luck = draws.stream(Purpose::Phase, entity).uniform(0);
            SimTime::ZERO + period.scale(luck)
        };
        let plan = &spec.plan;
        let workloads: Vec<Workload> = plan.workloads.iter().cloned().map(Workload::new).collect();
        for (i, workload) in workloads.iter().enumerate() {
            let service = i as u16;
            let entity = 16 * (i as u64 + 1);
            if let Some((sample, sync)) = workload.periods() {
                agenda.at(phase(entity, sample), Due::Sample(service));
                let sync_luck = entity + u64::from(!workload.reads_when_it_looks());
                agenda.at(phase(sync_luck, sync), Due::Sync(service));
            }
            if let Some(period) = workload.polls() {
                agenda.at(phase(entity + 2, period), Due::Poll(service));
            }
            for &at in &spec.rollouts {
                agenda.at(SimTime::ZERO + at, Due::Deploy(service));
            }
            for at in workload.scheduled() {
                agenda.at(SimTime::ZERO + at, Due::Scheduled(service));
            }
        }
        let provisioner = provision::Provisioner::new(&plan.cluster.provisioning);
        if let Some(period) = provisioner.period() {
            agenda.at(phase(1, period), Due::Scan);
        }
        let nodes = Nodes::new(&plan.cluster, draws);
        Self {
            agenda,
            workloads,
            pods: Pods::new(draws),
            nodes,
            scheduler: Scheduler::new(plan.cluster.scheduler.clone(), draws.stream(Purpose::Placement, 0)),
            provisioner,
            launch_luck: draws.stream(Purpose::Boot, 1),
            launched: 0,
            preempted_for: BTreeSet::new(),
            changed: false,
            untold: true,
            spec,
        }
    }

    /// What a pod of a service asks of a node.
    fn shape(&self, service: u16) -> PodShape {
        self.workloads[service as usize].shape(service)
    }

    /// Gives a pod a node if one has room: how long it waits for its image there. At the beginning it is there already.
    fn place(&mut self, number: u64, initial: bool, now: SimTime) -> Option<SimDuration> {
        let service = self.pods.get(number)?.id.service;
        if self.spec.plan.cluster.launch.is_some() {
            let revision = self.pods.revision(number);
            let image = self.workloads[service as usize].image(revision);
            let pull = self.nodes.whole_pull(image, f64::INFINITY);
            let pod = self.pods.get_mut(number)?;
            let after = pod.launch + pull;
            pod.started = Some(now + after);
            return Some(after);
        }
        let shape = self.shape(service);
        let placement = self.scheduler.place(&self.nodes.cluster, &shape).ok()?;
        self.nodes.cluster.bind(placement.node, &shape);
        let revision = self.pods.revision(number);
        let image = self.workloads[service as usize].image(revision);
        let node = self.nodes.of_cluster(placement.node);
        if initial {
            self.nodes.preload(node, image);
        }
        let after = self.nodes.pull(node, image, now);
        self.nodes.joined(node, number, now);
        if let Some(pod) = self.pods.get_mut(number) {
            pod.node = Some(node);
            pod.started = Some(now + after);
        }
        self.untold = true;
        Some(after)
    }

    /// Has the pods that wait placed, in order of priority and age.
    fn schedule(&mut self, now: SimTime, orders: &mut Vec<Order>) {
        self.changed = false;
        for number in self.pods.waiting() {
            let Some(after) = self.place(number, false, now) else {
                self.preempt(number, now, orders);
                continue;
            };
            self.pods.placed(number);
            if let Some(pod) = self.pods.get(number) {
                orders.push(Order::Start {
                    instance: pod.id,
                    after,
                    probe: self.spec.readiness_period,
                });
            }
        }
        let coming = !self.nodes.in_state(nodes::State::Booting).is_empty();
        if let Some(&newest) = self.pods.waiting().iter().max()
            && let Some(at) = self.provisioner.pending(newest, coming, now)
        {
            self.agenda.at(at, Due::Provision);
        }
    }

    /// Makes room for a pod that fits nowhere, once, at the cost of pods of lower priority.
    fn preempt(&mut self, number: u64, now: SimTime, orders: &mut Vec<Order>) {
        let Some(service) = self.pods.get(number).map(|pod| pod.id.service) else {
            return;
        };
        let own = self.workloads[service as usize].priority();
        let lower = self.workloads.iter().any(|workload| workload.priority() < own);
        if !lower || self.preempted_for.contains(&number) {
            return;
        }
        let shapes: Vec<PodShape> = (0..self.workloads.len() as u16)
            .map(|other| self.shape(other))
            .collect();
        let (nodes, pods) = (&self.nodes, &self.pods);
        let on = |place: usize| {
            let there = nodes.pods(nodes.of_cluster(place)).into_iter();
            let running = there.filter_map(|pod| {
                let known = pods.get(pod).filter(|known| !known.deleting)?;
                Some(Running {
                    id: pod,
                    pod: &shapes[known.id.service as usize],
                    started: known.started.unwrap_or(now),
                })
            });
            running.collect()
        };
        let Some(found) = preempt(&nodes.cluster, &shapes[service as usize], on) else {
            return;
        };
        self.preempted_for.insert(number);
        for victim in found.victims {
            if let Some(pod) = self.pods.get(victim) {
                self.agenda.at(now, Due::Rollout(pod.id.service));
            }
            self.delete(victim, orders);
        }
    }

    /// Has as many pods of a service as its autoscaler wants: creates those that are missing, deletes those that are too many.
    fn reconcile(&mut self, service: u16, now: SimTime, orders: &mut Vec<Order>) {
        let wanted = self.workloads[service as usize].replicas as usize;
        let active = self.pods.active(service);
        let revision = self.workloads[service as usize].revision;
        let (new, old): (Vec<u64>, Vec<u64>) = active.iter().partition(|&&pod| self.pods.revision(pod) == revision);
        if !old.is_empty() {
            return self.roll(service, (&old, &new), now, orders);
        }
        if active.len() < wanted {
            let count = (wanted - active.len()) as u32;
            self.create(service, count, now, orders);
        }
        if active.len() > wanted {
            let victims = self.pods.victims(&active, active.len() - wanted, now);
            victims.into_iter().for_each(|number| self.delete(number, orders));
        }
    }

    /// Creates pods, at once or with the machines they get.
    fn create(&mut self, service: u16, count: u32, now: SimTime, orders: &mut Vec<Order>) {
        let Some(launch) = &self.spec.plan.cluster.launch else {
            if count > 0 {
                orders.push(Order::Create { service, count });
            }
            return;
        };
        let under_way = self.workloads[service as usize].launching;
        for _ in under_way..count {
            let after = launch.at(self.launch_luck, self.launched);
            self.launched += 1;
            self.agenda.at(now + after, Due::Launched(service));
            self.workloads[service as usize].launching += 1;
        }
    }

    /// The next step of a rolling update.
    fn roll(&mut self, service: u16, (old, new): (&[u64], &[u64]), now: SimTime, orders: &mut Vec<Order>) {
        let (old_ready, old_unready) = self.pods.by_readiness(old);
        let (new_ready, _) = self.pods.by_readiness(new);
        let counts = rollout::Counts {
            replicas: self.workloads[service as usize].replicas,
            old: old.len() as u32,
            old_ready: old_ready.len() as u32,
            new: new.len() as u32,
            new_ready: new_ready.len() as u32,
        };
        let step = rollout::step(counts, (self.spec.max_surge, self.spec.max_unavailable));
        if step == rollout::Step::default() {
            return;
        }
        self.create(service, step.create, now, orders);
        for (pods, count) in [
            (&old_unready[..], step.unready),
            (&old_ready[..], step.ready),
            (new, step.new),
        ] {
            let victims = self.pods.victims(pods, count as usize, now);
            victims.into_iter().for_each(|number| self.delete(number, orders));
        }
        self.agenda.at(now, Due::Rollout(service));
    }

    /// Deletes a pod: it gets time to finish.
    fn delete(&mut self, number: u64, orders: &mut Vec<Order>) {
        let (at_least, at_most) = (self.spec.pre_stop, self.spec.termination_grace);
        if let Some(id) = self.pods.delete(number) {
            orders.push(Order::Drain {
                instance: id,
                at_least,
                at_most,
            });
        }
    }

    /// Deletes all pods of a node, which takes no more, and replaces them.
    fn drain(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        self.nodes.cordon(node);
        let pods = self.nodes.pods(node);
        let mut services: Vec<u16> = pods
            .iter()
            .filter_map(|&pod| Some(self.pods.get(pod)?.id.service))
            .collect();
        services.sort_unstable();
        services.dedup();
        pods.into_iter().for_each(|number| self.delete(number, orders));
        services
            .into_iter()
            .for_each(|service| self.reconcile(service, now, orders));
        self.remove_if_empty(node, orders);
    }

    /// A node that drains and has no pods any more is gone.
    fn remove_if_empty(&mut self, node: u32, orders: &mut Vec<Order>) {
        if let Some(kind) = self.nodes.remove_if_empty(node) {
            orders.push(Order::Node { kind, comes: false });
            self.untold = true;
        }
    }

    /// Launches a node.
    fn launch(&mut self, kind: u16, now: SimTime, orders: &mut Vec<Order>) -> u32 {
        let (node, ready) = self.nodes.launch(kind, now);
        self.agenda.at(ready, Due::NodeReady(node));
        orders.push(Order::Node { kind, comes: true });
        node
    }

    fn due(&mut self, due: Due, now: SimTime, sight: &mut dyn Sight, orders: &mut Vec<Order>) {
        match due {
            Due::NodeReady(node) => {
                self.nodes.ready(node, now);
                self.agenda.at(now, Due::Execute);
                (self.changed, self.untold) = (true, true);
            }
            Due::Restart(number) => {
                if let Some(pod) = self.pods.get_mut(number).filter(|pod| !pod.deleting) {
                    pod.started = Some(now);
                    orders.push(Order::Start {
                        instance: pod.id,
                        after: SimDuration::ZERO,
                        probe: self.spec.readiness_period,
                    });
                }
            }
            Due::Launched(service) => {
                self.workloads[service as usize].launching -= 1;
                let wanted = self.workloads[service as usize].replicas as usize;
                // It may not be wanted any more.
                if self.pods.current(service, self.workloads[service as usize].revision) < wanted {
                    orders.push(Order::Create { service, count: 1 });
                }
            }
            Due::Gone(node) => self.remove_if_empty(node, orders),
            Due::Sample(service) => {
                let workload = &mut self.workloads[service as usize];
                workload.sample(now, sight.load(service), &self.pods, service);
                if let Some(back) = workload.looks_back() {
                    self.pods.sample(service, now, back, sight);
                }
                if let Some((sample, _)) = workload.periods() {
                    self.agenda.at(now + sample, due);
                }
            }
            Due::Deploy(service) => {
                self.workloads[service as usize].revision += 1;
                self.reconcile(service, now, orders);
            }
            Due::Rollout(service) => self.reconcile(service, now, orders),
            Due::Scheduled(service) => {
                self.workloads[service as usize].at_schedule(now);
                self.reconcile(service, now, orders);
            }
            Due::Poll(service) => {
                let load = sight.load(service);
                let workload = &mut self.workloads[service as usize];
                workload.poll(now, load);
                if let Some(period) = workload.polls() {
                    self.agenda.at(now + period, due);
                }
                self.reconcile(service, now, orders);
            }
            Due::Sync(service) => {
                let load = sight.load(service);
                let workload = &mut self.workloads[service as usize];
                workload.sync(now, load, &self.pods, service);
                if let Some((_, sync)) = workload.periods() {
                    self.agenda.at(now + sync, due);
                }
                self.reconcile(service, now, orders);
            }
            Due::Poke(service) => {
                self.workloads[service as usize].poke(now);
                self.reconcile(service, now, orders);
            }
            Due::Scan => {
                provision::scan(self, now, orders);
                if let Some(period) = self.provisioner.period() {
                    self.agenda.at(now + period, due);
                }
            }
            Due::Provision => provision::provision(self, now, orders),
            Due::Execute => provision::execute(self, now, orders),
        }
    }
}

impl Platform for Kubernetes {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            return Admission::Warm;
        }
        if self.workloads[view.service as usize].replicas == 0 {
            self.agenda.at(view.now, Due::Poke(view.service));
        }
        if self.spec.queue_depth.is_some_and(|depth| view.queued >= depth) {
            Admission::Reject(Reject::QueueFull)
        } else if self.spec.hold > SimDuration::ZERO {
            Admission::Wait
        } else {
            Admission::Reject(Reject::NoEndpoint)
        }
    }

    fn idle(&mut self, _: &InstanceView) -> KeepAlive {
        KeepAlive::Forever
    }

    fn control(&mut self) -> Option<&mut dyn Control> {
        Some(self)
    }
}

impl Control for Kubernetes {
    fn replicas(&self, service: u16) -> u32 {
        self.workloads[service as usize].replicas
    }

    fn has_nodes(&self) -> bool {
        self.spec.plan.cluster.launch.is_none()
    }

    fn created(&mut self, id: InstanceId, now: SimTime, initial: bool) -> bool {
        let priority = self.workloads[id.service as usize].priority();
        let revision = self.workloads[id.service as usize].revision;
        self.pods.create(id, (priority, revision), now);
        self.untold = true;
        if initial && self.place(id.number, true, now).is_some() {
            self.pods.placed(id.number);
            if let Some(pod) = self.pods.get_mut(id.number) {
                pod.started = Some(now);
            }
            return true;
        }
        self.changed = true;
        false
    }

    fn ready(&mut self, id: InstanceId, now: SimTime) {
        if let Some(pod) = self.pods.get_mut(id.number) {
            pod.ready = Some(now);
        }
        self.agenda.at(now, Due::Rollout(id.service));
    }

    fn ended(&mut self, id: InstanceId, now: SimTime) {
        let Some(pod) = self.pods.remove(id.number) else { return };
        if let Some(node) = pod.node {
            let shape = self.shape(id.service);
            self.nodes.left(node, id.number, &shape, now);
            self.agenda.at(now, Due::Gone(node));
        }
        self.agenda.at(now, Due::Rollout(id.service));
        (self.changed, self.untold) = (true, true);
    }

    fn crashes(&mut self, id: InstanceId, _: SimTime) {
        // A task with a machine of its own ends, and another one takes its place.
        if self.has_nodes() {
            self.pods.crashes(id.number);
        }
    }

    fn replaced(&mut self, old: InstanceId, new: InstanceId, now: SimTime) {
        if let Some(launch) = &self.spec.plan.cluster.launch {
            let launch = launch.at(self.launch_luck, self.launched);
            self.launched += 1;
            self.created(new, now, false);
            if let Some(pod) = self.pods.get_mut(new.number) {
                pod.launch = launch;
            }
            return;
        }
        if let Some((node, wait)) = self.pods.replaced(old, new, now) {
            self.nodes.replaced(node, old.number, new.number);
            self.agenda.at(now + wait, Due::Restart(new.number));
        }
    }

    fn next(&self) -> SimTime {
        if self.changed || self.untold {
            return SimTime::ZERO;
        }
        self.agenda.next()
    }

    fn act(&mut self, now: SimTime, sight: &mut dyn Sight, orders: &mut Vec<Order>) {
        if now == SimTime::ZERO {
            let initial = self.nodes.untold();
            orders.extend(initial.into_iter().map(|kind| Order::Node { kind, comes: true }));
        }
        while let Some(due) = self.agenda.take(now) {
            // Nobody looks at nodes before the scheduler has.
            if self.changed && due >= Due::Scan {
                self.schedule(now, orders);
            }
            self.due(due, now, sight, orders);
            // What else is due has to see the pods that are created or deleted now: it comes with the next act.
            if orders
                .iter()
                .any(|order| matches!(order, Order::Create { .. } | Order::Drain { .. }))
            {
                return;
            }
        }
        if self.changed {
            self.schedule(now, orders);
        }
        if self.untold {
            self.untold = false;
            if self.has_nodes() {
                orders.push(Order::Tell(state::of(self)));
            }
        }
    }
}
