//! Files for finance departments: `focus.csv`, `infracost.json`, `report.xlsx`. Each holds the same bill as
//! `costs.csv`, line by line.

use std::collections::BTreeMap;

use calamine::{Data, Reader, Xlsx, open_workbook};
use rust_decimal::Decimal;

use crate::common::{Sandbox, table};

type Table = Vec<BTreeMap<String, String>>;

/// Results of a scenario of the sandbox, and its summary.
fn results(scenario: &str) -> (Sandbox, Table) {
    let sandbox = Sandbox::new();
    sandbox.run(&format!("compare {scenario} --quiet --out r")).ok();
    let summary = table(&sandbox.read("r/summary.csv"));
    (sandbox, summary)
}

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap_or_else(|_| panic!("`{text}` is no decimal"))
}

/// The projected cost of each variant, all services together.
fn totals(summary: &Table) -> BTreeMap<String, Decimal> {
    let mut totals = BTreeMap::new();
    for row in summary {
        totals
            .entry(row["variant"].clone())
            .or_insert_with(|| dec(&row["monthly_cost_usd"]));
    }
    totals
}

#[test]
fn every_row_of_focus_holds_what_the_specification_asks_for() {
    for scenario in ["pair.toml", "mall.toml"] {
        let (sandbox, summary) = results(scenario);
        let rows = table(&sandbox.read("r/focus.csv"));
        assert_eq!(rows.len(), table(&sandbox.read("r/costs.csv")).len());
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for row in &rows {
            let number = |column: &str| {
                assert!(row[column].contains('.'), "{column}: {}", row[column]);
                dec(&row[column])
            };
            for column in [
                "BillingPeriodStart",
                "BillingPeriodEnd",
                "ChargePeriodStart",
                "ChargePeriodEnd",
            ] {
                let stamp = &row[column];
                assert!(stamp.len() == 20 && stamp.ends_with("T00:00:00Z"), "{column}: {stamp}");
            }
            assert!(row["ChargePeriodStart"] < row["ChargePeriodEnd"]);
            assert!(row["BillingPeriodStart"] <= row["ChargePeriodStart"]);
            assert!(row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]);
            for (column, allowed) in [
                ("ChargeCategory", &["Usage"][..]),
                ("ChargeFrequency", &["Usage-Based"]),
                ("ChargeClass", &[""]),
                ("PricingCategory", &["Standard", "Dynamic"]),
                ("BillingCurrency", &["USD"]),
                ("BillingAccountType", &["Projection"]),
                ("x_IsProjection", &["true"]),
                (
                    "ServiceCategory",
                    &[
                        "Compute",
                        "Networking",
                        "Storage",
                        "Integration",
                        "Management and Governance",
                    ],
                ),
            ] {
                assert!(allowed.contains(&row[column].as_str()), "{column}: {}", row[column]);
            }
            assert_eq!(number("ListCost"), number("ListUnitPrice") * number("PricingQuantity"));
            assert_eq!(
                number("ContractedCost"),
                number("ContractedUnitPrice") * number("PricingQuantity")
            );
            assert_eq!(number("BilledCost"), number("EffectiveCost"));
            assert!(number("ConsumedQuantity") >= Decimal::ZERO);
            for column in ["Tags", "SkuPriceDetails"] {
                let json: serde_json::Value = serde_json::from_str(&row[column]).unwrap();
                assert!(
                    json.as_object().unwrap().values().all(|value| value.is_string()),
                    "{json}"
                );
            }
            assert!(number("x_CostP05") <= number("x_CostP95"));
            *sums.entry(row["x_Variant"].clone()).or_default() += number("BilledCost");
        }
        assert_eq!(sums, totals(&summary));
    }
}

