//! Cluster Autoscaler: node groups that grow for pods without a node and shrink when nodes are not needed.
//!
//! Source: kubernetes/autoscaler, cluster-autoscaler/FAQ.md, flags and "How does scale-up/scale-down work", 2026-08. Choices:
//! pods are put onto new nodes first fit, larger ones first by the mean of their shares of CPU and memory; groups are all of
//! the same priority; nothing blocks the removal of a node but the room for its pods elsewhere and their disruption budgets.

use serde::{Deserialize, Serialize};

use super::Kubernetes;
use super::nodes::{Room, State};
use super::provision::{Waiting, first_fit, of, waiting};
use crate::sim::platform::control::Order;
use crate::units::{SimDuration, SimTime};

/// `[cluster.cluster-autoscaler]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Spec {
    /// `--scan-interval`
    pub scan_interval: SimDuration,
    /// `--scale-down-enabled`
    pub scale_down_enabled: bool,
    /// `--scale-down-unneeded-time`
    pub scale_down_unneeded_time: SimDuration,
    /// `--scale-down-utilization-threshold`
    pub scale_down_utilization_threshold: f64,
    /// `--scale-down-delay-after-add`
    pub scale_down_delay_after_add: SimDuration,
    /// `--max-scale-down-parallelism`: empty nodes that go at a time.
    pub max_scale_down_parallelism: u32,
    /// `--expander`
    pub expander: Expander,
}

/// Which group grows if several would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expander {
    /// The one with the least idle CPU afterwards, then memory.
    LeastWaste,
    /// The one that takes the most pods.
    MostPods,
    /// The one that costs least for what it takes, by the price of its nodes.
    Price,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            scan_interval: SimDuration::from_secs(10),
            scale_down_enabled: true,
            scale_down_unneeded_time: SimDuration::from_secs(600),
            scale_down_utilization_threshold: 0.5,
            scale_down_delay_after_add: SimDuration::from_secs(600),
            max_scale_down_parallelism: 10,
            expander: Expander::LeastWaste,
        }
    }
}

/// It, at work.
#[derive(Debug)]
pub(super) struct ClusterAutoscaler {
    spec: Spec,
    /// When nodes were added last.
    added: Option<SimTime>,
}

/// What a group would do for the pods that wait.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Growth {
    kind: u16,
    nodes: u32,
    pods: usize,
    idle_cpu: f64,
    idle_memory: f64,
    usd_per_hour: f64,
}

impl ClusterAutoscaler {
    pub(super) fn new(spec: Spec) -> Self {
        Self { spec, added: None }
    }

    pub(super) fn period(&self) -> SimDuration {
        self.spec.scan_interval
    }

    /// One loop.
    pub(super) fn scan(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        if self.grow(platform, now, orders) {
            return;
        }
        if self.spec.scale_down_enabled {
            self.shrink(platform, now, orders);
        }
    }

    /// Adds nodes for pods that wait and will not fit onto those that come; whether it has.
    fn grow(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) -> bool {
        let mut rooms: Vec<Room> = platform
            .nodes
            .in_state(State::Booting)
            .into_iter()
            .map(|node| platform.nodes.room(node))
            .collect();
        let left = first_fit(waiting(platform), &mut rooms);
        if left.is_empty() {
            return false;
        }
        let kinds = 0..platform.nodes.kinds().len() as u16;
        let options: Vec<Growth> = kinds.filter_map(|kind| growth(platform, kind, &left)).collect();
        let Some(best) = self.best(&options) else { return false };
        for _ in 0..best.nodes {
            platform.launch(best.kind, now, orders);
        }
        self.added = Some(now);
        true
    }

    fn best(&self, options: &[Growth]) -> Option<Growth> {
        let waste = |a: &Growth, b: &Growth| {
            a.idle_cpu
                .total_cmp(&b.idle_cpu)
                .then(a.idle_memory.total_cmp(&b.idle_memory))
        };
        let options = options.iter().copied();
        match self.spec.expander {
            Expander::LeastWaste => options.min_by(waste),
            Expander::MostPods => options.min_by(|a, b| b.pods.cmp(&a.pods).then(waste(a, b))),
            Expander::Price => options.min_by(|a, b| {
                let each = |growth: &Growth| growth.usd_per_hour * f64::from(growth.nodes) / growth.pods as f64;
                each(a).total_cmp(&each(b)).then(waste(a, b))
            }),
        }
    }

