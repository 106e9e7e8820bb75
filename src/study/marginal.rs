//! The cost of the next million requests. An average misleads where nodes, instances and commitments come in steps or prices fall
//! by tiers. So the study runs again with a little more traffic and the same random numbers, and the growth of the bill is divided
//! by the growth in requests, replication by replication.

use super::VariantResult;
use super::estimate::value;
use super::metric::{Computed, Metric};
use super::result::Study;
use super::row::Value;

/// The traffic of the second study, in times that of the first.
pub const MORE: f64 = 1.1;

impl Study {
    /// Adds the metrics that need the same variants with [`MORE`] times the traffic, in the rows of all services. They stay unknown
    /// where costs are, and where more traffic did not bring more requests.
    pub fn add_marginal(&mut self, more: &Self) {
        for (variant, more) in self.variants.iter_mut().zip(&more.variants) {
            for &metric in Metric::ALL {
                if let Computed::WithMoreTraffic(of) = metric.computed()
                    && let Some(value) = of(variant, more)
                {
                    variant.rows[0].values.insert(metric, value);
                }
            }
        }
    }
}

/// The cost in US dollars of a million more requests; `None` where it is not known.
pub(super) fn marginal(variant: &VariantResult, more: &VariantResult) -> Option<Value> {
    let grown = |metric| -> Option<Vec<f64>> {
        let (before, after) = (variant.samples(metric)?, more.samples(metric)?);
        Some(before.iter().zip(after).map(|(before, after)| after - before).collect())
    };
    let (usd, requests) = (grown(Metric::MonthlyCost)?, grown(Metric::RequestsPerMonth)?);
    if requests.iter().any(|requests| *requests <= 0.0) {
        return None;
    }
    let each: Vec<f64> = usd
        .iter()
        .zip(&requests)
        .map(|(usd, requests)| usd / requests * 1e6)
        .collect();
    value(Metric::MarginalCostPerMillion, &each, variant.looks())
}
