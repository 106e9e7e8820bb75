//! Result files: their columns, and the identities that hold in every row.

use std::collections::BTreeMap;

use crate::common::{Sandbox, table};
use rust_decimal::Decimal;

type Cells = BTreeMap<String, String>;

const SUMMARY: &str = "scenario, variant, service, framework, platform, replications, seed, horizon_s, requests, completed, \
    rejected, timed_out, failed, cold_starts, cold_start_ratio, latency_mean_ms, latency_p50_ms, latency_p90_ms, \
    latency_p95_ms, latency_p99_ms, latency_p999_ms, latency_max_ms, slo_latency_ms, slo_objective, slo_violations, \
    slo_violation_ratio, slo_met, instances_mean, instances_peak, busy_mean, idle_mean, instance_lifespan_mean_s, \
    instances_created, nodes_mean, nodes_peak, cpu_utilisation_mean, monthly_cost_usd, cost_per_million_requests_usd, \
    cold_start_cost_usd, idle_cost_usd, price_list, price_date, profile_source";

const COSTS: &str = "scenario, variant, service, provider, cloud_service, region, sku, meter, quantity, free_quantity, unit, \
    unit_price_usd, tier, cost_usd, price_source, price_date, confidence";

const TIMELINE: &str = "variant, service, t_s, arrivals, completed, rejected, cold_starts, queue, instances, busy, starting, \
    nodes, latency_p50_ms, latency_p99_ms, cost_usd";

/// Every kind of run: random and constant times, one service and several, with and without prices, rejections and time-outs.
const RUNS: [&str; 9] = [
    "simulate shop.toml",
    "simulate mall.toml",
    "compare pair.toml",
    "simulate pair.toml --set replications=1",
    "simulate pair.toml --set platform.lambda.timeout=1s --set prices.free-tier=false",
    "simulate mall.toml --set platform.lambda.reserved-concurrency=1 --set prices.free-tier=true",
    "simulate pair.toml --set platform.scale-per-request.max-instances=2",
    "simulate pair.toml --set platform.fixed.replicas=1 --set platform.fixed.queue-timeout=500ms",
    "simulate shop.toml --set warm-up=599s",
];

fn columns(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).collect()
}

fn decimal(row: &Cells, column: &str) -> Decimal {
    row[column]
        .parse()
        .unwrap_or_else(|e| panic!("{column} is `{}`: {e}", row[column]))
}

fn runs(mut each: impl FnMut(&str, &Sandbox)) {
    for line in RUNS {
        let sandbox = Sandbox::new();
        sandbox.run(&format!("{line} --quiet --out r")).ok();
        each(line, &sandbox);
    }
}

#[test]
fn columns_are_those_of_the_contract() {
    runs(|line, sandbox| {
        for (file, list) in [
            ("summary.csv", SUMMARY),
            ("costs.csv", COSTS),
            ("timeline.csv", TIMELINE),
        ] {
            let text = sandbox.read(&format!("r/{file}"));
            let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
            for column in columns(list) {
                assert_eq!(
                    header.iter().filter(|&&name| name == column).count(),
                    1,
                    "{line}: {file}: {column}"
                );
            }
            let mut once = header.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), header.len(), "{line}: {file} has a column twice");
            assert!(text.ends_with('\n') && !text.contains('\r'));
        }
    });
}

#[test]
fn every_request_has_one_end() {
    runs(|line, sandbox| {
        for row in table(&sandbox.read("r/summary.csv")) {
            let ends = ["completed", "rejected", "timed_out", "failed"];
            let sum: Decimal = ends.iter().map(|column| decimal(&row, column)).sum();
            assert_eq!(decimal(&row, "requests"), sum, "{line}: {row:?}");
        }
    });
}

#[test]
fn the_bill_is_the_sum_of_lines_that_multiply_out() {
    runs(|line, sandbox| {
        let lines = table(&sandbox.read("r/costs.csv"));
        let mut priced = 0;
        for row in table(&sandbox.read("r/summary.csv")) {
            let own = |cost: &&Cells| {
                cost["variant"] == row["variant"] && (row["service"] == "all" || cost["service"] == row["service"])
            };
            let own: Vec<&Cells> = lines.iter().filter(own).collect();
            if row["monthly_cost_usd"].is_empty() {
                assert!(own.is_empty(), "{line}: {row:?}");
                continue;
            }
            priced += 1;
            let sum: Decimal = own.iter().map(|cost| decimal(cost, "cost_usd")).sum();
            assert_eq!(decimal(&row, "monthly_cost_usd"), sum, "{line}: {}", row["service"]);
        }
        assert_eq!(priced > 0, !lines.is_empty());
        for cost in &lines {
            let product = decimal(cost, "quantity")
                .checked_mul(decimal(cost, "unit_price_usd"))
                .unwrap();
            assert_eq!(decimal(cost, "cost_usd"), product, "{line}: {cost:?}");
            assert!(cost["price_date"].len() == 10 && !cost["price_source"].is_empty() && !cost["sku"].is_empty());
        }
    });
}

