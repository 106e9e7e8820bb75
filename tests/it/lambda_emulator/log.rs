//! The log of an invocation: the lines of the platform and of the app, as text or as JSON, and its tail.
//!
//! Forms and levels: AWS Lambda Developer Guide, "Log formats" and "Log-level filtering" (the table of system log levels), read on
//! 2026-12-01. The platform names the version of a runtime in its first line only if the runtime is a managed one.

use serde_json::{Value, json};

use super::clock::Clock;

/// The bytes of a log that come with an answer.
pub const TAIL: usize = 4096;

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    InitStart,
    InitReport {
        ms: f64,
        /// `init`, or `invoke` if it ran inside the invocation.
        phase: &'static str,
        status: &'static str,
        error: Option<&'static str>,
    },
    RestoreStart,
    RestoreReport {
        ms: f64,
    },
    Start,
    /// A line of the app.
    App(String),
    TimedOut {
        seconds: f64,
    },
    End {
        ms: f64,
        status: &'static str,
    },
    Report(Report),
}

/// The figures of the last line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    pub duration_ms: f64,
    pub billed_ms: f64,
    pub memory_mb: u32,
    pub max_memory_mb: u32,
    pub init_ms: Option<f64>,
    pub restore_ms: Option<f64>,
    pub billed_restore_ms: Option<f64>,
    pub status: Option<&'static str>,
    pub error: Option<&'static str>,
}

/// The names in a log and its form.
#[derive(Debug, Clone)]
pub struct Form<'a> {
    pub request_id: &'a str,
    pub version: &'a str,
    pub runtime: Option<&'a str>,
    pub json: bool,
    /// True if JSON has also lines of the level DEBUG.
    pub detailed: bool,
}

/// The bytes of a log, and where the report stands in it.
#[derive(Debug, Clone, Default)]
pub struct Text {
    bytes: Vec<u8>,
    report_at: usize,
}

impl Text {
    /// The log of these lines, each with its moment.
    pub fn of(lines: &[(f64, Line)], form: &Form<'_>, clock: &Clock) -> Self {
        let mut text = Self::default();
        for (at_ms, line) in lines {
            if matches!(line, Line::Report(_)) {
                text.report_at = text.bytes.len();
            }
            let time = clock.in_logs(*at_ms);
            let line = match form.json {
                true => json_line(line, form, &time).map(|line| format!("{line}\n")),
                false => text_line(line, form, &time),
            };
            text.bytes.extend_from_slice(line.unwrap_or_default().as_bytes());
        }
        text
    }

    /// Goes on after the report, until the tail lacks the first `bytes` of it.
    pub fn lose(&mut self, bytes: usize) {
        while self.bytes.len() < self.report_at + bytes + TAIL {
            let missing = self.report_at + bytes + TAIL - self.bytes.len();
            self.bytes.extend_from_slice(&app_line(missing));
        }
    }

    /// The end of the log, as it comes with the answer.
    pub fn tail(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(TAIL)..]
    }
}

/// A line of the app, as long as a line or as many bytes as are wanted.
pub fn app_line(most: usize) -> Vec<u8> {
    let mut line = b"the app goes on and writes about its day in one line of sixty four\n".to_vec();
    line.truncate(most.max(1));
    if let Some(last) = line.last_mut() {
        *last = b'\n';
    }
    line
}

