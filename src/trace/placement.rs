//! Where the arrivals of a bin fall within it, when only their number is known. The choice moves cold starts by a
//! factor of three and more for bursty traffic, so it is a setting, and reports name it.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, Poisson};
use serde::{Deserialize, Serialize};

use crate::rng::CounterRng;
use crate::units::SimDuration;

/// The rule that spreads a bin's arrivals over it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Each anywhere, independent of the others.
    #[default]
    Uniform,
    /// All at the start of the bin: the worst case.
    Start,
    /// At equal distances, each function at a phase of its own that it keeps, so that services that are called once
    /// a minute do not all fire together.
    Equidistant,
    /// The count is only a mean: a Poisson number of arrivals, each anywhere.
    PoissonCount,
    /// In clusters of requests that follow each other closely, the clusters anywhere.
    Clustered(Clusters),
}

/// Clusters within a bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clusters {
    /// Mean requests in a cluster (geometric).
    #[serde(default = "mean_size")]
    pub mean_size: f64,
    /// Mean time between two requests of a cluster (exponential).
    #[serde(default = "gap")]
    pub gap: SimDuration,
}

// With these, binning one hour of real request times to minutes and placing them again gives a variance over mean of
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
    /// From too smooth over bursty to the worst case: what a trace of counts leaves open.
    pub fn bracket() -> [Self; 3] {
        [Self::Uniform, Self::Clustered(Clusters::default()), Self::Start]
    }

    /// The name as files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Start => "start",
            Self::Equidistant => "equidistant",
            Self::PoissonCount => "poisson-count",
            Self::Clustered(_) => "clustered",
        }
    }

    /// What is wrong with the settings.
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
                // What would fall behind the bin comes in again at its start: the count of the bin is kept.
                at = (at + (wait * self.gap.0 as f64) as u64) % bin;
            }
        }
    }
}

/// Uniform below `bin`, in integers so that all machines agree.
#[inline]
fn anywhere(bin: u64, rng: &mut CounterRng) -> u64 {
    ((u128::from(rng.random::<u64>()) * u128::from(bin)) >> 64) as u64
}
