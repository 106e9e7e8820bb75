//! One replication of a service, or of all services of a variant: the numbers behind means and intervals, one by one.

use serde::{Deserialize, Serialize};

use super::estimate::{decimals_of_latency, rounded};
use super::sample::Sample;

/// One replication of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReplicationRow {
    /// The service, or `all`.
    pub service: String,
    /// The number of the replication, from 0. Replications of the same number have the same random numbers in every variant.
    pub replication: u32,
    /// Requests after the warm-up.
    pub requests: u64,
    /// Those that violate the SLO; `None` without one.
    pub slo_violations: Option<u64>,
    /// Instances that were started because a request needed one.
    pub cold_starts: u64,
    /// Instances that had their first request.
    pub first_uses: u64,
    /// The median latency of completed requests in milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// The 99th percentile of it.
    pub latency_p99_ms: Option<f64>,
    /// The time of instances, summed over instances that start, are busy or idle.
    pub instance_seconds: f64,
    /// The bill of a month in US dollars; `None` without prices.
    pub monthly_cost_usd: Option<f64>,
}

/// Milliseconds without digits below the width of a bucket.
fn resolved(ms: f64) -> f64 {
    rounded(ms, decimals_of_latency(ms))
}

/// The rows of a service in its replications.
pub(super) fn rows(service: &str, samples: &[Sample]) -> Vec<ReplicationRow> {
    let row = |(number, sample): (usize, &Sample)| {
        let area = sample.stats.area;
        ReplicationRow {
            service: service.to_string(),
            replication: number as u32,
            requests: sample.record.requests,
            slo_violations: sample.has_slo.then_some(sample.record.violations),
            cold_starts: sample.record.cold_starts,
            first_uses: sample.record.first_uses,
            latency_p50_ms: sample.latency_ms(0.5).map(resolved),
            latency_p99_ms: sample.latency_ms(0.99).map(resolved),
            instance_seconds: (area.starting + area.busy + area.idle) as f64 / 1e9,
            monthly_cost_usd: sample.cost.map(|cost| cost.total),
        }
    };
    samples.iter().enumerate().map(row).collect()
}
