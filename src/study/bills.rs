//! The bills of a variant: one for each replication, for the intervals, and their mean, whose lines are shown.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::metrics::Cost;
use super::replicate::Replication;
use crate::cost::bill::{Bill, BillError, BillLine, Terms, bill};
use crate::cost::stored::Metered;
use crate::scenario::Variant;
use crate::scenario::plan::Pricing;
use crate::units::{SimDuration, SimTime};

/// The bills of a variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bills {
    /// Mean bill by service, in the order of the services.
    pub mean: Vec<Bill>,
    /// By service and line of the mean bill: the 5th and the 95th percentile of what it costs in a replication; `None` with
    /// one replication.
    pub ranges: Vec<Vec<Option<[Decimal; 2]>>>,
    /// What each replication used.
    pub metered: Vec<Metered>,
    /// Cost of each service in each replication: `costs[replication][service]`.
    pub costs: Vec<Vec<Cost>>,
}

/// Prices all replications; `None` if the variant has no prices.
///
/// # Errors
/// A meter without a price, or an amount beyond what decimals hold.
pub fn bills(variant: &Variant, replications: &[Replication]) -> Result<Option<Bills>, BillError> {
    let Some(pricing) = &variant.pricing else {
        return Ok(None);
    };
    let mut costs = Vec::with_capacity(replications.len());
    let mut metered = Vec::with_capacity(replications.len());
    let mut by_service: Vec<Vec<Bill>> = vec![Vec::new(); variant.services.len()];
    for replication in replications {
        let window = replication.stats.end.since(SimTime::ZERO + variant.warm_up);
        let terms = Terms {
            window: Some(window),
            month: pricing.month,
            free_tier: pricing.free_tier,
        };
        let own = Metered {
            window,
            by_service: replication
                .usage
                .iter()
                .map(|usage| pricing.meter.quantities(usage))
                .collect(),
        };
        let bills = own.bills(&pricing.list, terms)?;
        metered.push(own);
        let mut row = Vec::with_capacity(bills.len());
        for ((i, usage), bill) in replication.usage.iter().enumerate().zip(bills) {
            let starts = pricing.meter.start_quantities(usage);
            let idle = pricing.meter.idle_quantities(usage);
            let idle = idle.map(|idle| list_price(pricing, &idle, Some(window))).transpose()?;
            row.push(Cost {
                total: dollars(bill.total_usd()),
                cold_starts: dollars(list_price(pricing, &starts, Some(window))?),
                idle: idle.map(dollars),
                scale: terms.month.factor(window).map_or(f64::NAN, dollars),
            });
            by_service[i].push(bill);
        }
        costs.push(row);
    }
    let mean: Vec<Bill> = by_service.iter().map(|bills| Bill::mean(bills)).collect();
    let ranges = mean.iter().zip(&by_service).map(|(mean, bills)| ranges(mean, bills));
    Ok(Some(Bills {
        ranges: ranges.collect(),
        metered,
        mean,
        costs,
    }))
}

/// For each line of a mean bill what it costs in the bills that it is the mean of.
fn ranges(mean: &Bill, bills: &[Bill]) -> Vec<Option<[Decimal; 2]>> {
    let of = |line: &BillLine| {
        let same = |other: &&BillLine| other.meter == line.meter && other.tier == line.tier;
        let costs = bills
            .iter()
            .map(|bill| bill.lines.iter().find(same).map(|line| line.cost_usd));
        // A bill without the line has not reached its tier.
        let mut costs: Vec<Decimal> = costs.map(Option::unwrap_or_default).collect();
        costs.sort_unstable();
        let at = |percent: usize| costs[(costs.len() * percent).div_ceil(100).max(1) - 1];
        (costs.len() > 1).then(|| [at(5), at(95)])
    };
    mean.lines.iter().map(of).collect()
}

/// What quantities cost without an allowance; scaled to the month if a window is given.
pub fn list_price(
    pricing: &Pricing,
    quantities: &BTreeMap<String, Decimal>,
    window: Option<SimDuration>,
) -> Result<Decimal, BillError> {
    let terms = Terms {
        window,
        month: pricing.month,
        free_tier: false,
    };
    Ok(bill(&pricing.list, quantities, &terms)?.total_usd())
}

fn dollars(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(f64::NAN)
}
