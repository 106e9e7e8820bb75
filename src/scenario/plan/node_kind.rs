//! A kind of nodes: what pods can have of it.

use crate::model::nodes::NodeType;
use crate::model::price::PriceList;
use crate::scenario::file::cluster::{NodesSpec, VendorSpec};
use crate::sim::cluster::allocatable::{Size, Vendor, allocatable};
use crate::sim::platform::control::Amount;
use crate::sim::platform::kubernetes::NodeKind;
use crate::suggest;
use crate::units::{MemoryMib, MilliCpu};

/// Most nodes of a kind where the scenario does not say.
const MOST_NODES: u32 = 1000;

pub(super) fn node_kind(
    nodes: &NodesSpec,
    vendor: VendorSpec,
    catalog: &[NodeType],
    prices: Option<&PriceList>,
) -> Result<NodeKind, String> {
    let name = &nodes.r#type;
    let cloud = vendor.cloud();
    let known = catalog.iter().find(|known| &known.instance_type == name);
    if known.is_some_and(|known| known.cloud != cloud) {
        let own = catalog.iter().filter(|known| known.cloud == cloud);
        let own: Vec<&str> = own.map(|known| known.instance_type.as_str()).collect();
        return Err(format!(
            "`cluster.nodes`: `{name}` is a node type of another cloud than that of `cluster.vendor`; its own are {}",
            own.join(", ")
        ));
    }
    let capacity = match (known, nodes.cpu, nodes.memory) {
        (None, Some(cpu), Some(memory)) => Size { cpu, memory },
        (Some(known), None, None) => Size {
            cpu: MilliCpu(1000 * known.vcpu),
            memory: MemoryMib(known.memory_mib),
        },
        (Some(_), ..) => {
            return Err(format!(
                "`cluster.nodes`: `{name}` is in the catalog; leave `cpu` and `memory` out, or give it a name of your own"
            ));
        }
        (None, ..) => {
            let own = catalog.iter().filter(|known| known.cloud == cloud);
            let names = own.map(|known| known.instance_type.as_str());
            let hint = suggest::did_you_mean(name, names);
            return Err(format!(
                "`cluster.nodes`: there is no node type `{name}`{hint} A type of your own needs `cpu` and `memory`"
            ));
        }
    };
    let max_pods = nodes.max_pods.or(known.map(NodeType::max_pods)).unwrap_or(110);
    let max = nodes.max.unwrap_or(MOST_NODES);
    if nodes.min > max || nodes.count > max {
        return Err(format!(
            "`cluster.nodes`: `{name}` has more nodes in `min` or `count` than in `max`"
        ));
    }
    let has = allocatable(Vendor::of(cloud), capacity, max_pods);
    let meter = cloud.node_meter(name, nodes.spot);
    let price = prices.and_then(|list| list.price(&meter).ok());
    let usd = price
        .and_then(|price| price.tiers.first())
        .map(|tier| tier.unit_price_usd);
    Ok(NodeKind {
        name: name.clone(),
        meter,
        spot: nodes.spot,
        allocatable: Amount {
            cpu: u64::from(has.cpu.0),
            memory: u64::from(has.memory.0),
        },
        max_pods,
        network_bytes_per_s: known.map_or(f64::INFINITY, NodeType::network_bytes_per_s),
        usd_per_hour: usd.and_then(|usd| rust_decimal::prelude::ToPrimitive::to_f64(&usd)),
        count: nodes.count,
        bounds: (nodes.min, max),
    })
}
