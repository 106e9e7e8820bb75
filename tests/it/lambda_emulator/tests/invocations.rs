//! Which environment serves, what it answers, and how many may run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{ACCOUNT, Begun, Behaviour, Emulator, RESERVED, When};
use super::client::{Client, signature};

#[test]
fn a_new_environment_counts_from_one_and_is_used_again() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let cold = client.invoke("coldcast-a").ok();
    assert_eq!(cold.body["statusCode"], 200);
    assert_eq!(cold.body["body"], "{\"status\":\"ok\"}");
    assert_eq!(cold.app_header("content-type"), "application/json");
    let (process, count) = cold.process();
    assert!(
        process.len() == 16 && process.bytes().all(|b| b.is_ascii_hexdigit()),
        "{process}"
    );
    assert_eq!(count, 1);
    let warm = client.invoke("coldcast-a").ok();
    assert_eq!(warm.process(), (process.clone(), 2));

    let (cold, warm) = (cold.invocation().report, warm.invocation().report);
    assert!(cold.init_ms.is_some() && warm.init_ms.is_none());
    let served = emulator.served();
    assert_eq!(served.len(), 2);
    for (served, report) in served.iter().zip([&cold, &warm]) {
        assert_eq!(Some(&served.request_id), report.request_id.as_ref());
        assert_eq!(Some(served.report.duration_ms), report.duration_ms);
        assert_eq!(served.report.init_ms, report.init_ms);
        assert_eq!(Some(served.report.billed_ms), report.billed_ms);
        assert_eq!((&served.process_id, served.environment), (&process, 1));
        assert_eq!(
            (served.function.as_str(), served.version.as_str()),
            ("coldcast-a", "$LATEST")
        );
        assert!(served.is_answered && served.function_error.is_none());
    }
    assert_eq!((served[0].requests, served[1].requests), (1, 2));
    assert!(served[0].begun.is_first() && !served[1].begun.is_first());
}

#[test]
fn parallel_invocations_have_environments_of_their_own_and_the_last_one_used_serves_next() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let burst = || {
        std::thread::scope(|scope| {
            let four: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| client.try_invoke("coldcast-a", "/io?ms=300").unwrap().ok()))
                .collect();
            four.into_iter()
                .map(|handle| handle.join().unwrap().process())
                .collect::<Vec<_>>()
        })
    };
    let first = burst();
    assert!(first.iter().all(|(_, count)| *count == 1));
    let processes: BTreeSet<&String> = first.iter().map(|(process, _)| process).collect();
    assert_eq!(processes.len(), 4);
    assert_eq!(emulator.left().functions[0].environments.len(), 4);
    // All four are there for the next burst, and one of them serves whoever comes alone.
    assert!(burst().iter().all(|(_, count)| *count == 2));
    let one = client.invoke("coldcast-a").ok().process();
    assert_eq!(client.invoke("coldcast-a").ok().process(), (one.0, one.1 + 1));
}

#[test]
fn reserved_concurrency_throttles_what_is_too_much() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    client
        .call(
            "PUT",
            "/2017-10-31/functions/coldcast-a/concurrency",
            &json!({"ReservedConcurrentExecutions": 2}),
        )
        .ok();
    let answers = std::thread::scope(|scope| {
        let five: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| client.try_invoke("coldcast-a", "/io?ms=500").unwrap()))
            .collect();
        five.into_iter()
            .map(|handle| handle.join().unwrap())
            .collect::<Vec<_>>()
    });
    let throttled: Vec<_> = answers.iter().filter(|got| got.status == 429).collect();
    assert_eq!((answers.len(), throttled.len()), (5, 3));
    assert_eq!(throttled[0].error(), (429, "TooManyRequestsException"));
    assert_eq!(throttled[0].body["Reason"], RESERVED);
    assert_eq!(emulator.served().len(), 2);

    emulator.change(|behaviour| behaviour.account_concurrency = 2);
    client.created("coldcast-b", &Value::Null);
    let refused = client.invoke("coldcast-b");
    assert_eq!((refused.status, &refused.body["Reason"]), (429, &json!(ACCOUNT)));
}

