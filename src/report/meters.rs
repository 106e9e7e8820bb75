//! `meters.csv` and `hours.csv`: the use of each replication by meter, so that it can be priced anew
//! ([`crate::cost::stored`] and [`crate::cost::hours`] read them).

use rust_decimal::Decimal;

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv_of_some, docs};
use super::manifest::Manifest;
use crate::cost::stored::{Hour, ReplicationUsage};
use crate::study::{Study, VariantResult};

/// `meters.csv`.
#[derive(Debug)]
pub struct Meters;

/// `hours.csv`.
#[derive(Debug)]
pub struct Hours;

/// The use of one meter by a service in a replication, or in an hour of one.
#[derive(Debug, Clone, Copy)]
struct Used<'a> {
    variant: &'a VariantResult,
    service: &'a str,
    replication: usize,
    metered: &'a ReplicationUsage,
    meter: &'a str,
    quantity: Decimal,
}

/// The use of one meter by a service in an hour.
#[derive(Debug, Clone, Copy)]
struct UsedInHour<'a> {
    used: Used<'a>,
    hour: &'a Hour,
}

fn seconds(ns: u64) -> Cell {
    Cell::decimal(Decimal::from(ns) / Decimal::from(1_000_000_000_u64))
}

const SCENARIO: &str = "The name of the scenario.";
const VARIANT: &str = "The name of the variant.";
const SERVICE: &str = "The name of the service, or `all` where there is one.";
const REPLICATION: &str = "The number of the replication, from 0.";
const METER: &str = "The meter: the name of a price without its tier.";

fn columns<'a>() -> [Column<Used<'a>>; 7] {
    [
        column("scenario", "", SCENARIO, |of| Cell::text(of.variant.scenario())),
        column("variant", "", VARIANT, |of| Cell::text(of.variant.name())),
        column("service", "", SERVICE, |of| Cell::text(of.service)),
        column("replication", "", REPLICATION, |of| Cell::count(of.replication as u64)),
        column("window_s", "s", "The length of the counted time.", |of| {
            seconds(of.metered.window.0)
        }),
        column("meter", "", METER, |of| Cell::text(of.meter)),
        column(
            "quantity",
            "unit of the price",
            "The quantity in the counted time, not scaled to a month.",
            |of| Cell::decimal(of.quantity),
        ),
    ]
}

fn hour_columns<'a>() -> [Column<UsedInHour<'a>>; 8] {
    [
        column("scenario", "", SCENARIO, |of| Cell::text(of.used.variant.scenario())),
        column("variant", "", VARIANT, |of| Cell::text(of.used.variant.name())),
        column("service", "", SERVICE, |of| Cell::text(of.used.service)),
        column("replication", "", REPLICATION, |of| {
            Cell::count(of.used.replication as u64)
        }),
        column(
            "from_s",
            "s",
            "The start of the hour, from the start of the run.",
            |of| seconds(of.hour.from.0),
        ),
        column("length_s", "s", "The counted part of the hour.", |of| {
            seconds(of.hour.length.0)
        }),
        column("meter", "", METER, |of| Cell::text(of.used.meter)),
        column("quantity", "unit of the price", "The quantity in that time.", |of| {
            Cell::decimal(of.used.quantity)
        }),
    ]
}

/// The use of all meters in a replication, or in an hour of one, whose quantities are `by_service`.
fn used<'a>(
    variant: &'a VariantResult,
    (replication, metered): (usize, &'a ReplicationUsage),
    by_service: &'a [std::collections::BTreeMap<String, Decimal>],
) -> impl Iterator<Item = Used<'a>> {
    variant
        .bills
        .iter()
        .zip(by_service)
        .flat_map(move |((service, _), quantities)| {
            quantities.iter().map(move |(meter, &quantity)| Used {
                variant,
                service,
                replication,
                metered,
                meter,
                quantity,
            })
        })
}

impl Report for Meters {
    fn name(&self) -> &str {
        "meters.csv"
    }

    fn doc(&self) -> &str {
        "The use of each replication by meter. `coldcast reprice` prices it with another list."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let all = study.variants.iter().flat_map(|variant| {
            let replications = variant.metered.iter().enumerate();
            replications.flat_map(move |(r, metered)| used(variant, (r, metered), &metered.by_service))
        });
        csv_of_some(&columns(), all)
    }
}

impl Report for Hours {
    fn name(&self) -> &str {
        "hours.csv"
    }

    fn doc(&self) -> &str {
        "The same hour by hour of the run, which commitments are drawn on by. A meter without use in an hour has no row there."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&hour_columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let all = study.variants.iter().flat_map(|variant| {
            let replications = variant.metered.iter().enumerate();
            replications.flat_map(move |(r, metered)| {
                metered.hours.iter().flat_map(move |hour| {
                    let used = used(variant, (r, metered), &hour.by_service);
                    used.map(move |used| UsedInHour { used, hour })
                })
            })
        });
        csv_of_some(&hour_columns(), all.filter(|of| !of.used.quantity.is_zero()))
    }
}
