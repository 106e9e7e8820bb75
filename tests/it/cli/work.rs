//! `[work]`: a request costs the framework's overhead once, and the handler's work by its measured units.

use serde_json::{Value, json};

use crate::cli::synthetic::{STEADY, sandbox, simulate};

/// Quantiles have the width of a bucket.
#[track_caller]
fn assert_close(value: f64, expected: f64) {
    assert!((value / expected - 1.0).abs() < 0.01, "{value}, not {expected}");
}

/// Work in sizes at 1 vCPU: `items` costs 0.02 ms a unit and `template` 0.05 ms, beside 1 ms of overhead.
fn works(run: &mut Value) {
    let size = |units: u32, cpu_ms: f64| json!({ "units": units, "requests": 100, "errors": 0, "cpu_ms": vec![cpu_ms; 8], "latency_ms": [] });
    let kind = |unit: f64| -> Vec<Value> { [10, 50, 150, 400].map(|n| size(n, 1.0 + unit * f64::from(n))).into() };
    run["warm"]["work"] = json!({ "items": kind(0.02), "template": kind(0.05) });
}

#[test]
fn overhead_is_paid_once_and_work_by_the_unit() {
    let sandbox = sandbox(STEADY, |runs| works(&mut runs[1]));
    // 4.5 ms for an empty request, and 200 units at 0.02 ms.
    let (of, said) = simulate(&sandbox, "--set work.cpu={items=200}");
    assert_close(of("latency_p50_ms"), 8.5);
    assert!(
        said.contains("200 units of `items` cost 4.000 ms of CPU [4.000, 4.000]"),
        "{said}"
    );
    let (of, _) = simulate(&sandbox, "--set work.cpu={items=100,template=10}");
    assert_close(of("latency_p50_ms"), 4.5 + 2.0 + 0.5);
    // At half a vCPU an empty request takes twice as long, and so does the work.
    let (of, _) = simulate(
        &sandbox,
        "--set work.cpu={items=200} --set platform.scale-per-request.cpu=500m",
    );
    assert_close(of("latency_p50_ms"), 17.0);
}

#[test]
fn units_may_vary_from_request_to_request() {
    let sandbox = sandbox(STEADY, |runs| works(&mut runs[1]));
    let (of, _) = simulate(
        &sandbox,
        "--set work.cpu={items={empirical={values=[100,100,100,500]}}}",
    );
    assert_close(of("latency_p50_ms"), 6.5);
    assert_close(of("latency_p99_ms"), 14.5);
}

#[test]
fn a_wrong_kind_and_the_old_form_say_what_to_write() {
    let sandbox = sandbox(STEADY, |runs| works(&mut runs[1]));
    let said = |set: &str| sandbox.run(&format!("simulate s.toml --set {set}")).stderr;
    let text = said("work.cpu={rows=3}");
    assert!(
        text.contains("names the kind of work `rows`; measured in made-up: items, template"),
        "{text}"
    );
    let text = said("work.cpu={route=\"items\",times=20}");
    assert!(text.contains("write { items = 400 }"), "{text}");
    let text = said("work.cpu={like=\"gin\",time=\"15ms\",kind=\"template\"}");
    assert!(text.contains("no kind of work in common that is `template`"), "{text}");
}

#[test]
fn a_handler_that_is_known_elsewhere_is_brought_over_by_the_ratio_of_the_slopes() {
    let sandbox = sandbox(STEADY, |runs| works(&mut runs[1]));
    // Another framework in which items cost half as much, and templates a fifth.
    let text = sandbox.read("made-up.json");
    let mut other: Value = serde_json::from_str(&text).unwrap();
    other["name"] = json!("swift");
    let size = |units: u32, cpu_ms: f64| json!({ "units": units, "requests": 100, "errors": 0, "cpu_ms": vec![cpu_ms; 8], "latency_ms": [] });
    let kind = |unit: f64| -> Vec<Value> { [10, 50, 150, 400].map(|n| size(n, 1.0 + unit * f64::from(n))).into() };
    other["runs"][1]["warm"]["work"] = json!({ "items": kind(0.01), "template": kind(0.01) });
    sandbox.write("swift.json", &other.to_string());
    let at = |work: &str, framework: &str| {
        let more = format!("--set frameworks=[\"{framework}\"] --set work.cpu={work}");
        let (of, said) = simulate(&sandbox, &more);
        (of("latency_p50_ms") - 4.5, said)
    };
    // There it is the time that was said.
    assert_close(at("{like=\"made-up.json\",time=\"15ms\"}", "made-up.json").0, 15.0);
    let (ms, said) = at("{like=\"made-up.json\",time=\"15ms\"}", "swift.json");
    assert_close(ms, 15.0 * (0.5f64 * 0.2).sqrt());
    assert!(
        said.contains("a handler that takes 15.0 ms of CPU in made-up takes 4.7 ms in swift: times 0.32 ["),
        "{said}"
    );
    assert_close(
        at("{like=\"made-up.json\",time=\"15ms\",kind=\"items\"}", "swift.json").0,
        7.5,
    );
}

#[test]
fn a_profile_with_one_size_of_items_still_has_a_unit() {
    // Items cost 2 ms more than /json, which is twenty of them.
    let sandbox = sandbox(STEADY, |runs| {
        for run in runs {
            let mut items = run["warm"]["routes"]["json"].clone();
            for key in ["cpu_ms", "cpu_loaded_ms"] {
                let values = items[key].as_array().cloned().unwrap_or_default();
                items[key] = values.iter().map(|ms| json!(ms.as_f64().unwrap() + 2.0)).collect();
            }
            run["warm"]["routes"]["items"] = items;
        }
    });
    let (of, said) = simulate(&sandbox, "--set work.cpu={items=100}");
    assert_close(of("latency_p50_ms"), 4.5 + 10.0);
    assert!(said.contains("comes from one size of the work alone"), "{said}");
}
