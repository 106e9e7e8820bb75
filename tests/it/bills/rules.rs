//! The rules of a bill: allowance, scaling, month, shared accounts, means and errors.

use super::*;
use coldcast::cost::bill::{BillError, bill};
use coldcast::cost::bill_groups;
use coldcast::model::price::PriceError;

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
    // The tiers apply to the rest: 6 billion after the allowance are all in the first tier.
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
    let bill = coldcast::cost::bill::bill(&aws(), &used, &terms(None, "730h", true)).unwrap();
    assert_eq!(
        lines(&bill),
        [
            "lambda.duration.arm/1: 100000 x 0.0000133334 = 1.33334, free 100000",
            "lambda.duration.x86/1: 300000 x 0.0000166667 = 5.00001, free 300000",
        ]
    );
}

/// A day of 50 000 requests is a month of 1.5 million, of which half a million is billed after the allowance. If the day were priced
/// first, all of it would be free. In the same way, half a billion GB-seconds a day reach the second tier.
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
    // A week: 730 / 168 has infinitely many decimals, and the quantity is the nearest nano-unit.
    let week = Some(SimDuration::from_secs(7 * 86_400));
    let bill = bill(&aws(), &usage(&[(REQUESTS, "1000000")]), &terms(week, "730h", false)).unwrap();
    assert_eq!(bill.lines[0].quantity, dec("4345238.095238095"));
    assert_exact(&bill);
}

#[test]
fn quantities_that_cannot_be_priced_are_errors() {
    let price = |rows: &[(&str, &str)], terms: &Terms| bill(&aws(), &usage(rows), terms);
    let month = terms(None, "730h", false);
    let error = price(&[("lambda.request", "1")], &month).unwrap_err();
    assert!(matches!(&error, BillError::Price(PriceError::UnknownMeter { .. })));
    assert!(error.hints().concat().contains("lambda.requests"));
    // A missing price is an error even if the quantity is 0.
    assert!(price(&[("ec2.none.huge", "0")], &month).is_err());
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
fn a_line_has_the_source_of_its_price() {
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

/// Two services of 700 000 requests each. If they were billed separately, both would be free.
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
fn the_mean_bill_is_exact_and_counts_missing_lines_as_zero() {
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
    assert_eq!(Bill::mean(std::slice::from_ref(&mean)), mean);
}
