//! The CPU of one instance, which its runnable requests share.
//!
//! Processor sharing: all runnable requests advance at the same speed, at most one core each, and together at most the
//! instance's limit. The limit is either smooth, or enforced the way the Linux scheduler does it: full speed until the
//! period's quota is used up, then nothing until the next period.
//!
//! Integer arithmetic: service is counted in milli-CPU-nanoseconds and rounded down at every change, which loses less
//! than a nanosecond of CPU time in a thousand changes. A request may need up to 26 days of CPU time.
//!
//! A request that finds the CPU idle has it alone until another one comes. Its end is known at once ([`Cpu::alone`]). If
//! another request comes, the first one shares from then on as if it had been sharing since its arrival ([`Cpu::shares`]):
//! the result is the same to the nanosecond.
//!
//! Sources: egalitarian processor sharing, Kleinrock, Queueing Systems II, section 4.4; CFS bandwidth control, Linux
//! kernel documentation, scheduler/sched-bwc.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::{MilliCpu, SimDuration, SimTime};

/// One core.
const CORE: u64 = 1_000;
/// Attained service is reset to zero before it reaches this value.
const TOO_FAR: u64 = 1 << 61;

/// The CPU limit of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuLimit {
    /// CPU of the instance.
    pub quota: MilliCpu,
    /// Cores on which its requests can run at the same time, at least 1: 1 for an event loop or under a global lock.
    pub cores: u32,
    /// Period of the quota; `None`: the limit is smooth.
    pub period: Option<SimDuration>,
}

/// A request by its place among those in service, with its CPU time and its wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) place: u32,
    /// Number of requests that came to an instance before it.
    pub(crate) order: u64,
    pub(crate) cpu: SimDuration,
    pub(crate) wait: SimDuration,
    /// The worker that has its connection, where workers have connections of their own; 0 elsewhere.
    pub(crate) queue: u32,
}

/// A request that needs CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Runnable {
    /// Attained service at which it is done.
    finish: u64,
    order: u64,
    place: u32,
    wait: SimDuration,
}

/// A request that has had its CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Released {
    pub(crate) place: u32,
    pub(crate) order: u64,
    pub(crate) wait: SimDuration,
}

/// The rest of the quota in a period.
#[derive(Debug, Clone, Copy)]
struct Period {
    length: SimDuration,
    /// Quota of one period in milli-CPU-nanoseconds.
    full: u64,
    left: u64,
    end: SimTime,
}

/// A request that has the CPU alone, and whose completion is scheduled.
#[derive(Debug, Clone, Copy)]
struct Alone {
    since: SimTime,
    until: SimTime,
    job: Job,
}

/// The CPU of one instance.
#[derive(Debug)]
pub(crate) struct Cpu {
    /// Cores times 1000, no more than the quota unless that is enforced by periods.
    capacity: u64,
    period: Option<Period>,
    /// Service that a request has attained that has been runnable since the last reset.
    attained: u64,
    at: SimTime,
    jobs: BinaryHeap<Reverse<Runnable>>,
    /// The request that has the CPU alone; it is not among the jobs, of which there are none then.
    alone: Option<Alone>,
    /// CPU time used so far, in milli-CPU-nanoseconds.
    used: u128,
}

impl Cpu {
    /// An idle CPU. Periods are counted from `now`.
    pub(crate) fn new(limit: CpuLimit, now: SimTime) -> Self {
        let cores = u64::from(limit.cores.max(1)) * CORE;
        let quota = u64::from(limit.quota.0.max(1));
        let period = limit.period.filter(|period| period.0 > 0).map(|length| Period {
            length,
            full: quota * length.0,
            left: quota * length.0,
            end: now + length,
        });
        Self {
            capacity: if period.is_some() { cores } else { cores.min(quota) },
            period,
            attained: 0,
            at: now,
            jobs: BinaryHeap::new(),
            alone: None,
            used: 0,
        }
    }

