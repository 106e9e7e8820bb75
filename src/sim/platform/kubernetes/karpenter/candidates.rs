//! The nodes that may be disrupted now, and how many of them.

use super::super::Kubernetes;
use super::super::nodes::NodeState;
use super::KarpenterPlan;
use super::provisioner::price;
use crate::units::SimTime;

/// Most nodes of each kind and in all that may go, and the nodes to choose from.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    /// Ready nodes that have not changed for `consolidateAfter` and that no disruption budget of pods blocks.
    pub(super) nodes: Vec<u32>,
    /// By kind: nodes above the fewest that the scenario asks for.
    spare: Vec<u32>,
    /// `disruption.budgets`: nodes that may be disrupted now.
    pub(super) budget: usize,
}

impl Candidates {
    pub(super) fn new(platform: &Kubernetes, plan: &KarpenterPlan, now: SimTime) -> Self {
        let settled = |&node: &u32| platform.nodes.get(node).changed + plan.consolidate_after <= now;
        let mut nodes: Vec<u32> = platform.nodes.in_state(NodeState::Ready);
        nodes.retain(settled);
        nodes.retain(|&node| !platform.is_blocked(node));
        let kinds = platform.nodes.kinds().iter().enumerate();
        let spare = kinds.map(|(kind, known)| platform.nodes.count(kind as u16).saturating_sub(known.bounds.0));
        Self {
            nodes,
            spare: spare.collect(),
            budget: budget(platform, plan.budget),
        }
    }

    /// Takes a node off the spare nodes of its kind. Returns true if there was one.
    pub(super) fn take_spare(&mut self, platform: &Kubernetes, node: u32) -> bool {
        let left = &mut self.spare[platform.nodes.get(node).kind as usize];
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    /// The spare nodes, those first that cost most for what disrupting them costs.
    pub(super) fn by_savings(mut self, platform: &Kubernetes) -> Vec<u32> {
        let savings = |node: u32| price(platform, node) / disruption_cost(platform, node);
        let mut nodes = std::mem::take(&mut self.nodes);
        nodes.sort_by(|&a, &b| savings(b).total_cmp(&savings(a)).then(a.cmp(&b)));
        nodes.retain(|&node| self.take_spare(platform, node));
        nodes
    }
}

/// Nodes that may be disrupted now: the share of all nodes, without those that drain already.
fn budget(platform: &Kubernetes, share: f64) -> usize {
    let ready = platform.nodes.in_state(NodeState::Ready).len();
    let draining = platform.nodes.in_state(NodeState::Draining).len();
    let allowed = (share * (ready + draining) as f64).ceil() as usize;
    allowed.saturating_sub(draining)
}

/// Cost of the disruption of a node: one for the node and one for each of its pods.
pub(super) fn disruption_cost(platform: &Kubernetes, node: u32) -> f64 {
    1.0 + platform.nodes.pods(node).len() as f64
}
