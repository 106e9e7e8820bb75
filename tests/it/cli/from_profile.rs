//! From a measured profile to a simulation: what not being warm costs, and what many requests in flight need.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::cli::synthetic::{STEADY, assert_close, panel_link, sandbox, simulate, warms};
use crate::common::table;

const MIB: u64 = 1 << 20;

/// 40 MiB with one request in flight, 2 MiB for each further one, known up to 64.
fn grows(run: &mut Value) {
    run["warm"]["anon_bytes_per_in_flight"] = json!(2 * MIB);
    run["warm"]["anon_by_in_flight"] = json!([[1, 40 * MIB], [4, 46 * MIB], [16, 70 * MIB], [64, 166 * MIB]]);
    run["warm"]["peak_anon_bytes"] = json!(166 * MIB);
}

#[test]
fn the_first_requests_cost_what_the_curve_says() {
    let sandbox = sandbox(STEADY, |runs| {
        warms(&mut runs[1], &[(40, 24.0), (60, 14.0), (300, 4.0)])
    });
    let (of, said) = simulate(&sandbox, "");
    // The first request takes 140 ms, the next 40 take 20 ms more than later ones, the next 60 take 10 ms more.
    let later = of("requests") - 1.0;
    let total = 140.0 + 40.0 * 20.0 + 60.0 * 10.0 + later * 4.5;
    assert_close(of("latency_mean_ms"), total / of("requests"));
    assert_close(of("latency_max_ms"), 140.0);
    // 40 requests of 10 ms of CPU time and 40 of 5 ms above 2 ms.
    let sentence = "made-up: the first 100 requests of an instance after its very first cost 1400 ms more in all, the \
                    handler's own work not included (measured on /json at 20/s; CPU time says 600 ms)";
    assert!(said.contains(sentence), "{said}");
}

#[test]
fn a_flat_curve_costs_nothing() {
    let sandbox = sandbox(STEADY, |runs| warms(&mut runs[1], &[(400, 4.0)]));
    let (of, said) = simulate(&sandbox, "");
    assert_close(
        of("latency_mean_ms"),
        (140.0 + (of("requests") - 1.0) * 4.5) / of("requests"),
    );
    let sentence = "made-up: a warm instance costs the same from its second request on, as measured on /json";
    assert!(said.contains(sentence), "{said}");
}

/// Two requests at the same instant on one event loop.
const TOGETHER: &str = r#"schema = 1
name = "together"
replications = 1
frameworks = ["made-up.json"]

[traffic.csv]
path = "arrivals.csv"
time-column = "t"

[platform.fixed]
concurrency = 10
cpu = "1"
"#;

#[test]
fn warming_up_takes_cpu_where_requests_share_it() {
    let loops = format!("{TOGETHER}\n[instance]\nmodel = \"event-loop\"\n");
    let sandbox = sandbox(&loops, |runs| {
        for run in runs {
            warms(run, &[(40, 24.0), (60, 14.0), (300, 4.0)]);
        }
    });
    sandbox.write("arrivals.csv", "t\n1.0\n1.0\n");
    let (of, _) = simulate(&sandbox, "");
    // 1 ms and 20 ms of CPU each, one after the other, then 3.5 ms without.
    assert_close(of("latency_max_ms"), 2.0 * 21.0 + 3.5);
    assert_close(of("latency_mean_ms"), 1.5 * 21.0 + 3.5);
    // At half a vCPU the same 20 ms are 10 ms of CPU, and 1 ms of CPU takes 2 ms of the 9 ms.
    let (of, _) = simulate(&sandbox, "--set platform.fixed.cpu=500m");
    assert_close(of("latency_max_ms"), 2.0 * 22.0 + 7.0);
}

#[test]
fn too_many_requests_in_flight_kill_an_instance() {
    let sandbox = sandbox(TOGETHER, |runs| grows(&mut runs[1]));
    // Two at a time fit, three do not; back after 140 ms.
    sandbox.write("arrivals.csv", "t\n1.0\n1.0\n2.0\n2.0\n2.0\n5.0\n");
    let (of, said) = simulate(&sandbox, "--set platform.fixed.memory=43Mi");
    assert_eq!((of("requests"), of("completed"), of("failed")), (6.0, 3.0, 3.0));
    assert_eq!(of("rejected") + of("timed_out"), 0.0);
    // 1 ms of CPU each: the second of two at a time waits for the first, on the event loop that the profile shows.
    assert_close(of("latency_mean_ms"), (4.5 + 5.5 + 4.5) / 3.0);
    let shared = "made-up: requests inside an instance share it by the model `event-loop`, as measured at 1 vCPU";
    assert!(said.contains(shared), "{said}");
    assert_eq!(of("instances_created"), 2.0);
    let sentence = "made-up: under 43Mi an instance with more than 2 requests in flight is killed (40.0 MiB of anonymous memory \
                    with one request in flight and 2.000 MiB for each further one, measured up to 64)";
    assert!(said.contains(sentence), "{said}");

    let (of, said) = simulate(&sandbox, "--set platform.fixed.memory=58Mi");
    assert_eq!((of("completed"), of("failed")), (6.0, 0.0));
    assert!(
        said.contains("under 58Mi an instance has memory for all 10 requests at a time"),
        "{said}"
    );
}

