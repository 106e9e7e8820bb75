//! Nodes and their life: launch, boot, pods and images, drain, end.

use std::collections::BTreeSet;

use super::images::Images;
use super::plan::{ClusterPlan, Image, ImageDisk, NodeKind, Pulls};
use crate::model::dist::Dist;
use crate::rng::{Draws, Purpose, Stream};
use crate::sim::cluster::node::{Node as ClusterNode, PodShape, Resources};
use crate::sim::cluster::scheduler::Cluster;
use crate::sim::platform::control::{Amount, NodeChange};
use crate::units::{SimDuration, SimTime};

/// The state of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeState {
    /// Launched and not ready.
    Booting,
    /// Takes pods.
    Ready,
    /// Takes no more pods, and ends with its last one.
    Draining,
    /// Ended.
    Gone,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    /// Its kind.
    pub(super) kind: u16,
    pub(super) state: NodeState,
    pub(super) launched: SimTime,
    /// True if it has failed: its pods do not answer any more.
    pub(super) failed: bool,
    /// True if the cloud has taken it back.
    pub(super) taken_back: bool,
    /// True if it stays when it is empty, until the cloud takes it back.
    pub(super) stays: bool,
    /// Its number in the cluster, once it is ready.
    place: usize,
    images: Images,
    pods: BTreeSet<u64>,
    /// When it became ready, or a pod came or left.
    pub(super) changed: SimTime,
    /// Since when Cluster Autoscaler does not need it.
    pub(super) unneeded: Option<SimTime>,
}

/// Free resources of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FreeSpace {
    pub(super) free: Amount,
    pub(super) pods: u32,
}

impl FreeSpace {
    /// Takes a pod in if it fits. Returns true if it does.
    pub(super) fn take(&mut self, asks: Amount) -> bool {
        let fits = self.pods > 0 && asks.cpu <= self.free.cpu && asks.memory <= self.free.memory;
        if fits {
            self.pods -= 1;
            self.free.cpu -= asks.cpu;
            self.free.memory -= asks.memory;
        }
        fits
    }
}

/// All nodes.
#[derive(Debug)]
pub(super) struct Nodes {
    /// The ready nodes with the requests of their pods, for the scheduler.
    pub(super) cluster: Cluster,
    kinds: Vec<NodeKind>,
    zones: u32,
    daemons: Amount,
    daemon_pods: u32,
    pulls: Pulls,
    boot: Dist,
    boot_stream: Stream,
    all: Vec<Node>,
    /// By number in the cluster.
    by_place: Vec<u32>,
    /// Kinds of the initial nodes, until they are told.
    first: Vec<u16>,
}

impl Nodes {
    pub(super) fn new(plan: &ClusterPlan, draws: Draws) -> Self {
        let mut nodes = Self {
            cluster: Cluster::default(),
            kinds: plan.kinds.clone(),
            zones: plan.zones.max(1),
            daemons: plan.daemons,
            daemon_pods: plan.daemon_pods,
            pulls: plan.pulls,
            boot: plan.boot.clone(),
            boot_stream: draws.stream(Purpose::NodeBoot, 0),
            all: Vec::new(),
            by_place: Vec::new(),
            first: Vec::new(),
        };
        for (kind, count) in plan.kinds.iter().map(|kind| kind.count).enumerate() {
            for _ in 0..count {
                let (node, _) = nodes.launch(kind as u16, SimTime::ZERO);
                nodes.ready(node, SimTime::ZERO);
                nodes.first.push(kind as u16);
            }
        }
        nodes
    }

