//! A profile from the logs of a function, and a projection with it.

use crate::common::{Sandbox, table};

/// Requests every 20 s for ten minutes, the first of them after a start: 10 ms each, 30 ms and 400 ms of initialisation the first.
fn log() -> String {
    let mut log = "2026-03-02T10:00:00.000Z 2026/03/02/[1]a INIT_START Runtime Version: x\n".to_string();
    for k in 0..30 {
        let (minute, second) = (20 * k / 60, 20 * k % 60);
        let (ms, more) = match k {
            0 => (30, "\tInit Duration: 400.00 ms"),
            _ => (10, ""),
        };
        let at = |ms: u32| format!("2026-03-02T10:{minute:02}:{second:02}.{ms:03}Z 2026/03/02/[1]a");
        log += &format!("{} START RequestId: r-{k} Version: 1\n", at(400));
        log += &format!(
            "{} REPORT RequestId: r-{k}\tDuration: {ms}.00 ms\tBilled Duration: {ms} ms\tMemory Size: 512 MB\tMax Memory Used: 84 MB{more}\n",
            at(400 + ms)
        );
    }
    log
}

fn imported() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("checkout.log", &log());
    sandbox
        .run("measure import-lambda-logs checkout.log --name checkout")
        .ok();
    sandbox
}

fn scenario(platform: &str) -> String {
    format!(
        "schema = 1\nname = \"shop\"\nreplications = 2\nhorizon = \"4h\"\nframeworks = [\"measured/checkout/profile.json\"]\n\
         [traffic.constant]\ngap = \"15m\"\n[prices]\nlist = \"aws-us-east-1\"\n{platform}"
    )
}

#[test]
fn logs_become_a_profile_that_projects() {
    let sandbox = imported();
    sandbox.write(
        "s.toml",
        &scenario("[platform.lambda]\nmemory = \"512Mi\"\nenvironment = \"0s\"\n"),
    );
    let ran = sandbox.run("simulate s.toml --assumptions --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    let number = |column: &str| row[column].parse::<f64>().unwrap();
    // Each request finds no environment: 400 ms of initialisation, and the first request takes 30 ms.
    assert_eq!(number("cold_starts"), number("requests"));
    assert!(
        (number("latency_p50_ms") / 430.0 - 1.0).abs() < 0.01,
        "{}",
        number("latency_p50_ms")
    );
    for part in [
        "checkout is a function of your own: durations and starts are those of its logs of 2026-03-02 to 2026-03-02 (29 warm invocations \
         and 1 starts at 512Mi)",
        "what of a request to checkout is CPU time is not known",
        "there are only 1 starts of checkout",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
}

#[test]
fn what_logs_do_not_hold_is_not_made_up() {
    let sandbox = imported();
    let refused = |platform: &str| {
        sandbox.write("s.toml", &scenario(platform));
        let ran = sandbox.run("check s.toml");
        assert_eq!(ran.code, Some(2), "{ran}");
        ran.stderr
    };
    let other = refused("[platform.lambda]\nmemory = \"1024Mi\"\n");
    assert!(other.contains("checkout ran with 512Mi, not with 1024Mi"), "{other}");
    let elsewhere = refused("[platform.fargate]\ncpu = \"1\"\nmemory = \"2Gi\"\n[autoscaler.fixed]\nreplicas = 1\n");
    assert!(elsewhere.contains("says nothing about CPU time"), "{elsewhere}");
}

#[test]
fn the_table_and_the_catalog_show_what_was_read() {
    let sandbox = imported();
    let shown = sandbox.run("catalog frameworks measured/checkout/profile.json").ok();
    assert!(shown.stdout.contains("with lambda-logs on AWS Lambda"), "{shown}");
    let ran = sandbox
        .run("measure import-lambda-logs checkout.log checkout.log --name twice")
        .ok();
    assert!(ran.stdout.contains("512Mi") && ran.stdout.contains(" 29 "), "{ran}");
    assert!(ran.stderr.contains("lines of a log"), "{ran}");
    let from_input = sandbox
        .shell("cat checkout.log | coldcast measure import-lambda-logs - --name piped")
        .ok();
    assert!(
        from_input.stderr.contains("standard input") || from_input.stderr.contains("-: lines"),
        "{from_input}"
    );
}

#[test]
fn other_files_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("access.log", "127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 3\n");
    let ran = sandbox.run("measure import-lambda-logs access.log --name x");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("Lambda's platform says nothing in it"), "{ran}");
    let ran = sandbox.run("measure import-lambda-logs none.log --name x");
    assert_eq!(ran.code, Some(2), "{ran}");
    let ran = sandbox.run("measure import-lambda-logs access.log --name ../x");
    assert_eq!(ran.code, Some(2), "{ran}");
}
