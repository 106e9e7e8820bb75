//! Classical queues: loss systems, waiting systems, infinitely many servers.
//!
//! Source of the formulas: Kleinrock, Queueing Systems, volume 1 (1975), chapters 3 to 5.

use coldcast::sim::platform::{fixed, scale_per_request};
use coldcast::units::SimDuration;

use crate::harness::{Load, check, replicate};

/// Erlang's loss formula: the share of arrivals that find all `servers` busy under `load` erlangs.
fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b))
}

/// Erlang's delay formula: the share of arrivals that wait.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let b = erlang_b(servers, load);
    b / (1.0 - load / f64::from(servers) * (1.0 - b))
}

/// A loss system: at most `servers` instances, which never end and start at once.
fn loss(servers: u32) -> scale_per_request::Spec {
    scale_per_request::Spec {
        keep_alive: SimDuration::MAX,
        max_instances: Some(servers),
        ..scale_per_request::Spec::default()
    }
}

fn waiting(servers: u32) -> fixed::Spec {
    fixed::Spec {
        replicas: servers,
        ..fixed::Spec::default()
    }
}

/// The share lost depends on the service time through its mean only.
#[test]
fn loss_and_its_insensitivity() {
    for (name, service) in [
        ("M/M/10/10 share lost", r#"{ exponential = { mean = "700ms" } }"#),
        (
            "M/G/10/10 share lost, log-normal",
            r#"{ lognormal = { mean = "700ms", sd = "1400ms" } }"#,
        ),
        ("M/D/10/10 share lost", r#""700ms""#),
    ] {
        let load = Load::warm(10.0, service, (100.0, 30_000.0));
        let runs = replicate(&load, &loss(10), 1, 20);
        check(name, erlang_b(10, 7.0), &runs, |run| {
            run.record.rejected.values().sum::<u64>() as f64 / run.record.requests as f64
        });
    }
}

#[test]
fn waiting_in_one_queue() {
    let load = Load::warm(10.0, r#"{ exponential = { mean = "400ms" } }"#, (100.0, 40_000.0));
    let runs = replicate(&load, &waiting(5), 2, 20);
    let share = erlang_c(5, 4.0);
    check("M/M/5 share that waits", share, &runs, |run| {
        run.seen.waited as f64 / run.record.requests as f64
    });
    // C / (c mu - lambda)
    check("M/M/5 mean wait (s)", share / (12.5 - 10.0), &runs, |run| {
        run.seen.wait / run.record.requests as f64
    });
}

/// The same queue on the platform that scales, with its instances limited and the rest waiting.
#[test]
fn waiting_on_a_platform_that_scales() {
    let platform = scale_per_request::Spec {
        queue: scale_per_request::Overflow::Wait,
        ..loss(5)
    };
    let load = Load::warm(10.0, r#"{ exponential = { mean = "400ms" } }"#, (100.0, 40_000.0));
    let runs = replicate(&load, &platform, 3, 20);
    check("M/M/5 share that waits, scaled", erlang_c(5, 4.0), &runs, |run| {
        run.seen.waited as f64 / run.record.requests as f64
    });
}

/// The number in service is Poisson with mean lambda E[S], whatever the distribution; arrivals see it (PASTA).
#[test]
fn infinitely_many_servers() {
    let load = Load::warm(
        20.0,
        r#"{ lognormal = { mean = "2s", sd = "3s" } }"#,
        (1_000.0, 21_000.0),
    );
    let platform = scale_per_request::Spec::default();
    let runs = replicate(&load, &platform, 4, 20);
    check("M/G/inf mean busy", 40.0, &runs, |run| {
        run.stats.services[0].area.busy as f64 * 1e-9 / run.seconds
    });
    check("M/G/inf variance of busy", 40.0, &runs, |run| {
        let n = run.seen.arrivals as f64;
        run.seen.present_squares / n - (run.seen.present_sum / n).powi(2)
    });
}

/// Pollaczek and Khinchine: mean wait = lambda E[S^2] / (2 (1 - rho)).
#[test]
fn one_server() {
    let mean_wait = |run: &crate::harness::Run| run.seen.wait / run.record.requests as f64;
    let (rate, rho) = (7.0, 0.7);
    let seconds = (200.0, 60_000.0);

    let constant = Load::warm(rate, r#""100ms""#, seconds);
    let runs = replicate(&constant, &waiting(1), 5, 20);
    check(
        "M/D/1 mean wait (s)",
        rate * 0.01 / (2.0 * (1.0 - rho)),
        &runs,
        mean_wait,
    );

    let gamma = Load::warm(rate, r#"{ gamma = { mean = "100ms", sd = "50ms" } }"#, seconds);
    let runs = replicate(&gamma, &waiting(1), 6, 20);
    check(
        "M/G/1 mean wait, gamma (s)",
        rate * 0.0125 / (2.0 * (1.0 - rho)),
        &runs,
        mean_wait,
    );

    let exponential = Load::warm(rate, r#"{ exponential = { mean = "100ms" } }"#, seconds);
    let runs = replicate(&exponential, &waiting(1), 7, 20);
    check(
        "M/M/1 mean wait (s)",
        rate * 0.02 / (2.0 * (1.0 - rho)),
        &runs,
        mean_wait,
    );
    // The time in the system is exponential with rate mu - lambda = 3/s.
    for q in [0.5_f64, 0.95, 0.99] {
        check(
            &format!("M/M/1 {q}-quantile of time in system (s)"),
            -(1.0 - q).ln() / 3.0,
            &runs,
            |run| run.record.latency.quantile(q).unwrap_or(0) as f64 * 1e-9,
        );
    }
}
