//! Karpenter: nodes of the cheapest type that holds the pods without one, and nodes that are replaced or removed when their
//! pods fit elsewhere for less.
//!
//! Source: kubernetes-sigs/karpenter v1.14.1: batching, order of pods, placement, disruption (emptiness, multi-node and
//! single-node consolidation, drift, expiry), budgets, validation. Choices: the cheapest type that holds a claim's pods is what
//! the cloud gives; every pod costs the same to evict; there is one node pool; one command is under way at a time; nodes of the
//! run's beginning are new then.

use serde::{Deserialize, Serialize};

use super::Kubernetes;
use super::nodes::{Room, State};
use super::provision::{Waiting, first_fit, of, waiting};
use crate::sim::platform::control::{Amount, Order};
use crate::units::{SimDuration, SimTime};

/// `[cluster.karpenter]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Spec {
    /// `BATCH_IDLE_DURATION`: nodes are made when no pod has come for so long.
    pub batch_idle_duration: SimDuration,
    /// `BATCH_MAX_DURATION`: or after so long at the latest.
    pub batch_max_duration: SimDuration,
    /// `disruption.consolidationPolicy`
    pub consolidation_policy: Policy,
    /// `disruption.consolidateAfter`: time since a pod came to or left a node.
    pub consolidate_after: SimDuration,
    /// `disruption.budgets`: share of nodes that may be disrupted at a time, rounded up.
    pub budget: f64,
    /// `expireAfter`: age at which a node is drained, whatever budgets say.
    pub expire_after: SimDuration,
    /// When the node class changes, such as to a new machine image: nodes launched before have drifted from then on. From the
    /// beginning of the run on.
    pub drifts: Vec<SimDuration>,
}

/// Which nodes are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Policy {
    /// Those without pods.
    WhenEmpty,
    /// Also those whose pods fit elsewhere for less.
    WhenEmptyOrUnderutilized,
    /// The same where what is saved is worth the disruption: its share of what nodes cost is at least half of the share of
    /// what disrupting all nodes would cost.
    Balanced,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            batch_idle_duration: SimDuration::from_secs(1),
            batch_max_duration: SimDuration::from_secs(10),
            consolidation_policy: Policy::WhenEmptyOrUnderutilized,
            consolidate_after: SimDuration::ZERO,
            budget: 0.1,
            expire_after: SimDuration::from_secs(720 * 3600),
            drifts: Vec::new(),
        }
    }
}

/// Time between two looks at nodes. Source: disruption controller.
const PERIOD: SimDuration = SimDuration::from_secs(10);
/// A decision is looked at again after so long. Source: consolidation's validation.
const VALIDATION: SimDuration = SimDuration::from_secs(15);
/// Most nodes that are consolidated together. Source: multi-node consolidation.
const MOST_TOGETHER: usize = 100;

/// Pods that wait for nodes.
#[derive(Debug, Clone, Copy)]
struct Batch {
    since: SimTime,
    last: SimTime,
    newest: u64,
}

/// Nodes that are to go, and the kinds of those that take their place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Command {
    nodes: Vec<u32>,
    replacements: Vec<u16>,
    at: SimTime,
    /// It is looked at again before it is done.
    validated: bool,
}

/// Nodes that wait for their replacement to be ready.
#[derive(Debug, Clone)]
struct Replacing {
    nodes: Vec<u32>,
    by: Vec<u32>,
}

/// It, at work.
#[derive(Debug)]
pub(super) struct Karpenter {
    spec: Spec,
    batch: Option<Batch>,
    /// Number of the newest pod that it has seen waiting.
    seen: u64,
    command: Option<Command>,
    replacing: Vec<Replacing>,
}

/// A node to be: its pods, and the kinds that would hold them.
#[derive(Debug)]
struct Claim {
    pods: Vec<Waiting>,
    kinds: Vec<u16>,
}

