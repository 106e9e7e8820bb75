//! Commitments: the worked hour of the vendor's guide, bills of scenarios, `report`, `advise`, and what finance reads of them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::common::{Sandbox, table};

type Table = Vec<BTreeMap<String, String>>;

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap_or_else(|_| panic!("`{text}` is no decimal"))
}

fn sum(rows: &Table, column: &str, of: impl Fn(&BTreeMap<String, String>) -> bool) -> Decimal {
    let sum: Decimal = rows.iter().filter(|row| of(row)).map(|row| dec(&row[column])).sum();
    sum.normalize()
}

/// Illustrative prices of the guide, under the names that meters have here.
const GUIDE: &str = r#"schema = 1
provider = "aws"
region = "guide"
currency = "USD"
effective = "2026-01-01"

[sources.guide]
title = "AWS Savings Plans User Guide"
read = "2026"
"#;

fn price(meter: &str, unit: &str, usd: &str) -> String {
    format!(
        "\n[[price]]\nmeter = \"{meter}\"\ncloud-service = \"AWS\"\nunit = \"{unit}\"\nper = \"1\"\nusd = \"{usd}\"\n\
         source = [\"guide\"]\nas-of = \"2026\"\nconfidence = \"high\"\n"
    )
}

/// AWS Savings Plans User Guide, "Understanding how Savings Plans apply to your usage", scenario 3: 19.60 dollars an hour cover
/// r5.4xlarge (30% saved) and Fargate (25%) to the cent, and leave Windows instances (18%) and Lambda (15%) on demand.
fn guide() -> Sandbox {
    let sandbox = Sandbox::new();
    let list = [
        ("ec2.r5.4xlarge", "instance-hour", "1"),
        ("ec2.m5.24xlarge", "instance-hour", "10"),
        ("fargate.vcpu.x86", "vCPU-hour", "0.04"),
        ("fargate.memory.x86", "GB-hour", "0.004"),
        ("lambda.duration.x86", "GB-second", "0.000015"),
        ("lambda.requests", "requests", "0.0000002"),
    ]
    .map(|(meter, unit, usd)| price(meter, unit, usd));
    sandbox.write("guide.toml", &format!("{GUIDE}{}", list.concat()));
    let rates = r#"[[commitment]]
kind = "compute-savings-plan"
hourly = "19.60"

[commitment.rates]
"ec2.r5.4xlarge" = "0.7"
"ec2.m5.24xlarge" = "8.2"
"fargate.vcpu.x86" = "0.03"
"fargate.memory.x86" = "0.003"
"lambda.duration.x86" = "0.00001275"
"#;
    sandbox.write("plan.toml", rates);
    sandbox
}

const HOUR: &str = "ec2.r5.4xlarge,4,1\nec2.m5.24xlarge,1,1\nfargate.vcpu.x86,400,1\nfargate.memory.x86,1600,1\n\
                    lambda.requests,1000000,1\nlambda.duration.x86,1500000,1\n";

#[test]
fn the_guides_hour_comes_out_to_the_cent() {
    let sandbox = guide();
    sandbox.write("usage.csv", &format!("meter,quantity,hour\n{HOUR}"));
    let ran = sandbox
        .run("bill usage.csv --prices guide.toml --commitments plan.toml")
        .ok();
    let rows = table(&ran.stdout);
    let role = |name: &'static str| move |row: &BTreeMap<String, String>| row["commitment_role"] == name;
    assert_eq!(sum(&rows, "cost_usd", |_| true), dec("52.3"), "{ran}");
    assert_eq!(sum(&rows, "cost_usd", role("purchase")), dec("19.6"));
    assert_eq!(sum(&rows, "cost_usd", role("")), dec("32.7"));
    assert_eq!(sum(&rows, "effective_cost_usd", role("covered")), dec("19.6"));
    assert!(!rows.iter().any(|row| row["commitment_role"] == "unused"), "{ran}");
    let on_demand = |meter: &str| {
        sum(&rows, "cost_usd", |row| {
            row["meter"] == meter && row["commitment"].is_empty()
        })
    };
    assert_eq!(on_demand("ec2.m5.24xlarge"), dec("10"));
    assert_eq!(on_demand("lambda.duration.x86"), dec("22.5"));
    assert_eq!(on_demand("lambda.requests"), dec("0.2"));
    assert_eq!(on_demand("fargate.vcpu.x86"), Decimal::ZERO);
}

