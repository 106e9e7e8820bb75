//! How pods were packed onto nodes: `packing.csv`, and the same as a table. Means over time and replications.

use super::cells::{self, number};
use super::table::{self, Style};
use crate::sim::observe::packing::Sums;
use crate::study::{Study, VariantResult};

/// Columns in the order of the file: one row for each resource of a variant.
pub const COLUMNS: [&str; 22] = [
    "variant",
    "resource",
    "unit",
    "nodes_mean",
    "nodes_least_mean",
    "nodes_taken_back",
    "nodes_failed",
    "pods_mean",
    "pods_pending_mean",
    "pods_pending_peak",
    "allocatable",
    "daemonsets",
    "requested",
    "used",
    "free",
    "stranded_without_cpu",
    "stranded_without_memory",
    "stranded_without_both",
    "stranded_without_places",
    "best_node_type",
    "best_nodes",
    "best_nodes_monthly_cost_usd",
];

/// A resource: name, unit, place among the sums, and what one unit of the sums is.
const RESOURCES: [(&str, &str, usize, f64); 2] = [("cpu", "vCPU", 0, 1e-3), ("memory", "MiB", 1, 1.0)];

/// What was used in the mean of a resource: vCPU, or MiB.
fn used(variant: &VariantResult, resource: usize) -> Option<f64> {
    [variant.cpu_used, variant.memory_used][resource]
}

fn rows(variant: &VariantResult) -> Vec<Vec<String>> {
    let Some((packing, means)) = variant
        .packing
        .as_ref()
        .and_then(|packing| Some((packing, packing.means()?)))
    else {
        return Vec::new();
    };
    let row = |&(name, unit, i, scale): &(&str, &str, usize, f64)| {
        let amount = |of: &[f64; 2]| number(of[i] * scale);
        let Sums {
            allocatable,
            daemons,
            requested,
            ..
        } = &means;
        let free = allocatable[i] - daemons[i] - requested[i];
        vec![
            variant.rows[0].variant.clone(),
            name.to_string(),
            unit.to_string(),
            number(means.nodes),
            number(means.least_nodes),
            number(packing.taken_back as f64 / f64::from(packing.runs)),
            number(packing.failed as f64 / f64::from(packing.runs)),
            number(means.pods),
            number(means.pending),
            packing.most_pending.to_string(),
            amount(allocatable),
            amount(daemons),
            amount(requested),
            cells::maybe(used(variant, i)),
            number(free * scale),
            amount(&means.without_cpu),
            amount(&means.without_memory),
            amount(&means.without_both),
            amount(&means.without_pods),
            variant
                .best_nodes
                .as_ref()
                .map(|best| best.node_type.clone())
                .unwrap_or_default(),
            variant
                .best_nodes
                .as_ref()
                .map(|best| best.nodes.to_string())
                .unwrap_or_default(),
            variant
                .best_nodes
                .as_ref()
                .map(|best| best.monthly_cost_usd.to_string())
                .unwrap_or_default(),
        ]
    };
    RESOURCES.iter().map(row).collect()
}

/// The file; `None` where nothing ran on nodes.
pub fn csv(study: &Study) -> Option<Vec<u8>> {
    let rows: Vec<Vec<String>> = study.variants.iter().flat_map(rows).collect();
    (!rows.is_empty()).then(|| cells::csv(&COLUMNS, rows))
}

/// The table; empty text where nothing ran on nodes.
pub fn table(study: &Study, style: Style) -> String {
    let mut lines = Vec::new();
    for variant in &study.variants {
        let Some(means) = variant.packing.as_ref().and_then(|packing| packing.means()) else {
            continue;
        };
        for (name, unit, i, scale) in RESOURCES {
            let percent = |amount: f64| format!("{:.1}", 100.0 * amount / means.allocatable[i].max(f64::MIN_POSITIVE));
            let stranded =
                means.without_cpu[i] + means.without_memory[i] + means.without_both[i] + means.without_pods[i];
            lines.push(vec![
                variant.rows[0].variant.clone(),
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
                variant.rows[0].variant, best.nodes, best.node_type, best.monthly_cost_usd
            ));
        }
    }
    text
}
