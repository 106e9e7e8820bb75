//! Functions that share nothing are run one by one: the same numbers as together, for any number of threads.

use insta::assert_snapshot;

use crate::common::{Sandbox, table};

const DAY: &str = r#"schema = 1
name = "day"
seed = 5
replications = 2
warm-up = "10m"
horizon = "3h"
frameworks = ["theory"]

[traffic.azure-day]
functions = 200
invocations = 400000

[slo]
latency = "100ms"
objective = 0.9

[platform.lambda]
memory = "1769Mi"
account-limits = false

[prices]
list = "aws-us-east-1"

[profile.theory]
service-time = { lognormal = { median = "20ms", p99 = "120ms" } }
cold-start = { lognormal = { median = "200ms", p99 = "900ms" } }
"#;

fn run(sandbox: &Sandbox, more: &str, out: &str) {
    sandbox
        .run(&format!("simulate day.toml --quiet --out {out} {more}"))
        .ok();
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("day.toml", DAY);
    sandbox
}

#[test]
fn threads_do_not_change_a_byte() {
    let sandbox = sandbox();
    run(&sandbox, "--record functions --threads 1", "one");
    run(&sandbox, "--record functions --threads 4", "four");
    for file in ["summary.csv", "costs.csv", "timeline.csv", "functions.csv"] {
        let [one, four] = ["one", "four"].map(|out| sandbox.read(&format!("{out}/{file}")));
        assert_eq!(one, four, "{file}");
    }
    // The rows of the functions add up to the row of the first replication.
    run(&sandbox, "--set replications=1", "first");
    let rows = table(&sandbox.read("one/functions.csv"));
    assert_eq!(rows.len(), 200);
    let first = &table(&sandbox.read("first/summary.csv"))[0];
    for column in ["requests", "completed", "cold_starts", "slo_violations"] {
        let sum: f64 = rows.iter().map(|row| row[column].parse::<f64>().unwrap()).sum();
        assert_eq!(sum, first[column].parse::<f64>().unwrap(), "{column}");
    }
}

/// With limits that bind nothing the functions are simulated together.
#[test]
fn one_by_one_gives_the_same_numbers_as_together() {
    let sandbox = sandbox();
    run(&sandbox, "", "alone");
    let limits = "--set platform.lambda.account-limits=true --set platform.lambda.account-concurrency=100000";
    run(&sandbox, limits, "together");
    let [alone, together] = ["alone", "together"].map(|out| table(&sandbox.read(&format!("{out}/summary.csv"))));
    for (column, value) in &alone[0] {
        match column.as_str() {
            // The most instances of all functions together are not known one by one.
            "instances_peak" | "instances_peak_low" | "instances_peak_high" => assert_eq!(value, ""),
            _ => assert_eq!(value, &together[0][column], "{column}"),
        }
    }
    for file in ["costs.csv", "timeline.csv"] {
        let [alone, together] = ["alone", "together"].map(|out| sandbox.read(&format!("{out}/{file}")));
        assert_eq!(alone, together, "{file}");
    }
}

/// The published trace as well, whose functions are read from a file.
#[test]
fn a_recorded_day_is_run_one_by_one_too() {
    let sandbox = sandbox();
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/azure2019-excerpt.csv");
    let traffic = format!(
        "[traffic.azure-2019]\npath = {:?}\nscaling-unit = \"function\"",
        data.display().to_string()
    );
    let day = DAY.replace("[traffic.azure-day]\nfunctions = 200\ninvocations = 400000", &traffic);
    sandbox.write("day.toml", &day.replace("horizon = \"3h\"\n", ""));
    run(&sandbox, "--record functions", "alone");
    let limits = "--set platform.lambda.account-limits=true --set platform.lambda.account-concurrency=100000";
    run(&sandbox, limits, "together");
    for file in ["costs.csv", "timeline.csv"] {
        let [alone, together] = ["alone", "together"].map(|out| sandbox.read(&format!("{out}/{file}")));
        assert_eq!(alone, together, "{file}");
    }
    let rows = table(&sandbox.read("alone/functions.csv"));
    let sum: f64 = rows.iter().map(|row| row["requests"].parse::<f64>().unwrap()).sum();
    assert!(sum > 10_000.0, "{sum}");
    // More or less of it comes together only.
    let more = sandbox.run("simulate day.toml --out out --record functions --set traffic-factor=0.5");
    assert_eq!(more.code, Some(2), "{more}");
}

#[test]
fn functions_that_share_something_cannot_be_told_apart() {
    let sandbox = sandbox();
    let shared = "simulate day.toml --out out --record functions --set platform.lambda.account-limits=true";
    assert_snapshot!(sandbox.run(shared), @r"
    exit 2
    --- stderr
    error: --record functions is about functions that share nothing: traffic that comes by function (azure-day, azure-2019) on a platform without limits for all of them together (scale-per-request, azure-flex, fixed, lambda with account-limits = false)
    ");
}