#[test]
fn the_app_answers_the_routes_that_measurements_use() {
    let emulator = Emulator::start(Behaviour {
        identity: ("express", "5.1.0"),
        readiness_requests: 2,
        bad_status: When::At(vec![7]),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let mut count = 2;
    for (path, status, body) in [
        ("/healthz", 200, json!({"status": "ok"})),
        (
            "/json",
            200,
            json!({"message": "hello", "framework": "express", "version": "5.1.0"}),
        ),
        ("/io?ms=5", 200, json!({"io_ms": 5})),
        ("/cpu?ms=5", 200, json!({"cpu_ms": 5})),
        ("/io?ms=10001", 400, json!({"error": "bad ms"})),
        ("/nowhere", 404, json!({"error": "not found"})),
        ("/healthz", 500, json!({"error": "internal error"})),
    ] {
        let got = client.try_invoke("coldcast-a", path).unwrap().ok();
        count += 1;
        assert_eq!(got.body["statusCode"], status, "{path}");
        assert_eq!(
            serde_json::from_str::<Value>(got.body["body"].as_str().unwrap()).unwrap(),
            body
        );
        assert_eq!(got.process().1, count, "{path}");
        assert_eq!(got.header("x-amz-function-error"), None);
    }
    // An event that is no request goes to another route of the adapter.
    let path = "/2015-03-31/functions/coldcast-a/invocations";
    let got = client.send("POST", path, &[signature()], Some(b"{}")).unwrap().ok();
    assert_eq!(
        (&got.body["statusCode"], got.header("x-amz-log-result")),
        (&json!(404), None)
    );
    let bad = client.send("POST", path, &[signature()], Some(b"{")).unwrap();
    assert_eq!(bad.error(), (400, "InvalidRequestContentException"));
    let other = [signature(), ("x-amz-invocation-type", "Event")];
    assert_eq!(client.send("POST", path, &other, Some(b"{}")).unwrap().status, 400);
}

#[test]
fn an_error_of_the_handler_keeps_the_environment() {
    let emulator = Emulator::start(Behaviour {
        handler_error: When::At(vec![1, 3]),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let failed = client.invoke("coldcast-a");
    assert_eq!(
        (failed.status, failed.header("x-amz-function-error")),
        (200, Some("Unhandled"))
    );
    assert_eq!(failed.body["errorType"], "Error");
    let report = failed.invocation().report;
    assert!(report.init_ms.is_some());
    assert_eq!(
        (report.status.as_deref(), report.error_type.as_deref()),
        (Some("error"), Some("Error"))
    );
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 2);
    assert_eq!(emulator.served()[0].function_error, Some("Unhandled"));
}

#[test]
fn idle_environments_end() {
    let emulator = Emulator::start(Behaviour {
        time_scale: 0.001,
        idle_expiry_ms: Some(300_000.0),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 1);
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 2);
    std::thread::sleep(std::time::Duration::from_millis(350));
    assert!(emulator.left().functions[0].environments.is_empty());
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 1);
    assert_eq!(emulator.served()[2].begun, Begun::Init);
}

#[test]
fn an_environment_does_not_outlive_its_function() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| client.try_invoke("coldcast-a", "/io?ms=400").unwrap().ok());
        emulator.wait_for("lambda:InvokeFunction", 1);
        while emulator.left().running == 0 {
            std::thread::yield_now();
        }
        client
            .call("DELETE", "/2015-03-31/functions/coldcast-a", &Value::Null)
            .ok();
        assert!(!emulator.left().is_nothing() && emulator.left().functions.is_empty());
        // The same name is another function.
        client.created("coldcast-a", &Value::Null);
        running.join().unwrap();
    });
    assert!(emulator.left().functions[0].environments.is_empty());
    assert_eq!(emulator.left().running, 0);
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 1);
}

#[test]
fn a_url_serves_whom_it_may() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let path = "/2021-10-31/functions/coldcast-a/url";
    assert_eq!(client.get(path).error(), (404, "ResourceNotFoundException"));
    assert_eq!(client.call("POST", path, &json!({"AuthType": "ANY"})).status, 400);
    let created = client.call("POST", path, &json!({"AuthType": "NONE"}));
    assert_eq!((created.status, &created.body["AuthType"]), (201, &json!("NONE")));
    assert_eq!(
        client.call("POST", path, &json!({"AuthType": "NONE"})).error(),
        (409, "ResourceConflictException")
    );
    assert_eq!(client.get(path).ok().body, created.body);
    assert!(emulator.left().functions[0].has_url);
    let url = created.body["FunctionUrl"].as_str().unwrap();
    let local = url.strip_prefix(&emulator.endpoint()).unwrap().to_string();
    let ask = |path: &str| client.send("GET", &format!("{local}{path}"), &[], None).unwrap();
    assert_eq!(ask("healthz").error(), (403, "AccessDeniedException"));
    let statement = json!({
        "StatementId": "open", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE",
    });
    let policy = "/2015-03-31/functions/coldcast-a/policy";
    assert_eq!(client.call("POST", policy, &statement).status, 201);
    assert_eq!(client.call("POST", policy, &statement).status, 409);
    let answered = ask("healthz");
    assert_eq!((answered.status, &answered.body), (200, &json!({"status": "ok"})));
    assert_eq!(
        (
            answered.header("x-request-count"),
            ask("json").header("x-request-count")
        ),
        (Some("1"), Some("2"))
    );
    assert_eq!(ask("nowhere").status, 404);
    emulator.change(|behaviour| behaviour.handler_error = When::Always);
    assert_eq!(ask("healthz").status, 502);
    let call = emulator.calls().pop().unwrap();
    assert_eq!(
        (call.action.as_str(), call.function.as_deref()),
        ("lambda:InvokeFunctionUrl", Some("coldcast-a"))
    );
    assert_eq!(client.call("DELETE", path, &Value::Null).status, 204);
    assert_eq!(ask("healthz").status, 404);
}
