//! Bills of random usage, compared with independent arithmetic.

use super::*;
use coldcast::cost::bill::bill;
use coldcast::cost::{bill_groups, lambda};
use proptest::prelude::*;

/// A price list with one meter, `x`, and the tier bounds and prices (in 1e-6 dollars) given.
fn list_of(bounds: &[u32], micro_usd: &[u32]) -> PriceList {
    let mut text = "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\neffective = \"2026-01-01\"\n\
                    [sources.s]\ntitle = \"made up\"\nread = \"2026\"\n"
        .to_string();
    for (i, micro) in micro_usd.iter().enumerate() {
        let from = if i == 0 { 0 } else { bounds[i - 1] };
        let to = bounds
            .get(i)
            .map(|to| format!("tier-to = \"{to}\"\n"))
            .unwrap_or_default();
        text += &format!(
            "[[price]]\nmeter = \"x\"\ncloud-service = \"c\"\nsku = \"k\"\nunit = \"u\"\nper = \"1\"\nsource = [\"s\"]\n\
             as-of = \"2026\"\nconfidence = \"low\"\ntier-from = \"{from}\"\n{to}usd = \"0.{micro:06}\"\n"
        );
    }
    PriceList::parse("made up", &text).unwrap()
}

proptest! {
    /// Walks unit by unit through random tiers.
    #[test]
    fn marginal_tiers_equal_a_walk_unit_by_unit(
        steps in prop::collection::vec(1u32..40, 0..4),
        prices in prop::collection::vec(0u32..1_000_000, 5),
        quantity in 0u32..200,
    ) {
        let bounds: Vec<u32> = steps.iter().scan(0, |end, step| { *end += step; Some(*end) }).collect();
        let prices = &prices[..bounds.len() + 1];
        let list = list_of(&bounds, prices);
        let used = BTreeMap::from([("x".to_string(), Decimal::from(quantity))]);
        let bill = bill(&list, &used, &Terms::default()).unwrap();
        let walked: u64 = (0..quantity)
            .map(|unit| u64::from(prices[bounds.iter().filter(|&&bound| bound <= unit).count()]))
            .sum();
        prop_assert_eq!(bill.total_usd(), Decimal::new(walked as i64, 6).normalize());
        assert_exact(&bill);
    }

    #[test]
    fn a_bill_is_exact_complete_and_never_falls_when_more_is_used(
        x86_ms in 0u64..40_000_000_000_000_000,
        arm_ms in 0u64..40_000_000_000_000_000,
        more in 0u64..10_000_000_000_000,
        requests in 0u64..1_000_000_000_000,
        free_tier: bool,
        window_s in 1u64..4_000_000,
    ) {
        let terms = terms(Some(SimDuration::from_secs(window_s.max(100_000))), "730h", free_tier);
        let list = aws();
        let rules = list.lambda_rules().unwrap();
        let price = |x86_ms: u64| {
            let used = BTreeMap::from([
                (X86.to_string(), lambda::gb_seconds(u128::from(x86_ms), rules)),
                (ARM.to_string(), lambda::gb_seconds(u128::from(arm_ms), rules)),
                (REQUESTS.to_string(), Decimal::from(requests)),
            ]);
            bill(&list, &used, &terms).unwrap()
        };
        let (less, more) = (price(x86_ms), price(x86_ms + more));
        assert_exact(&less);
        prop_assert!(less.total_usd() <= more.total_usd());
        // No unit is lost: billed and free units add up to the usage.
        let month: Decimal = terms.month.factor(terms.window.unwrap()).unwrap();
        let used = (Decimal::from(requests) * month).round_dp(9);
        let found: Decimal = less.lines.iter().filter(|l| l.meter == REQUESTS).map(|l| l.quantity + l.free_quantity).sum();
        prop_assert_eq!(used, found);
    }

    #[test]
    fn a_divided_bill_adds_up_to_the_whole(
        parts in prop::collection::vec((0u64..20_000_000_000_000_000, 0u64..5_000_000), 1..6),
        free_tier: bool,
    ) {
        let list = aws();
        let rules = list.lambda_rules().unwrap();
        let terms = terms(Some(SimDuration::from_secs(1_000_003)), "730h", free_tier);
        let groups: BTreeMap<_, _> = parts.iter().enumerate().map(|(i, &(mib_ms, requests))| {
            let used = BTreeMap::from([
                (X86.to_string(), lambda::gb_seconds(u128::from(mib_ms), rules).round_dp(3)),
                (REQUESTS.to_string(), Decimal::from(requests)),
            ]);
            (format!("service-{i}"), used)
        }).collect();
        let bills = bill_groups(&list, &groups, &terms).unwrap();
        let all = bills.values().flat_map(|bill| &bill.lines);
        let free: Decimal = all.filter(|line| line.meter == REQUESTS).map(|line| line.free_quantity).sum();
        prop_assert!(free <= dec("1000000"));
        let mut used = BTreeMap::new();
        for group in groups.values() {
            for (meter, quantity) in group {
                *used.entry(meter.clone()).or_insert(Decimal::ZERO) += quantity;
            }
        }
        let whole = bill(&list, &used, &terms).unwrap();
        let total: Decimal = bills.values().map(Bill::total_usd).sum();
        // The month of each group is rounded to nano-units separately, and the whole once.
        prop_assert!((total - whole.total_usd()).abs() < dec("0.000000000001"));
        bills.values().for_each(assert_exact);
    }

    /// More usage of any meter, in any list, with or without the free allowance, never lowers the bill, and each line is a product. If
    /// the price has one tier and there is no allowance, two halves cost as much as the whole.
    #[test]
    fn no_bill_falls_when_more_is_used_of_anything(
        which in 0usize..10_000,
        quantity in 0u64..10_000_000_000,
        more in 0u64..10_000_000_000,
        free_tier: bool,
    ) {
        for id in PriceList::ids() {
            let list = PriceList::find(id).unwrap();
            let meters: Vec<_> = list.meters().collect();
            let price = meters[which % meters.len()];
            let whole = |quantity: u64| {
                let used = BTreeMap::from([(price.meter.clone(), Decimal::from(quantity))]);
                let bill = bill(&list, &used, &terms(None, "730h", free_tier)).unwrap();
                assert_exact(&bill);
                bill.total_usd()
            };
            let (less, rest, all) = (whole(quantity), whole(more), whole(quantity + more));
            prop_assert!(less <= all, "{}: {less} for {quantity}, {all} for {more} more", price.meter);
            if !free_tier && price.tiers.len() == 1 {
                prop_assert_eq!((less + rest).normalize(), all.normalize(), "{}", price.meter);
            }
        }
    }
}
