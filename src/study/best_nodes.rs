//! The node type of the catalog that holds a mix of pods for the least money.
//!
//! The mean number of pods of each service, rounded up, is packed onto nodes of one type: first fit, larger pods first. Burstable
//! types are left out, because their CPU credits are not modelled. Changes of traffic over time are left out, too: the number is for
//! choosing a type, not for billing.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::model::nodes::{self, Cloud, NodeType};
use crate::model::price::PriceList;
use crate::scenario::Variant;
use crate::sim::cluster::allocatable::{Size, Vendor, allocatable};
use crate::units::{MemoryMib, MilliCpu};

/// Nodes of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BestNodes {
    /// Its name.
    pub node_type: String,
    /// How many hold the pods.
    pub nodes: u32,
    /// The cost of a month in US dollars.
    pub monthly_cost_usd: Decimal,
}

/// The free resources of a node: thousandths of a core, MiB, and places for pods.
type Room = (u64, u64, u32);

/// Nodes that hold these pods, given as CPU and memory; `None` if one does not fit onto an empty node.
fn nodes_for(pods: &[(u64, u64)], empty: Room) -> Option<u32> {
    let mut rooms: Vec<Room> = Vec::new();
    for &(cpu, memory) in pods {
        let fits = |room: &Room| cpu <= room.0 && memory <= room.1 && room.2 > 0;
        let place = match rooms.iter().position(fits) {
            Some(place) => place,
            None if fits(&empty) => {
                rooms.push(empty);
                rooms.len() - 1
            }
            None => return None,
        };
        let room = &mut rooms[place];
        *room = (room.0 - cpu, room.1 - memory, room.2 - 1);
    }
    Some(rooms.len() as u32)
}

/// The cheapest type for what `pods[service]` pods in the mean request; `None` without nodes, prices or pods.
pub fn best_nodes(variant: &Variant, pods: &[f64]) -> Option<BestNodes> {
    let pricing = variant.pricing.as_ref()?;
    let cluster = &variant.cluster.as_ref().filter(|_| variant.has_nodes())?.cluster;
    let known = nodes::all();
    // Images were measured on one instruction set; the nodes that there are tell which.
    let present = known
        .iter()
        .find(|node| cluster.kinds.iter().any(|kind| kind.name == node.instance_type));
    let (arch, cloud) = present.map_or(("amd64", Cloud::Aws), |node| (node.arch.as_str(), node.cloud));
    let mut mix: Vec<(u64, u64)> = Vec::new();
    for (service, mean) in variant.services.iter().zip(pods) {
        mix.extend((0..mean.ceil() as u32).map(|_| service.requests));
    }
    if mix.is_empty() {
        return None;
    }
    let candidates = known
        .iter()
        .filter(|node| node.arch == arch && node.cloud == cloud && !node.burstable);
    let costs = candidates.filter_map(|node| {
        let empty = room(node, (cluster.daemons.cpu, cluster.daemons.memory, cluster.daemon_pods));
        let mut pods = mix.clone();
        // By the sum of their shares, larger first; whole numbers, so that the order is the same everywhere.
        let size = |pod: &(u64, u64)| {
            u128::from(pod.0) * u128::from(empty.1.max(1)) + u128::from(pod.1) * u128::from(empty.0.max(1))
        };
        pods.sort_by_key(|pod| std::cmp::Reverse(size(pod)));
        let count = nodes_for(&pods, empty)?;
        let price = price(&pricing.list, node)?;
        let month = price * Decimal::from(count) * pricing.month.hours();
        Some((month.normalize(), count, node.instance_type.clone()))
    });
    let (monthly_cost_usd, nodes, node_type) = costs.min()?;
    Some(BestNodes {
        node_type,
        nodes,
        monthly_cost_usd,
    })
}

fn price(list: &PriceList, node: &NodeType) -> Option<Decimal> {
    let meter = node.cloud.node_meter(&node.instance_type, false);
    let price = list.price(&meter).ok()?;
    price.tiers.first().map(|tier| tier.unit_price_usd)
}

/// The resources of a node for pods that belong to no DaemonSet.
fn room(node: &NodeType, (cpu, memory, pods): (u64, u64, u32)) -> Room {
    let size = Size {
        cpu: MilliCpu(1000 * node.vcpu),
        memory: MemoryMib(node.memory_mib),
    };
    let has = allocatable(Vendor::of(node.cloud), size, node.max_pods());
    (
        u64::from(has.cpu.0).saturating_sub(cpu),
        u64::from(has.memory.0).saturating_sub(memory),
        node.max_pods().saturating_sub(pods),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_packed_first_fit() {
        // Two cores and 4 GiB: pods of 1.5 and 0.5 cores share a node, a third one of 1 core needs another.
        let pods = [(1_500, 1_024), (1_000, 1_024), (500, 1_024)];
        assert_eq!(nodes_for(&pods, (2_000, 4_096, 10)), Some(2));
        assert_eq!(nodes_for(&pods, (2_000, 2_047, 10)), Some(3));
        assert_eq!(nodes_for(&pods, (2_000, 4_096, 1)), Some(3));
        assert_eq!(nodes_for(&pods, (1_000, 4_096, 10)), None);
    }
}
