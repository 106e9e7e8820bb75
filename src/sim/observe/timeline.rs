//! The run over time, in bins of equal width. When there are too many bins, neighbours are merged and the width doubles,
//! so that a run of unknown length needs no more memory than a short one.

use crate::sim::fact::{Ended, Fact, Finished, FleetState, Outcome, Role};
use crate::sim::observe::Observer;
use crate::stats::histogram::{Sparse, bucket};
use crate::units::SimTime;

/// Most bins kept.
const MOST: usize = 1024;

/// One bin of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bin {
    /// Requests that arrived in it.
    pub arrivals: u64,
    /// Requests that ended well in it.
    pub completed: u64,
    /// Requests that ran to an end in it, well or not.
    pub finished: u64,
    /// Sum over those requests of what the caller tallies of each.
    pub tally: u64,
    /// Requests that were rejected in it.
    pub rejected: u64,
    /// Instances started for a request in it.
    pub cold_starts: u64,
    /// Integrals over the bin, in instance-nanoseconds and request-nanoseconds.
    pub area: FleetState<i128>,
    /// Its width in nanoseconds; the last one may be narrower than the others.
    pub width: u64,
    /// Latencies in nanoseconds of the requests that ended well in it.
    pub latency: Sparse,
}

impl Bin {
    /// Adds a bin: the next one in time, or the same one of another replication.
    pub fn add(&mut self, other: &Self) {
        self.width += other.width;
        self.join(other);
    }

    /// Adds what other services count in the same bin of time.
    pub fn join(&mut self, other: &Self) {
        self.arrivals += other.arrivals;
        self.completed += other.completed;
        self.finished += other.finished;
        self.tally += other.tally;
        self.rejected += other.rejected;
        self.cold_starts += other.cold_starts;
        self.area += other.area;
        self.latency.merge(&other.latency);
    }

    /// The `q`-quantile of the latencies in milliseconds; `None` without any.
    pub fn latency_ms(&self, q: f64) -> Option<f64> {
        self.latency.quantile(q).map(|ns| ns as f64 / 1e6)
    }
}

/// The bins of one service so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTimeline {
    /// In order of time from the start of the run.
    pub bins: Vec<Bin>,
    /// Samples of the engine in one bin.
    pub samples_per_bin: u32,
    current: Bin,
    /// Counts by histogram bucket of the current bin, dense for speed; the list names those that are not zero.
    counts: Vec<u32>,
    touched: Vec<u16>,
    /// Integrals at the last sample.
    area: FleetState<i128>,
    last: SimTime,
    samples: u32,
}

/// Watches a run and fills a timeline for each service.
#[derive(Debug)]
pub struct Timeline<F = fn(&Finished) -> u64> {
    services: Vec<ServiceTimeline>,
    tally: F,
}

impl Timeline {
    /// Timelines of `services` services, with nothing tallied.
    pub fn new(services: usize) -> Self {
        Self::tallying(services, |_| 0)
    }
}

impl<F: Fn(&Finished) -> u64> Timeline<F> {
    /// Timelines of `services` services; `tally` says what is added up of each request that ran to an end.
    pub fn tallying(services: usize, tally: F) -> Self {
        let empty = ServiceTimeline {
            samples_per_bin: 1,
            counts: vec![0; Sparse::BUCKETS],
            ..ServiceTimeline::default()
        };
        Self {
            services: vec![empty; services],
            tally,
        }
    }

    /// The timelines by service.
    pub fn into_services(mut self) -> Vec<ServiceTimeline> {
        for service in &mut self.services {
            service.flush();
            service.counts = Vec::new();
        }
        self.services
    }
}

