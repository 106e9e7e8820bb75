//! Placing pods onto nodes: nothing is lost, nothing is overcommitted, and no packing is better than the best.

use coldcast::rng::{Draws, Purpose};
use coldcast::sim::cluster::node::{Node, PodShape, Resources};
use coldcast::sim::cluster::scheduler::{Cluster, NoNode, Scheduler, SchedulerSettings, Strategy as Scoring};
use proptest::prelude::*;

const GIB: u64 = 1 << 30;

/// The files of the openb trace.
const NODE_LIST: &str = "openb_node_list_all_node.csv.gz";
const POD_LIST: &str = "openb_pod_list_default.csv.gz";

fn scheduler(spec: SchedulerSettings, seed: u64) -> Scheduler {
    Scheduler::new(spec, Draws::new(seed, 0).stream(Purpose::Routing, 0))
}

fn packing() -> SchedulerSettings {
    SchedulerSettings {
        strategy: Scoring::MostAllocated,
        spread: false,
        ..SchedulerSettings::default()
    }
}

fn specs() -> impl Strategy<Value = SchedulerSettings> {
    prop_oneof![
        Just(SchedulerSettings::default()),
        Just(packing()),
        Just(SchedulerSettings {
            balanced_change: true,
            ..SchedulerSettings::default()
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

/// A row of a list of the trace.
fn rows(folder: &std::path::Path, name: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let path = folder.join(name);
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(file));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// Writes lists of 20 nodes and 600 pods, drawn at random, with the names and columns of the openb trace.
fn write_sample(folder: &std::path::Path) {
    use std::fmt::Write;
    let draws = Draws::new(7, 0).stream(Purpose::Routing, 0);
    let mut index = 0;
    let mut below = |most: u64| {
        index += 1;
        draws.bits(index) % most
    };
    let mut node_list = "sn,cpu_milli,memory_mib\n".to_string();
    for i in 0..20 {
        let cores = 8 << below(3);
        writeln!(node_list, "node-{i},{},{}", 1_000 * cores, 4_096 * cores).unwrap();
    }
    let mut pod_list = "name,cpu_milli,memory_mib,creation_time,deletion_time\n".to_string();
    for i in 0..600 {
        let (created, lifetime) = (below(3_600), below(1_200));
        let (cpu, memory) = (500 * (1 + below(16)), 1_024 * (1 + below(32)));
        writeln!(pod_list, "pod-{i},{cpu},{memory},{created},{}", created + lifetime).unwrap();
    }
    for (name, text) in [(NODE_LIST, node_list), (POD_LIST, pod_list)] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
        packed.finish().unwrap();
    }
}

#[test]
fn a_generated_cluster_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    write_sample(folder.path());
    let most_waiting = replay(folder.path());
    assert!(most_waiting > 10, "pods must wait at times, at most {most_waiting} did");
}

/// The data must not be shipped: `COLDCAST_ALIBABA` names the folder with the two lists of alibaba/clusterdata, openb.
#[test]
#[ignore = "needs data that cannot be shipped, in the folder COLDCAST_ALIBABA"]
fn a_production_cluster_is_replayed() {
    let folder = std::env::var_os("COLDCAST_ALIBABA").expect("COLDCAST_ALIBABA names the folder with the two lists");
    replay(std::path::Path::new(&folder));
}

/// Replays the pods and nodes of a cluster, CPU and memory only: pods come and go at their times. Whatever happens, no node is
/// overcommitted, and every pod is on a node, waits for one, or has gone. Returns the largest number of pods that waited.
fn replay(folder: &std::path::Path) -> usize {
    let number =
        |row: &std::collections::BTreeMap<String, String>, column: &str| row[column].parse::<u64>().unwrap_or(0);
    let mut cluster = Cluster::default();
    let nodes = rows(folder, NODE_LIST);
    for row in &nodes {
        let size = Resources {
            cpu: number(row, "cpu_milli"),
            memory: number(row, "memory_mib") << 20,
        };
        cluster.add(Node::new(size, 1_000, 0));
    }
    let pods: Vec<_> = rows(folder, POD_LIST)
        .iter()
        .map(|row| {
            let shape = PodShape::new(Some(number(row, "cpu_milli")), Some(number(row, "memory_mib") << 20), 0);
            (number(row, "creation_time"), number(row, "deletion_time"), shape)
        })
        .collect();
    // At one instant pods go before others come.
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (i, (created, deleted, _)) in pods.iter().enumerate() {
        events.push((*created, true, i));
        if deleted > created {
            events.push((*deleted, false, i));
        }
    }
    events.sort_unstable();
    let mut scheduler = scheduler(packing(), 1);
    let mut on: Vec<Option<usize>> = vec![None; pods.len()];
    let mut waiting: Vec<usize> = Vec::new();
    let (mut gone, mut most_waiting, mut most_used) = (0, 0, 0);
    for (place, &(_, comes, i)) in events.iter().enumerate() {
        if comes {
            waiting.push(i);
        } else if let Some(node) = on[i].take() {
            cluster.unbind(node, &pods[i].2);
            gone += 1;
        } else {
            waiting.retain(|&other| other != i);
            gone += 1;
        }
        waiting.retain(|&i| match scheduler.place(&cluster, &pods[i].2) {
            Ok(placement) => {
                cluster.bind(placement.node, &pods[i].2);
                on[i] = Some(placement.node);
                false
            }
            Err(_) => true,
        });
        most_waiting = most_waiting.max(waiting.len());
        if place % 64 == 0 || place + 1 == events.len() {
            let used = (0..nodes.len())
                .filter(|&node| cluster.node(node).unwrap().pods() > 0)
                .count();
            most_used = most_used.max(used);
            for node in (0..nodes.len()).map(|node| cluster.node(node).unwrap()) {
                let (asked, has) = (node.requested(), node.allocatable);
                assert!(asked.cpu <= has.cpu && asked.memory <= has.memory);
            }
        }
        let placed = on.iter().flatten().count();
        let come = events[..=place].iter().filter(|(_, comes, _)| *comes).count();
        if place % 512 == 0 || place + 1 == events.len() {
            assert_eq!(placed + waiting.len() + gone, come, "every pod that came is somewhere");
        }
    }
    println!(
        "{} pods on {} nodes: at most {most_used} nodes with pods and {most_waiting} pods waiting",
        pods.len(),
        nodes.len()
    );
    most_waiting
}
