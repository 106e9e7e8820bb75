//! Counts requests, latencies and violations of the objective of each service.

use std::collections::BTreeMap;

use crate::sim::fact::{Fact, Finished, Observer, Outcome, Reject};
use crate::stats::histogram::Histogram;
use crate::units::{SimDuration, SimTime};

/// What was counted of one service, over requests that arrived after the warm-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceRecord {
    /// Requests that arrived.
    pub requests: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that were turned away, by reason.
    pub rejected: BTreeMap<Reject, u64>,
    /// Requests that were cut off or gave up waiting.
    pub timed_out: u64,
    /// Requests whose instance was killed.
    pub failed: u64,
    /// Instances started for a request.
    pub cold_starts: u64,
    /// Requests that were rejected, timed out, failed, or slower than the objective's latency.
    pub violations: u64,
    /// Latency of answered requests from arrival to end, in nanoseconds.
    pub latency: Histogram,
    /// Instances that ended.
    pub stopped: u64,
    /// Sum of their lifespans in nanoseconds.
    pub lifespan: u128,
}

/// Watches a run and fills a [`ServiceRecord`] for each service.
#[derive(Debug)]
pub struct Recorder {
    warm_up: SimTime,
    services: Vec<(SimDuration, ServiceRecord)>,
}

impl Recorder {
    /// Counts requests that arrive at `warm_up` or later; `slo[i]` is the latency objective of service `i`.
    pub fn new(warm_up: SimDuration, slo: &[SimDuration]) -> Self {
        Self {
            warm_up: SimTime::ZERO + warm_up,
            services: slo.iter().map(|&limit| (limit, ServiceRecord::default())).collect(),
        }
    }

    /// What was counted, by service.
    pub fn into_records(self) -> Vec<ServiceRecord> {
        self.services.into_iter().map(|(_, record)| record).collect()
    }
}

impl Observer for Recorder {
    // Always: then a fact that nobody looks at is never made.
    #[inline(always)]
    fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Finished(request) => self.finished(request),
            Fact::Arrived { .. } | Fact::Sampled { .. } | Fact::ColdStart { .. } => {}
            Fact::Rejected { .. } | Fact::GaveUp { .. } | Fact::Stopped { .. } => self.rare(fact),
        }
    }
}

impl Recorder {
    #[inline]
    fn finished(&mut self, request: &Finished) {
        if request.arrived < self.warm_up {
            return;
        }
        let (limit, record) = &mut self.services[request.service as usize];
        let latency = request.finished.since(request.arrived);
        record.requests += 1;
        record.cold_starts += u64::from(request.cold);
        match request.outcome {
            Outcome::Completed => {
                record.completed += 1;
                record.latency.record(latency.0);
                record.violations += u64::from(latency > *limit);
                return;
            }
            Outcome::TimedOut => record.timed_out += 1,
            Outcome::Failed => record.failed += 1,
        }
        record.violations += 1;
    }

    #[inline(never)]
    fn rare(&mut self, fact: &Fact) {
        match *fact {
            Fact::Rejected {
                service, at, reason, ..
            } if at >= self.warm_up => {
                let record = &mut self.services[service as usize].1;
                record.requests += 1;
                record.violations += 1;
                *record.rejected.entry(reason).or_default() += 1;
            }
            Fact::GaveUp { service, arrived, .. } if arrived >= self.warm_up => {
                let record = &mut self.services[service as usize].1;
                record.requests += 1;
                record.violations += 1;
                record.timed_out += 1;
            }
            Fact::Stopped {
                service, created, at, ..
            } if at >= self.warm_up => {
                let record = &mut self.services[service as usize].1;
                record.stopped += 1;
                record.lifespan += u128::from(at.since(created).0);
            }
            _ => {}
        }
    }
}
