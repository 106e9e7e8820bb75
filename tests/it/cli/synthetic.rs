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
