//! The one-time cost of a move against its savings.

use serde_json::Value;

use crate::common::Sandbox;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// From the slow to the quick candidate the bill falls, and 100 dollars are back after as many months as the fall goes into them;
/// the other way they never are.
#[test]
fn a_move_pays_back_where_it_saves() {
    let sandbox = Sandbox::new();
    let ran = sandbox
        .run("compare pair.toml --frameworks slow,quick --migration-cost 100 --quiet --format json")
        .ok();
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let cost = |place: usize| number(&answer["summary"][place]["monthly_cost_usd"]);
    let saving = cost(0) - cost(1);
    assert!(saving > 0.0, "{ran}");
    let payback = &answer["paybacks"][0];
    assert_eq!(
        (payback["variant"].as_str(), payback["baseline"].as_str()),
        (Some("quick"), Some("slow"))
    );
    assert!((number(&payback["saving_usd"]) - saving).abs() < 1e-6 * saving);
    assert!((number(&payback["months"]) - 100.0 / saving).abs() < 1e-6 * 100.0 / saving);
    let (low, high) = (number(&payback["months_low"]), number(&payback["months_high"]));
    assert!(low <= number(&payback["months"]) && number(&payback["months"]) <= high);
    let back = sandbox.run("compare pair.toml --migration-cost 100 --quiet").ok();
    assert!(back.stdout.contains("from quick to"), "{back}");
    assert!(back.stdout.contains("never"), "{back}");
    let plain = sandbox.run("compare pair.toml --quiet").ok();
    assert!(!plain.stdout.contains("pay back"), "{plain}");
    let bad = sandbox.run("compare pair.toml --migration-cost -5");
    assert_eq!(bad.code, Some(2), "{bad}");
}
