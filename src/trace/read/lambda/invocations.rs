//! Invocations from the messages of a log: which of them began with a start, and who waited for it.

use std::collections::BTreeMap;

use super::export::Event;
use super::message::{InitReport, Report, Said};

/// An environment that was initialised so long before its first request did so for nobody, in milliseconds. Lambda's times in logs
/// have a resolution of one.
const AHEAD_MS: f64 = 100.0;

/// The beginning of an invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// On an environment that was there.
    Warm,
    /// After an initialisation.
    Init {
        /// Its time in milliseconds; `None` if no message has it.
        ms: Option<f64>,
        /// True if it took too long, was ended and ran again inside the invocation, so that its time is part of the duration.
        again: bool,
        /// True if it was over well before the request came, so that nobody waited for it.
        ahead: bool,
    },
    /// After a restore from a snapshot.
    Restore {
        /// Its time in milliseconds; `None` if no message has it.
        ms: Option<f64>,
    },
}

impl Start {
    /// True if the request was the first of its environment.
    pub fn is_first(&self) -> bool {
        !matches!(self, Self::Warm)
    }

    /// True if the request waited for it.
    pub fn is_waited_for(&self) -> bool {
        self.is_first() && !matches!(self, Self::Init { ahead: true, .. })
    }
}

/// One invocation that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// When it began, in microseconds since 1970: what `START` says, or the end less the duration; `None` without times.
    pub begun_us: Option<i64>,
    /// When it ended.
    pub ended_us: Option<i64>,
    /// Its environment, where the log says.
    pub stream: Option<String>,
    /// The log group of its function, where the log says.
    pub group: Option<String>,
    /// The start before it.
    pub start: Start,
    /// The platform's report.
    pub report: Report,
    /// True if the report comes from the runtime interface emulator: its durations are not Lambda's.
    pub emulated: bool,
}

/// The messages of an environment since its last report.
#[derive(Debug, Default)]
struct Pending {
    init_began_us: Option<i64>,
    init: Option<InitReport>,
    restored: bool,
    restore_ms: Option<f64>,
    emulated_ms: Option<f64>,
    began: BTreeMap<String, i64>,
    timed_out: bool,
}

/// The invocations among messages that are in order. Requests without a report have not ended, and are left out.
pub fn invocations(events: &[Event]) -> Vec<Invocation> {
    let mut by_stream: BTreeMap<(Option<&str>, Option<&str>), Pending> = BTreeMap::new();
    let mut all: Vec<Invocation> = Vec::new();
    for event in events {
        let Some(said) = &event.said else { continue };
        let pending = by_stream
            .entry((event.group.as_deref(), event.stream.as_deref()))
            .or_default();
        match said {
            Said::InitStart => {
                pending.init_began_us = event.at_us;
                pending.init = None;
            }
            // An initialisation that fails says so twice: of the first, that it was ended, is what counts.
            Said::InitReport(report) => {
                let first = pending.init.take();
                pending.init = first
                    .filter(|first| first.status.is_some())
                    .or_else(|| Some(report.clone()));
            }
            Said::RestoreStart => pending.restored = true,
            Said::RestoreReport(report) => {
                pending.restored = true;
                pending.restore_ms = report.duration_ms;
            }
            Said::EmulatedInit { duration_ms } => pending.emulated_ms = Some(*duration_ms),
            Said::Start { request_id } => {
                if let Some(at) = event.at_us {
                    pending.began.insert(request_id.clone(), at);
                }
            }
            Said::TimedOut { request_id } => {
                // It is written before the report or after it, often with the same time.
                let is_open = request_id.as_ref().is_none_or(|id| pending.began.contains_key(id));
                let same = |one: &&mut Invocation| one.report.request_id == *request_id;
                match all.iter_mut().rev().find(same).filter(|_| !is_open) {
                    Some(ended) => ended.report.status = Some("timeout".into()),
                    None => pending.timed_out = true,
                }
            }
            Said::Done { .. } => {}
            Said::Report(report) => {
                let pending = std::mem::take(pending);
                all.push(invocation(event, report, &pending));
            }
        }
    }
    all
}

