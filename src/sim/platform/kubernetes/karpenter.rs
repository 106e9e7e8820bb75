//! Karpenter: nodes of the cheapest type that holds the pods without one, and nodes that are replaced or removed when their
//! pods fit elsewhere for less. The files below it have upstream's names.
//!
//! Every 10 s the disruption controller looks at the nodes:
//! 1. It does nothing while a command or a replacement is under way.
//! 2. Emptiness removes nodes without pods.
//! 3. Drift replaces a node that was launched before the node class changed.
//! 4. Multi-node consolidation removes several nodes, with at most one new node.
//! 5. Single-node consolidation removes or replaces one node.
//!
//! A command of consolidation or emptiness is validated 15 s later. Then its new nodes are launched, and its old nodes drain
//! as soon as the new ones are ready.
//!
//! Source: kubernetes-sigs/karpenter v1.14.1: batching, order of pods, placement, disruption (emptiness, multi-node and
//! single-node consolidation, drift, expiry), budgets, validation. Choices: the cloud gives the cheapest type that holds a
//! node claim's pods; every pod costs the same to evict; there is one node pool; one command is under way at a time; the
//! nodes that exist at the start of the run are new then.

mod batcher;
mod candidates;
mod command;
mod consolidation;
mod drift;
mod emptiness;
mod multi_node;
mod provisioner;
mod queue;
mod single_node;
mod validation;

use super::Kubernetes;
use crate::sim::platform::control::Order;
use crate::units::{SimDuration, SimTime};
use batcher::Batcher;
use candidates::Candidates;
use command::Command;
use queue::Queue;

/// The settings of Karpenter, resolved from the scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct KarpenterPlan {
    /// `BATCH_IDLE_DURATION`: nodes are made when no pod has come for so long.
    pub batch_idle_duration: SimDuration,
    /// `BATCH_MAX_DURATION`: or after so long at the latest.
    pub batch_max_duration: SimDuration,
    /// Which nodes Karpenter may remove or replace to save money (`disruption.consolidationPolicy`).
    pub consolidation_policy: ConsolidationPolicy,
    /// `disruption.consolidateAfter`: time since a pod came to or left a node.
    pub consolidate_after: SimDuration,
    /// `disruption.budgets`: share of nodes that may be disrupted at a time, rounded up.
    pub budget: f64,
    /// `expireAfter`: age at which a node is drained, whatever budgets say.
    pub expire_after: SimDuration,
    /// Times since the start of the run at which the node class changes, for example to a new machine image. Nodes that were
    /// launched before have drifted from then on.
    pub drifts: Vec<SimDuration>,
}

/// `consolidationPolicy`: the nodes that consolidation looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolidationPolicy {
    /// Nodes without pods.
    WhenEmpty,
    /// Also nodes whose pods fit elsewhere for less.
    WhenEmptyOrUnderutilized,
    /// The same, if the saving is worth the disruption: the share of the nodes' cost that is saved is at least half of the
    /// share of the disruption of all nodes.
    Balanced,
}

impl Default for KarpenterPlan {
    fn default() -> Self {
        Self {
            batch_idle_duration: SimDuration::from_secs(1),
            batch_max_duration: SimDuration::from_secs(10),
            consolidation_policy: ConsolidationPolicy::WhenEmptyOrUnderutilized,
            consolidate_after: SimDuration::ZERO,
            budget: 0.1,
            expire_after: SimDuration::from_secs(720 * 3600),
            drifts: Vec::new(),
        }
    }
}

/// Time between two looks at the nodes. Source: disruption controller.
const PERIOD: SimDuration = SimDuration::from_secs(10);

/// The state of Karpenter.
#[derive(Debug)]
pub(super) struct Karpenter {
    plan: KarpenterPlan,
    batcher: Batcher,
    command: Option<Command>,
    queue: Queue,
}

impl Karpenter {
    pub(super) fn new(plan: KarpenterPlan) -> Self {
        Self {
            batcher: Batcher::new(plan.batch_idle_duration, plan.batch_max_duration),
            plan,
            command: None,
            queue: Queue::default(),
        }
    }

    pub(super) fn period(&self) -> SimDuration {
        PERIOD
    }

    pub(super) fn expire_after(&self) -> SimDuration {
        self.plan.expire_after
    }

    /// Notes that pods wait for a node, the newest of them with number `newest`. Returns the time at which the batch closes
    /// if a pod is new, or if no node is `coming`.
    pub(super) fn pending(&mut self, newest: u64, coming: bool, now: SimTime) -> Option<SimTime> {
        self.batcher.trigger(newest, coming, now)
    }

    /// Launches nodes for the pods that wait, if the batch is closed.
    pub(super) fn provision(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        if self.batcher.close(now) {
            provisioner::provision(platform, now, orders);
        }
    }

    /// Looks for nodes to disrupt, unless a command is under way. Returns the time at which the new command is executed.
    pub(super) fn disrupt(&mut self, platform: &Kubernetes, now: SimTime) -> Option<SimTime> {
        self.queue.forget_gone(platform);
        if self.command.is_some() || !self.queue.is_empty() {
            return None;
        }
        let command = self.compute_command(platform, now)?;
        let at = command.at;
        self.command = Some(command);
        Some(at)
    }

    /// Asks the methods of disruption in upstream's order.
    fn compute_command(&self, platform: &Kubernetes, now: SimTime) -> Option<Command> {
        let candidates = Candidates::new(platform, &self.plan, now);
        if let Some(command) = emptiness::compute_command(platform, candidates.clone(), now) {
            return Some(command);
        }
        if candidates.budget == 0 {
            return None;
        }
        if let Some(command) = drift::compute_command(platform, &self.plan.drifts, candidates.budget, now) {
            return Some(command);
        }
        if self.plan.consolidation_policy == ConsolidationPolicy::WhenEmpty {
            return None;
        }
        let budget = candidates.budget;
        let sorted = candidates.by_savings(platform);
        let worth_it = |command: &Command| {
            self.plan.consolidation_policy != ConsolidationPolicy::Balanced
                || consolidation::is_balanced(platform, command)
        };
        multi_node::compute_command(platform, &sorted, budget, now)
            .filter(worth_it)
            .or_else(|| single_node::compute_commands(platform, &sorted, now).find(worth_it))
    }

    /// Drains nodes whose replacements are ready, then validates the command that is due and starts it.
    pub(super) fn execute(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        self.queue.complete(platform, now, orders);
        let Some(command) = self.command.take_if(|command| command.at <= now) else {
            return;
        };
        if let Some(command) = validation::validate(platform, command) {
            self.queue.start(platform, command, now, orders);
        }
    }
}
