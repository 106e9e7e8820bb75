//! The packing of pods onto nodes over a run: means over time of resources offered, requested and stranded.

use serde::{Deserialize, Serialize};

use crate::sim::fact::Fact;
use crate::sim::observe::Observer;
use crate::sim::platform::control::{Amount, ClusterState, NodeChange};
use crate::units::{SimDuration, SimTime};

/// Integrals over the counted time of one replication or several: counts, thousandths of a core and MiB, times nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Packing {
    /// Length of the time.
    pub ns: u128,
    /// The state, integrated.
    pub sum: Sums,
    /// Most pods that waited for a node at a time.
    pub most_pending: u32,
    /// Nodes that the cloud has taken back.
    pub taken_back: u64,
    /// Nodes that have failed.
    pub failed: u64,
    /// Replications.
    pub runs: u32,
}

/// [`ClusterState`], integrated or as a mean.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Nodes that are ready.
    pub nodes: f64,
    /// Nodes that would do at least.
    pub least_nodes: f64,
    /// Pods with a node.
    pub pods: f64,
    /// Pods without one.
    pub pending: f64,
    /// Resources for pods.
    pub allocatable: [f64; 2],
    /// Requests of DaemonSets.
    pub daemons: [f64; 2],
    /// Requests of other pods.
    pub requested: [f64; 2],
    /// Free resources on nodes without enough CPU for a pod.
    pub without_cpu: [f64; 2],
    /// Free resources on nodes without enough memory for a pod.
    pub without_memory: [f64; 2],
    /// Free resources on nodes without enough of both for a pod.
    pub without_both: [f64; 2],
    /// Free resources on nodes that have reached their limit of pods.
    pub without_pods: [f64; 2],
}

fn plus(sum: &mut [f64; 2], amount: Amount, times: f64) {
    sum[0] += amount.cpu as f64 * times;
    sum[1] += amount.memory as f64 * times;
}

impl Sums {
    fn add(&mut self, state: &ClusterState, times: f64) {
        self.nodes += f64::from(state.nodes) * times;
        self.least_nodes += f64::from(state.least_nodes) * times;
        self.pods += f64::from(state.pods) * times;
        self.pending += f64::from(state.pending) * times;
        plus(&mut self.allocatable, state.allocatable, times);
        plus(&mut self.daemons, state.daemons, times);
        plus(&mut self.requested, state.requested, times);
        plus(&mut self.without_cpu, state.without_cpu, times);
        plus(&mut self.without_memory, state.without_memory, times);
        plus(&mut self.without_both, state.without_both, times);
        plus(&mut self.without_pods, state.without_pods, times);
    }

    fn all(&mut self) -> [&mut f64; 18] {
        let Self {
            nodes,
            least_nodes,
            pods,
            pending,
            allocatable: [a, b],
            daemons: [c, d],
            requested: [e, f],
            without_cpu: [g, h],
            without_memory: [i, j],
            without_both: [k, l],
            without_pods: [m, n],
        } = self;
        [
            nodes,
            least_nodes,
            pods,
            pending,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            m,
            n,
        ]
    }
}

impl Packing {
    /// The sums of several replications; `None` if one has none.
    pub fn sum<'a>(parts: impl Iterator<Item = Option<&'a Self>>) -> Option<Self> {
        let parts: Vec<&Self> = parts.collect::<Option<_>>()?;
        let mut all = Self::default();
        for part in &parts {
            all.ns += part.ns;
            all.most_pending = all.most_pending.max(part.most_pending);
            all.taken_back += part.taken_back;
            all.failed += part.failed;
            all.runs += part.runs;
            let mut other = part.sum.clone();
            for (own, other) in all.sum.all().into_iter().zip(other.all()) {
                *own += *other;
            }
        }
        (!parts.is_empty()).then_some(all)
    }

    /// Means over the time; `None` if there was none.
    pub fn means(&self) -> Option<Sums> {
        let mut means = self.sum.clone();
        means.all().into_iter().for_each(|value| *value /= self.ns as f64);
        (self.ns > 0).then_some(means)
    }
}

/// Watches a run.
#[derive(Debug)]
pub struct PackingWatch {
    warm_up: SimTime,
    packing: Packing,
    /// The same as it was at the last sample.
    sampled: Packing,
    state: ClusterState,
    since: SimTime,
}

impl PackingWatch {
    /// Counts from the warm-up on.
    pub fn new(warm_up: SimDuration) -> Self {
        Self {
            warm_up: SimTime::ZERO + warm_up,
            packing: Packing {
                runs: 1,
                ..Packing::default()
            },
            sampled: Packing::default(),
            state: ClusterState::default(),
            since: SimTime::ZERO,
        }
    }

    fn pass(&mut self, at: SimTime) {
        let from = self.since.max(self.warm_up);
        if at > from {
            let lasts = at.since(from).0;
            self.packing.ns += u128::from(lasts);
            self.packing.sum.add(&self.state, lasts as f64);
            self.packing.most_pending = self.packing.most_pending.max(self.state.pending);
        }
        self.since = self.since.max(at);
    }

    /// The counts until the last sample, which the run takes at its end.
    pub fn into_packing(self) -> Packing {
        self.sampled
    }
}

impl Observer for PackingWatch {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Sampled { service: 0, at, .. } => {
                self.pass(at);
                self.sampled = self.packing.clone();
            }
            Fact::Node { at, change, .. } if at >= self.warm_up => {
                self.packing.taken_back += u64::from(matches!(change, NodeChange::TakenBack { .. }));
                self.packing.failed += u64::from(change == NodeChange::Failed);
            }
            _ => {}
        }
    }

    fn observe_cluster(&mut self, at: SimTime, state: &ClusterState) {
        self.pass(at);
        self.state = *state;
    }
}
