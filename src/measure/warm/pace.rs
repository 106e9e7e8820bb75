//! The lengths of the parts of a warm run: thorough for published profiles, quick for a first look.

use std::time::Duration;

use crate::measure::load::round3;
use crate::measure::warm::calibration::Cost;
use crate::measure::warm::rounds::Rule;

/// The share of the CPU limit that the warm-up curve may take.
const CURVE_UTILISATION: f64 = 0.10;

/// The share of the time for which the connection of the warm-up curve may be busy.
const CURVE_BUSY: f64 = 0.33;
/// The lowest rate of the warm-up curve in requests per second.
const SLOWEST_CURVE: f64 = 0.2;

/// The lengths of the parts of a warm run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The largest number of requests of the warm-up curve.
    pub curve_requests: usize,
    /// The largest number of seconds of the warm-up curve.
    pub curve_seconds: f64,
    /// The highest rate of the warm-up curve in requests per second.
    pub curve_rate: f64,
    /// The rest before memory and the CPU without requests are read.
    pub rest: Duration,
    /// The largest number of requests to each route that do not count: the code of each route must get warm as well.
    pub route_warm_up: usize,
    /// The longest time for these requests, over all routes.
    pub route_warm_up_time: Duration,
    /// The largest number of requests per route.
    pub route_requests: usize,
    /// The longest time per route.
    pub route_time: Duration,
    /// The rule for the bursts of the routes, with several requests in flight.
    pub settle: Rule,
    /// The length of a burst.
    pub burst: Duration,
    /// The length of the closed loop that finds the saturation rate: many periods of a CPU quota.
    pub sustained: Duration,
    /// The length of each closed loop.
    pub closed: Duration,
}

/// The lengths of the parts that a long warm run has in addition to those of a short one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Long {
    /// One trial of the search for the highest stable rate.
    pub trial: Duration,
    /// The load on an instance that replaces one that did not survive its load.
    pub warming: Duration,
    /// The rest before the plateaus.
    pub settle: Duration,
    /// The length of each of the four plateaus. A minute is usual; 30 s keep the measurement of all sizes of all frameworks
    /// within a working day.
    pub plateau: Duration,
    /// The rest after the plateaus.
    pub afterwards: Duration,
}

impl Long {
    /// The lengths for published profiles.
    pub const FULL: Self = Self {
        trial: Duration::from_secs(20),
        warming: Duration::from_secs(20),
        settle: Duration::from_secs(10),
        plateau: Duration::from_secs(30),
        afterwards: Duration::from_secs(20),
    };
}

/// The lengths of the parts that are taken at the reference size only: work in sizes, and loads at several rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InDepth {
    /// The rule for the work in sizes.
    pub work: Rule,
    /// The length of each load of the work in sizes.
    pub batch: Duration,
    /// The number of visits to each rate.
    pub visits: u32,
    /// The length of a visit to a rate on `/json`.
    pub json_visit: Duration,
    /// The length of a visit to a rate on `/cpu?ms=5`.
    pub burn_visit: Duration,
    /// The length of the load that finds out what a request on `/cpu?ms=5` costs.
    pub pilot: Duration,
    /// The rest in each turn of the visits.
    pub rest: Duration,
}

impl InDepth {
    /// The lengths for published profiles: each point of the response curve has 24 s, in which a core at 35% of its capacity
    /// answers some 1,700 requests and at 85% some 4,000, so that p99 has a width.
    pub const FULL: Self = Self {
        work: Rule {
            window: 8,
            fewest: 16,
            longest: Duration::from_secs(100),
        },
        batch: Duration::from_millis(150),
        visits: 4,
        json_visit: Duration::from_secs(3),
        burn_visit: Duration::from_secs(6),
        pilot: Duration::from_secs(3),
        rest: Duration::from_secs(2),
    };
    /// The lengths for a first look, and for CI.
    pub const QUICK: Self = Self {
        work: Rule {
            window: 3,
            fewest: 6,
            longest: Duration::from_secs(15),
        },
        batch: Duration::from_millis(60),
        visits: 2,
        json_visit: Duration::from_millis(500),
        burn_visit: Duration::from_millis(1500),
        pilot: Duration::from_millis(500),
        rest: Duration::from_millis(500),
    };
}

impl Pace {
    /// The lengths for published profiles.
    pub const FULL: Self = Self {
        curve_requests: 2000,
        curve_seconds: 12.0,
        curve_rate: 200.0,
        rest: Duration::from_secs(3),
        route_warm_up: 5000,
        route_warm_up_time: Duration::from_secs(10),
        route_requests: 1000,
        route_time: Duration::from_secs(4),
        settle: Rule {
            window: 12,
            fewest: 24,
            longest: Duration::from_secs(120),
        },
        burst: Duration::from_millis(150),
        sustained: Duration::from_secs(3),
        closed: Duration::from_millis(1500),
    };
    /// The lengths for a first look, and for CI.
    pub const QUICK: Self = Self {
        curve_requests: 300,
        curve_seconds: 3.0,
        curve_rate: 200.0,
        rest: Duration::from_millis(500),
        route_warm_up: 100,
        route_warm_up_time: Duration::from_secs(1),
        route_requests: 200,
        route_time: Duration::from_secs(1),
        settle: Rule {
            window: 4,
            fewest: 8,
            longest: Duration::from_secs(15),
        },
        burst: Duration::from_millis(100),
        sustained: Duration::from_secs(1),
        closed: Duration::from_millis(500),
    };

    /// The number of requests and the rate of the warm-up curve, by the cost of a request. It takes at most a tenth of `vcpu`,
    /// and its one connection is busy for at most a third of the time: late answers would pile up otherwise.
    pub fn curve(&self, vcpu: f64, cost: Option<Cost>) -> (usize, f64) {
        let cpu_ms = cost.and_then(|cost| cost.cpu_ms);
        let gentle = cpu_ms.map_or(f64::INFINITY, |cpu_ms| {
            CURVE_UTILISATION * vcpu * 1e3 / cpu_ms.max(1e-3)
        });
        let unhurried = cost.map_or(f64::INFINITY, |cost| CURVE_BUSY * 1e3 / cost.service_ms.max(1e-3));
        let rate = round3(self.curve_rate.min(gentle).min(unhurried).max(SLOWEST_CURVE));
        (
            ((rate * self.curve_seconds) as usize).clamp(1, self.curve_requests),
            rate,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_takes_a_tenth_of_the_limit_and_bounded_time() {
        let of = |vcpu, cpu_ms, service_ms| {
            let cost = Cost {
                cpu_ms: Some(cpu_ms),
                service_ms,
                is_delayed: false,
            };
            Pace::FULL.curve(vcpu, Some(cost))
        };
        assert_eq!(of(1.0, 0.1, 0.3), (2000, 200.0));
        assert_eq!(of(0.25, 1.0, 1.5), (300, 25.0));
        assert_eq!(of(1.0, 0.1, 20.0), (198, 16.5), "a handler that waits 20 ms keeps up");
        assert_eq!(of(0.25, 1000.0, 4000.0), (2, 0.2));
        assert_eq!(Pace::FULL.curve(1.0, None), (2000, 200.0));
    }
}