#[test]
fn many_kills_keep_the_account() {
    let busy = STEADY
        .replace("[traffic.constant]\ngap = \"1s\"", "[traffic.poisson]\nrate = \"25/s\"")
        .replace(
            "[platform.scale-per-request]",
            "[platform.scale-per-request]\nconcurrency = 20\nmemory = \"48Mi\"",
        );
    let work = format!("{busy}\n[work]\nio = \"50ms\"\n");
    let sandbox = sandbox(&work, |runs| grows(&mut runs[1]));
    let (of, _) = simulate(&sandbox, "");
    let ended = ["completed", "rejected", "timed_out", "failed"].map(&of);
    assert_eq!(of("requests"), ended.iter().sum::<f64>());
    assert!(of("failed") > 1000.0 && of("completed") > 1000.0, "{ended:?}");
}

#[test]
fn memory_that_one_request_does_not_fit_into_is_refused() {
    let sandbox = sandbox(TOGETHER, |runs| grows(&mut runs[1]));
    sandbox.write("arrivals.csv", "t\n1.0\n");
    assert_snapshot!(sandbox.run("check s.toml --set platform.fixed.memory=39Mi"), @r"
    exit 2
    --- stderr
    error: s.toml has a problem:
      - made-up needs more memory than 39Mi: measured 40 MiB of anonymous memory with one request in flight
    ");
    // Where each request has an instance of its own, what many in flight have needed does not matter.
    let (of, _) = simulate(
        &sandbox,
        "--set platform.fixed.memory=43Mi --set platform.fixed.concurrency=1",
    );
    assert_eq!(of("completed"), 1.0);
}

#[test]
fn unknown_growth_is_told_and_the_peak_under_load_must_fit() {
    let sandbox = sandbox(TOGETHER, |_| {});
    sandbox.write("arrivals.csv", "t\n1.0\n1.0\n");
    let (_, said) = simulate(&sandbox, "");
    let sentence = "made-up: no instance is killed for want of memory: its growth with requests in flight was not measured, or \
                    lies within noise";
    assert!(said.contains(sentence), "{said}");
    assert_snapshot!(sandbox.run("check s.toml --set platform.fixed.memory=49Mi"), @r"
    exit 2
    --- stderr
    error: s.toml has a problem:
      - made-up needs more memory than 49Mi: measured peak 50 MiB of anonymous memory under load
    ");
}

#[test]
fn profiles_of_different_machines_are_said_to_be() {
    let scenario = STEADY.replace("[\"made-up.json\"]", "[\"made-up.json\", \"other.json\"]");
    let sandbox = sandbox(&scenario, |_| {});
    let text = sandbox.read("made-up.json");
    let told = |host: &str| {
        let mut profile: serde_json::Value = serde_json::from_str(&text).unwrap();
        profile["name"] = "other".into();
        profile["provenance"]["host_cpu"] = host.into();
        sandbox.write("other.json", &profile.to_string());
        let said = sandbox.run("compare s.toml --assumptions").ok().stderr;
        said.contains("the profiles come from 2 different machines that are not linked by panels")
            && said.contains("other on another CPU, ")
    };
    let own: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(!told(own["provenance"]["host_cpu"].as_str().unwrap()));
    assert!(told("another CPU"));
}

/// The other machine takes twice as long, and so do all its times. Once both profiles carry a panel, the results are the same.
#[test]
fn linked_profiles_are_brought_to_one_machine() {
    let scenario = STEADY.replace("[\"made-up.json\"]", "[\"made-up.json\", \"other.json\"]");
    let sandbox = sandbox(&scenario, |_| {});
    let text = sandbox.read("made-up.json");
    let write = |name: &str, machine: &str, factor: f64, panel: bool| {
        let mut profile: serde_json::Value = serde_json::from_str(&text).unwrap();
        profile["name"] = name.into();
        profile["provenance"]["host_cpu"] = machine.into();
        if panel {
            profile["panel"] = panel_link(machine, factor);
        }
        for run in profile["runs"].as_array_mut().unwrap() {
            let double = |value: &mut serde_json::Value| *value = (factor * value.as_f64().unwrap()).into();
            for sample in run["cold"].as_array_mut().unwrap() {
                for key in ["create_ms", "start_ms", "boot_ms", "first_response_ms", "total_ms"] {
                    double(&mut sample[key]);
                }
            }
            let warm = &mut run["warm"];
            if warm.is_null() {
                continue;
            }
            double(&mut warm["round_trip_ms"]);
            warm["warm_up_ms"].as_array_mut().unwrap().iter_mut().for_each(double);
            for route in warm["routes"].as_object_mut().unwrap().values_mut() {
                route["service_time_ms"]
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .for_each(double);
            }
        }
        sandbox.write(&format!("{name}.json"), &profile.to_string());
    };
    let compare = || {
        let said = sandbox.run("compare s.toml --assumptions --out out").ok().stderr;
        let rows = table(&sandbox.read("out/summary.csv"));
        let of = |row: usize, column: &str| rows[row][column].clone();
        let number = |row: usize, column: &str| of(row, column).parse::<f64>().unwrap();
        let ratio = number(1, "latency_max_ms") / number(0, "latency_max_ms");
        (ratio, of(1, "profile_source"), said)
    };
    write("made-up", "aa", 1.0, true);
    write("other", "bb", 2.0, false);
    let (ratio, source, said) = compare();
    assert!((ratio - 2.0).abs() < 0.1, "{ratio}");
    assert!(
        !source.contains(" x ") && said.contains("2 different machines that are not linked"),
        "{source} {said}"
    );
    write("other", "bb", 2.0, true);
    let (ratio, source, said) = compare();
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
    assert!(source.contains("cold starts x 0.500 [0.49"), "{source}");
    assert!(
        said.contains("are brought to the reference machine") && !said.contains("not linked"),
        "{said}"
    );
    assert!(sandbox.read("out/manifest.json").contains("cold starts x 0.500 [0.49"));
}
