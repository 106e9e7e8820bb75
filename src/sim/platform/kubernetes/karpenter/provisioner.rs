//! The provisioner: node claims for pods that fit onto no node, and the kind of node that each claim becomes.

use super::super::Kubernetes;
use super::super::nodes::{FreeSpace, NodeState};
use super::super::provision::{PendingPod, first_fit, waiting};
use crate::sim::platform::control::{Amount, Order};
use crate::units::SimTime;

/// A node to be: its pods, and the kinds of nodes that would hold them.
#[derive(Debug)]
pub(super) struct NodeClaim {
    pub(super) pods: Vec<PendingPod>,
    pub(super) kinds: Vec<u16>,
}

/// Launches nodes for the pods that wait and do not fit onto nodes that are coming.
pub(super) fn provision(platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
    let mut pods = waiting(platform);
    largest_first(&mut pods);
    let coming = platform.nodes.in_state(NodeState::Booting);
    let mut free: Vec<FreeSpace> = coming.into_iter().map(|node| platform.nodes.free_space(node)).collect();
    let left = first_fit(pods, &mut free);
    for claim in schedule(platform, left) {
        if let Some(kind) = cheapest(platform, &claim.kinds) {
            platform.launch(kind, now, orders);
        }
    }
}

/// Puts pods in the order in which they are scheduled: by CPU, then by memory, the largest first.
pub(super) fn largest_first(pods: &mut [PendingPod]) {
    pods.sort_by(|a, b| (b.asks.cpu, b.asks.memory, a.number).cmp(&(a.asks.cpu, a.asks.memory, b.number)));
}

/// Node claims for pods: each pod goes to the claim with the fewest pods that can take it, or to a new one. Pods that no node
/// could hold get no claim.
pub(super) fn schedule(platform: &Kubernetes, pods: Vec<PendingPod>) -> Vec<NodeClaim> {
    let mut claims: Vec<NodeClaim> = Vec::new();
    let kinds: Vec<u16> = (0..platform.nodes.kinds().len() as u16).collect();
    for pod in pods {
        let mut order: Vec<usize> = (0..claims.len()).collect();
        order.sort_by_key(|&i| (claims[i].pods.len(), i));
        let joined = order.into_iter().find_map(|i| {
            let held = holding(platform, &claims[i].kinds, &claims[i].pods, pod);
            (!held.is_empty()).then_some((i, held))
        });
        if let Some((i, held)) = joined {
            claims[i].pods.push(pod);
            claims[i].kinds = held;
            continue;
        }
        let held = holding(platform, &kinds, &[], pod);
        if !held.is_empty() {
            claims.push(NodeClaim {
                pods: vec![pod],
                kinds: held,
            });
        }
    }
    claims
}

/// Those of `kinds` whose nodes hold all these pods.
fn holding(platform: &Kubernetes, kinds: &[u16], pods: &[PendingPod], one_more: PendingPod) -> Vec<u16> {
    let mut asks = one_more.asks;
    pods.iter().for_each(|pod| asks.add(pod.asks));
    let count = pods.len() as u32 + 1;
    let holds = |&kind: &u16| {
        let space = platform.nodes.empty_space(kind);
        let Amount { cpu, memory } = space.free;
        asks.cpu <= cpu && asks.memory <= memory && count <= space.pods
    };
    kinds.iter().copied().filter(holds).collect()
}

/// The cheapest of `kinds` of which there may be one more; the first in the list among equals.
pub(super) fn cheapest(platform: &Kubernetes, kinds: &[u16]) -> Option<u16> {
    let may = |&&kind: &&u16| platform.nodes.count(kind) < platform.nodes.kinds()[kind as usize].bounds.1;
    let kinds = kinds.iter().filter(may);
    kinds
        .copied()
        .min_by(|&a, &b| price_of(platform, a).total_cmp(&price_of(platform, b)).then(a.cmp(&b)))
}

/// Price of a node in US dollars an hour.
pub(super) fn price(platform: &Kubernetes, node: u32) -> f64 {
    price_of(platform, platform.nodes.get(node).kind)
}

/// Price of a kind of node in US dollars an hour; 0 if it is not known.
pub(super) fn price_of(platform: &Kubernetes, kind: u16) -> f64 {
    platform.nodes.kinds()[kind as usize].usd_per_hour.unwrap_or(0.0)
}
