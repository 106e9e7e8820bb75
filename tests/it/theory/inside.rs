//! Requests inside one instance: processor sharing, an event loop, workers.
//!
//! Sources: Kleinrock, Queueing Systems, volume 2 (1976), section 4.4 (processor sharing); volume 1 (1975), chapters 3 and 5.

use coldcast::model::dist::Dist;
use coldcast::sim::platform::fixed;
use coldcast::sim::setup::{CpuLimit, Inside};
use coldcast::units::{MilliCpu, SimDuration};

use crate::theory::harness::{Load, Run, check, replicate};

/// One instance that takes in all requests.
fn one_instance() -> fixed::FixedSpec {
    fixed::FixedSpec {
        concurrency: 1_000_000,
        ..fixed::FixedSpec::default()
    }
}

fn inside(quota: u32, cores: u32) -> Inside {
    Inside {
        workers: None,
        turns: None,
        discipline: None,
        cpu: CpuLimit {
            quota: MilliCpu(quota),
            cores,
            period: None,
        },
        overhead_cpu: SimDuration::ZERO,
        boost: None,
    }
}

fn load(rate: f64, service: &str, inside: Inside, seconds: f64) -> Load {
    Load {
        inside: Some(inside),
        ..Load::warm(rate, service, (seconds / 100.0, seconds))
    }
}

fn mean_latency(run: &Run) -> f64 {
    run.record.latency.mean().unwrap_or(0.0) * 1e-9
}

/// M/G/1-PS: the mean time in the system is E[S] / (1 - rho) whatever the distribution.
#[test]
fn processor_sharing_and_its_insensitivity() {
    for (k, (name, service)) in [
        (
            "M/M/1-PS mean time in system (s)",
            r#"{ exponential = { mean = "100ms" } }"#,
        ),
        ("M/D/1-PS mean time in system (s)", r#""100ms""#),
        (
            "M/G/1-PS mean time in system, log-normal (s)",
            r#"{ lognormal = { mean = "100ms", sd = "200ms" } }"#,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let load = load(6.0, service, inside(1000, 8), 60_000.0);
        let runs = replicate(&load, &one_instance(), 40 + k as u64, 20);
        check(name, 0.1 / 0.4, &runs, mean_latency);
    }
}

/// A quota of half a core stretches every request to twice its CPU time: the same queue at half the speed.
#[test]
fn processor_sharing_under_a_quota() {
    let load = load(3.0, r#"{ exponential = { mean = "100ms" } }"#, inside(500, 8), 60_000.0);
    let runs = replicate(&load, &one_instance(), 43, 20);
    check(
        "M/M/1-PS at 0.5 vCPU mean time in system (s)",
        0.2 / 0.4,
        &runs,
        mean_latency,
    );
}

/// With exponential work on two cores the number in the system is that of M/M/2, whatever the order of service.
#[test]
fn processor_sharing_on_two_cores() {
    let load = load(
        14.0,
        r#"{ exponential = { mean = "100ms" } }"#,
        inside(2000, 8),
        60_000.0,
    );
    let runs = replicate(&load, &one_instance(), 44, 20);
    // Erlang's delay formula for two servers: C = 2 rho^2 / (1 + rho).
    let rho: f64 = 0.7;
    let waits = 2.0 * rho * rho / (1.0 + rho);
    check(
        "M/M/2-PS mean time in system (s)",
        0.1 + waits / (20.0 - 14.0),
        &runs,
        mean_latency,
    );
}

/// An event loop serves one request after the other: M/D/1. Pollaczek and Khinchine.
#[test]
fn an_event_loop_is_one_server() {
    let event_loop = Inside {
        turns: Some(1),
        discipline: None,
        ..inside(1000, 1)
    };
    let load = load(7.0, r#""100ms""#, event_loop, 60_000.0);
    let runs = replicate(&load, &one_instance(), 45, 20);
    check(
        "M/D/1 event loop mean time in system (s)",
        0.1 + 7.0 * 0.01 / 0.6,
        &runs,
        mean_latency,
    );
}

/// Workers are held for the whole stay: with a core for each, W workers are M/M/W.
#[test]
fn workers_with_a_core_each_are_servers() {
    let workers = Inside {
        workers: Some(3),
        ..inside(3000, 3)
    };
    let load = load(20.0, r#"{ exponential = { mean = "100ms" } }"#, workers, 60_000.0);
    let runs = replicate(&load, &one_instance(), 46, 20);
    // Erlang's delay formula for three servers and two erlangs: C = 4/9.
    check(
        "M/M/3 workers mean time in system (s)",
        0.1 + (4.0 / 9.0) / 10.0,
        &runs,
        mean_latency,
    );
    check("M/M/3 workers mean wait (s)", (4.0 / 9.0) / 10.0, &runs, |run| {
        run.seen.wait / run.record.requests as f64
    });
}

/// M/M/c/K: an instance that takes in K requests has c workers; other requests are rejected.
#[test]
fn a_full_instance_turns_requests_away() {
    let (servers, places): (u32, u32) = (2, 5);
    let workers = Inside {
        workers: Some(servers),
        ..inside(2000, 2)
    };
    let platform = fixed::FixedSpec {
        concurrency: places,
        max_queue: Some(0),
        ..fixed::FixedSpec::default()
    };
    let load = load(20.0, r#"{ exponential = { mean = "100ms" } }"#, workers, 60_000.0);
    let runs = replicate(&load, &platform, 47, 20);
    // Birth and death: p_n grows by 2/n up to two servers, then stays, as the load is two erlangs.
    let mut weights = vec![1.0];
    for n in 1..=places {
        weights.push(weights[n as usize - 1] * 2.0 / f64::from(n.min(servers)));
    }
    let lost = weights[places as usize] / weights.iter().sum::<f64>();
    check("M/M/2/5 share lost", lost, &runs, |run| {
        run.record.rejected.values().sum::<u64>() as f64 / run.record.requests as f64
    });
}

/// Waits overlap on an event loop and do not delay others: with little CPU, the stay is CPU plus wait, and the number
/// inside is that of infinitely many servers.
#[test]
fn waits_overlap() {
    let mut load = load(200.0, r#""1us""#, inside(1000, 1), 2_000.0);
    load.wait = Some(Dist::Constant(SimDuration::from_millis(500)));
    let runs = replicate(&load, &one_instance(), 48, 20);
    // One microsecond of CPU, shared at a utilisation of 200/s times that.
    check(
        "event loop, mean time in system with waits (s)",
        0.5 + 1e-6 / (1.0 - 2e-4),
        &runs,
        mean_latency,
    );
    check("event loop, mean number inside", 100.0, &runs, |run| {
        run.seen.present_sum / run.seen.arrivals as f64
    });
}
