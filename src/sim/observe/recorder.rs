//! Counts requests, latencies and violations of the objective of each service.

use std::collections::BTreeMap;

use crate::sim::fact::{Ended, Fact, Finished, Outcome, Reject, Role};
use crate::sim::observe::Observer;
use crate::sim::observe::causes::{Causes, Why};
use crate::stats::histogram::Histogram;
use crate::units::{SimDuration, SimTime};

/// The counts of one service, over requests that arrived after the warm-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceRecord {
    /// Requests that arrived.
    pub requests: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that were rejected, by reason.
    pub rejected: BTreeMap<Reject, u64>,
    /// Requests that exceeded a timeout, in service or waiting.
    pub timed_out: u64,
    /// Requests whose instance was killed.
    pub failed: u64,
    /// Instances started for a request, or for an attempt of one.
    pub cold_starts: u64,
    /// Requests, or attempts of one, that were the first of their instance: it was started for them, or ahead of them.
    pub first_uses: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Requests that were rejected, timed out, failed, or slower than the objective's latency.
    pub violations: u64,
    /// Why they did, where the run is asked to tell.
    pub causes: Causes,
    /// Latency of answered requests from arrival to end, in nanoseconds.
    pub latency: Histogram,
    /// Instances that ended.
    pub stopped: u64,
    /// Sum of their lifespans in nanoseconds.
    pub lifespan: u128,
}

impl ServiceRecord {
    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.completed += other.completed;
        self.timed_out += other.timed_out;
        self.failed += other.failed;
        self.cold_starts += other.cold_starts;
        self.first_uses += other.first_uses;
        self.retries += other.retries;
        self.violations += other.violations;
        self.stopped += other.stopped;
        self.lifespan += other.lifespan;
        self.causes.merge(&other.causes);
        self.latency.merge(&other.latency);
        for (&reason, &count) in &other.rejected {
            *self.rejected.entry(reason).or_default() += count;
        }
    }

    #[inline(always)]
    fn ended(&mut self, outcome: Outcome, latency: SimDuration, limit: SimDuration) {
        self.requests += 1;
        match outcome {
            Outcome::Completed => {
                self.completed += 1;
                self.latency.record(latency.0);
                self.violations += u64::from(latency > limit);
                return;
            }
            Outcome::TimedOut => {
                self.timed_out += 1;
                self.causes.lost(Why::TimedOut);
            }
            Outcome::Failed => {
                self.failed += 1;
                self.causes.lost(Why::Failed);
            }
        }
        self.violations += 1;
    }

    fn turned_away(&mut self, reason: Reject) {
        self.requests += 1;
        self.violations += 1;
        *self.rejected.entry(reason).or_default() += 1;
        self.causes.lost(Why::Rejected(reason));
    }
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

    /// The counts, by service.
    pub fn into_records(self) -> Vec<ServiceRecord> {
        self.services.into_iter().map(|(_, record)| record).collect()
    }
}

impl Observer for Recorder {
    // Always inlined, so that the compiler removes facts that no observer uses.
    #[inline(always)]
    fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Finished(request) => self.finished(request),
            Fact::Arrived { .. }
            | Fact::Sampled { .. }
            | Fact::ColdStart { .. }
            | Fact::Prepared { .. }
            | Fact::Activity(_)
            | Fact::Node { .. }
            | Fact::Hosts { .. }
            | Fact::Configured { .. } => {}
            Fact::Rejected { .. }
            | Fact::GaveUp { .. }
            | Fact::Late { .. }
            | Fact::Stopped { .. }
            | Fact::Retried { .. }
            | Fact::Ended(_) => self.rare(fact),
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
        if (request.first_use || request.cold) && request.role != Role::Ping {
            record.first_uses += u64::from(request.first_use);
            record.cold_starts += u64::from(request.cold);
        }
        if request.role == Role::Request {
            record.ended(request.outcome, request.finished.since(request.arrived), *limit);
        }
    }

    #[inline(never)]
    fn rare(&mut self, fact: &Fact) {
        match *fact {
            Fact::Rejected {
                service,
                arrived,
                reason,
                role: Role::Request,
                ..
            } if arrived >= self.warm_up => self.services[service as usize].1.turned_away(reason),
            Fact::GaveUp {
                service,
                arrived,
                at,
                role: Role::Request,
                ..
            } if arrived >= self.warm_up => {
                let (limit, record) = &mut self.services[service as usize];
                record.ended(Outcome::TimedOut, at.since(arrived), *limit);
            }
            Fact::Late {
                service,
                arrived,
                spans,
            } if arrived >= self.warm_up => {
                let (limit, record) = &mut self.services[service as usize];
                record.causes.late(&spans, *limit);
            }
            Fact::Retried { service, arrived, .. } if arrived >= self.warm_up => {
                self.services[service as usize].1.retries += 1;
            }
            Fact::Ended(Ended {
                service,
                arrived,
                at,
                outcome,
                rejected,
                ..
            }) if arrived >= self.warm_up => {
                let (limit, record) = &mut self.services[service as usize];
                match rejected {
                    Some(reason) => record.turned_away(reason),
                    None => record.ended(outcome, at.since(arrived), *limit),
                }
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
