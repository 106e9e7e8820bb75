//! One replication of one service, or of all services of a variant together: what the metrics are computed from.

use std::collections::BTreeMap;

use super::replicate::Replication;
use crate::sim::fact::Reject;
use crate::sim::observe::recorder::ServiceRecord;
use crate::sim::observe::run_stats::ServiceStats;
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
    /// True if there is a latency promise to violate.
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
    /// The fees for commitments, and the part of them that nothing uses; `None` without commitments.
    pub committed: Option<(f64, f64)>,
    /// The month over the counted time.
    pub scale: f64,
}

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

    /// Requests that were turned away, for whatever reason.
    pub fn rejected(&self) -> u64 {
        self.record.rejected.values().sum()
    }

    /// The latency of completed requests at quantile `q`, in milliseconds; `None` without any.
    pub fn latency_ms(&self, q: f64) -> Option<f64> {
        self.record.latency.quantile(q).map(|ns| ns as f64 / 1e6)
    }

    /// The mean over the counted time of an amount that was integrated over nanoseconds.
    pub fn mean(&self, area: i128) -> Option<f64> {
        (self.window_s > 0.0).then(|| area as f64 / 1e9 / self.window_s)
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

/// Requests that were turned away, by the reason's name.
pub fn rejected_by_reason(rejected: &BTreeMap<Reject, u64>) -> BTreeMap<&'static str, u64> {
    rejected.iter().map(|(reason, &count)| (reason.name(), count)).collect()
}
