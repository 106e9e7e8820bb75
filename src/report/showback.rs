//! `showback.csv`: the projected bill by the tags of services, such as team, environment or cost centre.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv_of_some, docs};
use super::manifest::Manifest;
use crate::study::{Study, VariantResult};

/// `showback.csv`.
#[derive(Debug)]
pub struct Showback;

/// The part of a variant's bill that has one value of a tag.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    variant: &'a VariantResult,
    tag: &'a str,
    value: &'a str,
    cost: Decimal,
    total: Decimal,
}

fn columns<'a>() -> [Column<Part<'a>>; 6] {
    [
        column("scenario", "", "The name of the scenario.", |of| {
            Cell::text(of.variant.scenario())
        }),
        column("variant", "", "The name of the variant.", |of| {
            Cell::text(of.variant.name())
        }),
        column("tag", "", "The tag.", |of| Cell::text(of.tag)),
        column("value", "", "The value of the tag, or `untagged`.", |of| {
            Cell::text(of.value)
        }),
        column(
            "monthly_cost_usd",
            "USD",
            "The monthly bill of the services with this value.",
            |of| Cell::decimal(of.cost),
        ),
        column(
            "share",
            "share",
            "The share of the variant's bill; empty if the bill is 0.",
            |of| Cell::maybe(of.cost.checked_div(of.total), |share| Cell::decimal(share.round_dp(9))),
        ),
    ]
}

/// The value for services without a tag.
const UNTAGGED: &str = "untagged";

fn parts<'a>(variant: &'a VariantResult, tag: &'a str) -> Vec<Part<'a>> {
    let mut costs: BTreeMap<&str, Decimal> = BTreeMap::from([(UNTAGGED, Decimal::ZERO)]);
    for ((_, bill), tags) in variant.bills.iter().zip(&variant.tags) {
        let value = tags.get(tag).map_or(UNTAGGED, String::as_str);
        *costs.entry(value).or_default() += bill.total_usd();
    }
    let total = costs.values().sum();
    let parts = costs.into_iter().map(|(value, cost)| Part {
        variant,
        tag,
        value,
        cost,
        total,
    });
    parts.collect()
}

impl Report for Showback {
    fn name(&self) -> &str {
        "showback.csv"
    }

    fn doc(&self) -> &str {
        "The bill by the tags of services. For each tag the rows of a variant add up to its bill, exactly; the row `untagged` is \
         always there."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let variants = study.variants.iter().filter(|variant| !variant.bills.is_empty());
        let tags: BTreeSet<&str> = variants
            .clone()
            .flat_map(|variant| variant.tags.iter().flat_map(BTreeMap::keys))
            .map(String::as_str)
            .collect();
        csv_of_some(
            &columns(),
            variants.flat_map(|variant| tags.iter().flat_map(|tag| parts(variant, tag))),
        )
    }
}
