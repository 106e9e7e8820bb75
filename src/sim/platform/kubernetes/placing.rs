//! Placement of waiting pods, with preemption of pods of lower priority.

use super::Kubernetes;
use super::agenda::Due;
use super::nodes::NodeState;
use crate::sim::cluster::node::PodShape;
use crate::sim::cluster::scheduler::{Running, preempt};
use crate::sim::platform::control::Order;
use crate::units::{SimDuration, SimTime};

impl Kubernetes {
    /// Places a pod on a node. Returns the time that it waits for its image there, which is zero at the start of the run;
    /// `None` if it fits nowhere.
    pub(super) fn place(&mut self, number: u64, initial: bool, now: SimTime) -> Option<SimDuration> {
        let service = self.pods.get(number)?.id.service;
        if self.plan.cluster.launch.is_some() {
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

    /// Places the waiting pods, in order of priority and age.
    pub(super) fn schedule(&mut self, now: SimTime, orders: &mut Vec<Order>) {
        self.changed = false;
        for number in self.pods.waiting() {
            let Some(after) = self.place(number, false, now) else {
                self.preempt(number, now, orders);
                continue;
            };
            self.pods.placed(number);
            // No kubelet starts it on a node that has failed.
            let starts = |node: u32| !self.nodes.get(node).failed;
            if let Some(pod) = self.pods.get(number).filter(|pod| pod.node.is_none_or(starts)) {
                orders.push(Order::Start {
                    instance: pod.id,
                    after,
                    probe: self.template.readiness_period,
                    alive_within: self.template.alive_within,
                });
            }
        }
        let coming = !self.nodes.in_state(NodeState::Booting).is_empty();
        if let Some(&newest) = self.pods.waiting().iter().max()
            && let Some(at) = self.provisioner.pending(newest, coming, now)
        {
            self.agenda.at(at, Due::Provision);
        }
    }

    /// Preempts pods of lower priority for a pod that fits nowhere, once for each pod.
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
}
