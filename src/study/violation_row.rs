//! Why the latency promise was broken: the violations of a service by cause, in the mean over replications.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::estimate::{decimals_of_latency, rounded};
use super::sample::Sample;
use crate::sim::late::Cause;
use crate::sim::observe::causes::{Causes, Why};
use crate::stats::interval::estimate;

/// The violations of one cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ViolationRow {
    /// The service, or `all`.
    pub service: String,
    /// The cause.
    pub cause: String,
    /// The violations of this cause, in the mean over replications. The rows of a service add up to its violations, exactly.
    pub violations: Decimal,
    /// Their share of the service's violations.
    pub share: f64,
    /// The 95% interval of the share; `None` with one replication.
    pub interval: Option<(f64, f64)>,
    /// The violations that would be gone without this cause alone, in the mean over replications. One violation can count for several
    /// causes. `None` where that has no meaning.
    pub pivotal: Option<Decimal>,
    /// The median of the time that the cause took of each, in milliseconds; `None` for requests without an answer.
    pub excess_ms_p50: Option<f64>,
    /// The share of all requests.
    pub of_requests: f64,
}

/// The rows of a service, the most frequent cause first; none without a latency promise.
pub(super) fn rows(service: &str, samples: &[Sample]) -> Vec<ViolationRow> {
    let Some(first) = samples.first().filter(|sample| sample.has_slo) else {
        return Vec::new();
    };
    let mut all = Causes::default();
    samples.iter().for_each(|sample| all.merge(&sample.record.causes));
    debug_assert!(
        samples
            .iter()
            .all(|sample| sample.record.causes.violations() == sample.record.violations),
        "causes add up to violations: {:?} and {}",
        first.record.causes,
        first.record.violations
    );
    let n = Decimal::from(samples.len() as u64);
    let (violations, requests) = samples.iter().fold((0u64, 0u64), |(violations, requests), sample| {
        (violations + sample.record.violations, requests + sample.record.requests)
    });
    // A class that is the cause of none can still have been enough for some.
    let mut whys: BTreeMap<Why, u64> = all
        .by_cause
        .iter()
        .map(|(why, tally)| (*why, tally.violations))
        .collect();
    for class in all.pivotal.keys() {
        whys.entry(Why::Late(Cause::Class(*class))).or_default();
    }
    let row = |(why, count): (&Why, &u64)| {
        let share_in = |sample: &Sample| {
            let own = sample
                .record
                .causes
                .by_cause
                .get(why)
                .map_or(0, |tally| tally.violations);
            (sample.record.violations > 0).then(|| own as f64 / sample.record.violations as f64)
        };
        let shares: Vec<f64> = samples.iter().filter_map(share_in).collect();
        let interval = estimate(&shares).and_then(|estimate| estimate.interval);
        let time = all.by_cause.get(why).and_then(|tally| tally.time.quantile(0.5));
        ViolationRow {
            service: service.to_string(),
            cause: why.name().to_string(),
            violations: Decimal::from(*count) / n,
            share: *count as f64 / violations.max(1) as f64,
            interval: interval.map(|(low, high)| (low.max(0.0), high.min(1.0))),
            pivotal: match why {
                Why::Late(Cause::Class(class)) => Some(Decimal::from(all.pivotal.get(class).copied().unwrap_or(0)) / n),
                _ => None,
            },
            excess_ms_p50: time.map(|ns| rounded(ns as f64 / 1e6, decimals_of_latency(ns as f64 / 1e6))),
            of_requests: *count as f64 / requests.max(1) as f64,
        }
    };
    let mut rows: Vec<ViolationRow> = whys.iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.violations));
    rows
}
