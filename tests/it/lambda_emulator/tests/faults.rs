//! Failures of single calls.

use serde_json::{Value, json};

use super::super::{Behaviour, Cut, Emulator, Failure, Fault, RESERVED, When};
use super::client::Client;

fn with(faults: Vec<Fault>) -> Emulator {
    Emulator::start(Behaviour {
        faults,
        ..Behaviour::default()
    })
}

#[test]
fn a_role_may_not_be_assumable_yet() {
    let emulator = with(vec![Fault::on(
        "lambda:CreateFunction",
        When::First(2),
        Failure::RoleNotAssumable,
    )]);
    let client = Client::of(&emulator);
    for _ in 0..2 {
        let refused = client.create("coldcast-a", &Value::Null);
        assert_eq!(refused.error(), (400, "InvalidParameterValueException"));
        assert_eq!(
            refused.message(),
            "The role defined for the function cannot be assumed by Lambda."
        );
        assert!(emulator.left().is_nothing());
    }
    assert_eq!(client.create("coldcast-a", &Value::Null).status, 201);
}

#[test]
fn conflicts_and_throttles_come_as_often_as_a_test_wants() {
    let emulator = with(vec![
        Fault::on("lambda:UpdateFunctionConfiguration", When::First(3), Failure::Conflict),
        Fault::on(
            "lambda:InvokeFunction",
            When::At(vec![2, 4]),
            Failure::Throttled(RESERVED),
        ),
        Fault::on(
            "lambda:DeleteFunction",
            When::First(1),
            Failure::Throttled("CallerRateLimitExceeded"),
        ),
        Fault::on("lambda:ListFunctions", When::First(1), Failure::Internal),
        Fault::on("lambda:GetAccountSettings", When::Always, Failure::Denied),
    ]);
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let updates: Vec<u16> = (0..4).map(|_| client.nonce("coldcast-a", "1").status).collect();
    assert_eq!(updates, [409, 409, 409, 200]);
    client.settled("coldcast-a");
    let invokes: Vec<u16> = (0..5).map(|_| client.invoke("coldcast-a").status).collect();
    assert_eq!(invokes, [200, 429, 200, 429, 200]);
    // A throttled invocation reaches no environment.
    let counts: Vec<u64> = emulator.served().iter().map(|served| served.requests).collect();
    assert_eq!(counts, [1, 2, 3]);
    let path = "/2015-03-31/functions/coldcast-a";
    let refused = client.call("DELETE", path, &Value::Null);
    assert_eq!(
        (refused.error(), &refused.body["Reason"]),
        ((429, "TooManyRequestsException"), &json!("CallerRateLimitExceeded"))
    );
    assert_eq!(client.get("/2015-03-31/functions").error(), (500, "ServiceException"));
    let denied = client.get("/2016-08-19/account-settings");
    assert_eq!(denied.error(), (403, "AccessDeniedException"));
    assert!(
        denied
            .message()
            .contains("not authorized to perform: lambda:GetAccountSettings"),
        "{}",
        denied.message()
    );
    client.call("DELETE", path, &Value::Null).ok();
    let refusals = emulator.calls().into_iter().filter(|call| call.error.is_some()).count();
    assert_eq!(refusals, 3 + 2 + 1 + 1 + 1);
}

#[test]
fn credentials_may_expire_between_two_calls() {
    let emulator = with(vec![Fault::on_any(When::From(4), Failure::ExpiredCredentials)]);
    let client = Client::of(&emulator);
    let statuses: Vec<u16> = (0..5)
        .map(|k| client.create(&format!("coldcast-{k}"), &Value::Null).status)
        .collect();
    assert_eq!(statuses, [201, 201, 201, 403, 403]);
    let refused = client.get("/2015-03-31/functions");
    assert_eq!(refused.error(), (403, "ExpiredTokenException"));
    assert_eq!(
        refused.message(),
        "The security token included in the request is expired"
    );
    assert_eq!(emulator.left().functions.len(), 3);
    // Fresh ones.
    emulator.change(|behaviour| behaviour.faults.clear());
    assert_eq!(client.get("/2015-03-31/functions").status, 200);
}

#[test]
fn a_connection_that_is_cut_has_carried_out_its_call() {
    let emulator = with(vec![
        Fault::on("lambda:InvokeFunction", When::At(vec![2]), Failure::CutAnswer),
        Fault::on("lambda:InvokeFunction", When::At(vec![3]), Failure::LostAnswer),
        Fault::on("lambda:InvokeFunction", When::At(vec![4]), Failure::Closed),
        Fault::on("lambda:CreateFunction", When::At(vec![2]), Failure::LostAnswer),
        Fault::on("lambda:DeleteFunction", When::At(vec![1]), Failure::CutAnswer),
    ]);
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let counts: Vec<Option<u64>> = (0..5)
        .map(|_| {
            client
                .try_invoke("coldcast-a", "/healthz")
                .ok()
                .map(|got| got.process().1)
        })
        .collect();
    // The fourth call was not carried out.
    assert_eq!(counts, [Some(1), None, None, None, Some(4)]);
    let answered: Vec<bool> = emulator.served().iter().map(|served| served.is_answered).collect();
    assert_eq!(answered, [true, false, false, true]);
    let cuts: Vec<Option<Cut>> = emulator
        .calls()
        .iter()
        .filter(|call| call.action == "lambda:InvokeFunction")
        .map(|call| call.cut)
        .collect();
    let before = Some(Cut::BeforeAnswer);
    assert_eq!(cuts, [None, Some(Cut::InAnswer), before, before, None]);

    let request = super::client::image_function("coldcast-b", &Value::Null);
    assert!(
        client
            .try_call("POST", "/2015-03-31/functions", Some(&request))
            .is_err()
    );
    assert_eq!(emulator.left().names(), ["coldcast-a", "coldcast-b"]);
    assert!(
        client
            .try_call("DELETE", "/2015-03-31/functions/coldcast-b", None)
            .is_err()
    );
    assert_eq!(emulator.left().names(), ["coldcast-a"]);
}
