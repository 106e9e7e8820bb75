//! The words of the platform in one message of a Lambda log: text lines (`REPORT RequestId: ...`) or JSON events (`platform.report`).
//!
//! Fields come in any order, and some are missing. A number without its unit was cut off and is not known. A field that comes twice
//! with two values is not known either; [`Report::doubts`] says so.

use std::collections::BTreeMap;

use serde_json::Value;

/// The platform's report of one invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The id of the request. A retry of an asynchronous invocation has the id of the first attempt.
    pub request_id: Option<String>,
    /// The time in the handler, in milliseconds.
    pub duration_ms: Option<f64>,
    /// The time that is billed, in milliseconds. Since August 2025 it has the initialisation of every package type.
    pub billed_ms: Option<f64>,
    /// The memory of the function, in MB.
    pub memory_mb: Option<f64>,
    /// The most memory that the environment has used so far, in MB.
    pub max_memory_mb: Option<f64>,
    /// The time of initialisation before this invocation, in milliseconds; `None` on a warm environment.
    pub init_ms: Option<f64>,
    /// The time of a restore from a snapshot, in milliseconds.
    pub restore_ms: Option<f64>,
    /// The time of a restore that is billed, in milliseconds.
    pub billed_restore_ms: Option<f64>,
    /// How it ended if not well, such as `timeout` or `error`.
    pub status: Option<String>,
    /// The kind of the error, such as `Runtime.ExitError`.
    pub error_type: Option<String>,
    /// Fields that are not known here, by their names.
    pub others: BTreeMap<String, String>,
    /// Sentences about fields that contradict themselves or were cut off.
    pub doubts: Vec<String>,
}

/// The platform's report of an initialisation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InitReport {
    /// Its time in milliseconds.
    pub duration_ms: Option<f64>,
    /// `init`, or `invoke` if it ran again inside an invocation.
    pub phase: Option<String>,
    /// How it ended if not well: `timeout` after 10 s, `error`.
    pub status: Option<String>,
    /// The kind of the error.
    pub error_type: Option<String>,
    /// `on-demand`, `provisioned-concurrency` or `snap-start`; text lines do not say it.
    pub kind: Option<String>,
}

/// The platform's report of a restore from a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestoreReport {
    /// Its time in milliseconds.
    pub duration_ms: Option<f64>,
    /// How it ended if not well.
    pub status: Option<String>,
}

/// The content of a message of the platform.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// An initialisation begins.
    InitStart,
    /// An initialisation has ended.
    InitReport(InitReport),
    /// A restore from a snapshot begins.
    RestoreStart,
    /// A restore from a snapshot has ended.
    RestoreReport(RestoreReport),
    /// An invocation begins.
    Start {
        /// The id of its request.
        request_id: String,
    },
    /// The function has answered, or failed.
    Done {
        /// The id of its request.
        request_id: Option<String>,
        /// The time in the handler, in milliseconds.
        duration_ms: Option<f64>,
    },
    /// An invocation has ended.
    Report(Report),
    /// The function exceeded its timeout.
    TimedOut {
        /// The id of its request, where the line has it.
        request_id: Option<String>,
    },
    /// The runtime interface emulator says how long an initialisation took. Its `REPORT` does not know.
    EmulatedInit {
        /// Milliseconds.
        duration_ms: f64,
    },
}

/// Fields of text lines, the longer ones first, as they hold the names of shorter ones.
const FIELDS: [&str; 13] = [
    "Billed Restore Duration",
    "Restore Duration",
    "Billed Duration",
    "Init Duration",
    "Max Memory Used",
    "Memory Size",
    "XRAY TraceId",
    "RequestId",
    "SegmentId",
    "Error Type",
    "Duration",
    "Sampled",
    "Status",
];

/// Returns what the platform says in `message`; `None` if the message is the function's own.
pub fn read(message: &str) -> Option<Said> {
    let message = message.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if message.starts_with('{') {
        return serde_json::from_str(message).ok().as_ref().and_then(event);
    }
    let (word, rest) = message.split_once([' ', '\t']).unwrap_or((message, ""));
    match word {
        "INIT_START" => Some(Said::InitStart),
        "RESTORE_START" => Some(Said::RestoreStart),
        "START" | "END" => {
            let request_id = rest.trim_start().strip_prefix("RequestId:")?;
            let request_id = request_id.split_whitespace().next()?.to_string();
            Some(match word {
                "START" => Said::Start { request_id },
                _ => Said::Done {
                    request_id: Some(request_id),
                    duration_ms: None,
                },
            })
        }
        "REPORT" => {
            let fields = Fields::of(rest);
            fields
                .0
                .contains_key("RequestId")
                .then(|| Said::Report(fields.report()))
        }
        "INIT_REPORT" => {
            let mut fields = Fields::of(rest);
            let mut doubts = Vec::new();
            Some(Said::InitReport(InitReport {
                duration_ms: fields.number("Init Duration", "ms", &mut doubts),
                phase: fields.text("Phase"),
                status: fields.text("Status"),
                error_type: fields.text("Error Type"),
                kind: None,
            }))
        }
        "RESTORE_REPORT" => {
            let mut fields = Fields::of(rest);
            let mut doubts = Vec::new();
            Some(Said::RestoreReport(RestoreReport {
                duration_ms: fields.number("Restore Duration", "ms", &mut doubts),
                status: fields.text("Status"),
            }))
        }
        _ => timed_out(message).or_else(|| emulated(message)),
    }
}

