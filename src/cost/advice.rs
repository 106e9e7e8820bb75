//! Advice on the level of a commitment: the cost of a month at each level, the cheapest level, and the cost at each level if the
//! traffic is lower than simulated.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::bill::{Bill, BillError, BillLine, CommitmentRole, Terms};
use super::commitment::Commitment;
use super::committed::{Slice, bill_committed};
use crate::model::price::PriceList;

/// Steps from no commitment to the most that any hour could use.
const STEPS: u32 = 10;
/// Decimals of the dollars an hour in which providers sell commitments.
const COMMITTED_DECIMALS: u32 = 3;

/// A month at one level of a commitment, as the mean over replications.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The commitment in US dollars an hour.
    pub hourly_usd: Decimal,
    /// Cost of the month in US dollars.
    pub monthly_cost_usd: Decimal,
    /// Share of the commitment that is used, 0 to 1; `None` if nothing is committed.
    pub used_ratio: Option<Decimal>,
    /// Share of the eligible usage that the commitment covers, at on-demand prices, 0 to 1; `None` if no usage is eligible.
    pub covered_ratio: Option<Decimal>,
    /// Cost of the month in US dollars with less traffic.
    pub less_traffic_usd: Decimal,
    /// True for the cheapest level.
    pub best: bool,
}

/// The cost of a month by the level of a commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The levels in rising order. The first is 0.
    pub levels: Vec<Level>,
}

/// The usage of replications by hour, and the terms of the bill.
#[derive(Debug, Clone, Copy)]
pub struct ReplicatedUsage<'a> {
    /// The hours of each replication and the terms of its bill.
    pub replications: &'a [(Vec<Slice>, Terms)],
    /// The prices.
    pub list: &'a PriceList,
    /// Length of the month in hours.
    pub hours: Decimal,
}

/// Compares the levels of `commitment`, whose own level is ignored. `less` is the share of the traffic that is missing in the
/// column for less traffic.
///
/// # Errors
/// The same as for a bill.
pub fn advise(used: ReplicatedUsage<'_>, commitment: &Commitment, less: Decimal) -> Result<Advice, BillError> {
    let (best, most) = turning_points(used, commitment);
    let step = |i: u32| most * Decimal::from(i) / Decimal::from(STEPS);
    let mut levels: Vec<Decimal> = (0..=STEPS).map(step).chain([best]).map(committed).collect();
    levels.sort_unstable();
    levels.dedup();
    let left = Decimal::ONE - less;
    let fewer: Vec<(Vec<Slice>, Terms)> = used
        .replications
        .iter()
        .map(|(slices, terms)| (slices.iter().map(|slice| times(slice, left)).collect(), *terms))
        .collect();
    let with_less = ReplicatedUsage {
        replications: &fewer,
        ..used
    };
    let mut rows = Vec::new();
    for hourly_usd in levels {
        let at = Commitment {
            hourly_usd,
            ..commitment.clone()
        };
        let month = mean(used, &at)?;
        rows.push(Level {
            hourly_usd,
            monthly_cost_usd: month.total,
            used_ratio: month.used.checked_div(month.purchased),
            covered_ratio: month.covered.checked_div(month.coverable),
            less_traffic_usd: mean(with_less, &at)?.total,
            best: false,
        });
    }
    // Among equals the lowest level is best.
    let least = rows.iter().map(|level| level.monthly_cost_usd).min();
    if let Some(level) = rows.iter_mut().find(|level| Some(level.monthly_cost_usd) == least) {
        level.best = true;
    }
    Ok(Advice { levels: rows })
}

/// Rounds dollars an hour down to a level that is sold.
fn committed(usd: Decimal) -> Decimal {
    usd.trunc_with_scale(COMMITTED_DECIMALS).normalize()
}

fn times(slice: &Slice, factor: Decimal) -> Slice {
    let usage = slice.usage.iter().map(|(group, quantities)| {
        let quantities = quantities
            .iter()
            .map(|(meter, quantity)| (meter.clone(), quantity * factor));
        (group.clone(), quantities.collect())
    });
    Slice {
        hours: slice.hours,
        usage: usage.collect(),
    }
}

/// Returns the level at which another dollar an hour begins to cost more than it saves, and the most that any hour could use.
///
/// The savings of one hour are a piecewise linear function of the level, with one piece for each meter. Meters with the highest
/// savings come first, so the function is concave, and so is the sum over all hours. Its slope equals that of the cost at one
/// level only.
fn turning_points(used: ReplicatedUsage<'_>, commitment: &Commitment) -> (Decimal, Decimal) {
    let mut bends: BTreeMap<Decimal, Decimal> = BTreeMap::new();
    let mut hours = Decimal::ZERO;
    let mut most = Decimal::ZERO;
    for slice in used.replications.iter().flat_map(|(slices, _)| slices) {
        if slice.hours.is_zero() {
            continue;
        }
        hours += slice.hours;
        let mut reached = Decimal::ZERO;
        for rate in &commitment.rates {
            let units: Decimal = slice.usage.values().filter_map(|own| own.get(&rate.meter)).sum();
            let saved = slice.hours * rate.on_demand_usd / rate.usd;
            let until = reached + units * rate.usd / slice.hours;
            if until > reached {
                *bends.entry(reached).or_default() += saved;
                *bends.entry(until).or_default() -= saved;
                reached = until;
            }
        }
        most = most.max(reached);
    }
    let mut slope = -hours;
    for (&level, change) in &bends {
        slope += change;
        if slope <= Decimal::ZERO {
            return (level, most);
        }
    }
    (most, most)
}

/// Sums over the lines of a month, as means over replications.
#[derive(Default)]
struct Month {
    total: Decimal,
    purchased: Decimal,
    used: Decimal,
    covered: Decimal,
    coverable: Decimal,
}

fn mean(used: ReplicatedUsage<'_>, commitment: &Commitment) -> Result<Month, BillError> {
    let mut sum = Month::default();
    for (slices, terms) in used.replications {
        let commitments = std::slice::from_ref(commitment);
        let bills = bill_committed(used.list, slices, terms, commitments, used.hours)?;
        sum.total += bills.values().map(Bill::total_usd).sum::<Decimal>();
        for line in bills.values().flat_map(|bill| &bill.lines) {
            sum.add(line, commitment);
        }
    }
    let count = Decimal::from(used.replications.len().max(1));
    sum.total = (sum.total / count).round_dp(9).normalize();
    Ok(sum)
}

impl Month {
    fn add(&mut self, line: &BillLine, commitment: &Commitment) {
        match &line.commitment {
            Some(part) if part.role == CommitmentRole::Purchase => self.purchased += line.cost_usd,
            Some(part) if part.role == CommitmentRole::Covered => {
                let on_demand = line.quantity * part.on_demand_unit_price_usd;
                self.used += line.effective_cost_usd();
                self.covered += on_demand;
                self.coverable += on_demand;
            }
            Some(_) => {}
            None if commitment.rates.iter().any(|rate| rate.meter == line.meter) => self.coverable += line.cost_usd,
            None => {}
        }
    }
}
