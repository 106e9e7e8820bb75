//! Measured profiles as a scenario names them: sizes that were measured, and those that were not.

use std::path::Path;

use insta::assert_snapshot;

use crate::common::{SHOP, Sandbox};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/synthetic-profile.json");
    std::fs::create_dir(sandbox.path("made-up")).unwrap();
    std::fs::copy(&data, sandbox.path("made-up/profile.json")).unwrap();
    let scenario = SHOP.split("[profile.steady]").next().unwrap();
    let scenario = scenario
        .replace("\"steady\"", "\"made-up/profile.json\"")
        .replace("512Mi", "885Mi");
    sandbox.write("measured.toml", &scenario);
    sandbox
}

#[test]
fn a_measured_size_is_used_as_it_is() {
    // At half a vCPU an empty request takes 10 ms, of which 1 ms is the round trip.
    let ran = sandbox().run("simulate measured.toml --assumptions").ok();
    assert!(
        ran.stderr
            .contains("profiles were measured under a memory limit of 512Mi; at 885Mi the same"),
        "{ran}"
    );
    assert_snapshot!(ran.stdout, @r"
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    made-up  met             99.83            0.17      9.0      9.0     0.88

    made-up kept its promise: 0.17% of requests waited for a start (200 ms each); the rest was within 300 ms.
    ");
}

#[test]
fn work_is_a_number_of_units_or_a_time() {
    let sandbox = sandbox();
    // In this profile /items costs 0.5 ms more than /json, which is twenty items: 400 of them are 10 ms, and 20 ms at half a vCPU.
    let work = "--set work.cpu.items=400";
    assert_snapshot!(sandbox.run(&format!("simulate measured.toml --quiet {work}")), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    made-up  met             99.83            0.17     29.0     29.0     1.63

    made-up kept its promise: 0.17% of requests waited for a start (200 ms each); the rest was within 300 ms.
    ");
    assert_snapshot!(sandbox.run("simulate measured.toml --quiet --set work.cpu=5ms --set work.io=20ms"), @r"
    exit 0
    --- stdout
    variant  SLO  within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    made-up  met             99.83            0.17     39.0     39.0     2.01

    made-up kept its promise: 0.17% of requests waited for a start (200 ms each); the rest was within 300 ms.
    ");
    assert_snapshot!(sandbox.run("simulate measured.toml --set work.cpu.itmes=400"), @r"
    exit 2
    --- stderr
    error: measured.toml has a problem:
      - `work.cpu` names the kind of work `itmes`; measured in made-up: items
    ");
}

#[test]
fn a_size_that_was_not_measured_is_an_error_with_a_way_out() {
    let sandbox = sandbox();
    assert_snapshot!(sandbox.run("simulate measured.toml --set platform.lambda.memory=1327Mi"), @r"
    exit 2
    --- stderr
    error: measured.toml has a problem:
      - made-up was not measured at 0.75 vCPU; measured: 0.5 vCPU (memory = 885Mi), 1 vCPU (memory = 1769Mi). Choose one of these, or set `interpolate = true` to interpolate between two of them
    ");
    // 9 ms at half a vCPU and 4.5 ms at one are 4.5 ms / cpu: 6 ms at three quarters.
    let allowed = "simulate measured.toml --assumptions --set platform.lambda.memory=1327Mi --set interpolate=true";
    let ran = sandbox.run(allowed).ok();
    let said =
        "made-up at 0.75 vCPU is interpolated from 0.5, 1 vCPU: times follow the law T = a + b/cpu, which misses";
    assert!(ran.stderr.contains(said), "{ran}");
    assert_snapshot!(ran.stdout, @r"
    variant  SLO         within 300 ms, %  cold starts, %  p50, ms  p99, ms  $/month
    made-up  undecided  100 (0.36 to 100)            0.17     6.00     6.00     0.88

    made-up had violations: 0.083% of requests waited for a new environment (164 ms each); the rest was within 300 ms.
    ");
    assert_snapshot!(sandbox.run("simulate measured.toml --set platform.lambda.memory=512Mi --set interpolate=true"), @r"
    exit 2
    --- stderr
    error: measured.toml has a problem:
      - made-up was not measured at 0.289 vCPU, which lies outside what was measured: 0.5 vCPU (memory = 885Mi), 1 vCPU (memory = 1769Mi). Choose one of these; nothing is extrapolated
    ");
    assert_snapshot!(sandbox.run("simulate measured.toml --set platform.lambda.memory=3Gi"), @r"
    exit 2
    --- stderr
    error: measured.toml has a problem:
      - made-up was not measured at 1.737 vCPU, which lies outside what was measured: 0.5 vCPU (memory = 885Mi), 1 vCPU (memory = 1769Mi). Choose one of these; nothing is extrapolated
    ");
}

#[test]
fn a_profile_of_the_future_or_of_another_kind_is_refused() {
    let sandbox = sandbox();
    let text = sandbox.read("made-up/profile.json");
    sandbox.write("made-up/profile.json", &text.replace("\"schema\": 1", "\"schema\": 9"));
    assert_snapshot!(sandbox.run("check measured.toml"), @r"
    exit 2
    --- stderr
    error: measured.toml has a problem:
      - profile of made-up/profile.json: its schema is 9; this version reads 1 to 2
    ");
    sandbox.write("made-up/profile.json", "{}");
    assert_snapshot!(sandbox.run("check measured.toml"), @r"
    exit 2
    --- stderr
    error: measured.toml has a problem:
      - profile of made-up/profile.json: missing field `schema` at line 1 column 2
    ");
}
