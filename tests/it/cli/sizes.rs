//! From a measured profile to a simulation: sizes that were measured, those between them, and those that do not do.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::cli::synthetic::{STEADY, assert_close, sandbox, simulate, warms};

/// A run at 1 vCPU without a warm instance.
fn only_cold(runs: &[Value], memory: &str) -> Value {
    let mut run = runs[1].clone();
    run["memory"] = json!(memory);
    run["warm"] = Value::Null;
    run
}

#[test]
fn between_two_sizes_the_law_goes_through_both() {
    let sandbox = sandbox(STEADY, |runs| {
        warms(&mut runs[0], &[(40, 48.0), (60, 28.0), (300, 8.0)]);
        warms(&mut runs[1], &[(40, 24.0), (60, 14.0), (300, 4.0)]);
    });
    let (of, said) = simulate(
        &sandbox,
        "--set platform.scale-per-request.cpu=750m --set interpolate=true",
    );
    // All but the 30 ms of the sandbox are proportional to 1/cpu: 4/3 of what they are at 1 vCPU.
    let (first, extra) = (30.0 + 110.0 * 4.0 / 3.0, (40.0 * 20.0 + 60.0 * 10.0) * 4.0 / 3.0);
    let total = first + extra + (of("requests") - 1.0) * 6.0;
    assert_close(of("latency_max_ms"), first);
    assert_close(of("latency_mean_ms"), total / of("requests"));
    for sentence in [
        "made-up at 0.75 vCPU is interpolated from 0.5, 1 vCPU: times follow the law T = a + b/cpu, which misses the measured medians \
         by at most 0% in a phase of a start, 0% in an empty handler, 0% in the warm-up",
        "made-up at 0.75 vCPU has the starts that were measured at 1 vCPU, scaled by that law; its memory is as measured there",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
    for outside in ["499m", "1001m"] {
        let ran = sandbox.run(&format!(
            "check s.toml --set interpolate=true --set platform.scale-per-request.cpu={outside}"
        ));
        assert!(
            ran.code == Some(2) && ran.stderr.contains("nothing is extrapolated"),
            "{ran}"
        );
    }
}

#[test]
fn a_law_over_three_sizes_tells_what_it_misses() {
    let sandbox = sandbox(STEADY, |runs| {
        // Initialisation of 50 ms at 2 vCPU would fit; 80 ms do not.
        let mut large = runs[1].clone();
        large["cpu"] = json!("2000m");
        for sample in large["cold"].as_array_mut().unwrap() {
            sample["boot_ms"] = json!(80.0);
        }
        runs.push(large);
    });
    let (of, said) = simulate(
        &sandbox,
        "--set platform.scale-per-request.cpu=750m --set interpolate=true",
    );
    assert!(said.contains("is interpolated from 0.5, 1, 2 vCPU"), "{said}");
    // Normal equations of a + b x, weighted with 1 / y^2, for the initialisation and for the first request.
    let law = |points: [(f64, f64); 3]| {
        let sum = |of: fn(f64, f64) -> f64| points.iter().map(|&(x, y)| of(x, y) / (y * y)).sum::<f64>();
        let (n, x, xx) = (sum(|_, _| 1.0), sum(|x, _| x), sum(|x, _| x * x));
        let (y, xy) = (sum(|_, y| y), sum(|x, y| x * y));
        let b = (n * xy - x * y) / (n * xx - x * x);
        ((y - b * x) / n, b)
    };
    let scaled = |(a, b): (f64, f64), at_one: f64| at_one * (a + b * 4.0 / 3.0) / (a + b);
    let init = scaled(law([(2.0, 200.0), (1.0, 100.0), (0.5, 80.0)]), 100.0);
    let first = scaled(law([(2.0, 20.0), (1.0, 10.0), (0.5, 10.0)]), 10.0);
    assert_close(of("latency_max_ms"), 30.0 + init + first);
}

#[test]
fn cold_starts_of_the_very_memory_limit_are_used() {
    let scenario = STEADY.replace(
        "[platform.scale-per-request]",
        "[platform.scale-per-request]\nmemory = \"256Mi\"\n",
    );
    let sandbox = sandbox(&scenario, |runs| {
        let mut small = only_cold(runs, "256Mi");
        for sample in small["cold"].as_array_mut().unwrap() {
            sample["boot_ms"] = json!(150.0);
        }
        // Taken on a noisy machine and again; it does not count.
        small["cold"][0]["boot_ms"] = json!(9000.0);
        small["cold"][0]["verdict"] = json!("noisy-host");
        runs.insert(1, small);
    });
    let (of, said) = simulate(&sandbox, "");
    assert_close(of("latency_max_ms"), 190.0);
    let sentence = "cold starts were measured under a memory limit of 256Mi, warm requests under 512Mi; at 256Mi the same times \
                    are assumed";
    assert!(said.contains(sentence), "{said}");
    let (of, said) = simulate(&sandbox, "--set platform.scale-per-request.memory=300Mi");
    assert_close(of("latency_max_ms"), 140.0);
    assert!(
        said.contains("measured under a memory limit of 512Mi; at 300Mi the same times"),
        "{said}"
    );
}

#[test]
fn memory_under_which_no_start_came_up_is_refused() {
    let scenario = STEADY.replace(
        "[platform.scale-per-request]",
        "[platform.scale-per-request]\nmemory = \"128Mi\"\n",
    );
    let sandbox = sandbox(&scenario, |runs| {
        let mut none = only_cold(runs, "128Mi");
        none["cold"] = json!([]);
        let failure =
            |block: u32| json!({ "block": block, "kind": "out-of-memory", "reason": "killed at the memory limit" });
        none["failures"] = (0..30).map(failure).collect();
        let small = only_cold(runs, "256Mi");
        runs.insert(1, none);
        runs.insert(2, small);
    });
    assert_snapshot!(sandbox.run("simulate s.toml"), @r"
    exit 2
    --- stderr
    error: s.toml has a problem:
      - made-up does not start with 128Mi: under a memory limit of 128Mi all 30 starts were measured to fail, out of memory, at 1 vCPU. Choose at least 256Mi, the smallest limit under which it was measured to start
    ");
    let less = sandbox.run("check s.toml --set platform.scale-per-request.memory=100Mi");
    assert!(
        less.code == Some(2) && less.stderr.contains("does not start with 100Mi"),
        "{less}"
    );
    // Elsewhere a smaller CPU is no excuse.
    let other = sandbox.run("check s.toml --set platform.scale-per-request.cpu=500m");
    assert!(
        other.code == Some(2) && other.stderr.contains("Choose at least 256Mi"),
        "{other}"
    );
    sandbox
        .run("check s.toml --set platform.scale-per-request.memory=129Mi")
        .ok();
    // But starts with as little, measured at the very CPU, are: fewer processes may need less.
    let mut profile: Value = serde_json::from_str(&sandbox.read("made-up.json")).unwrap();
    let mut starts = profile["runs"][0].clone();
    starts["memory"] = json!("128Mi");
    profile["runs"].as_array_mut().unwrap().insert(0, starts);
    sandbox.write("made-up.json", &profile.to_string());
    sandbox
        .run("check s.toml --set platform.scale-per-request.cpu=500m")
        .ok();
}

#[test]
fn lambda_takes_starts_with_a_boosted_initialisation() {
    let lambda = STEADY.replace(
        "[platform.scale-per-request]",
        "[platform.lambda]\nmemory = \"1769Mi\"\nenvironment = \"30ms\"\n",
    );
    let sandbox = sandbox(&lambda, |runs| {
        warms(&mut runs[1], &[(40, 24.0), (60, 14.0), (300, 4.0)]);
        let mut boosted = only_cold(runs, "512Mi");
        boosted["cpu_mode"] = json!("boosted-init");
        for sample in boosted["cold"].as_array_mut().unwrap() {
            sample["boot_ms"] = json!(50.0);
            sample["first_response_ms"] = json!(6.0);
            sample["first_request_ms"] = json!(8.0);
            sample["limit_update_ms"] = json!(90.0);
        }
        runs.push(boosted);
    });
    // 30 ms of sandbox, 50 + 6 ms of initialisation, and 8 ms less the round trip of 1 ms.
    let (of, said) = simulate(&sandbox, "");
    assert_close(of("latency_max_ms"), 30.0 + 56.0 + 7.0);
    let sentence = "made-up had at least 2 vCPUs until /healthz had answered";
    assert!(
        said.contains(sentence) && !said.contains("in force from the start"),
        "{said}"
    );
    // The first of the 100 slower requests to /json is that which the start ends with.
    assert!(
        said.contains("made-up: the first 99 requests of an instance after its very first"),
        "{said}"
    );
    // At half a vCPU only starts under the limit were measured.
    let (of, said) = simulate(&sandbox, "--set platform.lambda.memory=885Mi");
    assert_close(of("latency_max_ms"), 30.0 + 200.0 + 20.0);
    assert!(
        said.contains("the CPU limit was in force from the start of the container"),
        "{said}"
    );
    // Elsewhere the limit holds from the start on.
    let (of, _) = simulate(&sandbox, "--set platform.scale-per-request.cpu=1000m");
    assert_close(of("latency_max_ms"), 140.0);
}

#[test]
fn sizes_under_different_memory_limits_have_no_law() {
    let sandbox = sandbox(STEADY, |runs| runs[0]["memory"] = json!("1Gi"));
    let ran = sandbox.run("check s.toml --set interpolate=true --set platform.scale-per-request.cpu=750m");
    assert_snapshot!(ran, @r"
    exit 2
    --- stderr
    error: s.toml has a problem:
      - made-up was not measured at 0.75 vCPU, and no law can be fitted there, because what was measured has different memory limits: 0.5 vCPU, 1 vCPU. Choose one of these
    ");
}
