//! The platform towards the world: it is told about pods, works off its agenda, and gives orders.

use super::agenda::Due;
use super::pods::Pod;
use super::workload::Occasion;
use super::{Kubernetes, images, pressure, provision, sharing, state};
use crate::sim::fact::Reject;
use crate::sim::platform::control::{Control, InstanceId, NodeChange, Order, Sight};
use crate::sim::platform::{Admission, FleetView, InstanceView, Lifetime, Platform};
use crate::units::{SimDuration, SimTime};

impl Kubernetes {
    fn due(&mut self, due: Due, now: SimTime, sight: &mut dyn Sight, orders: &mut Vec<Order>) {
        match due {
            Due::NodeReady(node) => {
                self.nodes.ready(node, now);
                self.draw_failures(node, now);
                self.agenda.at(now, Due::Execute);
                (self.changed, self.untold) = (true, true);
            }
            Due::Fails(node) => self.fails(node, now, orders),
            Due::NotReady(node) => self.not_ready(node, now, orders),
            Due::GivenUp(node) => self.given_up(node, now, orders),
            Due::Interrupted(node) => self.interrupted(node, now, orders),
            Due::TakenBack(node) => self.taken_back(node, now, orders),
            Due::Expires(node) => self.expires(node, now, orders),
            Due::Evict(node) => self.evict(node, now, orders),
            Due::ShareNode(node) => sharing::share_node(self, node, sight, orders),
            Due::Share => {
                sharing::share(self, sight, orders);
                self.agenda.at(now + self.plan.cluster.cpu_period, due);
            }
            Due::Pressure => {
                pressure::relieve(self, now, sight, orders);
                self.agenda.at(now + pressure::PERIOD, due);
            }
            Due::Images => {
                images::collect(self, now);
                self.agenda.at(now + images::PERIOD, due);
            }
            Due::Restart(number) => {
                let starts = |pod: &&mut Pod| !pod.deleting && !pod.lost;
                if let Some(pod) = self.pods.get_mut(number).filter(starts) {
                    pod.started = Some(now);
                    orders.push(Order::Start {
                        instance: pod.id,
                        after: SimDuration::ZERO,
                        probe: self.template.readiness_period,
                        alive_within: self.template.alive_within,
                    });
                }
            }
            Due::Launched(service) => {
                self.workloads[service as usize].launching -= 1;
                let wanted = self.workloads[service as usize].replicas as usize;
                // The pod may not be wanted any more.
                if self.pods.current(service, self.workloads[service as usize].revision) < wanted {
                    orders.push(Order::Create { service, count: 1 });
                }
            }
            Due::Gone(node) => self.remove_if_empty(node, orders),
            Due::Sample(service) => {
                let workload = &mut self.workloads[service as usize];
                workload.read(now, sight.load(service), self.pods.own(service, now));
                if let Some(back) = workload.timing.cpu_history {
                    self.pods.sample(service, now, back, sight);
                }
                if let Some(periods) = workload.timing.periods {
                    self.agenda.at(now + periods.read, due);
                }
            }
            Due::Deploy(service) => {
                self.workloads[service as usize].revision += 1;
                self.reconcile(service, now, orders);
            }
            Due::Rollout(service) => self.reconcile(service, now, orders),
            Due::Scheduled(service) => self.autoscale(Occasion::Clock, service, now, sight, orders),
            Due::Poll(service) => {
                if let Some(period) = self.workloads[service as usize].timing.activation {
                    self.agenda.at(now + period, due);
                }
                self.autoscale(Occasion::Activation, service, now, sight, orders);
            }
            Due::Sync(service) => {
                if let Some(periods) = self.workloads[service as usize].timing.periods {
                    self.agenda.at(now + periods.decide, due);
                }
                self.autoscale(Occasion::Period, service, now, sight, orders);
            }
            Due::Poke(service) => {
                // Only while it should have none: another request may have woken it.
                if self.workloads[service as usize].replicas == 0 {
                    self.autoscale(Occasion::Request, service, now, sight, orders);
                } else {
                    self.reconcile(service, now, orders);
                }
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

    /// The autoscaler of a service decides, and pods are created or deleted accordingly.
    fn autoscale(
        &mut self,
        occasion: Occasion,
        service: u16,
        now: SimTime,
        sight: &mut dyn Sight,
        orders: &mut Vec<Order>,
    ) {
        let load = sight.load(service);
        let pods = self.pods.own(service, now);
        self.workloads[service as usize].decide(occasion, now, load, pods);
        self.reconcile(service, now, orders);
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
        if self.template.queue_depth.is_some_and(|depth| view.queued >= depth) {
            Admission::Reject(Reject::QueueFull)
        } else if self.template.hold > SimDuration::ZERO {
            Admission::Wait
        } else {
            Admission::Reject(Reject::NoEndpoint)
        }
    }

    fn takes_free(&self, _: u16) -> bool {
        true
    }

    fn lifetime(&mut self, _: &InstanceView) -> Option<Lifetime> {
        Some(Lifetime::FOREVER)
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
        self.plan.cluster.launch.is_none()
    }

    fn connect_timeout(&self) -> SimDuration {
        self.plan.cluster.failures.connect_timeout
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
        self.wants_cpu(id, now);
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

    fn wants_cpu(&mut self, id: InstanceId, now: SimTime) {
        let node = self.pods.get(id.number).and_then(|pod| pod.node);
        if let Some(node) = node.filter(|_| self.shares_cpu) {
            self.agenda.at(now, Due::ShareNode(node));
        }
    }

    fn crashes(&mut self, id: InstanceId, _: SimTime) {
        // A task with a machine of its own ends, and another one takes its place.
        if self.has_nodes() {
            self.pods.crashes(id.number);
        }
    }

    fn replaced(&mut self, old: InstanceId, new: InstanceId, now: SimTime) {
        if let Some(launch) = &self.plan.cluster.launch {
            let launch = launch.at(self.launch_stream, self.launched);
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
            let change = NodeChange::Comes;
            orders.extend(initial.into_iter().map(|kind| Order::Node { kind, change }));
        }
        while let Some(due) = self.agenda.take(now) {
            // The scheduler comes before all work on nodes.
            if self.changed && due >= Due::Scan {
                self.schedule(now, orders);
            }
            self.due(due, now, sight, orders);
            // Other work at this instant must see the pods that are created or deleted now: it is done at the next call.
            if orders
                .iter()
                .any(|order| matches!(order, Order::Create { .. } | Order::Drain { .. } | Order::Kill { .. }))
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