    /// Adds a runnable request to an idle CPU. Returns the time at which it will have had its CPU time if no other request
    /// comes. Returns `None` and changes nothing if the CPU is in use or enforced by periods.
    #[inline]
    pub(crate) fn alone(&mut self, now: SimTime, job: Job) -> Option<SimTime> {
        self.settle(now);
        if !self.jobs.is_empty() || self.alone.is_some() || self.period.is_some() {
            return None;
        }
        let need = job.cpu.0.checked_mul(CORE).filter(|need| *need <= TOO_FAR)?;
        let until = now + SimDuration(need.div_ceil(self.one()));
        self.alone = Some(Alone { since: now, until, job });
        Some(until)
    }

    /// The place of the request that has the CPU alone; `None` without one.
    #[inline]
    pub(crate) fn has_alone(&mut self, now: SimTime) -> Option<u32> {
        self.settle(now);
        self.alone.map(|alone| alone.job.place)
    }

    /// Makes the request that has the CPU alone share it from now on, at `place`. It ends later than it was told.
    pub(crate) fn shares(&mut self, place: u32) {
        if let Some(Alone { since, job, .. }) = self.alone.take() {
            self.add(since, Job { place, ..job });
        }
    }

    /// Milli-CPU that one request gets.
    #[inline]
    fn one(&self) -> u64 {
        self.capacity.clamp(1, CORE)
    }

    /// Books the CPU time of a request that had the CPU alone and is done.
    #[inline]
    fn settle(&mut self, now: SimTime) {
        if let Some(alone) = &self.alone
            && alone.until <= now
        {
            self.used += u128::from(self.one()) * u128::from(alone.until.since(alone.since).0);
            self.alone = None;
        }
    }

    /// CPU time used until now, in milli-CPU-nanoseconds.
    pub(crate) fn used(&mut self, now: SimTime) -> u128 {
        self.advance(now);
        let alone = self.alone.map_or(0, |alone| now.since(alone.since).0);
        self.used + u128::from(self.one()) * u128::from(alone)
    }

    /// Sets another limit from now on.
    pub(crate) fn limit(&mut self, now: SimTime, limit: CpuLimit) {
        self.advance(now);
        debug_assert!(self.alone.is_none(), "it was told when it will be done");
        let fresh = Self::new(limit, now);
        self.capacity = fresh.capacity;
        // The current period goes on, with no more of its quota than the new limit gives.
        self.period = match (self.period, fresh.period) {
            (Some(old), Some(new)) => Some(Period {
                left: old.left.min(new.full),
                end: old.end,
                ..new
            }),
            (_, new) => new,
        };
    }

