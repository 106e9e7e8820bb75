//! Keep-alive and pre-warming learned from idle times: the hybrid histogram policy.
//!
//! For each function the times from the end of an execution to the next request are counted in bins of a minute up to a
//! range. After an execution the instance ends, is started again shortly before the earliest time at which the next request
//! is to be expected, and then stays until the latest. Where the histogram says too little the instance stays for the whole
//! range; where most idle times are longer than the range it is started again before the next one is due, taken to be the
//! mean of the last ones.
//!
//! Source: Shahrad et al., Serverless in the Wild, USENIX ATC 2020, section 4.2 (5th and 99th percentile, margin of 10%,
//! range of 4 h, bins of 1 min, representative from a coefficient of variation of the counts of 2 on). The paper forecasts
//! idle times beyond the range by ARIMA with a margin of 15%; the mean of the last ten is our stand-in.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::sim::platform::{FleetView, InstanceView, KeepAlive};
use crate::units::{SimDuration, SimTime};

/// Idle times beyond the range that are remembered.
const LAST: usize = 10;
/// Margin around a forecast idle time.
const FORECAST_MARGIN: f64 = 0.15;

/// `[platform.scale-per-request.hybrid-histogram]`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HybridHistogram {
    /// Longest idle time that the histogram counts; a multiple of `bin`.
    pub range: SimDuration,
    /// Width of a bin.
    pub bin: SimDuration,
    /// Share of the idle times before which an instance is back.
    pub head: f64,
    /// Share of the idle times until which it stays.
    pub tail: f64,
    /// By how much it is back earlier and stays longer.
    pub margin: f64,
    /// Coefficient of variation of the bins' counts from which the histogram is used.
    pub least_variation: f64,
    /// Share of the idle times beyond the range from which they are forecast.
    pub most_beyond: f64,
}

impl Default for HybridHistogram {
    fn default() -> Self {
        Self {
            range: SimDuration::from_secs(4 * 3600),
            bin: SimDuration::from_secs(60),
            head: 0.05,
            tail: 0.99,
            margin: 0.1,
            least_variation: 2.0,
            most_beyond: 0.5,
        }
    }
}

impl HybridHistogram {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.bin == SimDuration::ZERO || self.range == SimDuration::ZERO || !self.range.0.is_multiple_of(self.bin.0)
        {
            problems.push("`hybrid-histogram.range` must be a multiple of `hybrid-histogram.bin`, both above 0".into());
        } else if self.range.0 / self.bin.0 > 100_000 {
            problems.push("`hybrid-histogram` has more than 100000 bins; make `bin` wider".into());
        }
        if !(self.head >= 0.0 && self.head < self.tail && self.tail <= 1.0) {
            problems.push("`hybrid-histogram` needs 0 <= head < tail <= 1".into());
        }
        if !(self.margin >= 0.0 && self.margin < 1.0 && self.most_beyond > 0.0 && self.least_variation >= 0.0) {
            problems.push(
                "`hybrid-histogram` needs 0 <= margin < 1, most-beyond above 0 and least-variation of at least 0"
                    .into(),
            );
        }
        problems
    }

    pub(super) fn assumption(&self) -> Assumption {
        Topic::ColdStart
            .large(format!(
                "instances follow the hybrid histogram policy (bins of {} up to {}, head {}, tail {}, margin {}), with the mean of \
                 the last {LAST} idle times in place of ARIMA",
                self.bin, self.range, self.head, self.tail, self.margin
            ))
            .source("Shahrad et al., Serverless in the Wild, USENIX ATC 2020, section 4", "2026")
    }
}

/// The histograms of all functions.
#[derive(Debug)]
pub(super) struct Histograms {
    spec: HybridHistogram,
    functions: BTreeMap<(u16, u32), Idle>,
}

/// The idle times of one function.
#[derive(Debug, Default)]
struct Idle {
    counts: Vec<u32>,
    /// Sum of the counts and of their squares.
    total: u64,
    squares: u64,
    /// Idle times beyond the range, and the last of them.
    beyond: u64,
    last: VecDeque<SimDuration>,
    /// End of the last execution.
    ended: Option<SimTime>,
    /// Until when an instance that was started ahead stays.
    stays: SimTime,
}

/// How long to wait after an execution before an instance is started again, and how long it stays then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Windows {
    rewarm: SimDuration,
    keep: SimDuration,
}

impl Histograms {
    pub(super) fn new(spec: HybridHistogram) -> Self {
        Self {
            spec,
            functions: BTreeMap::new(),
        }
    }

    /// A request arrives.
    pub(super) fn arrived(&mut self, view: &FleetView) {
        let spec = self.spec;
        let idle = self.functions.entry((view.service, view.function)).or_default();
        if view.in_flight == 0
            && let Some(ended) = idle.ended.take()
        {
            idle.record(view.now.since(ended), &spec);
        }
    }

