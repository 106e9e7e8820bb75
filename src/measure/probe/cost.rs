//! The CPU time that a server spends on the prober's own requests while it is not ready. It does not belong to the start, and
//! is taken from the CPU time to ready.
//!
//! Each request that gets an answer, but not the right one, is set against the pause that follows it: the CPU time from
//! the connection until a few milliseconds after the answer, less what the server used in the same time of the pause. A
//! server that only waits uses nothing in the pause, so all of its work for the request is found. A server that starts
//! with all of its CPU uses the same in both, and the difference is about zero: there the requests cost at most one
//! request for each pause.

use std::time::{Duration, Instant};

use crate::measure::usage::Usage;

/// The time after an answer in which the server may still be at work for it.
pub const AFTERWARDS: Duration = Duration::from_millis(5);

/// The sum over all requests so far, in seconds of CPU time.
#[derive(Debug, Default)]
pub struct Cost {
    seconds: f64,
    /// The reading before the request.
    before: Option<Reading>,
}

type Reading = (Instant, Duration);

fn read(usage: Option<&Usage>) -> Option<Reading> {
    usage.and_then(Usage::cpu_time).map(|cpu| (Instant::now(), cpu))
}

impl Cost {
    /// Notes that an attempt begins.
    pub fn attempt(&mut self, usage: Option<&Usage>) {
        self.before = read(usage);
    }

    /// Waits for the pause after an answer that is not ready, and adds the cost of its request.
    pub fn pause(&mut self, pause: Duration, usage: Option<&Usage>) {
        let first = AFTERWARDS.min(pause / 2);
        std::thread::sleep(first);
        let middle = read(usage);
        std::thread::sleep(pause.saturating_sub(first));
        let readings = self.before.take().zip(middle).zip(read(usage));
        self.seconds += readings.map_or(0.0, |((before, middle), after)| excess(before, middle, after));
    }

    /// The CPU time of all requests.
    pub fn total(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.max(0.0))
    }
}

/// The CPU seconds between the first two readings beyond the rate between the last two.
fn excess(before: Reading, middle: Reading, after: Reading) -> f64 {
    let between =
        |from: Reading, to: Reading| ((to.0 - from.0).as_secs_f64(), to.1.saturating_sub(from.1).as_secs_f64());
    let ((asked_s, asked_cpu), (pause_s, pause_cpu)) = (between(before, middle), between(middle, after));
    if pause_s > 0.0 {
        asked_cpu - pause_cpu * asked_s / pause_s
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The excess where a request and the rest after it take 6 ms, the pause 15 ms, and the server uses this CPU in both.
    fn of(asked_us: u64, pause_us: u64) -> f64 {
        let zero = Instant::now();
        let at = |ms: u64, us: u64| (zero + Duration::from_millis(ms), Duration::from_micros(us));
        excess(at(0, 0), at(6, asked_us), at(21, asked_us + pause_us)) * 1e6
    }

    #[test]
    fn only_what_exceeds_the_pause_belongs_to_the_request() {
        assert!((of(350, 0) - 350.0).abs() < 1e-6, "a server that only waits");
        assert!(
            of(6_000, 15_000).abs() < 1e-6,
            "a server that starts with all of a core"
        );
        assert!(
            (of(1_350, 2_500) - 350.0).abs() < 1e-6,
            "a server that starts with a sixth of a core"
        );
    }

    #[test]
    fn without_a_counter_nothing_is_taken_off() {
        let mut cost = Cost::default();
        cost.attempt(None);
        cost.pause(Duration::from_millis(2), None);
        assert_eq!(cost.total(), Duration::ZERO);
    }
}
