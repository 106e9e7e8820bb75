//! A constant rate with one surge: a linear rise to `peak-factor` times the base, a plateau, and an exponential decay.
//! A Poisson process with that rate.

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::intensity::{Inhomogeneous, Intensity};
use super::{Open, Opened, TrafficKind};
use crate::units::{PerSecond, SimDuration};

/// The length of a step of constant rate: one second in nanoseconds, so that a rise within seconds keeps its shape.
const STEP: u64 = 1_000_000_000;

/// `[traffic.flash-crowd]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlashCrowdSpec {
    /// The arrivals per second before the surge and long after it.
    pub base_rate: PerSecond,
    /// The highest rate divided by the base rate, at least 1. 10 is a large sale, 20 a mention in the news.
    #[serde(default = "peak_factor")]
    pub peak_factor: f64,
    /// The time at which the rise begins.
    pub start: SimDuration,
    /// The duration of the rise.
    #[serde(default = "rise")]
    pub rise: SimDuration,
    /// The duration of the peak.
    #[serde(default = "plateau")]
    pub plateau: SimDuration,
    /// The time in which the excess over the base rate falls to 37% (1/e).
    #[serde(default = "decay")]
    pub decay: SimDuration,
}

fn peak_factor() -> f64 {
    10.0
}
fn rise() -> SimDuration {
    SimDuration::from_secs(300)
}
fn plateau() -> SimDuration {
    SimDuration::from_secs(2 * 3600)
}
fn decay() -> SimDuration {
    SimDuration::from_secs(3600)
}

impl TrafficKind for FlashCrowdSpec {
    fn example() -> &'static str {
        "base-rate = \"20/s\"\npeak-factor = 10.0\nstart = \"2h\""
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.base_rate.0 <= 0.0 {
            problems.push("base-rate is 0: give one such as \"20/s\"".to_string());
        }
        if !(self.peak_factor >= 1.0 && self.peak_factor.is_finite()) {
            problems.push(format!(
                "peak-factor is {}: it must be at least 1, such as 10",
                self.peak_factor
            ));
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let horizon = open.required_horizon("flash-crowd")?;
        let source = Inhomogeneous::new(Shape::new(self), STEP, open.arrivals(0), horizon.0);
        Ok(Opened::generated(source, horizon))
    }

    fn scale(&mut self, factor: f64) -> bool {
        self.base_rate.0 *= factor;
        true
    }
}

/// The surge; times are in seconds, rates in arrivals per second.
struct Shape {
    base: f64,
    excess: f64,
    start: f64,
    rise: f64,
    plateau: f64,
    decay: f64,
}

impl Shape {
    fn new(spec: &FlashCrowdSpec) -> Self {
        Self {
            base: spec.base_rate.0,
            excess: spec.base_rate.0 * (spec.peak_factor - 1.0),
            start: spec.start.as_secs_f64(),
            rise: spec.rise.as_secs_f64(),
            plateau: spec.plateau.as_secs_f64(),
            decay: spec.decay.as_secs_f64(),
        }
    }
}

impl Intensity for Shape {
    fn expected(&self, seconds: f64) -> f64 {
        let since = (seconds - self.start).max(0.0);
        let rising = since.min(self.rise);
        let level = (since - self.rise).clamp(0.0, self.plateau);
        let falling = (since - self.rise - self.plateau).max(0.0);
        let mut surge = level;
        if self.rise > 0.0 {
            surge += rising * rising / (2.0 * self.rise);
        }
        if self.decay > 0.0 {
            surge += self.decay * -(-falling / self.decay).exp_m1();
        }
        self.base * seconds + self.excess * surge
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rng::Draws;
    use crate::trace::collect;

    #[test]
    fn the_surge_has_the_ratio_and_the_shape_that_were_asked_for() {
        let text = "base-rate = \"10/s\"\nstart = \"1h\"\nrise = \"10m\"\nplateau = \"1h\"\ndecay = \"20m\"";
        let spec: FlashCrowdSpec = toml::from_str(text).unwrap();
        let horizon = Some(SimDuration::from_secs(5 * 3600));
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(3, 0),
            entity: 0,
            horizon,
        };
        let all = collect(spec.open(&open).unwrap()).unwrap();
        assert!(all.is_sorted_by_key(|a| a.at));
        let count = |from: f64, to: f64| all.iter().filter(|a| (from..to).contains(&a.at.as_secs_f64())).count() as f64;
        let rows = [
            ("before", 0.0, 3600.0, 36_000.0),
            // Mean factor 5.5 while rising from 1 to 10.
            ("rise", 3600.0, 4200.0, 33_000.0),
            ("plateau", 4200.0, 7800.0, 360_000.0),
            // 10/s for 20 min, and 90/s x 1200 s x (1 - 1/e).
            ("decay", 7800.0, 9000.0, 12_000.0 + 108_000.0 * (1.0 - (-1.0f64).exp())),
        ];
        for (name, from, to, expected) in rows {
            let found = count(from, to);
            assert!(
                (found - expected).abs() < 5.0 * expected.sqrt(),
                "{name}: {found} {expected}"
            );
        }
        let ratio = count(4200.0, 7800.0) / count(0.0, 3600.0);
        assert!((ratio - 10.0).abs() < 0.3, "{ratio}");
    }

    #[test]
    fn a_step_needs_no_rise_and_no_decay() {
        let text = "base-rate = \"1/s\"\nstart = \"10s\"\nrise = \"0s\"\nplateau = \"10s\"\ndecay = \"0s\"";
        let shape = Shape::new(&toml::from_str(text).unwrap());
        assert_eq!(shape.expected(10.0), 10.0);
        assert_eq!(shape.expected(20.0), 110.0);
        assert_eq!(shape.expected(100.0), 190.0);
    }
}
