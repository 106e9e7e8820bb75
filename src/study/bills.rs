//! The bills of a variant: one for each replication, for the intervals, and their mean, whose lines are shown.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::replicate::Replication;
use super::sample::Cost;
use crate::cost::bill::{Bill, BillError, BillLine, CommitmentRole, Terms, bill};
use crate::cost::extras::merge;
use crate::cost::meter::{ClusterPart, Served, Usage};
use crate::cost::stored::{Hour, ReplicationUsage};
use crate::scenario::Variant;
use crate::scenario::plan::{PlannedService, Pricing};
use crate::units::{SimDuration, SimTime};

/// The bills of a variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bills {
    /// Mean bill by service, in the order of the services.
    pub mean: Vec<Bill>,
    /// By service and line of the mean bill: the 5th and the 95th percentile of what it costs in a replication; `None` with
    /// one replication.
    pub ranges: Vec<Vec<Option<[Decimal; 2]>>>,
    /// The use of each replication.
    pub metered: Vec<ReplicationUsage>,
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
    let mut stored = Vec::with_capacity(replications.len());
    let mut by_service: Vec<Vec<Bill>> = vec![Vec::new(); variant.services.len()];
    for replication in replications {
        let window = replication.stats.end.since(SimTime::ZERO + variant.warm_up);
        let terms = Terms {
            window: Some(window),
            month: pricing.month,
            free_tier: pricing.free_tier,
        };
        let own = metered(variant, pricing, replication, window);
        let bills = own.bills(&pricing.list, terms, &pricing.commitments)?;
        stored.push(own);
        let mut row = Vec::with_capacity(bills.len());
        for ((i, usage), bill) in replication.usage.iter().enumerate().zip(bills) {
            let starts = pricing.meter.start_quantities(usage);
            let idle = pricing.meter.idle_quantities(usage);
            let idle = idle.map(|idle| list_price(pricing, &idle, Some(window))).transpose()?;
            row.push(Cost {
                total: dollars(bill.total_usd()),
                cold_starts: dollars(list_price(pricing, &starts, Some(window))?),
                idle: idle.map(dollars),
                committed: (!pricing.commitments.is_empty()).then(|| committed(&bill)),
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
        metered: stored,
        mean,
        costs,
    }))
}

/// The fees for commitments in a bill, and the part of them that nothing uses.
fn committed(bill: &Bill) -> (f64, f64) {
    let of = |role: CommitmentRole, usd: fn(&BillLine) -> Decimal| -> f64 {
        let lines = bill.lines.iter();
        let own = lines.filter(|line| line.commitment.as_ref().is_some_and(|part| part.role == role));
        dollars(own.map(usd).sum())
    };
    (
        of(CommitmentRole::Purchase, |line| line.cost_usd),
        of(CommitmentRole::Unused, BillLine::effective_cost_usd),
    )
}

/// Quantities by meter, for each service.
fn quantities(pricing: &Pricing, usage: &[Usage]) -> Vec<BTreeMap<String, Decimal>> {
    usage.iter().map(|usage| pricing.meter.quantities(usage)).collect()
}

/// The use of a replication, in total and between two readings. The first reading is the end of the warm-up. The extras beside compute
/// are added for each such hour.
fn metered(variant: &Variant, pricing: &Pricing, replication: &Replication, window: SimDuration) -> ReplicationUsage {
    let image = |service: &PlannedService| service.image.map_or(0, |(compressed, _)| compressed);
    let images: Vec<u64> = variant.services.iter().map(image).collect();
    let mut from = SimTime::ZERO + variant.warm_up;
    let mut before: Vec<BTreeMap<String, Decimal>> = vec![BTreeMap::new(); images.len()];
    let mut served_before = vec![Served::default(); images.len()];
    let mut all = ReplicationUsage {
        window,
        by_service: quantities(pricing, &replication.usage),
        hours: Vec::new(),
    };
    for reading in &replication.readings {
        if reading.at <= from {
            continue;
        }
        let length = reading.at.since(from);
        let now = quantities(pricing, &reading.usage);
        let mut by_service: Vec<_> = now
            .iter()
            .zip(&before)
            .map(|(now, before)| since(now, before))
            .collect();
        if let Some(extras) = &pricing.extras {
            let both = reading.served.iter().zip(&served_before);
            let served: Vec<Served> = both.map(|(now, before)| now.since(before)).collect();
            let beside = extras.quantities(&served, length, pricing.month.hours(), &images);
            for (own, beside) in by_service.iter_mut().zip(&beside) {
                merge(own, beside);
            }
            for (own, beside) in all.by_service.iter_mut().zip(&beside) {
                merge(own, beside);
            }
            served_before.clone_from(&reading.served);
        }
        all.hours.push(Hour {
            from,
            length,
            by_service,
        });
        (from, before) = (reading.at, now);
    }
    all
}

/// The use since `before`. A node that turns out to be free takes back what was counted of it earlier.
fn since(now: &BTreeMap<String, Decimal>, before: &BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    let more = now.iter().map(|(meter, quantity)| {
        let more = quantity - before.get(meter).copied().unwrap_or_default();
        (meter.clone(), more.max(Decimal::ZERO))
    });
    more.collect()
}

/// For each line of a mean bill what it costs in the bills that it is the mean of.
fn ranges(mean: &Bill, bills: &[Bill]) -> Vec<Option<[Decimal; 2]>> {
    let of = |line: &BillLine| {
        let same = |other: &&BillLine| {
            (&other.meter, other.tier, &other.commitment) == (&line.meter, line.tier, &line.commitment)
        };
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

/// The cost of quantities without a free allowance; scaled to the month if a window is given.
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

/// The cost of the nodes and of the control plane in the mean bills; `None` without prices.
pub fn of_cluster(variant: &Variant, mean: &[Bill]) -> Option<[Decimal; 2]> {
    let meter = &variant.pricing.as_ref()?.meter;
    let sum = |wanted: ClusterPart| -> Decimal {
        let lines = mean.iter().flat_map(|bill| &bill.lines);
        let own = lines.filter(|line| meter.cluster_part(&line.meter) == Some(wanted));
        own.map(BillLine::effective_cost_usd).sum()
    };
    Some([sum(ClusterPart::Nodes), sum(ClusterPart::ControlPlane)])
}

fn dollars(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(f64::NAN)
}
