//! Scenarios that cannot be run: exit code 2, the line where there is one, and the way out.

use insta::assert_snapshot;

use crate::common::{SHOP, Sandbox};

/// `check` and `simulate` say the same.
#[track_caller]
fn refuse(from: &str, to: &str) -> String {
    assert!(SHOP.contains(from), "{from}");
    refuse_text(&SHOP.replace(from, to))
}

#[track_caller]
fn refuse_text(text: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("bad.toml", text);
    let ran = sandbox.run("check bad.toml");
    assert_eq!(ran.to_string(), sandbox.run("simulate bad.toml --out r").to_string());
    assert!(!sandbox.path("r").exists());
    ran.to_string()
}

#[test]
fn unknown_keys_have_a_line_and_a_suggestion() {
    assert_snapshot!(refuse("memory = ", "memry = "), @"");
    assert_snapshot!(refuse("[traffic.constant]", "[traffic.constnt]"), @"");
    assert_snapshot!(refuse("[slo]", "[slos]"), @"");
    assert_snapshot!(refuse("[platform.lambda]", "[platform.lamda]"), @"");
}

#[test]
fn quantities_need_units_and_sense() {
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"-3/s\""), @"");
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"1e12/s\""), @"");
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"nan/s\""), @"");
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"0/s\""), @"");
    assert_snapshot!(refuse("\"10m\"", "10"), @"");
    assert_snapshot!(refuse("\"100ms\"", "\"-5ms\""), @"");
    assert_snapshot!(refuse("seed = 7", "seed = -7"), @"");
}

#[test]
fn every_problem_is_told_at_once() {
    let text = SHOP
        .replace("replications = 2", "replications = 0")
        .replace("objective = 0.99", "objective = 1.5")
        .replace("\"10m\"", "\"0s\"")
        .replace("512Mi", "64Mi")
        .replace("[\"steady\"]", "[\"stedy\", \"steady\", \"steady\"]");
    assert_snapshot!(refuse_text(&text), @"");
}

#[test]
fn numbers_beyond_reason_are_refused() {
    assert_snapshot!(refuse("replications = 2", "replications = 1000000000"), @"");
    assert_snapshot!(refuse("0.99", "nan"), @"");
    assert_snapshot!(refuse("\"10m\"", "\"1000000d\""), @"");
    assert_snapshot!(refuse("\"400ms\"", "{ lognormal = { median = \"0ms\", p99 = \"1s\" } }"), @"");
}

#[test]
fn a_run_must_outlast_its_warm_up() {
    assert_snapshot!(refuse("seed = 7", "warm-up = \"10m\""), @"");
    let sandbox = Sandbox::new();
    sandbox.write("events.csv", "func,arrival_s,duration_s\na,0,0.1\na,600,0.1\n");
    for verb in ["check", "simulate"] {
        let ran = sandbox.run(&format!("{verb} events.toml --quiet --set warm-up=2h"));
        assert_snapshot!(ran, @"");
    }
}

#[test]
fn names_are_looked_up() {
    assert_snapshot!(refuse("[\"steady\"]", "[\"steddy\"]"), @"");
    assert_snapshot!(refuse("aws-us-east-1", "aws-us-est-1"), @"");
    assert_snapshot!(refuse("aws-us-east-1", "prices.toml"), @"");
    assert_snapshot!(refuse("[\"steady\"]", "[\"mine/profile.json\"]"), @"");
}

#[test]
fn services_need_names_of_their_own() {
    let services = |a: &str, b: &str| {
        let entry = |name: &str| format!("[[service]]\nname = \"{name}\"\nframework = \"steady\"\n");
        SHOP.replace("frameworks = [\"steady\"]\n", "") + &entry(a) + &entry(b)
    };
    assert_snapshot!(refuse_text(&services("web", "web")), @"");
    assert_snapshot!(refuse_text(&services("web", "all")), @"");
    assert_snapshot!(refuse_text(&(SHOP.to_string() + "[[service]]\nname = \"web\"\nframework = \"steady\"\n")), @"");
    assert_snapshot!(refuse("frameworks = [\"steady\"]", ""), @"");
}

#[test]
fn files_that_are_no_scenario() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate nope.toml"), @"");
    assert_snapshot!(sandbox.run("simulate ."), @"");
    assert_snapshot!(refuse_text(""), @"");
    assert_snapshot!(refuse_text("schema = 2"), @"");
    assert_snapshot!(refuse("schema = 1", "schema = 2"), @"");
    assert_snapshot!(refuse("[slo]", "[slo"), @"");
    std::fs::write(sandbox.path("binary.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert_snapshot!(sandbox.run("simulate binary.toml"), @"");
}
