//! The load over the last minute, for platforms that look at it regularly.

use std::collections::VecDeque;

use crate::sim::platform::Used;
use crate::units::{MilliCpu, SimDuration, SimTime};

/// Time over which load is averaged.
pub(super) const WINDOW: SimDuration = SimDuration::from_secs(60);

/// The use of a function at the looks of the last minute.
#[derive(Debug, Default)]
pub(super) struct LastMinute {
    looks: VecDeque<(SimTime, Used)>,
}

/// Means over the last minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LoadWindow {
    /// Requests in flight.
    pub(super) in_flight: f64,
    /// CPU in use, in thousandths of a vCPU.
    pub(super) cpu: f64,
}

impl LoadWindow {
    /// Instances that keep both at their targets: shares of the requests and of the CPU that one instance has.
    pub(super) fn instances(&self, (concurrency, of_requests): (u32, f64), (cpu, of_cpu): (MilliCpu, f64)) -> u32 {
        let for_requests = self.in_flight / (f64::from(concurrency) * of_requests);
        let for_cpu = self.cpu / (f64::from(cpu.0) * of_cpu);
        for_requests.max(for_cpu).ceil() as u32
    }
}

impl LastMinute {
    /// Takes a look, `every` after the last one unless nobody looked because there was nothing to see. Before the start of
    /// the run nothing was used.
    pub(super) fn look(&mut self, now: SimTime, used: &Used, every: SimDuration) -> LoadWindow {
        // The look that begins the window stays.
        while self.looks.get(1).is_some_and(|look| now.since(look.0) >= WINDOW) {
            self.looks.pop_front();
        }
        let start = (SimTime::ZERO, Used::default());
        let (since, before) = *self.looks.front().unwrap_or(&start);
        if self.looks.is_empty() {
            self.looks.push_back(start);
        }
        self.looks.push_back((now, *used));
        // Looks need not fall on the minute. Where the window is shorter or much longer, the rest of it was idle.
        let seen = now.since(since);
        let time = if seen >= WINDOW && seen < WINDOW + every {
            seen
        } else {
            WINDOW
        };
        LoadWindow {
            in_flight: (used.in_flight - before.in_flight) as f64 / time.0 as f64,
            cpu: (used.cpu - before.cpu) as f64 / time.0 as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_the_last_minute() {
        let every = SimDuration::from_secs(7);
        let mut minute = LastMinute::default();
        let mut look = |second: u64, in_flight_seconds: i128| {
            let used = Used {
                in_flight: in_flight_seconds * 1_000_000_000,
                ..Used::default()
            };
            let load = minute.look(SimTime::ZERO + SimDuration::from_secs(second), &used, every);
            load.in_flight
        };
        // Six requests in flight from the start on: nothing before counts as idle time.
        assert_eq!(look(7, 42), 42.0 / 60.0);
        let full: Vec<f64> = (2..=20).map(|k| look(7 * k, 42 * i128::from(k))).collect();
        assert!(full[8..].iter().all(|&mean| (mean - 6.0).abs() < 1e-9), "{full:?}");
        // An hour later, after which one request took five seconds.
        assert_eq!(look(3_747, 840 + 5), 5.0 / 60.0);
    }
}