    /// Finds nodes that are not needed, and removes those that have not been for long enough.
    fn shrink(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        let ready = platform.nodes.in_state(State::Ready);
        let mut rooms: Vec<(u32, Room)> = ready.iter().map(|&node| (node, platform.nodes.room(node))).collect();
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
                || utilisation(platform, node) >= self.spec.scale_down_utilization_threshold
                || !platform.may_all_go(node)
                || !moves(platform, node, &pods, &mut rooms, &leaving);
            let known = platform.nodes.get_mut(node);
            if needed {
                known.unneeded = None;
                continue;
            }
            leaving.push(node);
            let since = *known.unneeded.get_or_insert(now);
            if since + self.spec.scale_down_unneeded_time <= now {
                over.push((node, pods.is_empty()));
            }
        }
        let delayed = self
            .added
            .is_some_and(|added| added + self.spec.scale_down_delay_after_add > now);
        if delayed {
            return;
        }
        let empty: Vec<u32> = over.iter().filter(|(_, empty)| *empty).map(|(node, _)| *node).collect();
        if empty.is_empty() {
            if let Some((node, _)) = over.first() {
                platform.drain(*node, now, orders);
            }
            return;
        }
        for node in empty.into_iter().take(self.spec.max_scale_down_parallelism as usize) {
            platform.drain(node, now, orders);
        }
    }
}

/// The higher of the shares of CPU and memory that are asked for on a node, DaemonSets included.
fn utilisation(platform: &Kubernetes, node: u32) -> f64 {
    let Some(known) = platform.nodes.of(node) else {
        return 1.0;
    };
    let share = |asked: u64, has: u64| asked as f64 / has.max(1) as f64;
    let (asked, has) = (known.requested(), known.allocatable);
    share(asked.cpu, has.cpu).max(share(asked.memory, has.memory))
}

/// Whether the pods of a node find room on others that stay; if so, they take it.
fn moves(platform: &Kubernetes, node: u32, pods: &[u64], rooms: &mut [(u32, Room)], leaving: &[u32]) -> bool {
    let pods: Vec<Waiting> = pods.iter().filter_map(|&pod| of(platform, pod)).collect();
    let stays = |other: u32| other != node && !leaving.contains(&other);
    let mut others: Vec<Room> = rooms
        .iter()
        .filter(|(other, _)| stays(*other))
        .map(|(_, room)| *room)
        .collect();
    if !first_fit(pods, &mut others).is_empty() {
        return false;
    }
    let taken = rooms.iter_mut().filter(|(other, _)| stays(*other)).zip(others);
    taken.for_each(|((_, room), after)| *room = after);
    true
}

/// What a group would do for the pods; `None` if nothing.
fn growth(platform: &Kubernetes, kind: u16, left: &[Waiting]) -> Option<Growth> {
    let known = &platform.nodes.kinds()[kind as usize];
    let most = known.bounds.1.saturating_sub(platform.nodes.count(kind));
    let empty = platform.nodes.empty_room(kind);
    let size = |pod: &Waiting| {
        let share = |asks: u64, has: u64| asks as f64 / has.max(1) as f64;
        share(pod.asks.cpu, empty.free.cpu) + share(pod.asks.memory, empty.free.memory)
    };
    let mut pods = left.to_vec();
    pods.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.number.cmp(&b.number)));
    let mut rooms: Vec<Room> = Vec::new();
    let mut placed = 0;
    for pod in &pods {
        if rooms.iter_mut().any(|room| room.take(pod.asks)) {
            placed += 1;
            continue;
        }
        let mut room = empty;
        if (rooms.len() as u32) < most && room.take(pod.asks) {
            rooms.push(room);
            placed += 1;
        }
    }
    let nodes = rooms.len() as u64;
    let idle = |free: fn(&Room) -> u64, has: u64| {
        rooms.iter().map(free).sum::<u64>() as f64 / (has.max(1) * nodes.max(1)) as f64
    };
    (placed > 0).then(|| Growth {
        kind,
        nodes: nodes as u32,
        pods: placed,
        idle_cpu: idle(|room| room.free.cpu, known.allocatable.cpu),
        idle_memory: idle(|room| room.free.memory, known.allocatable.memory),
        usd_per_hour: known.usd_per_hour.unwrap_or(f64::INFINITY),
    })
}
