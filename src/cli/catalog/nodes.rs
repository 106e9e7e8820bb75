//! `catalog nodes`: node types, with the CPU and memory that pods can use.

use clap::Args;

use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{Format, print, say, shown};
use crate::model::nodes::{self, Cloud};
use crate::model::price::PriceList;
use crate::sim::cluster::allocatable::{Size, Vendor, allocatable};
use crate::units::{MemoryMib, MilliCpu};

/// The flags of `catalog nodes`.
#[derive(Debug, Args)]
pub struct NodesArgs {
    /// Format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

const COLUMNS: [&str; 10] = [
    "type",
    "vendor",
    "arch",
    "vcpu",
    "memory_mib",
    "network_gbps",
    "max_pods",
    "allocatable_vcpu",
    "allocatable_mib",
    "usd_per_hour",
];

/// `coldcast catalog nodes`
pub fn run(args: &NodesArgs, quiet: bool) -> Outcome {
    let find = |cloud: Cloud| PriceList::find(cloud.price_list()).map(|list| (cloud, list));
    let lists = [Cloud::Aws, Cloud::Gcp, Cloud::Azure].map(find);
    let lists: Vec<_> = lists.into_iter().collect::<Result<_, _>>().map_err(Failure::input)?;
    let rows = nodes::all().into_iter().map(|node| {
        let size = Size {
            cpu: MilliCpu(1000 * node.vcpu),
            memory: MemoryMib(node.memory_mib),
        };
        let vendor = Vendor::of(node.cloud);
        let has = allocatable(vendor, size, node.max_pods());
        let list = lists.iter().find(|(cloud, _)| *cloud == node.cloud);
        let price = list.and_then(|(_, list)| {
            let price = list.price(&node.cloud.node_meter(&node.instance_type, false)).ok()?;
            Some(price.tiers.first()?.unit_price_usd.normalize().to_string())
        });
        vec![
            node.instance_type.clone(),
            vendor.name().to_string(),
            node.arch.clone(),
            node.vcpu.to_string(),
            node.memory_mib.to_string(),
            node.network_gbps.to_string(),
            node.max_pods().to_string(),
            has.cpu.as_vcpu().to_string(),
            has.memory.0.to_string(),
            price.unwrap_or_default(),
        ]
    });
    print(shown(args.format, "nodes", &COLUMNS, rows.collect(), 3))?;
    if !quiet {
        say(
            "\nAllocatable: the share of a node that pods can use by the rules of the vendor, DaemonSets included. Prices: aws-us-east-1, \
             gcp-us-central1 and azure-eastus. Sources of the types: models/nodes/README.md.",
        );
    }
    Ok(())
}
