//! Starts that fail, and subjects that cannot be measured.

use crate::common::odd::{assert_says, coldcast};
use crate::measure_process::bench::bench;

/// The messages of a command.
fn output_text(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_process_that_dies_leaves_its_last_words() {
    let Some(bench) = bench("dies") else { return };
    let output = bench.measure(&["--samples", "1"]);
    assert_says(
        &output,
        3,
        &[
            "exited with code 3 before it was ready",
            "cannot find my settings",
            "odd-dies gave no sample",
        ],
    );
    assert!(!bench.raw().exists(), "there is nothing to resume");
    bench.assert_clean();
}

#[test]
fn a_server_that_never_answers_is_a_timeout() {
    let Some(bench) = bench("silent") else { return };
    let output = bench.measure(&["--samples", "5", "--ready-timeout", "1s"]);
    assert_says(&output, 3, &["not ready within 1 s", "no connection accepted"]);
    assert_eq!(output_text(&output).matches("its first start failed").count(), 1);
    assert!(!bench.raw().exists(), "there is nothing to resume");
    bench.assert_clean();
}

#[test]
fn a_process_that_has_been_asked_or_seen_before_is_not_cold() {
    for (fault, says) in [
        ("used", "not cold: request count Some(101) after 1 requests"),
        (
            "twin",
            "not cold: process 0000000000000000 has answered in an earlier start",
        ),
    ] {
        let Some(bench) = bench(fault) else { return };
        let output = bench.measure(&["--samples", "2"]);
        assert_says(&output, 3, &[says]);
        bench.assert_clean();
    }
}

#[test]
fn an_app_that_breaks_the_contract_is_not_measured() {
    let Some(bench) = bench("sloppy") else { return };
    let output = bench.measure(&["--samples", "1"]);
    assert_says(
        &output,
        3,
        &[
            "does not meet the HTTP contract",
            "GET /items/{id}: GET /items/42: expected 200",
        ],
    );
    assert!(!bench.profile_path("odd-sloppy").exists());
    bench.assert_clean();
}

#[test]
fn secrets_of_the_callers_environment_do_not_reach_the_app() {
    let Some(bench) = bench("tells") else { return };
    let output = bench.measure(&["--samples", "1"]);
    // The app prints its environment and ends, so its output is shown.
    assert_says(&output, 3, &["exited with code 4", "LANG is C.UTF-8", "PORT is "]);
    let text = output_text(&output);
    assert!(!text.contains("s3cret") && !text.contains("TOKEN"), "{text}");
    assert!(!bench.raw().exists(), "nothing was written");
    bench.assert_clean();
}

#[test]
fn a_missing_program_is_named_and_others_go_on() {
    let Some(bench) = bench("plain") else { return };
    bench.add("odd-lost", "requires = [\"no-such-program\"]\nprepare = []");
    bench.add(
        "odd-unready",
        "requires = []\nprepare = [\"sh -c 'echo no network; exit 7'\"]",
    );
    let alone = bench.command(&["odd-lost"]).output().unwrap();
    assert_says(
        &alone,
        3,
        &[
            "odd-lost needs the program `no-such-program`, which is not on PATH",
            "coldcast measure docker odd-lost",
        ],
    );
    let unready = bench.command(&["odd-unready"]).output().unwrap();
    assert_says(
        &unready,
        3,
        &[
            "odd-unready could not be prepared",
            "it exited with code 7",
            "no network",
        ],
    );
    let all = bench.command(&["--all", "--samples", "1"]).output().unwrap();
    assert_says(
        &all,
        3,
        &[
            "odd-lost gave no sample: odd-lost needs the program",
            "and odd-unready: odd-unready could not be prepared",
            "wrote",
        ],
    );
    assert_eq!(bench.profile().runs[0].counted().count(), 1);
    bench.assert_clean();
}

#[test]
fn what_takes_a_container_says_so() {
    let Some(bench) = bench("plain") else { return };
    let fraction = bench.measure(&["--cpu", "0.5"]);
    assert_says(&fraction, 2, &["whole CPUs", "coldcast measure docker --cpu 0.5"]);
    assert_says(&bench.measure(&["--cpu", "5000"]), 2, &["CPUs can be used here"]);
    bench.forbid_processes();
    let named = bench.measure(&[]);
    assert_says(
        &named,
        2,
        &["odd-plain runs in containers only", "coldcast measure docker odd-plain"],
    );
    bench.add("odd-dies", "requires = []\nprepare = []");
    let all = bench.command(&["--samples", "1"]).output().unwrap();
    assert_says(
        &all,
        3,
        &[
            "left out, because they run in containers only",
            "odd-plain",
            "odd-dies gave no sample",
        ],
    );
    bench.assert_clean();
    let help = coldcast().args(["measure", "process", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let words: Vec<&str> = help.split_whitespace().collect();
    assert!(words.join(" ").contains("There is no confinement"), "{help}");
}
