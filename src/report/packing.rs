//! How pods were packed onto nodes: `packing.csv`, and the same as a table. Means over time and replications.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv_of_some, docs};
use super::manifest::Manifest;
use super::table::{self, Style};
use crate::sim::observe::packing::{Packing as Packed, Sums};
use crate::study::{Study, VariantResult};

/// `packing.csv`.
#[derive(Debug)]
pub struct Packing;

/// A resource of the nodes of a variant.
#[derive(Debug, Clone, Copy)]
struct Resource<'a> {
    variant: &'a VariantResult,
    packed: &'a Packed,
    means: &'a Sums,
    kind: &'static Kind,
}

impl Resource<'_> {
    /// An amount of the resource in its unit.
    fn amount(&self, of: &[f64; 2]) -> Cell {
        Cell::number(of[self.kind.place] * self.kind.scale)
    }

    /// A sum over all replications as the mean of one.
    fn each(&self, sum: u64) -> Cell {
        Cell::number(sum as f64 / f64::from(self.packed.runs))
    }
}

/// The columns in the order of the file.
fn columns<'a>() -> [Column<Resource<'a>>; 22] {
    [
        column("variant", "", "The name of the variant.", |of| {
            Cell::text(of.variant.name())
        }),
        column("resource", "", "The resource: `cpu` or `memory`.", |of| {
            Cell::text(of.kind.name)
        }),
        column("unit", "", "The unit of the resource: `vCPU` or `MiB`.", |of| {
            Cell::text(of.kind.unit)
        }),
        column("nodes_mean", "nodes", "The ready nodes, mean over time.", |of| {
            Cell::number(of.means.nodes)
        }),
        column(
            "nodes_least_mean",
            "nodes",
            "The fewest nodes that the same pods would fit onto, mean over time.",
            |of| Cell::number(of.means.least_nodes),
        ),
        column(
            "nodes_taken_back",
            "nodes",
            "The spot nodes that the provider took back, mean over replications.",
            |of| of.each(of.packed.taken_back),
        ),
        column(
            "nodes_failed",
            "nodes",
            "The nodes that failed, mean over replications.",
            |of| of.each(of.packed.failed),
        ),
        column("pods_mean", "pods", "The pods on nodes, mean over time.", |of| {
            Cell::number(of.means.pods)
        }),
        column(
            "pods_pending_mean",
            "pods",
            "The pods without a node, mean over time.",
            |of| Cell::number(of.means.pending),
        ),
        column(
            "pods_pending_peak",
            "pods",
            "The most pods without a node at a time, over all replications.",
            |of| Cell::count(of.packed.most_pending),
        ),
        column(
            "allocatable",
            "unit",
            "The amount that pods can have of the nodes, mean over time.",
            |of| of.amount(&of.means.allocatable),
        ),
        column("daemonsets", "unit", "The requests of the DaemonSets' pods.", |of| {
            of.amount(&of.means.daemons)
        }),
        column("requested", "unit", "The requests of the services' pods.", |of| {
            of.amount(&of.means.requested)
        }),
        column(
            "used",
            "unit",
            "The amount that the services' pods use; empty where it is not known.",
            |of| Cell::maybe(used(of.variant, of.kind.place), Cell::number),
        ),
        column("free", "unit", "The allocatable amount that no pod requests.", |of| {
            let i = of.kind.place;
            let free = of.means.allocatable[i] - of.means.daemons[i] - of.means.requested[i];
            Cell::number(free * of.kind.scale)
        }),
        column(
            "stranded_without_cpu",
            "unit",
            "The part that is free on nodes with too little CPU for a pod.",
            |of| of.amount(&of.means.without_cpu),
        ),
        column(
            "stranded_without_memory",
            "unit",
            "The part that is free on nodes with too little memory for a pod.",
            |of| of.amount(&of.means.without_memory),
        ),
        column(
            "stranded_without_both",
            "unit",
            "The part that is free on nodes with too little of both for a pod.",
            |of| of.amount(&of.means.without_both),
        ),
        column(
            "stranded_without_places",
            "unit",
            "The part that is free on nodes with as many pods as they may have.",
            |of| of.amount(&of.means.without_pods),
        ),
        column(
            "best_node_type",
            "",
            "The node type of the catalog that holds the mean mix of pods for the least money.",
            |of| Cell::maybe(of.variant.best_nodes.as_ref(), |best| Cell::text(&best.node_type)),
        ),
        column(
            "best_nodes",
            "nodes",
            "The nodes of that type that the mix needs.",
            |of| Cell::maybe(of.variant.best_nodes.as_ref(), |best| Cell::count(best.nodes)),
        ),
        column(
            "best_nodes_monthly_cost_usd",
            "USD",
            "The monthly cost of those nodes.",
            |of| {
                Cell::maybe(of.variant.best_nodes.as_ref(), |best| {
                    Cell::Number(best.monthly_cost_usd.to_string())
                })
            },
        ),
    ]
}

