//! No number that cannot be, and nothing silently wrong.

use crate::common::{Sandbox, table};

/// One instance with room for one request of 100 ms, and what more is said.
fn scenario(traffic: &str, more: &str) -> String {
    format!(
        "schema = 1\nname = \"x\"\nreplications = 2\nhorizon = \"10m\"\nframeworks = [\"steady\"]\n{traffic}\n\
         [slo]\nlatency = \"300ms\"\nobjective = 0.99\n[profile.steady]\nservice-time = \"100ms\"\ncold-start = \"0s\"\n\
         [platform.fixed]\n{more}"
    )
}

#[test]
fn what_nobody_counted_is_said_and_fails_a_gate() {
    let sandbox = Sandbox::new();
    sandbox.write("t.csv", "t\n1\n2\n3\n");
    let text = scenario("[traffic.csv]\npath = \"t.csv\"\ntime-column = \"t\"", "");
    let text = text.replace("horizon = \"10m\"", "warm-up = \"5m\"\nhorizon = \"10m\"");
    sandbox.write("s.toml", &text);
    let ran = sandbox.run("simulate s.toml --quiet --fail-on slo");
    assert_eq!(ran.code, Some(1), "{ran}");
    for part in [
        "warning: no request of steady was counted: all came within the warm-up of 5m",
        "its SLO cannot be judged",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
}

#[test]
fn users_who_think_for_the_same_time_do_not_march_in_step() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.toml",
        &scenario("[traffic.closed-loop]\nusers = 8\nthink = \"1s\"", "concurrency = 1"),
    );
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    let p50: f64 = row["latency_p50_ms"].parse().unwrap();
    // All together the middle one would wait for four others.
    assert!(p50 < 250.0, "{p50}");
}

#[test]
fn users_may_ask_again_at_once() {
    let sandbox = Sandbox::new();
    let requests = |think: &str, more: &str| {
        let traffic = format!("[traffic.closed-loop]\nusers = 3\nthink = \"{think}\"");
        sandbox.write("s.toml", &scenario(&traffic, more));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        let row = &table(&sandbox.read("out/summary.csv"))[0];
        (
            row["completed"].parse::<f64>().unwrap(),
            row["rejected"].parse::<f64>().unwrap(),
        )
    };
    // One instance of 100 ms is busy all the time; what was asked for before the end is still answered.
    let (completed, rejected) = requests("0s", "concurrency = 1");
    assert!(
        (5_990.0..=6_003.0).contains(&completed) && rejected == 0.0,
        "{completed} {rejected}"
    );
    // Two are turned away at once, and come again after a millisecond: the clock goes on.
    let (completed, rejected) = requests("0s", "concurrency = 1\nmax-queue = 0");
    assert!(completed > 5_900.0 && rejected > 100_000.0, "{completed} {rejected}");
}

#[test]
fn services_with_promises_of_their_own_share_no_number() {
    let sandbox = Sandbox::new();
    let service = |name: &str, latency: &str| {
        format!(
            "[[service]]\nname = \"{name}\"\nframework = \"steady\"\nslo = {{ latency = \"{latency}\", objective = 0.9 }}\n\
             traffic = {{ constant = {{ gap = \"1s\" }} }}\n"
        )
    };
    let text = scenario("", "").replace("frameworks = [\"steady\"]\n", "");
    sandbox.write(
        "s.toml",
        &format!("{text}{}{}", service("fast", "50ms"), service("slow", "5s")),
    );
    let ran = sandbox.run("simulate s.toml").ok();
    assert!(ran.stdout.contains("within SLO, %"), "{ran}");
    assert!(
        !ran.stdout.contains("within 50 ms") && !ran.stdout.contains("within ."),
        "{ran}"
    );
}

#[test]
fn numbers_and_large_units_are_read() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.toml",
        &scenario("[traffic.constant]\ngap = \"1s\"", "cpu = 4\nmemory = \"4Ti\""),
    );
    sandbox.run("check s.toml").ok();
    sandbox.write("s.toml", &scenario("[traffic.constant]\ngap = \"1s\"", "cpu = -1"));
    let ran = sandbox.run("check s.toml");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("\"250m\" or vCPUs as \"0.5\" or \"4\""), "{ran}");
}

/// A queue has no load balancer that gives up: 100 messages of 30 s on one instance at a time are all done.
#[test]
fn messages_wait_as_long_as_it_takes() {
    let sandbox = Sandbox::new();
    let text = |trigger: &str| {
        scenario("[traffic.constant]\ngap = \"1s\"", "")
            .replace(
                "[platform.fixed]\n",
                &format!("[platform.azure-functions]\ntrigger = \"{trigger}\"\nfunction-app-scale-limit = 1\n"),
            )
            .replace("service-time = \"100ms\"", "service-time = \"300s\"")
            .replace("horizon = \"10m\"", "horizon = \"20m\"")
    };
    let timed_out = |trigger: &str| {
        sandbox.write("s.toml", &text(trigger));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        table(&sandbox.read("out/summary.csv"))[0]["timed_out"]
            .parse::<f64>()
            .unwrap()
    };
    assert!(timed_out("http") > 0.0);
    assert_eq!(timed_out("other"), 0.0);
}
