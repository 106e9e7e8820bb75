//! Runs that were killed: they are resumed, or their remains are removed.

use std::process::Stdio;

use crate::common::odd::{assert_adds_up, assert_says, coldcast, has_lines, wait_until};
use crate::measure_docker::bench::{Bench, bench};

/// Starts a measurement of twelve starts and kills it after the third, so that it can clean up nothing.
fn killed(bench: &Bench, name: &str) -> String {
    let mut child = bench
        .command(&[name, "--samples", "12"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let raw = bench.out().join(format!("raw/{name}.jsonl"));
    let samples = || {
        std::fs::read_to_string(&raw)
            .unwrap_or_default()
            .matches("boot_ms")
            .count()
    };
    wait_until(|| samples() >= 3 && !bench.containers().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::read_to_string(raw).unwrap()
}

#[test]
fn a_killed_run_is_resumed_where_it_stopped() {
    let Some(bench) = bench("resumed") else { return };
    let before = killed(&bench, "odd-resumed");
    let taken = before.matches("boot_ms").count();
    let output = bench.measure(&["--samples", "12", "--resume"]);
    assert_says(
        &output,
        0,
        &[
            "continuing with",
            "wrote",
            "`coldcast measure cleanup` shows and removes it",
        ],
    );
    let profile = bench.profile("odd-resumed");
    let cold = &profile.runs[0].cold;
    let first: Vec<u32> = cold[..taken].iter().map(|sample| sample.order).collect();
    assert!(cold[taken..].iter().all(|sample| !first.contains(&sample.order)));
    let mut blocks: Vec<u32> = profile.runs[0].counted().map(|sample| sample.block).collect();
    blocks.sort_unstable();
    assert_eq!(blocks, (0..12).collect::<Vec<_>>(), "each block once");
    let mut processes: Vec<_> = cold.iter().map(|sample| sample.process_id.clone()).collect();
    processes.sort();
    processes.dedup();
    assert_eq!(processes.len(), cold.len(), "each start is a process of its own");
    cold.iter().for_each(assert_adds_up);
    assert!(
        profile
            .provenance
            .notes
            .iter()
            .any(|note| note.starts_with("interrupted and resumed at"))
    );
    // Another command is another measurement.
    let other = killed(&bench, "odd-resumed");
    assert!(other.contains("boot_ms"));
    let output = bench.measure(&["--samples", "13", "--resume"]);
    assert_says(&output, 2, &["cannot resume", "command: now", "leave out --resume"]);
    assert_says(
        &coldcast().args(["measure", "cleanup", "--yes"]).output().unwrap(),
        0,
        &["removed"],
    );
    bench.assert_clean();
}

#[test]
fn cleanup_removes_what_a_killed_run_left_and_nothing_else() {
    let Some(bench) = bench("killed") else { return };
    killed(&bench, "odd-killed");
    assert_eq!(bench.containers().len(), 1);
    let cleanup = |arguments: &[&str]| {
        let mut command = coldcast();
        command
            .args(["measure", "cleanup"])
            .args(arguments)
            .stdin(Stdio::null());
        command.output().unwrap()
    };
    assert_says(
        &cleanup(&[]),
        2,
        &[
            "which has ended, left",
            "container coldcast-",
            "network coldcast-",
            "add --yes",
        ],
    );
    assert_eq!(bench.containers().len(), 1);
    assert_says(
        &cleanup(&["--run", "nosuchrun"]),
        2,
        &["there are no remains of a run `nosuchrun`"],
    );

    // A run that is running is left alone.
    let mut alive = bench
        .command(&["odd-killed", "--samples", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Its own samples show that its network and a container are there.
    let raw = bench.out().join("raw/odd-killed.jsonl");
    let set_aside = || std::fs::read_dir(bench.out().join("raw")).unwrap().count() > 1;
    wait_until(|| set_aside() && has_lines(&raw));
    assert_says(&cleanup(&["--yes"]), 0, &["is still running", "removed what run"]);
    assert!(alive.try_wait().unwrap().is_none());
    wait_until(|| !bench.containers().is_empty());
    alive.kill().unwrap();
    alive.wait().unwrap();
    assert_says(&cleanup(&["--yes"]), 0, &["removed what run"]);
    bench.assert_clean();
    assert_says(&cleanup(&["--yes"]), 0, &["nothing to remove"]);
}
