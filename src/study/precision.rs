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

use super::metric::{Metric, UnknownMetric};
use super::result::{Study, VariantResult};
use crate::scenario::{Replications, Variant};

/// The fewest replications.
pub const LEAST: u32 = 10;

/// The metrics that must be known so precisely, unless others are chosen.
pub const METRICS: [Metric; 2] = [Metric::MonthlyCost, Metric::LatencyP99];

/// A precision to reach.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Precision {
    /// The error relative to the mean, such as 0.02.
    pub relative: f64,
    /// The most replications.
    pub most: u32,
    /// The metrics that must be known so precisely.
    pub metrics: Vec<Metric>,
}

/// A precision that no number of replications reaches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrecisionError {
    /// A name that no metric has.
    #[error("`replications.of`: {0}")]
    Unknown(#[from] UnknownMetric),
    /// A metric that has no value in a single replication.
    #[error("{} has no interval that replications narrow", .0.name())]
    NotOfOne(Metric),
    /// No variant knows any of the metrics.
    #[error("no variant knows {}, so there is no interval to narrow", names(.0))]
    NoneKnown(Vec<Metric>),
}

impl PrecisionError {
    /// Returns ways to fix it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Unknown(_) => Vec::new(),
            Self::NotOfOne(_) | Self::NoneKnown(_) => {
                vec!["choose other metrics with --precision-of or `replications.of`, such as latency_p99_ms".into()]
            }
        }
    }
}

fn names(metrics: &[Metric]) -> String {
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name()).collect();
    names.join(" or ")
}

impl Precision {
    /// The precision that a scenario asks for; `None` if it asks for a number of replications.
    ///
    /// # Errors
    /// A name that no metric has.
    pub fn of(replications: &Replications) -> Result<Option<Self>, PrecisionError> {
        let Replications::Until { relative, of, most } = replications else {
            return Ok(None);
        };
        let metrics = match of.as_slice() {
            [] => METRICS.to_vec(),
            names => names
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, UnknownMetric>>()?,
        };
        let precision = Self {
            relative: *relative,
            most: *most,
            metrics,
        };
        precision.check()?;
        Ok(Some(precision))
    }

    /// Checks that replications can narrow the intervals of its metrics.
    ///
    /// # Errors
    /// A metric that has no value in a single replication.
    pub fn check(&self) -> Result<(), PrecisionError> {
        let other = self.metrics.iter().find(|metric| !metric.is_of_one_replication());
        other.map_or(Ok(()), |metric| Err(PrecisionError::NotOfOne(*metric)))
    }

    /// Checks that there is an interval to narrow.
    ///
    /// # Errors
    /// No variant knows any of the metrics.
    fn check_known(&self, variants: &[VariantResult]) -> Result<(), PrecisionError> {
        let mut all = variants
            .iter()
            .flat_map(|variant| self.metrics.iter().map(move |metric| (variant, *metric)));
        if all.any(|(variant, metric)| variant.samples(metric).is_some()) {
            return Ok(());
        }
        Err(PrecisionError::NoneKnown(self.metrics.clone()))
    }

    /// The numbers of replications at which the study is looked at, rising.
    pub fn looks(&self) -> Vec<u32> {
        let doubled = std::iter::successors(Some(LEAST), |n| n.checked_mul(2));
        let mut looks: Vec<u32> = doubled.take_while(|n| *n < self.most).collect();
        looks.push(self.most);
        looks
    }

    /// The variants and metrics that are not known so precisely.
    pub fn missed<'a>(&self, study: &'a Study) -> Vec<(&'a str, Metric)> {
        self.missed_by(&study.variants)
    }

    fn missed_by<'a>(&self, variants: &'a [VariantResult]) -> Vec<(&'a str, Metric)> {
        let missed = |variant: &'a VariantResult| {
            let wide = self.metrics.iter().filter(|metric| !self.holds(variant, **metric));
            wide.map(|metric| (variant.name(), *metric)).collect::<Vec<_>>()
        };
        variants.iter().flat_map(missed).collect()
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

/// The rule that says how often a variant is simulated.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    /// So many times.
    Count(u32),
    /// Until a precision is reached.
    Until(Precision),
}

impl Rule {
    /// The rule of a variant: the precision of the options, if they have one, or that of its scenario.
    pub(super) fn of(variant: &Variant, options: Option<&Precision>) -> Result<Self, PrecisionError> {
        if let Some(precision) = options {
            precision.check()?;
            return Ok(Self::Until(precision.clone()));
        }
        Ok(match Precision::of(&variant.replications)? {
            Some(precision) => Self::Until(precision),
            None => Self::Count(variant.replications.most()),
        })
    }

    /// The numbers of replications at which the study is looked at, rising.
    pub(super) fn looks(&self) -> Vec<u32> {
        match self {
            Self::Count(count) => vec![*count],
            Self::Until(precision) => precision.looks(),
        }
    }

    /// True if these variants, which all have this rule, need no more replications.
    ///
    /// # Errors
    /// No variant knows any of the metrics that a precision is about.
    pub(super) fn is_done(&self, variants: &[VariantResult]) -> Result<bool, PrecisionError> {
        match self {
            Self::Count(_) => Ok(true),
            Self::Until(precision) => {
                precision.check_known(variants)?;
                Ok(precision.missed_by(variants).is_empty())
            }
        }
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

    #[test]
    fn a_scenario_names_metrics_by_their_columns() {
        let until = |of: &[&str]| Replications::Until {
            relative: 0.05,
            of: of.iter().map(ToString::to_string).collect(),
            most: 40,
        };
        assert_eq!(Precision::of(&Replications::Count(10)), Ok(None));
        let metrics = |of: &[&str]| Precision::of(&until(of)).map(|precision| precision.unwrap().metrics);
        assert_eq!(metrics(&[]), Ok(METRICS.to_vec()));
        assert_eq!(metrics(&["cold_starts"]), Ok(vec![Metric::ColdStarts]));
        let unknown = metrics(&["cold_stars"]).unwrap_err().to_string();
        assert!(unknown.contains("did you mean `cold_starts`?"), "{unknown}");
        let other = Metric::MarginalCostPerMillion;
        assert_eq!(metrics(&[other.name()]), Err(PrecisionError::NotOfOne(other)));
    }
}
