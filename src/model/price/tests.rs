use super::*;
use crate::units::{MemoryMib, MilliCpu};

const GOOD: &str = r#"
schema = 1
provider = "aws"
region = "us-east-1"
currency = "USD"
effective = "2026-01-01"

[sources.page]
title = "a page"
read = "2026"

[[price]]
meter = "lambda.requests"
cloud-service = "AWS Lambda"
sku = "Request"
unit = "requests"
per = "1000000"
usd = "0.20"
source = ["page"]
as-of = "2026-05"
confidence = "high"

[[price]]
meter = "lambda.duration.x86"
cloud-service = "AWS Lambda"
sku = "Lambda-GB-Second"
unit = "GB-second"
per = "1"
tier-to = "100"
usd = "0.0000166667"
source = ["page"]
as-of = "2026"
confidence = "high"

[[price]]
meter = "lambda.duration.x86"
cloud-service = "AWS Lambda"
sku = "Lambda-GB-Second"
unit = "GB-second"
per = "1"
tier-from = "100"
usd = "0.000015"
source = ["page"]
as-of = "2024-07-01"
confidence = "medium"

[[free]]
id = "requests"
meters = ["lambda.requests"]
unit = "requests"
quantity = "1000000"
scope = "account"
source = ["page"]
"#;

#[test]
fn a_good_list_reads() {
    let list = PriceList::parse("good", GOOD).unwrap();
    assert_eq!(list.id, "aws-us-east-1-2026-01-01");
    assert_eq!(list.sha256.len(), 64);
    let requests = list.price("lambda.requests").unwrap();
    assert_eq!(requests.tiers[0].unit_price_usd.to_string(), "0.0000002");
    assert_eq!(requests.tiers[0].usd.to_string(), "0.2");
    let duration = list.price("lambda.duration.x86").unwrap();
    assert_eq!(duration.tiers.len(), 2);
    assert_eq!(duration.oldest().unwrap().to_string(), "2024-07-01");
    assert_eq!(duration.confidence(), Confidence::Medium);
}

/// Each row breaks the good list in one place and has a part of the error message.
#[test]
fn each_problem_has_its_message() {
    let rows = [
        // A blank, absent, negative or made-up price never becomes 0.
        ("usd = \"0.20\"", "usd = \"\"", "usd = \"\" is not a plain decimal"),
        ("usd = \"0.20\"", "usd = \"NaN\"", "usd = \"NaN\" is not"),
        ("usd = \"0.20\"", "usd = \"-0.20\"", "usd = \"-0.20\" is not"),
        ("usd = \"0.20\"", "usd = \"2e-1\"", "usd = \"2e-1\" is not"),
        ("usd = \"0.20\"", "usd = \".20\"", "usd = \".20\" is not"),
        ("usd = \"0.20\"", "usd = \"0.20 USD\"", "is not a plain decimal"),
        ("usd = \"0.20\"", "usd = 0.20", "invalid type: floating point"),
        ("usd = \"0.20\"\n", "", "missing field `usd`"),
        ("usd = \"0.20\"", "usdollars = \"0.20\"", "unknown field `usdollars`"),
        ("per = \"1000000\"", "per = \"0\"", "usd / per must be exact"),
        ("per = \"1000000\"", "per = \"3\"", "usd / per must be exact"),
        ("as-of = \"2026-05\"", "as-of = \"May\"", "`May` is not a date"),
        (
            "source = [\"page\"]\nas-of = \"2026-05\"",
            "source = [\"pge\"]\nas-of = \"2026-05\"",
            "did you mean `page`?",
        ),
        (
            "source = [\"page\"]\nas-of = \"2026-05\"",
            "source = []\nas-of = \"2026-05\"",
            "needs at least one source",
        ),
        (
            "confidence = \"high\"",
            "confidence = \"set-by-hand\"",
            "unknown variant `set-by-hand`",
        ),
        ("sku = \"Request\"", "sku = \" \"", "sku must not be blank"),
        (
            "tier-from = \"100\"",
            "tier-from = \"101\"",
            "no price between 100 and 101",
        ),
        (
            "tier-from = \"100\"",
            "tier-from = \"99\"",
            "two prices overlap from 99 on",
        ),
        ("tier-from = \"100\"\n", "", "two prices overlap from 0 on"),
        (
            "tier-to = \"100\"",
            "tier-from = \"100\"\ntier-to = \"100\"",
            "no price between 0 and 100",
        ),
        (
            "tier-from = \"100\"",
            "tier-from = \"100\"\ntier-to = \"200\"",
            "no price above 200",
        ),
        ("currency = \"USD\"", "currency = \"EUR\"", "must be USD"),
        ("schema = 1", "schema = 2", "schema = 2 is not supported"),
        (
            "effective = \"2026-01-01\"",
            "effective = \"2026\"",
            "`2026` is not a day",
        ),
        (
            "quantity = \"1000000\"",
            "quantity = \"-1\"",
            "quantity = \"-1\" is not",
        ),
        (
            "meters = [\"lambda.requests\"]",
            "meters = [\"lambda.duration.x86\"]",
            "has the unit GB-second and not requests",
        ),
        (
            "meters = [\"lambda.requests\"]",
            "meters = [\"lambda\"]",
            "`lambda` has no price",
        ),
        ("meters = [\"lambda.requests\"]", "meters = []", "at least one meter"),
    ];
    for (good, bad, expected) in rows {
        assert!(GOOD.contains(good), "{good}");
        let error = PriceList::parse("bad", &GOOD.replacen(good, bad, 1)).expect_err(bad);
        assert!(error.to_string().contains(expected), "{bad}: {error}");
    }
}

