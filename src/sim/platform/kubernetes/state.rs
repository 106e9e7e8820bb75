//! The state of the cluster, for reports: resources offered, requested, and stranded.

use super::Kubernetes;
use super::nodes::NodeState;
use crate::sim::cluster::node::{Node, PodShape, Unfit};
use crate::sim::platform::control::{Amount, ClusterState};

/// The state now.
pub(super) fn of(platform: &Kubernetes) -> ClusterState {
    let nodes = &platform.nodes;
    let (pending, pods) = platform.pods.counts();
    let mut state = ClusterState {
        pods,
        pending,
        ..ClusterState::default()
    };
    let services = 0..platform.workloads.len() as u16;
    let shapes: Vec<PodShape> = services.map(|service| platform.shape(service)).collect();
    let daemons = platform.plan.cluster.daemons;
    // The most that one node of the present kinds offers.
    let (mut most, mut most_pods) = (Amount::default(), 0);
    for number in nodes
        .in_state(NodeState::Ready)
        .into_iter()
        .chain(nodes.in_state(NodeState::Draining))
    {
        let known = nodes.get(number);
        let Some(node) = nodes.of(number) else { continue };
        let allocatable = amount(node.allocatable.cpu, node.allocatable.memory);
        let asked = amount(node.requested().cpu, node.requested().memory);
        let free = Amount {
            cpu: allocatable.cpu.saturating_sub(asked.cpu),
            memory: allocatable.memory.saturating_sub(asked.memory),
        };
        state.nodes += 1;
        state.allocatable.add(allocatable);
        state.daemons.add(daemons);
        state.requested.add(Amount {
            cpu: asked.cpu.saturating_sub(daemons.cpu),
            memory: asked.memory.saturating_sub(daemons.memory),
        });
        let empty = nodes.empty_space(known.kind);
        most.cpu = most.cpu.max(empty.free.cpu);
        most.memory = most.memory.max(empty.free.memory);
        most_pods = most_pods.max(empty.pods);
        match stranded(node, &shapes) {
            Some(Stranded::Pods) => state.without_pods.add(free),
            Some(Stranded::Cpu) => state.without_cpu.add(free),
            Some(Stranded::Memory) => state.without_memory.add(free),
            Some(Stranded::Both) => state.without_both.add(free),
            None => {}
        }
    }
    let parts = [
        (state.requested.cpu, most.cpu),
        (state.requested.memory, most.memory),
        (u64::from(pods), u64::from(most_pods)),
    ];
    let least = parts
        .into_iter()
        .filter(|(_, most)| *most > 0)
        .map(|(asked, most)| asked.div_ceil(most));
    state.least_nodes = least.max().unwrap_or(0) as u32;
    state
}

fn amount(cpu: u64, bytes: u64) -> Amount {
    Amount {
        cpu,
        memory: bytes >> 20,
    }
}

/// The reason why the free resources of a node are stranded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranded {
    Pods,
    Cpu,
    Memory,
    Both,
}

/// The resource that the pods of all workloads lack on a node; `None` if a pod of one workload fits.
fn stranded(node: &Node, shapes: &[PodShape]) -> Option<Stranded> {
    if shapes.iter().any(|shape| node.fits(shape).is_ok()) {
        return None;
    }
    if node.pods() >= node.max_pods {
        return Some(Stranded::Pods);
    }
    // With CPU missing, memory is not looked at: ask without it.
    let lack = |without: fn(&mut PodShape)| {
        shapes.iter().all(|shape| {
            let mut shape = shape.clone();
            without(&mut shape);
            matches!(node.fits(&shape), Err(Unfit::Cpu | Unfit::Memory))
        })
    };
    let cpu = lack(|shape| shape.requests.memory = 0);
    let memory = lack(|shape| shape.requests.cpu = 0);
    Some(match (cpu, memory) {
        (true, false) => Stranded::Cpu,
        (false, true) => Stranded::Memory,
        _ => Stranded::Both,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::cluster::node::Resources;

    #[test]
    fn what_no_pod_can_have_is_stranded_for_a_reason() {
        let mut node = Node::new(
            Resources {
                cpu: 1_000,
                memory: 1 << 30,
            },
            3,
            0,
        );
        let pod = |cpu, mib: u64| PodShape::new(Some(cpu), Some(mib << 20), 0);
        assert_eq!(stranded(&node, &[pod(1_000, 1_024)]), None);
        assert_eq!(stranded(&node, &[pod(1_001, 10)]), Some(Stranded::Cpu));
        assert_eq!(stranded(&node, &[pod(10, 1_025)]), Some(Stranded::Memory));
        assert_eq!(stranded(&node, &[pod(1_001, 1_025)]), Some(Stranded::Both));
        // One lacks CPU, the other memory.
        assert_eq!(stranded(&node, &[pod(1_001, 10), pod(10, 1_025)]), Some(Stranded::Both));
        assert_eq!(stranded(&node, &[pod(1_001, 10), pod(10, 10)]), None);
        (0..3).for_each(|_| node.add(&pod(1, 1)));
        assert_eq!(stranded(&node, &[pod(1, 1)]), Some(Stranded::Pods));
    }
}
