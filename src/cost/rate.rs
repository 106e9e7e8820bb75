//! From the quantity of a month to priced quantities: the free allowance first, then marginal tiers. The arithmetic is exact, or
//! the result is `None`. Nothing is rounded silently.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::model::price::{PriceList, Tier};

/// Decimals of a quantity. The last one is a nano-unit, which is 2e-14 US dollars at the price of a GB-second.
pub const QUANTITY_DECIMALS: u32 = 9;

/// The part of a quantity that falls into one tier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice<'a> {
    /// The tier's number, from 1.
    pub number: u32,
    /// The tier.
    pub tier: &'a Tier,
    /// Units in it.
    pub quantity: Decimal,
}

/// Divides a quantity among the tiers that it reaches. The first tier is always included, with 0 if the quantity is 0.
pub fn slices(tiers: &[Tier], quantity: Decimal) -> Vec<Slice<'_>> {
    let reached = tiers.iter().zip(1..);
    reached
        .filter(|&(tier, number)| number == 1 || quantity > tier.from)
        .map(|(tier, number)| Slice {
            number,
            tier,
            quantity: tier.to.map_or(quantity, |to| quantity.min(to)) - tier.from,
        })
        .collect()
}

/// The free units of each meter for the month of a whole account. Meters that share an allowance divide it in proportion to
/// their usage. A meter never gets more than it used.
pub fn free_units(list: &PriceList, month: &BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    let mut free = BTreeMap::new();
    for allowance in &list.free {
        let sharing: Vec<&String> = allowance
            .meters
            .iter()
            .filter(|&meter| month.contains_key(meter))
            .collect();
        let used: Vec<Decimal> = sharing.iter().map(|&meter| month[meter]).collect();
        let granted = allowance.quantity.min(used.iter().sum());
        free.extend(sharing.into_iter().cloned().zip(apportion(granted, &used)));
    }
    free
}

/// Divides `amount` in proportion to `weights`, whose sum it must not exceed. The shares add up to `amount` exactly, none
/// exceeds its weight, and each is within a nano-unit per weight of its proportion.
pub fn apportion(amount: Decimal, weights: &[Decimal]) -> Vec<Decimal> {
    let mut amount = amount;
    let mut total: Decimal = weights.iter().sum();
    debug_assert!(
        amount >= Decimal::ZERO && amount <= total,
        "cannot divide {amount} over {total}"
    );
    let mut shares = Vec::with_capacity(weights.len());
    for &weight in weights {
        // The rest must fit into the weights of the others.
        let least = (weight - (total - amount)).max(Decimal::ZERO);
        let most = weight.min(amount);
        let proportion = weight.checked_div(total).unwrap_or_default() * amount;
        let share = proportion.trunc_with_scale(QUANTITY_DECIMALS).clamp(least, most);
        shares.push(share);
        amount -= share;
        total -= weight;
    }
    shares
}

/// Divides `amount` in proportion to `weights`, whose sum may be smaller or larger, or evenly if all weights are 0. The shares
/// add up to `amount` exactly: the last one includes the rest from rounding to nano-units.
pub fn share_out(amount: Decimal, weights: &[Decimal]) -> Vec<Decimal> {
    let total: Decimal = weights.iter().sum();
    let even = Decimal::from(weights.len());
    let mut left = amount;
    let mut shares: Vec<Decimal> = weights
        .iter()
        .map(|weight| {
            let share = weight.checked_div(total).unwrap_or_else(|| Decimal::ONE / even);
            let share = (amount * share).trunc_with_scale(QUANTITY_DECIMALS).min(left);
            left -= share;
            share
        })
        .collect();
    if let Some(last) = shares.last_mut() {
        *last += left;
    }
    shares
}

/// The product with all its digits; `None` if a decimal cannot hold them.
pub fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    if a.is_zero() || b.is_zero() {
        return Some(Decimal::ZERO);
    }
    let product = a.checked_mul(b)?;
    (product.scale() == a.scale() + b.scale()).then(|| product.normalize())
}

