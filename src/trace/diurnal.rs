//! A rate that follows the hours of the day and the days of the week: a Poisson process with rate
//! `mean x W(day) x (1 + a1 cos(2 pi (h - peak) / 24) + a2 cos(4 pi (h - second peak) / 24))`.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::intensity::{Inhomogeneous, Intensity};
use super::{Open, Opened, TrafficKind};
use crate::units::{PerSecond, SimDuration};

const DAY: f64 = 86_400.0;
/// The length of a step of constant rate: one minute in nanoseconds. The rate changes by less than 1% within it.
const STEP: u64 = 60_000_000_000;

/// `[traffic.diurnal]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DiurnalSpec {
    /// The mean number of arrivals per second over a whole week, including the weekend. A run of one day has more unless `weekend` is 1: a
    /// Monday has 7% more with the default.
    pub mean_rate: PerSecond,
    /// The amplitude of the daily wave as a share of the mean rate of the day. Together with `second-amplitude` at most 1.
    #[serde(default = "amplitude")]
    pub amplitude: f64,
    /// The amplitude of the wave with two peaks a day, as a share of the mean rate of the day.
    #[serde(default = "second_amplitude")]
    pub second_amplitude: f64,
    /// The hour of the day at which the daily wave has its peak, below `"24h"`.
    #[serde(default = "peak")]
    pub peak: SimDuration,
    /// The hour of the day of one peak of the second wave. The other peak is 12 hours away. Default: the same as `peak`.
    #[serde(default)]
    pub second_peak: Option<SimDuration>,
    /// The traffic on Saturday and on Sunday divided by that of a weekday.
    #[serde(default = "weekend")]
    pub weekend: f64,
    /// The day of the week on which the run starts.
    #[serde(default)]
    pub start_weekday: Weekday,
}

