//! The timeline of a variant: the mean over replications, bin by bin.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::bills::list_price;
use super::estimate::{decimals, rounded};
use super::replicate::Replication;
use crate::scenario::plan::Pricing;
use crate::sim::observe::timeline::Bin;
use crate::stats::histogram::Sparse;

/// One bin of one service, as means over replications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// Start of the bin in seconds since the start of the run.
    pub t_s: f64,
    /// Requests that arrived in it.
    pub arrivals: f64,
    /// Requests that ended well in it.
    pub completed: f64,
    /// Requests that were turned away in it.
    pub rejected: f64,
    /// Instances started for a request in it.
    pub cold_starts: f64,
    /// Waiting requests, mean over the bin.
    pub queue: f64,
    /// Instances, mean over the bin.
    pub instances: f64,
    /// Instances with a request, mean over the bin.
    pub busy: f64,
    /// Instances on their way up, mean over the bin.
    pub starting: f64,
    /// Nodes of the cluster, mean over the bin; `None` where there is none.
    pub nodes: Option<f64>,
    /// Median latency of the requests that ended well in it.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of that latency.
    pub latency_p99_ms: Option<f64>,
    /// The cost in US dollars of the requests that ended in it, at the list price of the first tier, without a free allowance and
    /// not scaled to a month; `None` where the bill does not depend on requests alone.
    pub cost_usd: Option<Decimal>,
}

/// The bins of one service, added up over replications.
fn added(replications: &[Replication], service: usize) -> Vec<Bin> {
    let mut merged: Vec<Bin> = Vec::new();
    for replication in replications {
        for (i, bin) in replication.timelines[service].bins.iter().enumerate() {
            match merged.get_mut(i) {
                Some(sum) => sum.add(bin),
                None => merged.push(bin.clone()),
            }
        }
    }
    merged
}

/// The timeline of one service.
pub fn merge(replications: &[Replication], service: usize, pricing: Option<&Pricing>) -> Vec<TimelineRow> {
    let merged = added(replications, service);
    // Nodes are counted with the first service.
    let clustered = replications
        .iter()
        .any(|replication| replication.stats.nodes_peak.is_some());
    let nodes: Vec<i128> = match clustered {
        true => added(replications, 0).iter().map(|bin| bin.area.nodes).collect(),
        false => Vec::new(),
    };
    let n = replications.len() as f64;
    let mut t = 0.0;
    let rows = merged.iter().enumerate().map(|(i, bin)| {
        let width = bin.width as f64;
        let mean = |area: i128| area as f64 / width;
        let row = TimelineRow {
            t_s: t,
            arrivals: bin.arrivals as f64 / n,
            completed: bin.completed as f64 / n,
            rejected: bin.rejected as f64 / n,
            cold_starts: bin.cold_starts as f64 / n,
            queue: mean(bin.area.queued),
            instances: mean(bin.area.starting + bin.area.busy + bin.area.idle),
            busy: mean(bin.area.busy),
            starting: mean(bin.area.starting),
            nodes: nodes.get(i).map(|&area| mean(area)),
            latency_p50_ms: bin.latency_ms(0.5).map(rounded_latency),
            latency_p99_ms: bin.latency_ms(0.99).map(rounded_latency),
            cost_usd: pricing.and_then(|pricing| cost(pricing, bin.finished as f64 / n, bin.tally as f64 / n)),
        };
        t += width / n / 1e9;
        row
    });
    rows.collect()
}

/// A latency in milliseconds without digits below the width of its bucket: 64 buckets for each power of two.
fn rounded_latency(ms: f64) -> f64 {
    let exponent = (ms * 1e6).max(1.0).log2().floor() as i32 - Sparse::BITS as i32;
    rounded(ms, decimals(2f64.powi(exponent.max(0))))
}

/// The cost of a bin in which `charged` requests ended, whose billed quantity is `tally`, to nine decimals of a dollar.
fn cost(pricing: &Pricing, charged: f64, tally: f64) -> Option<Decimal> {
    if !pricing.is_by_request() {
        return None;
    }
    // Means over replications are priced in thousandths, so that fractions are not lost.
    let thousandths = |mean: f64| (mean * 1e3).round() as u64;
    let usage = pricing.meter.by_request(thousandths(charged), thousandths(tally))?;
    let thousandfold = list_price(pricing, &pricing.meter.quantities(&usage), None).ok()?;
    Some((thousandfold / Decimal::from(1000)).round_dp(9).normalize())
}
