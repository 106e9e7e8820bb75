//! Function platforms under sparse traffic: requests are so short and rare that one instance at a time is enough.
//!
//! Then an instance lives as long as no gap between arrivals exceeds the keep-alive time, and exponential gaps with rate
//! lambda give every result in closed form.

use coldcast::sim::platform::{lambda, scale_per_request};
use coldcast::units::SimDuration;

use crate::theory::harness::{Load, Run, check, replicate};

/// Arrivals per second: one every five minutes.
const RATE: f64 = 1.0 / 300.0;

fn sparse() -> Load {
    Load::warm(RATE, r#""1us""#, (0.0, 12e6))
}

fn cold_ratio(run: &Run) -> f64 {
    run.record.cold_starts as f64 / run.record.requests as f64
}

/// A request is cold when the gap before it exceeds the keep-alive time tau: P = exp(-lambda tau).
#[test]
fn cold_starts_of_sparse_traffic() {
    for keep_alive in [300, 600, 900] {
        let platform = scale_per_request::ScalePerRequestSpec {
            keep_alive: SimDuration::from_secs(keep_alive),
            ..scale_per_request::ScalePerRequestSpec::default()
        };
        let runs = replicate(&sparse(), &platform, 11, 20);
        let tau = keep_alive as f64;
        let theory = (-RATE * tau).exp();
        check(&format!("cold ratio, keep-alive {tau} s"), theory, &runs, cold_ratio);
        // An instance lives through K gaps below tau and then tau; K is geometric with mean (1 - q) / q for
        // q = exp(-lambda tau), and a gap below tau has the mean 1/lambda - tau q / (1 - q). Hence
        // (1 - q)/q (1/lambda - tau q / (1 - q)) + tau = (exp(lambda tau) - 1) / lambda.
        let theory = ((RATE * tau).exp() - 1.0) / RATE;
        check(&format!("lifespan (s), keep-alive {tau} s"), theory, &runs, |run| {
            run.record.lifespan as f64 * 1e-9 / run.record.stopped as f64
        });
        // It exists unless the last gap has lasted longer than tau.
        let theory = 1.0 - (-RATE * tau).exp();
        check(&format!("mean instances, keep-alive {tau} s"), theory, &runs, |run| {
            let area = run.stats.services[0].area;
            (area.starting + area.busy + area.idle) as f64 * 1e-9 / run.seconds
        });
    }
}

/// With the clock that counts from creation an instance lives tau, and then the next arrival starts another: a cycle of
/// tau + 1/lambda with lambda tau + 1 requests, the first of which is cold.
#[test]
fn cold_starts_when_the_clock_counts_from_creation() {
    let platform = scale_per_request::ScalePerRequestSpec {
        keep_alive: SimDuration::from_secs(900),
        keep_alive_clock: scale_per_request::Clock::Creation,
        ..scale_per_request::ScalePerRequestSpec::default()
    };
    let runs = replicate(&sparse(), &platform, 12, 20);
    check(
        "cold ratio, 900 s from creation",
        1.0 / (RATE * 900.0 + 1.0),
        &runs,
        cold_ratio,
    );
}

/// Lambda whose environments end by nothing but what `text` says.
fn lambda(text: &str) -> lambda::LambdaSpec {
    let ageless = lambda::MaxAge {
        min: SimDuration::MAX,
        max: SimDuration::MAX,
    };
    let spec: lambda::LambdaSpec = toml::from_str(&format!("memory = '1024Mi'\n{text}")).expect("a platform");
    lambda::LambdaSpec {
        max_age: ageless,
        ..spec
    }
}

/// Lambda ends an environment after an idle time U, drawn once for each environment. One with U serves exp(lambda U)
/// requests in the mean, so the share of cold ones is 1 / E[exp(lambda U)], with U uniform from 300 s to 420 s.
#[test]
fn cold_starts_on_lambda() {
    let platform = lambda("early-end = '0/h'\nidle-timeout = { min = '300s', max = '420s' }");
    let runs = replicate(&sparse(), &platform, 13, 20);
    let (min, max) = (RATE * 300.0, RATE * 420.0);
    let theory = (max - min) / (max.exp() - min.exp());
    check("cold ratio on Lambda, 300 s to 420 s", theory, &runs, cold_ratio);
}

/// The only environment of a function is idle as long as the function is silent, so it ends by the law of silence, however long a
/// spare one would stay: P(cold) = exp(-lambda S).
#[test]
fn a_silent_function_loses_its_environment() {
    let platform = lambda(
        "early-end = '0/h'\nidle-timeout = { silent = { mean = '400s', sd = '0s' }, spare = { mean = '5000s', sd = '0s' } }",
    );
    let runs = replicate(&sparse(), &platform, 14, 20);
    check("cold ratio, silence of 400 s", (-RATE * 400.0).exp(), &runs, cold_ratio);
}

/// Early ends come at the rate h while an environment is idle. A gap g below the time of silence S is survived with exp(-h g), so
/// the share of first uses is 1 - lambda / (lambda + h) (1 - exp(-(lambda + h) S)). All of them wait if nothing is replaced ahead;
/// if everything is, only those wait that follow a silence: exp(-lambda S).
#[test]
fn environments_that_end_early_are_replaced_ahead_of_requests() {
    const EARLY: f64 = 6.0 / 3600.0;
    let both = RATE + EARLY;
    let first_uses = 1.0 - RATE / both * (1.0 - (-both * 632.0).exp());
    for (replaced, waits) in [(0.0, first_uses), (1.0, (-RATE * 632.0).exp())] {
        let silent = "silent = { mean = '632s', sd = '0s' }, spare = { mean = '9h', sd = '0s' }";
        let platform = lambda(&format!(
            "early-end = '6/h'\nreplaced-ahead = {replaced:.1}\nidle-timeout = {{ {silent} }}"
        ));
        let runs = replicate(&sparse(), &platform, 15, 20);
        check(&format!("first uses, {replaced} replaced"), first_uses, &runs, |run| {
            run.record.first_uses as f64 / run.record.requests as f64
        });
        check(&format!("cold ratio, {replaced} replaced"), waits, &runs, cold_ratio);
    }
}

/// A function that is never silent loses environments by age only: in time T with a mean age A since the first use there are
/// T / (A + 1 / lambda) first uses, since one that is replaced ahead waits for its first request, and
/// nobody waits for one that is replaced ahead.
#[test]
fn an_environment_that_is_too_old_is_replaced() {
    let platform = lambda::LambdaSpec {
        max_age: lambda::MaxAge {
            min: SimDuration::from_secs(3000),
            max: SimDuration::from_secs(4200),
        },
        ..lambda("early-end = '0/h'\nreplaced-ahead = 1.0")
    };
    let load = Load::warm(0.1, r#""1us""#, (3_600.0, 1e7));
    let runs = replicate(&load, &platform, 16, 10);
    check("first uses an hour", 3600.0 / 3610.0, &runs, |run| {
        run.record.first_uses as f64 / run.seconds * 3600.0
    });
    // But for one that comes while another one is in service.
    assert!(runs.iter().all(|run| cold_ratio(run) < 1e-5));
}
