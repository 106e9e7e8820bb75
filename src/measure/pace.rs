//! How long the parts of a warm run last: thorough for profiles that are published, quick for a look.

use std::time::Duration;

use super::load::round3;

/// Share of the CPU limit that the warm-up curve may take.
const CURVE_UTILISATION: f64 = 0.10;

/// How long the parts of a warm run last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Most requests of the warm-up curve.
    pub curve_requests: usize,
    /// Most seconds of the warm-up curve.
    pub curve_seconds: f64,
    /// Fastest rate of the warm-up curve in requests per second.
    pub curve_rate: f64,
    /// Rest before memory and idle burn are read.
    pub rest: Duration,
    /// Most requests to each route that are not kept: its own code has to get warm as well.
    pub route_warm_up: usize,
    /// Most time for these, over all routes.
    pub route_warm_up_time: Duration,
    /// Most requests per route.
    pub route_requests: usize,
    /// Most time per route.
    pub route_time: Duration,
    /// Bursts of several requests in flight per route.
    pub bursts: u32,
    /// Length of each.
    pub burst: Duration,
    /// Length of each closed loop.
    pub closed: Duration,
    /// Length of the saturation run.
    pub saturation: Duration,
}

/// How long the parts of a long warm run last beyond those of a short one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Long {
    /// One trial of the search for the highest stable rate.
    pub trial: Duration,
    /// Load on an instance that takes the place of one that did not survive its own.
    pub warming: Duration,
    /// Rest before the plateaus.
    pub settle: Duration,
    /// Each of the four plateaus. The usual minute is cut to 40 s: with nine configurations of seventeen frameworks a
    /// whole measurement takes most of a working day as it is.
    pub plateau: Duration,
    /// Rest after them.
    pub afterwards: Duration,
}

impl Long {
    /// For profiles that are published.
    pub const FULL: Self = Self {
        trial: Duration::from_secs(30),
        warming: Duration::from_secs(20),
        settle: Duration::from_secs(10),
        plateau: Duration::from_secs(40),
        afterwards: Duration::from_secs(30),
    };
}

impl Pace {
    /// For profiles that are published.
    pub const FULL: Self = Self {
        curve_requests: 2000,
        curve_seconds: 12.0,
        curve_rate: 200.0,
        rest: Duration::from_secs(3),
        route_warm_up: 5000,
        route_warm_up_time: Duration::from_secs(10),
        route_requests: 1000,
        route_time: Duration::from_secs(4),
        bursts: 10,
        burst: Duration::from_millis(150),
        closed: Duration::from_millis(1500),
        saturation: Duration::from_secs(3),
    };
    /// For a look, and for CI.
    pub const QUICK: Self = Self {
        curve_requests: 300,
        curve_seconds: 3.0,
        curve_rate: 200.0,
        rest: Duration::from_millis(500),
        route_warm_up: 100,
        route_warm_up_time: Duration::from_secs(1),
        route_requests: 200,
        route_time: Duration::from_secs(1),
        bursts: 3,
        burst: Duration::from_millis(100),
        closed: Duration::from_millis(500),
        saturation: Duration::from_secs(1),
    };

    /// Requests and rate of the warm-up curve, so that it takes at most a tenth of `vcpu` if a request costs `cpu_ms`.
    pub fn curve(&self, vcpu: f64, cpu_ms: Option<f64>) -> (usize, f64) {
        let gentle = cpu_ms.map_or(f64::INFINITY, |cpu_ms| {
            CURVE_UTILISATION * vcpu * 1e3 / cpu_ms.max(1e-3)
        });
        let rate = round3(self.curve_rate.min(gentle).max(1.0));
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
        assert_eq!(Pace::FULL.curve(1.0, Some(0.1)), (2000, 200.0));
        assert_eq!(Pace::FULL.curve(0.25, Some(1.0)), (300, 25.0));
        assert_eq!(Pace::FULL.curve(0.25, Some(1000.0)), (12, 1.0));
        assert_eq!(Pace::FULL.curve(1.0, None), (2000, 200.0));
    }
}
