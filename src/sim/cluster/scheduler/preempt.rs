//! Preemption: a pod that fits nowhere makes room for itself at the cost of pods of lower priority.
//!
//! Source: kubernetes/kubernetes, pkg/scheduler/framework/preemption and plugin DefaultPreemption. Disruption budgets are not
//! modelled, and all nodes are candidates, where the plugin looks at a tenth of them and a hundred at least.

use std::cmp::Reverse;

use super::cycle::Cluster;
use crate::sim::cluster::node::PodShape;
use crate::units::SimTime;

/// A pod on a node.
#[derive(Debug, Clone, Copy)]
pub struct Running<'a> {
    /// Its number.
    pub id: u64,
    /// Its requests.
    pub pod: &'a PodShape,
    /// When it started.
    pub started: SimTime,
}

/// Which pods have to go, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preemption {
    /// The node.
    pub node: usize,
    /// Numbers of the pods, those of higher priority first.
    pub victims: Vec<u64>,
}

/// The cost of a candidate, in order of weight: the highest priority of a victim, the sum of their priorities,
/// their number, how early the first of those with the highest priority started, and the node's number.
type Cost = (i32, i64, usize, Reverse<SimTime>, usize);

/// Makes room for a pod; `None` if no node has enough pods of lower priority. `on` gives the pods of a node.
pub fn preempt<'a>(cluster: &Cluster, pod: &PodShape, on: impl Fn(usize) -> Vec<Running<'a>>) -> Option<Preemption> {
    let candidates = cluster.nodes().filter_map(|(number, node)| {
        let mut node = node.clone();
        let mut lower: Vec<Running<'_>> = on(number);
        lower.retain(|running| running.pod.priority < pod.priority);
        lower.iter().for_each(|running| node.remove(running.pod));
        if lower.is_empty() || node.fits(pod).is_err() {
            return None;
        }
        // The more important ones stay first, as long as there is room.
        lower.sort_by_key(|running| (Reverse(running.pod.priority), running.started, running.id));
        let mut victims = Vec::new();
        for running in lower {
            if node.fits(running.pod).is_ok() {
                node.add(running.pod);
                if node.fits(pod).is_ok() {
                    continue;
                }
                node.remove(running.pod);
            }
            victims.push(running);
        }
        let highest = victims.first()?.pod.priority;
        let sum = victims
            .iter()
            .map(|running| i64::from(running.pod.priority) - i64::from(i32::MIN))
            .sum();
        let first = victims
            .iter()
            .filter(|running| running.pod.priority == highest)
            .map(|running| running.started);
        let cost: Cost = (highest, sum, victims.len(), Reverse(first.min()?), number);
        Some((cost, victims))
    });
    let ((.., node), victims) = candidates.min_by_key(|(cost, _)| *cost)?;
    Some(Preemption {
        node,
        victims: victims.iter().map(|running| running.id).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::cluster::node::{Node, Resources};

    fn pod(cores: u64, priority: i32) -> PodShape {
        PodShape {
            priority,
            ..PodShape::new(Some(1_000 * cores), None, 0)
        }
    }

    /// Nodes of four cores with these pods on each: cores, priority, and start in seconds. Pods are numbered in that order.
    fn victims(nodes: &[&[(u64, i32, u64)]], wanted: &PodShape) -> Option<(usize, Vec<u64>)> {
        let mut cluster = Cluster::default();
        let size = Resources {
            cpu: 4_000,
            memory: 1 << 30,
        };
        let mut next = 0;
        let mut on: Vec<Vec<(u64, PodShape, SimTime)>> = Vec::new();
        for pods in nodes {
            let number = cluster.add(Node::new(size, 110, 0));
            let there = pods.iter().map(|&(cores, priority, started)| {
                let shape = pod(cores, priority);
                cluster.bind(number, &shape);
                next += 1;
                (next - 1, shape, SimTime(started * 1_000_000_000))
            });
            on.push(there.collect());
        }
        let running = |number: usize| {
            let pods = on[number].iter().map(|(id, pod, started)| Running {
                id: *id,
                pod,
                started: *started,
            });
            pods.collect()
        };
        preempt(&cluster, wanted, running).map(|found| (found.node, found.victims))
    }

    #[test]
    fn as_few_and_as_unimportant_pods_go_as_possible() {
        // The lower of two priorities, whatever the number of pods.
        let two = victims(&[&[(4, 5, 0)], &[(2, 1, 0), (2, 2, 0)]], &pod(4, 9));
        assert_eq!(two, Some((1, vec![2, 1])));
        // Of one node only what has to go, and not the pod that started earlier.
        let one = victims(&[&[(2, 1, 0), (2, 1, 5)]], &pod(2, 9));
        assert_eq!(one, Some((0, vec![1])));
        // Alike in all else: the one that started later.
        let later = victims(&[&[(4, 1, 10)], &[(4, 1, 20)]], &pod(1, 9));
        assert_eq!(later, Some((1, vec![1])));
    }

    #[test]
    fn equals_and_betters_stay() {
        assert_eq!(victims(&[&[(4, 9, 0)]], &pod(1, 9)), None);
        assert_eq!(victims(&[&[(3, 10, 0), (1, 1, 0)]], &pod(2, 9)), None);
        assert_eq!(victims(&[&[(1, 1, 0)]], &pod(5, 9)), None);
    }
}
