//! A scheduling cycle, and the cluster that it looks at.

use std::collections::BTreeMap;

use super::allocated::{Share, least_allocated, most_allocated};
use super::balanced::{balanced, balanced_change};
use super::images::image_locality;
use super::ratio::{Point, requested_to_capacity};
use super::spread;
use crate::rng::Stream;
use crate::sim::cluster::node::{Node, PodShape, Resources, Unfit};

/// The scoring strategy of NodeResourcesFit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// Empty nodes are better: the default.
    LeastAllocated,
    /// Full nodes are better: bin packing.
    MostAllocated,
    /// By the points of a shape.
    RequestedToCapacityRatio(Vec<Point>),
}

/// A scheduler's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerSettings {
    /// The scoring strategy of NodeResourcesFit.
    pub strategy: Strategy,
    /// True if NodeResourcesBalancedAllocation scores as from release 1.36 on, approximately.
    pub balanced_change: bool,
    /// True if pods of a workload are spread over hosts and zones.
    pub spread: bool,
}

impl Default for SchedulerSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::LeastAllocated,
            balanced_change: false,
            spread: true,
        }
    }
}

/// Nodes by number, and what is counted over all of them.
#[derive(Debug, Default)]
pub struct Cluster {
    nodes: Vec<Option<Node>>,
    /// Numbers of the nodes that are there, rising.
    there: Vec<usize>,
    /// Pods by group and zone.
    zones: BTreeMap<(u32, u32), u32>,
    /// Nodes by zone.
    by_zone: BTreeMap<u32, u32>,
    /// Nodes that have an image.
    having: BTreeMap<u32, usize>,
}

impl Cluster {
    /// Adds a node without pods; its number.
    pub fn add(&mut self, node: Node) -> usize {
        let number = self.nodes.len();
        *self.by_zone.entry(node.zone).or_default() += 1;
        for &(image, _) in &node.images {
            *self.having.entry(image).or_default() += 1;
        }
        self.nodes.push(Some(node));
        self.there.push(number);
        number
    }

    /// Takes away a node that has no pods any more.
    ///
    /// # Panics
    /// If it has pods, or is not there.
    pub fn remove(&mut self, number: usize) {
        let node = self.nodes[number].take().expect("a node that is there");
        assert_eq!(node.pods(), 0, "a node without pods");
        if let Some(nodes) = self.by_zone.get_mut(&node.zone) {
            *nodes -= 1;
        }
        self.by_zone.retain(|_, nodes| *nodes > 0);
        for (image, _) in node.images {
            *self.having.entry(image).or_default() -= 1;
        }
        self.there.retain(|&other| other != number);
    }

    /// No more pods are placed on a node.
    pub fn cordon(&mut self, number: usize) {
        self.there.retain(|&other| other != number);
    }

    /// A node has an image of so many bytes from now on.
    pub fn pulled(&mut self, number: usize, image: u32, bytes: u64) {
        let Some(node) = self.nodes.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        if let Err(place) = node.images.binary_search_by_key(&image, |(known, _)| *known) {
            node.images.insert(place, (image, bytes));
            *self.having.entry(image).or_default() += 1;
        }
    }

    /// A node does not have an image any more.
    pub fn dropped(&mut self, number: usize, image: u32) {
        let Some(node) = self.nodes.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        if let Ok(place) = node.images.binary_search_by_key(&image, |(known, _)| *known) {
            node.images.remove(place);
            *self.having.entry(image).or_default() -= 1;
        }
    }

    /// A node that is there.
    pub fn node(&self, number: usize) -> Option<&Node> {
        self.nodes.get(number)?.as_ref()
    }

    /// The nodes that are there.
    pub fn nodes(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.there
            .iter()
            .filter_map(|&number| Some((number, self.nodes[number].as_ref()?)))
    }

    /// Places a pod.
    ///
    /// # Panics
    /// If the node is not there.
    pub fn bind(&mut self, number: usize, pod: &PodShape) {
        let node = self.nodes[number].as_mut().expect("a node that is there");
        debug_assert_eq!(node.fits(pod), Ok(()), "a pod that fits");
        node.add(pod);
        *self.zones.entry((pod.group, node.zone)).or_default() += 1;
    }

    /// Takes a pod off the node it was placed on.
    ///
    /// # Panics
    /// If the node is not there.
    pub fn unbind(&mut self, number: usize, pod: &PodShape) {
        let node = self.nodes[number].as_mut().expect("a node that is there");
        node.remove(pod);
        if let Some(count) = self.zones.get_mut(&(pod.group, node.zone)) {
            *count -= 1;
        }
    }
}

