//! Known stories from operations, as scenarios in `models/scenarios/` on measured profiles: the shape must come out, whatever
//! the figures of the day. The retry storm is in `tests/it/cli/clients.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Sandbox, table};

type Row = BTreeMap<String, String>;

fn number(row: &Row, column: &str) -> f64 {
    row[column]
        .parse()
        .unwrap_or_else(|_| panic!("{column} is `{}`", row[column]))
}

/// Runs a scenario of the project and returns its summary and its timeline.
fn run(name: &str, more: &str) -> (Vec<Row>, Vec<Row>) {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("models/scenarios")
        .join(name);
    let sandbox = Sandbox::new();
    sandbox
        .run(&format!("simulate {} --quiet --out out {more}", scenario.display()))
        .ok();
    (
        table(&sandbox.read("out/summary.csv")),
        table(&sandbox.read("out/timeline.csv")),
    )
}

/// One request in fifty computes for 150 ms: the others wait behind it and are some ten times slower in the mean.
#[test]
fn an_endpoint_that_computes_blocks_an_event_loop() {
    let mean = |more: &str| {
        let more = format!("--set replications=3 {more}");
        number(&run("event-loop-blocked.toml", &more).0[0], "latency_mean_ms")
    };
    let free = mean("--set work.cpu=1ms");
    // Without what those requests take themselves.
    let others = |more: &str| (mean(more) - 0.02 * 150.0) / 0.98;
    let blocked = others("") / free;
    assert!((7.0..15.0).contains(&blocked), "{blocked} times {free} ms");
    // On several cores it blocks nobody for long.
    let spread = others("--set instance.model=coroutines --set platform.fixed.cpu=2000m") / free;
    assert!(spread < 1.5, "{spread} times {free} ms with two cores");
}

/// One worker cannot keep up, two for each core can, eight for each core wait for the database at the same time.
#[test]
fn a_worker_is_held_while_it_waits() {
    let p99 = |workers: u32| {
        let more = format!("--set replications=3 --set instance.workers={workers}");
        number(&run("gunicorn-workers.toml", &more).0[0], "latency_p99_ms")
    };
    let (one, four, sixteen) = (p99(1), p99(4), p99(16));
    assert!(one > 20.0 * four, "{one} ms with one, {four} ms with four");
    assert!(sixteen < 0.8 * four, "{sixteen} ms with sixteen, {four} ms with four");
}

/// More requests in flight than the container's limit has memory for: the process is killed with all of them. With twice the
/// memory none is lost.
#[test]
fn a_heap_above_the_limit_loses_what_is_in_flight() {
    let row = |memory: &str| {
        let more = format!("--set replications=3 --set platform.fixed.memory={memory}");
        run("heap-above-limit.toml", &more).0.remove(0)
    };
    let (small, large) = (row("256Mi"), row("512Mi"));
    // 256 MiB have room for some 500 requests: a kill loses them all at once.
    let lost = number(&small, "failed");
    assert!(lost > 3.0 * 500.0, "{lost} lost");
    assert_eq!(number(&large, "failed"), 0.0);
    assert_eq!(number(&large, "completed"), number(&large, "requests"));
    // Each kill is a start of some seconds, in which the other one gets all.
    let kills = number(&small, "instances_created") - 2.0;
    assert!(kills >= 3.0 && lost <= 1_001.0 * kills, "{kills} kills, {lost} lost");
}

/// Ten times the traffic within two minutes: about ten times the busy environments, which start during the rise.
#[test]
fn black_friday_is_paid_with_cold_starts_while_it_rises() {
    let (summary, timeline) = run("black-friday.toml", "--set replications=2");
    for row in &summary {
        let variant = &row["variant"];
        let bins = |from: f64, to: f64, column: &str| {
            let within = timeline.iter().filter(|bin| {
                let t = number(bin, "t_s");
                &bin["variant"] == variant && (from..to).contains(&t)
            });
            let values: Vec<f64> = within.map(|bin| number(bin, column)).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let (hour, minute) = (3_600.0, 60.0);
        let busy = bins(hour + 10.0 * minute, 3.0 * hour, "busy") / bins(10.0 * minute, hour, "busy");
        assert!((8.0..12.0).contains(&busy), "{variant}: {busy} times as many busy");
        let [rise, plateau] = [(hour, hour + 2.0 * minute), (2.0 * hour, 3.0 * hour)];
        let starts = bins(rise.0, rise.1, "cold_starts") / bins(plateau.0, plateau.1, "cold_starts");
        assert!(starts > 10.0, "{variant}: {starts} times as many cold starts");
        assert_eq!(number(row, "rejected"), 0.0, "{variant}");
    }
}
