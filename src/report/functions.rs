//! `functions.csv`: one row for each function of the first replication.

use rust_decimal::Decimal;

use super::cells;
use crate::scenario::plan::Pricing;
use crate::study::Study;
use crate::study::bills::list_price;
use crate::study::split::FunctionRow;

/// The columns in order.
const COLUMNS: [&str; 12] = [
    "variant",
    "service",
    "function",
    "requests",
    "completed",
    "rejected",
    "cold_starts",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "slo_violations",
    "cost_usd",
];

/// The file. Costs are those of the counted time at the price of the first tier, not scaled to a month; blank without prices.
pub fn csv(study: &Study) -> Vec<u8> {
    let rows = study.variants.iter().flat_map(|variant| {
        variant.functions.iter().map(move |row| {
            let ms = |ns: Option<u64>| cells::maybe(ns.map(|ns| ns as f64 / 1e6));
            let cost = variant.pricing.as_ref().and_then(|pricing| cost(pricing, row));
            let slo = variant.has_slo[row.service as usize];
            vec![
                variant.rows[0].variant.clone(),
                variant.services[row.service as usize].clone(),
                row.function.to_string(),
                row.requests.to_string(),
                row.completed.to_string(),
                row.rejected.to_string(),
                row.cold_starts.to_string(),
                ms(row.latency[0]),
                ms(row.latency[1]),
                ms(row.latency[2]),
                if slo { row.violations.to_string() } else { String::new() },
                cost.map_or(String::new(), |usd| usd.to_string()),
            ]
        })
    });
    cells::csv(&COLUMNS, rows)
}

fn cost(pricing: &Pricing, row: &FunctionRow) -> Option<Decimal> {
    let quantities = pricing.meter.quantities(row.usage.as_ref()?);
    Some(list_price(pricing, &quantities, None).ok()?.round_dp(12).normalize())
}
