//! The reason why a start gave no sample.

use std::time::Duration;

use crate::measure::probe::{Expect, NotReady, Ready};
use crate::measure::start::trouble::{Trouble, ended, log};
use crate::measure::usage::Usage;
use crate::model::profile::FailureKind;

/// A start without a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The reason in words.
    pub reason: String,
    /// The remedies, one line each.
    pub hints: Vec<String>,
    /// The last lines that the instance wrote.
    pub log: Vec<String>,
}

impl Failed {
    /// A failure without remedies and without a log.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            hints: Vec::new(),
            log: Vec::new(),
        }
    }
}

/// The kind and the reason of a failure, before the log is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    pub kind: FailureKind,
    reason: String,
    hints: Vec<String>,
}

impl Why {
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            kind,
            reason,
            hints: Vec::new(),
        }
    }

    /// A failure whose cause is known.
    pub fn known(kind: FailureKind, trouble: Trouble) -> Self {
        Self {
            kind,
            reason: trouble.what,
            hints: trouble.hints,
        }
    }

    /// The same failure, with the end of the time in front of its cause.
    pub fn after(self, ready_timeout: Duration) -> Self {
        Self {
            reason: format!("not ready within {} s: {}", ready_timeout.as_secs_f64(), self.reason),
            ..self
        }
    }

    pub fn other(reason: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, reason)
    }

    /// A sample that proves nothing.
    pub fn dropped(reason: impl std::fmt::Display) -> Self {
        Self::new(FailureKind::Dropped, format!("dropped: {reason}"))
    }

    /// The failure that the prober met.
    pub fn of(not_ready: NotReady, ready_timeout: Duration, usage: Option<&Usage>) -> Self {
        let (kind, reason) = match not_ready {
            NotReady::Timeout(last) => (
                FailureKind::Timeout,
                format!("not ready within {} s: {last}", ready_timeout.as_secs_f64()),
            ),
            NotReady::Wrong(reason) => (FailureKind::Other, reason),
            NotReady::Stopped => (FailureKind::Other, "stopped".into()),
        };
        Self::new(kind, reason).unless_killed(usage)
    }

    /// The failure, unless the kernel has killed a process of the instance for its memory: then that is the reason, and the
    /// rest follows from it.
    pub fn unless_killed(self, usage: Option<&Usage>) -> Self {
        match usage.and_then(Usage::oom_kills) {
            Some(killed) if killed > 0 => Self::new(
                FailureKind::OutOfMemory,
                format!(
                    "out of memory: the kernel killed {killed} of its processes; {}",
                    self.reason
                ),
            ),
            _ => self,
        }
    }

    pub fn without_log(self) -> Failed {
        self.with_log(Vec::new())
    }

    /// The failure with the last lines that the instance wrote, and with the remedy that they suggest.
    pub fn with_log(self, log: Vec<String>) -> Failed {
        let Self {
            kind,
            reason,
            mut hints,
        } = self;
        if kind == FailureKind::Timeout {
            let remedy = log::cause(&log).map(|cause| ended::remedy(&cause));
            hints.extend(remedy.filter(|remedy| !hints.contains(remedy)));
        }
        Failed {
            kind,
            reason,
            hints,
            log,
        }
    }
}

/// Checks that a start was cold: the process that answered has seen no requests but ours.
pub fn was_cold(expect: Expect, ready: &Ready) -> Result<(), Why> {
    match (expect, ready.request_count) {
        (Expect::AnySuccess, _) => Ok(()),
        (Expect::Contract, Some(count)) if (1..=ready.requests).contains(&count) => Ok(()),
        (Expect::Contract, count) => Err(Why::new(
            FailureKind::NotCold,
            format!("not cold: request count {count:?} after {} requests", ready.requests),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::http::Connection;
    use std::time::Instant;

    #[test]
    fn only_our_own_requests_may_have_been_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ready = Ready {
            accepted: Instant::now(),
            answered: Instant::now(),
            tries: 3,
            requests: 2,
            process_id: Some("a".into()),
            request_count: Some(2),
            connection: Connection::open(listener.local_addr().unwrap(), Duration::from_secs(1)).unwrap(),
            closes: false,
            probe_cpu: Duration::ZERO,
        };
        assert_eq!(was_cold(Expect::Contract, &ready), Ok(()));
        ready.request_count = Some(3);
        let why = was_cold(Expect::Contract, &ready).unwrap_err();
        assert_eq!(why.kind, FailureKind::NotCold);
        assert!(why.reason.contains("not cold"));
        assert_eq!(was_cold(Expect::AnySuccess, &ready), Ok(()));
    }

    #[test]
    fn what_the_prober_met_has_a_kind() {
        let kind = |not_ready| Why::of(not_ready, Duration::from_secs(3), None);
        let timeout = kind(NotReady::Timeout("status 503".into()));
        assert_eq!(
            timeout,
            Why::new(FailureKind::Timeout, "not ready within 3 s: status 503")
        );
        assert_eq!(kind(NotReady::Wrong("status 500".into())).kind, FailureKind::Other);
    }
}
