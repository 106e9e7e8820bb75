//! The parts that both kinds of consolidation share: where the pods of some nodes would go, and whether that costs less.

use super::super::Kubernetes;
use super::super::nodes::{FreeSpace, NodeState};
use super::super::provision::{PendingPod, first_fit, of, waiting};
use super::candidates::disruption_cost;
use super::command::Command;
use super::provisioner::{NodeClaim, cheapest, largest_first, price, price_of, schedule};

/// The new nodes that the pods of `nodes` need if those nodes go and not all of their pods fit onto others. `None` if a pod
/// fits nowhere.
pub(super) fn simulate_scheduling(platform: &Kubernetes, nodes: &[u32]) -> Option<Vec<NodeClaim>> {
    let pods = nodes.iter().flat_map(|&node| platform.nodes.pods(node));
    let mut pods: Vec<PendingPod> = pods.filter_map(|pod| of(platform, pod)).collect();
    largest_first(&mut pods);
    let others: Vec<u32> = platform.nodes.in_state(NodeState::Ready);
    let others: Vec<u32> = others.into_iter().filter(|other| !nodes.contains(other)).collect();
    let coming = platform.nodes.in_state(NodeState::Booting);
    let mut free: Vec<FreeSpace> = others
        .iter()
        .chain(&coming)
        .map(|&other| platform.nodes.free_space(other))
        .collect();
    // Pods that wait come first. No pod moves onto a node that is not ready.
    first_fit(waiting(platform), &mut free);
    free.truncate(others.len());
    let left = first_fit(pods, &mut free);
    let count = left.len();
    let claims = schedule(platform, left);
    (claims.iter().map(|claim| claim.pods.len()).sum::<usize>() == count).then_some(claims)
}

/// The kinds of the nodes that replace `nodes`: none if all of their pods fit onto other nodes, or one that costs less than
/// `nodes` do together. `None` if neither is possible.
pub(super) fn compute_consolidation(platform: &Kubernetes, nodes: &[u32]) -> Option<Vec<u16>> {
    let claims = simulate_scheduling(platform, nodes)?;
    if claims.is_empty() {
        return Some(Vec::new());
    }
    let [claim] = claims.as_slice() else { return None };
    let paid: f64 = nodes.iter().map(|&node| price(platform, node)).sum();
    // If a type of the nodes that go would do, the new node must be cheaper than the cheapest of those types.
    let same: Vec<u16> = nodes.iter().map(|&node| platform.nodes.get(node).kind).collect();
    let limit = claim
        .kinds
        .iter()
        .filter(|kind| same.contains(kind))
        .map(|&kind| price_of(platform, kind))
        .fold(paid, f64::min);
    // Replacing one spot node by another is a feature that is off by default.
    let is_spot = |kind: u16| platform.nodes.kinds()[kind as usize].spot;
    let spot_goes = same.iter().any(|&kind| is_spot(kind));
    let cheaper: Vec<u16> = claim
        .kinds
        .iter()
        .copied()
        .filter(|&kind| price_of(platform, kind) < limit && !(spot_goes && is_spot(kind)))
        .collect();
    cheapest(platform, &cheaper).map(|kind| vec![kind])
}

/// Returns true if the share of the nodes' cost that a command saves is at least half of its share of all disruption.
pub(super) fn is_balanced(platform: &Kubernetes, command: &Command) -> bool {
    let cost = |nodes: &[u32]| nodes.iter().map(|&node| price(platform, node)).sum::<f64>();
    let disruption = |nodes: &[u32]| nodes.iter().map(|&node| disruption_cost(platform, node)).sum::<f64>();
    let all = platform.nodes.in_state(NodeState::Ready);
    let paid: f64 = command.replacements.iter().map(|&kind| price_of(platform, kind)).sum();
    let saved = (cost(&command.nodes) - paid) / cost(&all).max(f64::MIN_POSITIVE);
    saved / (disruption(&command.nodes) / disruption(&all)) >= 0.5
}
