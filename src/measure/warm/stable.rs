//! The search for the highest rate at which an instance is stable: bisection over open-loop trials.

use std::time::Duration;

use crate::measure::http::Request;
use crate::measure::load::offered::{self, Offered};
use crate::measure::load::{Server, round3};
use crate::measure::usage::Usage;
use crate::measure::warm::Instance;
use crate::measure::warm::pace::Long;
use crate::model::profile::{CLIENT_TOO_SLOW, StableRate, Trial};
use crate::stats::{order, regression};

/// The width of the bracket at which the search ends, as a share of its upper end.
const NARROW: f64 = 0.05;
/// The bracket of the search, as shares of the closed-loop throughput. The highest stable rate usually lies between the last two.
const BRACKET: [f64; 3] = [0.05, 0.4, 1.1];
/// The number of repetitions. The first one searches; the others start from the rate that it found.
const REPETITIONS: u32 = 3;
/// The share of the usable CPU below which a failed trial says nothing about the server.
const BUSY_SHARE: f64 = 0.8;
/// The share of late requests above which the client was too slow, and a trial says nothing about the server.
const LATE_SHARE: f64 = 0.01;

/// Searches around the closed-loop `throughput` per second. `cores` is the CPU that the server can use, in vCPUs. Replaces an
/// instance that does not survive a trial.
pub fn search(instance: &mut Instance<'_>, request: &Request, throughput: f64, cores: f64, pace: Long) -> StableRate {
    let mut trials = Vec::new();
    let mut found = Vec::new();
    let mut lost = !instance.is_alive(request) && instance.replace(request, pace.warming).is_err();
    let mut run = |repetition: u32, rate: f64| {
        if lost {
            return None;
        }
        let seed = u64::from(repetition) << 32 | trials.len() as u64;
        let before = cpu_time(instance);
        let (mut one, mean_in_system) = attempt(instance.server, request, repetition, rate, pace.trial, seed);
        let used = before
            .zip(cpu_time(instance))
            .map(|(before, after)| after.saturating_sub(before).as_secs_f64() / one.seconds);
        if !one.stable && !instance.is_alive(request) {
            let replaced = instance.replace(request, pace.warming);
            lost = replaced.is_err();
            let (Ok(why) | Err(why)) = replaced;
            one.broken = format!("{why} after {} s: {}", one.seconds, one.broken);
        } else if let (false, Some(used)) = (one.stable, used.filter(|used| *used < BUSY_SHARE * cores)) {
            one.broken = format!(
                "{CLIENT_TOO_SLOW}, the server used {used:.2} of {cores:.2} vCPU: {}",
                one.broken
            );
        }
        let stable = one.stable;
        trials.push(one);
        stable.then_some(mean_in_system)
    };
    let mut at_best = Vec::new();
    for repetition in 0..REPETITIONS {
        let best = match found.first() {
            None => bisect(throughput, |rate| run(repetition, rate)),
            Some(&(first, _)) => around(first, |rate| run(repetition, rate)),
        };
        if let Some((rate, inside)) = best {
            found.push((rate, inside));
            at_best.push(inside);
        } else if found.is_empty() {
            break;
        }
    }
    let median = |values: Vec<f64>| order::median(&order::sorted(values)).map(round3);
    StableRate {
        rate: median(found.iter().map(|best| best.0).collect()),
        in_flight: median(at_best),
        trials,
    }
}

fn cpu_time(instance: &Instance<'_>) -> Option<Duration> {
    instance.usage.as_ref().and_then(Usage::cpu_time)
}

/// Finds the highest stable rate in the usual bracket, or below it if no rate there is stable.
fn bisect(throughput: f64, mut run: impl FnMut(f64) -> Option<f64>) -> Option<(f64, f64)> {
    let [lowest, low, high] = BRACKET.map(|share| share * throughput);
    let mut within = |mut low: f64, mut high: f64| {
        let mut best = None;
        while high - low > NARROW * high {
            let rate = round3((low + high) / 2.0);
            match run(rate) {
                Some(inside) => {
                    best = Some((rate, inside));
                    low = rate;
                }
                None => high = rate,
            }
        }
        best
    };
    within(low, high).or_else(|| within(lowest, low))
}

/// Tries a known rate again: then one step up if it is stable, or steps down if it is not.
fn around(first: f64, mut run: impl FnMut(f64) -> Option<f64>) -> Option<(f64, f64)> {
    if let Some(inside) = run(first) {
        let up = round3(first * (1.0 + NARROW));
        return Some(run(up).map_or((first, inside), |inside| (up, inside)));
    }
    [0.95, 0.85].into_iter().find_map(|share| {
        let rate = round3(first * share);
        run(rate).map(|inside| (rate, inside))
    })
}

fn attempt(
    server: Server<'_>,
    request: &Request,
    repetition: u32,
    rate: f64,
    lasting: Duration,
    seed: u64,
) -> (Trial, f64) {
    let seen = offered::offer(server, None, request, rate, lasting, seed, |_| {});
    let broken = broken_rule(&seen);
    let mean = seen.latencies().mean();
    let trial = Trial {
        repetition,
        rate,
        seconds: round3(seen.seconds),
        stable: broken.is_none(),
        broken: broken.unwrap_or_default(),
        latency_mean_ms: mean.map(|ns| round3(ns / 1e6)),
    };
    // Little's law.
    (trial, rate * mean.unwrap_or(0.0) * 1e-9)
}

