//! The synthetic profile, changed by a test, under a scenario whose results can be worked out by hand.
//!
//! At 1 vCPU an empty request takes 4.5 ms and 1 ms of CPU time, a start 30 ms of sandbox, 100 ms of initialisation and
//! 10 ms of first request; at 0.5 vCPU all but the sandbox and the CPU time takes twice as long. The round trip of 1 ms is
//! taken off already.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Sandbox, table};

/// One instance for a request a second.
pub const STEADY: &str = r#"schema = 1
name = "steady"
replications = 1
horizon = "10m"
frameworks = ["made-up.json"]

[traffic.constant]
gap = "1s"

[platform.scale-per-request]
"#;

/// A sandbox with the synthetic profile, changed, and a scenario.
pub fn sandbox(scenario: &str, change: impl FnOnce(&mut Vec<Value>)) -> Sandbox {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/synthetic-profile.json");
    let mut profile: Value = serde_json::from_str(&std::fs::read_to_string(data).unwrap()).unwrap();
    change(profile["runs"].as_array_mut().unwrap());
    let sandbox = Sandbox::new();
    sandbox.write("made-up.json", &profile.to_string());
    sandbox.write("s.toml", scenario);
    sandbox
}

/// The figures of a panel of eight frameworks on a machine that takes `factor` times as long, as a profile carries them.
pub fn panel_link(machine: &str, factor: f64) -> Value {
    let figures = |k: u32| {
        // Every ratio between two machines with other first letters is the factor, give or take 0.2%.
        let is_even = (k + u32::from(machine.as_bytes()[0])).is_multiple_of(2);
        let ms = f64::from(k) * factor * if is_even { 1.001 } else { 0.999 };
        let figure = |times: f64| json!([times * ms, 0.01, 9.0]);
        json!({
            "version": "1.0",
            "figures": {
                "cold-start": figure(100.0), "cpu-to-ready": figure(60.0), "json-cpu": figure(0.1), "items-cpu": figure(0.2),
            },
        })
    };
    let frameworks: serde_json::Map<String, Value> = (1..=8).map(|k| (format!("framework-{k}"), figures(k))).collect();
    json!({
        "id": format!("{machine:0>16}"),
        "measured": "2026-11-30T20:00:00Z",
        "machine": {
            "digest": format!("{machine:0<16}"), "cpu": "Model", "cores": 2, "memory_mib": 8192, "kernel": "6.18",
            "engine_version": "20.10", "storage_driver": "overlay2", "cgroup_version": "1",
        },
        "frameworks": frameworks,
    })
}

/// Runs a scenario and returns its row of `summary.csv` as a function from columns to numbers, and what was assumed.
pub fn simulate(sandbox: &Sandbox, more: &str) -> (impl Fn(&str) -> f64, String) {
    let ran = sandbox
        .run(&format!("simulate s.toml --assumptions --out out {more}"))
        .ok();
    let rows = table(&sandbox.read("out/summary.csv"));
    assert_eq!(rows.len(), 1);
    let row = rows[0].clone();
    (move |column: &str| row[column].parse().unwrap(), ran.stderr)
}

#[track_caller]
pub fn assert_close(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() < 1e-6 * expected.abs(),
        "{value}, not {expected}"
    );
}

/// Latencies at these levels above a round trip of 1 ms, with a ripple of 1% that adds up to nothing.
pub fn warms(run: &mut Value, levels: &[(usize, f64)]) {
    let ripple = |k: usize| if k.is_multiple_of(2) { 1.01 } else { 0.99 };
    let levels = levels
        .iter()
        .flat_map(|&(n, level)| (0..n).map(move |k| 1.0 + level * ripple(k)));
    run["warm"]["warm_up_ms"] = levels.collect();
    run["warm"]["warm_up_cpu_ms"] = json!([12.0, 7.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
}
