//! `costs.csv`: one row per bill line. `sum(cost_usd)` of a variant is its `monthly_cost_usd`, to the last digit.

use super::cells;
use crate::cost::bill::BillLine;
use crate::study::Study;

/// Columns in the order of the file.
pub const COLUMNS: [&str; 21] = [
    "scenario",
    "variant",
    "service",
    "provider",
    "cloud_service",
    "region",
    "sku",
    "meter",
    "quantity",
    "free_quantity",
    "unit",
    "unit_price_usd",
    "tier",
    "cost_usd",
    "price_source",
    "price_date",
    "price_as_of",
    "confidence",
    "commitment",
    "commitment_role",
    "effective_cost_usd",
];

/// The cells of a bill line.
pub fn cells(scenario: &str, variant: &str, service: &str, line: &BillLine) -> Vec<String> {
    let part = line.commitment.as_ref();
    vec![
        scenario.to_string(),
        variant.to_string(),
        service.to_string(),
        line.provider.clone(),
        line.cloud_service.clone(),
        line.region.clone(),
        line.sku.clone(),
        line.meter.clone(),
        line.quantity.normalize().to_string(),
        line.free_quantity.normalize().to_string(),
        line.unit.clone(),
        line.unit_price_usd.normalize().to_string(),
        line.tier.to_string(),
        line.cost_usd.normalize().to_string(),
        line.price_source.clone(),
        line.price_date.to_string(),
        line.price_as_of.map(|read| read.to_string()).unwrap_or_default(),
        line.confidence.to_string(),
        part.map(|part| part.name.clone()).unwrap_or_default(),
        part.map(|part| part.role.name().to_string()).unwrap_or_default(),
        line.effective_cost_usd().normalize().to_string(),
    ]
}

/// The file.
pub fn csv(study: &Study) -> Vec<u8> {
    let rows = study.variants.iter().flat_map(|variant| {
        let row = &variant.rows[0];
        variant.bills.iter().flat_map(move |(service, bill)| {
            bill.lines
                .iter()
                .map(move |line| cells(&row.scenario, &row.variant, service, line))
        })
    });
    cells::csv(&COLUMNS, rows)
}
