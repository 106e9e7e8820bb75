//! Placing pods onto nodes: nothing is lost, nothing is overcommitted, and no packing is better than the best.

use coldcast::rng::{Draws, Purpose};
use coldcast::sim::cluster::node::{Node, PodShape, Resources};
use coldcast::sim::cluster::scheduler::{Cluster, NoNode, Scheduler, Spec, Strategy as Scoring};
use proptest::prelude::*;

const GIB: u64 = 1 << 30;

fn scheduler(spec: Spec, seed: u64) -> Scheduler {
    Scheduler::new(spec, Draws::new(seed, 0).stream(Purpose::Routing, 0))
}

fn packing() -> Spec {
    Spec {
        strategy: Scoring::MostAllocated,
        spread: false,
        ..Spec::default()
    }
}

fn specs() -> impl Strategy<Value = Spec> {
    prop_oneof![
        Just(Spec::default()),
        Just(packing()),
        Just(Spec {
            balanced_change: true,
            ..Spec::default()
        })
    ]
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let node = (1..17u64, 1..65u64, 1..12u32, 0..3u32).prop_map(|(cores, gib, pods, zone)| {
        let size = Resources {
            cpu: 1_000 * cores,
            memory: gib * GIB,
        };
        Node::new(size, pods, zone)
    });
    prop::collection::vec(node, 1..40)
}

fn pods() -> impl Strategy<Value = Vec<PodShape>> {
    let request = |most: u64| prop::option::weighted(0.9, 1..most);
    let pod = (request(6_000), request(24), 0..4u32)
        .prop_map(|(cpu, gib, group)| PodShape::new(cpu, gib.map(|gib| gib * GIB / 2), group));
    prop::collection::vec(pod, 0..120)
}

/// Places all that can be placed; where each pod went.
fn place(cluster: &mut Cluster, scheduler: &mut Scheduler, pods: &[PodShape]) -> Vec<Result<usize, NoNode>> {
    let placed = pods.iter().map(|pod| {
        let node = scheduler.place(cluster, pod)?.node;
        cluster.bind(node, pod);
        Ok(node)
    });
    placed.collect()
}

fn filled(nodes: &[Node]) -> Cluster {
    let mut cluster = Cluster::default();
    for node in nodes {
        cluster.add(node.clone());
    }
    cluster
}

proptest! {
    /// Every pod is on a node that has room for it, or there is none that has: with fewer than 100 nodes all are looked at.
    #[test]
    fn every_pod_is_placed_or_fits_nowhere(nodes in nodes(), pods in pods(), spec in specs(), seed in 0..9u64) {
        let mut cluster = filled(&nodes);
        let mut scheduler = scheduler(spec, seed);
        let mut on: Vec<Vec<&PodShape>> = vec![Vec::new(); nodes.len()];
        for pod in &pods {
            match scheduler.place(&cluster, pod) {
                Ok(placement) => {
                    prop_assert!(cluster.node(placement.node).unwrap().fits(pod).is_ok());
                    cluster.bind(placement.node, pod);
                    on[placement.node].push(pod);
                }
                Err(lacking) => {
                    prop_assert!(cluster.nodes().all(|(_, node)| node.fits(pod).is_err()));
                    prop_assert_eq!(lacking.pods + lacking.cpu + lacking.memory, nodes.len());
                }
            }
        }
        for (number, node) in cluster.nodes() {
            let cpu: u64 = on[number].iter().map(|pod| pod.requests.cpu).sum();
            let memory: u64 = on[number].iter().map(|pod| pod.requests.memory).sum();
            prop_assert_eq!((node.requested().cpu, node.requested().memory), (cpu, memory));
            prop_assert!(cpu <= node.allocatable.cpu && memory <= node.allocatable.memory);
            prop_assert!(node.pods() <= node.max_pods && node.pods() as usize == on[number].len());
        }
        // What is taken off again leaves the cluster as it was.
        for (number, pods) in on.iter().enumerate() {
            pods.iter().for_each(|pod| cluster.unbind(number, pod));
        }
        prop_assert!(cluster.nodes().all(|(_, node)| node.pods() == 0 && node.requested() == Resources::default()));
    }

    #[test]
    fn the_same_seed_places_alike(nodes in nodes(), pods in pods(), spec in specs()) {
        let run = || place(&mut filled(&nodes), &mut scheduler(spec.clone(), 3), &pods);
        prop_assert_eq!(run(), run());
    }

    /// Up to six pods on nodes of one size: the fewest nodes of all ways to divide them.
    #[test]
    fn no_fewer_nodes_than_the_best_packing(
        sizes in prop::collection::vec((1..9u64, 1..9u64), 1..7),
        spec in specs(),
    ) {
        let size = Resources { cpu: 8_000, memory: 8 * GIB };
        let pods: Vec<PodShape> =
            sizes.iter().map(|&(cores, gib)| PodShape::new(Some(1_000 * cores), Some(gib * GIB), 0)).collect();
        let mut cluster = filled(&vec![Node::new(size, 110, 0); pods.len()]);
        let placed = place(&mut cluster, &mut scheduler(spec, 1), &pods);
        prop_assert!(placed.iter().all(Result::is_ok));
        let used = cluster.nodes().filter(|(_, node)| node.pods() > 0).count();
        prop_assert!(used >= fewest(&sizes, &mut Vec::new()));
    }

    /// CPU and memory in one proportion and the full nodes first: no node is begun while another one has room, so that all
    /// but one are more than half full, and no packing is better than the sum.
    #[test]
    fn packing_stays_between_the_sum_and_twice_the_sum(sizes in prop::collection::vec(1..33u64, 1..300)) {
        let node = Resources { cpu: 32_000, memory: 32 * GIB };
        let pods: Vec<PodShape> =
            sizes.iter().map(|&n| PodShape::new(Some(1_000 * n), Some(n * GIB), 0)).collect();
        let mut cluster = filled(&vec![Node::new(node, 110, 0); 99]);
        let placed = place(&mut cluster, &mut scheduler(packing(), 1), &pods);
        let used = cluster.nodes().filter(|(_, node)| node.pods() > 0).count();
        let placed: u64 = placed.iter().zip(&sizes).filter(|(node, _)| node.is_ok()).map(|(_, n)| n).sum();
        prop_assert!(used >= placed.div_ceil(32) as usize);
        prop_assert!(used <= (2 * placed.div_ceil(32) + 1) as usize, "{used} nodes for {placed}");
    }
}

/// Fewest nodes of 8 cores and 8 GiB, by trying every way to divide the pods.
fn fewest(pods: &[(u64, u64)], nodes: &mut Vec<(u64, u64)>) -> usize {
    let Some((&(cores, gib), rest)) = pods.split_first() else {
        return nodes.len();
    };
    let mut best = usize::MAX;
    for i in 0..nodes.len() {
        if nodes[i].0 + cores <= 8 && nodes[i].1 + gib <= 8 {
            nodes[i].0 += cores;
            nodes[i].1 += gib;
            best = best.min(fewest(rest, nodes));
            nodes[i].0 -= cores;
            nodes[i].1 -= gib;
        }
    }
    nodes.push((cores, gib));
    best = best.min(fewest(rest, nodes));
    nodes.pop();
    best
}