fn invocation(event: &Event, report: &Report, pending: &Pending) -> Invocation {
    let mut report = report.clone();
    if pending.timed_out && report.status.is_none() {
        report.status = Some("timeout".into());
    }
    let begun = report.request_id.as_ref().and_then(|id| pending.began.get(id)).copied();
    let before_end = event
        .at_us
        .zip(report.duration_ms)
        .map(|(at, ms)| at.saturating_sub((1e3 * ms) as i64));
    // An initialisation that ran again is part of the duration, and `START` comes after it.
    let begun_us = match (begun, before_end) {
        (Some(begun), Some(before)) if begun.saturating_sub(before) as f64 > 1e3 * AHEAD_MS => Some(before),
        (begun, before) => begun.or(before),
    };
    let again = pending.init.as_ref().is_some_and(|init| init.status.is_some());
    let start = if pending.restored || report.restore_ms.is_some() {
        Start::Restore {
            ms: report.restore_ms.or(pending.restore_ms),
        }
    } else if let Some(ms) = pending.emulated_ms {
        Start::Init {
            ms: Some(ms),
            again: false,
            ahead: false,
        }
    } else if report.init_ms.is_some() || pending.init.is_some() || pending.init_began_us.is_some() {
        let ms = report.init_ms.or_else(|| pending.init.as_ref()?.duration_ms);
        let kept_ready = pending.init.as_ref().and_then(|init| init.kind.as_deref()) == Some("provisioned-concurrency");
        let idle_ms = pending
            .init_began_us
            .zip(begun)
            .zip(ms)
            .map(|((began, begun), ms)| begun.saturating_sub(began) as f64 / 1e3 - ms);
        Start::Init {
            ms,
            again,
            ahead: kept_ready || (!again && idle_ms.is_some_and(|idle| idle > AHEAD_MS)),
        }
    } else {
        Start::Warm
    };
    Invocation {
        begun_us,
        ended_us: event.at_us,
        stream: event.stream.clone(),
        group: event.group.clone(),
        start,
        report,
        emulated: pending.emulated_ms.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::read::lambda::{export, message};

    /// Invocations of lines with times in milliseconds.
    fn of(lines: &[(i64, &str)]) -> Vec<Invocation> {
        let event = |(ms, line): &(i64, &str)| Event {
            at_us: Some(1_000 * ms),
            stream: None,
            group: None,
            said: message::read(line),
        };
        invocations(&lines.iter().map(event).collect::<Vec<_>>())
    }

    #[test]
    fn a_start_belongs_to_the_invocation_after_it() {
        let seen = of(&[
            (0, "INIT_START Runtime Version: x"),
            (300, "START RequestId: a Version: 1"),
            (310, "END RequestId: a"),
            (310, "REPORT RequestId: a\tDuration: 10.00 ms\tInit Duration: 298.00 ms"),
            (900, "START RequestId: b Version: 1"),
            (905, "REPORT RequestId: b\tDuration: 5.00 ms"),
        ]);
        let begun: Vec<_> = seen.iter().map(|one| (one.begun_us, one.ended_us)).collect();
        assert_eq!(begun, [(Some(300_000), Some(310_000)), (Some(900_000), Some(905_000))]);
        let init = Start::Init {
            ms: Some(298.0),
            again: false,
            ahead: false,
        };
        assert_eq!((seen[0].start, seen[1].start), (init, Start::Warm));
        assert!(seen[0].start.is_waited_for() && !seen[1].start.is_first());
    }

    #[test]
    fn who_finds_an_environment_that_was_made_ready_ahead_has_not_waited() {
        let seen = of(&[
            (0, "INIT_START Runtime Version: x"),
            (60_000, "START RequestId: a Version: 1"),
            (
                60_010,
                "REPORT RequestId: a\tDuration: 10.00 ms\tInit Duration: 298.00 ms",
            ),
        ]);
        assert!(seen[0].start.is_first() && !seen[0].start.is_waited_for());
        let seen = of(&[
            (
                0,
                r#"{"type":"platform.initReport","record":{"initializationType":"provisioned-concurrency","metrics":{"durationMs":298}}}"#,
            ),
            (1, "REPORT RequestId: a\tDuration: 10.00 ms\tInit Duration: 298.00 ms"),
        ]);
        assert!(!seen[0].start.is_waited_for());
    }

    #[test]
    fn an_initialisation_that_takes_too_long_runs_again_inside_the_invocation() {
        let seen = of(&[
            (0, "INIT_START Runtime Version: x"),
            (
                10_009,
                "INIT_REPORT Init Duration: 10009.10 ms\tPhase: init\tStatus: timeout",
            ),
            (10_010, "START RequestId: a Version: 1"),
            (
                22_000,
                "INIT_REPORT Init Duration: 11500.00 ms\tPhase: invoke\tStatus: success",
            ),
            (22_500, "REPORT RequestId: a\tDuration: 12490.00 ms"),
        ]);
        let expected = Start::Init {
            ms: Some(10_009.1),
            again: true,
            ahead: false,
        };
        assert_eq!(seen[0].start, expected);
        // The second initialisation is part of the duration.
        assert_eq!((seen.len(), seen[0].begun_us), (1, Some(10_010_000)));
    }

    /// After a timeout Lambda makes the environment ready again, and its report does not say so.
    #[test]
    fn an_environment_that_was_reset_is_ready_before_the_next_request() {
        let seen = of(&[
            (0, "REPORT RequestId: a\tDuration: 2000.00 ms\tStatus: timeout"),
            (100, "INIT_START Runtime Version: x"),
            (2_237, "INIT_REPORT Init Duration: 2137.34 ms"),
            (3_112, "START RequestId: b Version: 9"),
            (4_019, "REPORT RequestId: b\tDuration: 907.25 ms"),
        ]);
        let expected = Start::Init {
            ms: Some(2_137.34),
            again: false,
            ahead: true,
        };
        assert_eq!((seen[0].start, seen[1].start), (Start::Warm, expected));
    }

    #[test]
    fn a_restore_counts_as_a_start_and_retries_have_one_id() {
        let seen = of(&[
            (0, "RESTORE_START Runtime Version: x"),
            (244, "RESTORE_REPORT Restore Duration: 244.38 ms"),
            (250, "START RequestId: a Version: 9"),
            (
                260,
                "REPORT RequestId: a\tDuration: 10.00 ms\tRestore Duration: 244.38 ms",
            ),
            (400, "START RequestId: a Version: 9"),
            (403, "2020-06-09T15:02:26.150Z Task timed out after 3.00 seconds"),
            (403, "REPORT RequestId: a\tDuration: 3.00 ms"),
        ]);
        assert_eq!(seen[0].start, Start::Restore { ms: Some(244.38) });
        assert_eq!(seen[1].begun_us, Some(400_000));
        let status = |of: &[Invocation], k: usize| of[k].report.status.clone();
        assert_eq!((status(&seen, 0), status(&seen, 1).as_deref()), (None, Some("timeout")));
        let after = of(&[
            (400, "START RequestId: a-b Version: 9"),
            (403, "REPORT RequestId: a-b\tDuration: 3.00 ms"),
            (403, "2020-06-09T15:02:26.150Z a-b Task timed out after 3.00 seconds"),
            (900, "START RequestId: c-d Version: 9"),
            (903, "REPORT RequestId: c-d\tDuration: 3.00 ms"),
        ]);
        assert_eq!(
            (status(&after, 0).as_deref(), status(&after, 1)),
            (Some("timeout"), None)
        );
    }

    #[test]
    fn the_emulator_s_own_line_has_the_initialisation() {
        let seen = of(&[
            (
                0,
                "23 Nov 2021 19:10:37,184 [INFO] (rapid) INIT REPORT(durationMs: 234.423000)",
            ),
            (1, "REPORT RequestId: a\tInit Duration: 0.08 ms\tDuration: 240.00 ms"),
        ]);
        assert!(seen[0].emulated);
        assert!(matches!(seen[0].start, Start::Init { ms: Some(ms), .. } if ms == 234.423));
    }

    #[test]
    fn environments_do_not_mix() {
        let text = "2026-02-14T22:46:53.303Z 2026/02/14/[1]a INIT_START x\n\
                    2026-02-14T22:46:53.304Z 2026/02/14/[1]b START RequestId: 1 Version: 1\n\
                    2026-02-14T22:46:53.305Z 2026/02/14/[1]b REPORT RequestId: 1\tDuration: 1.00 ms\n\
                    2026-02-14T22:46:53.306Z 2026/02/14/[1]a START RequestId: 2 Version: 1\n\
                    2026-02-14T22:46:53.308Z 2026/02/14/[1]a REPORT RequestId: 2\tDuration: 1.00 ms\tInit Duration: 3.00 ms\n";
        let seen = invocations(&export::read("f", text.as_bytes()).unwrap().events);
        let firsts: Vec<bool> = seen.iter().map(|one| one.start.is_first()).collect();
        assert_eq!(firsts, [false, true]);
    }
}