/// With a dollar less Fargate's vCPU, which saves as much as its memory at a higher rate, is what is not covered.
#[test]
fn of_equal_savings_the_lower_rate_is_covered_first() {
    let sandbox = guide();
    sandbox.write("usage.csv", &format!("meter,quantity,hour\n{HOUR}"));
    let plan = sandbox.read("plan.toml").replace("19.60", "18.60");
    sandbox.write("less.toml", &plan);
    let ran = sandbox
        .run("bill usage.csv --prices guide.toml --commitments less.toml")
        .ok();
    let rows = table(&ran.stdout);
    let on_demand = |meter: &str| {
        sum(&rows, "quantity", |row| {
            row["meter"] == meter && row["commitment"].is_empty()
        })
    };
    assert_eq!(on_demand("fargate.memory.x86"), Decimal::ZERO, "{ran}");
    // A dollar at 0.03 is 33.33 vCPU-hours.
    let left = on_demand("fargate.vcpu.x86");
    assert!((left - dec("33.333333334")).abs() < dec("0.00000001"), "{left}");
}

/// Two hours, one without any use: half of the money is lost. Without a column of hours the same use is spread over the month and
/// all of it is covered.
#[test]
fn an_idle_hour_wastes_its_commitment() {
    let sandbox = guide();
    sandbox.write(
        "plan.toml",
        "[[commitment]]\nkind = \"compute-savings-plan\"\nhourly = \"0.7\"\nrates = { \"ec2.r5.4xlarge\" = \"0.7\" }\n",
    );
    sandbox.write(
        "hours.csv",
        "meter,quantity,hour\nec2.r5.4xlarge,2,a\nec2.r5.4xlarge,0,b\n",
    );
    let hours = table(
        &sandbox
            .run("bill hours.csv --prices guide.toml --commitments plan.toml")
            .ok()
            .stdout,
    );
    // Twice 0.7 committed, one node-hour on demand.
    assert_eq!(sum(&hours, "cost_usd", |_| true), dec("2.4"));
    assert_eq!(sum(&hours, "effective_cost_usd", |_| true), dec("2.4"));
    assert_eq!(
        sum(&hours, "effective_cost_usd", |row| row["commitment_role"] == "unused"),
        dec("0.7")
    );
    sandbox.write("month.csv", "meter,quantity\nec2.r5.4xlarge,730\n");
    let ran = sandbox
        .run("bill month.csv --prices guide.toml --commitments plan.toml")
        .ok();
    assert_eq!(sum(&table(&ran.stdout), "cost_usd", |_| true), dec("511"));
    assert!(ran.stderr.contains("spread evenly over the month"), "{ran}");
}

#[test]
fn a_bad_file_of_commitments_is_told_of() {
    let sandbox = guide();
    sandbox.write("usage.csv", "meter,quantity\nec2.r5.4xlarge,1\n");
    for (text, part) in [
        ("", "bad.toml: there is no [[commitment]]"),
        (
            "[[commitment]]\nkind = \"spending-plan\"\n",
            "unknown variant `spending-plan`",
        ),
        (
            "[[commitment]]\nkind = \"compute-savings-plan\"\nhourly = \"1\"\nhour = 2\n",
            "unknown field `hour`",
        ),
        (
            "[[commitment]]\nkind = \"compute-savings-plan\"\nhourly = \"1\"\n",
            "bad.toml: commitment 1: price list",
        ),
    ] {
        sandbox.write("bad.toml", text);
        let ran = sandbox.run("bill usage.csv --prices guide.toml --commitments bad.toml");
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
    let ran = sandbox.run("bill usage.csv --prices guide.toml --commitments none.toml");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("cannot read none.toml"), "{ran}");
}

/// A commitment on Lambda for the mall over three hours.
const PLAN: &str = "\n[[prices.commitments]]\nkind = \"compute-savings-plan\"\nterm = \"3y\"\nhourly = \"0.02\"\n";

