//! Open-loop loads at several rates: what a request costs when the server has slept, on `/json` and after real work
//! (`/cpu?ms=5`), and how requests that meet wait for each other. The rates take turns in visits of a few seconds, with a rest
//! in each turn, so that drift of the machine hits all of them alike.

use std::time::Duration;

use crate::measure::http::Request;
use crate::measure::load::offered::{self, Offered};
use crate::measure::load::{self, per_request, round3};
use crate::measure::warm::pace::InDepth;
use crate::measure::warm::routes::{BURN_5MS, Routes};
use crate::measure::warm::{Instance, middle, rest};
use crate::model::profile::{CPU_5MS, JSON, RateRun, ResponsePoint};
use crate::stats::histogram::Histogram;

/// The lowest rate in requests per second.
const LOWEST: f64 = 10.0;
/// The highest rate on `/json`, as a share of the saturation rate, and in requests per second: beyond that the client is late.
const HIGHEST_SHARE: f64 = 0.6;
const HIGHEST: f64 = 4_000.0;
/// The number of rates on each route.
pub const RATES: u32 = 5;
/// The rates on `/cpu?ms=5`, as shares of the CPU that a request can use. The last three make the response curve.
const SHARES: [f64; RATES as usize] = [0.05, 0.2, 0.35, 0.65, 0.85];
/// The share in the load that finds out what a request on `/cpu?ms=5` costs.
const PILOT_SHARE: f64 = 0.6;
/// The CPU milliseconds of a request on `/cpu?ms=5` before they are known.
const ASSUMED_MS: f64 = 5.5;
/// The quantiles of the latency that are kept, of a rate and of a point of the response curve.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];
const CURVE: [f64; 7] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

/// The loads at all rates.
#[derive(Debug, Default)]
pub struct Rates {
    /// The loads, by route and ascending rate.
    pub runs: Vec<RateRun>,
    /// The response curve.
    pub responses: Vec<ResponsePoint>,
    /// The CPU milliseconds per second without requests, in the rests between the visits.
    pub idle_cpu_ms_per_s: Option<f64>,
}

/// One rate with its visits.
struct Visited {
    route: &'static str,
    request: Request,
    rate: f64,
    lasting: Duration,
    seen: Vec<Offered>,
}

/// Takes the loads on an instance whose main route reaches `saturation` requests per second. Images without the routes of the
/// contract have no `/cpu`; their main route stands for `/json`.
pub fn run(instance: &Instance<'_>, saturation: f64, pace: InDepth) -> Rates {
    let Some(usage) = instance.usage.as_ref().filter(|_| saturation > 0.0) else {
        return Rates::default();
    };
    let offer = |request: &Request, rate: f64, lasting: Duration, seed: u64| {
        offered::offer(instance.server, Some(usage), request, rate, lasting, seed, |_| {})
    };
    let cores = instance.vcpu.min(1.0);
    let visited = |route, request: &Request, rate: f64, lasting| Visited {
        route,
        request: request.clone(),
        rate: round3(rate),
        lasting,
        seen: Vec::new(),
    };
    let main = instance.routes.main();
    let mut all: Vec<Visited> = json_rates(saturation)
        .into_iter()
        .map(|rate| visited(JSON, &main, rate, pace.json_visit))
        .collect();
    if instance.routes == Routes::Contract {
        let burn = Request::get(BURN_5MS);
        let pilot = offer(&burn, PILOT_SHARE * cores * 1e3 / ASSUMED_MS, pace.pilot, u64::MAX);
        let cost = pilot
            .cpu
            .and_then(|cpu| per_request(cpu, pilot.lasted, pilot.completed, None));
        let capacity = cores * 1e3 / cost.filter(|cost| *cost > 1.0).unwrap_or(ASSUMED_MS);
        all.extend(SHARES.map(|share| visited(CPU_5MS, &burn, share * capacity, pace.burn_visit)));
    }
    let mut idle = Vec::new();
    for turn in 0..pace.visits {
        idle.extend(rest(instance.server.stop, pace.rest, Some(usage)));
        let backwards = turn % 2 == 1;
        for place in 0..all.len() {
            let number = if backwards { all.len() - 1 - place } else { place };
            let visit = &mut all[number];
            let seed = u64::from(turn) << 32 | number as u64;
            visit.seen.push(offer(&visit.request, visit.rate, visit.lasting, seed));
        }
    }
    let idle_cpu_ms_per_s = middle(&idle).map(round3);
    let curve = all
        .iter()
        .filter(|visited| visited.route == CPU_5MS)
        .skip(SHARES.len() - 3);
    Rates {
        responses: curve
            .filter_map(|visited| visited.response(idle_cpu_ms_per_s, cores))
            .collect(),
        runs: all.iter().map(|visited| visited.run(idle_cpu_ms_per_s)).collect(),
        idle_cpu_ms_per_s,
    }
}

