//! `measure lambda` as a program, with the real SDK, against the emulator of the tests: nothing is lost, counted twice or called what it
//! is not, and nothing is left.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

use coldcast::measure::lambda::policy;
use coldcast::model::profile::{self, FrameworkProfile};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::{Sandbox, program, words};
use crate::lambda_emulator::{ACCOUNT, Begun, Behaviour, Emulator, Failure, Fault, When};

const IMAGE: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:0000000000000000000000000000000000000000000000000000000000000000";
const ROLE: &str = "arn:aws:iam::111122223333:role/coldcast";

fn emulator(change: impl FnOnce(&mut Behaviour)) -> Emulator {
    let mut behaviour = Behaviour {
        readiness_requests: 1,
        ..Behaviour::default()
    };
    change(&mut behaviour);
    Emulator::start(behaviour)
}

fn command(sandbox: &Sandbox, emulator: &Emulator, line: &str) -> Command {
    let mut command = Command::new(program());
    command.args(words(line)).current_dir(sandbox.path(""));
    for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"] {
        command.env_remove(name);
    }
    command.envs(emulator.variables());
    command
}

/// Exit code and what was said.
fn run(sandbox: &Sandbox, emulator: &Emulator, line: &str) -> (Option<i32>, String) {
    let output = command(sandbox, emulator, line).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// `measure lambda` of an image with more flags.
fn measure(more: &str) -> String {
    format!("measure lambda --image-uri shop={IMAGE} --role {ROLE} --yes --warm 2 {more}")
}

fn shop(sandbox: &Sandbox) -> FrameworkProfile {
    profile::parse(&sandbox.read("measured/shop/profile.json")).unwrap()
}

/// The samples on disk, of the one run there is.
fn samples(sandbox: &Sandbox) -> (String, Vec<Value>) {
    let names = sandbox.names("measured/raw");
    let file = names
        .iter()
        .find(|name| name.ends_with(".jsonl"))
        .unwrap_or_else(|| panic!("{names:?}"));
    let run = file
        .trim_start_matches("lambda-")
        .trim_end_matches(".jsonl")
        .to_string();
    let text = sandbox.read(&format!("measured/raw/{file}"));
    (
        run,
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    )
}

#[test]
fn the_plan_needs_nothing_and_creates_nothing() {
    let sandbox = Sandbox::new();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models/frameworks");
    let line = format!(
        "measure lambda express gin --memory 512,1024,1769 --architecture arm64 -n 50 --dry-run --models {models}"
    );
    let ran = sandbox
        .shell(&format!("env -u AWS_REGION -u AWS_ACCESS_KEY_ID \"$COLDCAST\" {line}"))
        .ok();
    for part in [
        "function coldcast-<run>-express",
        "repository coldcast-<run>-gin in ECR",
        "300 cold starts and 3000 warm invocations",
        "lambda:InvokeFunction",
        "dollars",
        "aws-us-east-1",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran}");
    }
    let emulator = emulator(|_| {});
    let (code, said) = run(&sandbox, &emulator, &measure("-n 2").replace(" --yes", ""));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nothing was created: add --yes"), "{said}");
    assert!(emulator.calls().is_empty(), "{:?}", emulator.calls());
}

#[test]
fn every_start_is_new_and_nothing_is_left() {
    let emulator = emulator(|_| {});
    let sandbox = Sandbox::new();
    let (code, said) = run(
        &sandbox,
        &emulator,
        &measure("--memory 512,1024 -n 3 --cause nonce,version,burst --burst 3"),
    );
    assert_eq!(code, Some(0), "{said}");
    let profile = shop(&sandbox);
    assert_eq!(profile.provenance.backend, "lambda-emulator");
    assert!(
        profile.provenance.notes[0].contains("emulator"),
        "{:?}",
        profile.provenance.notes
    );
    assert_eq!(profile.functions.len(), 2);
    let served = emulator.served();
    for run in &profile.functions {
        // Three of each cause, of which those of a burst have no warm invocations after them.
        assert_eq!((run.starts.len(), run.warm_ms.len(), run.failed), (9, 12, 0), "{said}");
        for start in &run.starts {
            let init = start.init_ms.unwrap();
            let real = served
                .iter()
                .any(|one| one.begun == Begun::Init && one.report.init_ms.is_some_and(|ms| (ms - init).abs() < 0.006));
            assert!(real, "{init} ms was no initialisation");
        }
    }
    let processes: BTreeSet<&str> = served.iter().map(|one| one.process_id.as_str()).collect();
    assert_eq!(processes.len(), 18, "a process for each start");
    assert!(emulator.left().is_nothing(), "{:?}", emulator.left());
    assert!(
        sandbox.names("measured/raw").is_empty(),
        "{:?}",
        sandbox.names("measured/raw")
    );
    // The policy has what was needed, and of Lambda nothing else.
    let allowed: BTreeSet<&str> = policy::actions().collect();
    let needed = emulator.needed();
    assert!(
        needed.is_subset(&allowed),
        "{:?}",
        needed.difference(&allowed).collect::<Vec<_>>()
    );
    assert!(
        !said.contains("secret-of-the-test") && !said.contains("111122223333"),
        "{said}"
    );
}

