//! Load on one server from blocking client threads: an open loop at a fixed rate, one request after the other, or a closed
//! loop with a number of clients. Latencies are milliseconds.
//!
//! In the open loop a latency counts from the moment at which the request was due, and not from the moment at which the
//! client sent it. So a server that stalls cannot hide the requests that it held up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::measure::http::{Answer, Connection, Request};
use crate::measure::usage::Usage;
use crate::stats::histogram::Histogram;
use crate::stats::regression;

pub mod offered;

/// The longest time that a single request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of broken connections in a row after which a client gives up.
const GIVE_UP_AFTER: u32 = 3;
/// The time that a server gets to accept the connections of a load.
const ACCEPTED: Duration = Duration::from_millis(5);
/// The stack of a client's thread.
const STACK_BYTES: usize = 128 << 10;

/// A server under load, with its stop flag.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// Its address.
    pub address: SocketAddr,
    /// The flag that ends the measurement.
    pub stop: &'a AtomicBool,
}

/// The result of a closed loop.
#[derive(Debug)]
pub struct Throughput {
    /// The correct answers per second.
    pub per_second: f64,
    /// All correct answers, those after the end included.
    pub completed: u32,
    /// The wrong answers and broken connections.
    pub errors: u32,
    /// The CPU time of the server from the first request to the last answer, without that of connecting; `None` if it was not
    /// read.
    pub cpu: Option<Duration>,
    /// From the first request to the last answer.
    pub lasted: Duration,
    /// The latencies of the correct answers in nanoseconds.
    pub latencies: Histogram,
}

impl Throughput {
    /// Returns the CPU milliseconds per request, without those of an idle server, which burns `idle_ms_per_s`; `None` if it was
    /// not read or nothing was answered.
    pub fn cpu_ms(&self, idle_ms_per_s: Option<f64>) -> Option<f64> {
        per_request(self.cpu?, self.lasted, u64::from(self.completed), idle_ms_per_s)
    }
}

/// The CPU milliseconds of each of `requests`, without those of an idle server, rounded to a tenth of a microsecond: the handler
/// of a fast server takes ten microseconds. `None` without requests.
pub fn per_request(cpu: Duration, lasted: Duration, requests: u64, idle_ms_per_s: Option<f64>) -> Option<f64> {
    let idle_ms = idle_ms_per_s.unwrap_or(0.0) * lasted.as_secs_f64();
    let net = (cpu.as_secs_f64() * 1e3 - idle_ms).max(0.0);
    (requests > 0).then(|| (net / requests as f64 * 1e4).round() / 1e4)
}

/// Opens `count` connections, and gives the server a moment to accept them. The cost of connecting then lies before the load.
fn connected(server: Server<'_>, count: usize) -> Vec<std::io::Result<Connection>> {
    let connections = (0..count).map(|_| server.connect()).collect();
    std::thread::sleep(ACCEPTED);
    connections
}

impl Server<'_> {
    /// Opens a new connection.
    pub fn connect(&self) -> std::io::Result<Connection> {
        Connection::open(self.address, Duration::from_secs(5))
    }

    /// Sends one request over `connection`, as [`Self::answer`] does. Returns true if the status is from 200 to 299.
    pub fn ask(&self, connection: &mut Connection, request: &Request) -> std::io::Result<bool> {
        let answer = self.answer(connection, request)?;
        Ok((200..300).contains(&answer.status))
    }

    /// Sends one request over `connection`, and replaces the connection if the server closes it. If the server has closed the
    /// connection while it was idle, replaces it and sends the request again, once.
    pub fn answer(&self, connection: &mut Connection, request: &Request) -> std::io::Result<Answer> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
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

/// Sends `count` requests at `rate` per second over one connection, and calls `after` with the number of each. Returns the
/// latencies, each from the time at which its request was due, and the number of wrong answers.
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

/// Sends one request after the other over one connection until `count` are done or `limit` has passed, and calls `after` with
/// the number of each. Returns the round trips and the number of wrong answers.
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

