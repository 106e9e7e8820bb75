//! Commitments: a promise to spend an amount in each hour for lower rates, and the way in which usage draws on it.
//!
//! The usage of an hour draws on reserved instances first, then on EC2 Instance Savings Plans, then on Compute Savings Plans. The
//! rest is paid on demand. Within a plan, the usage with the highest percentage of savings comes first, and among equals the
//! one with the lower rate. The hour costs the whole commitment. An unused part is lost: nothing carries over to the next hour
//! or plan. Source: AWS Savings Plans User Guide, "Understanding how Savings Plans apply to your usage".
//!
//! Commitments have no upfront payment. State one that does by its cost per hour.

mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::rate::QUANTITY_DECIMALS;
use crate::model::price::{CommitmentKind, Term};
pub use spec::{CommitmentSpec, resolve};

/// Quantities by meter.
type Quantities = BTreeMap<String, Decimal>;

/// The price of a meter under a commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// The meter.
    pub meter: String,
    /// US dollars for one unit under the commitment.
    pub usd: Decimal,
    /// US dollars for one unit on demand, in the first tier.
    pub on_demand_usd: Decimal,
}

/// A commitment with its rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Commitment {
    /// Its name on the bill.
    pub name: String,
    /// Its kind.
    pub kind: CommitmentKind,
    /// Its term.
    pub term: Term,
    /// US dollars for each hour, used or not.
    pub hourly_usd: Decimal,
    /// The meters that it covers, in the order in which usage draws on it.
    pub rates: Vec<Rate>,
    /// Ids of the sources of its usual discounts; empty if all rates are given.
    pub source: Vec<String>,
}

/// The part of an hour's usage that commitments cover, in the order of the commitments.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Units that each commitment covers, by meter.
    pub covered: Vec<Quantities>,
    /// US dollars of each commitment that are used.
    pub used_usd: Vec<Decimal>,
}

/// Draws the usage of so many hours on commitments, as if the usage were spread evenly over the hours. Leaves in `usage` the
/// part that is paid on demand.
pub fn draw(commitments: &[Commitment], usage: &mut Quantities, hours: Decimal) -> Drawn {
    let mut drawn = Drawn {
        covered: Vec::new(),
        used_usd: Vec::new(),
    };
    for commitment in commitments {
        let committed = commitment.hourly_usd * hours;
        let mut money = committed;
        let mut covered = Quantities::new();
        for rate in &commitment.rates {
            let Some(left) = usage.get_mut(&rate.meter) else {
                continue;
            };
            let most = money
                .checked_div(rate.usd)
                .map_or(*left, |most| most.trunc_with_scale(QUANTITY_DECIMALS));
            let units = most.min(*left);
            if units > Decimal::ZERO {
                *left -= units;
                money = (money - units * rate.usd).max(Decimal::ZERO);
                covered.insert(rate.meter.clone(), units);
            }
        }
        drawn.covered.push(covered);
        drawn.used_usd.push(committed - money);
    }
    drawn
}

impl Commitment {
    /// Describes the commitment, as an assumption of the bill.
    pub fn said(&self) -> String {
        let usual = if self.source.is_empty() {
            "at given rates".to_string()
        } else {
            format!(
                "at the usual {} rates unless others are given ({})",
                self.term,
                self.source.join(", ")
            )
        };
        format!(
            "commitment `{}`: {} US dollars for each hour, used or not, {usual}; an unused part is lost at the end of each hour",
            self.name, self.hourly_usd
        )
    }
}
