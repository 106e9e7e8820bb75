//! Runs that were interrupted or killed: nothing is left, or the remains are found; samples are kept and used again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::odd::{assert_adds_up, assert_says, has_lines, interrupt, wait_until};
use crate::measure_process::bench::bench;

#[test]
fn ctrl_c_removes_everything_and_keeps_the_samples() {
    let Some(bench) = bench("stubborn") else { return };
    let child = bench
        .command(&["odd-stubborn", "--samples", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| !bench.processes().is_empty() && has_lines(&bench.raw()));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_says(&output, 3, &["stopped by a signal", "raw"]);
    assert!(has_lines(&bench.raw()));
    bench.assert_clean();
}

#[test]
fn ctrl_c_ends_what_prepares_an_app() {
    let Some(bench) = bench("plain") else { return };
    bench.add("odd-long", "requires = []\nprepare = [\"sh -c 'sleep 600; true'\"]");
    let child = bench
        .command(&["odd-long"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| bench.processes().len() == 2);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_says(&output, 3, &["stopped by a signal"]);
    bench.assert_clean();
}

#[test]
fn an_app_ends_with_a_killed_run_and_the_run_is_resumed() {
    let Some(bench) = bench("plain") else { return };
    let before = bench.killed();
    let taken = before.matches("boot_ms").count();
    // The kernel stops the app, because the thread that started it is gone.
    let began = Instant::now();
    while !bench.processes().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(bench.runs().len(), 1, "its folder is left");
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
    let profile = bench.profile();
    let cold = &profile.runs[0].cold;
    let first: Vec<u32> = cold[..taken].iter().map(|sample| sample.order).collect();
    assert!(cold[taken..].iter().all(|sample| !first.contains(&sample.order)));
    let mut blocks: Vec<u32> = profile.runs[0].counted().map(|sample| sample.block).collect();
    blocks.sort_unstable();
    assert_eq!(blocks, (0..12).collect::<Vec<_>>(), "each block once");
    cold.iter().for_each(assert_adds_up);
    let resumed = |note: &String| note.starts_with("interrupted and resumed at");
    assert!(profile.provenance.notes.iter().any(resumed));
    let run = bench.runs().remove(0);
    assert_says(
        &bench.cleanup(&["--run", &run, "--yes"]),
        0,
        &[
            "looked at processes only, not at containers",
            "which has ended",
            "folder",
            "removed",
        ],
    );
    bench.assert_clean();
}

#[test]
fn cleanup_ends_what_would_not_end_and_leaves_runs_alone_that_go_on() {
    let Some(bench) = bench("stubborn") else { return };
    bench.killed();
    let dead = bench.runs().remove(0);
    assert_eq!(bench.processes().len(), 1);
    let listed = bench.cleanup(&["--run", &dead]);
    assert_says(
        &listed,
        2,
        &["which has ended, left", "process ", "(python3", "folder ", "add --yes"],
    );
    assert_eq!(bench.processes().len(), 1);

    let mut alive = bench
        .command(&["odd-stubborn", "--samples", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let set_aside = || std::fs::read_dir(bench.out().join("raw")).unwrap().count() > 1;
    wait_until(|| set_aside() && has_lines(&bench.raw()));
    assert_says(&bench.cleanup(&["--run", &dead, "--yes"]), 0, &["removed what run"]);
    assert!(alive.try_wait().unwrap().is_none());
    let going = bench.runs();
    assert!(going.len() == 1 && going[0] != dead);
    assert_says(&bench.cleanup(&["--yes"]), 0, &["is still running"]);
    assert_eq!(bench.runs(), going);
    interrupt(&alive);
    alive.wait().unwrap();
    bench.assert_clean();
}
