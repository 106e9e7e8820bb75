//! Whole runs on the fake target: blocks, noise, failures, interruption and resumption.

use std::path::Path;

use super::*;
use crate::measure::Backend;
use crate::measure::config::{Config, REFERENCE, WarmKind};
use crate::measure::contract::tests::{app, right};
use crate::measure::subject::{OwnImage, Subject};
use crate::measure::targets::fake::{Answer, Fake, Spec};
use crate::model::profile::{ColdMode, CpuMode, FailureKind, Verdict};
use crate::units::MilliCpu;

fn config(cpu: u32, samples: u32) -> Config {
    Config {
        limits: crate::measure::config::Limits {
            cpu: MilliCpu(cpu),
            ..REFERENCE
        },
        cold_mode: ColdMode::ProcessCold,
        cpu_mode: CpuMode::Flat,
        samples,
        warm_run: WarmKind::None,
    }
}

fn image(name: &str) -> Subject {
    Subject::Image(OwnImage::new(name, name, 80, "/"))
}

fn measurement(out: &Path, names: &[&str], configs: &[Config]) -> Measurement {
    let subjects = names.iter().map(|name| image(name)).collect();
    Measurement::new(Backend::Process, subjects, configs.to_vec(), out)
}

fn run_on_fake(fake: &Fake, measurement: &Measurement) -> Result<Finished, MeasureError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut progress = Progress::new(true, false);
    runtime.block_on(run_until(
        fake.stop.notified(),
        fake,
        "0123abcd",
        measurement,
        &mut progress,
    ))
}

#[test]
fn each_block_starts_every_configuration_once_and_profiles_are_whole() {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a", "b"], &[config(1000, 4), config(500, 2)]);
    let fake = Fake::new(Spec::default());
    let finished = run_on_fake(&fake, &measurement).unwrap();
    assert!(finished.unmeasured.is_empty(), "{:?}", finished.unmeasured);
    let calls = fake.calls();
    assert_eq!(calls[..3], ["deploy a", "deploy b", "open"]);
    assert_eq!(calls.last().unwrap(), "sweep");
    // Two starts that do not count, then 4 and 2 of each subject; each instance is removed.
    assert_eq!(fake.calls_of("start ").len(), 2 + 2 * (4 + 2));
    assert_eq!(fake.calls_of("remove ").len(), 2 + 2 * (4 + 2));
    assert_eq!(fake.calls_of("settle").len(), 2 * (4 + 2));
    let mut orders = Vec::new();
    for (name, (profile, path)) in ["a", "b"].iter().zip(&finished.profiles) {
        assert_eq!(
            (profile.name.as_str(), path),
            (*name, &out.path().join(name).join("profile.json"))
        );
        let of = |run: usize| {
            let cold = &profile.runs[run].cold;
            let mut blocks: Vec<u32> = cold.iter().map(|sample| sample.block).collect();
            blocks.sort_unstable();
            blocks
        };
        assert_eq!(
            (of(0), of(1)),
            (vec![1, 3], vec![0, 1, 2, 3]),
            "few samples are spread evenly"
        );
        assert_eq!((profile.provenance.blocks, profile.provenance.repeated_blocks), (4, 0));
        assert_eq!(profile.provenance.backend, "fake");
        assert!(profile.provenance.notes.contains(&"nothing was started".to_string()));
        let cold = profile.runs.iter().flat_map(|run| &run.cold);
        orders.extend(cold.map(|sample| sample.order));
    }
    orders.sort_unstable();
    assert_eq!(orders, (2..14).collect::<Vec<_>>());
    assert!(!out.path().join("raw").exists());
}

/// The verdicts of the samples of block 2, in the order in which they were taken, and the number of repeated blocks.
fn verdicts(spin_ms: fn(usize) -> f64) -> (Vec<Verdict>, u32) {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a"], &[config(1000, 8)]);
    let spec = Spec {
        spin_ms,
        ..Spec::default()
    };
    let finished = run_on_fake(&Fake::new(spec), &measurement).unwrap();
    let (profile, _) = &finished.profiles[0];
    assert_eq!(profile.runs[0].counted().count(), 8);
    let block = profile.runs[0].cold.iter().filter(|sample| sample.block == 2);
    let verdicts = block.map(|sample| sample.verdict).collect();
    (verdicts, profile.provenance.repeated_blocks)
}

