//! Updates and versions: what serves while a change goes on, and what ends with it.

use serde_json::{Value, json};

use super::super::{Begun, Behaviour, Emulator};
use super::client::{Client, IMAGE, snap_start_function};

#[test]
fn an_update_ends_all_environments_once_it_is_done() {
    let emulator = Emulator::start(Behaviour {
        update_ms: 400.0,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &json!({"Environment": {"Variables": {"PORT": "8080"}}}));
    let first = client.invoke("coldcast-a").ok().process();
    assert_eq!(first.1, 1);

    let changed = client.call(
        "PUT",
        "/2015-03-31/functions/coldcast-a/configuration",
        &json!({"MemorySize": 512, "Environment": {"Variables": {"NONCE": "1"}}}),
    );
    assert_eq!(
        (changed.status, &changed.body["LastUpdateStatus"]),
        (200, &json!("InProgress"))
    );
    assert_eq!(
        (&changed.body["State"], &changed.body["MemorySize"]),
        (&json!("Active"), &json!(512))
    );
    let again = client.nonce("coldcast-a", "2");
    assert_eq!(again.error(), (409, "ResourceConflictException"));
    assert!(
        again.message().contains("An update is in progress for resource: arn:"),
        "{}",
        again.message()
    );
    let code = json!({"ImageUri": IMAGE});
    for (method, path, body) in [
        ("PUT", "/2015-03-31/functions/coldcast-a/code", &code),
        ("POST", "/2015-03-31/functions/coldcast-a/versions", &json!({})),
    ] {
        assert_eq!(
            client.call(method, path, body).error(),
            (409, "ResourceConflictException"),
            "{path}"
        );
    }
    // Until then the old environment serves, with the old memory.
    let meanwhile = client.invoke("coldcast-a").ok();
    assert_eq!(meanwhile.process(), (first.0.clone(), 2));
    assert_eq!(meanwhile.invocation().report.memory_mb, Some(128.0));

    let settled = client.settled("coldcast-a");
    // The map of variables is replaced, not merged.
    assert_eq!(settled["Environment"], json!({"Variables": {"NONCE": "1"}}));
    assert!(emulator.left().functions[0].environments.is_empty());
    let cold = client.invoke("coldcast-a").ok();
    assert_eq!((cold.process().1, cold.invocation().report.memory_mb), (1, Some(512.0)));
    assert_ne!(cold.process().0, first.0);
    let left = &emulator.left().functions[0].environments;
    assert_eq!(
        (left.len(), left[0].process_id.as_str(), left[0].requests),
        (1, &cold.process().0[..], 1)
    );
    assert_eq!(left[0].version, "$LATEST");

    client.call("PUT", "/2015-03-31/functions/coldcast-a/code", &code).ok();
    client.settled("coldcast-a");
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 1);
    let begun: Vec<Begun> = emulator.served().iter().map(|served| served.begun).collect();
    assert_eq!(begun, [Begun::Init, Begun::Warm, Begun::Init, Begun::Init]);
}

