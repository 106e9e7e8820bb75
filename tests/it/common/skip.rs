//! The one way in which a test may not run: it says so, and fails where all tests are demanded.

use std::io::Write;
use std::process::Command;

/// Variables that turn a skipped test into a failure when they are `1`. `.ci/run` sets both.
const DEMANDS: [&str; 2] = ["COLDCAST_REQUIRE_ALL", "COLDCAST_REQUIRE_DOCKER"];

/// Says on stderr why a test is skipped, also where the test harness captures output. Returns `None`, for `?` and `let else`.
///
/// # Panics
///
/// If one of `DEMANDS` is `1`.
#[track_caller]
pub fn skip<T>(reason: &str) -> Option<T> {
    for name in DEMANDS {
        let demanded = std::env::var(name).is_ok_and(|value| value == "1");
        assert!(!demanded, "{reason}, and {name}=1 demands this test");
    }
    let test = std::thread::current().name().unwrap_or("a test").to_string();
    let _ = writeln!(std::io::stderr(), "skipped: {reason} ({test})");
    None
}

#[test]
#[ignore = "a_demanded_test_cannot_be_skipped runs it"]
fn skips() {
    let _: Option<()> = skip("this test always skips");
}

#[test]
fn a_demanded_test_cannot_be_skipped() {
    let run = |demand: Option<&str>| {
        let mut tests = Command::new(std::env::current_exe().unwrap());
        tests.args(["--exact", "--ignored", "common::skip::skips"]);
        DEMANDS.iter().for_each(|name| _ = tests.env_remove(name));
        let output = tests.envs(demand.map(|name| (name, "1"))).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (passed, stderr) = run(None);
    assert!(passed);
    assert!(
        stderr.contains("skipped: this test always skips (common::skip::skips)"),
        "{stderr}"
    );
    for name in DEMANDS {
        assert!(!run(Some(name)).0, "{name}");
    }
}
