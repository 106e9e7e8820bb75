//! `replications.csv`: one row for each replication of a service. What pairs settings, optimises or does statistics of its own
//! starts from these numbers, and not from means.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv, docs};
use super::manifest::Manifest;
use crate::study::Study;
use crate::study::replication_row::ReplicationRow;

/// `replications.csv`.
#[derive(Debug)]
pub struct Replications;

/// A replication with its variant.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The name of the variant.
    pub variant: &'a str,
    /// The replication.
    pub row: &'a ReplicationRow,
}

/// The columns in the order of the file.
pub fn columns<'a>() -> [Column<Line<'a>>; 11] {
    [
        column("variant", "", "The name of the variant.", |of| Cell::text(of.variant)),
        column("service", "", "The name of the service, or `all`.", |of| {
            Cell::text(&of.row.service)
        }),
        column(
            "replication",
            "",
            "The number of the replication, from 0. Replications of the same number have the same random numbers in every variant.",
            |of| Cell::count(of.row.replication),
        ),
        column("requests", "requests", "The requests after the warm-up.", |of| {
            Cell::count(of.row.requests)
        }),
        column(
            "slo_violations",
            "requests",
            "Those that violate the SLO; empty without one.",
            |of| Cell::maybe(of.row.slo_violations, Cell::count),
        ),
        column(
            "cold_starts",
            "instances",
            "The instances that were started because a request needed one.",
            |of| Cell::count(of.row.cold_starts),
        ),
        column(
            "first_uses",
            "instances",
            "The instances that had their first request.",
            |of| Cell::count(of.row.first_uses),
        ),
        column(
            "latency_p50_ms",
            "ms",
            "The median latency of completed requests.",
            |of| Cell::maybe(of.row.latency_p50_ms, Cell::number),
        ),
        column(
            "latency_p99_ms",
            "ms",
            "The 99th percentile of the latency of completed requests.",
            |of| Cell::maybe(of.row.latency_p99_ms, Cell::number),
        ),
        column(
            "instance_seconds",
            "s",
            "The time of instances after the warm-up, summed over those that start, are busy or idle.",
            |of| Cell::number(of.row.instance_seconds),
        ),
        column(
            "monthly_cost_usd",
            "USD",
            "The bill of a month; empty without prices.",
            |of| Cell::maybe(of.row.monthly_cost_usd, Cell::number),
        ),
    ]
}

impl Report for Replications {
    fn name(&self) -> &str {
        "replications.csv"
    }

    fn doc(&self) -> &str {
        "The replications one by one, for statistics of your own; replications of the same number have the same random numbers in every \
         variant."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let lines = study.variants.iter().flat_map(|variant| {
            let name = variant.name();
            variant.replications.iter().map(move |row| Line { variant: name, row })
        });
        Some(csv(&columns(), lines))
    }
}
