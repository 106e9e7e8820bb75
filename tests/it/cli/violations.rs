//! Why the promise was missed: `violations.csv`, the sentences below the answer, and `--explain what-if`.

use std::collections::BTreeMap;

use crate::common::{Sandbox, table};

type Line = BTreeMap<String, String>;

fn number(row: &Line, column: &str) -> f64 {
    row[column]
        .parse()
        .unwrap_or_else(|_| panic!("{column} is `{}`", row[column]))
}

/// The rows of a file for all services of the one variant.
fn lines(sandbox: &Sandbox, file: &str) -> Vec<Line> {
    let rows = table(&sandbox.read(&format!("out/{file}")));
    let all = |row: &Line| row.get("service").is_none_or(|service| service == "all");
    rows.into_iter().filter(all).collect()
}

/// Requests so far apart that each finds no environment: 50 ms after a start of 400 ms.
fn cold(more: &str) -> String {
    format!(
        "schema = 1\nname = \"seldom\"\nreplications = 2\nhorizon = \"10h\"\nframeworks = [\"steady\"]\n\
         [traffic.constant]\ngap = \"30m\"\n[slo]\nlatency = \"300ms\"\nobjective = 0.99\n\
         [profile.steady]\nservice-time = \"50ms\"\ncold-start = \"400ms\"\n[platform.lambda]\nmemory = \"512Mi\"\n{more}"
    )
}

#[test]
fn causes_add_up_to_the_violations_and_are_said_in_a_sentence() {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", &cold(""));
    let ran = sandbox.run("simulate s.toml --out out").ok();
    let violations = number(&lines(&sandbox, "summary.csv")[0], "slo_violations");
    assert_eq!(violations, 19.0);
    let causes = lines(&sandbox, "violations.csv");
    let all: f64 = causes.iter().map(|row| number(row, "violations")).sum();
    assert_eq!(all, violations);
    assert_eq!(
        (causes[0]["cause"].as_str(), number(&causes[0], "share")),
        ("init", 1.0)
    );
    assert_eq!(number(&causes[0], "pivotal"), violations);
    assert!((number(&causes[0], "excess_ms_p50") / 400.0 - 1.0).abs() < 0.01);
    let sentence = "steady missed: 100% of requests waited for a start (400 ms each); the rest was within 300 ms.";
    assert!(ran.stdout.contains(sentence), "{ran}");
}

#[test]
fn what_vanishes_with_one_thing_switched_off() {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", &cold(""));
    let ran = sandbox.run("simulate s.toml --explain what-if --out out").ok();
    let switched = lines(&sandbox, "what-if.csv");
    let of = |what: &str| {
        let row = switched.iter().find(|row| row["switched_off"] == what);
        let row = row.unwrap_or_else(|| panic!("{what}: {switched:?}"));
        (number(row, "slo_violations"), number(row, "slo_violations_without"))
    };
    assert_eq!(of("starts take no time"), (19.0, 0.0));
    assert_eq!(of("the platform has no limits"), (19.0, 19.0));
    // Nothing to switch off: no images, no retries.
    assert!(
        !switched
            .iter()
            .any(|row| ["images are there", "clients do not try again"].contains(&row["switched_off"].as_str())),
        "{switched:?}"
    );
    assert!(ran.stdout.contains("of them gone"), "{ran}");
    // Without the flag the file is not written, and nothing else differs.
    let causes = sandbox.read("out/violations.csv");
    sandbox.run("simulate s.toml --quiet --out plain").ok();
    assert_eq!(causes, sandbox.read("plain/violations.csv"));
    assert!(!sandbox.path("plain/what-if.csv").exists());
}

/// A request of 200 ms each 190 ms on one environment: those that are turned away come again, and are late.
#[test]
fn a_limit_is_the_cause_of_what_it_holds_back() {
    let sandbox = Sandbox::new();
    let text = cold("reserved-concurrency = 1\n[client]\nretries = 3\nbackoff = { first = \"1s\", factor = 1, most = \"1s\", jitter = \"none\" }\n")
        .replace("gap = \"30m\"", "gap = \"190ms\"")
        .replace("horizon = \"10h\"", "horizon = \"5m\"")
        .replace("service-time = \"50ms\"", "service-time = \"200ms\"")
        .replace("cold-start = \"400ms\"", "cold-start = \"0s\"");
    sandbox.write("s.toml", &text);
    sandbox.run("simulate s.toml --explain what-if --quiet --out out").ok();
    let causes = lines(&sandbox, "violations.csv");
    assert_eq!(causes[0]["cause"], "throttle", "{causes:?}");
    let all: f64 = causes.iter().map(|row| number(row, "violations")).sum();
    let summary = &lines(&sandbox, "summary.csv")[0];
    assert!((all - number(summary, "slo_violations")).abs() < 1e-9, "{causes:?}");
    let switched = lines(&sandbox, "what-if.csv");
    let limits = switched
        .iter()
        .find(|row| row["switched_off"] == "the platform has no limits")
        .unwrap();
    assert_eq!(number(limits, "slo_violations_without"), 0.0, "{limits:?}");
    let retries = switched
        .iter()
        .find(|row| row["switched_off"] == "clients do not try again")
        .unwrap();
    assert!(number(retries, "slo_violations_without") > 0.0, "{retries:?}");
}

/// Knative goes to zero, and so do the nodes: the first request of each burst waits for a node, longer than for anything else.
#[test]
fn who_waits_for_a_node_is_told_so() {
    let sandbox = Sandbox::new();
    let text = "schema = 1\nname = \"bursts\"\nreplications = 1\nhorizon = \"2h\"\nframeworks = [\"steady\"]\n\
                [traffic.constant]\ngap = \"1200s\"\n[slo]\nlatency = \"10s\"\nobjective = 0.99\n\
                [profile.steady]\nservice-time = \"50ms\"\ncold-start = \"4s\"\n\
                [platform.knative]\n[cluster]\nnodes = [{ type = \"m7i.large\", count = 0 }]\n[cluster.karpenter]\n";
    sandbox.write("s.toml", text);
    let ran = sandbox.run("simulate s.toml --out out").ok();
    let causes = lines(&sandbox, "violations.csv");
    assert_eq!(causes[0]["cause"], "pending-node", "{causes:?}");
    assert!(ran.stdout.contains("waited for a node"), "{ran}");
}
