//! What the next million requests cost. An average misleads wherever nodes, instances and commitments come in steps or prices
//! fall by tiers; so the same study is run with a little more traffic, and what the bill grows by is divided by what the
//! requests grow by, replication by replication, on the same luck.

use super::VariantResult;
use super::result::{Study, Value};
use crate::stats::interval::estimate;

/// How many times the traffic the second study has.
pub const MORE: f64 = 1.1;

/// The column: US dollars for a million more requests, in the row of all services.
pub const COLUMN: &str = "marginal_cost_per_million_usd";

impl Study {
    /// Adds what the next million requests cost, by the same variants with [`MORE`] times the traffic. It stays unknown where
    /// costs are, and where more traffic did not bring more requests.
    pub fn add_marginal(&mut self, more: &Self) {
        for (variant, more) in self.variants.iter_mut().zip(&more.variants) {
            if let Some(value) = marginal(variant, more) {
                variant.rows[0].values.insert(COLUMN, value);
            }
        }
    }
}

fn marginal(variant: &VariantResult, more: &VariantResult) -> Option<Value> {
    let grown = |column| -> Option<Vec<f64>> {
        let (before, after) = (variant.samples(column)?, more.samples(column)?);
        Some(before.iter().zip(after).map(|(before, after)| after - before).collect())
    };
    let (usd, requests) = (grown("monthly_cost_usd")?, grown("requests_per_month")?);
    if requests.iter().any(|requests| *requests <= 0.0) {
        return None;
    }
    let each: Vec<f64> = usd
        .iter()
        .zip(&requests)
        .map(|(usd, requests)| usd / requests * 1e6)
        .collect();
    estimate(&each).map(Value::new)
}
