//! Bills of Cloud Run and Azure Functions, worked out by hand: a request each second for an hour, each of 250 ms, after a
//! cold start of 1 s. The first request comes at 1 s and waits for the instance until 2 s, when the second one comes: both
//! are served until 2.25 s. 3,599 requests in all.

use crate::common::{Sandbox, table};

const HOURS: f64 = 730.0;

fn scenario(platform: &str, list: &str) -> String {
    format!(
        "schema = 1\nname = \"hour\"\nreplications = 1\nhorizon = \"1h\"\nframeworks = [\"steady\"]\n\
         [traffic.constant]\ngap = \"1s\"\n[prices]\nlist = \"{list}\"\n\
         [profile.steady]\nservice-time = \"250ms\"\ncold-start = \"1s\"\n[platform.{platform}\n"
    )
}

/// Cost by column of the summary, and quantity in an hour by meter.
fn bill(platform: &str, list: &str) -> (impl Fn(&str) -> f64, impl Fn(&str) -> f64) {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", &scenario(platform, list));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = table(&sandbox.read("out/summary.csv"))[0].clone();
    assert_eq!(row["requests"], "3599");
    let costs = table(&sandbox.read("out/costs.csv"));
    let column = move |name: &str| -> f64 {
        row[name]
            .parse()
            .unwrap_or_else(|_| panic!("{name} is `{}`", row[name]))
    };
    let sum: f64 = costs.iter().map(|line| line["cost_usd"].parse::<f64>().unwrap()).sum();
    assert!((sum - column("monthly_cost_usd")).abs() < 1e-9);
    let quantity = move |meter: &str| -> f64 {
        let lines: Vec<f64> = costs
            .iter()
            .filter(|line| line["meter"] == meter)
            .map(|line| line["quantity"].parse().unwrap())
            .collect();
        assert_eq!(lines.len(), 1, "{meter}");
        lines[0] / HOURS
    };
    (column, quantity)
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-6 * expected.max(1.0),
        "{found} and not {expected}"
    );
}

/// 1.25 s go up to 1.3 s; 3,597 times 250 ms go up to 300 ms. The start is 1 s of that.
#[test]
fn cloud_run_bills_starts_and_times_with_a_request() {
    let (column, quantity) = bill("cloud-run]", "gcp-us-central1");
    close(quantity("cloud-run.request.cpu"), 1.3 + 3_597.0 * 0.3);
    close(quantity("cloud-run.request.memory"), (1.3 + 3_597.0 * 0.3) / 2.0);
    close(quantity("cloud-run.request.requests"), 3_599.0);
    let second = 0.000024 + 0.5 * 0.0000025;
    close(column("cold_start_cost_usd"), HOURS * second);
    close(column("idle_cost_usd"), 0.0);
    close(
        column("monthly_cost_usd"),
        HOURS * ((1.3 + 3_597.0 * 0.3) * second + 3_599.0 * 0.4e-6),
    );
}

/// Two vCPU in place of one from 1 s to 12 s: the first interval, and those that begin at 3 to 11 s.
#[test]
fn cloud_run_bills_cpu_boost_as_used() {
    let (column, quantity) = bill("cloud-run]\nstartup-cpu-boost = true", "gcp-us-central1");
    close(quantity("cloud-run.request.cpu"), 1.3 + 3_597.0 * 0.3 + 1.3 + 9.0 * 0.3);
    close(quantity("cloud-run.request.memory"), (1.3 + 3_597.0 * 0.3) / 2.0);
    close(
        column("cold_start_cost_usd"),
        HOURS * (2.0 * 0.000024 + 0.5 * 0.0000025),
    );
}

/// Two instances for an hour, of which one has a request for 250 ms of each second but the first.
#[test]
fn cloud_run_bills_idle_instances_of_the_minimum() {
    let (column, quantity) = bill("cloud-run]\nmin-instances = 2", "gcp-us-central1");
    close(quantity("cloud-run.request.cpu"), 3_599.0 * 0.3);
    let idle = 7_200.0 - 3_599.0 * 0.25;
    close(quantity("cloud-run.request.min_instance_idle.cpu"), idle);
    close(quantity("cloud-run.request.min_instance_idle.memory"), idle / 2.0);
    close(column("idle_cost_usd"), HOURS * idle * 1.5 * 0.0000025);
    close(column("cold_start_cost_usd"), 0.0);
}