fn text_line(line: &Line, form: &Form<'_>, time: &str) -> Option<String> {
    let id = form.request_id;
    let status = |status: &str, error: Option<&str>| {
        let error = error.map_or_else(String::new, |error| format!("\tError Type: {error}"));
        format!("\tStatus: {status}{error}")
    };
    Some(match line {
        Line::InitStart => {
            let runtime = form.runtime?;
            format!(
                "INIT_START Runtime Version: {runtime}.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:0\n"
            )
        }
        Line::InitReport { status: "success", .. } => return None,
        Line::InitReport {
            ms,
            phase,
            status: how,
            error,
        } => format!(
            "INIT_REPORT Init Duration: {ms:.2} ms\tPhase: {phase}{}\n",
            status(how, *error)
        ),
        Line::RestoreStart => format!(
            "RESTORE_START Runtime Version: {}.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:0\n",
            form.runtime?
        ),
        Line::RestoreReport { ms } => format!("RESTORE_REPORT Restore Duration: {ms:.2} ms\n"),
        Line::Start => format!("START RequestId: {id} Version: {}\n", form.version),
        Line::App(text) => format!("{text}\n"),
        Line::TimedOut { seconds } => format!("{time} {id} Task timed out after {seconds:.2} seconds\n\n"),
        Line::End { .. } => format!("END RequestId: {id}\n"),
        Line::Report(report) => {
            let mut text = format!(
                "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
                report.duration_ms, report.billed_ms, report.memory_mb, report.max_memory_mb
            );
            if let Some(ms) = report.init_ms {
                text.push_str(&format!("Init Duration: {ms:.2} ms\t"));
            }
            if let Some(ms) = report.restore_ms {
                text.push_str(&format!("Restore Duration: {ms:.2} ms\t"));
            }
            if let Some(ms) = report.billed_restore_ms {
                text.push_str(&format!("Billed Restore Duration: {ms:.0} ms\t"));
            }
            if let Some(how) = report.status {
                text.push_str(status(how, report.error).trim_start());
            }
            text.push('\n');
            text
        }
    })
}

fn json_line(line: &Line, form: &Form<'_>, time: &str) -> Option<String> {
    let id = form.request_id;
    let runtime = |record: &mut Value| {
        if let Some(runtime) = form.runtime {
            record["runtimeVersion"] = json!(format!("{runtime}.v1"));
            record["runtimeVersionArn"] = json!("arn:aws:lambda:us-east-1::runtime:0");
        }
    };
    // Of the good news, only some are of the level INFO.
    let is_news = |status: &str| form.detailed || status != "success";
    let (kind, record) = match line {
        Line::InitStart if form.runtime.is_none() && !form.detailed => return None,
        Line::InitStart => {
            let mut record = json!({"initializationType": "on-demand", "phase": "init"});
            runtime(&mut record);
            ("initStart", record)
        }
        Line::InitReport { status, .. } if !is_news(status) => return None,
        Line::InitReport {
            ms,
            phase,
            status,
            error,
        } => {
            let mut record = json!({
                "initializationType": "on-demand", "phase": phase, "status": status, "metrics": {"durationMs": ms},
            });
            if let Some(error) = error {
                record["errorType"] = json!(error);
            }
            ("initReport", record)
        }
        Line::RestoreStart => {
            let mut record = json!({});
            runtime(&mut record);
            ("restoreStart", record)
        }
        Line::RestoreReport { ms } => (
            "restoreReport",
            json!({"status": "success", "metrics": {"durationMs": ms}}),
        ),
        Line::Start => ("start", json!({"requestId": id, "version": form.version})),
        Line::App(text) => return Some(text.clone()),
        Line::TimedOut { .. } => return None,
        Line::End { status, .. } if !is_news(status) => return None,
        Line::End { ms, status } => (
            "runtimeDone",
            json!({"requestId": id, "status": status, "metrics": {"durationMs": ms, "producedBytes": 26}}),
        ),
        Line::Report(report) => {
            let mut metrics = json!({
                "durationMs": report.duration_ms, "billedDurationMs": report.billed_ms,
                "memorySizeMB": report.memory_mb, "maxMemoryUsedMB": report.max_memory_mb,
            });
            for (name, value) in [
                ("initDurationMs", report.init_ms),
                ("restoreDurationMs", report.restore_ms),
                ("billedRestoreDurationMs", report.billed_restore_ms),
            ] {
                if let Some(value) = value {
                    metrics[name] = json!(value);
                }
            }
            let mut record = json!({
                "requestId": id, "metrics": metrics, "status": report.status.unwrap_or("success"),
            });
            if let Some(error) = report.error {
                record["errorType"] = json!(error);
            }
            ("report", record)
        }
    };
    Some(json!({"time": time, "type": format!("platform.{kind}"), "record": record}).to_string())
}
