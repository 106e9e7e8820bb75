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

/// Lambda ends an environment after an idle time U, drawn once for each environment. One with U serves exp(lambda U)
/// requests in the mean, so the share of cold ones is 1 / E[exp(lambda U)], with U uniform from 300 s to 420 s.
#[test]
fn cold_starts_on_lambda() {
    let mut platform: lambda::LambdaSpec = toml::from_str("memory = '1024Mi'").expect("a platform");
    platform.max_age = SimDuration::MAX;
    let runs = replicate(&sparse(), &platform, 13, 20);
    let (min, max) = (RATE * 300.0, RATE * 420.0);
    let theory = (max - min) / (max.exp() - min.exp());
    check("cold ratio on Lambda, 300 s to 420 s", theory, &runs, cold_ratio);
}
