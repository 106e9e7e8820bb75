//! Measures deliberately odd servers on a real Docker engine. The tests are skipped with a message if there is no engine or no
//! Python base image; with COLDCAST_REQUIRE_ALL=1 that is a failure.

mod app;
mod bench;
mod cold_modes;
mod engine;
mod failures;
mod interrupted;
mod own_image;
mod registry;

use std::collections::BTreeSet;
use std::process::Stdio;

use crate::common::odd::{assert_adds_up, assert_says, coldcast, has_lines, interrupt, wait_until};
use bench::bench;

#[test]
fn a_503_is_not_ready() {
    let Some(bench) = bench("late") else { return };
    let output = bench.measure(&["--samples", "3"]);
    assert_says(&output, 0, &["wrote"]);
    let profile = bench.profile("odd-late");
    let run = &profile.runs[0];
    assert_eq!((run.counted().count(), run.failures.len()), (3, 0));
    for sample in &run.cold {
        assert!((900.0..2500.0).contains(&sample.first_response_ms), "{sample:?}");
        assert_adds_up(sample);
    }
    let contract = profile.contract.as_ref().unwrap();
    assert_eq!((contract.routes, contract.requests), (10, 171));
    assert_eq!(profile.blocks.len(), 3 + profile.provenance.repeated_blocks as usize);
    assert!(
        profile
            .blocks
            .iter()
            .all(|block| block.spin_ms > 0.0 && block.load.is_some())
    );
    let warm = run.warm.as_ref().unwrap();
    assert_eq!(warm.errors, 0);
    assert_eq!(
        warm.routes.keys().collect::<Vec<_>>(),
        ["echo", "healthz", "items", "json"]
    );
    let (clients, servers) = warm.parallel_io[2];
    assert_eq!(clients, 16);
    assert!(
        (8.0..=16.1).contains(&servers),
        "a thread per connection should serve 16 at once, not {servers}"
    );
    assert!(!bench.out().join("raw").exists(), "all samples are in the profile");
    bench.assert_clean();
}

#[test]
fn a_listening_socket_is_not_ready() {
    let Some(bench) = bench("slow") else { return };
    assert_says(&bench.measure(&["--samples", "3"]), 0, &["wrote"]);
    let run = &bench.profile("odd-slow").runs[0];
    assert_eq!((run.counted().count(), run.failures.len()), (3, 0));
    for sample in &run.cold {
        // The two seconds begin when it starts to listen.
        assert!(sample.boot_ms < 1500.0, "{sample:?}");
        assert!((1900.0..4000.0).contains(&sample.first_response_ms), "{sample:?}");
        assert_adds_up(sample);
    }
    bench.assert_clean();
}

#[test]
fn a_worker_that_is_late_belongs_to_the_first_response() {
    let Some(bench) = bench("forks") else { return };
    assert_says(&bench.measure(&["--samples", "4"]), 0, &["wrote"]);
    let run = &bench.profile("odd-forks").runs[0];
    assert_eq!((run.counted().count(), run.failures.len()), (4, 0));
    for sample in &run.cold {
        assert!(sample.boot_ms < 1500.0, "{sample:?}");
        assert!((600.0..2500.0).contains(&sample.first_response_ms), "{sample:?}");
        assert_adds_up(sample);
    }
    let ids: BTreeSet<_> = run
        .cold
        .iter()
        .map(|sample| sample.process_id.clone().unwrap())
        .collect();
    assert_eq!(ids.len(), run.cold.len(), "each start has a process of its own");
    bench.assert_clean();
}

#[test]
fn an_own_image_needs_no_contract() {
    let Some(bench) = bench("plain") else { return };
    assert_says(&bench.measure(&["--samples", "1"]), 0, &[]);
    let output = bench
        .command(&[
            "--image",
            &bench.tag(),
            "--port",
            "8080",
            "--path",
            "/ping",
            "--name",
            "mine",
            "--samples",
            "2",
        ])
        .output()
        .unwrap();
    assert_says(&output, 0, &["wrote"]);
    let profile = bench.profile("mine");
    assert_eq!(profile.runs[0].counted().count(), 2);
    assert!(profile.provenance.notes.iter().any(|note| note.contains("own image")));
    assert!(
        profile.image.os_packages.is_some_and(|number| number > 20),
        "Debian has more"
    );
    bench.assert_clean();
}

#[test]
fn values_of_environment_variables_reach_the_app_and_nothing_else() {
    let Some(bench) = bench("asks") else { return };
    // Builds the image; without the variable the app ends at once.
    assert_says(&bench.measure(&["--samples", "1"]), 3, &["who are you?"]);
    let tag = bench.tag();
    for given in ["TOKEN=s3cret", "TOKEN"] {
        let arguments = [
            "--image",
            &tag,
            "--port",
            "8080",
            "--name",
            "asks",
            "--samples",
            "1",
            "--env",
            given,
        ];
        let output = bench.command(&arguments).env("TOKEN", "s3cret").output().unwrap();
        assert_says(&output, 0, &["wrote"]);
        let profile = bench.profile("asks");
        assert_eq!(profile.runs[0].counted().count(), 1);
        assert!(
            profile.provenance.command.contains("--env TOKEN "),
            "{}",
            profile.provenance.command
        );
        let text = std::fs::read_to_string(bench.out().join("asks/profile.json")).unwrap();
        for text in [
            text,
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        ] {
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
    bench.assert_clean();
}

#[test]
fn ctrl_c_removes_everything_and_keeps_the_samples() {
    let Some(bench) = bench("endless") else { return };
    let child = bench
        .command(&["odd-endless", "--samples", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let raw = bench.out().join("raw/odd-endless.jsonl");
    wait_until(|| !bench.containers().is_empty() && has_lines(&raw));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_says(&output, 3, &["stopped by a signal", "raw"]);
    assert!(has_lines(&raw));
    bench.assert_clean();
}

#[test]
fn no_engine_says_what_to_do() {
    let models = tempfile::tempdir().unwrap();
    let output = coldcast()
        .args([
            "measure", "docker", "--image", "x", "--port", "80", "--name", "x", "--models",
        ])
        .arg(models.path())
        .env("DOCKER_HOST", "unix:///nonexistent")
        .output()
        .unwrap();
    assert_says(
        &output,
        3,
        &[
            "no Docker engine answers at unix:///nonexistent",
            "hint:",
            "DOCKER_HOST",
        ],
    );
}
