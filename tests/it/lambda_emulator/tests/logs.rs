//! The log that comes with an answer: its forms, its levels, and its end of 4 KB.

use coldcast::trace::read::lambda::Start;
use serde_json::{Value, json};

use super::super::{Begun, Behaviour, Emulator, When};
use super::client::{Client, snap_start_function};

#[test]
fn text_has_the_lines_of_the_platform() {
    let emulator = Emulator::start(Behaviour {
        init_spread: 0.0,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &json!({"MemorySize": 512}));
    let cold = client.invoke("coldcast-a").ok();
    let id = cold.header("x-amzn-requestid").unwrap().to_string();
    let served = &emulator.served()[0];
    // An image has no managed runtime whose version a first line could name.
    let expected = format!(
        "START RequestId: {id} Version: $LATEST\nEND RequestId: {id}\nREPORT RequestId: {id}\tDuration: {:.2} ms\tBilled \
         Duration: 43 ms\tMemory Size: 512 MB\tMax Memory Used: 72 MB\tInit Duration: 40.00 ms\t\n",
        served.report.duration_ms
    );
    assert_eq!(cold.log(), expected);
    assert_eq!(
        client.invoke("coldcast-a").ok().log().matches("Init Duration").count(),
        0
    );
}

#[test]
fn json_is_of_the_function_or_of_the_service() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    let logging = |level: &str| json!({"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": level}});
    client.created("coldcast-a", &logging("INFO"));
    client.created("coldcast-b", &logging("DEBUG"));
    client.created("coldcast-c", &Value::Null);
    let types = |name: &str| -> Vec<String> {
        let log = client.invoke(name).ok().log();
        let line = |line: &str| {
            serde_json::from_str::<Value>(line).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_string()
        };
        log.lines().map(line).collect()
    };
    assert_eq!(types("coldcast-a"), ["platform.start", "platform.report"]);
    assert_eq!(
        types("coldcast-b"),
        [
            "platform.initStart",
            "platform.initReport",
            "platform.start",
            "platform.runtimeDone",
            "platform.report"
        ]
    );
    emulator.change(|behaviour| behaviour.json_logs = true);
    let got = client.invoke("coldcast-c").ok();
    let report = got.invocation().report;
    let served = emulator.served().pop().unwrap();
    assert_eq!(report.request_id.as_deref(), got.header("x-amzn-requestid"));
    assert_eq!(
        (report.init_ms, report.duration_ms),
        (served.report.init_ms, Some(served.report.duration_ms))
    );
    assert_eq!((report.memory_mb, report.max_memory_mb), (Some(128.0), Some(72.0)));
}

#[test]
fn json_tells_failures_and_restores() {
    let emulator = Emulator::start(Behaviour {
        time_scale: 0.01,
        json_logs: true,
        slow_init: When::At(vec![1]),
        crash_in_init: When::At(vec![2]),
        handler_error: When::At(vec![3]),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let again = client.invoke("coldcast-a").invocation();
    assert!(matches!(again.start, Start::Init { again: true, .. }), "{again:?}");
    client.nonce("coldcast-a", "1").ok();
    client.settled("coldcast-a");
    let crashed = client.invoke("coldcast-a");
    assert_eq!(crashed.log().matches("platform.initReport").count(), 2);
    let report = crashed.invocation().report;
    assert_eq!(
        (report.status.as_deref(), report.error_type.as_deref()),
        (Some("error"), Some("Runtime.ExitError"))
    );
    let failed = client.invoke("coldcast-a").invocation().report;
    assert_eq!(
        (failed.status.as_deref(), failed.error_type.as_deref()),
        (Some("error"), Some("Error"))
    );
    client
        .call(
            "PUT",
            "/2015-03-31/functions/coldcast-a/configuration",
            &json!({"Timeout": 1}),
        )
        .ok();
    client.settled("coldcast-a");
    let ended = client
        .try_invoke("coldcast-a", "/io?ms=2000")
        .unwrap()
        .invocation()
        .report;
    assert_eq!(ended.status.as_deref(), Some("timeout"));

    client
        .call("POST", "/2015-03-31/functions", &snap_start_function("coldcast-s"))
        .ok();
    client.settled("coldcast-s");
    client
        .call("POST", "/2015-03-31/functions/coldcast-s/versions", &json!({}))
        .ok();
    client.settled("coldcast-s:1");
    let restored = client.invoke("coldcast-s?Qualifier=1").ok();
    assert!(
        restored.log().starts_with("{\"record\":{\"runtimeVersion\""),
        "{}",
        restored.log()
    );
    let served = emulator.served().pop().unwrap();
    assert_eq!(
        (served.begun, restored.invocation().start),
        (
            Begun::Restore,
            Start::Restore {
                ms: served.report.restore_ms
            }
        )
    );
}

#[test]
fn the_tail_is_the_last_four_kilobytes() {
    let emulator = Emulator::start(Behaviour {
        app_log_bytes: 10_000,
        cut_report: When::At(vec![2]),
        no_log: When::At(vec![3]),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let long = client.invoke("coldcast-a").ok();
    assert_eq!(long.log().len(), 4096);
    // The start is lost, and the report is whole.
    assert!(!long.log().contains("START RequestId"));
    assert!(long.invocation().report.init_ms.is_some());

    client.nonce("coldcast-a", "1").ok();
    client.settled("coldcast-a");
    let cut = client.invoke("coldcast-a").ok();
    assert_eq!(cut.log().len(), 4096);
    let first = cut.log().lines().next().unwrap().to_string();
    assert!(
        !cut.log().contains("REPORT") && first.contains("Billed Duration: "),
        "{first}"
    );
    let init = format!("Init Duration: {:.2} ms", emulator.served()[1].report.init_ms.unwrap());
    assert!(first.contains(&init), "{first}");
    assert_eq!(client.invoke("coldcast-a").ok().header("x-amz-log-result"), None);
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 3);
}