fn mall() -> Sandbox {
    let sandbox = Sandbox::new();
    let mall = sandbox
        .read("mall.toml")
        .replace("horizon = \"20m\"", "horizon = \"3h\"");
    sandbox.write("long.toml", &mall);
    sandbox.write(
        "committed.toml",
        &mall.replace(
            "[[service]]\nname = \"checkout\"",
            &format!("{PLAN}\n[[service]]\nname = \"checkout\""),
        ),
    );
    sandbox
}

#[test]
fn a_scenario_with_a_commitment_pays_it_whatever_is_used() {
    let sandbox = mall();
    sandbox.run("simulate long.toml --quiet --out r").ok();
    let ran = sandbox.run("simulate committed.toml --assumptions --out c").ok();
    assert!(
        ran.stderr
            .contains("commitment `compute-savings-plan`: 0.02 US dollars for each hour"),
        "{ran}"
    );
    let (without, with) = (table(&sandbox.read("r/costs.csv")), table(&sandbox.read("c/costs.csv")));
    let total = dec(&table(&sandbox.read("c/summary.csv"))[0]["monthly_cost_usd"]);
    assert_eq!(sum(&with, "cost_usd", |_| true), total.normalize());
    let purchased = sum(&with, "cost_usd", |row| row["commitment_role"] == "purchase");
    assert_eq!(purchased, dec("14.6"), "730 hours");
    let effective = sum(&with, "effective_cost_usd", |_| true);
    assert!((effective - total).abs() < dec("0.00000001"), "{effective} and {total}");
    // The summary has both sums, and without a commitment neither.
    let summary = table(&sandbox.read("c/summary.csv"));
    let shown = |column: &str| summary[0][column].parse::<f64>().unwrap();
    let unused = sum(&with, "effective_cost_usd", |row| row["commitment_role"] == "unused");
    assert!((shown("commitment_cost_usd") - 14.6).abs() < 1e-6);
    let unused: f64 = unused.to_string().parse().unwrap();
    assert!((shown("unused_commitment_cost_usd") - unused).abs() < 1e-6, "{unused}");
    assert_eq!(table(&sandbox.read("r/summary.csv"))[0]["commitment_cost_usd"], "");
    // What was used is the same with and without.
    for meter in ["lambda.requests", "lambda.duration.x86"] {
        let of = |rows: &Table| sum(rows, "quantity", |row| row["meter"] == meter);
        assert!((of(&with) - of(&without)).abs() < dec("0.0000001"), "{meter}");
    }
    assert!(
        !with
            .iter()
            .any(|row| row["meter"] == "lambda.requests" && !row["commitment"].is_empty())
    );
    // The stored run without it, priced with it, costs the same.
    let plan = PLAN.replace("prices.commitments", "commitment");
    sandbox.write("plan.toml", &plan);
    let report = sandbox
        .run("reprice r --prices aws-us-east-1 --commitments plan.toml --quiet --format csv")
        .ok();
    let again = table(&report.stdout);
    let (again, total) = (dec(&again[0]["monthly_cost_usd"]), total.round_dp(9));
    assert!((again - total).abs() < dec("0.0000001"), "{again} and {total}");
}

/// The hours add up to the whole, and there are as many as the run has.
#[test]
fn the_hours_add_up() {
    let sandbox = mall();
    sandbox.run("simulate long.toml --quiet --out r").ok();
    let (meters, hours) = (
        table(&sandbox.read("r/meters.csv")),
        table(&sandbox.read("r/hours.csv")),
    );
    for row in &meters {
        let same = |other: &BTreeMap<String, String>| {
            ["variant", "service", "replication", "meter"]
                .iter()
                .all(|column| other[*column] == row[*column])
        };
        let sum = sum(&hours, "quantity", same);
        assert!(
            (sum - dec(&row["quantity"])).abs() < dec("0.000000001"),
            "{row:?}: {sum}"
        );
    }
    let mut begins: Vec<&str> = hours.iter().map(|row| row["from_s"].as_str()).collect();
    begins.sort_unstable();
    begins.dedup();
    assert_eq!(begins, ["3600", "60", "7200"]);
    assert!(
        hours
            .iter()
            .all(|row| row["length_s"] == if row["from_s"] == "60" { "3540" } else { "3600" })
    );
}

