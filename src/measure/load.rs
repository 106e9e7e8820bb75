//! Load on one server, from blocking client threads: open loop at a fixed rate, one request after the other, closed
//! loop with a number of clients. Latencies are milliseconds.
//!
//! In the open loop a latency counts from the moment at which the request was due, not from the moment at which the
//! client came to send it: a server that stalls may not hide the requests it held up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::http::{Answer, Connection, Request};
use crate::stats::regression;

/// A single request may take so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// A client whose connection broke so often in a row gives up.
const GIVE_UP_AFTER: u32 = 3;
/// The clients' threads need little.
const STACK_BYTES: usize = 128 << 10;

/// A server under load and its stop flag.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// Its address.
    pub address: SocketAddr,
    /// Set when the measurement is to end.
    pub stop: &'a AtomicBool,
}

/// What a closed loop saw.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Throughput {
    /// Right answers per second.
    pub per_second: f64,
    /// Right answers in all, those that came after the end included.
    pub completed: u32,
    /// Wrong answers and broken connections.
    pub errors: u32,
}

impl Server<'_> {
    /// A new connection.
    pub fn connect(&self) -> std::io::Result<Connection> {
        Connection::open(self.address, Duration::from_secs(5))
    }

    /// Sends one request over `connection`, as [`Self::answer`] does. True when the status is from 200 to 299.
    pub fn ask(&self, connection: &mut Connection, request: &Request) -> std::io::Result<bool> {
        let answer = self.answer(connection, request)?;
        Ok((200..300).contains(&answer.status))
    }

    /// Sends one request over `connection`, which is replaced if the server closes it. A connection that the server has
    /// closed while it was idle is replaced and the request sent again, once.
    pub fn answer(&self, connection: &mut Connection, request: &Request) -> std::io::Result<Answer> {
        let deadline = Instant::now() + PATIENCE;
        let answer = match connection.ask(request, deadline, self.stop) {
            Err(error) if connection.is_unanswered() && was_closed(&error) => {
                *connection = self.connect()?;
                connection.ask(request, deadline, self.stop)?
            }
            asked => asked?,
        };
        if answer.closes {
            *connection = self.connect()?;
        }
        Ok(answer)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn was_closed(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// Sends `count` requests at `rate` per second over one connection; `after` is called after each with its number.
/// Returns each latency from its due time and the number of wrong answers.
pub fn open_loop(
    server: Server<'_>,
    connection: &mut Connection,
    request: &Request,
    rate: f64,
    count: usize,
    mut after: impl FnMut(usize),
) -> std::io::Result<(Vec<f64>, u32)> {
    let mut latencies = Vec::with_capacity(count);
    let mut errors = 0;
    let began = Instant::now();
    for k in 0..count {
        if server.stopped() {
            return Err(std::io::Error::other("stopped"));
        }
        let due = began + Duration::from_secs_f64(k as f64 / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let right = server.ask(connection, request)?;
        latencies.push(ms(due.elapsed()));
        errors += u32::from(!right);
        after(k);
    }
    Ok((latencies, errors))
}

/// One request after the other over one connection until `count` are done or `limit` has passed; `after` is called
/// after each with its number. Returns each round trip and the number of wrong answers.
pub fn one_by_one(
    server: Server<'_>,
    connection: &mut Connection,
    request: &Request,
    count: usize,
    limit: Duration,
    mut after: impl FnMut(usize),
) -> std::io::Result<(Vec<f64>, u32)> {
    let mut latencies = Vec::with_capacity(count);
    let mut errors = 0;
    let end = Instant::now() + limit;
    for k in 0..count {
        if Instant::now() >= end || server.stopped() {
            break;
        }
        let sent = Instant::now();
        let right = server.ask(connection, request)?;
        latencies.push(ms(sent.elapsed()));
        errors += u32::from(!right);
        after(k);
    }
    Ok((latencies, errors))
}

/// `clients` connections, each sending its next request as soon as it has an answer, for about `lasting`. `watch` is
/// called every 100 ms meanwhile.
///
/// The rate is the slope of all completions against time, so that neither connecting nor clients in lockstep nor the
/// request cut off by the end bias it.
pub fn closed_loop(
    server: Server<'_>,
    request: &Request,
    clients: u32,
    lasting: Duration,
    mut watch: impl FnMut(),
) -> Throughput {
    let errors = AtomicU32::new(0);
    let running = AtomicU32::new(clients);
    let began = Instant::now();
    let end = began + lasting;
    let client = || {
        let completions = client_loop(server, request, end, &errors);
        running.fetch_sub(1, Ordering::Relaxed);
        completions
    };
    let mut completions: Vec<Instant> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .filter_map(|_| {
                std::thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, client)
                    .ok()
            })
            .collect();
        while running.load(Ordering::Relaxed) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100).min(end.saturating_duration_since(Instant::now())));
            watch();
        }
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .flatten()
            .collect()
    });
    let completed = completions.len() as u32;
    completions.retain(|at| *at < end);
    completions.sort_unstable();
    Throughput {
        per_second: slope(&completions, began),
        completed,
        errors: errors.into_inner(),
    }
}

