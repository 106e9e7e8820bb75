//! The placement of arrivals within a bin of time of which only their number is known. For bursty traffic the choice changes
//! the number of cold starts by a factor of three and more, so it is a setting, and reports name it.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, Poisson};
use serde::{Deserialize, Serialize};

use crate::rng::CounterRng;
use crate::units::SimDuration;

/// The rule that places the arrivals of a bin within it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Each arrival is uniform over the bin and independent of the others.
    #[default]
    Uniform,
    /// All arrivals are at the start of the bin: the worst case.
    Start,
    /// Arrivals have equal distances. Each function keeps a random phase of its own, so that functions that are called once a
    /// minute are not all called at the same time.
    Equidistant,
    /// The count is a mean: the number of arrivals has a Poisson distribution, and each arrival is uniform over the bin.
    PoissonCount,
    /// Arrivals come in clusters of requests that follow each other closely. Each cluster starts uniformly over the bin.
    Clustered(Clusters),
}

/// The clusters of arrivals within a bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clusters {
    /// The mean number of requests in a cluster (geometric distribution), at least 1.
    #[serde(default = "mean_size")]
    pub mean_size: f64,
    /// The mean time between two requests of a cluster (exponential distribution).
    #[serde(default = "gap")]
    pub gap: SimDuration,
}

// With these values, binning one hour of real request times to minutes and placing them again gives a variance over mean of
// the counts per second of 14, where the real times (Azure LLM inference trace 2023, code service) have 13.
fn mean_size() -> f64 {
    8.0
}
fn gap() -> SimDuration {
    SimDuration::from_millis(20)
}

impl Default for Clusters {
    fn default() -> Self {
        Self {
            mean_size: mean_size(),
            gap: gap(),
        }
    }
}

impl Placement {
    /// Returns three placements that bracket the truth: too smooth, bursty, and the worst case.
    pub fn bracket() -> [Self; 3] {
        [Self::Uniform, Self::Clustered(Clusters::default()), Self::Start]
    }

    /// Returns the name that files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Start => "start",
            Self::Equidistant => "equidistant",
            Self::PoissonCount => "poisson-count",
            Self::Clustered(_) => "clustered",
        }
    }

    /// Returns all problems of the settings.
    pub fn problems(self) -> Vec<String> {
        match self {
            Self::Clustered(c) if !(c.mean_size >= 1.0 && c.mean_size.is_finite()) => {
                vec![format!(
                    "placement.clustered.mean-size is {}: it must be at least 1",
                    c.mean_size
                )]
            }
            _ => Vec::new(),
        }
    }

    /// Calls `put` with the offset of each of `count` arrivals within a bin of `bin` nanoseconds, in any order.
    /// `phase` is between 0 and `bin` and the same for all bins of a function.
    #[inline]
    pub(super) fn place(self, count: u32, bin: u64, phase: u64, rng: &mut CounterRng, mut put: impl FnMut(u64)) {
        match self {
            Self::Uniform => (0..count).for_each(|_| put(anywhere(bin, rng))),
            Self::Start => (0..count).for_each(|_| put(0)),
            Self::Equidistant => {
                let n = u64::from(count);
                (0..n).for_each(|k| put(k * (bin / n) + k * (bin % n) / n + phase / n));
            }
            Self::PoissonCount => {
                let drawn = Poisson::new(f64::from(count)).map_or(0.0, |p| p.sample(rng));
                (0..drawn as u64).for_each(|_| put(anywhere(bin, rng)));
            }
            Self::Clustered(clusters) => clusters.place(count, bin, rng, put),
        }
    }
}

impl Clusters {
    fn place(self, count: u32, bin: u64, rng: &mut CounterRng, mut put: impl FnMut(u64)) {
        let stay = 1.0 - 1.0 / self.mean_size;
        let mut left = count;
        while left > 0 {
            let mut at = anywhere(bin, rng);
            loop {
                put(at);
                left -= 1;
                if left == 0 || rng.random::<f64>() >= stay {
                    break;
                }
                let wait: f64 = Exp1.sample(rng);
                // An arrival behind the end of the bin is moved to its start, so that the bin keeps its count.
                at = (at + (wait * self.gap.0 as f64) as u64) % bin;
            }
        }
    }
}

/// Returns a uniform number below `bin`, in integers so that all machines give the same.
#[inline]
fn anywhere(bin: u64, rng: &mut CounterRng) -> u64 {
    ((u128::from(rng.random::<u64>()) * u128::from(bin)) >> 64) as u64
}
