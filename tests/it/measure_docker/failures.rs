//! Starts that fail: each has a kind, and a run with failures is still a result.

use std::collections::BTreeSet;

use coldcast::model::profile::FailureKind;

use crate::common::odd::{assert_says, coldcast};
use crate::measure_docker::bench::{Bench, bench};

/// The kinds of failures in the raw file, each once: the warm run fails like the starts.
fn kinds(bench: &Bench) -> BTreeSet<String> {
    let raw = bench.raw();
    let lines = raw
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter_map(|line| Some(line.pointer("/sample/1/failed/kind")?.as_str()?.to_string()))
        .collect()
}

#[test]
fn a_container_that_dies_leaves_its_last_words() {
    let Some(bench) = bench("dies") else { return };
    let output = bench.measure(&["--samples", "1"]);
    assert_says(
        &output,
        3,
        &[
            "exited with code 3",
            "cannot find my settings",
            "odd-dies gave no sample",
        ],
    );
    assert!(!bench.out().join("raw").exists(), "there is nothing to resume");
    bench.assert_clean();
}

#[test]
fn a_server_that_never_answers_is_a_timeout() {
    let Some(bench) = bench("silent") else { return };
    let output = bench.measure(&["--samples", "5", "--ready-timeout", "1s"]);
    assert_says(
        &output,
        3,
        &["not ready within 1 s: nothing listens on port 8080, nor on any other"],
    );
    assert!(!bench.out().join("raw").exists(), "there is nothing to resume");
    bench.assert_clean();
}

#[test]
fn too_little_memory_is_a_result() {
    let Some(bench) = bench("hungry") else { return };
    let output = bench.measure(&["--samples", "2", "--memory", "64Mi,512Mi"]);
    assert_says(&output, 0, &["out of memory"]);
    let profile = bench.profile("odd-hungry");
    let counts: Vec<_> = profile
        .runs
        .iter()
        .map(|run| (run.memory.0, run.counted().count(), run.failures.is_empty()))
        .collect();
    assert_eq!(counts, [(64, 0, false), (512, 2, true)]);
    let failure = &profile.runs[0].failures[0];
    assert_eq!(failure.kind, FailureKind::OutOfMemory);
    assert!(failure.reason.contains("out of memory"));
    bench.assert_clean();
}

#[test]
fn a_worker_killed_for_its_memory_is_no_timeout() {
    let Some(bench) = bench("hungry-worker") else { return };
    let output = bench.measure(&["--samples", "1", "--memory", "64Mi", "--ready-timeout", "4s"]);
    assert_says(
        &output,
        3,
        &["out of memory: the kernel killed 1 of its processes; not ready within 4 s"],
    );
    bench.assert_clean();
}

#[test]
fn an_app_that_breaks_the_contract_is_not_measured() {
    let Some(bench) = bench("sloppy") else { return };
    let reason = "GET /items/42: expected 200";
    let output = bench.measure(&["--samples", "1"]);
    assert_says(&output, 3, &["does not meet the HTTP contract", reason]);
    assert!(!bench.out().join("odd-sloppy/profile.json").exists());
    let check = |name: &str| {
        let mut command = coldcast();
        command.args(["measure", "contract", name, "--models"]);
        command.arg(bench.models()).output().unwrap()
    };
    let output = check("odd-sloppy");
    assert_says(&output, 1, &["do not meet the HTTP contract", "odd-sloppy"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("FAIL  GET /items/{id}") && told.contains(reason) && told.contains("ok    POST /echo"),
        "{told}"
    );
    bench.assert_clean();
}

#[test]
fn a_process_that_others_have_asked_is_not_cold() {
    let Some(bench) = bench("used") else { return };
    let output = bench.measure(&["--samples", "1"]);
    assert_says(&output, 3, &["not cold: request count Some(101) after 1 requests"]);
    bench.assert_clean();
}

#[test]
fn a_process_seen_before_is_not_cold() {
    let Some(bench) = bench("twin") else { return };
    // The start that is not counted has shown the id already.
    let output = bench.measure(&["--samples", "2"]);
    assert_says(
        &output,
        3,
        &["not cold: process 0000000000000000 has answered in an earlier start"],
    );
    assert_eq!(kinds(&bench), BTreeSet::from(["not-cold".to_string()]));
    bench.assert_clean();
}
