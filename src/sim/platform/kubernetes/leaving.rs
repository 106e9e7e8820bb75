//! Nodes that go, and what becomes of their pods: drains within disruption budgets, spot interruptions with their notice,
//! failures that nobody announces, nodes that are too old.
//!
//! Sources: the Kubernetes documentation, "Safely Drain a Node", "Specifying a Disruption Budget for your Application" and
//! "Taints and Tolerations" (a node that does not answer is tainted, and its pods are deleted 300 s later);
//! kubernetes/kubernetes issue 127352 for `--node-monitor-grace-period` (50 s); Amazon EC2 User Guide, "Spot Instance
//! interruption notices" (two minutes); Karpenter documentation, "Disruption", read 2026-11: expiration and interruption are
//! forceful, they wait for no replacement and heed no budget of nodes. Choices: an eviction that a budget forbids is tried
//! again after ten seconds; groups of a fixed size and those of Cluster Autoscaler get another node with the notice, or when
//! a node that has failed is found not to be ready; the requests in service on a node that fails fail at once, and what is
//! sent to its pods until then fails after the caller's connect timeout.

use std::collections::{BTreeMap, BTreeSet};

use super::Kubernetes;
use super::agenda::Due;
use super::nodes::NodeState;
use super::plan::DisruptionBudget;
use crate::sim::platform::control::{NodeChange, Order};
use crate::units::{SimDuration, SimTime};

/// Wait before an eviction that was forbidden is tried again.
const RETRY: SimDuration = SimDuration::from_secs(10);

impl Kubernetes {
    /// Draws the times at which a node that has become ready is taken back, fails and expires.
    pub(super) fn draw_failures(&mut self, node: u32, now: SimTime) {
        let failures = &self.plan.cluster.failures;
        let spot = self.nodes.kinds()[self.nodes.get(node).kind as usize].spot;
        let number = u64::from(node);
        if let Some(lifetime) = failures.spot_lifetime.as_ref().filter(|_| spot) {
            let after = lifetime.at(self.failure_stream, 2 * number);
            self.agenda.at(now + after, Due::Interrupted(node));
        }
        if let Some(lifetime) = &failures.lifetime {
            let after = lifetime.at(self.failure_stream, 2 * number + 1);
            self.agenda.at(now + after, Due::Fails(node));
        }
        if let Some(age) = self.provisioner.expire_after() {
            let at = self.nodes.get(node).launched + age;
            self.agenda.at(at.max(now), Due::Expires(node));
        }
    }

    /// Pods of a service that may be evicted now; `None`: any number.
    pub(super) fn allowed(&self, service: u16) -> Option<u32> {
        let workload = &self.workloads[service as usize];
        let budget = workload.budget()?;
        let healthy = self.pods.ready(service);
        let least = match budget {
            DisruptionBudget::MinAvailable(amount) => amount.of(workload.replicas),
            DisruptionBudget::MaxUnavailable(amount) => workload.replicas.saturating_sub(amount.of(workload.replicas)),
        };
        Some(healthy.saturating_sub(least))
    }

    /// Returns true if a disruption budget forbids the eviction of a pod of this node now.
    pub(super) fn is_blocked(&self, node: u32) -> bool {
        let services = self.nodes.pods(node).into_iter();
        let mut services = services.filter_map(|pod| Some(self.pods.get(pod)?.id.service));
        services.any(|service| self.allowed(service) == Some(0))
    }

    /// Returns true if disruption budgets allow the eviction of all pods of a node now.
    pub(super) fn may_all_go(&self, node: u32) -> bool {
        let mut pods: BTreeMap<u16, u32> = BTreeMap::new();
        for service in self
            .nodes
            .pods(node)
            .into_iter()
            .filter_map(|pod| Some(self.pods.get(pod)?.id.service))
        {
            *pods.entry(service).or_default() += 1;
        }
        pods.into_iter()
            .all(|(service, count)| self.allowed(service).is_none_or(|allowed| count <= allowed))
    }

    /// Drains a node: its pods are evicted as their budgets allow, and replaced.
    pub(super) fn drain(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        self.nodes.cordon(node);
        self.evict(node, now, orders);
    }

    /// Evicts the pods of a draining node that budgets allow, and tries the others again later.
    pub(super) fn evict(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        if self.nodes.get(node).state != NodeState::Draining {
            return;
        }
        let mut services = BTreeSet::new();
        let mut blocked = false;
        for number in self.nodes.pods(node) {
            let Some(pod) = self.pods.get(number).filter(|pod| !pod.deleting) else {
                continue;
            };
            let service = pod.id.service;
            if self.allowed(service) == Some(0) {
                blocked = true;
                continue;
            }
            self.delete(number, orders);
            services.insert(service);
        }
        for service in services {
            self.reconcile(service, now, orders);
        }
        if blocked {
            self.agenda.at(now + RETRY, Due::Evict(node));
        }
        self.remove_if_empty(node, orders);
    }

