//! Published examples, and the edges of tiers, calculated by hand.

use super::*;
use coldcast::cost::bill::bill;
use coldcast::cost::lambda;

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
/// Billed?") at 1024 MB. The cost is far below a cent, and all digits are kept.
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

/// infracost, test output of its Cloud Run resource (2024-07-01), request-based billing in a region of tier 2: 500,000
/// requests of 3.6 s, one at a time on 1 vCPU and 0.5 GiB.
#[test]
fn published_month_of_cloud_run() {
    let mut list = PriceList::find("gcp-us-central1").unwrap();
    list.set_price("cloud-run.request.cpu", "0.0000336").unwrap();
    list.set_price("cloud-run.request.memory", "0.0000035").unwrap();
    let steps = list.steps("cloud-run-request").unwrap();
    let seconds = Decimal::from(500_000 * steps.billed_ms(SimDuration::from_millis(3_600))) / dec("1000");
    let used = BTreeMap::from([
        ("cloud-run.request.cpu".to_string(), seconds),
        ("cloud-run.request.memory".to_string(), seconds / dec("2")),
        ("cloud-run.request.requests".to_string(), dec("500000")),
    ]);
    let bill = bill(&list, &used, &terms(None, "730h", false)).unwrap();
    let printed: Vec<Decimal> = bill.lines.iter().map(|line| cents(line.cost_usd)).collect();
    assert_eq!(printed, [dec("60.48"), dec("3.15"), dec("0.20")]);
    assert_eq!(printed.iter().sum::<Decimal>(), dec("63.83"));
    assert_exact(&bill);
}

/// infracost, test output of its function app resource (2024-07-01): 3,540,123 executions of 495 ms at 490 MB on the
/// Consumption plan.
#[test]
fn published_month_of_azure_functions() {
    let list = PriceList::find("azure-eastus").unwrap();
    let steps = list.steps("azure-functions").unwrap();
    let mib = steps.billed_mib(490.0 * 1_048_576.0);
    let ms = steps.billed_ms(SimDuration::from_millis(495));
    let gb_seconds = Decimal::from(3_540_123 * mib * ms) / dec("1024000");
    assert_eq!(gb_seconds.normalize(), dec("876180.4425"));
    let used = BTreeMap::from([
        ("functions.consumption.duration".to_string(), gb_seconds),
        ("functions.consumption.executions".to_string(), dec("3540123")),
    ]);
    let bill = bill(&list, &used, &terms(None, "730h", false)).unwrap();
    let printed: Vec<Decimal> = bill.lines.iter().map(|line| cents(line.cost_usd)).collect();
    assert_eq!(printed, [dec("14.02"), dec("0.71")]);
    assert_exact(&bill);
}