/// `2020-06-09T15:02:26.150Z 7c95... Task timed out after 3.00 seconds`, with or without the time.
fn timed_out(message: &str) -> Option<Said> {
    let (before, after) = message.split_once("Task timed out after ")?;
    after.split_whitespace().next()?.parse::<f64>().ok()?;
    let is_time =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('T') && word.contains(':');
    let is_id = |word: &&str| word.contains('-') && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let words: Vec<&str> = before.split_whitespace().collect();
    let request_id = match words[..] {
        [time] if is_time(&time) => None,
        [id] if is_id(&id) => Some(id.to_string()),
        [time, id] if is_time(&time) && is_id(&id) => Some(id.to_string()),
        _ => return None,
    };
    Some(Said::TimedOut { request_id })
}

/// `... [INFO] (rapid) INIT REPORT(durationMs: 234.423000)`
fn emulated(message: &str) -> Option<Said> {
    let (_, rest) = message.split_once("INIT REPORT(durationMs: ")?;
    let number = rest.split(')').next()?;
    number
        .parse()
        .ok()
        .map(|duration_ms| Said::EmulatedInit { duration_ms })
}

/// The fields of a text line by name, each with all its values.
struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    /// Fields are set apart by tabs; by two escaped characters in logs that were escaped twice; or by blanks where someone copied them
    /// from a screen.
    fn of(text: &str) -> Self {
        let text = match text.contains('\t') {
            true => text.to_string(),
            false => text.replace("\\t", "\t").replace("\\n", "\n"),
        };
        let mut fields = Self(BTreeMap::new());
        for part in text
            .split(['\t', '\n', '\r'])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let mut rest = part;
            // Known names that follow within one part begin a field of their own.
            while let Some((name, value)) = rest.split_once(':') {
                let next = next_field(value);
                let (value, more) = value.split_at(next.unwrap_or(value.len()));
                fields
                    .0
                    .entry(name.trim().to_string())
                    .or_default()
                    .push(value.trim().to_string());
                rest = more;
            }
        }
        fields
    }

    fn take(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).into_iter().find(|value| !value.is_empty())
    }

    /// A number with its unit. One that comes with two values, or without its unit, is a doubt and not known.
    fn number(&mut self, name: &str, unit: &str, doubts: &mut Vec<String>) -> Option<f64> {
        let values = self.take(name);
        let read = |value: &String| {
            let number = value.strip_suffix(unit)?.trim_end();
            number
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        };
        let numbers: Vec<Option<f64>> = values.iter().map(read).collect();
        match numbers[..] {
            [] => None,
            [first, ref others @ ..] if first.is_some() && others.iter().all(|other| *other == first) => first,
            _ => {
                doubts.push(format!("`{name}` is `{}`", values.join("` and `")));
                None
            }
        }
    }

    fn report(mut self) -> Report {
        let mut doubts = Vec::new();
        // The X-ray line is no matter of this tool.
        for name in ["XRAY TraceId", "SegmentId", "Sampled"] {
            self.take(name);
        }
        Report {
            request_id: self.text("RequestId"),
            duration_ms: self.number("Duration", "ms", &mut doubts),
            billed_ms: self.number("Billed Duration", "ms", &mut doubts),
            memory_mb: self.number("Memory Size", "MB", &mut doubts),
            max_memory_mb: self.number("Max Memory Used", "MB", &mut doubts),
            init_ms: self.number("Init Duration", "ms", &mut doubts),
            restore_ms: self.number("Restore Duration", "ms", &mut doubts),
            billed_restore_ms: self.number("Billed Restore Duration", "ms", &mut doubts),
            status: self.text("Status"),
            error_type: self.text("Error Type"),
            others: self
                .0
                .into_iter()
                .map(|(name, values)| (name, values.join(", ")))
                .collect(),
            doubts,
        }
    }
}

