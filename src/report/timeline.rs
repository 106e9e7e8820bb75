//! `timeline.csv`: the run over time, as means over replications.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv, docs};
use super::manifest::Manifest;
use crate::study::Study;
use crate::study::timeline::TimelineRow;

/// `timeline.csv`.
#[derive(Debug)]
pub struct Timeline;

/// A bin of a service.
#[derive(Debug, Clone, Copy)]
struct Bin<'a> {
    variant: &'a str,
    service: &'a str,
    row: &'a TimelineRow,
}

fn columns<'a>() -> [Column<Bin<'a>>; 15] {
    [
        column("variant", "", "The name of the variant.", |bin| Cell::text(bin.variant)),
        column(
            "service",
            "",
            "The name of the service, or `all` where there is one.",
            |bin| Cell::text(bin.service),
        ),
        column("t_s", "s", "The start of the bin, from the start of the run.", |bin| {
            Cell::number(bin.row.t_s)
        }),
        column("arrivals", "requests", "The requests that arrived in the bin.", |bin| {
            Cell::number(bin.row.arrivals)
        }),
        column(
            "completed",
            "requests",
            "The requests that got a good answer in the bin.",
            |bin| Cell::number(bin.row.completed),
        ),
        column(
            "rejected",
            "requests",
            "The requests that were turned away in the bin.",
            |bin| Cell::number(bin.row.rejected),
        ),
        column(
            "cold_starts",
            "instances",
            "The instances that were started for a request in the bin.",
            |bin| Cell::number(bin.row.cold_starts),
        ),
        column("queue", "requests", "The waiting requests, mean over the bin.", |bin| {
            Cell::number(bin.row.queue)
        }),
        column("instances", "instances", "The instances, mean over the bin.", |bin| {
            Cell::number(bin.row.instances)
        }),
        column(
            "busy",
            "instances",
            "The instances with a request, mean over the bin.",
            |bin| Cell::number(bin.row.busy),
        ),
        column(
            "starting",
            "instances",
            "The instances that are starting, mean over the bin.",
            |bin| Cell::number(bin.row.starting),
        ),
        column(
            "nodes",
            "nodes",
            "The nodes of the cluster, mean over the bin; empty without a cluster.",
            |bin| Cell::maybe(bin.row.nodes, Cell::number),
        ),
        column(
            "latency_p50_ms",
            "ms",
            "The median latency of the requests that completed in the bin.",
            |bin| Cell::maybe(bin.row.latency_p50_ms, Cell::number),
        ),
        column("latency_p99_ms", "ms", "The 99th percentile of that latency.", |bin| {
            Cell::maybe(bin.row.latency_p99_ms, Cell::number)
        }),
        column(
            "cost_usd",
            "USD",
            "The cost of the requests that ended in the bin, at the list price of the first tier, without a free allowance and not \
             scaled to a month; empty where the bill does not depend on requests alone.",
            |bin| Cell::maybe(bin.row.cost_usd, Cell::decimal),
        ),
    ]
}

impl Report for Timeline {
    fn name(&self) -> &str {
        "timeline.csv"
    }

    fn doc(&self) -> &str {
        "The run over time: at most 1,024 bins for each service, as means over the replications."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let bins = study.variants.iter().flat_map(|variant| {
            variant.timelines.iter().flat_map(|(service, rows)| {
                rows.iter().map(|row| Bin {
                    variant: variant.name(),
                    service,
                    row,
                })
            })
        });
        Some(csv(&columns(), bins))
    }
}
