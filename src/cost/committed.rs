//! The bill of an account with commitments. Usage draws on them hour by hour, the rest is priced on demand, and each commitment
//! has its own line, used or not.
//!
//! Free allowances and tiers apply to the rest.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::bill::{Bill, BillError, BillLine, CommitmentPart, CommitmentRole, Terms, factor, scale};
use super::bill_groups;
use super::commitment::{Commitment, draw};
use super::rate::{QUANTITY_DECIMALS, apportion, share_out};
use crate::model::price::{Confidence, PriceList};

/// Quantities by meter.
type Quantities = BTreeMap<String, Decimal>;

/// The usage of some hours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// The number of hours.
    pub hours: Decimal,
    /// Quantities by group and meter.
    pub usage: BTreeMap<String, Quantities>,
}

/// The part of a group in a commitment.
#[derive(Debug, Clone, Default)]
struct Part {
    covered: Quantities,
    used_usd: Decimal,
}

/// Prices the usage of several groups together and divides the bill, as [`bill_groups`] does. `slices` cover the whole window
/// of `terms`, and `billed_hours` is the number of hours for which each commitment is billed.
///
/// # Errors
/// The same as without commitments.
pub fn bill_committed(
    list: &PriceList,
    slices: &[Slice],
    terms: &Terms,
    commitments: &[Commitment],
    billed_hours: Decimal,
) -> Result<BTreeMap<String, Bill>, BillError> {
    let mut usage: BTreeMap<String, Quantities> = BTreeMap::new();
    let mut parts: Vec<BTreeMap<String, Part>> = vec![BTreeMap::new(); commitments.len()];
    for slice in slices {
        for (group, quantities) in &slice.usage {
            let own = usage.entry(group.clone()).or_default();
            for (meter, quantity) in quantities {
                *own.entry(meter.clone()).or_default() += quantity;
            }
        }
        cover(commitments, slice, &mut parts);
    }
    let factor = factor(terms)?;
    let mut rest: BTreeMap<String, Quantities> = BTreeMap::new();
    for (group, usage) in &usage {
        let mut left = scale(usage, terms)?;
        for part in parts.iter_mut().filter_map(|parts| parts.get_mut(group)) {
            for (meter, units) in &mut part.covered {
                let left = left.entry(meter.clone()).or_default();
                *units = (*units * factor).round_dp(QUANTITY_DECIMALS).normalize().min(*left);
                *left -= *units;
            }
        }
        rest.insert(group.clone(), left);
    }
    let on_demand = Terms { window: None, ..*terms };
    let mut bills = bill_groups(list, &rest, &on_demand)?;
    for (commitment, parts) in commitments.iter().zip(&parts) {
        let none = Part::default();
        let parts: Vec<&Part> = bills.keys().map(|group| parts.get(group).unwrap_or(&none)).collect();
        add(list, commitment, billed_hours, &parts, bills.values_mut());
    }
    Ok(bills)
}

/// US dollars a month that remain from rounding and are not an unused commitment.
const DUST: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// Draws one slice on the commitments. Groups share the covered units in proportion to their usage.
fn cover(commitments: &[Commitment], slice: &Slice, parts: &mut [BTreeMap<String, Part>]) {
    let mut together = Quantities::new();
    for (meter, quantity) in slice.usage.values().flatten() {
        *together.entry(meter.clone()).or_default() += quantity;
    }
    let drawn = draw(commitments, &mut together, slice.hours);
    let mut left = slice.usage.clone();
    for ((commitment, covered), parts) in commitments.iter().zip(drawn.covered).zip(parts) {
        for (meter, units) in covered {
            let rate = commitment.rates.iter().find(|rate| rate.meter == meter);
            let usd = rate.map_or(Decimal::ZERO, |rate| rate.usd);
            let weights: Vec<Decimal> = left
                .values()
                .map(|own| own.get(&meter).copied().unwrap_or_default())
                .collect();
            let shares = apportion(units, &weights);
            for ((group, own), share) in left.iter_mut().zip(shares) {
                if let Some(own) = own.get_mut(&meter).filter(|_| share > Decimal::ZERO) {
                    *own = (*own - share).max(Decimal::ZERO);
                    let part = parts.entry(group.clone()).or_default();
                    *part.covered.entry(meter.clone()).or_default() += share;
                    part.used_usd += share * usd;
                }
            }
        }
    }
}

