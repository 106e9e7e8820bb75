//! Classical queues: loss systems, waiting systems, infinitely many servers.
//!
//! Source of the formulas: Kleinrock, Queueing Systems, volume 1 (1975), chapters 3 to 5.

use coldcast::model::dist::Dist;
use coldcast::model::profile::parse;
use coldcast::sim::client::{Client, Retry, Users};
use coldcast::sim::platform::{fixed, scale_per_request};
use coldcast::units::SimDuration;

use crate::theory::harness::{Load, check, dist, replicate};

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
fn loss(servers: u32) -> scale_per_request::ScalePerRequestSpec {
    scale_per_request::ScalePerRequestSpec {
        keep_alive: SimDuration::MAX,
        max_instances: Some(servers),
        ..scale_per_request::ScalePerRequestSpec::default()
    }
}

fn waiting(servers: u32) -> fixed::FixedSpec {
    fixed::FixedSpec {
        replicas: servers,
        ..fixed::FixedSpec::default()
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

/// The same with the service times of a measured framework, as its profile has them.
#[test]
fn loss_with_measured_service_times() {
    let text = include_str!("../../../models/frameworks/express/profile.json");
    let profile = parse(text).expect("a profile");
    let warm = profile
        .runs
        .iter()
        .find_map(|run| run.warm.as_ref())
        .expect("a warm run");
    let times = warm.routes["items"].service_time_ms.iter();
    let service = Dist::empirical(times.map(|&ms| SimDuration::from_millis_f64(ms)).collect()).expect("samples");
    let rate = 7.0 / service.mean_s();
    // Some 1,200,000 requests, for the times have a long tail.
    let load = Load {
        service,
        ..Load::warm(rate, r#""1ms""#, (12_000.0 / rate, 1_200_000.0 / rate))
    };
    let runs = replicate(&load, &loss(10), 10, 20);
    check(
        "M/G/10/10 share lost, Express /items",
        erlang_b(10, 7.0),
        &runs,
        |run| run.record.rejected.values().sum::<u64>() as f64 / run.record.requests as f64,
    );
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
    let platform = scale_per_request::ScalePerRequestSpec {
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
    let platform = scale_per_request::ScalePerRequestSpec::default();
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
    let mean_wait = |run: &crate::theory::harness::Run| run.seen.wait / run.record.requests as f64;
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

/// M/M/c/K: requests are rejected when `places` are in the system. Birth and death.
#[test]
fn a_queue_with_few_places() {
    let (rate, service_rate, servers, places) = (10.0, 2.5, 4, 9);
    let platform = fixed::FixedSpec {
        max_queue: Some(places - servers),
        ..waiting(servers)
    };
    let weights: Vec<f64> = (0..=places)
        .scan(1.0, |weight, n| {
            let this = *weight;
            *weight *= rate / (service_rate * f64::from((n + 1).min(servers)));
            Some(this)
        })
        .collect();
    let total: f64 = weights.iter().sum();
    let load = Load::warm(rate, r#"{ exponential = { mean = "400ms" } }"#, (100.0, 40_000.0));
    let runs = replicate(&load, &platform, 8, 20);
    check("M/M/4/9 share lost", weights[places as usize] / total, &runs, |run| {
        run.record.rejected.values().sum::<u64>() as f64 / run.record.requests as f64
    });
    let mean: f64 = weights
        .iter()
        .zip(0..)
        .map(|(weight, n)| f64::from(n) * weight)
        .sum::<f64>()
        / total;
    check("M/M/4/9 mean in system", mean, &runs, |run| {
        let area = run.stats.services[0].area;
        (area.busy + area.queued) as f64 * 1e-9 / run.seconds
    });
}

/// Users who think and wait in turn: M/M/c//N, the machine repair model, and the law of interactive response time,
/// R = N / X - Z (Denning and Buzen 1978).
#[test]
fn users_who_wait_for_their_answers() {
    let (users, think, servers, service_rate) = (30, 2.0, 3, 5.0);
    let load = Load {
        client: Some(Client {
            timeout: None,
            retry: Retry::default(),
            users: Some(Users {
                count: users,
                think: dist(r#"{ exponential = { mean = "2s" } }"#),
            }),
            sessions: 0,
        }),
        ..Load::warm(1.0, r#"{ exponential = { mean = "200ms" } }"#, (100.0, 20_000.0))
    };
    let weights: Vec<f64> = (0..=users)
        .scan(1.0, |weight, n| {
            let this = *weight;
            *weight *= f64::from(users - n) / think / (service_rate * f64::from((n + 1).min(servers)));
            Some(this)
        })
        .collect();
    let total: f64 = weights.iter().sum();
    let busy = weights
        .iter()
        .zip(0..)
        .map(|(weight, n)| f64::from(servers.min(n)) * weight);
    let throughput = service_rate * busy.sum::<f64>() / total;
    let runs = replicate(&load, &waiting(servers), 19, 20);
    check("M/M/3//30 throughput (1/s)", throughput, &runs, |run| {
        run.record.completed as f64 / run.seconds
    });
    let response = f64::from(users) / throughput - think;
    check("M/M/3//30 mean time in system (s)", response, &runs, |run| {
        run.record.latency.mean().unwrap_or(0.0) * 1e-9
    });
}
