//! `timeline.csv`: the run over time, as means over replications.

use rust_decimal::Decimal;

use super::cells::{self, maybe, number};
use crate::scenario::plan::Pricing;
use crate::study::Study;
use crate::study::bills::list_price;
use crate::study::timeline::TimelineRow;

/// Columns in the order of the file.
pub const COLUMNS: [&str; 15] = [
    "variant",
    "service",
    "t_s",
    "arrivals",
    "completed",
    "rejected",
    "cold_starts",
    "queue",
    "instances",
    "busy",
    "starting",
    "nodes",
    "latency_p50_ms",
    "latency_p99_ms",
    "cost_usd",
];

/// The file. `cost_usd` is what the requests that ended in the bin cost at the list price of the first tier, without an
/// allowance and not scaled to a month.
pub fn csv(study: &Study) -> Vec<u8> {
    let rows = study.variants.iter().flat_map(|variant| {
        let name = &variant.rows[0].variant;
        variant.timelines.iter().flat_map(move |(service, bins)| {
            bins.iter().map(move |bin| {
                vec![
                    name.clone(),
                    service.clone(),
                    number(bin.t_s),
                    number(bin.arrivals),
                    number(bin.completed),
                    number(bin.rejected),
                    number(bin.cold_starts),
                    number(bin.queue),
                    number(bin.instances),
                    number(bin.busy),
                    number(bin.starting),
                    maybe(bin.nodes),
                    maybe(bin.latency_p50_ms),
                    maybe(bin.latency_p99_ms),
                    variant
                        .pricing
                        .as_ref()
                        .and_then(|p| cost(p, bin))
                        .map(|usd| usd.to_string())
                        .unwrap_or_default(),
                ]
            })
        })
    });
    cells::csv(&COLUMNS, rows)
}

/// Cost of a bin to nine decimals of a dollar; `None` where not all of it comes with the requests.
fn cost(pricing: &Pricing, bin: &TimelineRow) -> Option<Decimal> {
    if !pricing.is_by_request() {
        return None;
    }
    // Means over replications are priced in thousandths, so that fractions are not lost.
    let thousandths = |mean: f64| (mean * 1e3).round() as u64;
    let usage = pricing
        .meter
        .by_request(thousandths(bin.charged), thousandths(bin.tally))?;
    let thousandfold = list_price(pricing, &pricing.meter.quantities(&usage), None).ok()?;
    Some((thousandfold / Decimal::from(1000)).round_dp(9).normalize())
}