    /// Takes the kinds of the initial nodes, which are told once.
    pub(super) fn untold(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.first)
    }

    pub(super) fn kinds(&self) -> &[NodeKind] {
        &self.kinds
    }

    pub(super) fn get(&self, node: u32) -> &Node {
        &self.all[node as usize]
    }

    /// A node as the scheduler sees it; `None` if it is not ready yet, or gone.
    pub(super) fn of(&self, node: u32) -> Option<&ClusterNode> {
        self.cluster.node(self.get(node).place)
    }

    pub(super) fn get_mut(&mut self, node: u32) -> &mut Node {
        &mut self.all[node as usize]
    }

    /// Numbers of the nodes in a state, rising.
    pub(super) fn in_state(&self, state: NodeState) -> Vec<u32> {
        let numbered = self.all.iter().enumerate().filter(|(_, node)| node.state == state);
        numbered.map(|(number, _)| number as u32).collect()
    }

    /// Nodes of a kind that are ready or booting.
    pub(super) fn count(&self, kind: u16) -> u32 {
        let there = |node: &&Node| node.kind == kind && matches!(node.state, NodeState::Booting | NodeState::Ready);
        self.all.iter().filter(there).count() as u32
    }

    /// Launches a node. Returns its number, and the time at which it will be ready.
    pub(super) fn launch(&mut self, kind: u16, now: SimTime) -> (u32, SimTime) {
        let number = self.all.len() as u32;
        let ready = now + self.boot.at(self.boot_stream, u64::from(number));
        self.all.push(Node {
            kind,
            state: NodeState::Booting,
            launched: now,
            failed: false,
            taken_back: false,
            stays: false,
            place: usize::MAX,
            images: Images::default(),
            pods: BTreeSet::new(),
            changed: now,
            unneeded: None,
        });
        (number, ready)
    }

    /// Free resources of a new node, for pods that are no DaemonSet's.
    pub(super) fn empty_space(&self, kind: u16) -> FreeSpace {
        let kind = &self.kinds[kind as usize];
        FreeSpace {
            free: Amount {
                cpu: kind.allocatable.cpu.saturating_sub(self.daemons.cpu),
                memory: kind.allocatable.memory.saturating_sub(self.daemons.memory),
            },
            pods: kind.max_pods.saturating_sub(self.daemon_pods),
        }
    }

    /// Free resources of a node that is ready or coming.
    pub(super) fn free_space(&self, node: u32) -> FreeSpace {
        let Some(there) = self.of(node) else {
            return self.empty_space(self.get(node).kind);
        };
        let (has, asked) = (there.allocatable, there.requested());
        FreeSpace {
            free: Amount {
                cpu: has.cpu.saturating_sub(asked.cpu),
                memory: (has.memory >> 20).saturating_sub(asked.memory >> 20),
            },
            pods: there.max_pods.saturating_sub(there.pods()),
        }
    }

    /// The pod that stands for all DaemonSets' on a node.
    fn daemon(&self) -> PodShape {
        PodShape::new(Some(self.daemons.cpu), Some(self.daemons.memory << 20), u32::MAX)
    }

    /// Makes a node ready.
    pub(super) fn ready(&mut self, node: u32, now: SimTime) {
        if self.get(node).state != NodeState::Booting {
            return;
        }
        let kind = &self.kinds[self.get(node).kind as usize];
        let has = Resources {
            cpu: kind.allocatable.cpu,
            memory: kind.allocatable.memory << 20,
        };
        let daemon = self.daemon();
        // All DaemonSets are one pod here, which may not fit: then no pod fits.
        let most = (kind.max_pods + u32::from(self.daemon_pods > 0)).saturating_sub(self.daemon_pods);
        let place = self.cluster.add(ClusterNode::new(has, most, node % self.zones));
        if self.daemon_pods > 0 {
            self.cluster.bind(place, &daemon);
        }
        self.by_place.resize(place + 1, u32::MAX);
        self.by_place[place] = node;
        let known = self.get_mut(node);
        known.place = place;
        known.state = NodeState::Ready;
        known.changed = now;
    }

    /// The node with a number in the cluster.
    pub(super) fn of_cluster(&self, place: usize) -> u32 {
        self.by_place[place]
    }

    /// Time to pull an image over the network and to unpack it.
    pub(super) fn whole_pull(&self, image: Option<Image>, network_bytes_per_s: f64) -> SimDuration {
        let Some(image) = image else { return SimDuration::ZERO };
        let bytes_per_s = network_bytes_per_s.min(self.pulls.registry_bytes_per_s);
        let seconds = image.compressed as f64 / bytes_per_s + image.unpacked as f64 / self.pulls.unpack_bytes_per_s;
        SimDuration::from_secs_f64(seconds)
    }

    /// Time that a pod on a node has to wait for its image.
    pub(super) fn pull(&mut self, node: u32, image: Option<Image>, now: SimTime) -> SimDuration {
        let kind = &self.kinds[self.get(node).kind as usize];
        let whole = self.whole_pull(image, kind.network_bytes_per_s);
        let Some(image) = image else { return whole };
        let serial = self.pulls.serial;
        let known = self.get_mut(node);
        let (wait, new) = known.images.pull(image, whole, serial, now);
        if new {
            let place = known.place;
            self.cluster.pulled(place, image.number, image.unpacked);
        }
        wait
    }

    /// Puts an image on all initial nodes.
    pub(super) fn preload(&mut self, node: u32, image: Option<Image>) {
        let Some(image) = image else { return };
        let known = self.get_mut(node);
        if known.images.preload(image) {
            let place = known.place;
            self.cluster.pulled(place, image.number, image.unpacked);
        }
    }

    /// Runs one look of a node's kubelet at the disk for images, of which `used` are in use.
    pub(super) fn collect(&mut self, node: u32, in_use: &BTreeSet<u32>, disk: ImageDisk, now: SimTime) {
        let known = self.get_mut(node);
        let gone = known.images.collect(in_use, disk, now);
        let place = known.place;
        for image in gone {
            self.cluster.dropped(place, image);
        }
    }

    /// Notes that a pod was placed on a node.
    pub(super) fn joined(&mut self, node: u32, pod: u64, now: SimTime) {
        let node = self.get_mut(node);
        node.pods.insert(pod);
        node.changed = now;
        node.unneeded = None;
    }

    /// Notes that a pod has left a node.
    pub(super) fn left(&mut self, node: u32, pod: u64, shape: &PodShape, now: SimTime) {
        let known = &mut self.all[node as usize];
        known.pods.remove(&pod);
        known.changed = now;
        self.cluster.unbind(known.place, shape);
    }

    /// Notes that a pod is another instance from now on.
    pub(super) fn replaced(&mut self, node: u32, old: u64, new: u64) {
        let node = self.get_mut(node);
        node.pods.remove(&old);
        node.pods.insert(new);
    }

    /// Numbers of the pods on a node.
    pub(super) fn pods(&self, node: u32) -> Vec<u64> {
        self.get(node).pods.iter().copied().collect()
    }

    /// Cordons a node: it takes no more pods.
    pub(super) fn cordon(&mut self, node: u32) {
        let known = &mut self.all[node as usize];
        if known.state == NodeState::Ready {
            known.state = NodeState::Draining;
            self.cluster.cordon(known.place);
        }
    }

    /// Memory that DaemonSets request on each node, in bytes.
    /// The CPU of a node for pods, in thousandths of a core.
    pub(super) fn cpu_for_pods(&self, node: u32) -> u64 {
        let kind = &self.kinds[self.get(node).kind as usize];
        kind.allocatable.cpu.saturating_sub(self.daemons.cpu)
    }

    pub(super) fn daemon_bytes(&self) -> f64 {
        (self.daemons.memory << 20) as f64
    }

    /// Removes a draining node without pods. Returns its kind and the way in which it ended; `None` if it stays.
    pub(super) fn remove_if_empty(&mut self, node: u32) -> Option<(u16, NodeChange)> {
        let daemon = self.daemon();
        let has_daemon = self.daemon_pods > 0;
        let known = &mut self.all[node as usize];
        if known.state != NodeState::Draining || !known.pods.is_empty() || known.stays {
            return None;
        }
        known.state = NodeState::Gone;
        if has_daemon {
            self.cluster.unbind(known.place, &daemon);
        }
        self.cluster.remove(known.place);
        let launched = known.launched;
        let change = match (known.failed, known.taken_back) {
            (true, _) => NodeChange::Failed,
            (false, true) => NodeChange::TakenBack { launched },
            (false, false) => NodeChange::Goes,
        };
        Some((known.kind, change))
    }
}
