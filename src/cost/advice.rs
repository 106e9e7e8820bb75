//! Advice on the level of a commitment: the cost of a month at each level, the cheapest level, and the cost at each level if the
//! traffic is lower than simulated.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::commitment::Rate;
    use crate::model::price::{CommitmentKind, Term};

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn plan(rates: &[(&str, &str, &str)]) -> Commitment {
        let rates = rates.iter().map(|(meter, usd, on_demand)| Rate {
            meter: (*meter).into(),
            usd: dec(usd),
            on_demand_usd: dec(on_demand),
        });
        Commitment {
            name: "plan".into(),
            kind: CommitmentKind::ComputeSavingsPlan,
            term: Term::OneYear,
            hourly_usd: Decimal::ZERO,
            rates: rates.collect(),
            source: Vec::new(),
        }
    }

    fn hours(nodes: &[&str]) -> Vec<Slice> {
        let slice = |nodes: &&str| Slice {
            hours: Decimal::ONE,
            usage: BTreeMap::from([(
                String::new(),
                BTreeMap::from([("ec2.m7g.large".to_string(), dec(nodes))]),
            )]),
        };
        nodes.iter().map(slice).collect()
    }

    fn advice(nodes: &[&str], plan: &Commitment) -> Advice {
        let replications = [(hours(nodes), Terms::default())];
        let list = PriceList::find("aws-us-east-1").unwrap();
        let used = ReplicatedUsage {
            replications: &replications,
            list: &list,
            hours: Decimal::from(nodes.len()),
        };
        advise(used, plan, dec("0.3")).unwrap()
    }

    /// A plan at three quarters of the price pays for a node that is up in more than three of four hours. Here four hours have two
    /// nodes and one hour has ten. By hand: two nodes are worth a plan, and a third, which is up in one of five hours, is not.
    /// That is 2 x 0.0612 dollars an hour.
    #[test]
    fn the_best_level_is_where_one_more_node_would_be_idle_too_often() {
        let plan = plan(&[("ec2.m7g.large", "0.0612", "0.0816")]);
        let advice = advice(&["2", "2", "10", "2", "2"], &plan);
        let best = advice.levels.iter().find(|level| level.best).unwrap();
        assert_eq!(best.hourly_usd, dec("0.122"));
        // Of 18 node-hours 10 are covered; 0.122 is sold and not 0.1224.
        let covered = dec("0.122") / dec("0.0612") * dec("5");
        let by_hand = dec("0.61") + (dec("18") - covered) * dec("0.0816");
        assert!((best.monthly_cost_usd - by_hand).abs() < dec("0.000001"), "{best:?}");
        assert_eq!(best.used_ratio.unwrap().round_dp(6), Decimal::ONE);
        // Nothing committed: 18 and 12.6 node-hours on demand.
        let none = &advice.levels[0];
        assert_eq!(
            (none.monthly_cost_usd, none.less_traffic_usd),
            (dec("1.4688"), dec("1.02816"))
        );
        assert_eq!(none.used_ratio, None);
        // With 30% less traffic four hours have 1.4 nodes, all covered, and one has 7.
        let covered = dec("5.6") + dec("0.122") / dec("0.0612");
        let with_less = dec("0.61") + (dec("12.6") - covered) * dec("0.0816");
        assert!((best.less_traffic_usd - with_less).abs() < dec("0.000001"), "{best:?}");
        // No level is cheaper.
        assert!(
            advice
                .levels
                .iter()
                .all(|level| level.monthly_cost_usd >= best.monthly_cost_usd)
        );
        let last = advice.levels.last().unwrap();
        assert_eq!(last.hourly_usd, dec("0.612"), "ten nodes");
        assert_eq!(last.covered_ratio, Some(Decimal::ONE));
    }

    #[test]
    fn nothing_is_committed_if_usage_is_too_rare() {
        let plan = plan(&[("ec2.m7g.large", "0.0612", "0.0816")]);
        let advice = advice(&["1", "0", "0", "0"], &plan);
        assert!(advice.levels[0].best);
        assert!(advice.levels[0].hourly_usd.is_zero());
    }

    /// The result agrees with a search over every level.
    #[test]
    fn the_best_level_is_that_of_an_exhaustive_search() {
        let plan = plan(&[("ec2.m7g.large", "0.0561", "0.0816")]);
        let nodes = ["3", "1", "4", "1", "5", "9", "2", "6", "5", "3", "5"];
        let best = advice(&nodes, &plan)
            .levels
            .into_iter()
            .find(|level| level.best)
            .unwrap();
        let replications = [(hours(&nodes), Terms::default())];
        let list = PriceList::find("aws-us-east-1").unwrap();
        let used = ReplicatedUsage {
            replications: &replications,
            list: &list,
            hours: Decimal::from(nodes.len()),
        };
        for milli in 0..=600 {
            let at = Commitment {
                hourly_usd: Decimal::new(milli, 3),
                ..plan.clone()
            };
            let cost = mean(used, &at).unwrap().total;
            assert!(
                cost >= best.monthly_cost_usd - dec("0.005"),
                "{milli}: {cost}, {best:?}"
            );
        }
    }
}