/// Adds the lines of one commitment: the usage that it covers, its cost, and its unused part.
fn add<'a>(
    list: &PriceList,
    commitment: &Commitment,
    billed_hours: Decimal,
    parts: &[&Part],
    bills: impl Iterator<Item = &'a mut Bill>,
) {
    let role = |role, effective_unit_price_usd, on_demand_unit_price_usd| {
        Some(CommitmentPart {
            name: commitment.name.clone(),
            kind: commitment.kind,
            role,
            effective_unit_price_usd,
            on_demand_unit_price_usd,
        })
    };
    let own_line = |quantity: Decimal, unit: &str, usd: Decimal, tier, commitment_part| BillLine {
        provider: list.provider.clone(),
        cloud_service: commitment.kind.name().to_string(),
        region: list.region.clone(),
        sku: format!("{} {}", commitment.kind, commitment.term),
        meter: format!("commitment.{}", commitment.name),
        quantity: quantity.normalize(),
        free_quantity: Decimal::ZERO,
        unit: unit.to_string(),
        unit_price_usd: usd,
        list_unit_price_usd: usd,
        per: Decimal::ONE,
        tier,
        cost_usd: (quantity * usd).normalize(),
        price_source: match commitment.source.as_slice() {
            [] => "set-by-hand".to_string(),
            sources => sources.join("; "),
        },
        price_date: list.effective,
        price_as_of: None,
        confidence: Confidence::SetByHand,
        commitment: commitment_part,
    };
    let weights: Vec<Decimal> = parts.iter().map(|part| part.used_usd).collect();
    let mut used = Decimal::ZERO;
    let mut covered: Vec<Vec<BillLine>> = Vec::new();
    for part in parts {
        let lines = part.covered.iter().filter_map(|(meter, &quantity)| {
            let price = list.price(meter).ok()?;
            let rate = commitment.rates.iter().find(|rate| rate.meter == *meter)?;
            let tier = &price.tiers[0];
            Some(BillLine {
                provider: list.provider.clone(),
                cloud_service: price.cloud_service.clone(),
                region: list.region.clone(),
                sku: tier.sku.clone(),
                meter: meter.clone(),
                quantity,
                free_quantity: Decimal::ZERO,
                unit: price.unit.clone(),
                unit_price_usd: Decimal::ZERO,
                list_unit_price_usd: tier.list_unit_price_usd,
                per: price.per,
                tier: 0,
                cost_usd: Decimal::ZERO,
                price_source: tier.source.join("; "),
                price_date: list.effective,
                price_as_of: tier.as_of,
                confidence: tier.confidence,
                commitment: role(CommitmentRole::Covered, rate.usd, rate.on_demand_usd),
            })
        });
        let lines: Vec<BillLine> = lines.collect();
        used += lines.iter().map(BillLine::effective_cost_usd).sum::<Decimal>();
        covered.push(lines);
    }
    let unused = (commitment.hourly_usd * billed_hours - used).max(Decimal::ZERO);
    let hours = share_out(billed_hours, &weights);
    let unused = share_out(unused, &weights);
    for (((bill, lines), hours), unused) in bills.zip(covered).zip(hours).zip(unused) {
        bill.lines.extend(lines);
        let purchase = role(CommitmentRole::Purchase, Decimal::ZERO, commitment.hourly_usd);
        bill.lines
            .push(own_line(hours, "hour", commitment.hourly_usd, 1, purchase));
        if unused > DUST {
            let mut line = own_line(
                unused,
                "USD",
                Decimal::ZERO,
                0,
                role(CommitmentRole::Unused, Decimal::ONE, Decimal::ONE),
            );
            line.list_unit_price_usd = Decimal::ONE;
            bill.lines.push(line);
        }
    }
}
