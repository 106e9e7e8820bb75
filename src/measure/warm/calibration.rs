//! The cost of a request, found before anything is measured. It decides the rate of the warm-up curve, and shows answers that
//! wait for a delayed acknowledgement.

use std::time::{Duration, Instant};

use super::Instance;
use crate::measure::load::ms;
use crate::measure::usage::Usage;
use crate::stats::order;

/// The number of requests in each half of the calibration; the first half warms the code.
const REQUESTS: usize = 300;
/// The time between the parts of an answer that waited for a delayed acknowledgement. Linux delays one by at least 40 ms
/// (`TCP_DELACK_MIN`), and sends the rest of the answer then.
const DELAYED: std::ops::Range<Duration> = Duration::from_millis(35)..Duration::from_millis(60);
/// The share of such answers from which on the server is said to cause them.
const MANY: f64 = 0.25;

/// The cost of a request to the main route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The CPU time in milliseconds; `None` if unknown.
    pub cpu_ms: Option<f64>,
    /// The median time in milliseconds with one request in flight.
    pub service_ms: f64,
    /// True if many answers came in two parts, the second one after a delayed acknowledgement of the first.
    pub is_delayed: bool,
}

/// Measures the cost of a request on a warm instance, within `limit`. `None` without an answer.
pub fn calibrate(mut instance: Instance<'_>, limit: Duration) -> Option<Cost> {
    let main = instance.routes.main();
    let mut half = || {
        let (end, mut times, mut delayed) = (Instant::now() + limit / 2, Vec::new(), 0usize);
        while times.len() < REQUESTS && Instant::now() < end {
            let sent = Instant::now();
            instance.server.ask(&mut instance.connection, &main).ok()?;
            times.push(ms(sent.elapsed()));
            delayed += usize::from(
                instance
                    .connection
                    .split()
                    .is_some_and(|split| DELAYED.contains(&split)),
            );
        }
        Some((times, delayed))
    };
    half()?;
    let usage = instance.usage.as_ref();
    let before = usage.and_then(Usage::cpu_time);
    let (times, delayed) = half()?;
    let used = before
        .zip(usage.and_then(Usage::cpu_time))
        .map(|(before, after)| after.saturating_sub(before));
    let count = times.len() as f64;
    Some(Cost {
        cpu_ms: used.map(|used| used.as_secs_f64() * 1e3 / count),
        service_ms: order::median(&order::sorted(times))?,
        is_delayed: delayed as f64 > MANY * count,
    })
}

/// The words about such answers.
pub fn delayed(name: &str) -> String {
    format!(
        "{name} sends the head and the body of an answer in two writes, and the second one waits 40 ms for the client's delayed \
         acknowledgement (Nagle's algorithm). Every service time has these 40 ms, and so has every bill by duration. Set TCP_NODELAY in the \
         server, or write head and body at once, and measure again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::http::Connection;
    use crate::measure::load::Server;
    use crate::measure::options::Headers;
    use crate::measure::warm::round_trip::Place;
    use crate::measure::warm::routes::Routes;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::atomic::AtomicBool;

    /// A server that answers after 5 ms, in as many writes.
    fn server(writes: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {
                std::thread::sleep(Duration::from_millis(5));
                for part in answer.chunks(answer.len().div_ceil(writes)) {
                    stream.write_all(part).unwrap();
                }
            }
        });
        address
    }

    fn cost(writes: usize) -> Cost {
        let address = server(writes);
        let stop = AtomicBool::new(false);
        let instance = Instance {
            server: Server { address, stop: &stop },
            connection: Connection::open(address, Duration::from_secs(5)).unwrap(),
            place: Place::Loopback,
            usage: None,
            vcpu: 1.0,
            routes: Routes::Own {
                ready: "/".into(),
                further: Vec::new(),
                headers: Headers::default(),
            },
            replacements: None,
        };
        calibrate(instance, Duration::from_secs(2)).unwrap()
    }

    #[test]
    fn two_writes_with_nagles_algorithm_wait_for_the_client() {
        let twice = cost(2);
        assert!(twice.is_delayed && twice.service_ms > 40.0, "{twice:?}");
        let once = cost(1);
        assert!(!once.is_delayed && (5.0..40.0).contains(&once.service_ms), "{once:?}");
        assert!(delayed("shop").contains("delayed acknowledgement") && delayed("shop").contains("TCP_NODELAY"));
    }
}