/// A discount is no part of the list price.
#[test]
fn focus_shows_list_and_contracted_prices() {
    let sandbox = Sandbox::new();
    sandbox
        .run("simulate pair.toml --set 'prices.discounts={\"AWS Lambda\" = \"25%\"}' --quiet --out r")
        .ok();
    let rows = table(&sandbox.read("r/focus.csv"));
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(
            dec(&row["ContractedUnitPrice"]),
            dec(&row["ListUnitPrice"]) * dec("0.75")
        );
        assert_eq!(dec(&row["BilledCost"]), dec(&row["ListCost"]) * dec("0.75"));
    }
}

#[test]
fn infracost_has_the_lines_of_the_bill() {
    let (sandbox, summary) = results("mall.toml");
    let root: serde_json::Value = serde_json::from_str(&sandbox.read("r/infracost.json")).unwrap();
    assert_eq!(
        (root["version"].as_str(), root["currency"].as_str()),
        (Some("0.2"), Some("USD"))
    );
    let text = |value: &serde_json::Value| dec(value.as_str().unwrap());
    let mut lines = 0;
    for project in root["projects"].as_array().unwrap() {
        let breakdown = &project["breakdown"];
        let mut sum = Decimal::ZERO;
        for resource in breakdown["resources"].as_array().unwrap() {
            let components = resource["costComponents"].as_array().unwrap();
            let own: Decimal = components.iter().map(|component| text(&component["monthlyCost"])).sum();
            assert_eq!(own, text(&resource["monthlyCost"]));
            for component in components {
                let product = text(&component["price"]) * text(&component["monthlyQuantity"]);
                assert_eq!(product.normalize(), text(&component["monthlyCost"]).normalize());
            }
            lines += components.len();
            sum += own;
        }
        assert_eq!(sum, text(&breakdown["totalMonthlyCost"]));
        assert_eq!(sum, totals(&summary)[project["name"].as_str().unwrap()]);
    }
    assert_eq!(lines, table(&sandbox.read("r/costs.csv")).len());
}

/// The workbook is read back by another library: numbers are numbers, each line has its product as a formula, and the totals are
/// formulas over the lines.
#[test]
fn the_workbook_multiplies_out_and_adds_up() {
    for scenario in ["pair.toml", "mall.toml"] {
        let (sandbox, summary) = results(scenario);
        let mut book: Xlsx<_> = open_workbook(sandbox.path("r/report.xlsx")).unwrap();
        assert_eq!(book.sheet_names(), ["Summary", "Bill", "Timeline", "Assumptions"]);
        let bill = book.worksheet_range("Bill").unwrap();
        let formulas = book.worksheet_formula("Bill").unwrap();
        let costs = table(&sandbox.read("r/costs.csv"));
        assert_eq!(bill.height(), costs.len() + 1);
        let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
        for (i, line) in costs.iter().enumerate() {
            let row = i + 1;
            let number = |column: usize| match bill.get((row, column)) {
                Some(Data::Float(number)) => *number,
                other => panic!("row {row}, column {column}: {other:?}"),
            };
            let cost: f64 = line["cost_usd"].parse().unwrap();
            assert!((number(9) * number(11) - cost).abs() < 1e-9);
            assert!((number(12) - cost).abs() < 1e-9);
            let formula = formulas.get_value((row as u32, 12)).unwrap();
            assert_eq!(formula.trim_start_matches('='), format!("J{0}*L{0}", row + 1));
            let text = |column: usize| bill.get((row, column)).unwrap().to_string();
            assert_eq!((text(0), text(6)), (line["variant"].clone(), line["meter"].clone()));
            *sums.entry((text(0), text(1))).or_default() += cost;
        }
        let shown = book.worksheet_range("Summary").unwrap();
        let formulas = book.worksheet_formula("Summary").unwrap();
        assert_eq!(shown.height(), summary.len() + 1);
        for (i, row) in summary.iter().enumerate() {
            let formula = formulas.get_value((i as u32 + 1, 12)).unwrap();
            assert!(formula.contains("SUMIFS(Bill!$M$2"), "{formula}");
            let expected: f64 = row["monthly_cost_usd"].parse().unwrap();
            let Some(Data::Float(found)) = shown.get((i + 1, 12)) else {
                panic!("row {i}");
            };
            assert!((found - expected).abs() < 1e-9);
            let of_rows = sums
                .iter()
                .filter(|((variant, service), _)| {
                    *variant == row["variant"] && (formula.matches("Bill!").count() == 2 || *service == row["service"])
                })
                .map(|(_, sum)| sum)
                .sum::<f64>();
            assert!(
                (of_rows - expected).abs() < 1e-9,
                "{formula}: {of_rows} and not {expected}"
            );
        }
        let timeline = book.worksheet_range("Timeline").unwrap();
        assert!(timeline.height() > 2);
    }
}