impl Report for Packing {
    fn name(&self) -> &str {
        "packing.csv"
    }

    fn doc(&self) -> &str {
        "How pods were packed onto nodes, one row per resource: means over time and replications."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let packed = study.variants.iter().filter_map(|variant| {
            let packed = variant.packing.as_ref()?;
            Some((variant, packed, packed.means()?))
        });
        let packed: Vec<_> = packed.collect();
        let resources = packed.iter().flat_map(|(variant, packed, means)| {
            RESOURCES.iter().map(move |kind| Resource {
                variant,
                packed,
                means,
                kind,
            })
        });
        csv_of_some(&columns(), resources)
    }
}

/// A kind of resource.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    unit: &'static str,
    /// Its place among the sums.
    place: usize,
    /// The unit over that of the sums.
    scale: f64,
}

const RESOURCES: [Kind; 2] = [
    Kind {
        name: "cpu",
        unit: "vCPU",
        place: 0,
        scale: 1e-3,
    },
    Kind {
        name: "memory",
        unit: "MiB",
        place: 1,
        scale: 1.0,
    },
];

/// The use of a resource on average over time: vCPU, or MiB.
fn used(variant: &VariantResult, resource: usize) -> Option<f64> {
    [variant.cpu_used, variant.memory_used][resource]
}

/// The table; empty text where nothing ran on nodes.
pub fn table(study: &Study, style: Style) -> String {
    let mut lines = Vec::new();
    for variant in &study.variants {
        let Some(means) = variant.packing.as_ref().and_then(|packing| packing.means()) else {
            continue;
        };
        for &Kind {
            name,
            unit,
            place: i,
            scale,
        } in &RESOURCES
        {
            let percent = |amount: f64| format!("{:.1}", 100.0 * amount / means.allocatable[i].max(f64::MIN_POSITIVE));
            let stranded =
                means.without_cpu[i] + means.without_memory[i] + means.without_both[i] + means.without_pods[i];
            lines.push(vec![
                variant.name().to_string(),
                format!("{name}, {unit}"),
                format!("{:.2}", means.nodes),
                format!("{:.2}", means.least_nodes),
                format!("{:.2}", means.pending),
                format!("{:.1}", means.allocatable[i] * scale),
                percent(means.daemons[i]),
                percent(means.requested[i]),
                match used(variant, i) {
                    Some(used) => percent(used / scale),
                    None => String::new(),
                },
                percent(stranded),
            ]);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let header = [
        "variant",
        "of nodes",
        "nodes",
        "least",
        "pending pods",
        "allocatable",
        "DaemonSets, %",
        "requested, %",
        "used, %",
        "stranded, %",
    ];
    let mut text = table::draw(style, &header, lines, 2);
    for variant in &study.variants {
        if let Some(best) = &variant.best_nodes {
            text.push_str(&format!(
                "\n{}: the mean mix of its pods fits onto {} x {} for ${:.2} a month, the cheapest of the catalog (peaks left out)\n",
                variant.name(), best.nodes, best.node_type, best.monthly_cost_usd
            ));
        }
    }
    text
}
