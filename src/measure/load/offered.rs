//! An open loop with Poisson arrivals over several connections. The rate does not depend on the answers of the server.
//!
//! The requests of many independent users arrive in a Poisson process, and so they meet in the server; an even rhythm would
//! hide the queues. A latency counts from the moment at which the request was due. Workers take the arrivals in order. A
//! worker that finds the next arrival not yet due sleeps until then; if it wakes late, that counts as the client's fault.
//! If an arrival is due while all workers wait for answers, the delay is the server's.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::measure::http::{Connection, Request};
use crate::measure::load::{Server, connected};
use crate::measure::usage::Usage;
use crate::rng::{Draws, Purpose};
use crate::stats::histogram::Histogram;

/// The largest number of requests in flight.
const WORKERS: usize = 64;
/// The delay from which a request counts as sent late.
const LATE: Duration = Duration::from_millis(1);
/// The stack of a worker's thread.
const STACK_BYTES: usize = 128 << 10;
/// The backlog in seconds of arrivals at which the loop ends early: the server does not keep up, and more time teaches nothing.
const HOPELESS_SECONDS: f64 = 1.5;
/// The pause between two looks at the number in the system.
const LOOK: Duration = Duration::from_millis(100);

/// The result of an open loop.
#[derive(Debug)]
pub struct Offered {
    /// The requests that were due.
    pub due: u64,
    /// The correct answers.
    pub completed: u64,
    /// The wrong answers and broken connections.
    pub errors: u64,
    /// The share of requests that the client sent late by its own fault.
    pub late_share: f64,
    /// The seconds for which requests were due.
    pub seconds: f64,
    /// The latencies in nanoseconds of requests due in the first half, and in the second half.
    pub halves: [Histogram; 2],
    /// The seconds since the start, and the requests in the system at that time.
    pub in_system: Vec<(f64, f64)>,
    /// True if the loop ended early because the server did not keep up.
    pub hopeless: bool,
    /// The CPU time of the server from the first request to the last answer, without that of connecting; `None` if it was not
    /// read.
    pub cpu: Option<Duration>,
    /// From the first request to the last answer.
    pub lasted: Duration,
}

impl Offered {
    /// All latencies in nanoseconds.
    pub fn latencies(&self) -> Histogram {
        let mut all = Histogram::new();
        self.halves.iter().for_each(|half| all.merge(half));
        all
    }
}

/// Offers `rate` requests per second for `lasting`, reads the CPU time of the server around it, and calls `watch` about every
/// 100 ms. The arrivals follow from `seed`.
pub fn offer(
    server: Server<'_>,
    usage: Option<&Usage>,
    request: &Request,
    rate: f64,
    lasting: Duration,
    seed: u64,
    mut watch: impl FnMut(f64),
) -> Offered {
    let due = arrivals(rate, lasting, seed);
    let (next, done, errors, late) = (
        AtomicUsize::new(0),
        AtomicU64::new(0),
        AtomicU64::new(0),
        AtomicU64::new(0),
    );
    let over = AtomicBool::new(false);
    let connections = connected(server, WORKERS);
    let before = usage.and_then(Usage::cpu_time);
    let began = Instant::now();
    let half = lasting / 2;
    let worker = |mut connection: std::io::Result<Connection>| {
        let mut halves = [Histogram::new(), Histogram::new()];
        while !over.load(Ordering::Relaxed) && !server.stop.load(Ordering::Relaxed) {
            let Some(&at) = due.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let moment = began + at;
            let early = moment.saturating_duration_since(Instant::now());
            if !early.is_zero() {
                std::thread::sleep(early);
                late.fetch_add(u64::from(moment.elapsed() > LATE), Ordering::Relaxed);
            }
            let asked = match &mut connection {
                Ok(connection) => server.ask(connection, request),
                Err(_) => Err(std::io::ErrorKind::NotConnected.into()),
            };
            match asked {
                Ok(true) => {
                    done.fetch_add(1, Ordering::Relaxed);
                    let latency = u64::try_from(moment.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    halves[usize::from(at >= half)].record(latency);
                }
                wrong => {
                    errors.fetch_add(1, Ordering::Relaxed);
                    if wrong.is_err() {
                        connection = server.connect();
                    }
                }
            }
        }
        (halves, connection)
    };
    let worker = &worker;
    let mut in_system = Vec::new();
    let mut hopeless = false;
    // The connections stay open until the CPU time is read, since closing them costs the server as well.
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .into_iter()
            .filter_map(|connection| {
                let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
                builder.spawn_scoped(scope, move || worker(connection)).ok()
            })
            .collect();
        while began.elapsed() < lasting && !server.stop.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK.min(lasting.saturating_sub(began.elapsed())));
            let now = began.elapsed();
            let ended = done.load(Ordering::Relaxed) + errors.load(Ordering::Relaxed);
            let inside = (due.partition_point(|&at| at <= now) as u64).saturating_sub(ended) as f64;
            in_system.push((now.as_secs_f64(), inside));
            watch(now.as_secs_f64());
            if inside > WORKERS as f64 + HOPELESS_SECONDS * rate {
                hopeless = true;
                break;
            }
        }
        // Requests in flight are waited for. Requests that were not sent are dropped.
        over.store(true, Ordering::Relaxed);
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let lasted = began.elapsed();
    let cpu = before
        .zip(usage.and_then(Usage::cpu_time))
        .map(|(before, after)| after.saturating_sub(before));
    let mut halves = [Histogram::new(), Histogram::new()];
    for (own, _) in &ended {
        halves.iter_mut().zip(own).for_each(|(all, half)| all.merge(half));
    }
    let seconds = in_system.last().map_or(0.0, |last| last.0);
    let count = due.partition_point(|&at| at.as_secs_f64() <= seconds) as u64;
    Offered {
        due: count,
        completed: done.into_inner(),
        errors: errors.into_inner(),
        late_share: late.into_inner() as f64 / count.max(1) as f64,
        seconds,
        halves,
        in_system,
        hopeless,
        cpu,
        lasted,
    }
}

