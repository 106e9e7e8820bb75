//! `allocation.csv`: the bill of a cluster by service, split four ways. Under each method the rows of a variant sum to the cost of
//! its nodes and its control plane, to the last digit.
//!
//! Source: the OpenCost specification. The cost of nodes is workload, idle and overhead. The workload of a service is what its pods
//! request over what the nodes can allocate, as the mean of CPU and memory. Overhead is the requests of DaemonSets, and the control
//! plane. Idle is the rest, including the time in which nodes boot. Idle and overhead are rows of their own (`separate`), or are
//! spread over the services evenly, in proportion to their workload, or by their requests.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv_of_some, docs};
use super::manifest::Manifest;
use crate::cost::rate::share_out;
use crate::study::{Metric, Study, VariantResult};

/// `allocation.csv`.
#[derive(Debug)]
pub struct Allocation;

/// The part of a cluster's cost that one method gives to a service.
#[derive(Debug, Clone, Copy)]
struct Allocated<'a> {
    variant: &'a VariantResult,
    split: &'static str,
    service: &'a str,
    workload: Decimal,
    idle: Decimal,
    overhead: Decimal,
}

fn columns<'a>() -> [Column<Allocated<'a>>; 8] {
    [
        column("scenario", "", "The name of the scenario.", |of| {
            Cell::text(of.variant.scenario())
        }),
        column("variant", "", "The name of the variant.", |of| {
            Cell::text(of.variant.name())
        }),
        column(
            "split",
            "",
            "The method for idle and overhead: `separate`, `even`, `proportional` or `by-requests`.",
            |of| Cell::text(of.split),
        ),
        column(
            "service",
            "",
            "The name of the service; `__idle__` and `__overhead__` where they are separate.",
            |of| Cell::text(of.service),
        ),
        column(
            "workload_usd",
            "USD",
            "The monthly cost of what the pods of the service request.",
            |of| Cell::decimal(of.workload),
        ),
        column("idle_usd", "USD", "The monthly cost of what no pod requests.", |of| {
            Cell::decimal(of.idle)
        }),
        column(
            "overhead_usd",
            "USD",
            "The monthly cost of DaemonSets and of the control plane.",
            |of| Cell::decimal(of.overhead),
        ),
        column("cost_usd", "USD", "The sum of the three.", |of| {
            Cell::decimal(of.workload + of.idle + of.overhead)
        }),
    ]
}

impl Report for Allocation {
    fn name(&self) -> &str {
        "allocation.csv"
    }

    fn doc(&self) -> &str {
        "The bill of a cluster by service, split four ways. Under each method the rows of a variant sum to the cost of its nodes and \
         its control plane, exactly."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        csv_of_some(&columns(), study.variants.iter().filter_map(rows).flatten())
    }
}

/// The monthly cost of the nodes and the control plane of a cluster, in parts.
struct Parts {
    /// By service.
    workload: Vec<Decimal>,
    idle: Decimal,
    overhead: Decimal,
}

fn parts(variant: &VariantResult) -> Option<Parts> {
    let [nodes, control_plane] = variant.cluster_usd?;
    let means = variant.packing.as_ref()?.means()?;
    // Nodes that boot are billed and give nothing.
    let billed = variant.all().float(Metric::NodesMean)?;
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

fn rows(variant: &VariantResult) -> Option<Vec<Allocated<'_>>> {
    let parts = parts(variant)?;
    let zero = Decimal::ZERO;
    let row = |split, service, [workload, idle, overhead]: [Decimal; 3]| Allocated {
        variant,
        split,
        service,
        workload,
        idle,
        overhead,
    };
    let mut rows = Vec::new();
    for (service, &workload) in variant.services.iter().zip(&parts.workload) {
        rows.push(row("separate", service.as_str(), [workload, zero, zero]));
    }
    rows.push(row("separate", "__idle__", [zero, parts.idle, zero]));
    rows.push(row("separate", "__overhead__", [zero, zero, parts.overhead]));
    let requests = variant.services.iter().map(|service| {
        let requests = variant.row_of(service).float(Metric::Requests).unwrap_or(0.0);
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