/// The place in `value` at which the name of another known field begins.
fn next_field(value: &str) -> Option<usize> {
    let begins = |name: &&str| {
        let mut places = value.match_indices(name.to_owned()).map(|(at, _)| at);
        places.find(|&at| at > 0 && value[at + name.len()..].starts_with(':') && value[..at].ends_with(' '))
    };
    FIELDS.iter().filter_map(begins).min()
}

/// Returns what a JSON event of the platform says.
pub fn event(event: &Value) -> Option<Said> {
    let kind = event.get("type")?.as_str()?;
    let record = event.get("record")?;
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_string);
    let metric = |name: &str| {
        record
            .get("metrics")
            .and_then(|metrics| metrics.get(name))
            .and_then(number)
    };
    // `success` is no news.
    let status = || text("status").filter(|status| status != "success");
    Some(match kind.strip_prefix("platform.")? {
        "initStart" => Said::InitStart,
        "initReport" => Said::InitReport(InitReport {
            duration_ms: metric("durationMs"),
            phase: text("phase"),
            status: status(),
            error_type: text("errorType"),
            kind: text("initializationType"),
        }),
        "restoreStart" => Said::RestoreStart,
        "restoreReport" => Said::RestoreReport(RestoreReport {
            duration_ms: metric("durationMs"),
            status: status(),
        }),
        "start" => Said::Start {
            request_id: text("requestId")?,
        },
        "runtimeDone" => Said::Done {
            request_id: text("requestId"),
            duration_ms: metric("durationMs"),
        },
        "report" => {
            const KNOWN: [&str; 7] = [
                "durationMs",
                "billedDurationMs",
                "memorySizeMB",
                "maxMemoryUsedMB",
                "initDurationMs",
                "restoreDurationMs",
                "billedRestoreDurationMs",
            ];
            let metrics = record.get("metrics").and_then(Value::as_object);
            let others = metrics
                .into_iter()
                .flatten()
                .filter(|(name, _)| !KNOWN.contains(&name.as_str()));
            Said::Report(Report {
                request_id: text("requestId"),
                duration_ms: metric("durationMs"),
                billed_ms: metric("billedDurationMs"),
                memory_mb: metric("memorySizeMB"),
                max_memory_mb: metric("maxMemoryUsedMB"),
                init_ms: metric("initDurationMs"),
                restore_ms: metric("restoreDurationMs"),
                billed_restore_ms: metric("billedRestoreDurationMs"),
                status: status(),
                error_type: text("errorType"),
                others: others.map(|(name, value)| (name.clone(), value.to_string())).collect(),
                doubts: Vec::new(),
            })
        }
        _ => return None,
    })
}

