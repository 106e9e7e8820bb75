//! Scale-up: nodes of one group for pods that wait.

use super::super::Kubernetes;
use super::super::nodes::{FreeSpace, NodeState};
use super::super::provision::{PendingPod, first_fit, waiting};
use super::expander::{Expander, ScaleUpOption};
use crate::sim::platform::control::Order;
use crate::units::SimTime;

/// Adds nodes for pods that wait and do not fit onto nodes that are coming. Returns true if it did.
pub(super) fn scale_up(platform: &mut Kubernetes, expander: Expander, now: SimTime, orders: &mut Vec<Order>) -> bool {
    let mut spaces: Vec<FreeSpace> = platform
        .nodes
        .in_state(NodeState::Booting)
        .into_iter()
        .map(|node| platform.nodes.free_space(node))
        .collect();
    let left = first_fit(waiting(platform), &mut spaces);
    if left.is_empty() {
        return false;
    }
    let kinds = 0..platform.nodes.kinds().len() as u16;
    let options: Vec<ScaleUpOption> = kinds.filter_map(|kind| option(platform, kind, &left)).collect();
    let Some(best) = expander.best(&options) else {
        return false;
    };
    for _ in 0..best.nodes {
        platform.launch(best.kind, now, orders);
    }
    true
}

/// The growth of one group that helps these pods; `None` if no pod fits onto a new node, or the group is full.
fn option(platform: &Kubernetes, kind: u16, left: &[PendingPod]) -> Option<ScaleUpOption> {
    let known = &platform.nodes.kinds()[kind as usize];
    let most = known.bounds.1.saturating_sub(platform.nodes.count(kind));
    let empty = platform.nodes.empty_space(kind);
    let size = |pod: &PendingPod| {
        let share = |asks: u64, has: u64| asks as f64 / has.max(1) as f64;
        share(pod.asks.cpu, empty.free.cpu) + share(pod.asks.memory, empty.free.memory)
    };
    let mut pods = left.to_vec();
    pods.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.number.cmp(&b.number)));
    let mut spaces: Vec<FreeSpace> = Vec::new();
    let mut placed = 0;
    for pod in &pods {
        if spaces.iter_mut().any(|space| space.take(pod.asks)) {
            placed += 1;
            continue;
        }
        let mut space = empty;
        if (spaces.len() as u32) < most && space.take(pod.asks) {
            spaces.push(space);
            placed += 1;
        }
    }
    let nodes = spaces.len() as u64;
    let idle = |free: fn(&FreeSpace) -> u64, has: u64| {
        spaces.iter().map(free).sum::<u64>() as f64 / (has.max(1) * nodes.max(1)) as f64
    };
    (placed > 0).then(|| ScaleUpOption {
        kind,
        nodes: nodes as u32,
        pods: placed,
        idle_cpu: idle(|space| space.free.cpu, known.allocatable.cpu),
        idle_memory: idle(|space| space.free.memory, known.allocatable.memory),
        usd_per_hour: known.usd_per_hour.unwrap_or(f64::INFINITY),
    })
}