/// The first rule that a trial breaks. The rules: the client is in time, 99% of requests complete, errors stay below 0.1%, the 95th
/// percentile of the second half is at most 1.2 times that of the first, and the number in the system does not rise.
fn broken_rule(seen: &Offered) -> Option<String> {
    let p95 = |half: usize| seen.halves[half].quantile(0.95).map(|ns| ns as f64 / 1e6);
    if seen.late_share > LATE_SHARE {
        return Some(format!(
            "{CLIENT_TOO_SLOW}: {:.1} % of requests sent late",
            100.0 * seen.late_share
        ));
    }
    if seen.hopeless {
        return Some("ended early: requests piled up".into());
    }
    if seen.errors as f64 >= 0.001 * seen.due as f64 && seen.errors > 0 {
        return Some(format!("{} errors", seen.errors));
    }
    if (seen.completed as f64) < 0.99 * seen.due as f64 {
        return Some(format!("{} of {} completed", seen.completed, seen.due));
    }
    if let (Some(first), Some(second)) = (p95(0), p95(1))
        && second > 1.2 * first
    {
        return Some(format!("p95 went from {first:.2} to {second:.2} ms"));
    }
    let later: Vec<(f64, f64)> = seen.in_system[seen.in_system.len() / 2..].to_vec();
    let mean = later.iter().map(|look| look.1).sum::<f64>() / later.len().max(1) as f64;
    // A certain rise that is small compared to the mean is no instability.
    regression::line(&later)
        .filter(|line| line.rises() && line.slope * seen.seconds / 2.0 > 0.5 * mean + 1.0)
        .map(|line| format!("the number in the system rises by {:.2} per second", line.slope))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::measure::http::Connection;
    use crate::measure::load::tests::slow_server;
    use crate::measure::warm::round_trip::Place;
    use crate::measure::warm::routes::Routes;
    use crate::measure::warm::{KILLED, Replaced, Replacements};

    /// A server that closes every connection after a number of answers; it ends with the process.
    fn dying_server(answers: u32) -> SocketAddr {
        static ANSWERED: AtomicU32 = AtomicU32::new(0);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    while let Some(Ok(line)) = lines.next() {
                        if !line.is_empty() {
                            continue;
                        }
                        if ANSWERED.fetch_add(1, Ordering::Relaxed) >= answers {
                            return;
                        }
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    }
                });
            }
        });
        address
    }

    #[test]
    fn an_instance_that_does_not_survive_a_trial_is_replaced() {
        let stop = AtomicBool::new(false);
        let server = Server {
            address: dying_server(50),
            stop: &stop,
        };
        let next = || {
            let address = slow_server(Duration::from_millis(5));
            Some(Replaced {
                out_of_memory: true,
                address,
                connection: Connection::open(address, Duration::from_secs(5)).ok()?,
                usage: None,
            })
        };
        let mut instance = Instance {
            server,
            connection: server.connect().unwrap(),
            place: Place::Loopback,
            usage: None,
            vcpu: 1.0,
            routes: Routes::Contract,
            replacements: Some(Replacements(Box::new(next))),
        };
        let pace = Long {
            trial: Duration::from_millis(500),
            warming: Duration::from_millis(100),
            ..Long::FULL
        };
        // The first trial has some hundred requests.
        let found = search(&mut instance, &Request::get("/"), 300.0, 1.0, pace);
        let killed = |trial: &Trial| trial.broken.starts_with(KILLED);
        assert!(killed(&found.trials[0]), "{:?}", found.trials[0]);
        assert!(!found.trials[1..].iter().any(killed), "{:?}", found.trials);
        assert!(found.rate.is_some(), "{:?}", found.trials);
        // Without another one nothing more is tried.
        instance.server.address = dying_server(0);
        instance.replacements = None;
        let found = search(&mut instance, &Request::get("/"), 300.0, 1.0, pace);
        assert_eq!((found.rate, found.trials.len()), (None, 0));
    }

    #[test]
    fn bisection_ends_below_a_known_limit() {
        for limit in [30.0, 55.0, 80.0, 104.0] {
            let mut trials = 0;
            let best = bisect(100.0, |rate| {
                trials += 1;
                (rate <= limit).then_some(1.0)
            });
            let (rate, _) = best.unwrap();
            assert!(rate <= limit && rate >= 0.85 * limit, "{rate} for {limit}");
            assert!(trials <= 12, "{trials} trials for {limit}");
        }
        assert_eq!(bisect(100.0, |_| None), None);
    }

    #[test]
    fn repetitions_stay_around_what_was_found() {
        let try_with = |limit: f64| around(100.0, |rate| (rate <= limit).then_some(rate));
        assert_eq!(try_with(200.0), Some((105.0, 105.0)));
        assert_eq!(try_with(101.0), Some((100.0, 100.0)));
        assert_eq!(try_with(96.0), Some((95.0, 95.0)));
        assert_eq!(try_with(50.0), None);
    }
}