    /// An instance has no request any more, or none yet.
    pub(super) fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        let spec = self.spec;
        let idle = self.functions.entry((instance.service, instance.function)).or_default();
        if instance.unused {
            return match idle.stays {
                stays if stays <= instance.now => KeepAlive::Stop,
                stays => KeepAlive::Until(stays),
            };
        }
        idle.ended = Some(instance.now);
        let windows = idle.windows(&spec);
        if windows.rewarm == SimDuration::ZERO {
            return KeepAlive::Until(instance.now + windows.keep);
        }
        idle.stays = instance.now + windows.rewarm + windows.keep;
        KeepAlive::Rewarm(instance.now + windows.rewarm)
    }
}

impl Idle {
    fn record(&mut self, idle: SimDuration, spec: &HybridHistogram) {
        if idle >= spec.range {
            self.beyond += 1;
            if self.last.len() == LAST {
                self.last.pop_front();
            }
            self.last.push_back(idle);
            return;
        }
        if self.counts.is_empty() {
            self.counts = vec![0; (spec.range.0 / spec.bin.0) as usize];
        }
        let count = &mut self.counts[(idle.0 / spec.bin.0) as usize];
        self.squares += 2 * u64::from(*count) + 1;
        *count += 1;
        self.total += 1;
    }

    fn windows(&self, spec: &HybridHistogram) -> Windows {
        let seen = self.total + self.beyond;
        if seen > 0 && self.beyond as f64 > spec.most_beyond * seen as f64 {
            let sum: u128 = self.last.iter().map(|idle| u128::from(idle.0)).sum();
            let mean = SimDuration((sum / self.last.len() as u128) as u64);
            return Windows {
                rewarm: mean.scale(1.0 - FORECAST_MARGIN),
                keep: mean.scale(2.0 * FORECAST_MARGIN),
            };
        }
        if self.total == 0 || self.variation() < spec.least_variation {
            return Windows {
                rewarm: SimDuration::ZERO,
                keep: spec.range,
            };
        }
        // Down to the start of the head's bin, up to the end of the tail's.
        let head = SimDuration(self.quantile_bin(spec.head) * spec.bin.0);
        let tail = SimDuration((self.quantile_bin(spec.tail) + 1) * spec.bin.0);
        let rewarm = head.scale(1.0 - spec.margin);
        Windows {
            rewarm,
            keep: tail.scale(1.0 + spec.margin).saturating_sub(rewarm),
        }
    }

    /// Coefficient of variation of the bins' counts: standard deviation over mean.
    fn variation(&self) -> f64 {
        let bins = self.counts.len() as f64;
        let mean = self.total as f64 / bins;
        (self.squares as f64 / bins - mean * mean).max(0.0).sqrt() / mean
    }

    /// The bin in which the `q`-quantile of the idle times within the range lies.
    fn quantile_bin(&self, q: f64) -> u64 {
        let rank = ((q * self.total as f64).ceil() as u64).max(1);
        let mut below = 0;
        let bin = self.counts.iter().position(|&count| {
            below += u64::from(count);
            below >= rank
        });
        bin.unwrap_or(self.counts.len() - 1) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: fn(u64) -> SimDuration = |minutes| SimDuration::from_secs(60 * minutes);

    fn windows(idle_minutes: &[u64]) -> Windows {
        let spec = HybridHistogram::default();
        let mut idle = Idle::default();
        idle_minutes.iter().for_each(|&m| idle.record(MINUTE(m), &spec));
        idle.windows(&spec)
    }

    #[test]
    fn windows_follow_the_idle_times() {
        // Nothing known: the whole range.
        let whole = Windows {
            rewarm: SimDuration::ZERO,
            keep: MINUTE(240),
        };
        assert_eq!(windows(&[]), whole);
        // Always half an hour: back after 27 minutes, kept until 34.1, which is the end of the bin and a tenth more.
        let half_an_hour = Windows {
            rewarm: MINUTE(27),
            keep: SimDuration::from_secs(60 * 341 / 10 - 60 * 27),
        };
        assert_eq!(windows(&[30; 20]), half_an_hour);
        // Below a minute: it stays until the end of the bin and a tenth more.
        let shortly = Windows {
            rewarm: SimDuration::ZERO,
            keep: SimDuration::from_secs(66),
        };
        assert_eq!(windows(&[0; 20]), shortly);
        // Spread evenly over the range the histogram says nothing.
        let spread: Vec<u64> = (0..240).collect();
        assert_eq!(windows(&spread), whole);
        // Ten hours each time: forecast.
        let forecast = Windows {
            rewarm: MINUTE(510),
            keep: MINUTE(180),
        };
        assert_eq!(windows(&[600; 3]), forecast);
    }

    #[test]
    fn quantiles_are_those_of_the_counts() {
        let idle_times: Vec<u64> = (1..=100).map(|k| if k <= 4 { 2 } else { 20 + k / 50 }).collect();
        let Windows { rewarm, keep } = windows(&idle_times);
        // The 5th of 100 lies at 20 minutes, the 99th at 21, the 100th at 22.
        assert_eq!(rewarm, MINUTE(18));
        assert_eq!(rewarm + keep, SimDuration::from_secs(60 * 242 / 10));
    }
}
