//! Vectors of the horizontal pod autoscaler.

use coldcast::sim::autoscaler::hpa::{
    Behavior, Hpa, HpaPolicy, HpaRules, HpaSettings, Measured, NoProposal, PolicyKind, Proposal, ReadinessRules,
    Recommendation, ScaleEvent, Select, Tolerance, average_value, group, limited, pods_average, rate_limited,
    stabilised, stabilised_with_behavior, utilisation, value,
};
use coldcast::sim::autoscaler::metrics::{PodPhase, PodStatus, Sample};
use coldcast::units::{SimDuration, SimTime};
use serde_json::Value;

/// The present of the vectors, long after all times in them.
const NOW: SimTime = SimTime(1_000_000_000_000_000);

pub fn check(kind: &str, inputs: &Value, expected: &Value) -> Option<Result<(), String>> {
    let check = match kind {
        "resource_utilization" => resource_utilization,
        "pods_average_value" => pods_average_value,
        "object_or_external_value" => object_value,
        "object_or_external_average_value" => object_average_value,
        "group_pods" => group_pods,
        "stabilize_no_behavior" => stabilize_no_behavior,
        "limits_no_behavior" => limits_no_behavior,
        "behavior_rate_limit" => behavior_rate_limit,
        "behavior_stabilization" => behavior_stabilization,
        "reconcile_no_behavior" => reconcile_no_behavior,
        _ => return None,
    };
    Some(check(inputs, expected))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} is {found:?} and not {expected:?}"))
}

