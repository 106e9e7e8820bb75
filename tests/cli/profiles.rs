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
    // At half a vCPU: 30 + 10 ms, and 1 ms of the round trip taken off twice.
    assert_snapshot!(sandbox().run("simulate measured.toml"), @"");
}

#[test]
fn work_is_a_multiple_of_a_route_or_a_time() {
    let sandbox = sandbox();
    // 20 requests of 2 ms CPU time at half a vCPU are 80 ms, on top of 9 ms for an empty request.
    let work = "--set work.cpu.route=items --set work.cpu.times=20";
    assert_snapshot!(sandbox.run(&format!("simulate measured.toml --quiet {work}")), @"");
    assert_snapshot!(sandbox.run("simulate measured.toml --quiet --set work.cpu=5ms --set work.io=20ms"), @"");
    assert_snapshot!(sandbox.run("simulate measured.toml --set work.cpu.route=itmes --set work.cpu.times=20"), @"");
}

#[test]
fn a_size_that_was_not_measured_is_an_error_with_a_way_out() {
    let sandbox = sandbox();
    assert_snapshot!(sandbox.run("simulate measured.toml --set platform.lambda.memory=1327Mi"), @"");
    // At 0.75 vCPU the reciprocal 4/3 lies two thirds of the way from 2 to 1.
    let allowed = "simulate measured.toml --set platform.lambda.memory=1327Mi --set interpolate=true";
    assert_snapshot!(sandbox.run(allowed), @"");
    assert_snapshot!(sandbox.run("simulate measured.toml --set platform.lambda.memory=512Mi --set interpolate=true"), @"");
    assert_snapshot!(sandbox.run("simulate measured.toml --set platform.lambda.memory=3Gi"), @"");
}

#[test]
fn a_profile_of_the_future_or_of_another_kind_is_refused() {
    let sandbox = sandbox();
    let text = sandbox.read("made-up/profile.json");
    sandbox.write("made-up/profile.json", &text.replace("\"schema\": 1", "\"schema\": 9"));
    assert_snapshot!(sandbox.run("check measured.toml"), @"");
    sandbox.write("made-up/profile.json", "{}");
    assert_snapshot!(sandbox.run("check measured.toml"), @"");
}
