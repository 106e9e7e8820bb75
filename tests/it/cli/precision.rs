//! Replications until intervals are narrow: by the flags, by the scenario, and by both.

use crate::common::{Ran, Sandbox, table};

/// Requests with exponential service times on one server, so that no two replications are alike.
fn noisy(replications: &str) -> String {
    format!(
        "schema = 1\nname = \"noisy\"\nreplications = {replications}\nhorizon = \"100s\"\nframeworks = [\"theory\"]\n\
         [traffic.poisson]\nrate = \"1/s\"\n[platform.fixed]\n\
         [profile.theory]\nservice-time = {{ exponential = {{ mean = \"500ms\" }} }}\ncold-start = \"0s\"\n"
    )
}

/// A scenario with these replications.
fn with(replications: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("noisy.toml", &noisy(replications));
    sandbox
}

/// The summary of a run with these flags.
fn summary(sandbox: &Sandbox, flags: &str) -> String {
    sandbox
        .run(&format!("simulate noisy.toml --quiet --out out {flags}"))
        .ok();
    sandbox.read("out/summary.csv")
}

/// The replications that a run with these flags made.
fn replications(sandbox: &Sandbox, flags: &str) -> String {
    table(&summary(sandbox, flags))[0]["replications"].clone()
}

const MEAN: &str = "{ precision = \"0.1%\", of = [\"latency_mean_ms\"], most = 20 }";

#[test]
fn the_scenario_means_what_the_flags_mean() {
    let by_flags = "--precision 0.1% --precision-of latency_mean_ms --most-replications 20";
    let found = summary(&with(MEAN), "");
    assert_eq!(found, summary(&with("3"), by_flags));
    assert_eq!(table(&found)[0]["replications"], "20");
}

#[test]
fn a_run_ends_at_the_first_look_that_is_precise() {
    // A replication has 100 requests with a standard deviation of 10, so ten replications know their number to about 9%.
    for (precision, wanted) in [("50%", "10"), ("20%", "10"), ("0.1%", "40")] {
        let text = format!("{{ precision = \"{precision}\", of = [\"requests\"], most = 40 }}");
        assert_eq!(replications(&with(&text), ""), wanted, "{precision}");
    }
}

#[test]
fn each_flag_replaces_its_part_of_the_scenario() {
    let sandbox = with(MEAN);
    assert_eq!(replications(&sandbox, "--most-replications 11"), "11");
    assert_eq!(replications(&sandbox, "--precision 50%"), "10");
    assert_eq!(replications(&sandbox, "--precision 50% --precision-of requests"), "10");
    assert_eq!(replications(&sandbox, "--set replications=3"), "3");
    assert_eq!(replications(&sandbox, "--set replications.most=12"), "12");
    let ran = sandbox.run("simulate noisy.toml").ok();
    let missed = "After 20 replications latency_mean_ms of theory is not yet known to 0.1%";
    assert!(ran.stderr.contains(missed), "{ran}");
}

fn refused(ran: Ran, parts: &[&str]) {
    let text = ran.to_string();
    assert!(text.starts_with("exit 2"), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn nonsense_is_refused_before_anything_runs() {
    for (replications, parts) in [
        (
            "\"2%\"",
            &["noisy.toml", "line 3", "or a precision such as { precision = \"2%\" }"][..],
        ),
        ("{ precision = \"2\" }", &["line 3", "above 0% and at most 50%"]),
        ("{ most = 20 }", &["line 3", "missing field `precision`"]),
        (
            "{ precision = \"2%\", moist = 20 }",
            &["line 3", "unknown field `moist`", "did you mean `most`?"],
        ),
        (
            "{ precision = \"2%\", most = 5 }",
            &["`replications.most` is 5; it must be at least 10 and at most 1000"],
        ),
        (
            "{ precision = \"2%\", of = [\"latency_men_ms\"] }",
            &[
                "`replications.of`: `latency_men_ms` is no metric",
                "did you mean `latency_mean_ms`?",
            ],
        ),
        (
            "{ precision = \"2%\", of = [\"marginal_cost_per_million_usd\"] }",
            &["has no interval that replications narrow", "choose other metrics"],
        ),
    ] {
        let sandbox = with(replications);
        for verb in ["check", "simulate"] {
            refused(sandbox.run(&format!("{verb} noisy.toml --quiet")), parts);
        }
    }
    // There are no prices here.
    let sandbox = with("3");
    let unknown = "no variant knows monthly_cost_usd, so there is no interval to narrow";
    let flags = "--precision 2% --precision-of monthly_cost_usd";
    refused(sandbox.run(&format!("simulate noisy.toml --quiet {flags}")), &[unknown]);
    for flag in ["--precision-of latency_mean_ms", "--most-replications 20"] {
        refused(
            sandbox.run(&format!("simulate noisy.toml --quiet {flag}")),
            &["needs a precision to reach: add --precision 2%"],
        );
    }
}

#[test]
fn a_comparison_needs_the_same_replications() {
    let sandbox = with(MEAN);
    sandbox.write("other.toml", &noisy("3").replace("noisy", "other"));
    let ran = sandbox.run("compare noisy.toml other.toml --quiet");
    let set = "--set 'replications={ precision = \"0.1%\", of = [\"latency_mean_ms\"], most = 20 }'";
    refused(ran, &[set]);
    sandbox
        .run(&format!("compare noisy.toml other.toml --quiet --set seed=1 {set}"))
        .ok();
}