#[test]
fn noisy_blocks_are_repeated_and_the_quieter_sample_counts() {
    let (noisy, counted) = (Verdict::NoisyHost, Verdict::Counted);
    assert_eq!(verdicts(|_| 20.0), (vec![counted], 0));
    // Readings 0 to 7 are those of the blocks, reading 8 is that of the repeated one.
    let once = |reading: usize| if reading == 2 { 30.0 } else { 20.0 };
    assert_eq!(verdicts(once), (vec![noisy, counted], 1));
    let worse = |reading: usize| match reading {
        2 => 30.0,
        8 => 40.0,
        _ => 20.0,
    };
    assert_eq!(verdicts(worse), (vec![counted, noisy], 1));
    // At most a quarter is repeated: of four noisy blocks the two noisiest, and block 2 is not among them.
    let four = |reading: usize| match reading {
        2 => 25.0,
        3 => 26.0,
        4 => 30.0,
        5 => 31.0,
        _ => 20.0,
    };
    assert_eq!(verdicts(four), (vec![counted], 2));
}

#[test]
fn an_interrupted_run_sweeps_up_and_its_samples_are_used_again() {
    let out = tempfile::tempdir().unwrap();
    let mut measurement = measurement(out.path(), &["a", "b"], &[config(1000, 5)]);
    let fake = Fake::new(Spec {
        start: |asked| {
            if asked.number == 7 {
                Answer::Interrupted
            } else {
                Answer::Up(100.0)
            }
        },
        ..Spec::default()
    });
    let error = run_on_fake(&fake, &measurement).unwrap_err();
    assert!(matches!(&error, MeasureError::Interrupted { kept: Some(kept) } if *kept == out.path().join("raw")));
    assert_eq!(fake.calls().last().unwrap(), "sweep");
    let taken: usize = ["a", "b"]
        .map(|name| std::fs::read_to_string(out.path().join(format!("raw/{name}.jsonl"))).unwrap())
        .iter()
        .map(|text| text.matches("boot_ms").count())
        .sum();
    assert_eq!(taken, 5, "starts 0 and 1 do not count, and start 7 did not end");

    measurement.resume = true;
    let again = Fake::new(Spec::default());
    let finished = run_on_fake(&again, &measurement).unwrap();
    assert_eq!(again.calls_of("start ").len(), 2 + 2 * 5 - taken);
    let mut orders = Vec::new();
    for (profile, _) in &finished.profiles {
        let mut blocks: Vec<u32> = profile.runs[0].counted().map(|sample| sample.block).collect();
        blocks.sort_unstable();
        assert_eq!(blocks, [0, 1, 2, 3, 4]);
        let resumed = |note: &String| note.starts_with("interrupted and resumed at");
        assert!(profile.provenance.notes.iter().any(resumed));
        orders.extend(profile.runs[0].cold.iter().map(|sample| sample.order));
    }
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders.len(), 10, "each start has a number of its own");

    // What is finished is not measured again.
    let third = Fake::new(Spec::default());
    let finished = run_on_fake(&third, &measurement).unwrap();
    assert!(finished.profiles.is_empty() && third.calls_of("start ").is_empty());
}

#[test]
fn a_configuration_without_success_is_given_up_and_others_continue() {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a", "b"], &[config(1000, 6)]);
    let fake = Fake::new(Spec {
        // Starts 0 and 1 are the first ones, which do not count.
        start: |asked| match asked.name {
            "b" if asked.number > 1 => Answer::Fails(FailureKind::Timeout),
            _ => Answer::Up(100.0),
        },
        ..Spec::default()
    });
    let finished = run_on_fake(&fake, &measurement).unwrap();
    assert_eq!(finished.profiles.len(), 1);
    assert_eq!(names_and_reasons(&finished), [("b", "as the spec says")]);
    assert_eq!(fake.calls_of("start a").len(), 1 + 6);
    assert_eq!(fake.calls_of("start b").len(), 1 + 3);
    assert!(
        out.path().join("raw/b.jsonl").exists(),
        "failures after a success are kept"
    );
}