#[test]
fn all_problems_come_together_with_their_lines() {
    let text = GOOD
        .replace("usd = \"0.20\"", "usd = \"\"")
        .replace("usd = \"0.000015\"", "usd = \"?\"");
    match PriceList::parse("bad", &text) {
        Err(PriceError::Invalid { problems, .. }) => {
            assert!(problems[0].starts_with("bad line 12 (lambda.requests)"), "{problems:?}");
            assert!(
                problems[1].starts_with("bad line 35 (lambda.duration.x86)"),
                "{problems:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_price_is_an_error_with_the_nearest_names() {
    let list = PriceList::find("aws-us-east-1").unwrap();
    let error = list.price("lambda.duration").unwrap_err();
    assert!(error.to_string().contains("has no price for meter `lambda.duration`"));
    let hint = error.hints().concat();
    assert!(
        hint.contains("lambda.duration.arm") && hint.contains("lambda.duration.x86"),
        "{hint}"
    );
}

#[test]
fn lists_are_found_by_id_by_prefix_and_by_path() {
    let newest = PriceList::find("aws-us-east-1").unwrap();
    assert_eq!(PriceList::find(&newest.id).unwrap(), newest);
    // A path is one file, and this list has no other files.
    let tier_2 = PriceList::find("gcp-europe-west3").unwrap();
    let path = format!("{}/models/prices/{}.toml", env!("CARGO_MANIFEST_DIR"), tier_2.id);
    assert_eq!(PriceList::find(&path).unwrap().sha256, tier_2.sha256);
    let error = PriceList::find("aws-us-est-1").unwrap_err();
    assert!(error.hints().concat().contains(&newest.id));
    assert!(
        PriceList::find("aws").is_err(),
        "a prefix must be a whole provider and region"
    );
    assert!(matches!(PriceList::find("no/such.toml"), Err(PriceError::Read { .. })));
}

#[test]
fn every_built_in_list_is_valid_and_named_after_its_header() {
    for id in PriceList::ids() {
        match PriceList::find(id) {
            Ok(list) => assert_eq!(list.id, id),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_list_may_be_spread_over_files() {
    let (head, tail) = GOOD.split_at(GOOD.find("[[price]]\nmeter = \"lambda.duration").unwrap());
    let (header, _) = GOOD.split_at(GOOD.find("[sources.page]").unwrap());
    // The second file uses a source and a meter of the first.
    let more = format!("{header}[sources]\n{tail}");
    let whole = PriceList::parse("whole", GOOD).unwrap();
    let spread = file::build("spread", &[("one", head), ("two", &more)]).unwrap();
    assert_eq!(spread.meters, whole.meters);
    assert_eq!(spread.free, whole.free);
    let other = more.replace("us-east-1", "eu-west-1");
    let error = file::build("spread", &[("one", head), ("two", &other)]).unwrap_err();
    assert!(error.to_string().contains("two: the header differs from that of one"));
}

#[test]
fn a_price_can_be_set_by_hand_in_the_quoted_unit() {
    let mut list = PriceList::find("aws-us-east-1").unwrap();
    list.set_price("lambda.requests", "0.40").unwrap();
    let tier = &list.price("lambda.requests").unwrap().tiers[0];
    assert_eq!(tier.unit_price_usd.to_string(), "0.0000004");
    assert_eq!(tier.confidence.to_string(), "set-by-hand");
    assert!(matches!(
        list.set_price("lambda.requests", ""),
        Err(PriceError::BadPrice { .. })
    ));
    assert!(matches!(
        list.set_price("lambda.request", "1"),
        Err(PriceError::UnknownMeter { .. })
    ));
}

/// A commitment's discount is a share of the prices of meters in the list, and no two discounts cover one meter.
#[test]
fn discounts_of_commitments_are_checked() {
    let offer = |discount: &str, meters: &str| {
        format!(
            "\n[[commitment]]\nkind = \"compute-savings-plan\"\nterm = \"1y\"\nmeters = [{meters}]\ndiscount = \"{discount}\"\n\
             source = [\"page\"]\nas-of = \"2026\"\nconfidence = \"low\"\n"
        )
    };
    let good = format!("{GOOD}{}", offer("0.12", "\"lambda.duration.\""));
    let list = PriceList::parse("good", &good).unwrap();
    let of = |term, meter| list.commitment_discount(CommitmentKind::ComputeSavingsPlan, term, meter);
    assert_eq!(
        of(Term::OneYear, "lambda.duration.x86")
            .map(|offer| offer.discount.to_string())
            .as_deref(),
        Some("0.12")
    );
    assert_eq!(of(Term::ThreeYears, "lambda.duration.x86"), None);
    assert_eq!(of(Term::OneYear, "lambda.requests"), None);
    for (more, expected) in [
        (
            offer("1", "\"lambda.requests\""),
            "must be a share of at least 0 and below 1",
        ),
        (
            offer("-0.1", "\"lambda.requests\""),
            "must be a share of at least 0 and below 1",
        ),
        (offer("0.1", ""), "at least one meter"),
        (offer("0.1", "\"ec2.\""), "no meter begins with `ec2.`"),
        (offer("0.1", "\"lambda.\""), "covers meter `lambda.duration.x86`"),
    ] {
        let error = PriceList::parse("bad", &format!("{good}{more}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn names_of_the_provider_and_the_region_are_data() {
    let list = PriceList::parse("good", GOOD).unwrap();
    assert_eq!((list.provider_name.as_str(), list.region_name), ("aws", None));
    let named = GOOD.replace(
        "region = \"us-east-1\"",
        "region = \"us-east-1\"\nprovider-name = \"AWS\"\nregion-name = \"N. Virginia\"",
    );
    let list = PriceList::parse("named", &named).unwrap();
    assert_eq!(list.provider_name, "AWS");
    assert_eq!(list.region_name.as_deref(), Some("N. Virginia"));
    let (header, _) = named.split_at(named.find("[sources.page]").unwrap());
    let other = format!("{}[sources]\n", header.replace("N. Virginia", "Ohio"));
    let error = file::build("spread", &[("one", &named), ("two", &other)]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("two: region-name = `Ohio`, but another file of the list has `N. Virginia`"),
        "{error}"
    );
    for id in PriceList::ids() {
        let list = PriceList::find(id).unwrap();
        assert!(list.region_name.is_some(), "{id} needs `region-name`");
        assert_ne!(list.provider_name, list.provider, "{id} needs `provider-name`");
    }
}

#[test]
fn a_machine_type_is_found_by_its_size() {
    let host = |memory: &str, meter: &str| {
        format!("\n[[billing.host]]\ncpu = \"2\"\nmemory = \"{memory}\"\nmeter = \"{meter}\"\n")
    };
    let good = format!("{GOOD}{}", host("4Gi", "lambda.requests"));
    let list = PriceList::parse("good", &good).unwrap();
    let meter = |memory| list.host_meter(MilliCpu(2_000), MemoryMib(memory));
    assert_eq!(meter(4_096), Some("lambda.requests"));
    assert_eq!(meter(8_192), None);
    for (more, expected) in [
        (host("8Gi", "no.such"), "(billing.host): meter `no.such` has no price"),
        (host("4Gi", "lambda.requests"), "another row has the same size"),
    ] {
        let error = PriceList::parse("bad", &format!("{good}{more}")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
