//! `allocation.csv`: the bill of a cluster by service, split four ways. For each way the rows of a variant add up to what its nodes
//! and its control plane cost, to the last digit.
//!
//! After the OpenCost specification: the cost of nodes is workload, idle and overhead. A service's workload is what its pods request
//! of what nodes have to give, in the mean of CPU and memory; overhead is what DaemonSets request, and the control plane; idle is the
//! rest, with the time in which nodes boot. Idle and overhead stay rows of their own (`separate`), or are spread over services evenly,
//! in proportion to their workload, or by their requests.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::cells;
use crate::cost::bill::BillLine;
use crate::cost::meter::ClusterPart;
use crate::cost::rate::share_out;
use crate::study::{Study, VariantResult};

/// Columns in the order of the file.
pub const COLUMNS: [&str; 8] = [
    "scenario",
    "variant",
    "split",
    "service",
    "workload_usd",
    "idle_usd",
    "overhead_usd",
    "cost_usd",
];

/// The file; `None` where nothing ran on nodes that have a price.
pub fn csv(study: &Study) -> Option<Vec<u8>> {
    let rows: Vec<Vec<String>> = study.variants.iter().filter_map(rows).flatten().collect();
    (!rows.is_empty()).then(|| cells::csv(&COLUMNS, rows))
}

/// What the nodes and the control plane of a cluster cost in a month.
struct Parts {
    /// By service.
    workload: Vec<Decimal>,
    idle: Decimal,
    overhead: Decimal,
}

fn parts(variant: &VariantResult) -> Option<Parts> {
    let meter = &variant.pricing.as_ref()?.meter;
    let means = variant.packing.as_ref()?.means()?;
    let sum = |wanted: ClusterPart| -> Decimal {
        let lines = variant.bills.iter().flat_map(|(_, bill)| &bill.lines);
        let own = lines.filter(|line| meter.cluster_part(&line.meter) == Some(wanted));
        own.map(BillLine::effective_cost_usd).sum()
    };
    let nodes = sum(ClusterPart::Nodes);
    let control_plane = sum(ClusterPart::ControlPlane);
    // Nodes that boot are billed and give nothing.
    let billed = variant.rows[0].values.get("nodes_mean")?.float();
    let ready = if billed > 0.0 {
        (means.nodes / billed).min(1.0)
    } else {
        0.0
    };
    let part = |amounts: [f64; 2]| {
        let of = |i: usize| {
            if means.allocatable[i] > 0.0 {
                amounts[i] / means.allocatable[i]
            } else {
                0.0
            }
        };
        ready * f64::midpoint(of(0), of(1))
    };
    let mut weights: Vec<f64> = variant.pod_requests.iter().map(|requests| part(*requests)).collect();
    weights.push(part(means.daemons));
    let idle = (1.0 - weights.iter().sum::<f64>()).max(0.0);
    weights.push(idle);
    let weights: Option<Vec<Decimal>> = weights.into_iter().map(Decimal::from_f64).collect();
    let mut shares = share_out(nodes, &weights?);
    let idle = shares.pop()?;
    let daemons = shares.pop()?;
    Some(Parts {
        workload: shares,
        idle,
        overhead: daemons + control_plane,
    })
}

fn rows(variant: &VariantResult) -> Option<Vec<Vec<String>>> {
    let parts = parts(variant)?;
    let first = &variant.rows[0];
    let row = |split: &str, service: &str, [workload, idle, overhead]: [Decimal; 3]| {
        let shown = |amount: Decimal| amount.normalize().to_string();
        vec![
            first.scenario.clone(),
            first.variant.clone(),
            split.to_string(),
            service.to_string(),
            shown(workload),
            shown(idle),
            shown(overhead),
            shown(workload + idle + overhead),
        ]
    };
    let zero = Decimal::ZERO;
    let mut rows = Vec::new();
    for (service, &workload) in variant.services.iter().zip(&parts.workload) {
        rows.push(row("separate", service, [workload, zero, zero]));
    }
    rows.push(row("separate", "__idle__", [zero, parts.idle, zero]));
    rows.push(row("separate", "__overhead__", [zero, zero, parts.overhead]));
    let requests = variant.services.iter().map(|service| {
        let own = variant.rows.iter().find(|row| row.service == *service).unwrap_or(first);
        let requests = own.values.get("requests").map_or(0.0, |value| value.float());
        Decimal::from_f64(requests).unwrap_or_default()
    });
    let spreads = [
        ("even", vec![Decimal::ONE; variant.services.len()]),
        ("proportional", parts.workload.clone()),
        ("by-requests", requests.collect()),
    ];
    for (split, weights) in spreads {
        let idle = share_out(parts.idle, &weights);
        let overhead = share_out(parts.overhead, &weights);
        let amounts = parts.workload.iter().zip(idle).zip(overhead);
        for (service, ((&workload, idle), overhead)) in variant.services.iter().zip(amounts) {
            rows.push(row(split, service, [workload, idle, overhead]));
        }
    }
    Some(rows)
}
