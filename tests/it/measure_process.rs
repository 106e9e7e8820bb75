//! Measures deliberately odd servers as processes of this machine. The tests are skipped with a message without Python; with
//! COLDCAST_REQUIRE_ALL=1 that is a failure.

mod bench;
mod failures;
mod interrupted;

use std::process::Command;

use coldcast::model::profile::MeasuredConfig;

use crate::common::odd::{assert_adds_up, assert_says, coldcast};
use bench::bench;

#[test]
fn a_listening_socket_is_not_ready() {
    let Some(bench) = bench("slow") else { return };
    assert_says(&bench.measure(&["--samples", "3"]), 0, &["wrote"]);
    let profile = bench.profile();
    assert_eq!(profile.provenance.backend, "process");
    assert_eq!((profile.provenance.cpu_period_us, profile.image.layers), (None, 0));
    assert!(profile.runtime.is_some_and(|runtime| runtime.starts_with("Python 3")));
    let run = &profile.runs[0];
    assert_eq!(Some(u64::from(run.memory.0)), profile.provenance.host_memory_mib);
    assert_eq!((run.counted().count(), run.failures.len()), (3, 0));
    for sample in &run.cold {
        // The two seconds begin when it starts to listen.
        assert!(sample.boot_ms < 1500.0, "{sample:?}");
        assert!((1900.0..4000.0).contains(&sample.first_response_ms), "{sample:?}");
        assert!(sample.create_ms < 100.0 && sample.start_ms < 200.0, "{sample:?}");
        assert_adds_up(sample);
    }
    bench.assert_clean();
}

#[test]
fn a_503_is_not_ready_and_a_warm_run_is_whole() {
    let Some(bench) = bench("late") else { return };
    assert_says(&bench.measure(&["--samples", "3"]), 0, &["wrote"]);
    let profile = bench.profile();
    let run = &profile.runs[0];
    assert_eq!((run.counted().count(), run.failures.len()), (3, 0));
    for sample in &run.cold {
        assert!((900.0..2500.0).contains(&sample.first_response_ms), "{sample:?}");
        assert_adds_up(sample);
    }
    let contract = profile.contract.as_ref().unwrap();
    assert_eq!((contract.routes, contract.requests), (10, 171));
    assert_eq!(contract.command, "coldcast measure process odd-late --quick");
    assert_eq!(profile.blocks.len(), 3 + profile.provenance.repeated_blocks as usize);
    let warm = run.warm.as_ref().unwrap();
    assert_eq!(warm.errors, 0);
    let routes: Vec<_> = warm.routes.keys().collect();
    assert_eq!(routes, ["echo", "healthz", "items", "json"]);
    for route in warm.routes.values() {
        assert!(!route.cpu_ms.is_empty() && !route.service_time_ms.is_empty());
    }
    let (clients, servers) = warm.parallel_io[2];
    assert_eq!(clients, 16);
    assert!(
        (8.0..=16.1).contains(&servers),
        "a thread per connection, not {servers}"
    );
    assert!(warm.round_trip_ms > 0.0 && warm.saturation_rps.is_some());
    assert!(warm.idle.anon_bytes.is_some() && warm.idle.pss_bytes.is_some());
    assert_eq!((warm.idle.working_set_bytes, warm.processes), (None, Some(1)));
    assert!(!bench.out().join("raw").exists(), "all samples are in the profile");
    bench.assert_clean();
}

#[test]
fn what_descendants_use_counts_once() {
    let Some(bench) = bench("family") else { return };
    assert_says(&bench.measure(&["--samples", "3"]), 0, &["wrote"]);
    let run = &bench.profile().runs[0];
    let mib = |bytes: Option<u64>| bytes.unwrap() as f64 / f64::from(1 << 20);
    for sample in &run.cold {
        // 0.2 s of a reaped child, rounded down to ticks, and 0.3 s of a child that lives; the rest is Python itself.
        let cpu_ms = sample.cpu_ms.unwrap();
        assert!((480.0..2000.0).contains(&cpu_ms), "{sample:?}");
        // 50 MiB of the worker, 40 MiB that it shares with its parent, and Python twice.
        assert!((90.0..125.0).contains(&mib(sample.anon_bytes)), "{sample:?}");
        assert_adds_up(sample);
    }
    let warm = run.warm.as_ref().unwrap();
    assert_eq!(warm.processes, Some(2));
    assert!((90.0..125.0).contains(&mib(warm.idle.anon_bytes)), "{:?}", warm.idle);
    bench.assert_clean();
}

#[test]
fn a_descendant_that_left_the_session_is_ended_too() {
    let Some(bench) = bench("escapes") else { return };
    assert_says(&bench.measure(&["--samples", "2"]), 0, &["wrote"]);
    assert_eq!(bench.profile().runs[0].counted().count(), 2);
    bench.assert_clean();
}

#[test]
fn more_cpus_are_another_run_and_a_profile_serves_a_scenario() {
    let Some(bench) = bench("plain") else { return };
    let cpus = std::thread::available_parallelism().unwrap().get();
    let both = if cpus > 1 { "1,2" } else { "1" };
    assert_says(&bench.measure(&["--samples", "2", "--cpu", both]), 0, &["wrote"]);
    let profile = bench.profile();
    let sizes: Vec<u32> = profile.runs.iter().map(|run| run.cpu.0).collect();
    assert_eq!(sizes, [1000, 2000][..cpus.min(2)]);
    assert!(profile.runs.iter().all(|run: &MeasuredConfig| run.warm.is_some()));
    assert!(
        profile
            .provenance
            .command
            .starts_with("coldcast measure process odd-plain --cpu 1")
    );

    let scenario = bench.temporary().join("shop.toml");
    let text = r#"schema = 1
name = "shop"
replications = 2
horizon = "10m"
frameworks = ["PROFILE"]
[traffic.poisson]
rate = "2/s"
[work]
cpu = { items = 40 }
[slo]
latency = "300ms"
objective = 0.99
[platform.lambda]
memory = "1769Mi"
[prices]
list = "aws-us-east-1"
"#;
    let path = bench.profile_path("odd-plain").display().to_string();
    std::fs::write(&scenario, text.replace("PROFILE", &path)).unwrap();
    let output: std::process::Output =
        Command::output(coldcast().args(["simulate", "--assumptions"]).arg(&scenario)).unwrap();
    assert_says(
        &output,
        0,
        &["measured as processes", "without a memory limit", "lower bounds"],
    );
    std::fs::remove_file(scenario).unwrap();
    bench.assert_clean();
}