#[test]
fn finance_can_follow_a_commitment() {
    let sandbox = mall();
    sandbox.run("simulate committed.toml --quiet --out c").ok();
    let rows = table(&sandbox.read("c/focus.csv"));
    let number = |row: &BTreeMap<String, String>, column: &str| dec(&row[column]);
    let mut purchased = Decimal::ZERO;
    let mut spread = Decimal::ZERO;
    for row in &rows {
        assert!(
            (number(row, "ListCost") - number(row, "ListUnitPrice") * number(row, "PricingQuantity")).abs()
                < dec("0.000000001")
        );
        let contracted = number(row, "ContractedUnitPrice") * number(row, "PricingQuantity");
        assert!((number(row, "ContractedCost") - contracted).abs() < dec("0.000000001"));
        match (row["ChargeCategory"].as_str(), row["CommitmentDiscountStatus"].as_str()) {
            ("Purchase", "") => {
                assert_eq!(
                    (row["PricingCategory"].as_str(), row["ChargeFrequency"].as_str()),
                    ("Standard", "Recurring")
                );
                assert!(number(row, "BilledCost") > Decimal::ZERO && number(row, "EffectiveCost").is_zero());
                assert_eq!(row["ConsumedQuantity"], "");
                purchased += number(row, "BilledCost");
            }
            ("Usage", "Used" | "Unused") => {
                assert_eq!(row["PricingCategory"], "Committed");
                assert!(number(row, "BilledCost").is_zero() && number(row, "EffectiveCost") > Decimal::ZERO);
                assert_eq!(row["CommitmentDiscountUnit"], "USD");
                spread += number(row, "EffectiveCost");
            }
            ("Usage", "") => {
                assert_eq!(row["CommitmentDiscountId"], "");
                assert_eq!(number(row, "BilledCost"), number(row, "EffectiveCost"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(purchased > Decimal::ZERO);
    assert!(
        (purchased - spread).abs() < dec("0.00000001"),
        "{purchased} and {spread}"
    );
    // Without commitments there are no such columns.
    sandbox.run("simulate long.toml --quiet --out r").ok();
    assert!(!sandbox.read("r/focus.csv").contains("CommitmentDiscount"));
}

#[test]
fn a_plan_is_advised_on() {
    let sandbox = mall();
    sandbox.run("simulate long.toml --quiet --out r").ok();
    let ran = sandbox.run("advise r --term 3y --format csv").ok();
    let rows = table(&ran.stdout);
    assert!(ran.stderr.contains("compute-savings-plan for 3y"), "{ran}");
    let best: Vec<_> = rows.iter().filter(|row| row["best"] == "best").collect();
    assert_eq!(best.len(), 1, "{ran}");
    let cost = |row: &BTreeMap<String, String>| dec(&row["monthly_cost_usd"]);
    assert!(rows.iter().all(|row| cost(row) >= cost(best[0])), "{ran}");
    assert!(cost(best[0]) < cost(&rows[0]), "steady use is worth a plan: {ran}");
    assert_eq!(rows[0]["commitment_usd_per_hour"], "0");
    assert_eq!(rows[0]["used_ratio"], "");
    // The row of the level in the file says what a scenario with that commitment costs.
    let report = sandbox
        .run("reprice r --prices aws-us-east-1 --quiet --format csv")
        .ok();
    let stored = dec(&table(&report.stdout)[0]["monthly_cost_usd"]);
    assert!((cost(&rows[0]) - stored).abs() < dec("0.006"), "{ran}");
    for (flags, part) in [
        ("advise r --kind reserved-instances", "`advise` knows savings plans"),
        ("advise r --kind savings", "invalid value 'savings'"),
        ("advise r --kind ec2-instance-savings-plan", "needs `family`"),
        ("advise r --less 1.5", "write --less 30%"),
        ("advise r --rate fargate.vcpu.x86", "has no `=`"),
        ("advise none", "none/meters.csv"),
        ("advise r --prices gcp-us-central1", "has no meter that"),
    ] {
        let ran = sandbox.run(flags);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(part), "{flags}: {ran}");
    }
}
