//! The view of the prober while it waits, for those who decide if waiting makes sense.

use std::fmt;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::measure::escape;
use crate::measure::http::Answer;
use crate::measure::usage::Usage;

/// The bytes kept of an answer that is not HTTP.
const FOREIGN_BYTES: usize = 64;
/// The wait for an answer from which on the server counts as silent.
const SILENCE: Duration = Duration::from_secs(1);

/// The outcome of an attempt that met no ready server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symptom {
    /// No connection was accepted, with the error of the last attempt.
    NoConnection(String),
    /// A connection was accepted, and no answer has come.
    Silent,
    /// A connection was accepted and closed without an answer.
    Closed,
    /// The first bytes of something that is not HTTP/1.1.
    Foreign(Vec<u8>),
    /// An answer of HTTP that is not the right one.
    Wrong(Refusal),
    /// The connection broke in another way.
    Broken(String),
}

/// An answer that is not the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The header `location`.
    pub location: Option<String>,
    /// The first line of the body, escaped.
    pub first_line: Option<String>,
    /// The difference to the right answer, such as `status 503`.
    pub wrong: String,
}

impl Refusal {
    /// The refusal in an answer that differs from the right one by `wrong`.
    pub fn of(answer: &Answer, wrong: String) -> Self {
        Self {
            status: answer.status,
            location: answer.location.as_deref().map(|text| escape::line(text, escape::LINE)),
            first_line: escape::first_line(&answer.body),
            wrong,
        }
    }
}

impl Symptom {
    /// The symptom of a connection that was accepted and failed with `error` after these bytes.
    pub fn of_error(error: &io::Error, received: &[u8]) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, TimedOut, UnexpectedEof};
        match error.kind() {
            _ if !received.is_empty() => Self::Foreign(received[..received.len().min(FOREIGN_BYTES)].to_vec()),
            TimedOut => Self::Silent,
            BrokenPipe | ConnectionReset | UnexpectedEof => Self::Closed,
            _ => Self::Broken(error.to_string()),
        }
    }

    /// Returns true if both are the same state of a server.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Wrong(one), Self::Wrong(other)) => one.status == other.status && one.location == other.location,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection(error) => write!(f, "no connection accepted: {error}"),
            Self::Silent => f.write_str("connection accepted, then no answer"),
            Self::Closed => f.write_str("connection accepted, then closed without an answer"),
            Self::Foreign(bytes) => {
                let text = escape::line(&String::from_utf8_lossy(bytes), 40);
                write!(f, "connection accepted, then an answer that is not HTTP/1.1: {text}")
            }
            Self::Wrong(refusal) => {
                write!(f, "answered with {}", refusal.wrong)?;
                if let Some(location) = &refusal.location {
                    write!(f, " to {location}")?;
                }
                match &refusal.first_line {
                    Some(line) => write!(f, " ({line})"),
                    None => Ok(()),
                }
            }
            Self::Broken(error) => write!(f, "connection accepted, then: {error}"),
        }
    }
}

/// A symptom that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lasting {
    /// The symptom.
    pub symptom: Symptom,
    /// The time of the first attempt in a row with this symptom.
    pub since: Instant,
}

/// The state that a prober shares with the task that started it.
#[derive(Debug, Default)]
pub struct Shared {
    /// True once the engine says that the server runs.
    pub started: AtomicBool,
    /// The counter of the CPU time of the server, once it is known.
    pub usage: OnceLock<Usage>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    lasting: Option<Lasting>,
    /// The time at which the request was sent that has no answer yet.
    asked: Option<Instant>,
}

impl Shared {
    /// A state in which the server runs already.
    pub fn running() -> Self {
        let shared = Self::default();
        shared.started.store(true, std::sync::atomic::Ordering::Relaxed);
        shared
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request was sent.
    pub fn asks(&self) {
        self.seen().asked = Some(Instant::now());
    }

    /// Notes the outcome of an attempt.
    pub fn met(&self, symptom: Symptom) {
        let mut seen = self.seen();
        let asked = seen.asked.take();
        let before = seen.lasting.take().filter(|before| before.symptom.is_like(&symptom));
        let since = before.map_or_else(|| asked.unwrap_or_else(Instant::now), |before| before.since);
        seen.lasting = Some(Lasting { symptom, since });
    }

    /// The symptom of now; `None` before the first outcome.
    pub fn now(&self) -> Option<Lasting> {
        let seen = self.seen();
        let silent = seen.asked.filter(|asked| asked.elapsed() >= SILENCE);
        match (silent, &seen.lasting) {
            (Some(_), Some(lasting)) if lasting.symptom == Symptom::Silent => Some(lasting.clone()),
            (Some(since), _) => Some(Lasting {
                symptom: Symptom::Silent,
                since,
            }),
            (None, lasting) => lasting.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(status: u16) -> Symptom {
        let answer = Answer {
            status,
            body: b"<h1>\x1bno</h1>".to_vec(),
            ..Answer::default()
        };
        Symptom::Wrong(Refusal::of(&answer, format!("status {status}")))
    }

    #[test]
    fn a_symptom_lasts_until_another_one_comes() {
        let shared = Shared::default();
        assert_eq!(shared.now(), None);
        shared.met(Symptom::NoConnection("refused".into()));
        let first = shared.now().unwrap();
        std::thread::sleep(Duration::from_millis(2));
        shared.met(Symptom::NoConnection("reset".into()));
        assert_eq!(shared.now().unwrap().since, first.since);
        shared.met(wrong(503));
        let late = shared.now().unwrap();
        assert!(late.since > first.since);
        assert_eq!(late.symptom.to_string(), "answered with status 503 (\\x1bno)");
        shared.met(wrong(404));
        assert!(shared.now().unwrap().since >= late.since);
        assert_eq!(shared.now().unwrap().symptom, wrong(404));
    }

    #[test]
    fn a_request_without_an_answer_becomes_silence() {
        let shared = Shared::default();
        shared.met(wrong(503));
        shared.asks();
        assert_eq!(shared.now().unwrap().symptom, wrong(503), "it may still come");
        shared.seen().asked = Instant::now().checked_sub(SILENCE * 2);
        let silent = shared.now().unwrap();
        assert_eq!(silent.symptom, Symptom::Silent);
        assert!(silent.since.elapsed() >= SILENCE * 2);
    }

    #[test]
    fn broken_connections_have_kinds() {
        let of = |kind: io::ErrorKind, bytes: &[u8]| Symptom::of_error(&kind.into(), bytes);
        assert_eq!(of(io::ErrorKind::UnexpectedEof, b""), Symptom::Closed);
        assert_eq!(of(io::ErrorKind::ConnectionReset, b""), Symptom::Closed);
        assert_eq!(of(io::ErrorKind::TimedOut, b""), Symptom::Silent);
        let tls = of(io::ErrorKind::InvalidData, b"\x15\x03\x03\x00\x02\x02\x50");
        assert_eq!(tls, Symptom::Foreign(b"\x15\x03\x03\x00\x02\x02\x50".to_vec()));
        assert!(tls.to_string().contains("not HTTP/1.1: \\x15\\x03"), "{tls}");
        let long = of(io::ErrorKind::InvalidData, &[b'x'; 500]);
        assert_eq!(long, Symptom::Foreign(vec![b'x'; FOREIGN_BYTES]));
    }
}
