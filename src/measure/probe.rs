//! Waits for a server to become ready: connects again and again, then asks over the accepted connection until the
//! answer is right. Readiness is a checked answer; a listening socket is only a phase boundary.
//!
//! Blocking, meant for a thread of its own. Knows an address and a route, nothing of containers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::attempts::Attempts;
use super::http::{Answer, Connection, Request};

/// Shortest pause between two attempts.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
/// Shortest pause before whoever starts the server says that it runs: it is most of the wait for a fast server, and hardly
/// any is ready by then.
const EARLY_INTERVAL: Duration = Duration::from_millis(2);
/// An accepted connection that gives no answer for so long is given up and replaced by another one.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What a right answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Status 200, body `{"status":"ok"}`, and the headers `x-process-id` and `x-request-count`.
    Contract,
    /// Any status from 200 to 299: for images that do not know the contract.
    AnySuccess,
}

/// Whom to ask, and for what.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server's own address.
    pub address: SocketAddr,
    /// Path of the health route.
    pub path: String,
    /// What a right answer is.
    pub expect: Expect,
}

/// A server that has given its first right answer.
#[derive(Debug)]
pub struct Ready {
    /// When the first connection was accepted.
    pub accepted: Instant,
    /// When the first right answer was complete.
    pub answered: Instant,
    /// Connection attempts before the first accepted one.
    pub tries: u32,
    /// Requests sent, the answered one included.
    pub requests: u64,
    /// The process that answered.
    pub process_id: Option<String>,
    /// How many requests that process had seen, this one included.
    pub request_count: Option<u64>,
    /// The connection, kept.
    pub connection: Connection,
    /// Whether the server closes it after the answer.
    pub closes: bool,
}

/// Why there was no right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// The deadline passed; what the last attempt met.
    Timeout(String),
    /// It had been ready, and then gave a wrong answer or none.
    Wrong(String),
    /// The stop flag was set.
    Stopped,
}

/// The pause between attempts: 0.25% of the time passed, at least 1 ms. Polling steals CPU from what it waits for.
pub fn interval(elapsed: Duration) -> Duration {
    (elapsed / 400).max(SHORTEST_INTERVAL)
}

/// Whether an answer is right.
pub fn is_right(answer: &Answer, expect: Expect) -> Result<(), String> {
    match expect {
        Expect::AnySuccess if (200..300).contains(&answer.status) => Ok(()),
        Expect::AnySuccess => Err(format!("status {}", answer.status)),
        Expect::Contract if answer.status != 200 => Err(format!("status {}", answer.status)),
        Expect::Contract => {
            let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
            if body != Some(serde_json::json!({"status": "ok"})) {
                return Err(r#"a body other than {"status":"ok"}"#.into());
            }
            if answer.process_id.is_none() || answer.request_count.is_none() {
                return Err("no x-process-id or x-request-count header".into());
            }
            Ok(())
        }
    }
}

/// Asks until the first right answer. `began` is when the server was told to start; `started` is set once it is said to run.
pub fn until_ready(
    target: &Target,
    began: Instant,
    deadline: Instant,
    started: &AtomicBool,
    stop: &AtomicBool,
) -> Result<Ready, NotReady> {
    let pause = || match started.load(Ordering::Relaxed) {
        true => interval(began.elapsed()),
        false => interval(began.elapsed()).max(EARLY_INTERVAL),
    };
    let request = Request::get(&target.path);
    let mut attempts = Attempts::new(target.address);
    let mut requests = 0;
    let mut first = None;
    let mut last = None;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(NotReady::Stopped);
        }
        if Instant::now() >= deadline {
            return Err(NotReady::Timeout(last.unwrap_or_else(|| match &attempts.last_error {
                Some(error) => format!("no connection accepted: {error}"),
                None => "no connection accepted, packets got lost".into(),
            })));
        }
        let Some(stream) = attempts.next(pause()) else {
            continue;
        };
        let (accepted, tries) = *first.get_or_insert_with(|| (Instant::now(), attempts.begun - 1));
        requests += 1;
        let patience = deadline.min(Instant::now() + ANSWER_TIMEOUT);
        let asked = Connection::over(stream).and_then(|mut connection| {
            let answer = connection.ask(&request, patience, stop)?;
            Ok((connection, answer))
        });
        let answered = Instant::now();
        match asked {
            Ok((connection, answer)) => match is_right(&answer, target.expect) {
                Ok(()) => {
                    return Ok(Ready {
                        accepted,
                        answered,
                        tries,
                        requests,
                        process_id: answer.process_id,
                        request_count: answer.request_count,
                        connection,
                        closes: answer.closes,
                    });
                }
                Err(wrong) => last = Some(format!("{} answered with {wrong}", target.path)),
            },
            Err(error) => last = Some(format!("connection accepted, then: {error}")),
        }
        std::thread::sleep(pause());
    }
}

