//! Node-pressure eviction: the kubelet of a node that runs out of memory ends pods, first those that use more than they
//! request.
//!
//! Source: the Kubernetes documentation, "Node-pressure Eviction": the threshold `memory.available<100Mi` is looked at every
//! ten seconds; pods go whose use is above their request, by priority and then by how far above, and after them the others;
//! above the hard threshold they get no time to finish. Choices: what is reserved for the system is what it uses, so that the
//! threshold is where pods and DaemonSets use all that is allocatable; DaemonSets use what they ask for; one pod goes at each
//! look.

use std::cmp::Reverse;

use super::Kubernetes;
use super::nodes::NodeState;
use crate::sim::platform::control::{Order, Sight};
use crate::units::{SimDuration, SimTime};

/// Time between two looks.
pub(super) const PERIOD: SimDuration = SimDuration::from_secs(10);

/// Looks at the memory of all nodes.
pub(super) fn relieve(platform: &mut Kubernetes, now: SimTime, sight: &dyn Sight, orders: &mut Vec<Order>) {
    let mut nodes = platform.nodes.in_state(NodeState::Ready);
    nodes.extend(platform.nodes.in_state(NodeState::Draining));
    for node in nodes {
        let Some(victim) = victim(platform, node, sight) else {
            continue;
        };
        let Some(id) = platform.pods.delete(victim) else {
            continue;
        };
        orders.push(Order::Kill { instance: id });
        platform.reconcile(id.service, now, orders);
    }
}

/// The pod of a node that must go; `None` if the memory suffices.
fn victim(platform: &Kubernetes, node: u32, sight: &dyn Sight) -> Option<u64> {
    let known = platform.nodes.get(node);
    let has = (platform.nodes.of(node)?.allocatable.memory as f64) - platform.nodes.daemon_bytes();
    if known.failed {
        return None;
    }
    let mut used = 0.0;
    let mut ranked = Vec::new();
    for number in platform.nodes.pods(node) {
        let pod = platform.pods.get(number)?;
        // A container that does not run has no memory.
        let Some(line) = pod.ready.and(platform.workloads[pod.id.service as usize].memory()) else {
            continue;
        };
        let own = line.bytes(sight.in_flight(pod.id));
        used += own;
        if pod.deleting {
            continue;
        }
        let above = own - line.requested;
        let priority = platform.workloads[pod.id.service as usize].priority();
        ranked.push(((above <= 0.0, priority, Reverse(above.round() as i64)), number));
    }
    ranked.sort_unstable();
    (used > has).then(|| ranked.first().map(|(_, number)| *number))?
}