    /// Handles the notice that the cloud will take a spot node back.
    pub(super) fn interrupted(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        let known = self.nodes.get_mut(node);
        if known.state == NodeState::Gone {
            return;
        }
        // Karpenter ends the machine as soon as it is empty.
        known.stays = !self.provisioner.is_karpenter();
        let (kind, in_use) = (known.kind, known.state == NodeState::Ready);
        let notice = self.plan.cluster.failures.spot_notice;
        self.agenda.at(now + notice, Due::TakenBack(node));
        if in_use {
            self.keep_size(kind, now, orders);
            self.drain(node, now, orders);
        }
    }

    /// Ends a spot node that the cloud takes back, with all its pods.
    pub(super) fn taken_back(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        let known = self.nodes.get_mut(node);
        if known.state == NodeState::Gone {
            return;
        }
        known.taken_back = true;
        known.stays = false;
        self.nodes.cordon(node);
        self.kill_all(node, now, orders);
    }

    /// Makes a node fail: its pods do not answer any more, and the control plane does not know yet.
    pub(super) fn fails(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        let known = self.nodes.get_mut(node);
        if matches!(known.state, NodeState::Gone | NodeState::Booting) {
            return;
        }
        known.failed = true;
        for number in self.nodes.pods(node) {
            if let Some(pod) = self.pods.get_mut(number) {
                pod.lost = true;
                orders.push(Order::Lose { instance: pod.id });
            }
        }
        let grace = self.plan.cluster.failures.monitor_grace;
        self.agenda.at(now + grace, Due::NotReady(node));
    }

    /// Marks a failed node as not ready: its pods get no more requests, and it gets no more pods.
    pub(super) fn not_ready(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        if self.nodes.get(node).state == NodeState::Gone {
            return;
        }
        let (kind, in_use) = (
            self.nodes.get(node).kind,
            self.nodes.get(node).state == NodeState::Ready,
        );
        self.nodes.cordon(node);
        let toleration = self.plan.cluster.failures.toleration;
        for number in self.nodes.pods(node) {
            if let Some(pod) = self.pods.get_mut(number).filter(|pod| pod.ready.is_some()) {
                pod.ready = None;
                orders.push(Order::Drain {
                    instance: pod.id,
                    at_least: toleration,
                    at_most: toleration,
                });
            }
        }
        self.agenda.at(now + toleration, Due::GivenUp(node));
        if in_use {
            self.keep_size(kind, now, orders);
        }
        self.remove_if_empty(node, orders);
    }

    /// Deletes the pods of a failed node, and the node.
    pub(super) fn given_up(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        if self.nodes.get(node).state != NodeState::Gone {
            self.kill_all(node, now, orders);
        }
    }

    /// Drains a node that has reached its maximum age.
    pub(super) fn expires(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        if self.nodes.get(node).state == NodeState::Ready {
            self.drain(node, now, orders);
        }
    }

    /// Ends all pods of a node at once, and replaces them.
    fn kill_all(&mut self, node: u32, now: SimTime, orders: &mut Vec<Order>) {
        let mut services = BTreeSet::new();
        for number in self.nodes.pods(node) {
            let Some(id) = self.pods.get(number).map(|pod| pod.id) else {
                continue;
            };
            self.pods.delete(number);
            services.insert(id.service);
            orders.push(Order::Kill { instance: id });
        }
        for service in services {
            self.reconcile(service, now, orders);
        }
        self.remove_if_empty(node, orders);
    }

    /// Launches a node in place of one that goes, if its group has a fixed size.
    fn keep_size(&mut self, kind: u16, now: SimTime, orders: &mut Vec<Order>) {
        if !self.provisioner.is_karpenter() {
            self.launch(kind, now, orders);
        }
    }

    /// Removes a draining node that has no pods any more.
    pub(super) fn remove_if_empty(&mut self, node: u32, orders: &mut Vec<Order>) {
        if let Some((kind, change)) = self.nodes.remove_if_empty(node) {
            orders.push(Order::Node { kind, change });
            self.untold = true;
        }
    }

    /// Launches a node.
    pub(super) fn launch(&mut self, kind: u16, now: SimTime, orders: &mut Vec<Order>) -> u32 {
        let (node, ready) = self.nodes.launch(kind, now);
        self.agenda.at(ready, Due::NodeReady(node));
        let change = NodeChange::Comes;
        orders.push(Order::Node { kind, change });
        node
    }
}