impl ServiceTimeline {
    /// Adds the bins of other functions of the same run.
    pub fn join(&mut self, other: &Self) {
        if self.bins.is_empty() {
            self.bins.clone_from(&other.bins);
            self.samples_per_bin = other.samples_per_bin;
            return;
        }
        debug_assert_eq!(self.bins.len(), other.bins.len(), "bins of the same run");
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.join(other);
        }
    }

    #[inline(always)]
    fn answered(&mut self, latency: u64) {
        self.current.completed += 1;
        let bucket = bucket::<{ Sparse::BITS }>(latency) as u16;
        let count = &mut self.counts[usize::from(bucket)];
        if *count == 0 {
            self.touched.push(bucket);
        }
        *count += 1;
    }

    fn sample(&mut self, at: SimTime, area: FleetState<i128>) {
        self.current.width += at.since(self.last).0;
        self.current.area += area - self.area;
        self.area = area;
        self.last = at;
        self.samples += 1;
        if self.samples >= self.samples_per_bin {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.touched.sort_unstable();
        let counts = &mut self.counts;
        let buckets = self
            .touched
            .drain(..)
            .map(|bucket| (bucket, std::mem::take(&mut counts[usize::from(bucket)])));
        self.current.latency.merge(&Sparse::new(buckets.collect()));
        if self.current.width == 0 {
            // Requests that end after the end of the run belong to no bin.
            self.current = Bin::default();
            return;
        }
        self.bins.push(std::mem::take(&mut self.current));
        self.samples = 0;
        if self.bins.len() > MOST {
            self.samples_per_bin *= 2;
            let mut halves = std::mem::take(&mut self.bins).into_iter();
            while let Some(mut bin) = halves.next() {
                match halves.next() {
                    Some(second) => {
                        bin.add(&second);
                        self.bins.push(bin);
                    }
                    None => {
                        // The odd one is half a bin: it goes on.
                        self.current = bin;
                        self.samples = self.samples_per_bin / 2;
                    }
                }
            }
        }
    }
}

impl<F: Fn(&Finished) -> u64> Observer for Timeline<F> {
    // Always inlined, so that the compiler removes facts that no observer uses.
    #[inline(always)]
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Arrived { service, .. } => self.services[service as usize].current.arrivals += 1,
            Fact::Finished(request) => {
                let service = &mut self.services[request.service as usize];
                service.current.finished += 1;
                service.current.tally += (self.tally)(&request);
                if request.outcome == Outcome::Completed && request.role == Role::Request {
                    service.answered(request.finished.since(request.arrived).0);
                }
            }
            Fact::Rejected {
                service,
                role: Role::Request,
                ..
            } => self.services[service as usize].current.rejected += 1,
            Fact::Ended(Ended {
                service,
                arrived,
                at,
                outcome,
                rejected,
                ..
            }) => {
                let service = &mut self.services[service as usize];
                if rejected.is_some() {
                    service.current.rejected += 1;
                } else if outcome == Outcome::Completed {
                    service.answered(at.since(arrived).0);
                }
            }
            Fact::ColdStart { service, .. } => self.services[service as usize].current.cold_starts += 1,
            Fact::Sampled { service, at, area } => self.services[service as usize].sample(at, area),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_merge_without_losing_anything() {
        let mut timeline = Timeline::new(1);
        let samples = 3 * MOST as u64 + 5;
        for i in 1..=samples {
            timeline.observe(&Fact::Arrived {
                service: 0,
                at: SimTime(i * 10 - 1),
            });
            timeline.observe(&Fact::Sampled {
                service: 0,
                at: SimTime(i * 10),
                area: FleetState {
                    idle: i128::from(i) * 30,
                    ..FleetState::default()
                },
            });
        }
        let service = &timeline.into_services()[0];
        assert!(service.bins.len() <= MOST);
        assert_eq!(service.bins.iter().map(|b| b.arrivals).sum::<u64>(), samples);
        assert_eq!(
            service.bins.iter().map(|b| b.area.idle).sum::<i128>(),
            i128::from(samples) * 30
        );
        let (last, full) = service.bins.split_last().unwrap();
        assert!(full.iter().all(|b| b.width == 10 * u64::from(service.samples_per_bin)));
        assert!(last.width <= full[0].width);
    }
}
