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
    assert_snapshot!(refuse("memory = ", "memry = "), @r#"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 16, column 1
       |
    16 | memry = "512Mi"
       | ^^^^^
    unknown field `memry`, [...]
    hint: did you mean `memory`?
    "#);
    assert_snapshot!(refuse("[traffic.constant]", "[traffic.constnt]"), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 8, column 10
      |
    8 | [traffic.constnt]
      |          ^^^^^^^
    unknown variant `constnt`, [...]
    hint: did you mean `constant`?
    ");
    assert_snapshot!(refuse("[slo]", "[slos]"), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 11, column 2
       |
    11 | [slos]
       |  ^^^^
    unknown field `slos`, [...]
    hint: did you mean `slo`?
    ");
    assert_snapshot!(refuse("[platform.lambda]", "[platform.lamda]"), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 15, column 11
       |
    15 | [platform.lamda]
       |           ^^^^^
    unknown variant `lamda`, [...]
    hint: did you mean `lambda`?
    ");
}

#[test]
fn quantities_need_units_and_sense() {
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"-3/s\""), @r#"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 9, column 8
      |
    9 | rate = "-3/s"
      |        ^^^^^^
    `-3/s` is not a rate: a rate must not be negative
    "#);
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"1e12/s\""), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - traffic.poisson: rate is 1000000000000/s: at most 10000000/s can be simulated
    ");
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"nan/s\""), @r#"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 9, column 8
      |
    9 | rate = "nan/s"
      |        ^^^^^^^
    `nan/s` is not a rate: write a number per s, m, h or d, such as "50/s"
    "#);
    assert_snapshot!(refuse("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"0/s\""), @r#"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - traffic.poisson: rate is 0: give one such as "50/s" or "3/h"
    "#);
    assert_snapshot!(refuse("\"10m\"", "10"), @r#"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 5, column 11
      |
    5 | horizon = 10
      |           ^^
    invalid type: integer `10`, expected a string with a unit, such as "10m"
    "#);
    assert_snapshot!(refuse("\"100ms\"", "\"-5ms\""), @r#"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 22, column 16
       |
    22 | service-time = "-5ms"
       |                ^^^^^^
    `-5ms` is not a duration: it must not be negative
    "#);
    assert_snapshot!(refuse("seed = 7", "seed = -7"), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 3, column 8
      |
    3 | seed = -7
      |        ^^
    invalid value: integer `-7`, expected a whole number from 0 on
    ");
}

#[test]
fn every_problem_is_told_at_once() {
    let text = SHOP
        .replace("replications = 2", "replications = 0")
        .replace("objective = 0.99", "objective = 1.5")
        .replace("\"10m\"", "\"0s\"")
        .replace("512Mi", "64Mi")
        .replace("[\"steady\"]", "[\"stedy\", \"steady\", \"steady\"]");
    assert_snapshot!(refuse_text(&text), @r"
    exit 2
    --- stderr
    error: bad.toml has 6 problems:
      - `replications` is 0; it must be at least 1 and at most 10000
      - `horizon` must be longer than `warm-up`
      - [platform.lambda]: `memory` is 64Mi, Lambda offers 128Mi to 10240Mi
      - `steady` is named twice in `frameworks`
      - `slo.objective` is 1.5; it must be above 0 and at most 1, such as 0.99
      - there is no framework or profile `stedy`; [...]; did you mean `steady`?
    ");
}

#[test]
fn numbers_beyond_reason_are_refused() {
    assert_snapshot!(refuse("replications = 2", "replications = 1000000000"), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - `replications` is 1000000000; it must be at least 1 and at most 10000
    ");
    assert_snapshot!(refuse("0.99", "nan"), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - `slo.objective` is NaN; it must be above 0 and at most 1, such as 0.99
    ");
    assert_snapshot!(refuse("\"10m\"", "\"1000000d\""), @r#"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 5, column 11
      |
    5 | horizon = "1000000d"
      |           ^^^^^^^^^^
    `1000000d` is not a duration: it is longer than 584 years
    "#);
    assert_snapshot!(refuse("\"400ms\"", "{ lognormal = { median = \"0ms\", p99 = \"1s\" } }"), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - [profile.steady]: `cold-start`: `median` must be above 0 and not above `p99`
    ");
}

#[test]
fn a_run_must_outlast_its_warm_up() {
    assert_snapshot!(refuse("seed = 7", "warm-up = \"10m\""), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - `horizon` must be longer than `warm-up`
    ");
    let sandbox = Sandbox::new();
    sandbox.write("events.csv", "func,arrival_s,duration_s\na,0,0.1\na,600,0.1\n");
    let ran = sandbox.run("check events.toml --quiet --set warm-up=2h").to_string();
    assert_eq!(
        ran,
        sandbox.run("simulate events.toml --quiet --set warm-up=2h").to_string()
    );
    assert_snapshot!(ran, @r"
    exit 2
    --- stderr
    error: the run lasts 10m, which is not longer than the warm-up of 2h: nothing is left to count
    hint: shorten `warm-up`, or give a longer trace or `horizon`
    ");
}

#[test]
fn names_are_looked_up() {
    assert_snapshot!(refuse("[\"steady\"]", "[\"steddy\"]"), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - there is no framework or profile `steddy`; [...]; did you mean `steady`?
    ");
    assert_snapshot!(refuse("aws-us-east-1", "aws-us-est-1"), @r"
    exit 2
    --- stderr
    error: there is no price list `aws-us-est-1`
    hint: did you mean: aws-us-east-1-2026-11-01
    hint: a name without a date selects the newest list; a name that ends in .toml is the path of a file
    ");
    assert_snapshot!(refuse("aws-us-east-1", "prices.toml"), @r"
    exit 2
    --- stderr
    error: cannot read price list prices.toml: No such file or directory (os error 2)
    hint: a name that ends in .toml is the path of a file; omit .toml to use a built-in list
    ");
    assert_snapshot!(refuse("[\"steady\"]", "[\"mine/profile.json\"]"), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - cannot read mine/profile.json: No such file or directory (os error 2); a relative path starts at the folder of the scenario
    ");
}

#[test]
fn services_need_names_of_their_own() {
    let services = |a: &str, b: &str| {
        let entry = |name: &str| format!("[[service]]\nname = \"{name}\"\nframework = \"steady\"\n");
        SHOP.replace("frameworks = [\"steady\"]\n", "") + &entry(a) + &entry(b)
    };
    assert_snapshot!(refuse_text(&services("web", "web")), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - a service is called `web`: names must differ, and `all` is taken
    ");
    assert_snapshot!(refuse_text(&services("web", "all")), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - a service is called `all`: names must differ, and `all` is taken
    ");
    assert_snapshot!(refuse_text(&(SHOP.to_string() + "[[service]]\nname = \"web\"\nframework = \"steady\"\n")), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - give either `frameworks` or [[service]], not both
    ");
    assert_snapshot!(refuse("frameworks = [\"steady\"]", ""), @r#"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - give `frameworks = ["..."]` or at least one [[service]]
    "#);
}

#[test]
fn files_that_are_no_scenario() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate nope.toml"), @r"
    exit 2
    --- stderr
    error: cannot read nope.toml: No such file or directory (os error 2)
    hint: give the path of a scenario file, or no path for the built-in scenario
    ");
    assert_snapshot!(sandbox.run("simulate ."), @r"
    exit 2
    --- stderr
    error: cannot read .: Is a directory (os error 21)
    hint: give the path of a scenario file, or no path for the built-in scenario
    ");
    assert_snapshot!(refuse_text(""), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 1, column 1
      |
    1 |
      | ^
    missing field `schema`
    hint: a scenario begins with `schema = 1` and a `name`; docs/tutorial has one to copy
    ");
    assert_snapshot!(refuse_text("schema = 2"), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 1, column 1
      |
    1 | schema = 2
      | ^
    missing field `name`
    ");
    assert_snapshot!(refuse("schema = 1", "schema = 2"), @r"
    exit 2
    --- stderr
    error: bad.toml has a problem:
      - `schema` is 2; this version reads 1
    ");
    assert_snapshot!(refuse("[slo]", "[slo"), @r"
    exit 2
    --- stderr
    error: bad.toml: TOML parse error at line 11, column 5
       |
    11 | [slo
       |     ^
    unclosed table, expected `]`
    ");
    std::fs::write(sandbox.path("binary.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert_snapshot!(sandbox.run("simulate binary.toml"), @r"
    exit 2
    --- stderr
    error: cannot read binary.toml: stream did not contain valid UTF-8
    hint: give the path of a scenario file, or no path for the built-in scenario
    ");
}
