//! What one replication says about one service, as numbers with names. The names are the columns of `summary.csv`.

use std::collections::BTreeMap;

use super::replicate::Replication;
use crate::sim::fact::{FleetState, Reject};
use crate::sim::observe::recorder::ServiceRecord;
use crate::sim::observe::run_stats::ServiceStats;
use crate::stats::histogram::Histogram;
use crate::units::{SimDuration, SimTime};

/// One replication of one service, or of all services together.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Length of the counted time in seconds.
    pub window_s: f64,
    /// Requests.
    pub record: ServiceRecord,
    /// Instances.
    pub stats: ServiceStats,
    /// Whether there is a latency promise to violate.
    pub has_slo: bool,
    /// CPU that requests used and that instances which were up had, in thousandths of a core times nanoseconds.
    pub cpu_used_of: Option<(f64, f64)>,
    /// Most nodes at a time; `None` where there are none, or they are shared with other services.
    pub nodes_peak: Option<u32>,
    /// US dollars a month; `None` if the platform has no price.
    pub cost: Option<Cost>,
}

/// Money of one replication, in US dollars a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The bill.
    pub total: f64,
    /// Its part for starting instances.
    pub cold_starts: f64,
    /// Its part for instances without a request.
    pub idle: Option<f64>,
    /// What is paid for commitments, and the part of that which nothing is used for; `None` without commitments.
    pub committed: Option<(f64, f64)>,
    /// The month over the counted time.
    pub scale: f64,
}