fn whole(value: &Value) -> i64 {
    let large = || value.as_u64().map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    value
        .as_i64()
        .or_else(large)
        .unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn count(value: &Value) -> u32 {
    u32::try_from(whole(value)).expect("a number of replicas")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn duration(value: &Value) -> SimDuration {
    SimDuration::from_secs_f64(value.as_f64().expect("seconds"))
}

fn ago(value: &Value) -> SimTime {
    SimTime(NOW.0 - duration(value).0)
}

fn some(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null())
}

fn tolerance(inputs: &Value) -> Tolerance {
    Tolerance {
        up: inputs["tolerance_up"].as_f64().expect("a tolerance"),
        down: inputs["tolerance_down"].as_f64().expect("a tolerance"),
    }
}

fn rules(inputs: &Value) -> ReadinessRules {
    ReadinessRules {
        cpu_initialization: duration(&inputs["cpu_initialization_period_s"]),
        initial_readiness: duration(&inputs["initial_readiness_delay_s"]),
    }
}

fn pod(value: &Value) -> PodStatus {
    let changed = some(&value["ready_changed_ago_s"]).map_or(NOW, ago);
    PodStatus {
        phase: match value["phase"].as_str() {
            Some("Pending") => PodPhase::Pending,
            Some("Failed" | "Succeeded") => PodPhase::Ended,
            _ => PodPhase::Running,
        },
        deleting: value["deleted"].as_bool().unwrap_or(false),
        ready: value["ready"].as_bool().map(|ready| (ready, changed)),
        started: some(&value["started_ago_s"]).map(ago),
    }
}

fn sample(pod: &Value, value: Option<i64>) -> Option<Sample> {
    Some(Sample {
        value: value?,
        at: some(&pod["metric_age_s"]).map_or(NOW, ago),
        window: some(&pod["metric_window_s"]).map_or(SimDuration::ZERO, duration),
    })
}

fn pods(inputs: &Value) -> Vec<PodStatus> {
    list(&inputs["pods"]).iter().map(pod).collect()
}

/// The sum over the measured containers, or the container at `index`.
fn of_containers(values: &Value, index: &Value) -> Option<i64> {
    let values = values.as_array()?;
    match index.as_u64() {
        Some(index) => values.get(index as usize).and_then(some).map(whole),
        None => values.iter().map(|value| some(value).map(whole)).sum(),
    }
}

fn proposal(found: Result<Proposal, NoProposal>, expected: &Value) -> Result<Option<Proposal>, String> {
    match (found, expected["error"].as_bool().unwrap_or(false)) {
        (Err(_), true) => Ok(None),
        (Err(error), false) => Err(format!("there is no proposal: {error}")),
        (Ok(proposal), true) => Err(format!("there is a proposal: {proposal:?}")),
        (Ok(proposal), false) => {
            same("replicas", proposal.replicas, count(&expected["replicas"]))?;
            Ok(Some(proposal))
        }
    }
}

fn resource_utilization(inputs: &Value, expected: &Value) -> Result<(), String> {
    let index = &inputs["container_index"];
    let of_pods = list(&inputs["pods"]);
    let requests: Vec<Option<i64>> = of_pods
        .iter()
        .map(|pod| of_containers(&pod["container_requests_m"], index))
        .collect();
    let samples: Vec<Option<Sample>> = of_pods
        .iter()
        .map(|pod| sample(pod, of_containers(&pod["container_usage_m"], index)))
        .collect();
    let (pods, rules) = (pods(inputs), rules(inputs));
    let measured = Measured {
        pods: &pods,
        samples: &samples,
        rules: &rules,
        now: NOW,
    };
    let unknown = list(&inputs["metrics_for_unknown_pods_m"]).len();
    let target = (
        whole(&inputs["target_utilization_pct"]),
        inputs["resource"] == "cpu",
        unknown,
    );
    let found = utilisation(
        &measured,
        &requests,
        target,
        count(&inputs["spec_replicas"]),
        tolerance(inputs),
    );
    if let Some(proposal) = proposal(found, expected)? {
        for (what, found) in [("utilization_pct", proposal.usage), ("raw_average_m", proposal.average)] {
            if let Some(expected) = some(&expected[what]) {
                same(what, found, whole(expected))?;
            }
        }
    }
    Ok(())
}

fn pods_average_value(inputs: &Value, expected: &Value) -> Result<(), String> {
    let of_pods = list(&inputs["pods"]);
    let samples: Vec<Option<Sample>> = of_pods
        .iter()
        .map(|pod| sample(pod, some(&pod["value_m"]).map(whole)))
        .collect();
    let (pods, rules) = (pods(inputs), rules(inputs));
    let measured = Measured {
        pods: &pods,
        samples: &samples,
        rules: &rules,
        now: NOW,
    };
    let target = whole(&inputs["target_value_m"]);
    let found = pods_average(&measured, target, count(&inputs["spec_replicas"]), tolerance(inputs));
    if let Some(proposal) = proposal(found, expected)?
        && let Some(expected) = some(&expected["usage_m"])
    {
        same("usage_m", proposal.usage, whole(expected))?;
    }
    Ok(())
}

fn values(inputs: &Value) -> Vec<i64> {
    list(&inputs["values_m"]).iter().map(whole).collect()
}

fn object_value(inputs: &Value, expected: &Value) -> Result<(), String> {
    let found = value(
        &values(inputs),
        whole(&inputs["target_value_m"]),
        count(&inputs["spec_replicas"]),
        count(&inputs["ready_running_pods"]),
        tolerance(inputs),
    );
    same("replicas", found.replicas, count(&expected["replicas"]))?;
    some(&expected["usage_m"]).map_or(Ok(()), |usage| same("usage_m", found.usage, whole(usage)))
}

fn object_average_value(inputs: &Value, expected: &Value) -> Result<(), String> {
    let target = whole(&inputs["target_average_m"]);
    let found = average_value(
        &values(inputs),
        target,
        count(&inputs["status_replicas"]),
        tolerance(inputs),
    );
    same("replicas", found.replicas, count(&expected["replicas"]))?;
    some(&expected["average_m"]).map_or(Ok(()), |average| same("average_m", found.average, whole(average)))
}

fn group_pods(inputs: &Value, expected: &Value) -> Result<(), String> {
    let of_pods = list(&inputs["pods"]);
    let samples: Vec<Option<Sample>> = of_pods
        .iter()
        .map(|pod| sample(pod, some(&pod["usage_m"]).map(whole)))
        .collect();
    let cpu = inputs["resource"] == "cpu";
    let groups = group(&pods(inputs), &samples, cpu, &rules(inputs), NOW);
    same(
        "ready_count",
        groups.ready.len() as i64,
        whole(&expected["ready_count"]),
    )?;
    for (class, found) in [
        ("unready", &groups.unready),
        ("missing", &groups.missing),
        ("ignored", &groups.ignored),
    ] {
        let mut found: Vec<&str> = found
            .iter()
            .map(|&i| of_pods[i]["name"].as_str().expect("a name"))
            .collect();
        let mut expected: Vec<&str> = list(&expected[class]).iter().filter_map(Value::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        same(class, found, expected)?;
    }
    Ok(())
}

fn recommendations(inputs: &Value) -> Vec<Recommendation> {
    let past = list(&inputs["recommendations"]).iter().map(|past| Recommendation {
        at: ago(&past["age_s"]),
        replicas: count(&past["value"]),
    });
    past.collect()
}

fn stabilize_no_behavior(inputs: &Value, expected: &Value) -> Result<(), String> {
    let mut log = recommendations(inputs);
    let window = duration(&inputs["downscale_stabilization_s"]);
    let found = stabilised(&mut log, count(&inputs["desired_replicas"]), window, NOW);
    same("replicas", found, count(&expected["replicas"]))?;
    some(&expected["stored_count"]).map_or(Ok(()), |stored| same("stored_count", log.len() as i64, whole(stored)))
}

fn limits_no_behavior(inputs: &Value, expected: &Value) -> Result<(), String> {
    let bounds = (count(&inputs["min_replicas"]), count(&inputs["max_replicas"]));
    let found = limited(
        count(&inputs["desired_replicas"]),
        count(&inputs["current_replicas"]),
        bounds,
    );
    same("replicas", found.replicas, count(&expected["replicas"]))?;
    same(
        "condition",
        Some(found.condition.name()),
        expected["condition"].as_str(),
    )
}

/// The rules of one direction, where a vector gives them.
fn direction(value: &Value, default: HpaRules) -> HpaRules {
    if value.is_null() {
        return default;
    }
    let policy = |policy: &Value| HpaPolicy {
        kind: match policy["type"].as_str() {
            Some("Percent") => PolicyKind::Percent,
            _ => PolicyKind::Pods,
        },
        value: count(&policy["value"]),
        period: duration(&policy["period_s"]),
    };
    HpaRules {
        select: match value["select"].as_str() {
            Some("Min") => Select::Min,
            Some("Disabled") => Select::Disabled,
            _ => Select::Max,
        },
        policies: list(&value["policies"]).iter().map(policy).collect(),
        ..default
    }
}

fn behavior_rate_limit(inputs: &Value, expected: &Value) -> Result<(), String> {
    let behavior = Behavior {
        up: direction(&inputs["scale_up"], HpaRules::up()),
        down: direction(&inputs["scale_down"], HpaRules::down()),
    };
    let events = |key: &str| -> Vec<ScaleEvent> {
        let past = list(&inputs[key]).iter().map(|event| ScaleEvent {
            at: ago(&event["age_s"]),
            change: count(&event["change"]),
        });
        past.collect()
    };
    let found = rate_limited(
        count(&inputs["desired_replicas"]),
        count(&inputs["current_replicas"]),
        (count(&inputs["min_replicas"]), count(&inputs["max_replicas"])),
        &behavior,
        (&events("scale_up_events"), &events("scale_down_events")),
        NOW,
    );
    same("replicas", found.replicas, count(&expected["replicas"]))?;
    same(
        "condition",
        Some(found.condition.name()),
        expected["condition"].as_str(),
    )
}

fn behavior_stabilization(inputs: &Value, expected: &Value) -> Result<(), String> {
    let mut log = recommendations(inputs);
    let windows = (
        duration(&inputs["scale_up_window_s"]),
        duration(&inputs["scale_down_window_s"]),
    );
    let (desired, current) = (count(&inputs["desired_replicas"]), count(&inputs["current_replicas"]));
    let found = stabilised_with_behavior(&mut log, desired, current, windows, NOW);
    same("replicas", found, count(&expected["replicas"]))?;
    let Some(stored) = some(&expected["stored_values"]) else {
        return Ok(());
    };
    let found: Vec<u32> = log.iter().map(|past| past.replicas).collect();
    same("stored_values", found, list(stored).iter().map(count).collect())
}

fn reconcile_no_behavior(inputs: &Value, expected: &Value) -> Result<(), String> {
    let current = count(&inputs["spec_replicas"]);
    let tolerance = tolerance(inputs);
    let mut hpa = Hpa::new(HpaSettings {
        min: count(&inputs["min_replicas"]),
        max: count(&inputs["max_replicas"]),
        behavior: None,
        downscale_stabilization: duration(&inputs["downscale_stabilization_s"]),
    });
    let decision = hpa.reconcile(current, NOW, || {
        let proposals = list(&inputs["metrics"])
            .iter()
            .map(|metric| proposed(metric, current, tolerance));
        proposals.collect()
    });
    same("replicas", decision.replicas, count(&expected["replicas"]))
}

/// The replicas that a metric of a reconcile proposes. There are as many pods as requests, or replicas, all of them old and
/// ready.
fn proposed(metric: &Value, current: u32, tolerance: Tolerance) -> Result<u32, NoProposal> {
    let long_ago = SimTime(NOW.0 - SimDuration::from_secs(3_600).0);
    let pods = |n: usize| {
        let pod = PodStatus {
            phase: PodPhase::Running,
            deleting: false,
            ready: Some((true, long_ago)),
            started: Some(long_ago),
        };
        vec![pod; n]
    };
    let sample = |value: &Value| {
        Some(Sample {
            value: some(value).map(whole)?,
            at: NOW,
            window: SimDuration::from_secs(60),
        })
    };
    let rules = ReadinessRules::default();
    let proposal = match metric["type"].as_str().expect("a type") {
        "cpu_utilization" => {
            let requests: Vec<Option<i64>> = list(&metric["pod_requests_m"]).iter().map(|m| Some(whole(m))).collect();
            let usage = list(&metric["pod_usage_m"]);
            let mut samples: Vec<Option<Sample>> = usage.iter().map(sample).collect();
            // Samples beyond the pods belong to pods that are not in the list.
            let unknown = samples.len().saturating_sub(requests.len());
            samples.resize(requests.len(), None);
            let pods = pods(requests.len());
            let measured = Measured {
                pods: &pods,
                samples: &samples,
                rules: &rules,
                now: NOW,
            };
            let target = (whole(&metric["target_utilization_pct"]), true, unknown);
            utilisation(&measured, &requests, target, current, tolerance)?
        }
        "pods_average_value" | "pods" => {
            let values = list(&metric["pod_values_m"]);
            let samples: Vec<Option<Sample>> = values.iter().map(sample).collect();
            let pods = pods(samples.len());
            let measured = Measured {
                pods: &pods,
                samples: &samples,
                rules: &rules,
                now: NOW,
            };
            pods_average(&measured, whole(&metric["target_value_m"]), current, tolerance)?
        }
        "external_value" | "object_value" | "external" | "object" => {
            let target = whole(&metric["target_value_m"]);
            value(&values(metric), target, current, current, tolerance)
        }
        "external_average_value" | "object_average_value" => {
            average_value(&values(metric), whole(&metric["target_average_m"]), current, tolerance)
        }
        failing if failing.starts_with("failing") => return Err(NoProposal::Failed),
        other => panic!("a metric of type {other} is not known"),
    };
    Ok(proposal.replicas)
}

/// A vector whose sample is null says that the pod has no sample. When the others ask for fewer pods, such a pod counts as if it
/// were on target; a measured 0 is a pod that does nothing. Two pods on a target of 100, one of them at 50: 2 pods, or 1.
#[test]
fn a_null_sample_is_a_missing_one_and_no_zero() {
    let pod = |name: &str, sample: &Value| {
        let usage = match sample {
            Value::Null => Value::Null,
            one => serde_json::json!([one]),
        };
        serde_json::json!({
            "name": name, "phase": "Running", "deleted": false, "ready": true, "started_ago_s": 3600, "ready_changed_ago_s": 3600,
            "metric_age_s": 0, "metric_window_s": 60, "value_m": sample, "usage_m": sample,
            "container_requests_m": [100], "container_usage_m": usage,
        })
    };
    let inputs = |samples: [Value; 2]| {
        serde_json::json!({
            "resource": "cpu", "spec_replicas": 2, "target_value_m": 100, "target_utilization_pct": 100,
            "tolerance_up": 0.1, "tolerance_down": 0.1, "cpu_initialization_period_s": 120, "initial_readiness_delay_s": 10,
            "container_index": null, "pods": [pod("a", &samples[0]), pod("b", &samples[1])],
        })
    };
    let (missing, zero) = (inputs([50.into(), Value::Null]), inputs([50.into(), 0.into()]));
    for check in [pods_average_value, resource_utilization] {
        let replicas = |inputs: &Value, n: u32| check(inputs, &serde_json::json!({ "replicas": n }));
        assert_eq!(replicas(&missing, 2), Ok(()));
        assert!(replicas(&missing, 1).is_err());
        assert_eq!(replicas(&zero, 1), Ok(()));
        // Without any sample there is no proposal; two zeros ask for none.
        let error = serde_json::json!({ "error": true });
        assert_eq!(check(&inputs([Value::Null, Value::Null]), &error), Ok(()));
        assert!(check(&inputs([0.into(), 0.into()]), &error).is_err());
    }
    let groups = |ready: u32, missing: &[&str]| serde_json::json!({ "ready_count": ready, "unready": [], "missing": missing, "ignored": [] });
    assert_eq!(group_pods(&missing, &groups(1, &["b"])), Ok(()));
    assert_eq!(group_pods(&zero, &groups(2, &[])), Ok(()));
    // One container without a sample leaves the pod without one, whatever the others use.
    let mut two = missing.clone();
    two["pods"][1]["container_requests_m"] = serde_json::json!([50, 50]);
    two["pods"][1]["container_usage_m"] = serde_json::json!([0, null]);
    assert_eq!(
        resource_utilization(&two, &serde_json::json!({ "replicas": 2 })),
        Ok(())
    );
}