#[test]
fn the_policy_allows_what_is_called_and_no_more() {
    let emulator = emulator(|_| {});
    let sandbox = Sandbox::new();
    run(&sandbox, &emulator, &measure("-n 1 --cause nonce,version"));
    // What is found and removed after a kill needs to be listed.
    emulator.change(|behaviour| {
        behaviour
            .faults
            .push(Fault::on("lambda:DeleteFunction", When::First(40), Failure::Denied));
    });
    run(&sandbox, &emulator, &measure("-n 1"));
    emulator.change(|behaviour| behaviour.faults.clear());
    let (code, said) = run(&sandbox, &emulator, "measure lambda cleanup --yes");
    assert_eq!(code, Some(0), "{said}");
    let needed = emulator.needed();
    let lambda: BTreeSet<&str> = policy::actions().filter(|action| !action.starts_with("ecr:")).collect();
    let without_use: Vec<_> = lambda.difference(&needed).copied().collect();
    assert_eq!(without_use, Vec::<&str>::new(), "allowed and never called");
    let missing: Vec<_> = needed
        .iter()
        .filter(|action| !policy::actions().any(|known| known == **action))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Whatever happens, the profile holds what really were starts, and nothing is left.
#[test]
fn trouble_is_waited_out_or_told() {
    type Case = (&'static str, fn(&mut Behaviour), usize, &'static str);
    let cases: [Case; 9] = [
        (
            "409 and throttled changes",
            |b| {
                b.faults.push(Fault::on(
                    "lambda:UpdateFunctionConfiguration",
                    When::At(vec![1, 3]),
                    Failure::Conflict,
                ));
                b.faults.push(Fault::on(
                    "lambda:GetFunctionConfiguration",
                    When::At(vec![2]),
                    Failure::Throttled(ACCOUNT),
                ));
            },
            3,
            "",
        ),
        (
            "a role that is not there yet",
            |b| {
                b.faults.push(Fault::on(
                    "lambda:CreateFunction",
                    When::First(3),
                    Failure::RoleNotAssumable,
                ));
            },
            3,
            "",
        ),
        (
            "a throttled invocation",
            |b| {
                b.faults.push(Fault::on(
                    "lambda:InvokeFunction",
                    When::At(vec![1]),
                    Failure::Throttled(ACCOUNT),
                ));
            },
            3,
            "",
        ),
        (
            "a crash while it starts",
            |b| b.crash_in_init = When::At(vec![2]),
            2,
            "the function failed",
        ),
        (
            "an error of the handler",
            |b| b.bad_status = When::At(vec![1]),
            2,
            "status 500",
        ),
        (
            "a log whose end lacks the report",
            |b| b.cut_report = When::At(vec![1]),
            2,
            "REPORT",
        ),
        ("logs as JSON", |b| b.json_logs = true, 3, ""),
        (
            "a connection that is cut",
            |b| {
                b.faults.push(Fault::on(
                    "lambda:InvokeFunction",
                    When::At(vec![1]),
                    Failure::CutAnswer,
                ));
            },
            2,
            "lambda:InvokeFunction",
        ),
        (
            "tags and lists that lag",
            |b| {
                b.tags_lag_calls = 3;
                b.list_lag_calls = 2;
            },
            3,
            "",
        ),
    ];
    for (name, change, starts, note) in cases {
        let emulator = emulator(change);
        let sandbox = Sandbox::new();
        let (code, said) = run(&sandbox, &emulator, &measure("-n 3"));
        assert_eq!(code, Some(0), "{name}: {said}");
        let profile = shop(&sandbox);
        let run = &profile.functions[0];
        assert_eq!(run.starts.len(), starts, "{name}: {:?}", profile.provenance.notes);
        let notes = profile.provenance.notes.join("\n");
        assert!(notes.contains(note), "{name}: {notes}");
        assert!(emulator.left().is_nothing(), "{name}: {:?}", emulator.left());
    }
}

#[test]
fn long_and_early_initialisations_are_called_what_they_are() {
    let emulator = emulator(|b| {
        b.time_scale = 0.01;
        b.slow_init = When::At(vec![1]);
        b.proactive = When::At(vec![2]);
        // Longer than the real time of a call, so that nobody can have waited for it.
        b.init_ms = 4_000.0;
        b.init_spread = 0.0;
    });
    let sandbox = Sandbox::new();
    let (code, said) = run(&sandbox, &emulator, &measure("-n 3"));
    assert_eq!(code, Some(0), "{said}");
    let starts = &shop(&sandbox).functions[0].starts;
    let begun = emulator.served().iter().filter(|one| one.begun == Begun::Again).count();
    assert_eq!(starts.iter().filter(|start| start.again).count(), begun, "{starts:?}");
    assert!(emulator.left().is_nothing());
}

#[test]
fn a_role_that_never_works_and_a_function_that_fails_are_told() {
    let sandbox = Sandbox::new();
    let denied = emulator(|b| {
        b.faults
            .push(Fault::on("lambda:CreateFunction", When::Always, Failure::Denied))
    });
    let (code, said) = run(&sandbox, &denied, &measure("-n 1"));
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("lambda:CreateFunction") && said.contains("measure lambda policy"),
        "{said}"
    );
    let broken = emulator(|b| b.creation_fails = Some("ImageAccessDenied"));
    let (code, said) = run(&sandbox, &broken, &measure("-n 1"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("ImageAccessDenied"), "{said}");
    assert!(broken.left().is_nothing(), "{:?}", broken.left());
}

#[test]
fn the_run_stops_before_it_costs_more_than_allowed() {
    let emulator = emulator(|_| {});
    let sandbox = Sandbox::new();
    // A start with two warm invocations can cost 3 x 60 s x 1.73 GB at most, half a cent.
    let (code, said) = run(&sandbox, &emulator, &measure("-n 5 --max-usd 0.001"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("--max-usd"), "{said}");
    assert!(emulator.served().is_empty());
    assert!(emulator.left().is_nothing(), "{:?}", emulator.left());
}

#[test]
fn credentials_that_expire_lose_no_sample_and_cleanup_removes_the_rest() {
    let emulator = emulator(|b| {
        // After the third start with its warm invocations.
        b.faults.push(Fault::on(
            "lambda:InvokeFunction",
            When::From(10),
            Failure::ExpiredCredentials,
        ));
        b.faults.push(Fault::on(
            "lambda:DeleteFunction",
            When::First(40),
            Failure::ExpiredCredentials,
        ));
    });
    let sandbox = Sandbox::new();
    let (code, said) = run(&sandbox, &emulator, &measure("-n 5"));
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("ExpiredToken") && said.contains("measure lambda cleanup --run"),
        "{said}"
    );
    let (id, before) = samples(&sandbox);
    assert_eq!(before.len(), 3, "{said}");
    assert!(!emulator.left().is_nothing());
    emulator.change(|b| b.faults.clear());
    let (code, said) = run(&sandbox, &emulator, "measure lambda cleanup --yes");
    assert_eq!(code, Some(0), "{said}");
    assert!(emulator.left().is_nothing(), "{said}");
    let (code, said) = run(&sandbox, &emulator, &measure(&format!("-n 5 --resume {id}")));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(shop(&sandbox).functions[0].starts.len(), 5);
    assert!(emulator.left().is_nothing(), "{said}");
}

fn started(sandbox: &Sandbox, emulator: &Emulator, line: &str) -> Child {
    command(sandbox, emulator, line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn an_interruption_removes_everything_and_keeps_the_samples() {
    let emulator = emulator(|b| b.init_ms = 150.0);
    let sandbox = Sandbox::new();
    let child = started(&sandbox, &emulator, &measure("-n 40"));
    emulator.wait_for("lambda:InvokeFunction", 7);
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0), "{said}");
    // The call that was cut off may still run.
    assert!(emulator.left().functions.is_empty(), "{said}: {:?}", emulator.left());
    let (id, taken) = samples(&sandbox);
    assert!(taken.len() >= 2 && said.contains(&format!("--resume {id}")), "{said}");
    let (code, said) = run(&sandbox, &emulator, &measure(&format!("-n 4 --resume {id}")));
    assert_eq!(code, Some(0), "{said}");
    let starts = shop(&sandbox).functions[0].starts.len();
    assert!(starts >= 4, "{starts}");
}

#[test]
fn after_a_kill_cleanup_finds_what_is_left() {
    let emulator = emulator(|b| {
        b.tags_lag_calls = 1_000;
        b.init_ms = 150.0;
    });
    let sandbox = Sandbox::new();
    let mut child = started(&sandbox, &emulator, &measure("-n 40"));
    emulator.wait_for("lambda:InvokeFunction", 4);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(emulator.left().functions.len(), 1);
    let (code, said) = run(&sandbox, &emulator, "measure lambda cleanup");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("add --yes") && !emulator.left().functions.is_empty(),
        "{said}"
    );
    let (code, said) = run(&sandbox, &emulator, "measure lambda cleanup --yes");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("removed function coldcast-"), "{said}");
    assert!(emulator.left().functions.is_empty(), "{:?}", emulator.left());
    let (_, said) = run(&sandbox, &emulator, "measure lambda cleanup --yes");
    assert!(said.contains("nothing of any run is left"), "{said}");
}

