//! Replications until intervals are narrow enough.
//!
//! The replications are looked at when there are 10, 20, 40 and so on, at most as many as are allowed. The study ends at the first look
//! at which, for every variant and every metric that was chosen and is known, the half width of the interval is at most `g / (1 + g)`
//! of the mean, where `g` is the precision: then the error relative to the true mean is at most `g`. Looking several times at the same
//! data makes an interval too narrow, so each look has an interval that is wider by the number of looks
//! ([`crate::stats::interval::estimate_at_looks`]); the result shows the interval of the last look. When it ends depends on the data
//! alone and not on threads.
//!
//! Source: the sequential procedure of Law, Simulation Modeling and Analysis, section 9.4.1, which demands ten replications at least.

use super::metric::Metric;
use super::result::{Study, VariantResult};

/// The fewest replications.
pub const LEAST: u32 = 10;

/// The metrics that must be known so precisely, unless others are chosen.
pub const METRICS: [Metric; 2] = [Metric::MonthlyCost, Metric::LatencyP99];

/// A precision to reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Precision {
    /// The error relative to the mean, such as 0.02.
    pub relative: f64,
    /// The most replications.
    pub most: u32,
    /// The metrics that must be known so precisely.
    pub metrics: Vec<Metric>,
}

impl Precision {
    /// The numbers of replications at which the study is looked at, rising.
    pub fn looks(&self) -> Vec<u32> {
        let doubled = std::iter::successors(Some(LEAST), |n| n.checked_mul(2));
        let mut looks: Vec<u32> = doubled.take_while(|n| *n < self.most).collect();
        looks.push(self.most);
        looks
    }

    /// True if a study is known so precisely.
    pub fn is_reached(&self, study: &Study) -> bool {
        self.missed(study).is_empty()
    }

    /// The variants and metrics that are not known so precisely.
    pub fn missed<'a>(&self, study: &'a Study) -> Vec<(&'a str, Metric)> {
        let missed = |variant: &'a VariantResult| {
            let wide = self.metrics.iter().filter(|metric| !self.holds(variant, **metric));
            wide.map(|metric| (variant.name(), *metric)).collect::<Vec<_>>()
        };
        study.variants.iter().flat_map(missed).collect()
    }

    fn holds(&self, variant: &VariantResult, metric: Metric) -> bool {
        let Some(estimate) = variant.raw_estimate(metric) else {
            return true;
        };
        let limit = self.relative / (1.0 + self.relative);
        estimate
            .half_width()
            .is_some_and(|half| half <= limit * estimate.mean.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_double_up_to_the_most() {
        let looks = |most| {
            Precision {
                relative: 0.02,
                most,
                metrics: Vec::new(),
            }
            .looks()
        };
        assert_eq!(looks(200), [10, 20, 40, 80, 160, 200]);
        assert_eq!(looks(10), [10]);
        assert_eq!(looks(20), [10, 20]);
    }
}