impl Karpenter {
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            spec,
            batch: None,
            seen: 0,
            command: None,
            replacing: Vec::new(),
        }
    }

    pub(super) fn period(&self) -> SimDuration {
        PERIOD
    }

    pub(super) fn expire_after(&self) -> SimDuration {
        self.spec.expire_after
    }

    /// Pods wait for a node: when nodes are made for them, if that is news, or none are `coming` any more.
    pub(super) fn pending(&mut self, newest: u64, coming: bool, now: SimTime) -> Option<SimTime> {
        let batch = match &mut self.batch {
            Some(batch) if newest <= batch.newest => return None,
            Some(batch) => {
                (batch.last, batch.newest) = (now, newest);
                *batch
            }
            None if newest <= self.seen && coming => return None,
            None => *self.batch.insert(Batch {
                since: now,
                last: now,
                newest,
            }),
        };
        Some(self.closes(batch))
    }

    fn closes(&self, batch: Batch) -> SimTime {
        (batch.last + self.spec.batch_idle_duration).min(batch.since + self.spec.batch_max_duration)
    }

    /// Makes nodes for the pods that wait and fit onto none that comes.
    pub(super) fn provision(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        let Some(batch) = self.batch.filter(|batch| self.closes(*batch) <= now) else {
            return;
        };
        self.batch = None;
        self.seen = batch.newest;
        let mut pods = waiting(platform);
        pods.sort_by(|a, b| (b.asks.cpu, b.asks.memory, a.number).cmp(&(a.asks.cpu, a.asks.memory, b.number)));
        let coming = platform.nodes.in_state(State::Booting);
        let mut rooms: Vec<Room> = coming.into_iter().map(|node| platform.nodes.room(node)).collect();
        let left = first_fit(pods, &mut rooms);
        for claim in claims(platform, left) {
            if let Some(kind) = cheapest(platform, &claim.kinds) {
                platform.launch(kind, now, orders);
            }
        }
    }

    /// Looks for nodes that can go, unless a decision is on its way already: when it is to be looked at again.
    pub(super) fn disrupt(&mut self, platform: &Kubernetes, now: SimTime) -> Option<SimTime> {
        self.take_over(platform);
        if self.command.is_some() || !self.replacing.is_empty() {
            return None;
        }
        let command = self.decide(platform, now)?;
        let at = command.at;
        self.command = Some(command);
        Some(at)
    }

    /// Forgets replacements that have gone another way.
    fn take_over(&mut self, platform: &Kubernetes) {
        self.replacing.retain(|replacing| {
            replacing
                .by
                .iter()
                .all(|&by| platform.nodes.get(by).state != State::Gone)
        });
    }

    /// Nodes that may be disrupted at a time.
    fn budget(&self, platform: &Kubernetes) -> usize {
        let ready = platform.nodes.in_state(State::Ready).len();
        let draining = platform.nodes.in_state(State::Draining).len();
        let allowed = (self.spec.budget * (ready + draining) as f64).ceil() as usize;
        allowed.saturating_sub(draining)
    }

    fn decide(&self, platform: &Kubernetes, now: SimTime) -> Option<Command> {
        let budget = self.budget(platform);
        let calm = |&node: &u32| platform.nodes.get(node).changed + self.spec.consolidate_after <= now;
        let mut candidates: Vec<u32> = platform.nodes.in_state(State::Ready);
        candidates.retain(calm);
        // As many of a kind as are more than the fewest.
        let mut spare: Vec<u32> = (0..platform.nodes.kinds().len() as u16)
            .map(|kind| {
                let least = platform.nodes.kinds()[kind as usize].bounds.0;
                platform.nodes.count(kind).saturating_sub(least)
            })
            .collect();
        candidates.retain(|&node| !platform.is_blocked(node));
        let command = |nodes, replacements| Command {
            nodes,
            replacements,
            at: now + VALIDATION,
            validated: true,
        };
        let empty: Vec<u32> = candidates
            .iter()
            .copied()
            .filter(|&node| platform.nodes.pods(node).is_empty())
            .filter(|&node| may_go(platform, node, &mut spare))
            .take(budget)
            .collect();
        if !empty.is_empty() {
            return Some(command(empty, Vec::new()));
        }
        if budget > 0
            && let Some(command) = self.drifted(platform, now)
        {
            return Some(command);
        }
        if self.spec.consolidation_policy == Policy::WhenEmpty || budget == 0 {
            return None;
        }
        let worth = |node: u32| price(platform, node) / (1.0 + platform.nodes.pods(node).len() as f64);
        candidates.sort_by(|&a, &b| worth(b).total_cmp(&worth(a)).then(a.cmp(&b)));
        candidates.retain(|&node| may_go(platform, node, &mut spare));
        // The longest prefix that works, by halving, as it does.
        let most = candidates.len().min(budget).min(MOST_TOGETHER);
        let (mut low, mut high) = (2, most);
        let mut found = None;
        while low <= high {
            let middle = low.midpoint(high);
            match consolidate(platform, &candidates[..middle]) {
                Some(replacements) => {
                    found = Some(command(candidates[..middle].to_vec(), replacements));
                    low = middle + 1;
                }
                None => high = middle - 1,
            }
        }
        let worth_it =
            |command: &Command| self.spec.consolidation_policy != Policy::Balanced || balanced(platform, command);
        let alone = || {
            let each = candidates.iter();
            let mut commands = each.filter_map(|&node| Some(command(vec![node], consolidate(platform, &[node])?)));
            commands.find(worth_it)
        };
        found.filter(worth_it).or_else(alone)
    }

    /// The next of the nodes that were launched before the node class changed last, the oldest first: those without pods, or
    /// one with what its pods need in its place.
    fn drifted(&self, platform: &Kubernetes, now: SimTime) -> Option<Command> {
        let changes = self.spec.drifts.iter().map(|&at| SimTime::ZERO + at);
        let last = changes.filter(|&at| at <= now).max()?;
        let mut candidates = platform.nodes.in_state(State::Ready);
        candidates.retain(|&node| platform.nodes.get(node).launched < last && !platform.is_blocked(node));
        candidates.sort_by_key(|&node| (platform.nodes.get(node).launched, node));
        let command = |nodes, replacements| Command {
            nodes,
            replacements,
            at: now,
            validated: false,
        };
        let is_empty = |node: &u32| platform.nodes.pods(*node).is_empty();
        let empty: Vec<u32> = candidates
            .iter()
            .copied()
            .filter(is_empty)
            .take(self.budget(platform))
            .collect();
        if !empty.is_empty() {
            return Some(command(empty, Vec::new()));
        }
        candidates.into_iter().find_map(|node| {
            let claims = needed(platform, &[node])?;
            let kinds = claims.iter().map(|claim| cheapest(platform, &claim.kinds));
            Some(command(vec![node], kinds.collect::<Option<_>>()?))
        })
    }

    /// Looks at the decision again, and does it: replacements first, then the nodes go.
    pub(super) fn execute(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        let mut waiting = Vec::new();
        for replacing in std::mem::take(&mut self.replacing) {
            let comes = |&by: &u32| platform.nodes.get(by).state == State::Booting;
            if replacing.by.iter().any(comes) {
                waiting.push(replacing);
                continue;
            }
            for node in replacing.nodes {
                if platform.nodes.get(node).state != State::Gone {
                    platform.drain(node, now, orders);
                }
            }
        }
        self.replacing = waiting;
        let Some(command) = self.command.take_if(|command| command.at <= now) else {
            return;
        };
        let holds = if command
            .nodes
            .iter()
            .any(|&node| platform.nodes.get(node).state != State::Ready)
        {
            None
        } else if command.nodes.iter().all(|&node| platform.nodes.pods(node).is_empty()) {
            Some(Vec::new())
        } else if command.validated {
            consolidate(platform, &command.nodes)
        } else {
            Some(command.replacements.clone())
        };
        // What was decided must still be right, at no higher price.
        let Some(replacements) = holds.filter(|again| again.is_empty() || *again == command.replacements) else {
            return;
        };
        if replacements.is_empty() {
            for node in command.nodes {
                platform.drain(node, now, orders);
            }
            return;
        }
        let launched = replacements.into_iter().map(|kind| platform.launch(kind, now, orders));
        let by = launched.collect();
        command.nodes.iter().for_each(|&node| platform.nodes.cordon(node));
        self.replacing.push(Replacing {
            nodes: command.nodes,
            by,
        });
    }
}

