//! `--fail-on slo` and `--max-monthly-usd` end with exit code 1, after the answer.

use insta::assert_snapshot;

use crate::common::Sandbox;

#[test]
fn a_promise_that_is_not_kept_fails() {
    let sandbox = Sandbox::new();
    sandbox.run("simulate shop.toml --fail-on slo").ok();
    assert_snapshot!(sandbox.run("simulate shop.toml --fail-on slo --set slo.objective=0.999 --quiet"), @r"
    exit 1
    --- stdout
    variant  SLO     within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    steady   missed             99.83            0.17      100      100     2.73

    steady missed: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    --- stderr
    error: steady misses its SLO
    ");
    // The objective itself is kept: 598 of 599 requests are in time.
    sandbox
        .run("simulate shop.toml --fail-on slo --set slo.objective=0.9983")
        .ok();
    // Every service has its own promise.
    let ran = sandbox.run("simulate mall.toml --fail-on slo --quiet --set service.search.slo.latency=10ms");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("mall misses its SLO for search"), "{ran}");
}

#[test]
fn a_bill_above_the_limit_fails() {
    let sandbox = Sandbox::new();
    sandbox.run("simulate shop.toml --max-monthly-usd 2.73").ok();
    assert_snapshot!(sandbox.run("simulate shop.toml --max-monthly-usd 2.72 --quiet"), @r"
    exit 1
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    steady   met             99.83            0.17      100      100     2.73

    steady kept its promise: 0.17% of requests waited for a start (400 ms each); the rest was within 300 ms.
    --- stderr
    error: steady costs 2.73 dollars a month, above 2.72
    ");
    let both = "simulate shop.toml --max-monthly-usd 0 --fail-on slo --set slo.objective=1 --quiet";
    assert_snapshot!(sandbox.run(both).stderr, @r"error: steady misses its SLO; steady costs 2.73 dollars a month, above 0.00");
}

#[test]
fn the_files_are_written_all_the_same() {
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox.run("simulate shop.toml --max-monthly-usd 0 --out r").code,
        Some(1)
    );
    assert_eq!(
        sandbox.names("r"),
        [
            "cost-latency.svg",
            "costs.csv",
            "focus.csv",
            "hours.csv",
            "infracost.json",
            "manifest.json",
            "meters.csv",
            "replications.csv",
            "report.md",
            "report.xlsx",
            "study.json",
            "summary.csv",
            "timeline.csv",
            "violations.csv"
        ]
    );
}

#[test]
fn a_gate_without_anything_to_check_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("events.csv", "func,arrival_s,duration_s\na,0,0.1\n");
    assert_snapshot!(sandbox.run("simulate events.toml --fail-on slo"), @r"
    exit 2
    --- stderr
    error: --fail-on slo has nothing to check: the scenario has no [slo]
    ");
    assert_snapshot!(sandbox.run("simulate events.toml --max-monthly-usd 5"), @r"
    exit 2
    --- stderr
    error: --max-monthly-usd has nothing to check: the scenario has no [prices], or none for its platform
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --max-monthly-usd nan"), @r"
    exit 2
    --- stderr
    error: invalid value 'nan' for '--max-monthly-usd <USD>': an amount is finite and not negative

    For more information, try '--help'.
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --max-monthly-usd=-1"), @r"
    exit 2
    --- stderr
    error: invalid value '-1' for '--max-monthly-usd <USD>': an amount is finite and not negative

    For more information, try '--help'.
    ");
}
