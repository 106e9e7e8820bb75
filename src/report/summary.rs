//! `summary.csv`: one row per variant, and per service where there are several.

use super::cells::{self, maybe, mean, number};
use crate::study::{Row, Study};

const FIXED: bool = false;
const VARIES: bool = true;

/// Columns in the order of the file, and whether they vary over replications; those that do have `_low` and `_high` at
/// the end of the row.
pub const COLUMNS: [(&str, bool); 55] = [
    ("scenario", FIXED),
    ("variant", FIXED),
    ("service", FIXED),
    ("framework", FIXED),
    ("platform", FIXED),
    ("replications", FIXED),
    ("seed", FIXED),
    ("horizon_s", FIXED),
    ("requests", VARIES),
    ("completed", VARIES),
    ("rejected", VARIES),
    ("timed_out", VARIES),
    ("failed", VARIES),
    ("cold_starts", VARIES),
    ("retries", VARIES),
    ("cold_start_ratio", VARIES),
    ("latency_mean_ms", VARIES),
    ("latency_p50_ms", VARIES),
    ("latency_p90_ms", VARIES),
    ("latency_p95_ms", VARIES),
    ("latency_p99_ms", VARIES),
    ("latency_p999_ms", VARIES),
    ("latency_max_ms", VARIES),
    ("slo_latency_ms", FIXED),
    ("slo_objective", FIXED),
    ("slo_violations", VARIES),
    ("slo_violation_ratio", VARIES),
    ("slo_met", FIXED),
    ("instances_mean", VARIES),
    ("instances_peak", VARIES),
    ("busy_mean", VARIES),
    ("idle_mean", VARIES),
    ("instance_lifespan_mean_s", VARIES),
    ("instances_created", VARIES),
    ("nodes_mean", VARIES),
    ("nodes_peak", VARIES),
    ("cpu_utilisation_mean", VARIES),
    ("monthly_cost_usd", VARIES),
    ("requests_per_month", VARIES),
    ("cost_per_million_requests_usd", VARIES),
    ("cost_per_million_good_requests_usd", VARIES),
    ("marginal_cost_per_million_usd", VARIES),
    ("cold_start_cost_usd", VARIES),
    ("idle_cost_usd", VARIES),
    ("commitment_cost_usd", VARIES),
    ("unused_commitment_cost_usd", VARIES),
    ("monthly_cost_p05_usd", FIXED),
    ("monthly_cost_p50_usd", FIXED),
    ("monthly_cost_p95_usd", FIXED),
    ("budget_usd", FIXED),
    ("budget_overrun_probability", FIXED),
    ("price_list", FIXED),
    ("price_date", FIXED),
    ("profile_source", FIXED),
    ("rejected_reasons", FIXED),
];

/// The header: all columns, then the ends of the intervals.
pub fn header() -> Vec<String> {
    let intervals = varying().flat_map(|name| [format!("{name}_low"), format!("{name}_high")]);
    COLUMNS
        .iter()
        .map(|(name, _)| name.to_string())
        .chain(intervals)
        .collect()
}

fn varying() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().filter(|(_, varies)| *varies).map(|(name, _)| name)
}

/// The cells of a row, in the order of [`header`].
pub fn cells(row: &Row) -> Vec<String> {
    let value = |name: &str| row.values.get(name).map(mean).unwrap_or_default();
    let fixed = COLUMNS.iter().map(|&(name, _)| match name {
        "scenario" => row.scenario.clone(),
        "variant" => row.variant.clone(),
        "service" => row.service.clone(),
        "framework" => row.framework.clone(),
        "platform" => row.platform.to_string(),
        "replications" => row.replications.to_string(),
        "seed" => row.seed.to_string(),
        "horizon_s" => number(row.horizon_s),
        "slo_latency_ms" => maybe(row.slo_latency_ms),
        "slo_objective" => maybe(row.slo_objective),
        "slo_met" => row.slo_met.map(|met| met.to_string()).unwrap_or_default(),
        "monthly_cost_p05_usd" => maybe(row.cost_percentiles.map(|percentiles| percentiles[0])),
        "monthly_cost_p50_usd" => maybe(row.cost_percentiles.map(|percentiles| percentiles[1])),
        "monthly_cost_p95_usd" => maybe(row.cost_percentiles.map(|percentiles| percentiles[2])),
        "budget_usd" => row.budget.map(|(budget, _)| budget.to_string()).unwrap_or_default(),
        "budget_overrun_probability" => maybe(row.budget.map(|(_, share)| share)),
        "price_list" => row.price_list.clone().unwrap_or_default(),
        "price_date" => row.price_date.clone().unwrap_or_default(),
        "profile_source" => row.profile_source.clone(),
        "rejected_reasons" => {
            let reasons = row
                .rejected_by_reason
                .iter()
                .map(|(reason, count)| format!("{reason}={count}"));
            reasons.collect::<Vec<_>>().join(";")
        }
        name => value(name),
    });
    let intervals = varying().flat_map(|name| {
        let interval = row.values.get(name).and_then(|value| value.interval);
        [maybe(interval.map(|i| i.0)), maybe(interval.map(|i| i.1))]
    });
    fixed.chain(intervals).collect()
}

/// The file.
pub fn csv(study: &Study) -> Vec<u8> {
    let header = header();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    cells::csv(&header, study.rows().map(cells))
}