/// Whether a command saves at least half as large a share of the cost of all nodes as its share of all disruption is.
fn balanced(platform: &Kubernetes, command: &Command) -> bool {
    let cost = |nodes: &[u32]| nodes.iter().map(|&node| price(platform, node)).sum::<f64>();
    let disruption = |nodes: &[u32]| {
        let each = nodes.iter().map(|&node| 1.0 + platform.nodes.pods(node).len() as f64);
        each.sum::<f64>()
    };
    let all = platform.nodes.in_state(State::Ready);
    let paid: f64 = command.replacements.iter().map(|&kind| price_of(platform, kind)).sum();
    let saved = (cost(&command.nodes) - paid) / cost(&all).max(f64::MIN_POSITIVE);
    saved / (disruption(&command.nodes) / disruption(&all)) >= 0.5
}

/// Whether there is one more node of this kind than the fewest, which is taken off.
fn may_go(platform: &Kubernetes, node: u32, spare: &mut [u32]) -> bool {
    let left = &mut spare[platform.nodes.get(node).kind as usize];
    let may = *left > 0;
    *left = left.saturating_sub(1);
    may
}

/// US dollars an hour of a node.
fn price(platform: &Kubernetes, node: u32) -> f64 {
    price_of(platform, platform.nodes.get(node).kind)
}