#[test]
fn the_bill_can_be_worked_out_by_hand() {
    let sandbox = Sandbox::new();
    sandbox.run("simulate shop.toml --quiet --out r --set warm-up=9m").ok();
    // The last minute has 60 warm requests (second 540 to 599): one a second, so 730 * 3600 a month, of 100 ms at half a
    // GB each.
    let lines = table(&sandbox.read("r/costs.csv"));
    let line = |meter: &str| lines.iter().find(|line| line["meter"] == meter).unwrap();
    assert_eq!(line("lambda.requests")["quantity"], "2628000");
    assert_eq!(line("lambda.requests")["cost_usd"], "0.5256");
    assert_eq!(line("lambda.duration.x86")["quantity"], "131400");
    assert_eq!(line("lambda.duration.x86")["cost_usd"], "2.19000438");
    let row = &table(&sandbox.read("r/summary.csv"))[0];
    assert_eq!(row["monthly_cost_usd"], "2.71560438");
    assert_eq!(row["cost_per_million_requests_usd"], "1.033335");
}

#[test]
fn parts_agree_with_the_whole() {
    runs(|line, sandbox| {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1.0);
        let rows = table(&sandbox.read("r/summary.csv"));
        let timeline = table(&sandbox.read("r/timeline.csv"));
        for row in &rows {
            let number = |column: &str| row[column].parse::<f64>().unwrap();
            assert!(
                number("busy_mean") + number("idle_mean") <= number("instances_mean") + 1e-6,
                "{line}: {row:?}"
            );
            assert!(number("cold_start_ratio") >= 0.0 && number("cold_start_ratio") <= 1.0);
            for (low, high) in [
                ("latency_p50_ms", "latency_p90_ms"),
                ("latency_p99_ms", "latency_max_ms"),
            ] {
                assert!(number(low) <= number(high), "{line}: {row:?}");
            }
            if row["slo_violations"].is_empty() {
                assert!(row["slo_met"].is_empty());
            } else {
                assert!(
                    near(
                        number("slo_violations"),
                        number("slo_violation_ratio") * number("requests")
                    ) || number("replications") > 1.0,
                    "{line}: {row:?}"
                );
            }
            for (column, cell) in row {
                let Some(of) = column.strip_suffix("_low") else {
                    continue;
                };
                let high = &row[&format!("{of}_high")];
                assert_eq!(cell.is_empty(), high.is_empty(), "{line}: {column}");
                if row["replications"] == "1" {
                    assert!(cell.is_empty(), "{line}: {column}");
                } else if !cell.is_empty() {
                    let (low, mean, high): (f64, f64, f64) =
                        (cell.parse().unwrap(), row[of].parse().unwrap(), high.parse().unwrap());
                    assert!(
                        low <= mean + 1e-3 && mean <= high + 1e-3,
                        "{line}: {column} {low} {mean} {high}"
                    );
                }
            }
        }
        // A row for all, then one for each service where there are several; the timeline has them apart.
        let services: Vec<&str> = rows.iter().map(|row| row["service"].as_str()).collect();
        if line.contains("mall") {
            assert_eq!(services, ["all", "checkout", "search"]);
            let sum: f64 = rows[1..]
                .iter()
                .map(|row| row["requests"].parse::<f64>().unwrap())
                .sum();
            assert!(near(sum, rows[0]["requests"].parse().unwrap()));
        } else {
            assert!(services.iter().all(|service| *service == "all"));
        }
        for pair in timeline.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            let t = |row: &Cells| row["t_s"].parse::<f64>().unwrap();
            assert!(
                a["variant"] != b["variant"] || a["service"] != b["service"] || t(a) < t(b),
                "{line}"
            );
        }
    });
}

#[test]
fn the_manifest_says_what_was_run() {
    let sandbox = Sandbox::new();
    sandbox.write("events.csv", "func,arrival_s,duration_s\na,0,0.1\nb,1,0.2\nb,2,\n");
    sandbox.run("simulate events.toml --quiet --out r").ok();
    let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
    assert_eq!(manifest["schema"], 1);
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&manifest["seed"], &manifest["replications"]), (&1.into(), &1.into()));
    assert_eq!(manifest["simulated_requests"], 3);
    assert_eq!(
        manifest["run"]["command"],
        "coldcast simulate events.toml --quiet --out r"
    );
    assert!(manifest["run"]["peak_resident_bytes"].as_u64().unwrap() > 1 << 20);
    // What the files hold decides about their hashes.
    let hash = |text: &str| {
        sandbox.write("events.csv", text);
        sandbox.run("simulate events.toml --quiet --out r").ok();
        let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
        manifest["traces"]["events.csv"].as_str().unwrap().to_string()
    };
    // printf 'func,arrival_s,duration_s\na,1,0.1\n' | sha256sum
    assert_eq!(
        hash("func,arrival_s,duration_s\na,1,0.1\n"),
        "0702897c3891e0ca3c45c23f97ddf122f5f06d59c82f2129c5a4e63ec8496974"
    );
    assert_ne!(
        hash("func,arrival_s,duration_s\na,1,0.1\n"),
        hash("func,arrival_s,duration_s\na,1,0.2\n")
    );
    sandbox.run("simulate pair.toml --quiet --out r").ok();
    let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
    assert_eq!(manifest["prices"].as_object().unwrap().len(), 1);
    assert!(manifest["assumptions"].as_array().unwrap().len() >= 4);
}