#[test]
fn an_update_that_fails_leaves_the_old_configuration() {
    let emulator = Emulator::start(Behaviour {
        update_fails: Some("InvalidConfiguration"),
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    client.invoke("coldcast-a").ok();
    client.nonce("coldcast-a", "1").ok();
    let settled = client.settled("coldcast-a");
    assert_eq!(
        (
            &settled["State"],
            &settled["LastUpdateStatus"],
            &settled["LastUpdateStatusReasonCode"]
        ),
        (&json!("Active"), &json!("Failed"), &json!("InvalidConfiguration"))
    );
    assert_eq!(client.invoke("coldcast-a").ok().process().1, 2);
}

#[test]
fn a_change_may_name_the_revision_that_it_changes() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let path = "/2015-03-31/functions/coldcast-a/configuration";
    let revision = client.get(path).ok().body["RevisionId"].clone();
    let stale = client.call("PUT", path, &json!({"RevisionId": "other", "MemorySize": 256}));
    assert_eq!(stale.error(), (412, "PreconditionFailedException"));
    let fresh = client
        .call("PUT", path, &json!({"RevisionId": revision, "MemorySize": 256}))
        .ok();
    assert_ne!(fresh.body["RevisionId"], revision);
}

#[test]
fn a_version_has_environments_of_its_own_and_is_published_once() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let publish = || {
        let body = json!({"Description": "d"});
        client
            .call("POST", "/2015-03-31/functions/coldcast-a/versions", &body)
            .ok()
    };
    let published = publish();
    assert_eq!((published.status, &published.body["Version"]), (201, &json!("1")));
    assert_eq!(
        (&published.body["State"], &published.body["Description"]),
        (&json!("Pending"), &json!("d"))
    );
    assert!(
        published.body["FunctionArn"]
            .as_str()
            .unwrap()
            .ends_with(":coldcast-a:1")
    );
    // Nothing has changed.
    assert_eq!(publish().body["Version"], "1");
    let early = client.invoke("coldcast-a?Qualifier=1");
    assert_eq!(early.error(), (409, "ResourceConflictException"));
    client.settled("coldcast-a:1");

    let latest = client.invoke("coldcast-a").ok();
    let version = client.invoke("coldcast-a?Qualifier=1").ok();
    assert_eq!((latest.process().1, version.process().1), (1, 1));
    assert_ne!(latest.process().0, version.process().0);
    let executed = |got: &super::client::Got| got.header("x-amz-executed-version").unwrap().to_string();
    assert_eq!((executed(&latest), executed(&version)), ("$LATEST".into(), "1".into()));

    client.nonce("coldcast-a", "1").ok();
    client.settled("coldcast-a");
    assert_eq!(publish().body["Version"], "2");
    // The change of $LATEST has not ended the environment of the version.
    assert_eq!(client.invoke("coldcast-a?Qualifier=1").ok().process().1, 2);
    let versions = client.get("/2015-03-31/functions/coldcast-a/versions").ok().body;
    let numbers: Vec<&str> = versions["Versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["Version"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["$LATEST", "1", "2"]);
    let all = client.get("/2015-03-31/functions?FunctionVersion=ALL").ok().body;
    assert_eq!(all["Functions"].as_array().unwrap().len(), 3);

    let delete = |qualifier: &str| {
        let path = format!("/2015-03-31/functions/coldcast-a?Qualifier={qualifier}");
        client.call("DELETE", &path, &Value::Null)
    };
    assert_eq!(delete("$LATEST").error(), (400, "InvalidParameterValueException"));
    assert_eq!(delete("1").status, 204);
    assert_eq!(delete("1").error(), (404, "ResourceNotFoundException"));
    assert_eq!(
        client.invoke("coldcast-a?Qualifier=1").error(),
        (404, "ResourceNotFoundException")
    );
    assert_eq!(emulator.left().functions[0].versions, [2]);
}

#[test]
fn code_can_be_published_with_its_change() {
    let emulator = Emulator::start(Behaviour::default());
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let body = json!({"ImageUri": format!("{IMAGE}2"), "Publish": true, "Architectures": ["arm64"]});
    let published = client
        .call("PUT", "/2015-03-31/functions/coldcast-a/code", &body)
        .ok()
        .body;
    assert_eq!(
        (&published["Version"], &published["Architectures"]),
        (&json!("1"), &json!(["arm64"]))
    );
    let version = client.settled("coldcast-a:1");
    assert_eq!(version["Architectures"], json!(["arm64"]));
}

#[test]
fn a_version_with_snap_start_is_restored_and_all_of_its_processes_have_one_id() {
    let emulator = Emulator::start(Behaviour {
        publish_ms: 200.0,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client
        .call("POST", "/2015-03-31/functions", &snap_start_function("coldcast-s"))
        .ok();
    let latest = client.settled("coldcast-s");
    assert_eq!(
        latest["SnapStart"],
        json!({"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"})
    );
    client
        .call("POST", "/2015-03-31/functions/coldcast-s/versions", &json!({}))
        .ok();
    let early = client.invoke("coldcast-s?Qualifier=1");
    assert_eq!(early.error(), (409, "SnapStartNotReadyException"));
    assert_eq!(client.settled("coldcast-s:1")["SnapStart"]["OptimizationStatus"], "On");

    let both = std::thread::scope(|scope| {
        let twice = [(); 2].map(|()| scope.spawn(|| client.invoke("coldcast-s?Qualifier=1").ok()));
        twice.map(|handle| handle.join().unwrap())
    });
    // The id was drawn before the snapshot was taken: it does not tell two environments apart.
    assert_eq!(both[0].process(), both[1].process());
    assert_eq!(both[0].process().1, 1);
    let text = both[0].log();
    assert!(text.starts_with("RESTORE_START Runtime Version: python3.13"), "{text}");
    assert!(text.contains("\nRESTORE_REPORT Restore Duration: "), "{text}");
    let report = both[0].invocation().report;
    assert!(report.restore_ms.unwrap() >= 25.0 && report.billed_restore_ms.unwrap() >= 13.0);
    assert_eq!(report.init_ms, None);
    assert_eq!(client.invoke("coldcast-s?Qualifier=1").ok().process().1, 2);
    let begun: Vec<Begun> = emulator.served().iter().map(|served| served.begun).collect();
    assert_eq!(begun, [Begun::Restore, Begun::Restore, Begun::Warm]);
    // $LATEST has no snapshot.
    let latest = client.invoke("coldcast-s").ok();
    assert!(latest.invocation().report.init_ms.is_some());
    assert!(
        latest.log().starts_with("INIT_START Runtime Version: python3.13"),
        "{}",
        latest.log()
    );
}