/// The sum with all its digits; `None` if a decimal cannot hold them.
pub fn exact_sum(terms: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    terms.into_iter().try_fold(Decimal::ZERO, |sum, term| {
        let next = sum.checked_add(term)?;
        (next.checked_sub(term)? == sum && next.checked_sub(sum)? == term).then_some(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn check(meter: &str, quantity: &str, expected: &[&str]) {
        let list = PriceList::find("aws-us-east-1-2026-11-01").unwrap();
        let price = list.price(meter).unwrap();
        let found: Vec<_> = slices(&price.tiers, dec(quantity))
            .into_iter()
            .map(|slice| format!("{}: {} x {}", slice.number, slice.quantity, slice.tier.unit_price_usd))
            .collect();
        assert_eq!(found, expected, "{meter} {quantity}");
    }

    /// Bounds from infracost's test output of the Lambda resource (2024-07-01): x86 6 and 15 billion, arm 7.5 and 18.75.
    #[test]
    fn quantities_fall_into_their_tiers() {
        let x86 = "lambda.duration.x86";
        check(x86, "0", &["1: 0 x 0.0000166667"]);
        check(x86, "5999000000", &["1: 5999000000 x 0.0000166667"]);
        check(x86, "6000000000", &["1: 6000000000 x 0.0000166667"]);
        check(x86, "6000000001", &["1: 6000000000 x 0.0000166667", "2: 1 x 0.000015"]);
        check(
            x86,
            "15000000000",
            &["1: 6000000000 x 0.0000166667", "2: 9000000000 x 0.000015"],
        );
        let three = [
            "1: 6000000000 x 0.0000166667",
            "2: 9000000000 x 0.000015",
            "3: 0.5 x 0.0000133334",
        ];
        check(x86, "15000000000.5", &three);
        // The bounds of x86 are not those of arm.
        let arm = "lambda.duration.arm";
        check(arm, "6000000001", &["1: 6000000001 x 0.0000133334"]);
        check(arm, "7500000000", &["1: 7500000000 x 0.0000133334"]);
        let three = [
            "1: 7500000000 x 0.0000133334",
            "2: 11250000000 x 0.0000120001",
            "3: 1 x 0.0000106667",
        ];
        check(arm, "18750000001", &three);
        check("lambda.requests", "99000000000", &["1: 99000000000 x 0.0000002"]);
    }

    #[test]
    fn shares_add_up_and_fit() {
        for (amount, weights, shares) in [
            ("400000", vec!["300000", "100000"], vec!["300000", "100000"]),
            ("100", vec!["300", "100"], vec!["75", "25"]),
            (
                "1",
                vec!["1", "1", "1"],
                vec!["0.333333333", "0.333333333", "0.333333334"],
            ),
            ("0", vec!["0", "0"], vec!["0", "0"]),
            ("5", vec!["0", "5", "0"], vec!["0", "5", "0"]),
            // One nano-unit less than all: rounding down must not push a later share above its weight.
            ("2.999999999", vec!["1", "1", "1"], vec!["0.999999999", "1", "1"]),
        ] {
            let weights: Vec<_> = weights.into_iter().map(dec).collect();
            let expected: Vec<_> = shares.into_iter().map(dec).collect();
            assert_eq!(apportion(dec(amount), &weights), expected);
        }
    }

    #[test]
    fn lost_digits_are_noticed() {
        assert_eq!(
            exact_product(dec("9999999999999.999999999"), dec("0.0000166667")).map(|p| p.scale()),
            Some(19)
        );
        assert_eq!(
            exact_product(dec("999999999999999999.999999999"), dec("0.0000166667")),
            None
        );
        assert_eq!(exact_product(Decimal::ZERO, dec("0.0000166667")), Some(Decimal::ZERO));
        assert_eq!(exact_sum([dec("0.1"), dec("0.2")]), Some(dec("0.3")));
        assert_eq!(exact_sum([dec("99999999999999999999"), dec("0.0000000000001")]), None);
    }
}