/// A column that varies over replications, and how to get it from one.
pub type Metric = (&'static str, fn(&Sample) -> Option<f64>);

/// Columns that count requests. They are means over replications and add up exactly:
/// `requests = completed + rejected + timed_out + failed`.
pub const COUNTS: [Metric; 4] = [
    ("completed", |s| Some(s.record.completed as f64)),
    ("rejected", |s| Some(rejected(&s.record) as f64)),
    ("timed_out", |s| Some(s.record.timed_out as f64)),
    ("failed", |s| Some(s.record.failed as f64)),
];

/// Columns after the counts, in the order of the file.
pub const METRICS: [Metric; 28] = [
    ("cold_starts", |s| Some(s.record.cold_starts as f64)),
    ("retries", |s| Some(s.record.retries as f64)),
    ("cold_start_ratio", |s| ratio(s.record.cold_starts, s.record.requests)),
    ("latency_mean_ms", |s| s.record.latency.mean().map(|ns| ns / 1e6)),
    ("latency_p50_ms", |s| quantile(s, 0.5)),
    ("latency_p90_ms", |s| quantile(s, 0.9)),
    ("latency_p95_ms", |s| quantile(s, 0.95)),
    ("latency_p99_ms", |s| quantile(s, 0.99)),
    ("latency_p999_ms", |s| quantile(s, 0.999)),
    ("latency_max_ms", |s| s.record.latency.max().map(|ns| ns as f64 / 1e6)),
    ("slo_violations", |s| s.has_slo.then_some(s.record.violations as f64)),
    ("slo_violation_ratio", |s| {
        ratio(s.record.violations, s.record.requests).filter(|_| s.has_slo)
    }),
    ("instances_mean", |s| {
        let FleetState {
            starting, busy, idle, ..
        } = s.stats.area;
        mean_of(s, starting + busy + idle)
    }),
    ("instances_peak", |s| s.stats.instances_peak.map(f64::from)),
    ("busy_mean", |s| mean_of(s, s.stats.area.busy)),
    ("idle_mean", |s| mean_of(s, s.stats.area.idle)),
    ("instance_lifespan_mean_s", |s| {
        (s.record.stopped > 0).then(|| s.record.lifespan as f64 / s.record.stopped as f64 / 1e9)
    }),
    ("instances_created", |s| Some(s.stats.instances_created as f64)),
    ("nodes_mean", |s| {
        s.nodes_peak?;
        mean_of(s, s.stats.area.nodes)
    }),
    ("nodes_peak", |s| s.nodes_peak.map(f64::from)),
    ("cpu_utilisation_mean", |s| {
        let (used, had) = s.cpu_used_of?;
        (had > 0.0).then(|| used / had)
    }),
    ("requests_per_month", |s| Some(s.record.requests as f64 * s.cost?.scale)),
    ("cost_per_million_requests_usd", |s| {
        let Cost { total, scale, .. } = s.cost?;
        (s.record.requests > 0).then(|| total / (s.record.requests as f64 * scale) * 1e6)
    }),
    ("cost_per_million_good_requests_usd", |s| {
        let Cost { total, scale, .. } = s.cost.filter(|_| s.has_slo)?;
        let good = s.record.requests - s.record.violations;
        (good > 0).then(|| total / (good as f64 * scale) * 1e6)
    }),
    ("cold_start_cost_usd", |s| s.cost.map(|cost| cost.cold_starts)),
    ("idle_cost_usd", |s| s.cost?.idle),
    ("commitment_cost_usd", |s| Some(s.cost?.committed?.0)),
    ("unused_commitment_cost_usd", |s| Some(s.cost?.committed?.1)),
];

impl Sample {
    /// One service of a replication, whose instances have `cpu` thousandths of a core where requests share it.
    pub fn of_service(
        replication: &Replication,
        service: usize,
        warm_up: SimDuration,
        has_slo: bool,
        cpu: Option<u32>,
    ) -> Self {
        let stats = replication.stats.services[service].clone();
        let cpu = cpu.filter(|_| replication.stats.counts_cpu);
        let up = (stats.area.busy + stats.area.idle) as f64;
        Self {
            cpu_used_of: cpu.map(|cpu| (stats.area.cpu as f64, up * f64::from(cpu))),
            nodes_peak: replication.stats.nodes_peak,
            window_s: replication.stats.end.since(SimTime::ZERO + warm_up).as_secs_f64(),
            record: replication.records[service].clone(),
            stats,
            has_slo,
            cost: None,
        }
    }

    /// All services of a replication together.
    pub fn of_all(parts: &[Self]) -> Self {
        let mut parts = parts.iter();
        let mut all = parts
            .next()
            .cloned()
            .unwrap_or_else(|| unreachable!("a variant has a service"));
        for part in parts {
            all.add(part);
        }
        all
    }

    fn add(&mut self, other: &Self) {
        self.record.merge(&other.record);
        self.stats.area += other.stats.area;
        self.stats.instances_created += other.stats.instances_created;
        self.has_slo &= other.has_slo;
        let both = self.cpu_used_of.zip(other.cpu_used_of);
        self.cpu_used_of = both.map(|(a, b)| (a.0 + b.0, a.1 + b.1));
        // The most instances of all together are not the sum of the most of each.
        self.stats.instances_peak = None;
        self.cost = match (self.cost, other.cost) {
            (Some(a), Some(b)) => Some(Cost {
                total: a.total + b.total,
                cold_starts: a.cold_starts + b.cold_starts,
                idle: a.idle.zip(b.idle).map(|(a, b)| a + b),
                committed: a.committed.zip(b.committed).map(|(a, b)| (a.0 + b.0, a.1 + b.1)),
                scale: a.scale,
            }),
            _ => None,
        };
    }
}

/// Requests that were turned away, for whatever reason.
pub fn rejected(record: &ServiceRecord) -> u64 {
    record.rejected.values().sum()
}

/// Requests that were turned away, by the reason's name.
pub fn rejected_by_reason(rejected: &BTreeMap<Reject, u64>) -> BTreeMap<&'static str, u64> {
    let name = |reason: &Reject| match reason {
        Reject::Concurrency => "concurrency-limit",
        Reject::RequestRate => "request-rate-limit",
        Reject::ScalingRate => "scaling-rate-limit",
        Reject::MaxInstances => "max-instances",
        Reject::QueueFull => "queue-full",
        Reject::Pending => "pending-too-long",
        Reject::NoEndpoint => "no-ready-instance",
    };
    rejected.iter().map(|(reason, &count)| (name(reason), count)).collect()
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn quantile(sample: &Sample, q: f64) -> Option<f64> {
    let latency: &Histogram = &sample.record.latency;
    latency.quantile(q).map(|ns| ns as f64 / 1e6)
}

fn mean_of(sample: &Sample, area: i128) -> Option<f64> {
    (sample.window_s > 0.0).then(|| area as f64 / 1e9 / sample.window_s)
}