fn names_and_reasons(finished: &Finished) -> Vec<(&str, &str)> {
    let each = finished.unmeasured.iter();
    each.map(|one| (one.name.as_str(), one.reason.as_str())).collect()
}

#[test]
fn a_first_start_that_fails_is_the_only_one_of_its_subject() {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a", "b"], &[config(1000, 6), config(500, 6)]);
    let fake = Fake::new(Spec {
        start: |asked| match asked.name {
            "a" => Answer::Up(100.0),
            _ => Answer::Fails(FailureKind::Exited),
        },
        ..Spec::default()
    });
    let finished = run_on_fake(&fake, &measurement).unwrap();
    assert_eq!(names_and_reasons(&finished), [("b", "as the spec says")]);
    assert_eq!(fake.calls_of("start a").len(), 1 + 12);
    assert_eq!(fake.calls_of("start b").len(), 1);
    assert!(!out.path().join("raw").exists(), "there is nothing to resume");
}

#[test]
fn a_first_start_whose_sample_was_dropped_is_taken_again() {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a"], &[config(1000, 2)]);
    let fake = Fake::new(Spec {
        start: |asked| match asked.number {
            0 => Answer::Fails(FailureKind::Dropped),
            _ => Answer::Up(100.0),
        },
        ..Spec::default()
    });
    let finished = run_on_fake(&fake, &measurement).unwrap();
    assert_eq!((finished.profiles.len(), fake.calls_of("start a").len()), (1, 2 + 2));
}

#[test]
fn a_process_that_answered_before_is_not_cold() {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a"], &[config(1000, 5)]);
    let fake = Fake::new(Spec {
        start: |_| Answer::UpAs(100.0, "twin"),
        ..Spec::default()
    });
    let finished = run_on_fake(&fake, &measurement).unwrap();
    let reason = "not cold: process twin has answered in an earlier start";
    assert_eq!(names_and_reasons(&finished), [("a", reason)]);
    assert_eq!(fake.calls_of("remove twin").len(), 1 + 3, "it is removed each time");
}

#[test]
fn a_subject_that_cannot_be_deployed_is_left_out_unless_it_is_the_only_one() {
    let out = tempfile::tempdir().unwrap();
    let fake = || {
        Fake::new(Spec {
            broken: ["b"].into(),
            ..Spec::default()
        })
    };
    let both = measurement(out.path(), &["a", "b"], &[config(1000, 1)]);
    let finished = run_on_fake(&fake(), &both).unwrap();
    assert_eq!((finished.profiles.len(), finished.unmeasured.len()), (1, 1));
    assert!(finished.unmeasured[0].reason.contains("b needs the program `nothing`"));
    let alone = measurement(out.path(), &["b"], &[config(1000, 1)]);
    let error = run_on_fake(&fake(), &alone).unwrap_err();
    assert!(matches!(error, MeasureError::MissingProgram { .. }));
}

/// A framework of this name and release, with the rest of Gin's description.
fn framework(name: &str, version: &str) -> Subject {
    let text = crate::model::catalog::FRAMEWORKS
        .iter()
        .find(|(known, ..)| *known == "gin")
        .map(|(_, text, _)| *text)
        .unwrap();
    let mut framework = crate::model::framework::parse(text).unwrap();
    framework.name = name.into();
    framework.version = version.into();
    Subject::Framework {
        framework: Box::new(framework),
        folder: "/nonexistent".into(),
    }
}