/// One instance from 1 s on; it has a request or starts for 1.25 s and 3,597 times 250 ms.
#[test]
fn cloud_run_bills_whole_lives_by_instance() {
    let (column, quantity) = bill("cloud-run]\nbilling = \"instance\"", "gcp-us-central1");
    close(quantity("cloud-run.instance.cpu"), 3_599.0);
    close(quantity("cloud-run.instance.memory"), 3_599.0 / 2.0);
    let second = 0.000018 + 0.5 * 0.000002;
    close(column("monthly_cost_usd"), HOURS * 3_599.0 * second);
    close(
        column("idle_cost_usd"),
        HOURS * (3_599.0 - 1.25 - 3_597.0 * 0.25) * second,
    );
}

/// Each time in which something executes goes up from 250 ms to 1 s, at 2 GB. The first two requests share one.
#[test]
fn azure_flex_bills_times_in_which_anything_executes() {
    let (column, quantity) = bill("azure-flex]", "azure-eastus");
    close(quantity("functions.flex.on_demand.duration"), 3_598.0 * 2.0);
    close(quantity("functions.flex.executions"), 3_599.0);
    close(column("cold_start_cost_usd"), 0.0);
    close(
        column("monthly_cost_usd"),
        HOURS * (3_598.0 * 2.0 * 0.000026 + 3_599.0 * 0.4e-6),
    );
}

/// One instance for the whole hour, and 1 s for each request.
#[test]
fn azure_flex_bills_what_is_always_ready_twice() {
    let (column, quantity) = bill("azure-flex]\nalways-ready = 1", "azure-eastus");
    close(quantity("functions.flex.on_demand.duration"), 0.0);
    close(quantity("functions.flex.always_ready.baseline"), 3_600.0 * 2.0);
    close(quantity("functions.flex.always_ready.duration"), 3_599.0 * 2.0);
    close(quantity("functions.flex.always_ready.executions"), 3_599.0);
    close(column("idle_cost_usd"), HOURS * 2.0 * 0.000004);
}

/// Two executions at a time share 200 MB, which go up to 128 MB each; one alone goes up to 256 MB.
#[test]
fn azure_consumption_bills_the_share_of_memory_of_each_execution() {
    let (_, quantity) = bill("azure-functions]\naverage-memory = \"200Mi\"", "azure-eastus");
    let gb_seconds = (2.0 * 128.0 + 3_597.0 * 256.0) * 0.25 / 1_024.0;
    close(quantity("functions.consumption.duration"), gb_seconds);
    close(quantity("functions.consumption.executions"), 3_599.0);
}

/// Three EC2 instances of 4 vCPU (c7i.xlarge, 0.1785 dollars an hour) all along, 15% of that, and 3,599 requests an hour at 0.20
/// a million.
#[test]
fn managed_instances_cost_ec2_a_fee_and_requests() {
    let (column, quantity) = bill("lambda-managed]", "aws-us-east-1");
    close(quantity("ec2.c7i.xlarge"), 3.0);
    close(quantity("lambda.requests"), 3_599.0);
    close(
        column("monthly_cost_usd"),
        HOURS * (3.0 * 0.1785 * 1.15 + 3_599.0 * 0.2e-6),
    );
}

/// Memory that nobody measured has no price, and prices of one cloud are not those of another.
#[test]
fn what_has_no_price_is_blank_and_says_so() {
    for (platform, list, why) in [
        (
            "azure-functions]",
            "azure-eastus",
            "the cost of `steady` is unknown and stays blank: its memory was not measured",
        ),
        (
            "cloud-run]",
            "azure-eastus",
            "no price of azure-eastus-2026-11-01 covers the platform `cloud-run`",
        ),
        (
            "lambda-managed]\ninstance-vcpu = 6",
            "aws-us-east-1",
            "covers the platform `lambda-managed`",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("s.toml", &scenario(platform, list));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        let row = &table(&sandbox.read("out/summary.csv"))[0];
        assert_eq!(
            (row["monthly_cost_usd"].as_str(), row["idle_cost_usd"].as_str()),
            ("", "")
        );
        let manifest = sandbox.read("out/manifest.json");
        assert!(manifest.contains(why), "{platform}: {manifest}");
    }
}
