//! One bill for several services that share an account. Tiers and free allowances apply to their common usage. Each service pays
//! its share of every line in proportion to its usage.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::bill::{Bill, BillError, Terms, price_month, scale};
use super::rate;
use crate::model::price::PriceList;

/// Prices the usage of several groups together and divides the bill. For each line of the whole bill, the quantities of the
/// groups add up exactly, and so do their costs.
///
/// # Errors
/// The same as for one bill.
pub fn bill_groups(
    list: &PriceList,
    usage: &BTreeMap<String, BTreeMap<String, Decimal>>,
    terms: &Terms,
) -> Result<BTreeMap<String, Bill>, BillError> {
    let mut groups: Vec<(String, BTreeMap<String, Decimal>, Bill)> = Vec::new();
    let mut month: BTreeMap<String, Decimal> = BTreeMap::new();
    for (group, usage) in usage {
        let scaled = scale(usage, terms)?;
        for (meter, &quantity) in &scaled {
            *month.entry(meter.clone()).or_default() += quantity;
        }
        groups.push((group.clone(), scaled, Bill::default()));
    }
    for line in price_month(list, &month, terms.free_tier)?.lines {
        // The quantity of this meter that each group has left after the lines before.
        let left = |groups: &[(_, BTreeMap<String, Decimal>, _)]| -> Vec<Decimal> {
            let left = groups.iter().map(|(_, left, _)| left.get(&line.meter));
            left.map(|quantity| quantity.copied().unwrap_or_default()).collect()
        };
        let free = rate::apportion(line.free_quantity, &left(&groups));
        take(&mut groups, &line.meter, &free);
        let billed = rate::apportion(line.quantity, &left(&groups));
        take(&mut groups, &line.meter, &billed);
        for ((_, left, bill), (free_quantity, quantity)) in groups.iter_mut().zip(free.into_iter().zip(billed)) {
            let asked_for = left.contains_key(&line.meter);
            if asked_for && (line.tier == 1 || quantity > Decimal::ZERO) {
                let mut share = line.clone();
                share.quantity = quantity.normalize();
                share.free_quantity = free_quantity.normalize();
                // A share has no more decimals than the line and is not larger, so its product is exact, too.
                share.cost_usd = (quantity * line.unit_price_usd).normalize();
                bill.lines.push(share);
            }
        }
    }
    Ok(groups.into_iter().map(|(group, _, bill)| (group, bill)).collect())
}

fn take(groups: &mut [(String, BTreeMap<String, Decimal>, Bill)], meter: &str, shares: &[Decimal]) {
    for ((_, left, _), share) in groups.iter_mut().zip(shares) {
        if let Some(quantity) = left.get_mut(meter) {
            *quantity -= share;
        }
    }
}