/// A number, or a string that holds one.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(message: &str) -> Report {
        match read(message) {
            Some(Said::Report(report)) => report,
            other => panic!("{message}: {other:?}"),
        }
    }

    /// Duration, billed, memory, most memory, init, restore and billed restore.
    fn figures(report: &Report) -> [Option<f64>; 7] {
        [
            report.duration_ms,
            report.billed_ms,
            report.memory_mb,
            report.max_memory_mb,
            report.init_ms,
            report.restore_ms,
            report.billed_restore_ms,
        ]
    }

    #[test]
    fn reports_of_every_shape_are_read() {
        let x = None;
        let cases: [(&str, [Option<f64>; 7]); 9] = [
            (
                "REPORT RequestId: db27\tDuration: 1.76 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 48 MB\tInit \
                 Duration: 120.96 ms\t\n",
                [Some(1.76), Some(100.0), Some(128.0), Some(48.0), Some(120.96), x, x],
            ),
            // The emulator has the initialisation first.
            (
                "REPORT RequestId: 1\tInit Duration: 0.08 ms\tDuration: 235.5 ms\tBilled Duration: 236 ms\tMemory Size: 3008 MB\tMax \
                 Memory Used: 3008 MB\t",
                [Some(235.5), Some(236.0), Some(3008.0), Some(3008.0), Some(0.08), x, x],
            ),
            (
                "REPORT RequestId: 2\tDuration: 2019.16 ms\tBilled Duration: 2187 ms\tMemory Size: 512 MB\tMax Memory Used: 150 MB\tRestore \
                 Duration: 244.38 ms\tBilled Restore Duration: 167 ms\nXRAY TraceId: 1-x-y\tSegmentId: z\tSampled: true\n",
                [
                    Some(2019.16),
                    Some(2187.0),
                    Some(512.0),
                    Some(150.0),
                    x,
                    Some(244.38),
                    Some(167.0),
                ],
            ),
            // Escaped twice.
            (
                r"REPORT RequestId: 3\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\n",
                [Some(1.5), Some(2.0), Some(128.0), Some(40.0), x, x, x],
            ),
            // Copied from a screen, with blanks, and a tab in front.
            (
                "\tREPORT RequestId: 4 Duration: 1.5 ms Billed Duration: 2 ms Memory Size: 128 MB Max Memory Used: 40 MB Init Duration: 99 ms",
                [Some(1.5), Some(2.0), Some(128.0), Some(40.0), Some(99.0), x, x],
            ),
            // Cut off, and the same field twice.
            (
                "REPORT RequestId: 5\tDuration: 1.5 ms\tBilled Duration: 2 m",
                [Some(1.5), x, x, x, x, x, x],
            ),
            (
                "REPORT RequestId: 6\tDuration: 1.5 ms\tDuration: 1.5 ms\tBilled Duration: 2 ms\tBilled Duration: 3 ms",
                [Some(1.5), x, x, x, x, x, x],
            ),
            ("REPORT RequestId: 7", [x; 7]),
            (
                r#"{"time":"2024-02-09T08:42:44.080Z","type":"platform.report","record":{"requestId":"d661","status":"success","metrics":{"durationMs": 147.156,"billedDurationMs": 201, "memorySizeMB": 512,"maxMemoryUsedMB":91,"restoreDurationMs": 500.795,"billedRestoreDurationMs": 53 }}}"#,
                [
                    Some(147.156),
                    Some(201.0),
                    Some(512.0),
                    Some(91.0),
                    x,
                    Some(500.795),
                    Some(53.0),
                ],
            ),
        ];
        for (message, expected) in cases {
            let report = report(message);
            assert_eq!(figures(&report), expected, "{message}");
            assert!(report.request_id.is_some(), "{message}");
        }
    }

    #[test]
    fn what_is_doubtful_is_said_and_what_is_unknown_is_kept() {
        assert_eq!(
            report("REPORT RequestId: 5\tDuration: 1.5 ms\tBilled Duration: 2 m").doubts,
            ["`Billed Duration` is `2 m`"]
        );
        let twice = report("REPORT RequestId: 6\tDuration: 1 ms\tDuration: 2 ms");
        assert_eq!(twice.doubts, ["`Duration` is `1 ms` and `2 ms`"]);
        let new = report(
            "REPORT RequestId: 8\tDuration: 1.5 ms\tEnergy Used: 3 J\tStatus: timeout\tError Type: Runtime.ExitError",
        );
        assert_eq!(
            new.others,
            BTreeMap::from([("Energy Used".to_string(), "3 J".to_string())])
        );
        assert_eq!(
            (new.status.as_deref(), new.error_type.as_deref()),
            (Some("timeout"), Some("Runtime.ExitError"))
        );
        assert!(new.doubts.is_empty());
        assert_eq!(report("REPORT RequestId: 9\tDuration: -3 ms").duration_ms, None);
    }

    #[test]
    fn starts_and_ends_are_told_from_the_words_of_a_function() {
        let id = |text: &str| Some(text.to_string());
        let timeout = InitReport {
            duration_ms: Some(10_009.1),
            phase: id("init"),
            status: id("timeout"),
            ..InitReport::default()
        };
        let cases = [
            (
                "INIT_START Runtime Version: python:3.13.v45\tRuntime Version ARN: arn:x\n",
                Some(Said::InitStart),
            ),
            (
                "START RequestId: a-1 Version: $LATEST\n",
                Some(Said::Start {
                    request_id: "a-1".into(),
                }),
            ),
            (
                "END RequestId: a-1\n",
                Some(Said::Done {
                    request_id: id("a-1"),
                    duration_ms: None,
                }),
            ),
            (
                "INIT_REPORT Init Duration: 10009.10 ms\tPhase: init\tStatus: timeout",
                Some(Said::InitReport(timeout)),
            ),
            (
                "RESTORE_REPORT Restore Duration: 244.38 ms\n",
                Some(Said::RestoreReport(RestoreReport {
                    duration_ms: Some(244.38),
                    status: None,
                })),
            ),
            (
                "2020-06-09T15:02:26.150Z 7c95-x Task timed out after 3.00 seconds\n\n",
                Some(Said::TimedOut {
                    request_id: id("7c95-x"),
                }),
            ),
            (
                "23 Nov 2021 19:10:37,184 [INFO] (rapid) INIT REPORT(durationMs: 234.423000)",
                Some(Said::EmulatedInit { duration_ms: 234.423 }),
            ),
            ("my worker: Task timed out after 3.00 seconds", None),
            ("STARTED the engine", None),
            ("START of the day", None),
            ("REPORT of the day: all is well", None),
            ("{\"level\":\"INFO\",\"message\":\"REPORT RequestId: x\"}", None),
            ("{\"type\":\"platform.telemetrySubscription\",\"record\":{}}", None),
            ("", None),
        ];
        for (message, expected) in cases {
            assert_eq!(read(message), expected, "{message}");
        }
    }
}
