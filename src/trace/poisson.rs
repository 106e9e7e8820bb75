//! Independent arrivals at a constant rate: a Poisson process.

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::{BATCH, Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use crate::rng::Stream;
use crate::units::{PerSecond, SimTime};

/// `[traffic.poisson]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PoissonSpec {
    /// The mean number of arrivals per second, above 0 and at most 10,000,000.
    pub rate: PerSecond,
}

impl TrafficKind for PoissonSpec {
    fn example() -> &'static str {
        "rate = \"50/s\""
    }

    fn problems(&self) -> Vec<String> {
        match self.rate.0 {
            r if r <= 0.0 => vec!["rate is 0: give one such as \"50/s\" or \"3/h\"".to_string()],
            // Gaps of some nanoseconds would be rounded away.
            r if r > 1e7 => vec![format!("rate is {}: at most 10000000/s can be simulated", self.rate)],
            _ => Vec::new(),
        }
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let horizon = open.required_horizon("poisson")?;
        let source = Poisson::new(self.rate, open.arrivals(0), horizon.0);
        Ok(Opened::generated(source, horizon))
    }

    fn scale(&mut self, factor: f64) -> bool {
        self.rate.0 *= factor;
        true
    }
}

/// The arrivals of a Poisson process.
pub(super) struct Poisson {
    stream: Stream,
    /// The mean time between two arrivals in nanoseconds.
    mean_gap: f64,
    next: u64,
    at: u64,
    until: u64,
    finished: bool,
}

impl Poisson {
    /// Arrivals at a constant rate above 0 and before `until`, in nanoseconds since the start of the run.
    pub(super) fn new(rate: PerSecond, stream: Stream, until: u64) -> Self {
        Self {
            stream,
            mean_gap: 1e9 / rate.0,
            next: 0,
            at: 0,
            until,
            finished: until == 0,
        }
    }
}

impl Source for Poisson {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let before = out.len();
        out.reserve(BATCH);
        for _ in 0..BATCH {
            if self.finished {
                break;
            }
            // The k-th gap depends on the k-th draw alone, so another rate scales the same random gaps.
            let gap = -self.stream.uniform(self.next).ln() * self.mean_gap;
            self.next += 1;
            self.at = self.at.saturating_add(gap.round() as u64);
            self.finished = self.at >= self.until;
            if !self.finished {
                out.push(Arrival {
                    at: SimTime(self.at),
                    duration: None,
                    function: 0,
                });
            }
        }
        Ok(out.len() > before)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rng::Draws;
    use crate::trace::collect;
    use crate::units::SimDuration;

    fn open(seed: u64, entity: u64) -> Vec<Arrival> {
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(seed, 0),
            entity,
            horizon: Some(SimDuration::from_secs(10_000)),
        };
        collect(PoissonSpec { rate: PerSecond(20.0) }.open(&open).unwrap()).unwrap()
    }

    #[test]
    fn counts_have_the_mean_and_variance_of_a_poisson_process() {
        let arrivals = open(1, 0);
        let mut counts = vec![0u32; 10_000];
        for a in &arrivals {
            counts[(a.at.0 / 1_000_000_000) as usize] += 1;
        }
        let n = counts.len() as f64;
        let mean = arrivals.len() as f64 / n;
        let variance = counts.iter().map(|&c| (f64::from(c) - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // Five standard errors: of the mean sqrt(rate / n), of variance over mean about sqrt(2 / n).
        assert!((mean - 20.0).abs() < 5.0 * (20.0 / n).sqrt(), "{mean}");
        assert!(
            (variance / mean - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
            "{}",
            variance / mean
        );
        assert!(arrivals.is_sorted_by_key(|a| a.at));
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_services_differ() {
        assert_eq!(open(1, 0), open(1, 0));
        assert_ne!(open(1, 0), open(2, 0));
        assert_ne!(open(1, 0), open(1, 1));
    }

    #[test]
    fn without_a_horizon_it_would_never_end() {
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(1, 0),
            entity: 0,
            horizon: None,
        };
        let error = PoissonSpec { rate: PerSecond(1.0) }.open(&open).err().unwrap();
        assert!(error.hints()[0].contains("horizon"));
    }
}