    /// The places of the requests that need CPU.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> {
        self.jobs.iter().map(|Reverse(job)| job.place)
    }

    /// Requests that need CPU, one that has it alone among them.
    pub(crate) fn running(&self) -> usize {
        self.jobs.len() + usize::from(self.alone.is_some())
    }

    /// Requests that share the CPU.
    pub(crate) fn runnable(&self) -> usize {
        self.jobs.len()
    }

    /// Adds a runnable request.
    pub(crate) fn add(&mut self, now: SimTime, job: Job) {
        self.advance(now);
        debug_assert!(self.alone.is_none(), "it does not know that it shares");
        if self.jobs.is_empty() {
            self.attained = 0;
        } else if self.attained > TOO_FAR {
            self.rebase();
        }
        let finish = self.attained + job.cpu.0.saturating_mul(CORE).min(TOO_FAR);
        let Job { place, order, wait, .. } = job;
        self.jobs.push(Reverse(Runnable {
            finish,
            order,
            place,
            wait,
        }));
    }

    /// The time at which the first request will have had its CPU time if nothing changes; never without requests.
    pub(crate) fn next_done(&self) -> SimTime {
        let Some(Reverse(first)) = self.jobs.peek() else {
            return SimTime::NEVER;
        };
        let need = first.finish.saturating_sub(self.attained);
        let (rate, share) = self.speed();
        let alone = |need: u64| match need.checked_mul(share) {
            Some(total) => SimDuration(total.div_ceil(rate)),
            None => SimDuration((u128::from(need) * u128::from(share)).div_ceil(u128::from(rate)) as u64),
        };
        let Some(period) = self.period else {
            return self.at + alone(need);
        };
        let gain = |time: u64| self.gained(time);
        // The rest of this period.
        let (at, left) = period.after_idle(self.at);
        let burn = self.burn();
        let run = (left / burn).min(at.end.since(self.at).0);
        if gain(run) >= need {
            return self.at + alone(need);
        }
        // Whole periods, then a part of one.
        let need = need - gain(run);
        let full = (period.full / burn).min(period.length.0);
        let whole = gain(full);
        if whole == 0 {
            return SimTime::NEVER;
        }
        let periods = (need - 1) / whole;
        at.end + SimDuration(periods * period.length.0) + alone(need - periods * whole)
    }

    /// Takes a request that has had its CPU time by `now`: the first come among those that are done at once.
    pub(crate) fn take_done(&mut self, now: SimTime) -> Option<Released> {
        self.advance(now);
        if self.jobs.peek()?.0.finish > self.attained {
            return None;
        }
        self.jobs.pop().map(|Reverse(job)| Released {
            place: job.place,
            order: job.order,
            wait: job.wait,
        })
    }

    /// Takes out the request at `place`. Returns true if it needed CPU.
    pub(crate) fn cancel(&mut self, now: SimTime, place: u32) -> bool {
        self.advance(now);
        let before = self.jobs.len();
        self.jobs.retain(|Reverse(job)| job.place != place);
        self.jobs.len() < before
    }

    /// Milli-CPU that all requests together get, and the number that share them.
    fn speed(&self) -> (u64, u64) {
        let n = self.jobs.len() as u64;
        if self.capacity >= n * CORE {
            (CORE, 1)
        } else {
            (self.capacity, n)
        }
    }

    /// Service that each request attains in so many nanoseconds.
    fn gained(&self, time: u64) -> u64 {
        let (rate, share) = self.speed();
        match time.checked_mul(rate) {
            Some(total) => total / share,
            None => (u128::from(time) * u128::from(rate) / u128::from(share)) as u64,
        }
    }

    /// Milli-CPU in use.
    fn burn(&self) -> u64 {
        (self.jobs.len() as u64 * CORE).min(self.capacity).max(1)
    }

    fn advance(&mut self, now: SimTime) {
        self.settle(now);
        if self.jobs.is_empty() {
            self.at = now;
            if let Some(period) = &mut self.period {
                let (current, left) = period.after_idle(now);
                (period.end, period.left) = (current.end, left);
            }
            return;
        }
        if self.period.is_none() {
            let time = now.since(self.at).0;
            self.attained += self.gained(time);
            self.used += u128::from(self.burn()) * u128::from(time);
            self.at = now;
            return;
        }
        let burn = self.burn();
        while self.at < now {
            let Some(mut period) = self.period else { return };
            if self.at >= period.end {
                period.left = period.full;
                period.end = period.end + period.length;
            }
            let until = now.min(period.end);
            let run = (period.left / burn).min(until.since(self.at).0);
            self.attained += self.gained(run);
            self.used += u128::from(burn) * u128::from(run);
            // A rest of the quota that is too small for a nanosecond is lost.
            period.left = if run < until.since(self.at).0 {
                0
            } else {
                period.left - run * burn
            };
            self.at = until;
            self.period = Some(period);
        }
    }

    #[cold]
    fn rebase(&mut self) {
        let base = self.attained;
        let jobs = self.jobs.drain().map(|Reverse(mut job)| {
            job.finish = job.finish.saturating_sub(base);
            Reverse(job)
        });
        self.jobs = jobs.collect();
        self.attained = 0;
    }
}

impl Period {
    /// The period at `now` and the rest of its quota, if nothing has run since the last change.
    fn after_idle(&self, now: SimTime) -> (Self, u64) {
        if now < self.end {
            return (*self, self.left);
        }
        let missed = now.since(self.end).0 / self.length.0 + 1;
        let current = Self {
            end: self.end + SimDuration(missed * self.length.0),
            left: self.full,
            ..*self
        };
        (current, self.full)
    }
}
