//! The probe: waits for a server to become ready. It connects again and again, then asks over the accepted connection until the
//! answer is correct. A server is ready when a checked answer has come; a listening socket is only the end of a phase.
//!
//! The probe blocks and runs on a thread of its own. It knows an address and a route, and nothing of containers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::measure::http::{Answer, Connection, Request};
use crate::measure::options::Headers;

mod attempts;
mod cost;
pub mod sight;

use attempts::Attempts;
use cost::Cost;
use sight::{Refusal, Shared, Symptom};

/// The shortest pause between two attempts.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
/// The shortest pause before the engine says that the server runs. This is most of the wait for a fast server, and hardly
/// any server is ready by then.
const EARLY_INTERVAL: Duration = Duration::from_millis(2);
/// The shortest pause after an answer that says that the server is not ready.
const ANSWERED_INTERVAL: Duration = Duration::from_millis(20);
/// The longest wait for an answer on an accepted connection; another connection then takes its place.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The rule for a correct answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Status 200, body `{"status":"ok"}`, and the headers `x-process-id` and `x-request-count`.
    Contract,
    /// Any status from 200 to 299: for images that do not know the contract.
    AnySuccess,
}

/// The address and the route that the probe asks.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The server's own address.
    pub address: SocketAddr,
    /// The path of the health route.
    pub path: String,
    /// The headers that each request carries in addition.
    pub headers: Headers,
    /// The rule for a correct answer.
    pub expect: Expect,
}

impl Endpoint {
    /// The request to the health route.
    pub fn request(&self) -> Request {
        self.headers.on(&Request::get(&self.path))
    }
}

/// A server that has given its first correct answer.
#[derive(Debug)]
pub struct Ready {
    /// The time at which the first connection was accepted.
    pub accepted: Instant,
    /// The time at which the first correct answer was complete.
    pub answered: Instant,
    /// The number of connection attempts before the first accepted one.
    pub tries: u32,
    /// The number of requests sent, the answered one included.
    pub requests: u64,
    /// The id of the process that answered.
    pub process_id: Option<String>,
    /// The number of requests that this process had seen, this one included.
    pub request_count: Option<u64>,
    /// The connection, which stays open.
    pub connection: Connection,
    /// True if the server closes it after the answer.
    pub closes: bool,
    /// The CPU time that the server spent on requests that it answered before it was ready.
    pub probe_cpu: Duration,
}

/// The reason why there was no correct answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// The deadline passed, with the outcome of the last attempt.
    Timeout(String),
    /// The server had been ready, and then gave a wrong answer or none.
    Wrong(String),
    /// The stop flag was set.
    Stopped,
}

/// The pause between attempts: 0.25% of the time that has passed, and at least 1 ms. Polling takes CPU from the server.
pub fn interval(elapsed: Duration) -> Duration {
    (elapsed / 400).max(SHORTEST_INTERVAL)
}

/// The pause after an answer that says that the server is not ready: 1% of the time that has passed, and at least 20 ms. The
/// server works for each such request, so they are fewer; the time to ready is late by at most this pause.
pub fn answered_interval(elapsed: Duration) -> Duration {
    (elapsed / 100).max(ANSWERED_INTERVAL)
}

/// Checks an answer.
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

