//! Drift: nodes that were launched before the node class changed are replaced, the oldest first.

use super::super::Kubernetes;
use super::super::nodes::NodeState;
use super::command::Command;
use super::consolidation::simulate_scheduling;
use super::provisioner::cheapest;
use crate::units::{SimDuration, SimTime};

/// The command for drifted nodes: removes up to `budget` empty ones, or replaces one by the nodes that its pods need. `None`
/// if no node has drifted, or none can be replaced. The node class changes at `drifts`.
pub(super) fn compute_command(
    platform: &Kubernetes,
    drifts: &[SimDuration],
    budget: usize,
    now: SimTime,
) -> Option<Command> {
    let changes = drifts.iter().map(|&at| SimTime::ZERO + at);
    let last = changes.filter(|&at| at <= now).max()?;
    let mut drifted = platform.nodes.in_state(NodeState::Ready);
    drifted.retain(|&node| platform.nodes.get(node).launched < last && !platform.is_blocked(node));
    drifted.sort_by_key(|&node| (platform.nodes.get(node).launched, node));
    let is_empty = |node: &u32| platform.nodes.pods(*node).is_empty();
    let empty: Vec<u32> = drifted.iter().copied().filter(is_empty).take(budget).collect();
    if !empty.is_empty() {
        return Some(Command::immediate(empty, Vec::new(), now));
    }
    drifted.into_iter().find_map(|node| {
        let claims = simulate_scheduling(platform, &[node])?;
        let kinds = claims.iter().map(|claim| cheapest(platform, &claim.kinds));
        Some(Command::immediate(vec![node], kinds.collect::<Option<_>>()?, now))
    })
}