/// The same study is the same workbook.
#[test]
fn the_workbook_is_the_same_each_time() {
    let bytes = || {
        let (sandbox, _) = results("pair.toml");
        std::fs::read(sandbox.path("r/report.xlsx")).unwrap()
    };
    assert_eq!(bytes(), bytes());
}

/// A budget between what two variants cost: one is above it in every replication, the other in none.
#[test]
fn a_budget_is_compared_with_every_replication() {
    let (_, summary) = results("pair.toml");
    let cost = |row: &BTreeMap<String, String>| row["monthly_cost_usd"].parse::<f64>().unwrap();
    let (less, more) = (
        cost(&summary[0]).min(cost(&summary[1])),
        cost(&summary[0]).max(cost(&summary[1])),
    );
    let sandbox = Sandbox::new();
    let budget = format!("{:.4}", f64::midpoint(less, more));
    sandbox
        .run(&format!(
            "compare pair.toml --set 'prices.budget=\"{budget}\"' --quiet --out r"
        ))
        .ok();
    for row in table(&sandbox.read("r/summary.csv")) {
        let above = cost(&row) > f64::midpoint(less, more);
        assert_eq!(row["budget_overrun_probability"], if above { "1" } else { "0" });
        assert_eq!(dec(&row["budget_usd"]), dec(&budget));
        let [low, middle, high] = ["monthly_cost_p05_usd", "monthly_cost_p50_usd", "monthly_cost_p95_usd"]
            .map(|column| row[column].parse::<f64>().unwrap());
        assert!(low <= middle && middle <= high && low <= cost(&row) && cost(&row) <= high);
        // All requests that violate nothing are fewer than all.
        let per_million = |column: &str| row[column].parse::<f64>().unwrap();
        assert!(per_million("cost_per_million_good_requests_usd") >= per_million("cost_per_million_requests_usd"));
    }
    let ran = sandbox.run("simulate pair.toml --set 'prices.budget=\"-5\"'");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("`prices.budget` is `-5`"), "{ran}");
}

/// A stored result is enough to price it anew. The same list gives the same bill, a discount reduces it by that much,
/// and the length of the month scales it. Both variants have a free allowance.
#[test]
fn a_stored_result_is_priced_anew() {
    for (scenario, allowance) in [("pair.toml", "--free-tier"), ("mall.toml", "")] {
        let (sandbox, summary) = results(scenario);
        let report = |flags: &str| {
            let line = format!("reprice r --prices aws-us-east-1 {flags} --format csv");
            table(&sandbox.run(&line).ok().stdout)
        };
        let same = report(allowance);
        assert_eq!(same.len(), summary.len());
        let cost = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<f64>().unwrap();
        let close = |found: f64, expected: f64| {
            assert!(
                (found - expected).abs() < 1e-7 * expected.max(1.0),
                "{found} and not {expected}"
            )
        };
        for (now, before) in same.iter().zip(&summary) {
            assert_eq!(
                (&now["variant"], &now["service"]),
                (&before["variant"], &before["service"])
            );
            close(cost(now, "monthly_cost_usd"), cost(before, "monthly_cost_usd"));
            close(cost(now, "monthly_cost_usd_low"), cost(before, "monthly_cost_usd_low"));
            close(cost(now, "stored_monthly_cost_usd"), cost(before, "monthly_cost_usd"));
        }
        for (now, before) in report("--discount lambda=25%").iter().zip(&report("")) {
            close(cost(now, "monthly_cost_usd"), 0.75 * cost(before, "monthly_cost_usd"));
        }
        for (now, before) in report("--month 365h").iter().zip(&report("")) {
            close(cost(now, "monthly_cost_usd"), 0.5 * cost(before, "monthly_cost_usd"));
        }
        let lines = report(&format!("{allowance} --lines"));
        assert_eq!(lines, table(&sandbox.read("r/costs.csv")));
    }
    let sandbox = Sandbox::new();
    let none = sandbox.run("reprice none --prices aws-us-east-1");
    assert_eq!(none.code, Some(2), "{none}");
    assert!(none.stderr.contains("none/meters.csv"), "{none}");
}

