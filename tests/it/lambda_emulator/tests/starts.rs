//! Starts that go another way than the usual one.

use std::time::{Duration, Instant};

use coldcast::trace::read::lambda::Start;
use serde_json::{Value, json};

use super::super::{Begun, Behaviour, Emulator, When};
use super::client::Client;

#[test]
fn an_initialisation_of_more_than_ten_seconds_runs_again_inside_the_invocation() {
    let emulator = Emulator::start(Behaviour {
        time_scale: 0.01,
        slow_init: When::First(1),
        init_spread: 0.0,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let began = Instant::now();
    let slow = client.invoke("coldcast-a").ok();
    // 10 s and 12 s, a hundred times as fast.
    assert!(began.elapsed() >= Duration::from_millis(215), "{:?}", began.elapsed());
    assert_eq!(slow.process().1, 1);
    let log = slow.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines[0],
        "INIT_REPORT Init Duration: 9999.85 ms\tPhase: init\tStatus: timeout"
    );
    assert!(
        lines[1].starts_with("START RequestId: ") && lines[2].starts_with("END RequestId: "),
        "{log}"
    );
    let seen = slow.invocation();
    let again = Start::Init {
        ms: Some(9_999.85),
        again: true,
        ahead: false,
    };
    assert_eq!(seen.start, again);
    assert_eq!(seen.report.init_ms, None);
    let duration = seen.report.duration_ms.unwrap();
    assert!((12_000.0..12_010.0).contains(&duration), "{duration}");
    assert_eq!(emulator.served()[0].begun, Begun::Again);
    // The next environment is quick.
    client.nonce("coldcast-a", "1").ok();
    client.settled("coldcast-a");
    assert_eq!(client.invoke("coldcast-a").ok().invocation().report.init_ms, Some(40.0));
}

#[test]
fn a_second_initialisation_beyond_the_timeout_ends_the_invocation() {
    let emulator = Emulator::start(Behaviour {
        time_scale: 0.01,
        slow_init: When::Always,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &json!({"Timeout": 5}));
    let ended = client.invoke("coldcast-a");
    assert_eq!(
        (ended.status, ended.header("x-amz-function-error")),
        (200, Some("Unhandled"))
    );
    assert_eq!(ended.body["errorType"], "Sandbox.Timedout");
    assert!(
        ended.body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Task timed out after 5.00 seconds")
    );
    let log = ended.log();
    assert!(log.contains("Phase: invoke\tStatus: timeout"), "{log}");
    assert!(log.contains(" Task timed out after 5.00 seconds\n"), "{log}");
    let report = ended.invocation().report;
    assert_eq!(
        (report.status.as_deref(), report.duration_ms),
        (Some("timeout"), Some(5_000.0))
    );
    assert!(emulator.left().functions[0].environments.is_empty());
}

#[test]
fn a_handler_beyond_the_timeout_ends() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &json!({"Timeout": 1}));
    let ended = client.try_invoke("coldcast-a", "/io?ms=1500").unwrap();
    let report = ended.invocation().report;
    assert_eq!(
        (report.status.as_deref(), report.duration_ms),
        (Some("timeout"), Some(1_000.0))
    );
    assert!(report.init_ms.is_some());
    assert!(!ended.log().contains("INIT_REPORT"));
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 1);
}

#[test]
fn a_process_that_ends_in_its_initialisation_fails_the_invocation() {
    let emulator = Emulator::start(Behaviour {
        crash_in_init: When::At(vec![1]),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let crashed = client.invoke("coldcast-a");
    assert_eq!(
        (crashed.status, crashed.header("x-amz-function-error")),
        (200, Some("Unhandled"))
    );
    assert_eq!(crashed.body["errorType"], "Runtime.ExitError");
    let message = crashed.body["errorMessage"].as_str().unwrap();
    assert!(
        message.ends_with("Error: Runtime exited with error: exit status 1"),
        "{message}"
    );
    let log = crashed.log();
    for phase in ["init", "invoke"] {
        let line = format!("\tPhase: {phase}\tStatus: error\tError Type: Runtime.ExitError\n");
        assert_eq!(log.matches(&line).count(), 1, "{log}");
    }
    let report = crashed.invocation().report;
    assert_eq!(
        (report.init_ms, report.error_type.as_deref()),
        (None, Some("Runtime.ExitError"))
    );
    assert_eq!(
        (emulator.served()[0].begun, emulator.served()[0].requests),
        (Begun::Crash, 0)
    );
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 1);
    assert_eq!(emulator.served()[1].environment, 2);
}

#[test]
fn an_environment_may_be_initialised_before_anybody_asks() {
    let emulator = Emulator::start(Behaviour {
        init_ms: 800.0,
        proactive: When::First(1),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let took = |client: &Client<'_>| {
        let began = Instant::now();
        let got = client.invoke("coldcast-a").ok();
        (got, began.elapsed())
    };
    let (ahead, wall) = took(&client);
    assert_eq!(ahead.process().1, 1);
    let init_ms = ahead.invocation().report.init_ms.unwrap();
    assert!(
        init_ms >= 800.0 && wall < Duration::from_millis(700),
        "{init_ms} ms in {wall:?}"
    );
    client.nonce("coldcast-a", "1").ok();
    client.settled("coldcast-a");
    let (_, wall) = took(&client);
    assert!(wall >= Duration::from_millis(800), "{wall:?}");
    let served = emulator.served();
    assert_eq!((served[0].begun, served[1].begun), (Begun::Ahead, Begun::Init));
    assert!(served[0].at_ms - served[0].process_started_ms > 59_000.0);
    assert!(served[1].process_started_ms >= served[1].at_ms);
}

#[test]
fn no_two_initialisations_are_alike_unless_a_test_wants_it() {
    let times = |spread: f64| {
        let emulator = Emulator::start(Behaviour {
            time_scale: 0.1,
            init_spread: spread,
            ..Behaviour::default()
        });
        let client = Client::of(&emulator);
        let one = |k: u32| {
            let name = format!("coldcast-{k}");
            client.created(&name, &Value::Null);
            client.invoke(&name).ok().invocation().report.init_ms.unwrap()
        };
        let mut times: Vec<f64> = (0..6).map(one).collect();
        assert!(
            times.iter().all(|ms| (40.0..=40.0 * (1.0 + spread)).contains(ms)),
            "{times:?}"
        );
        times.sort_by(f64::total_cmp);
        times.dedup();
        times.len()
    };
    assert_eq!((times(0.25), times(0.0)), (6, 1));
}
