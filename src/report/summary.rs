//! `summary.csv`: one row per variant, and per service where there are several.

use super::cells::{self, maybe, mean, number, text};
use crate::study::{Row, Study};

/// Columns in the order of the file; those that vary over replications have `_low` and `_high` at the end of the row.
pub const COLUMNS: [&str; 44] = [
    "scenario",
    "variant",
    "service",
    "framework",
    "platform",
    "replications",
    "seed",
    "horizon_s",
    "requests",
    "completed",
    "rejected",
    "timed_out",
    "failed",
    "cold_starts",
    "cold_start_ratio",
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p90_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_p999_ms",
    "latency_max_ms",
    "slo_latency_ms",
    "slo_objective",
    "slo_violations",
    "slo_violation_ratio",
    "slo_met",
    "instances_mean",
    "instances_peak",
    "busy_mean",
    "idle_mean",
    "instance_lifespan_mean_s",
    "instances_created",
    "nodes_mean",
    "nodes_peak",
    "cpu_utilisation_mean",
    "monthly_cost_usd",
    "cost_per_million_requests_usd",
    "cold_start_cost_usd",
    "idle_cost_usd",
    "price_list",
    "price_date",
    "profile_source",
    "rejected_reasons",
];

/// Columns that vary over replications.
pub const VARYING: [&str; 30] = [
    "requests",
    "completed",
    "rejected",
    "timed_out",
    "failed",
    "cold_starts",
    "cold_start_ratio",
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p90_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_p999_ms",
    "latency_max_ms",
    "slo_violations",
    "slo_violation_ratio",
    "instances_mean",
    "instances_peak",
    "busy_mean",
    "idle_mean",
    "instance_lifespan_mean_s",
    "instances_created",
    "nodes_mean",
    "nodes_peak",
    "cpu_utilisation_mean",
    "monthly_cost_usd",
    "cost_per_million_requests_usd",
    "cold_start_cost_usd",
    "idle_cost_usd",
    "horizon_s",
];

/// The header: all columns, then the ends of the intervals.
pub fn header() -> Vec<String> {
    let intervals = varying().flat_map(|name| [format!("{name}_low"), format!("{name}_high")]);
    COLUMNS.iter().map(|name| name.to_string()).chain(intervals).collect()
}

/// Columns that vary and are no setting.
fn varying() -> impl Iterator<Item = &'static str> {
    VARYING.into_iter().filter(|name| *name != "horizon_s")
}

/// The cells of a row, in the order of [`header`].
pub fn cells(row: &Row) -> Vec<String> {
    let value = |name: &str| row.values.get(name).map(mean).unwrap_or_default();
    let fixed = COLUMNS.iter().map(|&name| match name {
        "scenario" => text(&row.scenario),
        "variant" => text(&row.variant),
        "service" => text(&row.service),
        "framework" => text(&row.framework),
        "platform" => row.platform.to_string(),
        "replications" => row.replications.to_string(),
        "seed" => row.seed.to_string(),
        "horizon_s" => number(row.horizon_s),
        "slo_latency_ms" => maybe(row.slo_latency_ms),
        "slo_objective" => maybe(row.slo_objective),
        "slo_met" => row.slo_met.map(|met| met.to_string()).unwrap_or_default(),
        "price_list" => row.price_list.clone().unwrap_or_default(),
        "price_date" => row.price_date.clone().unwrap_or_default(),
        "profile_source" => text(&row.profile_source),
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
