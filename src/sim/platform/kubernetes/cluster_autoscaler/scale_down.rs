//! Scale-down: nodes whose pods fit elsewhere go after a while.

use super::super::Kubernetes;
use super::super::nodes::{FreeSpace, NodeState};
use super::super::provision::{PendingPod, first_fit, of};
use super::ClusterAutoscalerPlan;
use crate::sim::platform::control::Order;
use crate::units::SimTime;

/// Finds nodes that are not needed and, unless `is_delayed`, removes those that have not been for long enough: empty ones
/// together, others one at a time. Returns true if one begins to go.
pub(super) fn scale_down(
    platform: &mut Kubernetes,
    plan: &ClusterAutoscalerPlan,
    is_delayed: bool,
    now: SimTime,
    orders: &mut Vec<Order>,
) -> bool {
    let over = long_unneeded(platform, plan, now);
    if is_delayed {
        return false;
    }
    let empty: Vec<u32> = over.iter().filter(|(_, empty)| *empty).map(|(node, _)| *node).collect();
    if empty.is_empty() {
        if let Some((node, _)) = over.first() {
            platform.drain(*node, now, orders);
        }
        return !over.is_empty();
    }
    for node in empty.into_iter().take(plan.max_scale_down_parallelism as usize) {
        platform.drain(node, now, orders);
    }
    true
}

/// Marks the nodes that are not needed. Returns those that have not been for long enough; true beside those without pods.
fn long_unneeded(platform: &mut Kubernetes, plan: &ClusterAutoscalerPlan, now: SimTime) -> Vec<(u32, bool)> {
    let ready = platform.nodes.in_state(NodeState::Ready);
    let mut spaces: Vec<(u32, FreeSpace)> = ready
        .iter()
        .map(|&node| (node, platform.nodes.free_space(node)))
        .collect();
    let mut leaving: Vec<u32> = Vec::new();
    let mut over: Vec<(u32, bool)> = Vec::new();
    for &node in &ready {
        let pods = platform.nodes.pods(node);
        let kind = platform.nodes.get(node).kind;
        let least = platform.nodes.kinds()[kind as usize].bounds.0;
        let going = leaving
            .iter()
            .filter(|&&other| platform.nodes.get(other).kind == kind)
            .count() as u32;
        let may_go = platform.nodes.count(kind) > least + going;
        let needed = !may_go
            || utilisation(platform, node) >= plan.scale_down_utilization_threshold
            || !platform.may_all_go(node)
            || !moves(platform, node, &pods, &mut spaces, &leaving);
        let known = platform.nodes.get_mut(node);
        if needed {
            known.unneeded = None;
            continue;
        }
        leaving.push(node);
        let since = *known.unneeded.get_or_insert(now);
        if since + plan.scale_down_unneeded_time <= now {
            over.push((node, pods.is_empty()));
        }
    }
    over
}

/// The higher of the shares of a node's CPU and memory that its pods request, DaemonSets included.
fn utilisation(platform: &Kubernetes, node: u32) -> f64 {
    let Some(known) = platform.nodes.of(node) else {
        return 1.0;
    };
    let share = |asked: u64, has: u64| asked as f64 / has.max(1) as f64;
    let (asked, has) = (known.requested(), known.allocatable);
    share(asked.cpu, has.cpu).max(share(asked.memory, has.memory))
}

/// Moves the pods of a node into the free space of nodes that stay. Returns true if they fit.
fn moves(platform: &Kubernetes, node: u32, pods: &[u64], spaces: &mut [(u32, FreeSpace)], leaving: &[u32]) -> bool {
    let pods: Vec<PendingPod> = pods.iter().filter_map(|&pod| of(platform, pod)).collect();
    let stays = |other: u32| other != node && !leaving.contains(&other);
    let mut others: Vec<FreeSpace> = spaces
        .iter()
        .filter(|(other, _)| stays(*other))
        .map(|(_, space)| *space)
        .collect();
    if !first_fit(pods, &mut others).is_empty() {
        return false;
    }
    let taken = spaces.iter_mut().filter(|(other, _)| stays(*other)).zip(others);
    taken.for_each(|((_, space), after)| *space = after);
    true
}
