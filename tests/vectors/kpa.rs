//! Vectors of the Knative pod autoscaler.

use coldcast::sim::autoscaler::kpa::{
    BucketWindow, Decider, Defaults, KpaMetric, KpaSettings, MaxWindow, Observed, TargetSpec, Weighting, activators,
    resolve, sample_size as scraped, smoothing_coefficient,
};
use coldcast::units::{SimDuration, SimTime};
use serde_json::Value;

/// Zero of the vectors' clock, with room for times before it.
const ZERO: SimTime = SimTime(1_000_000_000_000_000);

pub fn check(kind: &str, inputs: &Value, expected: &Value) -> Option<Result<(), String>> {
    let check = match kind {
        "scale_sequence" => scale_sequence,
        "autoscaler_creation" => creation,
        "window_average" => window_average,
        "max_window" => max_window,
        "smoothing_coefficient" => smoothing,
        "scrape_sample_size" => sample_size,
        "resolve_target" => resolve_target,
        "activator_count" => activator_count,
        _ => return None,
    };
    Some(check(inputs, expected))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn some(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn pods(value: &Value) -> Option<u32> {
    value.as_u64().map(|pods| pods as u32)
}

fn at(value: &Value) -> SimTime {
    SimTime((ZERO.0 as i128 + (number(value) * 1e9).round() as i128) as u64)
}

fn duration(value: &Value) -> SimDuration {
    SimDuration::from_secs_f64(number(value))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn near(what: &str, found: f64, expected: f64, by: f64) -> Result<(), String> {
    if (found - expected).abs() <= by {
        return Ok(());
    }
    Err(format!("{what} is {found} and not {expected}"))
}

/// The settings `before`, with those that are given in their place.
fn spec(given: &Value, before: KpaSettings) -> KpaSettings {
    let or = |key: &str, before: f64| some(&given[key]).unwrap_or(before);
    let time = |key: &str, before: SimDuration| some(&given[key]).map_or(before, SimDuration::from_secs_f64);
    KpaSettings {
        target: or("target_value", before.target),
        total: or("total_value", before.total),
        target_burst_capacity: or("target_burst_capacity", before.target_burst_capacity),
        panic_threshold: or("panic_threshold", before.panic_threshold),
        max_scale_up_rate: or("max_scale_up_rate", before.max_scale_up_rate),
        max_scale_down_rate: or("max_scale_down_rate", before.max_scale_down_rate),
        stable_window: time("stable_window_s", before.stable_window),
        reachable: given["reachable"].as_bool().unwrap_or(before.reachable),
        activation_scale: pods(&given["activation_scale"]).unwrap_or(before.activation_scale),
        scale_down_delay: time("scale_down_delay_s", before.scale_down_delay),
    }
}

fn scale_sequence(inputs: &Value, expected: &Value) -> Result<(), String> {
    let mut settings = spec(&inputs["spec"], KpaSettings::default());
    let mut decider = Decider::new(settings, pods(&inputs["ready_pods_at_creation"]), ZERO);
    let state = &inputs["initial_state"];
    if !state.is_null() {
        let since = some(&state["panic_since_s"]).map(|_| at(&state["panic_since_s"]));
        decider.restore(since, pods(&state["max_panic_pods"]).unwrap_or(0));
    }
    for (i, (step, expected)) in list(&inputs["steps"]).iter().zip(list(&expected["steps"])).enumerate() {
        if !step["spec_update"].is_null() {
            settings = spec(&step["spec_update"], settings);
            decider.update(settings);
        }
        // A window without a value has seen no data, which is not the same as 0.
        let windows = some(&step["stable_value"]).zip(some(&step["panic_value"]));
        let observed = windows.map(|(stable, panic)| Observed { stable, panic });
        let found = decider.decide(at(&step["t_s"]), pods(&step["ready_pods"]), observed);
        if found.is_some() != expected["valid"].as_bool().unwrap_or(true) {
            return Err(format!("step {i}: {found:?} and not {expected}"));
        }
        if let Some(wanted) = found {
            near(
                &format!("step {i}: desired"),
                wanted.replicas.into(),
                number(&expected["desired"]),
                0.0,
            )?;
            if let Some(capacity) = some(&expected["excess_burst_capacity"]) {
                let found = wanted.excess_burst_capacity as f64;
                near(&format!("step {i}: excess burst capacity"), found, capacity, 1.0)?;
            }
        }
        if let Some(since) = expected.get("panic_since_s") {
            let expected = some(since).map(|_| at(since));
            if decider.panic_since() != expected {
                return Err(format!(
                    "step {i}: in panic since {:?} and not {since}",
                    decider.panic_since()
                ));
            }
        }
    }
    Ok(())
}

fn creation(inputs: &Value, expected: &Value) -> Result<(), String> {
    let decider = Decider::new(KpaSettings::default(), pods(&inputs["ready_pods_at_creation"]), ZERO);
    let panics = decider.panic_since().is_some();
    if Some(panics) != expected["starts_in_panic"].as_bool() {
        return Err(format!("starts in panic: {panics}"));
    }
    let most = decider.max_panic_pods().into();
    near("max_panic_pods", most, number(&expected["max_panic_pods"]), 0.0)
}

fn window_average(inputs: &Value, expected: &Value) -> Result<(), String> {
    let mut window = BucketWindow::new(
        duration(&inputs["window_s"]),
        duration(&inputs["granularity_s"]),
        Weighting::Linear,
    );
    let mut averages = list(&expected["averages_in_order"]).iter();
    for operation in list(&inputs["operations"]) {
        let time = at(&operation["t_s"]);
        if operation["op"] == "record" {
            window.record(time, number(&operation["value"]));
            continue;
        }
        let expected = averages.next().ok_or("more averages than expected")?;
        let found = window.average(time);
        match some(expected) {
            // Upstream's average of nothing is 0.
            Some(expected) => near(
                &format!("average at {}", operation["t_s"]),
                found.unwrap_or(0.0),
                expected,
                1e-9,
            )?,
            None if found.is_some() => return Err(format!("average at {}: {found:?} and no data", operation["t_s"])),
            None => {}
        }
    }
    Ok(())
}

fn max_window(inputs: &Value, expected: &Value) -> Result<(), String> {
    let mut window = MaxWindow::new(duration(&inputs["window_s"]), duration(&inputs["granularity_s"]));
    for record in list(&inputs["records"]) {
        window.record(at(&record["t_s"]), pods(&record["value"]).expect("a number of pods"));
    }
    near("max", window.max().into(), number(&expected["max"]), 0.0)
}

fn smoothing(inputs: &Value, expected: &Value) -> Result<(), String> {
    let found = smoothing_coefficient(pods(&inputs["buckets"]).expect("a number of buckets"));
    let by = some(&expected["abs_tolerance"]).unwrap_or(1e-9);
    near("coefficient", found, number(&expected["coefficient"]), by)
}

fn sample_size(inputs: &Value, expected: &Value) -> Result<(), String> {
    let found = scraped(pods(&inputs["pods"]).expect("a number of pods"));
    near("pods_to_scrape", found.into(), number(&expected["pods_to_scrape"]), 0.0)
}

fn resolve_target(inputs: &Value, expected: &Value) -> Result<(), String> {
    let revision = TargetSpec {
        metric: if inputs["metric"] == "rps" {
            KpaMetric::Rps
        } else {
            KpaMetric::Concurrency
        },
        container_concurrency: pods(&inputs["container_concurrency"]).unwrap_or(0),
        target: some(&inputs["target_annotation"]),
        utilisation_percentage: some(&inputs["utilization_annotation_pct"]),
    };
    let defaults = Defaults {
        concurrency: number(&inputs["config_concurrency_target_default"]),
        concurrency_utilisation: number(&inputs["config_concurrency_target_fraction"]),
        rps: number(&inputs["config_rps_target_default"]),
        rps_utilisation: number(&inputs["config_rps_target_utilization"]),
    };
    let found = resolve(&revision, &defaults);
    near("target", found.target, number(&expected["target"]), 1e-9)?;
    near("total", found.total, number(&expected["total"]), 1e-9)
}

fn activator_count(inputs: &Value, expected: &Value) -> Result<(), String> {
    let found = activators(
        pods(&inputs["ready_pods"]).expect("a number of pods"),
        number(&inputs["total_value"]),
        number(&inputs["target_burst_capacity"]),
        number(&inputs["activator_capacity"]),
    );
    near("activators", found.into(), number(&expected["activators"]), 0.0)
}

/// A vector whose observation is null says that nothing was measured: the decider decides nothing and changes nothing.
#[test]
fn a_null_observation_is_no_data() {
    let inputs = |stable: Value, panic: Value| {
        let step = |t: f64, stable: &Value, panic: &Value| serde_json::json!({ "t_s": t, "ready_pods": 5, "stable_value": stable, "panic_value": panic });
        let given = 500.into();
        serde_json::json!({
            "spec": { "target_value": 100.0, "total_value": 100.0 },
            "ready_pods_at_creation": 1,
            "steps": [step(2.0, &given, &given), step(4.0, &stable, &panic)],
        })
    };
    let expected = |second: Value| serde_json::json!({ "steps": [{ "valid": true, "desired": 5 }, second] });
    let no_decision = serde_json::json!({ "valid": false });
    for (stable, panic) in [
        (Value::Null, Value::Null),
        (Value::Null, 0.into()),
        (0.into(), Value::Null),
    ] {
        let inputs = inputs(stable, panic);
        assert_eq!(scale_sequence(&inputs, &expected(no_decision.clone())), Ok(()));
        let as_zero = serde_json::json!({ "valid": true, "desired": 2 });
        assert!(scale_sequence(&inputs, &expected(as_zero)).is_err());
    }
    // A measured 0 is an observation.
    let zero = inputs(0.into(), 0.into());
    assert!(scale_sequence(&zero, &expected(no_decision)).is_err());
}