/// The first request of the workload, sent to a server that is ready.
#[derive(Debug)]
pub struct FirstRequest {
    /// When it was sent, a new connection included if the server had closed the first one.
    pub sent: Instant,
    /// When the answer was complete.
    pub answered: Instant,
    /// The connection, kept.
    pub connection: Connection,
}

/// Sends the first request of the workload. Any answer but a right status is an error.
pub fn first_request(
    target: &Target,
    kept: Option<Connection>,
    request: &Request,
    deadline: Instant,
    stop: &AtomicBool,
) -> Result<FirstRequest, NotReady> {
    let sent = Instant::now();
    let asked = kept.map_or_else(|| Connection::open(target.address, ANSWER_TIMEOUT), Ok);
    let asked = asked.and_then(|mut connection| Ok((connection.ask(request, deadline, stop)?, connection)));
    let answered = Instant::now();
    let (answer, connection) = asked.map_err(|error| {
        if stop.load(Ordering::Relaxed) {
            NotReady::Stopped
        } else if error.kind() == std::io::ErrorKind::TimedOut {
            NotReady::Timeout("no answer to the first request after the limit was set".into())
        } else {
            NotReady::Wrong(format!("the first request after the limit was set: {error}"))
        }
    })?;
    let right = match target.expect {
        Expect::Contract => answer.status == 200,
        Expect::AnySuccess => (200..300).contains(&answer.status),
    };
    if !right {
        let status = answer.status;
        return Err(NotReady::Wrong(format!(
            "the first request after the limit was set got status {status}"
        )));
    }
    Ok(FirstRequest {
        sent,
        answered,
        connection,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn the_interval_grows_with_the_time_passed() {
        let ms = |elapsed: u64| interval(Duration::from_millis(elapsed)).as_micros();
        assert_eq!([ms(0), ms(400), ms(800), ms(20_000)], [1_000, 1_000, 2_000, 50_000]);
    }

    #[test]
    fn a_503_is_not_yet_and_counts_as_a_request() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for head in ["503 Service Unavailable", "200 OK"] {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]).unwrap();
                let answer = format!(
                    "HTTP/1.1 {head}\r\nx-process-id: a\r\nx-request-count: 2\r\ncontent-length: 15\r\n\r\n{{\"status\":\"ok\"}}"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let target = Target {
            address,
            path: "/healthz".into(),
            expect: Expect::Contract,
        };
        let now = Instant::now();
        let ready = until_ready(
            &target,
            now,
            now + Duration::from_secs(5),
            &AtomicBool::new(true),
            &AtomicBool::new(false),
        )
        .unwrap();
        server.join().unwrap();
        assert_eq!((ready.requests, ready.request_count, ready.tries), (2, Some(2), 0));
        assert!(ready.answered - ready.accepted >= SHORTEST_INTERVAL);
    }

    #[test]
    fn the_first_request_wants_a_right_status_also_on_a_new_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target {
            address: listener.local_addr().unwrap(),
            path: "/healthz".into(),
            expect: Expect::Contract,
        };
        let server = std::thread::spawn(move || {
            for head in ["200 OK", "204 No Content"] {
                let (mut stream, _) = listener.accept().unwrap();
                let n = stream.read(&mut [0; 1024]).unwrap();
                assert!(n > 0);
                std::thread::sleep(Duration::from_millis(20));
                write!(stream, "HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        });
        let stop = AtomicBool::new(false);
        let ask = |kept| {
            first_request(
                &target,
                kept,
                &Request::get("/json"),
                Instant::now() + ANSWER_TIMEOUT,
                &stop,
            )
        };
        let kept = Connection::open(target.address, ANSWER_TIMEOUT).unwrap();
        let right = ask(Some(kept)).unwrap();
        assert!(right.answered - right.sent >= Duration::from_millis(20));
        // No connection was kept, and the contract wants a 200.
        let wrong = ask(None).unwrap_err();
        assert!(matches!(wrong, NotReady::Wrong(reason) if reason.contains("204")));
        server.join().unwrap();
    }

    #[test]
    fn nobody_there_is_a_timeout_with_the_last_symptom() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let target = Target {
            address: closed,
            path: "/".into(),
            expect: Expect::AnySuccess,
        };
        let now = Instant::now();
        let outcome = until_ready(
            &target,
            now,
            now + Duration::from_millis(30),
            &AtomicBool::new(true),
            &AtomicBool::new(false),
        );
        assert!(matches!(outcome, Err(NotReady::Timeout(last)) if last.contains("refused")));
    }
}