// The shape of the Azure Functions platform in 2019: rows invoked on weekends are 23% fewer, the day peaks in the
// afternoon of the trace's clock (Shahrad et al., Serverless in the Wild, ATC 2020, and the published dataset).
fn amplitude() -> f64 {
    0.4
}
fn second_amplitude() -> f64 {
    0.1
}
fn peak() -> SimDuration {
    SimDuration::from_secs(15 * 3600)
}
fn weekend() -> f64 {
    0.77
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl TrafficKind for DiurnalSpec {
    fn example() -> &'static str {
        "mean-rate = \"20/s\"\npeak = \"15h\"\nweekend = 0.77"
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.mean_rate.0 <= 0.0 {
            problems.push("mean-rate is 0: give one such as \"20/s\"".to_string());
        }
        let (a1, a2) = (self.amplitude, self.second_amplitude);
        if !(a1 >= 0.0 && a2 >= 0.0 && a1 + a2 <= 1.0) {
            problems.push(format!(
                "amplitude {a1} and second-amplitude {a2} would make the rate negative: both must be at least 0 and \
                 together at most 1"
            ));
        }
        for (key, hour) in [("peak", Some(self.peak)), ("second-peak", self.second_peak)] {
            if let Some(hour) = hour.filter(|h| h.as_secs_f64() >= DAY) {
                problems.push(format!(
                    "{key} is {hour}: give an hour of the day below \"24h\", such as \"15h\""
                ));
            }
        }
        if !(self.weekend >= 0.0 && self.weekend <= 1000.0) {
            problems.push(format!(
                "weekend is {}: give the factor for Saturday and Sunday, such as 0.77",
                self.weekend
            ));
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let horizon = open.required_horizon("diurnal")?;
        let source = Inhomogeneous::new(Shape::new(self), STEP, open.arrivals(0), horizon.0);
        Ok(Opened::generated(source, horizon))
    }

    fn scale(&mut self, factor: f64) -> bool {
        self.mean_rate.0 *= factor;
        true
    }
}

struct Shape {
    /// The expected number of arrivals on a weekday.
    per_day: f64,
    a1: f64,
    a2: f64,
    /// Seconds after midnight.
    peak: f64,
    second_peak: f64,
    weekend: f64,
    /// 0 is Monday.
    first_day: u64,
}

impl Shape {
    fn new(spec: &DiurnalSpec) -> Self {
        Self {
            per_day: spec.mean_rate.0 * DAY * 7.0 / (5.0 + 2.0 * spec.weekend),
            a1: spec.amplitude,
            a2: spec.second_amplitude,
            peak: spec.peak.as_secs_f64(),
            second_peak: spec.second_peak.unwrap_or(spec.peak).as_secs_f64(),
            weekend: spec.weekend,
            first_day: spec.start_weekday as u64,
        }
    }

    fn weight(&self, day: u64) -> f64 {
        if (self.first_day + day) % 7 < 5 {
            1.0
        } else {
            self.weekend
        }
    }
}

impl Intensity for Shape {
    fn expected(&self, seconds: f64) -> f64 {
        let day = (seconds / DAY).floor();
        let time = seconds - day * DAY;
        let day = day as u64;
        let weeks = (day / 7) as f64 * (5.0 + 2.0 * self.weekend);
        let days: f64 = (day - day % 7..day).map(|d| self.weight(d)).sum();
        // Share of the day's arrivals before `time`: the integral of 1 + a1 cos + a2 cos.
        let wave = |frequency: f64, peak: f64| {
            let angle = TAU * frequency / DAY;
            ((angle * (time - peak)).sin() + (angle * peak).sin()) / (TAU * frequency)
        };
        let share = time / DAY + self.a1 * wave(1.0, self.peak) + self.a2 * wave(2.0, self.second_peak);
        self.per_day * (weeks + days + self.weight(day) * share)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::arrival::Arrival;
    use crate::rng::Draws;
    use crate::trace::collect;

    fn spec(text: &str) -> DiurnalSpec {
        toml::from_str(text).unwrap()
    }

    fn arrivals(spec: &DiurnalSpec, days: u64) -> Vec<Arrival> {
        let horizon = Some(SimDuration::from_secs(days * 86_400));
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(3, 0),
            entity: 0,
            horizon,
        };
        collect(spec.open(&open).unwrap()).unwrap()
    }

    #[test]
    fn totals_hours_and_weekends_follow_the_formula() {
        let spec = spec("mean-rate = \"2/s\"\nstart-weekday = \"saturday\"\nsecond-peak = \"9h\"");
        let all = arrivals(&spec, 14);
        assert!(all.is_sorted_by_key(|a| a.at));
        let expected = 2.0 * 14.0 * DAY;
        assert!(
            (all.len() as f64 - expected).abs() < 5.0 * expected.sqrt(),
            "{}",
            all.len()
        );
        let shape = Shape::new(&spec);
        assert!((shape.expected(14.0 * DAY) - expected).abs() < 1e-6 * expected);
        // Each hour of the two weeks against the rate in its middle, which is within 0.4% of its integral.
        let mut hours = vec![0.0f64; 14 * 24];
        for a in &all {
            hours[(a.at.0 / 3_600_000_000_000) as usize] += 1.0;
        }
        for (i, &found) in hours.iter().enumerate() {
            let h = i as f64 % 24.0 + 0.5;
            let weekday = if (i / 24) % 7 < 2 { 0.77 } else { 1.0 };
            let wave = 1.0 + 0.4 * (TAU * (h - 15.0) / 24.0).cos() + 0.1 * (2.0 * TAU * (h - 9.0) / 24.0).cos();
            let expected = 3600.0 * 2.0 * 7.0 / 6.54 * weekday * wave;
            assert!(
                (found - expected).abs() < 5.0 * expected.sqrt() + 0.004 * expected,
                "hour {i}: {found} {expected}"
            );
        }
    }

    #[test]
    fn a_silent_weekend_is_silent() {
        let all = arrivals(&spec("mean-rate = \"1/m\"\nweekend = 0.0"), 7);
        assert!(all.iter().all(|a| a.at.0 < 5 * 86_400_000_000_000));
        assert!(!all.is_empty());
    }

    #[test]
    fn impossible_settings_are_named() {
        let bad = spec("mean-rate = \"0/s\"\namplitude = 0.95\npeak = \"25h\"\nweekend = -1.0");
        let problems = bad.problems().join("\n");
        for word in ["mean-rate", "second-amplitude", "peak is 25h", "weekend"] {
            assert!(problems.contains(word), "{problems}");
        }
    }
}
