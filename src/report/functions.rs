//! `functions.csv`: one row for each function of the first replication.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv_of_some, docs};
use super::manifest::Manifest;
use crate::study::Study;
use crate::study::estimate::{decimals_of_latency, rounded};
use crate::study::split::FunctionRow;

/// `functions.csv`.
#[derive(Debug)]
pub struct Functions;

/// A function of a service.
#[derive(Debug, Clone, Copy)]
struct Function<'a> {
    variant: &'a str,
    service: &'a str,
    has_slo: bool,
    row: &'a FunctionRow,
}

fn columns<'a>() -> [Column<Function<'a>>; 12] {
    fn ms(ns: Option<u64>) -> Cell {
        Cell::maybe(ns.map(|ns| ns as f64 / 1e6), |ms| {
            Cell::number(rounded(ms, decimals_of_latency(ms)))
        })
    }
    [
        column("variant", "", "The name of the variant.", |of| Cell::text(of.variant)),
        column("service", "", "The name of the service.", |of| Cell::text(of.service)),
        column("function", "", "The number of the function within the service.", |of| {
            Cell::count(of.row.function)
        }),
        column(
            "requests",
            "requests",
            "The requests that arrived after the warm-up.",
            |of| Cell::count(of.row.requests),
        ),
        column("completed", "requests", "The requests that got a good answer.", |of| {
            Cell::count(of.row.completed)
        }),
        column("rejected", "requests", "The requests that were turned away.", |of| {
            Cell::count(of.row.rejected)
        }),
        column(
            "cold_starts",
            "instances",
            "The instances that were started for a request.",
            |of| Cell::count(of.row.cold_starts),
        ),
        column(
            "latency_p50_ms",
            "ms",
            "The median latency of completed requests.",
            |of| ms(of.row.latency[0]),
        ),
        column("latency_p95_ms", "ms", "The 95th percentile of that latency.", |of| {
            ms(of.row.latency[1])
        }),
        column("latency_p99_ms", "ms", "The 99th percentile of that latency.", |of| {
            ms(of.row.latency[2])
        }),
        column(
            "slo_violations",
            "requests",
            "The requests that violate the SLO; empty without one.",
            |of| Cell::maybe(of.has_slo.then_some(of.row.violations), Cell::count),
        ),
        column(
            "cost_usd",
            "USD",
            "The cost of the counted time at the price of the first tier, not scaled to a month; empty without prices.",
            |of| Cell::maybe(of.row.cost_usd, Cell::decimal),
        ),
    ]
}

impl Report for Functions {
    fn name(&self) -> &str {
        "functions.csv"
    }

    fn doc(&self) -> &str {
        "Every function of the first replication, with `--record functions`."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let functions = study.variants.iter().flat_map(|variant| {
            variant.functions.iter().map(|row| Function {
                variant: variant.name(),
                service: &variant.services[usize::from(row.service)],
                has_slo: variant.has_slo[usize::from(row.service)],
                row,
            })
        });
        csv_of_some(&columns(), functions)
    }
}
