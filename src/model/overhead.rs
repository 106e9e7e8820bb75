//! The gap law of a server: what a request costs by the time since the server finished its last one, from the open-loop loads of
//! a warm run.

use super::profile::{CPU_5MS, JSON, RateRun, WarmRun};
use crate::stats::gap_law::{GapLaw, Point};

/// Returns the law on the main route in CPU milliseconds per request, at a CPU limit in vCPUs; `None` if the rates were not
/// measured. The bursts are part of it: there the server never sleeps.
pub fn of_json(warm: &WarmRun, vcpu: f64) -> Option<GapLaw> {
    let busy = ["json", "healthz"].into_iter().find_map(|name| warm.routes.get(name))?;
    let bursts = busy.cpu_loaded_ms.iter().map(|&cost| Point {
        rate: f64::INFINITY,
        load: 1.0,
        cost,
    });
    let rates = points(warm, JSON, vcpu);
    // As many bursts as visits to a rate, so that the busy end has no more weight than another rate.
    let visits = visits(warm, JSON).map(|run| run.cpu_ms.len()).max()?;
    GapLaw::fit(
        &rates
            .into_iter()
            .chain(spread(bursts.collect(), visits))
            .collect::<Vec<_>>(),
    )
}

/// Returns the law on `/cpu?ms=5` in CPU milliseconds per request, the 5 ms of work included: after real work others have filled
/// the caches. `None` if the rates were not measured.
pub fn after_work(warm: &WarmRun, vcpu: f64) -> Option<GapLaw> {
    GapLaw::fit(&points(warm, CPU_5MS, vcpu))
}

fn visits<'a>(warm: &'a WarmRun, route: &'a str) -> impl Iterator<Item = &'a RateRun> {
    warm.rates.iter().filter(move |run| run.route == route)
}

/// The visits as points. The load is the share of the time in which a server with at most one core is busy.
fn points(warm: &WarmRun, route: &str, vcpu: f64) -> Vec<Point> {
    let each = visits(warm, route).flat_map(|run| {
        run.cpu_ms.iter().map(|&cost| Point {
            rate: run.rate,
            load: (run.rate * cost / 1e3 / vcpu.min(1.0)).min(1.0),
            cost,
        })
    });
    each.filter(|point| point.cost > 0.0).collect()
}

/// `count` of the points, evenly spread; all of them if there are fewer.
fn spread(points: Vec<Point>, count: usize) -> Vec<Point> {
    let n = points.len();
    (0..count.min(n)).map(|k| points[k * n / count.min(n)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cpu_check::tests::warm;

    fn run(route: &str, rate: f64, cpu_ms: f64) -> RateRun {
        RateRun {
            route: route.into(),
            rate,
            seconds: 12.0,
            requests: (12.0 * rate) as u64,
            errors: 0,
            cpu_ms: vec![cpu_ms; 4],
            latency_ms: vec![],
            latency_mean_ms: None,
            late_share: 0.0,
        }
    }

    /// The CPU time per request of a real Gin at four rates (one machine, 2026-11-30) and in its bursts.
    #[test]
    fn the_law_describes_a_real_server_within_fifteen_per_cent() {
        let mut warm = warm(0.022, 44_000.0);
        for (rate, cpu_ms) in [(10.0, 0.251), (60.0, 0.226), (250.0, 0.162), (1000.0, 0.085)] {
            warm.rates.push(run(JSON, rate, cpu_ms));
        }
        let law = of_json(&warm, 1.0).unwrap();
        assert!(law.misfit < 0.15, "{law:?}");
        assert!(
            (1e-3..8e-3).contains(&law.tau) && (0.18..0.32).contains(&law.wake),
            "{law:?}"
        );
        assert_eq!(after_work(&warm, 1.0), None);
    }

    #[test]
    fn a_warm_run_without_rates_has_no_law() {
        assert_eq!(of_json(&warm(0.02, 50_000.0), 1.0), None);
    }
}
