//! One invocation in an environment: the order of initialisation, restore, handler and failures, their times and their log.
//!
//! Source: AWS Lambda Developer Guide, "Lambda runtime environment lifecycle" and "Lambda SnapStart", read on 2026-12-01.

use serde_json::{Value, json};

use super::app;
use super::behaviour::Behaviour;
use super::config::Config;
use super::environment::Environment;
use super::ids::{Ids, part};
use super::log::{Line, Report, app_line};

/// The time after which an initialisation is ended.
const INIT_LIMIT_MS: f64 = 10_000.0;
/// The part of a restore that is billed.
const BILLED_RESTORE: f64 = 0.5;

/// The beginning of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// On an environment that had served before.
    Warm,
    /// After an initialisation for which the caller waited.
    Init,
    /// After an initialisation that took too long and ran again inside the invocation.
    Again,
    /// On an environment that was initialised before anybody asked.
    Ahead,
    /// After a restore from a snapshot.
    Restore,
    /// The process ended in its initialisation, twice.
    Crash,
}

/// The environment and the request.
pub struct Case<'a> {
    pub behaviour: &'a Behaviour,
    pub config: &'a Config,
    pub environment: &'a mut Environment,
    /// True if the environment is new.
    pub is_new: bool,
    /// True if it begins with a snapshot.
    pub is_restored: bool,
    /// The number of the invocation, counted over all functions.
    pub number: u32,
    pub request_id: &'a str,
    pub event: &'a Value,
    pub now_ms: f64,
}

/// The course of an invocation.
#[derive(Debug, Clone)]
pub struct Course {
    pub begun: Begun,
    /// The lines of the log with their moments.
    pub lines: Vec<(f64, Line)>,
    pub report: Report,
    pub payload: Value,
    pub function_error: Option<&'static str>,
    /// The time until the answer.
    pub takes_ms: f64,
    /// True if the environment can serve again.
    pub survives: bool,
}

/// Lines in the order of their moments.
struct Teller {
    at_ms: f64,
    lines: Vec<(f64, Line)>,
}

impl Teller {
    fn say(&mut self, line: Line) {
        self.lines.push((self.at_ms, line));
    }
}

/// Hundredths of a millisecond, as logs have them.
fn rounded(ms: f64) -> f64 {
    (ms * 100.0).round() / 100.0
}

/// The time of the initialisation or of the restore of an environment.
pub fn spread(ms: f64, behaviour: &Behaviour, number: u32) -> f64 {
    rounded(ms * (1.0 + behaviour.init_spread * part(number)))
}

