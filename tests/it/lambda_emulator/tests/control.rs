//! Functions are made, described, listed, tagged and deleted.

use serde_json::{Value, json};

use super::super::{Behaviour, Emulator};
use super::client::{Client, IMAGE};

#[test]
fn a_function_is_pending_and_then_active() {
    let emulator = Emulator::start(Behaviour {
        pending_ms: 300.0,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    let more = json!({
        "MemorySize": 1769, "Architectures": ["arm64"], "Tags": {"coldcast-run": "r1"},
        "Environment": {"Variables": {"PORT": "8080"}},
    });
    let created = client.create("coldcast-a", &more);
    assert_eq!(created.status, 201);
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:coldcast-a";
    for (key, value) in [
        ("FunctionArn", json!(arn)),
        ("FunctionName", json!("coldcast-a")),
        ("Version", json!("$LATEST")),
        ("MemorySize", json!(1769)),
        ("Timeout", json!(30)),
        ("Architectures", json!(["arm64"])),
        ("PackageType", json!("Image")),
        ("Environment", json!({"Variables": {"PORT": "8080"}})),
        ("State", json!("Pending")),
        ("StateReasonCode", json!("Creating")),
        ("LastUpdateStatus", json!("InProgress")),
        ("SnapStart", json!({"ApplyOn": "None", "OptimizationStatus": "Off"})),
        (
            "LoggingConfig",
            json!({"LogFormat": "Text", "LogGroup": "/aws/lambda/coldcast-a"}),
        ),
    ] {
        assert_eq!(created.body[key], value, "{key}");
    }
    let modified = created.body["LastModified"].as_str().unwrap();
    assert!(modified.ends_with("+0000") && modified.len() == 28, "{modified}");
    assert_eq!(
        client.create("coldcast-a", &more).error(),
        (409, "ResourceConflictException")
    );
    let early = client.invoke("coldcast-a");
    assert_eq!(early.error(), (409, "ResourceConflictException"));
    assert!(
        early.message().ends_with("following state: Pending"),
        "{}",
        early.message()
    );
    assert_eq!(
        client.nonce("coldcast-a", "1").error(),
        (409, "ResourceConflictException")
    );

    let active = client.settled("coldcast-a");
    assert_eq!(
        (&active["State"], &active["LastUpdateStatus"]),
        (&json!("Active"), &json!("Successful"))
    );
    assert_eq!(active["StateReasonCode"], Value::Null);
    let whole = client.get("/2015-03-31/functions/coldcast-a").ok().body;
    assert_eq!(whole["Configuration"], active);
    assert_eq!(whole["Tags"], json!({"coldcast-run": "r1"}));
    assert_eq!(
        (&whole["Code"]["ImageUri"], &whole["Code"]["RepositoryType"]),
        (&json!(IMAGE), &json!("ECR"))
    );
    let resolved = whole["Code"]["ResolvedImageUri"].as_str().unwrap();
    assert!(resolved.contains("/coldcast-express@sha256:"), "{resolved}");

    let left = emulator.left();
    assert!(!left.is_nothing());
    assert_eq!(left.names(), ["coldcast-a"]);
    let function = &left.functions[0];
    assert_eq!((function.memory_mb, function.architecture.as_str()), (1769, "arm64"));
    assert_eq!(function.variables["PORT"], "8080");
    assert_eq!(function.tags["coldcast-run"], "r1");
    assert_eq!(
        client
            .call("DELETE", "/2015-03-31/functions/coldcast-a", &Value::Null)
            .status,
        204
    );
    assert!(emulator.left().is_nothing());
    for (method, path) in [
        ("GET", "/2015-03-31/functions/coldcast-a"),
        ("GET", "/2015-03-31/functions/coldcast-a/configuration"),
        ("DELETE", "/2015-03-31/functions/coldcast-a"),
        (
            "GET",
            "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Acoldcast-a",
        ),
    ] {
        let gone = client.call(method, path, &Value::Null);
        assert_eq!(gone.error(), (404, "ResourceNotFoundException"), "{method} {path}");
        assert!(gone.message().ends_with(arn), "{}", gone.message());
    }
}

#[test]
fn a_function_that_cannot_be_made_fails_with_its_reason() {
    let emulator = Emulator::start(Behaviour {
        creation_fails: Some("ImageAccessDenied"),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.create("coldcast-a", &Value::Null).ok();
    let failed = client.settled("coldcast-a");
    assert_eq!(
        (&failed["State"], &failed["StateReasonCode"]),
        (&json!("Failed"), &json!("ImageAccessDenied"))
    );
    assert!(failed["StateReason"].is_string());
    let refused = client.invoke("coldcast-a");
    assert!(
        refused.message().ends_with("following state: Failed"),
        "{}",
        refused.message()
    );
    assert_eq!(emulator.left().names(), ["coldcast-a"]);
}

#[test]
fn requests_that_lambda_refuses_are_refused() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    let parameter = "InvalidParameterValueException";
    for (more, kind) in [
        (json!({"FunctionName": "with space"}), "ValidationException"),
        (json!({"FunctionName": "a".repeat(65)}), "ValidationException"),
        (json!({"Role": null}), "ValidationException"),
        (json!({"Role": "runner"}), "ValidationException"),
        (json!({"PackageType": "Tar"}), "ValidationException"),
        (json!({"Architectures": ["mips"]}), "ValidationException"),
        (json!({"MemorySize": 64}), parameter),
        (json!({"MemorySize": 20_000}), parameter),
        (json!({"Timeout": 901}), "ValidationException"),
        (json!({"Code": {"ImageUri": "coldcast/express:dev"}}), parameter),
        (json!({"Code": {}}), parameter),
        (json!({"Runtime": "python3.13"}), parameter),
        (json!({"PackageType": "Zip"}), parameter),
        (json!({"SnapStart": {"ApplyOn": "PublishedVersions"}}), parameter),
        (json!({"Tags": {"aws:mine": "x"}}), parameter),
        (json!({"Tags": {"a": 1}}), "ValidationException"),
        (json!({"Environment": {"Variables": {"AWS_REGION": "x"}}}), parameter),
        (
            json!({"Environment": {"Variables": {"1st": "x"}}}),
            "ValidationException",
        ),
        (
            json!({"Environment": {"Variables": {"LONG": "x".repeat(4096)}}}),
            parameter,
        ),
    ] {
        let refused = client.create("coldcast-a", &more);
        assert_eq!(refused.error(), (400, kind), "{more}");
        assert!(!refused.message().is_empty(), "{more}");
    }
    let zip = |more: &Value| {
        let mut request = super::client::snap_start_function("coldcast-a");
        for (key, value) in more.as_object().unwrap() {
            request[key] = value.clone();
        }
        client.call("POST", "/2015-03-31/functions", &request)
    };
    assert_eq!(zip(&json!({"Runtime": "nodejs22.x"})).error(), (400, parameter));
    assert_eq!(zip(&json!({"Code": {"ZipFile": "bm8gemlw"}})).error(), (400, parameter));
    assert!(emulator.left().is_nothing());
    // An image from anywhere, where a test wants it.
    emulator.change(|behaviour| behaviour.any_image = true);
    client
        .create("coldcast-a", &json!({"Code": {"ImageUri": "coldcast/express:dev"}}))
        .ok();
}

#[test]
fn functions_are_listed_in_pages_without_states_and_tags() {
    let emulator = Emulator::start(Behaviour {
        page_size: 3,
        list_lag_calls: 1,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    let names: Vec<String> = (0..7).map(|k| format!("coldcast-{k}")).collect();
    for name in &names {
        client.create(name, &json!({"Tags": {"k": "v"}})).ok();
    }
    let list = |size: &str| {
        let (mut seen, mut marker) = (Vec::new(), String::new());
        loop {
            let answer = client
                .get(&format!("/2015-03-31/functions?MaxItems={size}{marker}"))
                .ok()
                .body;
            let page = answer["Functions"].as_array().unwrap();
            assert!(page.len() <= 3);
            for function in page {
                assert!(function["State"].is_null() && function["Tags"].is_null());
                seen.push(function["FunctionName"].as_str().unwrap().to_string());
            }
            match answer["NextMarker"].as_str() {
                Some(next) => marker = format!("&Marker={}", next.replace('=', "%3D").replace('+', "%2B")),
                None => return seen,
            }
        }
    };
    // The first call does not see the new functions.
    assert!(list("50").is_empty());
    assert_eq!(list("50"), names);
    assert_eq!(list("2"), names);
    let bad = client.get("/2015-03-31/functions?Marker=nonsense");
    assert_eq!(bad.error(), (400, "InvalidParameterValueException"));
}

#[test]
fn tags_are_seen_late_where_a_test_wants_it() {
    let emulator = Emulator::start(Behaviour {
        tags_lag_calls: 2,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    let arn = client.create("coldcast-a", &json!({"Tags": {"run": "1"}})).ok().body["FunctionArn"].clone();
    let path = format!("/2017-03-31/tags/{}", arn.as_str().unwrap().replace(':', "%3A"));
    assert_eq!(client.get(&path).ok().body, json!({"Tags": {}}));
    assert!(client.get("/2015-03-31/functions/coldcast-a").ok().body["Tags"].is_null());
    assert_eq!(client.get(&path).ok().body, json!({"Tags": {"run": "1"}}));
    assert_eq!(client.call("POST", &path, &json!({"Tags": {"more": "2"}})).status, 204);
    assert_eq!(emulator.left().functions[0].tags.len(), 2);
    let seen: Vec<usize> = (0..3)
        .map(|_| client.get(&path).ok().body["Tags"].as_object().unwrap().len())
        .collect();
    assert_eq!(seen, [0, 0, 2]);
}

#[test]
fn concurrency_is_reserved_within_the_account() {
    let emulator = Emulator::start(Behaviour {
        account_concurrency: 150,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    let limits = || client.get("/2016-08-19/account-settings").ok().body;
    assert_eq!(limits()["AccountLimit"]["ConcurrentExecutions"], 150);
    client.create("coldcast-a", &Value::Null).ok();
    assert_eq!(limits()["AccountUsage"]["FunctionCount"], 1);
    let put = |count: u32| {
        let body = json!({"ReservedConcurrentExecutions": count});
        client.call("PUT", "/2017-10-31/functions/coldcast-a/concurrency", &body)
    };
    assert_eq!(put(51).error(), (400, "InvalidParameterValueException"));
    assert_eq!(put(50).ok().body, json!({"ReservedConcurrentExecutions": 50}));
    assert_eq!(limits()["AccountLimit"]["UnreservedConcurrentExecutions"], 100);
    assert_eq!(
        client.get("/2019-09-30/functions/coldcast-a/concurrency").ok().body["ReservedConcurrentExecutions"],
        50
    );
    assert_eq!(
        client.get("/2015-03-31/functions/coldcast-a").ok().body["Concurrency"]["ReservedConcurrentExecutions"],
        50
    );
    assert_eq!(emulator.left().functions[0].reserved, Some(50));
    let gone = client.call("DELETE", "/2017-10-31/functions/coldcast-a/concurrency", &Value::Null);
    assert_eq!(gone.status, 204);
    assert_eq!(
        client.get("/2019-09-30/functions/coldcast-a/concurrency").ok().body,
        json!({})
    );
}

#[test]
fn a_function_has_names_of_several_forms() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    for name in [
        "coldcast-a",
        "coldcast-a:$LATEST",
        "function%3Acoldcast-a",
        "123456789012%3Afunction%3Acoldcast-a",
        "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Acoldcast-a",
    ] {
        let found = client.get(&format!("/2015-03-31/functions/{name}/configuration"));
        assert_eq!(found.ok().body["FunctionName"], "coldcast-a", "{name}");
    }
}

#[test]
fn calls_are_recorded_with_the_actions_that_they_need() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &json!({"Tags": {"run": "1"}, "Publish": true}));
    client.invoke("coldcast-a?Qualifier=1").ok();
    client.get("/2015-03-31/event-source-mappings");
    let unsigned = client.send("GET", "/2015-03-31/functions", &[], None).unwrap();
    assert_eq!(unsigned.error(), (403, "MissingAuthenticationTokenException"));

    let calls = emulator.calls();
    let first = &calls[0];
    assert_eq!(
        (first.action.as_str(), first.status, first.error.as_deref()),
        ("lambda:CreateFunction", 201, None)
    );
    assert_eq!(
        first.needs,
        [
            "lambda:CreateFunction",
            "iam:PassRole",
            "lambda:TagResource",
            "lambda:PublishVersion"
        ]
    );
    let invoke = calls
        .iter()
        .find(|call| call.action == "lambda:InvokeFunction")
        .unwrap();
    assert_eq!(
        (invoke.function.as_deref(), invoke.qualifier.as_deref()),
        (Some("coldcast-a"), Some("1"))
    );
    assert!(invoke.at_ms > first.at_ms);
    let unknown = calls.iter().find(|call| call.needs.is_empty()).unwrap();
    assert_eq!(
        (unknown.action.as_str(), unknown.status),
        ("GET /2015-03-31/event-source-mappings", 404)
    );
    let last = calls.last().unwrap();
    assert_eq!(last.error.as_deref(), Some("MissingAuthenticationTokenException"));
    let needed: Vec<&str> = emulator.needed().into_iter().collect();
    assert_eq!(
        needed,
        [
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:GetFunctionConfiguration",
            "lambda:InvokeFunction",
            "lambda:ListFunctions",
            "lambda:PublishVersion",
            "lambda:TagResource",
        ]
    );
}