/// The rates on the main route, by equal factors.
fn json_rates(saturation: f64) -> Vec<f64> {
    let highest = (HIGHEST_SHARE * saturation).min(HIGHEST);
    let lowest = LOWEST.min(highest / 4.0);
    let step = (highest / lowest).powf(1.0 / f64::from(RATES - 1));
    (0..RATES).map(|k| lowest * step.powi(k as i32)).collect()
}

impl Visited {
    fn latencies(&self) -> Histogram {
        let mut all = Histogram::new();
        self.seen.iter().for_each(|seen| all.merge(&seen.latencies()));
        all
    }

    fn sum(&self, of: fn(&Offered) -> f64) -> f64 {
        self.seen.iter().map(of).sum()
    }

    fn late_share(&self) -> f64 {
        let due = self.sum(|seen| seen.due as f64).max(1.0);
        round3(self.sum(|seen| seen.late_share * seen.due as f64) / due)
    }

    fn run(&self, idle_cpu_ms_per_s: Option<f64>) -> RateRun {
        let latencies = self.latencies();
        let lost = |seen: &Offered| seen.errors + seen.due.saturating_sub(seen.completed + seen.errors);
        let cpu = |seen: &Offered| per_request(seen.cpu?, seen.lasted, seen.completed, idle_cpu_ms_per_s);
        RateRun {
            route: self.route.into(),
            rate: self.rate,
            seconds: round3(self.sum(|seen| seen.seconds)),
            requests: self.seen.iter().map(|seen| seen.completed).sum(),
            errors: self.seen.iter().map(lost).sum(),
            cpu_ms: self.seen.iter().filter_map(cpu).collect(),
            latency_ms: quantiles(&latencies, &QUANTILES),
            latency_mean_ms: latencies.mean().map(|ns| round3(ns / 1e6)),
            late_share: self.late_share(),
        }
    }

    fn response(&self, idle_cpu_ms_per_s: Option<f64>, cores: f64) -> Option<ResponsePoint> {
        let latencies = self.latencies();
        let requests: u64 = self.seen.iter().map(|seen| seen.completed).sum();
        let cpu: Duration = self.seen.iter().filter_map(|seen| seen.cpu).sum();
        let lasted: Duration = self.seen.iter().map(|seen| seen.lasted).sum();
        Some(ResponsePoint {
            rate: self.rate,
            seconds: round3(self.sum(|seen| seen.seconds)),
            requests,
            load: round3(cpu.as_secs_f64() / lasted.as_secs_f64() / cores),
            cpu_ms: load::per_request(cpu, lasted, requests, idle_cpu_ms_per_s)?,
            latency_ms: quantiles(&latencies, &CURVE),
            latency_mean_ms: round3(latencies.mean()? / 1e6),
            late_share: self.late_share(),
        })
    }
}

fn quantiles(latencies: &Histogram, quantiles: &[f64]) -> Vec<(f64, f64)> {
    let one = |&q: &f64| Some((q, round3(latencies.quantile(q)? as f64 / 1e6)));
    quantiles.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_ascend_by_equal_factors_within_what_server_and_client_can_do() {
        let rates = json_rates(40_000.0);
        assert_eq!((rates.len(), rates[0]), (5, 10.0));
        assert!((rates[4] - 4_000.0).abs() < 1e-6);
        assert!(
            rates
                .windows(2)
                .all(|pair| (pair[1] / pair[0] - 400.0f64.powf(0.25)).abs() < 1e-9)
        );
        let slow = json_rates(8.0);
        assert!((slow[4] - 4.8).abs() < 1e-9 && (slow[0] - 1.2).abs() < 1e-9, "{slow:?}");
    }
}
