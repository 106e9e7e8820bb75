//! `costs.csv`: one row per bill line. `sum(cost_usd)` of a variant is its `monthly_cost_usd`, to the last digit.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv, docs, names, row};
use super::manifest::Manifest;
use crate::cost::bill::{BillLine, CommitmentPart};
use crate::study::Study;

/// `costs.csv`.
#[derive(Debug)]
pub struct Costs;

/// A line of a bill with what it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// Name of the variant.
    pub variant: &'a str,
    /// Name of the service.
    pub service: &'a str,
    /// The line.
    pub line: &'a BillLine,
}

/// The columns in the order of the file.
pub fn columns<'a>() -> [Column<Charge<'a>>; 21] {
    fn part<'a>(charge: &Charge<'a>) -> Option<&'a CommitmentPart> {
        charge.line.commitment.as_ref()
    }
    [
        column("scenario", "", "The name of the scenario.", |of| {
            Cell::text(of.scenario)
        }),
        column("variant", "", "The name of the variant.", |of| Cell::text(of.variant)),
        column(
            "service",
            "",
            "The name of the service, or `all` where there is one.",
            |of| Cell::text(of.service),
        ),
        column("provider", "", "The provider: `aws`, `gcp` or `azure`.", |of| {
            Cell::text(&of.line.provider)
        }),
        column("cloud_service", "", "The provider's service.", |of| {
            Cell::text(&of.line.cloud_service)
        }),
        column("region", "", "The region of the price.", |of| {
            Cell::text(&of.line.region)
        }),
        column(
            "sku",
            "",
            "The provider's id of the price; empty if the list has none.",
            |of| Cell::text(&of.line.sku),
        ),
        column(
            "meter",
            "",
            "The meter: the name of the price without its tier.",
            |of| Cell::text(&of.line.meter),
        ),
        column(
            "quantity",
            "unit",
            "The quantity of a month that is charged in this tier.",
            |of| Cell::decimal(of.line.quantity),
        ),
        column(
            "free_quantity",
            "unit",
            "The quantity of a month that a free allowance covers.",
            |of| Cell::decimal(of.line.free_quantity),
        ),
        column("unit", "", "The unit of the quantity.", |of| Cell::text(&of.line.unit)),
        column("unit_price_usd", "USD", "The price of one unit.", |of| {
            Cell::decimal(of.line.unit_price_usd)
        }),
        column("tier", "", "The tier of the price, from 1.", |of| {
            Cell::count(of.line.tier)
        }),
        column(
            "cost_usd",
            "USD",
            "The cost of the line: `quantity * unit_price_usd`, exactly.",
            |of| Cell::decimal(of.line.cost_usd),
        ),
        column("price_source", "", "Where the price was read.", |of| {
            Cell::text(&of.line.price_source)
        }),
        column("price_date", "", "The day from which the price list holds.", |of| {
            Cell::text(of.line.price_date)
        }),
        column("price_as_of", "", "The day on which the price was read.", |of| {
            Cell::maybe(of.line.price_as_of, Cell::text)
        }),
        column(
            "confidence",
            "",
            "The confidence in the price: `high`, `medium` or `low`.",
            |of| Cell::text(of.line.confidence),
        ),
        column(
            "commitment",
            "",
            "The commitment that the line belongs to; empty without one.",
            |of| Cell::maybe(part(of), |part| Cell::text(&part.name)),
        ),
        column(
            "commitment_role",
            "",
            "The part that the line has in the commitment: its fee, use that it covers, or the unused rest.",
            |of| Cell::maybe(part(of), |part| Cell::text(part.role.name())),
        ),
        column(
            "effective_cost_usd",
            "USD",
            "The cost of the line with the fees for commitments spread over the use that they cover.",
            |of| Cell::decimal(of.line.effective_cost_usd()),
        ),
    ]
}

/// The header.
pub fn header() -> Vec<&'static str> {
    names(&columns())
}

/// The cells of a bill line.
pub fn cells(scenario: &str, variant: &str, service: &str, line: &BillLine) -> Vec<String> {
    row(
        &columns(),
        &Charge {
            scenario,
            variant,
            service,
            line,
        },
    )
}

/// The lines of all bills.
pub fn charges(study: &Study) -> impl Iterator<Item = Charge<'_>> {
    study.variants.iter().flat_map(|variant| {
        variant.bill_lines().map(|(service, line)| Charge {
            scenario: variant.scenario(),
            variant: variant.name(),
            service,
            line,
        })
    })
}

impl Report for Costs {
    fn name(&self) -> &str {
        "costs.csv"
    }

    fn doc(&self) -> &str {
        "The bill of a month, line by line. The lines of a variant add up to its `monthly_cost_usd`, exactly."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        Some(csv(&columns(), charges(study)))
    }
}