#[test]
fn silence_is_looked_at_when_asked_for() {
    let emulator = emulator(|b| b.idle_expiry_ms = Some(900.0));
    let sandbox = Sandbox::new();
    let (code, said) = run(&sandbox, &emulator, &measure("-n 1 --probe-idle 100ms,2s"));
    assert_eq!(code, Some(0), "{said}");
    let looks: Vec<(f64, bool)> = shop(&sandbox).functions[0]
        .idle
        .iter()
        .map(|look| (look.gap_s, look.alive))
        .collect();
    assert_eq!(looks, [(0.1, true), (2.0, false)], "{said}");
    assert!(
        said.contains("survived a silence of 0.1 s, and were gone after 2 s"),
        "{said}"
    );
}

#[test]
fn versions_are_restored_from_snapshots() {
    let emulator = emulator(|_| {});
    let sandbox = Sandbox::new();
    sandbox.write("app.zip", "PK");
    let zip = "--zip app=app.zip --runtime java21 --handler run.sh --layer arn:aws:lambda:eu-west-1:753240598075:layer:LambdaAdapterLayerX86:25";
    let line = format!("measure lambda {zip} --role {ROLE} --yes --warm 2 -n 3 --snap-start");
    let (code, said) = run(&sandbox, &emulator, &line);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("add --cause version"), "{said}");
    let (code, said) = run(&sandbox, &emulator, &format!("{line} --cause version"));
    assert_eq!(code, Some(0), "{said}");
    let profile = profile::parse(&sandbox.read("measured/app/profile.json")).unwrap();
    let starts = &profile.functions[0].starts;
    assert_eq!(starts.len(), 3);
    assert!(
        starts
            .iter()
            .all(|start| start.restore_ms.is_some_and(|ms| ms > 10.0) && start.init_ms.is_none()),
        "{starts:?}"
    );
    let served = emulator.served();
    assert_eq!(served.iter().filter(|one| one.begun == Begun::Restore).count(), 3);
    assert!(emulator.left().is_nothing(), "{:?}", emulator.left());
}

#[test]
fn the_simulator_says_that_a_profile_comes_from_an_emulator() {
    let emulator = emulator(|_| {});
    let sandbox = Sandbox::new();
    let (code, said) = run(&sandbox, &emulator, &measure("-n 3 --memory 512"));
    assert_eq!(code, Some(0), "{said}");
    sandbox.write(
        "s.toml",
        "schema = 1\nname = \"x\"\nreplications = 2\nhorizon = \"2h\"\nframeworks = [\"measured/shop/profile.json\"]\n\
         [traffic.poisson]\nrate = \"0.01/s\"\n[platform.lambda]\nmemory = \"512Mi\"\n[prices]\nlist = \"aws-us-east-1\"\n",
    );
    let ran = sandbox.run("simulate s.toml --assumptions").ok();
    assert!(
        ran.stderr.contains("shop was measured on an emulator of AWS Lambda"),
        "{ran}"
    );
}
