//! The same version, scenario and seed give the same bytes, whatever the number of threads. In `manifest.json` that holds
//! for everything but the object `run`.

use crate::common::Sandbox;

const FILES: [&str; 6] = [
    "summary.csv",
    "costs.csv",
    "timeline.csv",
    "report.xlsx",
    "report.md",
    "manifest.json",
];

/// The bytes of every result file, the manifest without its `run`, and what was printed.
fn results(sandbox: &Sandbox, line: &str, out: &str) -> Vec<(String, Vec<u8>)> {
    let ran = sandbox.run(&format!("{line} --quiet --format json --out {out}")).ok();
    let mut results = vec![("stdout".to_string(), ran.stdout.into_bytes())];
    for name in sandbox.names(out) {
        let mut bytes = std::fs::read(sandbox.path(out).join(&name)).unwrap();
        if name == "manifest.json" {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let run = manifest.as_object_mut().unwrap().remove("run").unwrap();
            assert!(
                run["wall_s"].as_f64().unwrap() > 0.0 && run["started"].is_string(),
                "{run}"
            );
            bytes = serde_json::to_vec(&manifest).unwrap();
        }
        results.push((name, bytes));
    }
    results
}

#[test]
fn threads_and_repetition_change_no_byte() {
    let sandbox = Sandbox::new();
    let rows: String = (0..20_000)
        .map(|i| format!("f{},{}.5,0.{}\n", i % 13, i / 5, i % 7 + 1))
        .collect();
    sandbox.write("events.csv", &format!("func,arrival_s,duration_s\n{rows}"));
    for line in [
        "simulate mall.toml",
        "compare pair.toml",
        "simulate events.toml --set replications=3",
        "compare pair.toml mall.toml --set seed=9 --set replications=3",
        "simulate pair.toml --set traffic.diurnal.mean-rate=4/s",
        "simulate pair.toml --set platform.fixed.replicas=3",
    ] {
        let one = results(&sandbox, &format!("{line} --threads 1"), "one");
        let has = |name: &str| one.iter().any(|(other, _)| other == name);
        assert!(FILES.iter().all(|name| has(name)), "{line}");
        for (threads, out) in [("2", "two"), ("1", "again"), ("7", "seven")] {
            let other = results(&sandbox, &format!("{line} --threads {threads}"), out);
            assert_eq!(one.len(), other.len());
            for ((name, a), (_, b)) in one.iter().zip(&other) {
                assert!(a == b, "{line}: {name} differs with {threads} threads");
            }
        }
    }
}

#[test]
fn another_seed_gives_other_numbers() {
    let sandbox = Sandbox::new();
    let a = results(&sandbox, "simulate pair.toml", "a");
    let b = results(&sandbox, "simulate pair.toml --set seed=6", "b");
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a != b, "{name} does not depend on the seed");
    }
}

#[test]
fn a_candidate_has_the_same_random_numbers_alone_and_with_others() {
    let sandbox = Sandbox::new();
    sandbox.run("compare pair.toml --quiet --out both").ok();
    sandbox
        .run("compare pair.toml --quiet --out alone --frameworks slow")
        .ok();
    let of_slow = |out: &str| {
        let text = sandbox.read(&format!("{out}/summary.csv"));
        text.lines()
            .find(|line| line.starts_with("pair,slow,"))
            .unwrap()
            .to_string()
    };
    assert_eq!(of_slow("both"), of_slow("alone"));
}

#[cfg(feature = "parquet")]
#[test]
fn recorded_requests_are_the_same_bytes_too() {
    let sandbox = Sandbox::new();
    let one = results(&sandbox, "compare pair.toml --record requests --threads 1", "one");
    let two = results(&sandbox, "compare pair.toml --record requests --threads 2", "two");
    assert!(
        one.iter()
            .any(|(name, bytes)| name == "requests.parquet" && bytes.starts_with(b"PAR1"))
    );
    assert!(one == two);
}
