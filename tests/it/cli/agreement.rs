//! Two measurements of the same framework, made up so that the answer is known.

use serde_json::{Value, json};

use crate::cli::synthetic::{STEADY, panel_link, sandbox};

/// Starts of 40 blocks with a ripple of 10% around a median of 100 ms, times `factor` at 1 vCPU.
fn starts(runs: &mut [Value], factor: f64) {
    for run in runs {
        let one = run["cold"][0].clone();
        let factor = if run["cpu"] == "1000m" { factor } else { 1.0 };
        let cold = (0..40).map(|k| {
            let mut sample = one.clone();
            sample["block"] = json!(k);
            sample["total_ms"] = json!(factor * (95.0 + f64::from(k * 7 % 40) / 4.0));
            sample
        });
        run["cold"] = cold.collect();
    }
}

#[test]
fn medians_that_differ_are_told_from_those_that_do_not() {
    let sandbox = sandbox(STEADY, |runs| starts(runs, 1.0));
    let first = sandbox.read("made-up.json");
    let second = |factor: f64| {
        let mut profile: Value = serde_json::from_str(&first).unwrap();
        starts(profile["runs"].as_array_mut().unwrap(), factor);
        sandbox.write("second.json", &profile.to_string());
    };
    let agree = || {
        let csv = sandbox
            .run("measure agreement made-up.json second.json --format csv")
            .ok()
            .stdout;
        let rows: Vec<(String, f64, String)> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect::<Vec<_>>())
            .map(|cells| (cells[1].to_string(), cells[13].parse().unwrap(), cells[16].to_string()))
            .collect();
        rows
    };
    second(1.0);
    assert!(agree().iter().all(|(_, ratio, agree)| *ratio == 1.0 && agree == "true"));
    second(1.2);
    for (cpu, ratio, agree) in agree() {
        let differs = cpu == "1000m";
        assert!((ratio - if differs { 1.2 } else { 1.0 }).abs() < 1e-6, "{cpu}: {ratio}");
        assert_eq!(agree, (!differs).to_string(), "{cpu}");
    }
    let table = sandbox.run("measure agreement made-up.json second.json").ok().stdout;
    assert!(table.contains(" medians agree"), "{table}");
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let sandbox = sandbox(STEADY, |_| {});
    let missing = sandbox.run("measure agreement made-up.json nowhere.json");
    assert!(
        missing.code == Some(2) && missing.stderr.contains("nowhere.json"),
        "{missing}"
    );
    let scenario = sandbox.run("measure agreement made-up.json s.toml");
    assert!(
        scenario.code == Some(2) && scenario.stderr.contains("s.toml"),
        "{scenario}"
    );
    let mut other: Value = serde_json::from_str(&sandbox.read("made-up.json")).unwrap();
    other["name"] = "other".into();
    sandbox.write("other.json", &other.to_string());
    let apart = sandbox.run("measure agreement made-up.json other.json");
    assert!(apart.code == Some(2) && apart.stderr.contains("in common"), "{apart}");
}

/// The second machine takes 1.2 times as long, and so do the starts that it measured.
#[test]
fn the_factor_of_the_machines_is_taken_off() {
    let sandbox = sandbox(STEADY, |runs| {
        starts(runs, 1.0);
        runs.retain(|run| run["cpu"] == "1000m");
    });
    let carry = |name: &str, machine: &str, factor: f64, link: bool| {
        let mut profile: Value = serde_json::from_str(&sandbox.read("made-up.json")).unwrap();
        starts(profile["runs"].as_array_mut().unwrap(), factor);
        if link {
            profile["panel"] = panel_link(machine, factor);
        }
        sandbox.write(name, &profile.to_string());
    };
    let row = || {
        let csv = sandbox
            .run("measure agreement first.json second.json --format csv")
            .ok()
            .stdout;
        crate::common::table(&csv).remove(0)
    };
    carry("first.json", "aa", 1.0, true);
    carry("second.json", "bb", 1.2, false);
    let apart = row();
    assert_eq!(
        (apart["agree"].as_str(), apart["machine_factor"].as_str()),
        ("false", "")
    );
    carry("second.json", "bb", 1.2, true);
    let linked = row();
    let near = |column: &str, value: f64| {
        let found: f64 = linked[column].parse().unwrap();
        assert!((found / value - 1.0).abs() < 0.01, "{column}: {found}");
    };
    near("ratio", 1.2);
    near("machine_factor", 1.2);
    near("linked_ratio", 1.0);
    assert_eq!(linked["agree"], "true");
    let width = |name: &str| {
        let end = |which: &str| linked[format!("{name}_{which}").as_str()].parse::<f64>().unwrap();
        end("high") / end("low")
    };
    assert!(
        width("linked_ratio") > width("ratio"),
        "the doubt about the machines is part of it"
    );
    let table = sandbox.run("measure agreement first.json second.json").ok().stdout;
    assert!(
        table.contains("without the machines") && table.contains("the second machine takes 1.20"),
        "{table}"
    );
}