/// All reports are made again out of what is stored: of several variants, of several services with every function, of a cluster
/// with commitments, and without prices.
#[test]
fn the_reports_of_a_stored_result_are_rebuilt_byte_for_byte() {
    const STORED: [&str; 4] = ["study.json", "manifest.json", "meters.csv", "hours.csv"];
    let shipped = |name: &str| format!("{}/models/scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    let lines = [
        "compare pair.toml --marginal".to_string(),
        "simulate mall.toml --set 'prices.currency=\"EUR=0.92\"'".to_string(),
        format!(
            "simulate {} --set traffic.azure-day.functions=5 --set traffic.azure-day.invocations=2000 --record functions",
            shipped("azure-day.toml")
        ),
        format!(
            "simulate {} --set horizon=30m --set replications=2",
            shipped("eks-committed.toml")
        ),
        "simulate pair.toml --set platform.fixed.replicas=1".to_string(),
    ];
    for line in lines {
        let sandbox = Sandbox::new();
        let told = sandbox.run(&format!("{line} --quiet --out r")).ok();
        let files = || -> BTreeMap<String, Vec<u8>> {
            let names = sandbox.names("r").into_iter();
            names
                .map(|name| (name.clone(), std::fs::read(sandbox.path(&format!("r/{name}"))).unwrap()))
                .collect()
        };
        let before = files();
        for name in before.keys().filter(|name| !STORED.contains(&name.as_str())) {
            std::fs::remove_file(sandbox.path(&format!("r/{name}"))).unwrap();
        }
        let again = sandbox.run("report r --quiet").ok();
        let after = files();
        assert_eq!(
            before.keys().collect::<Vec<_>>(),
            after.keys().collect::<Vec<_>>(),
            "{line}"
        );
        for (name, content) in &before {
            assert!(*content == after[name], "{line}: {name} differs");
        }
        if line.starts_with("compare") {
            assert_eq!(told.stdout, again.stdout);
        }
        sandbox.run("report r --out copy --quiet").ok();
        assert_eq!(sandbox.names("copy"), sandbox.names("r"));
    }
}

#[test]
fn pricing_a_stored_result_is_reprice() {
    let (sandbox, _) = results("pair.toml");
    let ran = sandbox.run("report r --prices aws-us-east-1 --discount lambda=25%");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.stderr.contains("`coldcast reprice r --prices aws-us-east-1`"),
        "{ran}"
    );
    // Without a list it is the one of the run.
    let same = sandbox.run("reprice r --format csv --quiet").ok();
    let named = sandbox
        .run("reprice r --prices aws-us-east-1 --format csv --quiet")
        .ok();
    assert_eq!(same.stdout, named.stdout);
    let none = sandbox.run("report none");
    assert_eq!(none.code, Some(2), "{none}");
    assert!(none.stderr.contains("none/study.json"), "{none}");
    let study = sandbox.read("r/study.json");
    sandbox.write("r/study.json", &study.replacen("\"schema\":1", "\"schema\":99", 1));
    let old = sandbox.run("report r");
    assert!(
        old.code == Some(2) && old.stderr.contains("run the scenario again"),
        "{old}"
    );
}