fn price_of(platform: &Kubernetes, kind: u16) -> f64 {
    platform.nodes.kinds()[kind as usize].usd_per_hour.unwrap_or(0.0)
}

/// The cheapest of some kinds; the first in the list among equals.
fn cheapest(platform: &Kubernetes, kinds: &[u16]) -> Option<u16> {
    let may = |&&kind: &&u16| platform.nodes.count(kind) < platform.nodes.kinds()[kind as usize].bounds.1;
    let kinds = kinds.iter().filter(may);
    kinds
        .copied()
        .min_by(|&a, &b| price_of(platform, a).total_cmp(&price_of(platform, b)).then(a.cmp(&b)))
}

/// Nodes for pods: each pod goes to the claim with the fewest pods that can take it, or to a new one.
fn claims(platform: &Kubernetes, pods: Vec<Waiting>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
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
            claims.push(Claim {
                pods: vec![pod],
                kinds: held,
            });
        }
    }
    claims
}

/// Those of some kinds whose nodes hold all these pods.
fn holding(platform: &Kubernetes, kinds: &[u16], pods: &[Waiting], one_more: Waiting) -> Vec<u16> {
    let mut asks = one_more.asks;
    pods.iter().for_each(|pod| asks.add(pod.asks));
    let count = pods.len() as u32 + 1;
    let holds = |&kind: &u16| {
        let room = platform.nodes.empty_room(kind);
        let Amount { cpu, memory } = room.free;
        asks.cpu <= cpu && asks.memory <= memory && count <= room.pods
    };
    kinds.iter().copied().filter(holds).collect()
}

/// What new nodes the pods of some nodes need if those go, where they do not fit onto others; `None` if a pod fits nowhere.
fn needed(platform: &Kubernetes, nodes: &[u32]) -> Option<Vec<Claim>> {
    let pods = nodes.iter().flat_map(|&node| platform.nodes.pods(node));
    let mut pods: Vec<Waiting> = pods.filter_map(|pod| of(platform, pod)).collect();
    pods.sort_by(|a, b| (b.asks.cpu, b.asks.memory, a.number).cmp(&(a.asks.cpu, a.asks.memory, b.number)));
    let others: Vec<u32> = platform.nodes.in_state(State::Ready);
    let others: Vec<u32> = others.into_iter().filter(|other| !nodes.contains(other)).collect();
    let coming = platform.nodes.in_state(State::Booting);
    let mut rooms: Vec<Room> = others
        .iter()
        .chain(&coming)
        .map(|&other| platform.nodes.room(other))
        .collect();
    // Pods that wait come first. Nobody moves onto a node that is not ready.
    first_fit(waiting(platform), &mut rooms);
    rooms.truncate(others.len());
    let left = first_fit(pods, &mut rooms);
    let count = left.len();
    let claims = claims(platform, left);
    (claims.iter().map(|claim| claim.pods.len()).sum::<usize>() == count).then_some(claims)
}

/// Whether the pods of some nodes fit elsewhere: onto others, with at most one more node, of the kind that is returned, which
/// costs less than they do together. `None`: they do not.
fn consolidate(platform: &Kubernetes, nodes: &[u32]) -> Option<Vec<u16>> {
    let claims = needed(platform, nodes)?;
    if claims.is_empty() {
        return Some(Vec::new());
    }
    let [claim] = claims.as_slice() else { return None };
    let paid: f64 = nodes.iter().map(|&node| price(platform, node)).sum();
    // A type that is there already must be cheaper than the cheapest of that type that goes.
    let same: Vec<u16> = nodes.iter().map(|&node| platform.nodes.get(node).kind).collect();
    let limit = claim
        .kinds
        .iter()
        .filter(|kind| same.contains(kind))
        .map(|&kind| price_of(platform, kind))
        .fold(paid, f64::min);
    // One spot node for another is a feature that is off by default.
    let is_spot = |kind: u16| platform.nodes.kinds()[kind as usize].spot;
    let goes = same.iter().any(|&kind| is_spot(kind));
    let cheaper: Vec<u16> = claim
        .kinds
        .iter()
        .copied()
        .filter(|&kind| price_of(platform, kind) < limit && !(goes && is_spot(kind)))
        .collect();
    cheapest(platform, &cheaper).map(|kind| vec![kind])
}