/// Asks until the first correct answer. `began` is the time of the call that starts the server. The caller sets
/// `shared.started` once the engine says that the server runs, and can look at `shared` meanwhile.
pub fn until_ready(
    endpoint: &Endpoint,
    began: Instant,
    deadline: Instant,
    shared: &Shared,
    stop: &AtomicBool,
) -> Result<Ready, NotReady> {
    let pause = || match shared.started.load(Ordering::Relaxed) {
        true => interval(began.elapsed()),
        false => interval(began.elapsed()).max(EARLY_INTERVAL),
    };
    let request = endpoint.request();
    let mut attempts = Attempts::new(endpoint.address);
    let mut cost = Cost::default();
    let mut requests = 0;
    let mut first = None;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(NotReady::Stopped);
        }
        if Instant::now() >= deadline {
            let last = shared.now().map(|lasting| lasting.symptom);
            let last = last.unwrap_or_else(|| attempts.symptom());
            return Err(NotReady::Timeout(match last {
                Symptom::Wrong(_) => format!("{} {last}", endpoint.path),
                _ => last.to_string(),
            }));
        }
        cost.attempt(shared.usage.get());
        let Some(stream) = attempts.next(pause()) else {
            shared.met(attempts.symptom());
            continue;
        };
        let (accepted, tries) = *first.get_or_insert_with(|| (Instant::now(), attempts.begun - 1));
        requests += 1;
        let answer_deadline = deadline.min(Instant::now() + ANSWER_TIMEOUT);
        shared.asks();
        let symptom = match Connection::over(stream) {
            Err(error) => Symptom::Broken(error.to_string()),
            Ok(mut connection) => match connection
                .ask(&request, answer_deadline, stop)
                .map(|answer| (answer, Instant::now()))
            {
                Err(error) => Symptom::of_error(&error, connection.received()),
                Ok((answer, answered)) => match is_right(&answer, endpoint.expect) {
                    Err(wrong) => Symptom::Wrong(Refusal::of(&answer, wrong)),
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
                            probe_cpu: cost.total(),
                        });
                    }
                },
            },
        };
        let is_answer = matches!(symptom, Symptom::Wrong(_) | Symptom::Foreign(_));
        shared.met(symptom);
        match is_answer {
            true => cost.pause(answered_interval(began.elapsed()), shared.usage.get()),
            false => std::thread::sleep(pause()),
        }
    }
}

/// The first request of the workload, sent to a server that is ready.
#[derive(Debug)]
pub struct FirstRequest {
    /// The time at which it was sent. A new connection comes after it, if the server had closed the first one.
    pub sent: Instant,
    /// The time at which the answer was complete.
    pub answered: Instant,
    /// The connection, which stays open.
    pub connection: Connection,
}

/// Sends the first request of the workload. Any other status than a correct one is an error.
pub fn first_request(
    endpoint: &Endpoint,
    kept: Option<Connection>,
    request: &Request,
    deadline: Instant,
    stop: &AtomicBool,
) -> Result<FirstRequest, NotReady> {
    let sent = Instant::now();
    let asked = kept.map_or_else(|| Connection::open(endpoint.address, ANSWER_TIMEOUT), Ok);
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
    let right = match endpoint.expect {
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
        let after = |elapsed: u64| answered_interval(Duration::from_millis(elapsed)).as_millis();
        assert_eq!([after(0), after(2_000), after(20_000)], [20, 20, 200]);
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
        let endpoint = Endpoint {
            address,
            path: "/healthz".into(),
            headers: Headers::default(),
            expect: Expect::Contract,
        };
        let now = Instant::now();
        let ready = until_ready(
            &endpoint,
            now,
            now + Duration::from_secs(5),
            &Shared::running(),
            &AtomicBool::new(false),
        )
        .unwrap();
        server.join().unwrap();
        assert_eq!((ready.requests, ready.request_count, ready.tries), (2, Some(2), 0));
        assert!(
            ready.answered - ready.accepted >= ANSWERED_INTERVAL,
            "each such request costs the server"
        );
    }

    #[test]
    fn the_first_request_wants_a_right_status_also_on_a_new_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint {
            address: listener.local_addr().unwrap(),
            path: "/healthz".into(),
            headers: Headers::default(),
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
                &endpoint,
                kept,
                &Request::get("/json"),
                Instant::now() + ANSWER_TIMEOUT,
                &stop,
            )
        };
        let kept = Connection::open(endpoint.address, ANSWER_TIMEOUT).unwrap();
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
        let endpoint = Endpoint {
            address: closed,
            path: "/".into(),
            headers: Headers::default(),
            expect: Expect::AnySuccess,
        };
        let now = Instant::now();
        let outcome = until_ready(
            &endpoint,
            now,
            now + Duration::from_millis(30),
            &Shared::running(),
            &AtomicBool::new(false),
        );
        assert!(matches!(outcome, Err(NotReady::Timeout(last)) if last.contains("refused")));
    }
}