/// The times of Poisson arrivals since the start.
fn arrivals(rate: f64, lasting: Duration, seed: u64) -> Vec<Duration> {
    let stream = Draws::new(seed, 0).stream(Purpose::Arrival, 0);
    let mut at = 0.0;
    let gaps = (0..).map(|k| -stream.uniform(k).ln() / rate);
    gaps.map(|gap| {
        at += gap;
        at
    })
    .take_while(|&at| at < lasting.as_secs_f64())
    .map(Duration::from_secs_f64)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::load::tests::slow_server;

    #[test]
    fn arrivals_are_poisson() {
        let due = arrivals(1000.0, Duration::from_secs(20), 3);
        // 20,000 give or take four standard deviations of 141.
        assert!(due.len().abs_diff(20_000) < 570, "{}", due.len());
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.05,
            "exponential gaps have a coefficient of variation of 1"
        );
        assert_eq!(due, arrivals(1000.0, Duration::from_secs(20), 3));
    }

    #[test]
    fn a_server_with_room_keeps_up() {
        let stop = AtomicBool::new(false);
        let server = Server {
            address: slow_server(Duration::from_millis(20)),
            stop: &stop,
        };
        let mut looks = 0;
        let seen = offer(
            server,
            None,
            &Request::get("/"),
            200.0,
            Duration::from_secs(2),
            1,
            |_| looks += 1,
        );
        assert_eq!((seen.errors, seen.hopeless), (0, false));
        assert!(
            seen.completed * 100 >= seen.due * 97,
            "{} of {}",
            seen.completed,
            seen.due
        );
        let median = seen.latencies().quantile(0.5).unwrap() as f64 / 1e6;
        assert!((20.0..40.0).contains(&median), "{median} ms");
        // Little's law: 200/s times 20 ms.
        let mean = seen.in_system.iter().map(|look| look.1).sum::<f64>() / seen.in_system.len() as f64;
        assert!((2.0..8.0).contains(&mean), "{mean}");
        assert!(looks >= 10);
    }

    #[test]
    fn a_server_that_does_not_keep_up_is_given_up_early() {
        let stop = AtomicBool::new(false);
        let server = Server {
            // 64 workers of 200 ms each: 320 requests per second at most.
            address: slow_server(Duration::from_millis(200)),
            stop: &stop,
        };
        let began = Instant::now();
        let seen = offer(
            server,
            None,
            &Request::get("/"),
            2000.0,
            Duration::from_secs(20),
            1,
            |_| {},
        );
        assert!(seen.hopeless && began.elapsed() < Duration::from_secs(10));
        assert!(
            seen.latencies().quantile(0.9).unwrap() > 400_000_000,
            "the wait for a worker counts"
        );
    }
}
