//! Paired differences: variants have the same arrivals and the same random numbers, so what they share cancels out.

use super::estimate::rounded;
use super::measurement::of_difference;
use super::metric::Metric;
use super::result::{Study, VariantResult};
use crate::stats::interval::{Estimate, estimate_at_looks};

/// A paired difference between two variants in one metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The variant.
    pub variant: String,
    /// The variant that it is compared with.
    pub baseline: String,
    /// The metric.
    pub metric: Metric,
    /// Variant less baseline with the same traffic and the same random numbers.
    pub difference: Estimate,
    /// Half the 95% interval that the measured profiles leave open; `None` where it is not known.
    pub measurement: Option<f64>,
    /// The decimals that the difference has at most; `None` where it is exact.
    pub decimals: Option<i32>,
}

/// Metrics whose paired differences are reported.
pub const DIFFERENCES: [Metric; 5] = [
    Metric::SloViolationRatio,
    Metric::ColdStartRatio,
    Metric::LatencyP50,
    Metric::LatencyP99,
    Metric::MonthlyCost,
];

impl Study {
    /// Every variant less the first, replication by replication: both had the same arrivals and the same random
    /// numbers, so what they share cancels out.
    pub fn differences(&self) -> Vec<Difference> {
        let Some((baseline, others)) = self.variants.split_first() else {
            return Vec::new();
        };
        let mut differences = Vec::new();
        for variant in others {
            for metric in DIFFERENCES {
                if let Some(difference) = paired(baseline, variant, metric) {
                    differences.push(Difference {
                        variant: variant.name().to_string(),
                        baseline: baseline.name().to_string(),
                        metric,
                        measurement: of_difference(baseline, variant, metric),
                        decimals: metric.decimals(baseline.largest(metric).max(variant.largest(metric))),
                        difference,
                    });
                }
            }
        }
        differences
    }

    /// Half the 95% interval that the measured profiles leave open of variant `b` less variant `a`; `None` where it is not known.
    pub fn measured_half(&self, a: usize, b: usize, metric: Metric) -> Option<f64> {
        of_difference(self.variants.get(a)?, self.variants.get(b)?, metric)
    }

    /// The 95% interval of variant `b` less variant `a` in a metric, of simulation and measurement together; `None` where it is not known.
    pub fn between(&self, a: usize, b: usize, metric: Metric) -> Option<(f64, f64)> {
        let Estimate { mean, interval } = self.paired(a, b, metric)?;
        let simulated = interval.map_or(0.0, |(low, high)| (high - low) / 2.0);
        let measured = of_difference(self.variants.get(a)?, self.variants.get(b)?, metric);
        let half = simulated.hypot(measured.unwrap_or(0.0));
        (interval.is_some() || measured.is_some()).then_some((mean - half, mean + half))
    }

    /// Variant `b` less variant `a` in a metric, replication by replication; `None` where one of them does not know it.
    pub fn paired(&self, a: usize, b: usize, metric: Metric) -> Option<Estimate> {
        paired(self.variants.get(a)?, self.variants.get(b)?, metric)
    }
}

fn paired(one: &VariantResult, other: &VariantResult, metric: Metric) -> Option<Estimate> {
    let (a, b) = (one.samples(metric)?, other.samples(metric)?);
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let Estimate { mean, interval } = estimate_at_looks(&differences, one.looks())?;
    // A difference is known no better than the larger of the two.
    let largest = one.largest(metric).max(other.largest(metric));
    let round = |x: f64| metric.decimals(largest).map_or(x, |decimals| rounded(x, decimals));
    Some(Estimate {
        mean: round(mean),
        interval: interval.map(|(low, high)| (round(low), round(high))),
    })
}