/// Runs a closed loop for about `lasting`: each of `clients` sends its next request as soon as it has an answer. Reads the CPU
/// time of the server around it, and calls `watch` every 100 ms.
///
/// The rate is the slope of all completions against time. So clients in lockstep and the requests that the end cuts off do
/// not bias it.
pub fn closed_loop(
    server: Server<'_>,
    usage: Option<&Usage>,
    request: &Request,
    clients: u32,
    lasting: Duration,
    mut watch: impl FnMut(),
) -> Throughput {
    let errors = AtomicU32::new(0);
    let connections = connected(server, clients as usize);
    let running = AtomicU32::new(0);
    let before = usage.and_then(Usage::cpu_time);
    let began = Instant::now();
    let end = began + lasting;
    // The connections stay open until the CPU time is read, since closing them costs the server as well.
    let mut seen: Vec<Client> = std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .into_iter()
            .filter_map(|connection| {
                let client = || {
                    let seen = client_loop(server, connection, request, end, &errors);
                    running.fetch_sub(1, Ordering::Relaxed);
                    seen
                };
                running.fetch_add(1, Ordering::Relaxed);
                let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
                builder.spawn_scoped(scope, client).ok()
            })
            .collect();
        while running.load(Ordering::Relaxed) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100).min(end.saturating_duration_since(Instant::now())));
            watch();
        }
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let lasted = began.elapsed();
    let cpu = before
        .zip(usage.and_then(Usage::cpu_time))
        .map(|(before, after)| after.saturating_sub(before));
    let mut latencies = Histogram::new();
    seen.iter().for_each(|client| latencies.merge(&client.latencies));
    let mut completions: Vec<Instant> = seen
        .iter_mut()
        .flat_map(|client| client.completions.drain(..))
        .collect();
    let completed = completions.len() as u32;
    completions.retain(|at| *at < end);
    completions.sort_unstable();
    Throughput {
        per_second: slope(&completions, began),
        completed,
        errors: errors.into_inner(),
        cpu,
        lasted,
        latencies,
    }
}

/// The completions per second, by regression of their number on time; 0 with fewer than two.
fn slope(completions: &[Instant], began: Instant) -> f64 {
    let points: Vec<(f64, f64)> = completions
        .iter()
        .zip(0u32..)
        .map(|(at, number)| ((*at - began).as_secs_f64(), f64::from(number)))
        .collect();
    regression::line(&points).map_or(0.0, |line| line.slope)
}

/// The answers of one client, and its connection.
struct Client {
    /// The times of the correct answers.
    completions: Vec<Instant>,
    latencies: Histogram,
    _connection: std::io::Result<Connection>,
}

/// Lets one client ask until `end`. It waits for the answer in flight at the end.
fn client_loop(
    server: Server<'_>,
    mut connection: std::io::Result<Connection>,
    request: &Request,
    end: Instant,
    errors: &AtomicU32,
) -> Client {
    let mut completions = Vec::new();
    let mut latencies = Histogram::new();
    let mut broken_in_a_row = 0;
    while Instant::now() < end && !server.stopped() && broken_in_a_row < GIVE_UP_AFTER {
        let sent = Instant::now();
        let outcome = match &mut connection {
            Ok(connection) => server.ask(connection, request),
            Err(_) => Err(std::io::ErrorKind::NotConnected.into()),
        };
        match outcome {
            Ok(true) => {
                completions.push(Instant::now());
                latencies.record(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
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
    Client {
        completions,
        latencies,
        _connection: connection,
    }
}

/// The milliseconds of a duration, rounded to the microsecond.
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
        let seen = closed_loop(server, None, &Request::get("/"), 4, Duration::from_millis(600), || {});
        assert_eq!(seen.errors, 0);
        assert!((40..=52).contains(&seen.completed), "{}", seen.completed);
        let servers = seen.per_second * 0.050;
        assert!((3.0..=4.05).contains(&servers), "{servers}");
        assert!(seen.latencies.quantile(0.5).unwrap() >= 50_000_000);
        assert_eq!((seen.latencies.total(), seen.cpu), (u64::from(seen.completed), None));
    }

    #[test]
    fn cpu_per_request_leaves_out_what_an_idle_server_burns() {
        let of = |requests, idle| per_request(Duration::from_millis(30), Duration::from_secs(2), requests, idle);
        assert_eq!(
            (of(1000, None), of(1000, Some(5.0)), of(0, None)),
            (Some(0.03), Some(0.02), None)
        );
        assert_eq!(of(10, Some(100.0)), Some(0.0));
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
