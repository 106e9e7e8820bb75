//! Bills against vendors' published examples and against arithmetic done another way.

use std::collections::BTreeMap;

use coldcast::cost::bill::{Bill, BillError, Terms, bill};
use coldcast::cost::{bill_groups, lambda};
use coldcast::model::price::{PriceError, PriceList};
use coldcast::units::SimDuration;
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

const X86: &str = "lambda.duration.x86";
const ARM: &str = "lambda.duration.arm";
const REQUESTS: &str = "lambda.requests";

fn aws() -> PriceList {
    PriceList::find("aws-us-east-1-2026-11-01").unwrap()
}

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn usage(rows: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
    rows.iter()
        .map(|&(meter, quantity)| (meter.to_string(), dec(quantity)))
        .collect()
}

fn terms(window: Option<SimDuration>, month: &str, free_tier: bool) -> Terms {
    let month = month.parse().unwrap();
    Terms {
        window,
        month,
        free_tier,
    }
}

/// Cents, halves up: how the vendor's page prints a line.
fn cents(usd: Decimal) -> Decimal {
    usd.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn lines(bill: &Bill) -> Vec<String> {
    let lines = bill.lines.iter();
    let text = lines.map(|line| {
        let (meter, tier, cost) = (&line.meter, line.tier, line.cost_usd);
        format!(
            "{meter}/{tier}: {} x {} = {cost}, free {}",
            line.quantity, line.unit_price_usd, line.free_quantity
        )
    });
    text.collect()
}

/// Every line multiplies out, and the total is the sum.
fn assert_exact(bill: &Bill) {
    for line in &bill.lines {
        assert_eq!(line.quantity * line.unit_price_usd, line.cost_usd, "{line:?}");
        assert_eq!(
            (line.quantity * line.unit_price_usd).normalize().scale(),
            line.cost_usd.scale(),
            "{line:?}"
        );
        assert!(
            line.quantity >= Decimal::ZERO && line.free_quantity >= Decimal::ZERO,
            "{line:?}"
        );
    }
    assert_eq!(
        bill.lines.iter().map(|line| line.cost_usd).sum::<Decimal>(),
        bill.total_usd()
    );
}

/// AWS Lambda pricing page (read 2026), example "mobile application backend": 3 million requests of 120 ms at 1536 MB on
/// x86 with the free tier. The page rounds each line to cents and adds the rounded lines.
#[test]
fn vendor_example_mobile_backend() {
    let list = aws();
    let rules = list.lambda_rules().unwrap();
    let billed_ms = lambda::billed_ms(0, 120_000_000, rules, true);
    let gb_seconds = lambda::gb_seconds(3_000_000 * u128::from(billed_ms) * 1536, rules);
    let used = BTreeMap::from([(X86.to_string(), gb_seconds), (REQUESTS.to_string(), dec("3000000"))]);
    let bill = bill(&list, &used, &terms(None, "730h", true)).unwrap();
    assert_eq!(
        lines(&bill),
        [
            "lambda.duration.x86/1: 140000 x 0.0000166667 = 2.333338, free 400000",
            "lambda.requests/1: 2000000 x 0.0000002 = 0.4, free 1000000",
        ]
    );
    let printed: Vec<Decimal> = bill.lines.iter().map(|line| cents(line.cost_usd)).collect();
    assert_eq!(printed, [dec("2.33"), dec("0.40")]);
    assert_eq!(printed.iter().sum::<Decimal>(), dec("2.73"));
    assert_eq!(bill.total_usd(), dec("2.733338"));
    assert_exact(&bill);
}

/// AWS Lambda pricing page (read 2026), example with provisioned concurrency: its on-demand lines. 2.5 million requests of
/// 120 ms at 1536 MB run on demand, all 3 million count as requests, and the free tier is on.
#[test]
fn vendor_example_on_demand_beside_provisioned_concurrency() {
    let list = aws();
    let gb_seconds = lambda::gb_seconds(2_500_000 * 120 * 1536, list.lambda_rules().unwrap());
    let used = BTreeMap::from([(X86.to_string(), gb_seconds), (REQUESTS.to_string(), dec("3000000"))]);
    let bill = bill(&list, &used, &terms(None, "730h", true)).unwrap();
    let printed: Vec<_> = bill
        .lines
        .iter()
        .map(|line| (line.quantity, cents(line.cost_usd)))
        .collect();
    assert_eq!(printed, [(dec("50000"), dec("0.83")), (dec("2000000"), dec("0.40"))]);
}

/// One cold invocation of 1293.83 + 1049.63 ms (Bite-Sized Serverless, "When is the Lambda Init Phase Free, and when is it
/// Billed?") at 1024 MB: far below a cent, and all digits are there.
#[test]
fn one_cold_invocation_keeps_its_digits() {
    let list = aws();
    let rules = list.lambda_rules().unwrap();
    let billed_ms = lambda::billed_ms(1_293_830_000, 1_049_630_000, rules, true);
    assert_eq!(billed_ms, 2344);
    let used = BTreeMap::from([(X86.to_string(), lambda::gb_seconds(u128::from(billed_ms) * 1024, rules))]);
    let bill = bill(&list, &used, &terms(None, "730h", false)).unwrap();
    assert_eq!(bill.total_usd().to_string(), "0.0000390667448");
}

/// infracost, test output of its Lambda resource (2024-07-01), rendered from the AWS price list: months across every tier,
/// in cents. (meter, GB-seconds, cost of each tier reached, million requests, cost of the requests)
#[test]
fn published_months_across_the_tiers() {
    for (meter, quantity, tiers, millions, requests) in [
        (
            ARM,
            "37500000000",
            vec!["100000.50", "135001.13", "200000.63"],
            "18250",
            "3650.00",
        ),
        (
            X86,
            "30000000000",
            vec!["100000.20", "135000.00", "200001.00"],
            "15000",
            "3000.00",
        ),
        (ARM, "11520000000", vec!["100000.50", "48240.40"], "11250", "2250.00"),
        (X86, "9216000000", vec!["100000.20", "48240.00"], "9000", "1800.00"),
        (ARM, "3840000000", vec!["51200.26"], "7500", "1500.00"),
        (X86, "3072000000", vec!["51200.10"], "6000", "1200.00"),
        (X86, "17500", vec!["0.29"], "0.1", "0.02"),
        (ARM, "17500", vec!["0.23"], "0.1", "0.02"),
        (X86, "4375", vec!["0.07"], "0.1", "0.02"),
        (ARM, "4375", vec!["0.06"], "0.1", "0.02"),
    ] {
        let mut used = usage(&[(meter, quantity)]);
        used.insert(REQUESTS.to_string(), dec(millions) * dec("1000000"));
        let bill = bill(&aws(), &used, &terms(None, "730h", false)).unwrap();
        let found: Vec<_> = bill.lines.iter().map(|line| cents(line.cost_usd)).collect();
        let expected: Vec<_> = tiers.into_iter().chain([requests]).map(dec).collect();
        assert_eq!(found, expected, "{meter} {quantity}");
        assert_exact(&bill);
    }
}

/// By hand: 6e9 x 0.0000166667 = 100000.2; 9e9 x 0.000015 = 135000; arm 7.5e9 x 0.0000133334 = 100000.5;
/// 11.25e9 x 0.0000120001 = 135001.125.
#[test]
fn totals_at_the_edges_of_the_tiers() {
    for (meter, quantity, total) in [
        (X86, "5999000000", "99983.5333"),
        (X86, "5999999999", "100000.1999833333"),
        (X86, "6000000000", "100000.2"),
        (X86, "6000000001", "100000.200015"),
        (X86, "14999999999", "235000.199985"),
        (X86, "15000000000", "235000.2"),
        (X86, "15000000001", "235000.2000133334"),
        (ARM, "6000000001", "80000.4000133334"),
        (ARM, "7500000000", "100000.5"),
        (ARM, "7500000001", "100000.5000120001"),
        (ARM, "18750000000", "235001.625"),
        (ARM, "18750000001", "235001.6250106667"),
    ] {
        let bill = bill(&aws(), &usage(&[(meter, quantity)]), &terms(None, "730h", false)).unwrap();
        assert_eq!(bill.total_usd(), dec(total), "{meter} {quantity}");
    }
}

#[test]
fn the_free_tier_comes_before_the_tiers_and_never_makes_a_quantity_negative() {
    let price = |quantity: &str| {
        let used = usage(&[(X86, quantity)]);
        lines(&bill(&aws(), &used, &terms(None, "730h", true)).unwrap())
    };
    assert_eq!(price("0"), ["lambda.duration.x86/1: 0 x 0.0000166667 = 0, free 0"]);
    assert_eq!(
        price("399999.5"),
        ["lambda.duration.x86/1: 0 x 0.0000166667 = 0, free 399999.5"]
    );
    assert_eq!(
        price("400000"),
        ["lambda.duration.x86/1: 0 x 0.0000166667 = 0, free 400000"]
    );
    // Tiers of what is left: 6 billion after the allowance are all in the first.
    assert_eq!(
        price("6000400000"),
        ["lambda.duration.x86/1: 6000000000 x 0.0000166667 = 100000.2, free 400000"]
    );
    assert_eq!(
        price("6000400001"),
        [
            "lambda.duration.x86/1: 6000000000 x 0.0000166667 = 100000.2, free 400000",
            "lambda.duration.x86/2: 1 x 0.000015 = 0.000015, free 0",
        ]
    );
}

#[test]
fn both_architectures_share_one_allowance_by_use() {
    let used = usage(&[(X86, "300000"), (ARM, "100000.000000001")]);
    let bill = bill(&aws(), &used, &terms(None, "730h", true)).unwrap();
    let free: Decimal = bill.lines.iter().map(|line| line.free_quantity).sum();
    assert_eq!(free, dec("400000"));
    let used = usage(&[(X86, "600000"), (ARM, "200000")]);
    let bill = self::bill(&aws(), &used, &terms(None, "730h", true)).unwrap();
    assert_eq!(
        lines(&bill),
        [
            "lambda.duration.arm/1: 100000 x 0.0000133334 = 1.33334, free 100000",
            "lambda.duration.x86/1: 300000 x 0.0000166667 = 5.00001, free 300000",
        ]
    );
}

/// A day of 50 000 requests is a month of 1.5 million: half a million is left after the allowance. Pricing the day first
/// would find all of it free. Likewise half a billion GB-seconds a day reach the second tier.
#[test]
fn quantities_are_scaled_before_the_allowance_and_the_tiers() {
    let day = Some(SimDuration::from_secs(86_400));
    let price = |meter, quantity, free| bill(&aws(), &usage(&[(meter, quantity)]), &terms(day, "720h", free)).unwrap();
    assert_eq!(
        lines(&price(REQUESTS, "50000", true)),
        ["lambda.requests/1: 500000 x 0.0000002 = 0.1, free 1000000"]
    );
    assert_eq!(
        lines(&price(X86, "500000000", false)),
        [
            "lambda.duration.x86/1: 6000000000 x 0.0000166667 = 100000.2, free 0",
            "lambda.duration.x86/2: 9000000000 x 0.000015 = 135000, free 0",
        ]
    );
}

#[test]
fn the_length_of_the_month_is_a_choice() {
    let hour = Some(SimDuration::from_secs(3600));
    for (month, quantity, total) in [
        ("730h", "2628000", "0.5256"),
        ("720h", "2592000", "0.5184"),
        ("744h", "2678400", "0.53568"),
        ("calendar:2026-02", "2419200", "0.48384"),
        ("calendar:2026-12", "2678400", "0.53568"),
    ] {
        let bill = bill(&aws(), &usage(&[(REQUESTS, "3600")]), &terms(hour, month, false)).unwrap();
        assert_eq!(
            (bill.lines[0].quantity, bill.total_usd()),
            (dec(quantity), dec(total)),
            "{month}"
        );
    }
    // A week: 730 / 168 has no end, the quantity is still the nearest nano-unit.
    let week = Some(SimDuration::from_secs(7 * 86_400));
    let bill = bill(&aws(), &usage(&[(REQUESTS, "1000000")]), &terms(week, "730h", false)).unwrap();
    assert_eq!(bill.lines[0].quantity, dec("4345238.095238095"));
    assert_exact(&bill);
}

#[test]
fn whatever_cannot_be_priced_is_an_error() {
    let price = |rows: &[(&str, &str)], terms: &Terms| bill(&aws(), &usage(rows), terms);
    let month = terms(None, "730h", false);
    let error = price(&[("lambda.request", "1")], &month).unwrap_err();
    assert!(matches!(&error, BillError::Price(PriceError::UnknownMeter { .. })));
    assert!(error.hints().concat().contains("lambda.requests"));
    // Nothing used is no excuse for a price that is missing.
    assert!(price(&[("ec2.m5.large", "0")], &month).is_err());
    assert!(matches!(
        price(&[(REQUESTS, "-1")], &month),
        Err(BillError::Negative { .. })
    ));
    let empty = terms(Some(SimDuration::ZERO), "730h", false);
    assert!(matches!(
        price(&[(REQUESTS, "1")], &empty),
        Err(BillError::EmptyWindow { .. })
    ));
    let huge = "7900000000000000000000000000";
    assert!(matches!(price(&[(X86, huge)], &month), Err(BillError::TooLarge { .. })));
    let tiny = terms(Some(SimDuration(1)), "730h", false);
    assert!(matches!(price(&[(X86, huge)], &tiny), Err(BillError::TooLarge { .. })));
}

#[test]
fn a_line_says_where_its_price_is_from() {
    let bill = bill(&aws(), &usage(&[(REQUESTS, "1")]), &Terms::default()).unwrap();
    let line = &bill.lines[0];
    assert_eq!((line.provider.as_str(), line.region.as_str()), ("aws", "us-east-1"));
    assert_eq!(
        (line.cloud_service.as_str(), line.sku.as_str()),
        ("AWS Lambda", "Request")
    );
    assert_eq!(
        (line.unit.as_str(), line.unit_price_usd * line.per),
        ("requests", dec("0.2"))
    );
    assert_eq!(line.price_source, "aws-lambda-page; infracost-lambda");
    assert_eq!(
        (
            line.price_date.to_string().as_str(),
            line.confidence.to_string().as_str()
        ),
        ("2026-11-01", "high")
    );
    assert_eq!(line.price_as_of.map(|date| date.to_string()).as_deref(), Some("2026"));
}

/// Two services of 700 000 requests each: billed apart, both would be free.
#[test]
fn services_of_one_account_share_allowance_and_tiers() {
    let groups = BTreeMap::from([
        ("a".to_string(), usage(&[(REQUESTS, "700000"), (X86, "8000000000")])),
        ("b".to_string(), usage(&[(REQUESTS, "700000"), (X86, "4000000000")])),
        ("idle".to_string(), usage(&[(REQUESTS, "0")])),
    ]);
    let bills = bill_groups(&aws(), &groups, &terms(None, "730h", true)).unwrap();
    let requests = "lambda.requests/1: 200000 x 0.0000002 = 0.04, free 500000";
    assert!(lines(&bills["a"]).contains(&requests.to_string()));
    assert!(lines(&bills["b"]).contains(&requests.to_string()));
    assert_eq!(lines(&bills["idle"]), ["lambda.requests/1: 0 x 0.0000002 = 0, free 0"]);
    let whole = bill(
        &aws(),
        &usage(&[(REQUESTS, "1400000"), (X86, "12000000000")]),
        &terms(None, "730h", true),
    );
    let total: Decimal = bills.values().map(Bill::total_usd).sum();
    assert_eq!(total, whole.unwrap().total_usd());
    bills.values().for_each(assert_exact);
}

#[test]
fn the_mean_bill_multiplies_out_and_counts_absent_lines_as_nothing() {
    let price = |quantity: &str| bill(&aws(), &usage(&[(X86, quantity)]), &Terms::default()).unwrap();
    let mean = Bill::mean(&[price("5000000000"), price("7000000000")]);
    // Tier 1: (5 + 6) / 2, tier 2: (0 + 1) / 2. The mean of the months is 6 billion, which alone would stay in tier 1.
    assert_eq!(
        lines(&mean),
        [
            "lambda.duration.x86/1: 5500000000 x 0.0000166667 = 91666.85, free 0",
            "lambda.duration.x86/2: 500000000 x 0.000015 = 7500, free 0",
        ]
    );
    let thirds = Bill::mean(&[price("1"), price("0"), price("0")]);
    assert_eq!(thirds.lines[0].quantity, dec("0.333333333"));
    assert_exact(&thirds);
    assert_eq!(Bill::mean(&[]), Bill::default());
    assert_eq!(Bill::mean(&[mean.clone()]), mean);
}

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
    /// Walks unit by unit through tiers made up at random.
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
        // No unit is lost: what is billed and what is free is what was used.
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
        // Each group's month is rounded to nano-units on its own, the whole once.
        prop_assert!((total - whole.total_usd()).abs() < dec("0.000000000001"));
        bills.values().for_each(assert_exact);
    }
}
