//! Traces stream: memory does not grow with their length. `cargo bench --bench stream` does the same with 10^7 rows.

use crate::common::Sandbox;

/// Most resident memory of a run over a generated trace, in MiB, and the requests that it simulated.
fn peak(sandbox: &Sandbox, rows: u64) -> (f64, u64) {
    let generate =
        format!("trace generate poisson --rate 200/s --requests {rows} --functions 200 --out events.csv --quiet");
    sandbox.run(&generate).ok();
    sandbox.run("simulate events.toml --quiet --threads 1 --out r").ok();
    let manifest: serde_json::Value = serde_json::from_str(&sandbox.read("r/manifest.json")).unwrap();
    let bytes = manifest["run"]["peak_resident_bytes"].as_u64().unwrap();
    (
        bytes as f64 / 1048576.0,
        manifest["simulated_requests"].as_u64().unwrap(),
    )
}

#[test]
fn ten_times_the_rows_take_no_more_memory() {
    let sandbox = Sandbox::new();
    let (small, few) = peak(&sandbox, 100_000);
    let (large, many) = peak(&sandbox, 1_000_000);
    assert_eq!((few, many), (100_000, 1_000_000));
    // The file alone has 25 MiB.
    assert!(
        large < 100.0 && large - small < 10.0,
        "{small:.1} MiB, then {large:.1} MiB"
    );
}