/// Runs the invocation in Lambda's time, without waiting.
pub fn run(case: Case<'_>, ids: &mut Ids) -> Course {
    let b = case.behaviour;
    let number = case.environment.number;
    let mut teller = Teller {
        at_ms: case.now_ms + b.overhead_ms / 2.0,
        lines: Vec::new(),
    };
    let mut report = Report {
        memory_mb: case.config.memory_mb(),
        ..Report::default()
    };
    // The part of the duration before the handler.
    let mut inside_ms = 0.0;
    let mut first_init_ms = 0.0;
    let mut begun = Begun::Warm;
    if case.is_new && case.is_restored {
        begun = Begun::Restore;
        let ms = spread(b.restore_ms, b, number);
        teller.say(Line::RestoreStart);
        teller.at_ms += ms;
        teller.say(Line::RestoreReport { ms });
        report.restore_ms = Some(ms);
        report.billed_restore_ms = Some((ms * BILLED_RESTORE).ceil());
    } else if case.is_new {
        let slow = b.slow_init.has(number);
        let ms = spread(if slow { b.slow_init_ms } else { b.init_ms }, b, number);
        if b.crash_in_init.has(number) {
            begun = Begun::Crash;
            first_init_ms = ms.min(INIT_LIMIT_MS);
            inside_ms = ms;
        } else if ms > INIT_LIMIT_MS {
            begun = Begun::Again;
            first_init_ms = rounded(INIT_LIMIT_MS - 0.15);
            inside_ms = ms;
        } else {
            begun = if b.proactive.has(number) {
                Begun::Ahead
            } else {
                Begun::Init
            };
            first_init_ms = ms;
            report.init_ms = Some(ms);
        }
        let (status, error) = match begun {
            Begun::Crash => ("error", Some("Runtime.ExitError")),
            Begun::Again => ("timeout", None),
            _ => ("success", None),
        };
        let waited = teller.at_ms;
        if begun == Begun::Ahead {
            teller.at_ms -= b.proactive_ms;
        }
        case.environment.started_ms = teller.at_ms;
        teller.say(Line::InitStart);
        if begun == Begun::Crash {
            teller.say(Line::App("Error: the app cannot start".into()));
        }
        teller.at_ms += first_init_ms;
        teller.say(Line::InitReport {
            ms: first_init_ms,
            phase: "init",
            status,
            error,
        });
        if begun == Begun::Ahead {
            teller.at_ms = waited;
        }
    }
    teller.say(Line::Start);
    let timeout_ms = case.config.timeout_ms();
    let mut function_error = None;
    let mut survives = true;
    let payload;
    if begun == Begun::Crash && inside_ms < timeout_ms {
        report.duration_ms = inside_ms;
        report.status = Some("error");
        report.error = Some("Runtime.ExitError");
        teller.at_ms += inside_ms;
        teller.say(Line::InitReport {
            ms: inside_ms,
            phase: "invoke",
            status: "error",
            error: report.error,
        });
        payload = json!({
            "errorType": "Runtime.ExitError",
            "errorMessage": format!("RequestId: {} Error: Runtime exited with error: exit status 1", case.request_id),
        });
        function_error = Some("Unhandled");
        survives = false;
    } else {
        if begun == Begun::Again {
            // The second process is another one.
            case.environment.process_id = ids.process();
            case.environment.started_ms = teller.at_ms;
        }
        let answered = app::answer(case.event, b.identity);
        let duration_ms = rounded(inside_ms + b.duration_ms * (1.0 + 0.25 * part(case.number)) + answered.asked_ms);
        if duration_ms > timeout_ms {
            report.duration_ms = timeout_ms;
            report.status = Some("timeout");
            teller.at_ms += timeout_ms;
            if inside_ms > timeout_ms {
                teller.say(Line::InitReport {
                    ms: timeout_ms,
                    phase: "invoke",
                    status: "timeout",
                    error: None,
                });
            }
            teller.say(Line::TimedOut {
                seconds: timeout_ms / 1e3,
            });
            payload = json!({
                "errorType": "Sandbox.Timedout",
                "errorMessage": format!(
                    "RequestId: {} Error: Task timed out after {:.2} seconds", case.request_id, timeout_ms / 1e3
                ),
            });
            function_error = Some("Unhandled");
            survives = false;
        } else {
            report.duration_ms = duration_ms;
            case.environment.requests += 1;
            let mut written = 0;
            while written < b.app_log_bytes {
                let line = app_line(b.app_log_bytes - written);
                written += line.len();
                teller.say(Line::App(String::from_utf8_lossy(&line).trim_end().to_string()));
            }
            teller.at_ms += duration_ms;
            if b.handler_error.has(case.number) {
                report.status = Some("error");
                report.error = Some("Error");
                teller.say(Line::App("Error: the handler failed".into()));
                payload = json!({"errorType": "Error", "errorMessage": "the handler failed", "trace": []});
                function_error = Some("Unhandled");
            } else {
                let bad = app::Answered {
                    status: 500,
                    body: json!({"error": "internal error"}),
                    asked_ms: 0.0,
                };
                let answered = if b.bad_status.has(case.number) { &bad } else { &answered };
                payload = app::payload(answered, &case.environment.process_id, case.environment.requests);
            }
        }
    }
    // Initialisations of all kinds are billed since August 2025.
    report.billed_ms = (report.duration_ms + first_init_ms).ceil() + report.billed_restore_ms.unwrap_or_default();
    report.max_memory_mb = report.memory_mb.min(70 + 2 * case.environment.requests.min(10) as u32);
    teller.say(Line::End {
        ms: report.duration_ms,
        status: report.status.unwrap_or("success"),
    });
    teller.say(Line::Report(report.clone()));
    Course {
        begun,
        takes_ms: teller.at_ms - case.now_ms + b.overhead_ms / 2.0,
        lines: teller.lines,
        report,
        payload,
        function_error,
        survives,
    }
}