/// Three services, two of one team and one without: for each tag the rows add up to the bill, and `untagged` is always there.
#[test]
fn the_bill_is_shown_by_tags() {
    let sandbox = Sandbox::new();
    let mall = sandbox.read("mall.toml");
    let first = mall.replacen(
        "[[service]]\n",
        "[[service]]\ntags = { team = \"=front\", stage = \"live\" }\n",
        1,
    );
    assert_ne!(first, mall);
    sandbox.write("tagged.toml", &first);
    sandbox.run("simulate tagged.toml --quiet --out r").ok();
    let rows = table(&sandbox.read("r/showback.csv"));
    let total = dec(&table(&sandbox.read("r/summary.csv"))[0]["monthly_cost_usd"]);
    for tag in ["team", "stage"] {
        let own: Vec<_> = rows.iter().filter(|row| row["tag"] == tag).collect();
        let sum: Decimal = own.iter().map(|row| dec(&row["monthly_cost_usd"])).sum();
        assert_eq!(sum.normalize(), total.normalize());
        assert!(own.iter().any(|row| row["value"] == "untagged"));
        let shares: f64 = own.iter().map(|row| row["share"].parse::<f64>().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-8);
    }
    // What a spreadsheet would take for a formula is none.
    assert!(rows.iter().any(|row| row["value"] == "'=front"), "{rows:?}");
    let focus = table(&sandbox.read("r/focus.csv"));
    assert!(focus.iter().any(|row| row["Tags"].contains("\"stage\":\"live\"")));
    let untagged = first.replace("\"live\"", "\"untagged\"");
    sandbox.write("bad.toml", &untagged);
    let ran = sandbox.run("check bad.toml");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("no tag may have the value `untagged`"), "{ran}");
    // Without tags there is nothing to show.
    sandbox.run("simulate mall.toml --quiet --out s").ok();
    assert!(!sandbox.names("s").contains(&"showback.csv".to_string()));
}

/// In euros at a fixed rate the costs and unit prices of each row are 0.92 of what they are in dollars, and the list's own currency
/// stays beside.
#[test]
fn a_bill_can_be_in_another_currency() {
    let sandbox = Sandbox::new();
    sandbox.run("simulate pair.toml --quiet --out dollars").ok();
    sandbox
        .run("simulate pair.toml --set prices.currency='EUR=0.92' --quiet --out euros")
        .ok();
    let (dollars, euros) = (
        table(&sandbox.read("dollars/focus.csv")),
        table(&sandbox.read("euros/focus.csv")),
    );
    assert!(!dollars.is_empty() && dollars.len() == euros.len());
    for (before, now) in dollars.iter().zip(&euros) {
        assert_eq!(
            (now["BillingCurrency"].as_str(), now["PricingCurrency"].as_str()),
            ("EUR", "USD")
        );
        for column in [
            "BilledCost",
            "EffectiveCost",
            "ListCost",
            "ContractedCost",
            "ListUnitPrice",
            "ContractedUnitPrice",
            "x_CostP95",
        ] {
            assert_eq!(dec(&now[column]), dec(&before[column]) * dec("0.92"), "{column}");
        }
        for column in [
            "PricingCurrencyListUnitPrice",
            "PricingCurrencyEffectiveCost",
            "PricingQuantity",
        ] {
            assert_eq!(now[column], before[column], "{column}");
        }
    }
    assert!(
        sandbox
            .read("euros/report.md")
            .contains("EUR a month, at 0.92 EUR for a US dollar")
    );
    assert!(!sandbox.read("dollars/report.md").contains("another currency"));
    let bill = sandbox.run("bill embedded:example --currency EUR=0.5").ok();
    assert!(bill.stderr.contains("EUR at 0.5 EUR for a US dollar"), "{bill}");
    let bad = sandbox.run("bill embedded:example --currency euro");
    assert_eq!(bad.code, Some(2), "{bad}");
    assert!(bad.stderr.contains("such as EUR=0.92"), "{bad}");
}