/// Nodes by what a pod lacks on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoNode {
    /// With as many pods as there may be.
    pub pods: usize,
    /// Without CPU for it.
    pub cpu: usize,
    /// With CPU and without memory for it.
    pub memory: usize,
}

/// A node for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Its number.
    pub node: usize,
    /// Nodes that were scored; with one there is nothing to score.
    pub scored: usize,
}

/// The number of feasible nodes that are searched for among `nodes`. Source: `numFeasibleNodesToFind`.
pub fn sample_size(nodes: usize) -> usize {
    const LEAST: usize = 100;
    if nodes < LEAST {
        return nodes;
    }
    let percentage = 50usize.saturating_sub(nodes / 125).max(5);
    (nodes * percentage / 100).max(LEAST)
}

/// A scheduler and what it remembers.
#[derive(Debug)]
pub struct Scheduler {
    spec: SchedulerSettings,
    stream: Stream,
    drawn: u64,
    /// Where the next cycle begins to look.
    start: usize,
    /// Of the present cycle: nodes that the pod fits onto, their scores, and raw scores of spreading.
    feasible: Vec<usize>,
    scores: Vec<i64>,
    raw: Vec<i64>,
}

impl Scheduler {
    /// A scheduler whose ties are decided by `stream`.
    pub fn new(spec: SchedulerSettings, stream: Stream) -> Self {
        Self {
            spec,
            stream,
            drawn: 0,
            start: 0,
            feasible: Vec::new(),
            scores: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// The node that a pod goes to. The cluster stays as it is.
    ///
    /// # Errors
    /// The resource that the pod lacks, by node.
    pub fn place(&mut self, cluster: &Cluster, pod: &PodShape) -> Result<Placement, NoNode> {
        let count = cluster.there.len();
        let enough = sample_size(count);
        let mut lacking = NoNode::default();
        let mut seen = 0;
        self.feasible.clear();
        while seen < count && self.feasible.len() < enough {
            let number = cluster.there[(self.start + seen) % count];
            seen += 1;
            let Some(node) = &cluster.nodes[number] else { continue };
            match node.fits(pod) {
                Ok(()) => self.feasible.push(number),
                Err(Unfit::Pods) => lacking.pods += 1,
                Err(Unfit::Cpu) => lacking.cpu += 1,
                Err(Unfit::Memory) => lacking.memory += 1,
            }
        }
        self.start = if count == 0 { 0 } else { (self.start + seen) % count };
        let scored = self.feasible.len();
        match self.feasible[..] {
            [] => return Err(lacking),
            [node] => return Ok(Placement { node, scored }),
            _ => {}
        }
        self.score(cluster, pod);
        let best = self.best();
        let node = self.feasible[best];
        Ok(Placement { node, scored })
    }

    fn score(&mut self, cluster: &Cluster, pod: &PodShape) {
        self.scores.clear();
        self.raw.clear();
        let domains = [self.feasible.len(), cluster.by_zone.len()];
        for &number in &self.feasible {
            let Some(node) = &cluster.nodes[number] else { continue };
            self.scores
                .push(self.spec.resources(node, pod) + images(cluster, node, pod));
            if self.spec.spread {
                let in_zone = cluster.zones.get(&(pod.group, node.zone)).copied().unwrap_or(0);
                self.raw.push(spread::raw([node.of_group(pod.group), in_zone], domains));
            }
        }
        spread::spread(&mut self.raw);
        for (score, spread) in self.scores.iter_mut().zip(&self.raw) {
            *score += 2 * spread;
        }
    }

    /// The position of the highest score, any of them with equal chance.
    fn best(&mut self) -> usize {
        let (mut best, mut equal) = (0, 1u64);
        for i in 1..self.scores.len() {
            if self.scores[i] > self.scores[best] {
                (best, equal) = (i, 1);
            } else if self.scores[i] == self.scores[best] {
                equal += 1;
                let rank = (u128::from(self.stream.bits(self.drawn)) * u128::from(equal)) >> 64;
                self.drawn += 1;
                if rank == 0 {
                    best = i;
                }
            }
        }
        best
    }
}

fn shares(allocatable: Resources, used: Resources, more: Resources) -> [Share; 2] {
    let share = |allocatable, requested| Share {
        allocatable,
        requested,
        weight: 1,
    };
    [
        share(allocatable.cpu, used.cpu + more.cpu),
        share(allocatable.memory, used.memory + more.memory),
    ]
}

impl SchedulerSettings {
    /// Scores by resources: how much is left, and how well it is balanced.
    fn resources(&self, node: &Node, pod: &PodShape) -> i64 {
        let filled = shares(node.allocatable, node.scored(), pod.scored);
        let fit = match &self.strategy {
            Strategy::LeastAllocated => least_allocated(&filled),
            Strategy::MostAllocated => most_allocated(&filled),
            Strategy::RequestedToCapacityRatio(shape) => requested_to_capacity(&filled, shape),
        };
        let after = shares(node.allocatable, node.requested(), pod.requests);
        fit + if self.balanced_change {
            let before = shares(node.allocatable, node.requested(), Resources::default());
            balanced_change(&before, &after)
        } else {
            balanced(&after)
        }
    }
}

fn images(cluster: &Cluster, node: &Node, pod: &PodShape) -> i64 {
    if pod.images.is_empty() {
        return 0;
    }
    let present = pod.images.iter().filter_map(|image| {
        let place = node.images.binary_search_by_key(image, |(known, _)| *known).ok()?;
        Some((node.images[place].1, cluster.having.get(image).copied().unwrap_or(0)))
    });
    image_locality(present, cluster.there.len(), pod.images.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};

    fn scheduler(spec: SchedulerSettings) -> Scheduler {
        Scheduler::new(spec, Draws::new(1, 0).stream(Purpose::Routing, 0))
    }

    fn cluster(nodes: usize) -> Cluster {
        let mut cluster = Cluster::default();
        let size = Resources {
            cpu: 4_000,
            memory: 16 << 30,
        };
        (0..nodes).for_each(|i| {
            cluster.add(Node::new(size, 110, (i % 3) as u32));
        });
        cluster
    }

    /// From the table of the documents: all below 100, 50% less one for each 125 nodes, at least 5% and 100 nodes.
    #[test]
    fn samples_grow_more_slowly_than_clusters() {
        for (nodes, sample) in [
            (0, 0),
            (99, 99),
            (100, 100),
            (250, 120),
            (1_000, 420),
            (5_000, 500),
            (10_000, 500),
        ] {
            assert_eq!(sample_size(nodes), sample, "{nodes}");
        }
    }

    #[test]
    fn pods_are_spread_by_default_and_packed_on_request() {
        let pod = PodShape::new(Some(500), Some(1 << 30), 1);
        let used = |spec| {
            let (mut cluster, mut scheduler) = (cluster(6), scheduler(spec));
            for _ in 0..6 {
                let node = scheduler.place(&cluster, &pod).unwrap().node;
                cluster.bind(node, &pod);
            }
            cluster.nodes().filter(|(_, node)| node.pods() > 0).count()
        };
        assert_eq!(used(SchedulerSettings::default()), 6);
        let packed = SchedulerSettings {
            strategy: Strategy::MostAllocated,
            spread: false,
            ..SchedulerSettings::default()
        };
        assert_eq!(used(packed), 1);
    }

    #[test]
    fn what_a_pod_lacks_is_counted_by_node() {
        let mut cluster = cluster(3);
        let mut scheduler = scheduler(SchedulerSettings::default());
        let half = PodShape::new(Some(4_000), Some(1 << 30), 1);
        let node = scheduler.place(&cluster, &half).unwrap().node;
        cluster.bind(node, &half);
        let large = PodShape::new(Some(1_000), Some(17 << 30), 2);
        let lacking = NoNode {
            pods: 0,
            cpu: 1,
            memory: 2,
        };
        assert_eq!(scheduler.place(&cluster, &large), Err(lacking));
        assert_eq!(scheduler.place(&Cluster::default(), &large), Err(NoNode::default()));
    }

    #[test]
    fn nodes_that_have_the_image_are_better() {
        let mut cluster = cluster(2);
        let mut warm = Node::new(cluster.node(0).unwrap().allocatable, 110, 0);
        warm.images = vec![(7, 900 << 20)];
        let warm = cluster.add(warm);
        let mut pod = PodShape::new(Some(100), Some(1 << 20), 1);
        pod.images = vec![7];
        assert_eq!(
            scheduler(SchedulerSettings::default())
                .place(&cluster, &pod)
                .unwrap()
                .node,
            warm
        );
    }
}
