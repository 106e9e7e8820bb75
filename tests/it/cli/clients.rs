//! Clients that give up and try again, and users who wait for their answers.

use insta::assert_snapshot;

use crate::common::{Sandbox, table};

/// Ten workers with 100 ms for each request, and twice what they can do for a minute.
const STORM: &str = include_str!("../../../models/scenarios/retry-storm.toml");

/// Share of the last five minutes' requests that are answered in time, mean over two replications.
fn served_at_the_end(more: &str) -> f64 {
    let sandbox = Sandbox::new();
    sandbox.write("storm.toml", STORM);
    let set = "--set replications=2 --quiet --out out";
    sandbox.run(&format!("simulate storm.toml {set} {more}")).ok();
    let rows = table(&sandbox.read("out/timeline.csv"));
    let number = |row: &std::collections::BTreeMap<String, String>, column: &str| row[column].parse::<f64>().unwrap();
    let late = rows.iter().filter(|row| number(row, "t_s") >= 900.0);
    let (completed, arrivals) = late.fold((0.0, 0.0), |(completed, arrivals), row| {
        (completed + number(row, "completed"), arrivals + number(row, "arrivals"))
    });
    completed / arrivals
}

/// Long after the surge the servers still work for clients that have gone; without retries, or with a budget for them, they
/// have caught up.
#[test]
fn a_retry_storm_outlasts_its_cause() {
    let storm = served_at_the_end("");
    assert!(storm < 0.2, "{storm}");
    for calm in ["--set client.retries=0", "--set client.budget.ratio=0.1"] {
        let share = served_at_the_end(calm);
        assert!(share > 0.99, "{calm}: {share}");
    }
}

#[test]
fn every_request_counts_once_and_every_attempt_is_billed() {
    let sandbox = Sandbox::new();
    let client = "[client]\nretries = 2\nbackoff = { first = \"1s\", factor = 1, most = \"1s\", jitter = \"none\" }\n";
    // One environment for a request of 2.5 s every second.
    let narrow = "schema = 1\nname = \"narrow\"\nreplications = 1\nhorizon = \"100s\"\nframeworks = [\"slow\"]\n\
                  [traffic.constant]\ngap = \"1s\"\n[platform.lambda]\nmemory = \"512Mi\"\nreserved-concurrency = 1\n\
                  [prices]\nlist = \"aws-us-east-1\"\n[profile.slow]\nservice-time = \"2500ms\"\ncold-start = \"0s\"\n";
    sandbox.write("s.toml", &format!("{narrow}{client}"));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    let number = |column: &str| row[column].parse::<f64>().unwrap();
    assert_eq!(number("requests"), 99.0);
    assert_eq!(number("completed") + number("rejected"), 99.0);
    assert!(number("retries") > 50.0, "{}", number("retries"));
    // Throttled attempts cost nothing.
    let costs = table(&sandbox.read("out/costs.csv"));
    let requests = costs.iter().find(|line| line["meter"] == "lambda.requests").unwrap();
    let month = 730.0 * 36.0;
    assert!((requests["quantity"].parse::<f64>().unwrap() - number("completed") * month).abs() < 1e-3);
}

/// Provisioned concurrency: 10 environments of 1 GiB for the whole hour, whatever comes. Which part of it is idle is not told
/// apart, so that is blank and not 0.
#[test]
fn provisioned_concurrency_is_billed_for_the_time_it_is_configured() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.toml",
        "schema = 1\nname = \"ready\"\nreplications = 1\nhorizon = \"1h\"\nframeworks = [\"quick\"]\n\
         [traffic.constant]\ngap = \"1s\"\n[platform.lambda]\nmemory = \"1024Mi\"\n\
         [platform.lambda.provisioned-concurrency]\nconcurrency = 10\n[prices]\nlist = \"aws-us-east-1\"\n\
         [profile.quick]\nservice-time = \"100ms\"\ncold-start = \"500ms\"\n",
    );
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    assert_eq!((row["cold_starts"].as_str(), row["idle_cost_usd"].as_str()), ("0", ""));
    let costs = table(&sandbox.read("out/costs.csv"));
    let quantity = |meter: &str| -> f64 {
        let line = costs.iter().find(|line| line["meter"] == meter).unwrap();
        line["quantity"].parse().unwrap()
    };
    // 730 hours of 10 GB; 3,599 invocations of 100 ms and 10 initialisations of 500 ms in each of them.
    assert_eq!(quantity("lambda.provisioned_concurrency.x86"), 730.0 * 3_600.0 * 10.0);
    assert!((quantity("lambda.pc_duration.x86") - 730.0 * (359.9 + 5.0)).abs() < 1e-3);
    assert_eq!(quantity("lambda.duration.x86"), 0.0);
}

#[test]
fn settings_without_sense_are_refused() {
    let sandbox = Sandbox::new();
    let base = "schema = 1\nname = \"x\"\nhorizon = \"10m\"\nframeworks = [\"theory\"]\n\
                [profile.theory]\nservice-time = \"100ms\"\ncold-start = \"0s\"\n";
    let scenario = |rest: &str| sandbox.write("s.toml", &format!("{base}{rest}"));
    scenario(
        "[traffic.poisson]\nrate = \"1/s\"\n[platform.fixed]\n[client]\ntimeout = \"0s\"\nretries = 2\nretry-on = []\n",
    );
    assert_snapshot!(sandbox.run("check s.toml"), @r"
    exit 2
    --- stderr
    error: s.toml has 2 problems:
      - `client.timeout` must be above 0; leave it out to wait as long as it takes
      - `client.retry-on` is empty: no attempt would ever be repeated; set `retries = 0` for that
    ");
    scenario("[traffic.poisson]\nrate = \"1/s\"\n[platform.fixed]\nrouting = \"sticky\"\n");
    assert_snapshot!(sandbox.run("check s.toml"), @r#"
    exit 2
    --- stderr
    error: s.toml has a problem:
      - `routing = "sticky"` is about sessions: set `client.sessions`, or use closed-loop traffic
    "#);
    scenario(
        "[traffic.closed-loop]\nusers = 5\nthink = \"1s\"\n[platform.lambda]\nmemory = \"512Mi\"\nasynchronous = {}\n\
         [platform.lambda.function.chekout]\nreserved-concurrency = 5\n",
    );
    assert_snapshot!(sandbox.run("check s.toml"), @r"
    exit 2
    --- stderr
    error: s.toml has 2 problems:
      - [platform.lambda.function.chekout]: there is no service `chekout`
      - [platform.lambda] takes requests into a queue of its own: [client] and closed-loop traffic have no meaning with it
    ");
}