/// Completions per second, from their number against time; 0 with fewer than two.
fn slope(completions: &[Instant], began: Instant) -> f64 {
    let points: Vec<(f64, f64)> = completions
        .iter()
        .zip(0u32..)
        .map(|(at, number)| ((*at - began).as_secs_f64(), f64::from(number)))
        .collect();
    regression::line(&points).map_or(0.0, |line| line.slope)
}

/// When one client got its right answers; the one in flight at the end is waited for.
fn client_loop(server: Server<'_>, request: &Request, end: Instant, errors: &AtomicU32) -> Vec<Instant> {
    let mut completions = Vec::new();
    let mut broken_in_a_row = 0;
    let mut connection = server.connect();
    while Instant::now() < end && !server.stopped() && broken_in_a_row < GIVE_UP_AFTER {
        let outcome = match &mut connection {
            Ok(connection) => server.ask(connection, request),
            Err(_) => Err(std::io::ErrorKind::NotConnected.into()),
        };
        match outcome {
            Ok(true) => {
                completions.push(Instant::now());
                broken_in_a_row = 0;
            }
            Ok(false) => {
                errors.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                errors.fetch_add(1, Ordering::Relaxed);
                broken_in_a_row += 1;
                connection = server.connect();
            }
        }
    }
    completions
}

/// Milliseconds, to the microsecond.
pub fn ms(duration: Duration) -> f64 {
    round3(duration.as_secs_f64() * 1e3)
}

/// Rounds to three decimals.
pub fn round3(x: f64) -> f64 {
    (x * 1e3).round() / 1e3
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    /// A server that waits `delay` before each answer; ends with the process.
    pub fn slow_server(delay: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    while let Some(Ok(line)) = lines.next() {
                        if line.is_empty() {
                            std::thread::sleep(delay);
                            stream
                                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                                .unwrap();
                        }
                    }
                });
            }
        });
        address
    }

    #[test]
    fn a_connection_closed_while_idle_is_replaced() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            drop(listener.accept().unwrap());
            let (mut stream, _) = listener.accept().unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
        });
        let stop = AtomicBool::new(false);
        let server = Server { address, stop: &stop };
        let mut connection = server.connect().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert!(server.ask(&mut connection, &Request::get("/")).unwrap());
    }

    #[test]
    fn a_closed_loop_obeys_littles_law() {
        let stop = AtomicBool::new(false);
        let server = Server {
            address: slow_server(Duration::from_millis(50)),
            stop: &stop,
        };
        let seen = closed_loop(server, &Request::get("/"), 4, Duration::from_millis(600), || {});
        assert_eq!(seen.errors, 0);
        assert!((40..=52).contains(&seen.completed), "{}", seen.completed);
        let servers = seen.per_second * 0.050;
        assert!((3.0..=4.05).contains(&servers), "{servers}");
    }

    #[test]
    fn completions_in_lockstep_and_apart_give_the_same_rate() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        // Four at a time every 100 ms, and one every 25 ms: 40 per second.
        let together: Vec<Instant> = (1..=10).flat_map(|k| [at(100 * k); 4]).collect();
        let apart: Vec<Instant> = (1..=40).map(|k| at(25 * k)).collect();
        assert!((slope(&together, began) - 40.0).abs() < 1e-6);
        assert!((slope(&apart, began) - 40.0).abs() < 1e-6);
        assert_eq!(slope(&[at(5)], began), 0.0);
        assert_eq!(slope(&[], began), 0.0);
    }

    #[test]
    fn a_stall_is_charged_to_the_requests_it_held_up() {
        let stop = AtomicBool::new(false);
        let server = Server {
            address: slow_server(Duration::from_millis(20)),
            stop: &stop,
        };
        let mut connection = server.connect().unwrap();
        // Due every 10 ms, answered every 20 ms: each request waits 10 ms longer than the one before.
        let (latencies, errors) = open_loop(server, &mut connection, &Request::get("/"), 100.0, 8, |_| {}).unwrap();
        assert_eq!(errors, 0);
        assert!(latencies[0] >= 20.0 && latencies[7] >= 85.0, "{latencies:?}");
    }
}
