//! Published figures: the example of SimFaaS (Mahmoudi and Khazaei, "SimFaaS: A Performance Simulator for Serverless
//! Computing Platforms"), arrivals at 0.9/s, exponential responses of 1.991 s warm and 2.244 s cold, 600 s keep-alive,
//! newest instance first, 10^6 s, as printed by one run in the README of github.com/pacslab/simfaas (commit 02efd2a, read
//! November 2026: 1,213 cold starts of 898,469 requests).

use coldcast::sim::platform::scale_per_request;
use coldcast::sim::setup::ColdModel;
use coldcast::stats::interval::estimate;

use crate::theory::harness::{Load, Run, dist, replicate};

#[test]
fn simfaas() {
    let load = Load {
        client: None,
        wait: None,
        inside: None,
        cold: ColdModel::Response(dist(r#"{ exponential = { mean = "2.244s" } }"#)),
        ..Load::warm(0.9, r#"{ exponential = { mean = "1.991s" } }"#, (0.0, 1e6))
    };
    let runs = replicate(&load, &scale_per_request::ScalePerRequestSpec::default(), 21, 20);
    let mean = |area: fn(&Run) -> i128| move |run: &Run| area(run) as f64 * 1e-9 / run.seconds;
    let busy = mean(|run| run.stats.services[0].area.busy);
    let idle = mean(|run| run.stats.services[0].area.idle);
    // The figure in the README, half of its last digit, and the same figure from our runs.
    type Measure<'a> = &'a dyn Fn(&Run) -> f64;
    let cold: Measure<'_> = &|run| 100.0 * run.record.cold_starts as f64 / run.record.requests as f64;
    let lifespan: Measure<'_> = &|run| run.record.lifespan as f64 * 1e-9 / run.record.stopped as f64;
    let instances: Measure<'_> = &|run| busy(run) + idle(run);
    let published: [(&str, f64, f64, Measure<'_>); 5] = [
        ("cold start probability (%)", 100.0 * 1_213.0 / 898_469.0, 0.0, cold),
        ("average server count", 7.6612, 5e-5, instances),
        ("average running count", 1.7879, 5e-5, &busy),
        ("average idle count", 5.8733, 5e-5, &idle),
        ("average lifespan (s)", 6335.1337, 5e-5, lifespan),
    ];
    for (what, figure, rounding, measure) in published {
        let values: Vec<f64> = runs.iter().map(measure).collect();
        let estimate = estimate(&values).expect("finite values");
        // Each figure comes from one run, so that it must lie where one more run of ours would: in the 95% prediction
        // interval, which is wider than the interval of the mean by the square root of n + 1.
        let n = values.len() as f64;
        let one_run = estimate.half_width().expect("replications") * (n + 1.0).sqrt();
        println!(
            "SimFaaS {what}: published {figure}, simulated {:.4} +- {one_run:.4}",
            estimate.mean
        );
        assert!(
            (estimate.mean - figure).abs() <= one_run + rounding,
            "{what}: published {figure}, one run of ours lies within {:.4} +- {one_run:.4}",
            estimate.mean
        );
        assert!(
            one_run <= 0.15 * figure,
            "{what}: {one_run} says nothing about {figure}"
        );
    }
}