#[test]
fn a_framework_that_breaks_the_contract_is_not_measured() {
    let out = tempfile::tempdir().unwrap();
    let mut measurement = measurement(out.path(), &[], &[config(1000, 2)]);
    // The app says that it is release 1.2 of `mine`.
    measurement.subjects = vec![framework("mine", "1.3")];
    let spec = || Spec {
        app: Some(app(right)),
        ..Spec::default()
    };
    let fake = Fake::new(spec());
    let finished = run_on_fake(&fake, &measurement).unwrap();
    assert!(
        finished.unmeasured[0]
            .reason
            .contains("does not meet the HTTP contract: GET /json")
    );
    assert_eq!(fake.calls_of("start ").len(), 1);

    measurement.subjects = vec![framework("mine", "1.2")];
    let finished = run_on_fake(&Fake::new(spec()), &measurement).unwrap();
    let (profile, _) = &finished.profiles[0];
    let check = profile.contract.as_ref().unwrap();
    assert_eq!(
        (check.routes, check.requests, check.command.as_str()),
        (10, 171, "check mine")
    );
}

#[test]
fn a_bug_in_a_target_does_not_keep_the_run_from_sweeping_up() {
    let out = tempfile::tempdir().unwrap();
    let measurement = measurement(out.path(), &["a"], &[config(1000, 2)]);
    let fake = Fake::new(Spec {
        start: |asked| {
            if asked.number == 2 {
                Answer::Panics
            } else {
                Answer::Up(100.0)
            }
        },
        ..Spec::default()
    });
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| run_on_fake(&fake, &measurement)));
    assert!(ended.is_err());
    assert_eq!(fake.calls().last().unwrap(), "sweep");
}

#[test]
fn a_panel_is_one_file_and_continues_where_it_was_interrupted() {
    let out = tempfile::tempdir().unwrap();
    let mut measurement = measurement(out.path(), &[], &[crate::measure::panel::config()]);
    // The app says that it is release 1.2 of `mine`; another framework does not start.
    measurement.subjects = vec![framework("mine", "1.2"), framework("other", "1.0")];
    let spec = |interrupted: bool| Spec {
        app: Some(app(right)),
        start: match interrupted {
            true => |asked| match (asked.name, asked.number) {
                ("other", _) => Answer::Fails(FailureKind::Timeout),
                // After 7 starts of the blocks: the search for the cause of the failure has numbers of its own.
                (_, 29..) => Answer::Interrupted,
                _ => Answer::Up(100.0),
            },
            false => |asked| match asked.name {
                "other" => Answer::Fails(FailureKind::Timeout),
                _ => Answer::Up(120.0),
            },
        },
        ..Spec::default()
    };
    let error = run_on_fake(&Fake::new(spec(true)), &measurement).unwrap_err();
    assert!(matches!(error, MeasureError::Interrupted { .. }));
    measurement.resume = true;
    let finished = run_on_fake(&Fake::new(spec(false)), &measurement).unwrap();
    let (panel, path) = finished.panel.as_ref().unwrap();
    assert_eq!(path, &out.path().join("panel.json"));
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(crate::model::panel::parse(&text).unwrap(), *panel);
    let [mine] = panel.frameworks.as_slice() else {
        panic!("{:?}", panel.frameworks)
    };
    let totals: Vec<f64> = mine.cold.iter().map(|start| start.total_ms).collect();
    assert_eq!(totals.len(), 12);
    let before = totals.iter().filter(|total| **total == 100.0).count();
    assert!(before > 0 && before < 12, "samples of both runs are used: {totals:?}");
    // The place shows no CPU time, so there is no load, and the panel says why.
    assert_eq!((mine.version.as_str(), mine.requests.len()), ("1.2", 0));
    let reason = &mine.failures.last().unwrap().reason;
    assert_eq!(reason, "load: the CPU time of the instance cannot be read");
    assert!(panel.blocks.len() >= 12, "{:?}", panel.blocks);
    assert_eq!(finished.unmeasured[0].name, "other");
    assert!(finished.profiles.is_empty() && !out.path().join("raw/mine.jsonl").exists());
}
