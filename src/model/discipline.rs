//! The order in which a server serves requests that meet, chosen by its response curve and not by the name of its concurrency
//! model.
//!
//! Criterion: for each candidate the latencies of the same load are simulated with the measured CPU time per request. The
//! candidate with the smallest misfit is chosen: the root mean square of the logarithms of measured over simulated p50, p95 and
//! p99 at all points of the curve, the round trip taken off. Logarithms weigh all loads and quantiles alike. Another candidate
//! within a tenth of the smallest misfit is not told apart, and is named as well.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::profile::WarmRun;
use crate::stats::order;
use crate::stats::service_order::Order;

/// The slice after which the Linux scheduler turns to another process of the same weight, in milliseconds.
const KERNEL_SLICE_MS: f64 = 3.0;
/// The time after which Python's lock goes to another thread, in milliseconds.
const PYTHON_TURN_MS: f64 = 5.0;
/// The quantiles that are compared.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];
/// The seed of the simulated arrivals: the same for all candidates.
const SEED: u64 = 1;
/// The factor of the smallest misfit up to which candidates are not told apart.
const ALIKE: f64 = 1.1;

/// The candidates with their names.
const CANDIDATES: [(&str, Order); 8] = [
    ("one at a time, first come first served", Order::FIFO),
    ("all at a time, in short turns (processor sharing)", Order::SHARING),
    ("threads in turns of 3 ms", threads(KERNEL_SLICE_MS)),
    ("threads in turns of 5 ms", threads(PYTHON_TURN_MS)),
    (
        "2 workers with connections of their own, each one at a time",
        workers(2, Some(1)),
    ),
    (
        "4 workers with connections of their own, each one at a time",
        workers(4, Some(1)),
    ),
    (
        "2 workers with connections of their own, each all at a time",
        workers(2, None),
    ),
    (
        "4 workers with connections of their own, each all at a time",
        workers(4, None),
    ),
];

const fn threads(turn_ms: f64) -> Order {
    Order {
        turn_ms,
        ..Order::SHARING
    }
}

const fn workers(workers: u32, at_a_time: Option<u32>) -> Order {
    Order {
        workers,
        at_a_time,
        slice_ms: KERNEL_SLICE_MS,
        turn_ms: 0.5,
    }
}

/// The chosen order of service.
#[derive(Debug, Clone, PartialEq)]
pub struct Discipline {
    /// Its name.
    pub name: &'static str,
    /// The order.
    pub order: Order,
    /// The root mean square of the logarithms of measured over simulated quantiles.
    pub misfit: f64,
    /// The names of other candidates that fit about as well.
    pub alike: Vec<&'static str>,
}

/// The choices of this process, by the curve: a study plans the same profile again and again, and a choice takes a tenth of a
/// second.
static CHOSEN: Mutex<BTreeMap<String, Option<Discipline>>> = Mutex::new(BTreeMap::new());

/// Returns the order of service that describes the response curve of a warm run best; `None` without a curve. Points at which the
/// server had no CPU left or was kept from it, so that requests were lost, or whose requests were sent late, do not count.
pub fn choose(warm: &WarmRun) -> Option<Discipline> {
    let key = format!("{:?} {:?}", warm.round_trip_ms, warm.responses);
    let known = || CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(chosen) = known().get(&key) {
        return chosen.clone();
    }
    let chosen = fit(warm);
    known().insert(key, chosen.clone());
    chosen
}

fn fit(warm: &WarmRun) -> Option<Discipline> {
    let points: Vec<Seen> = warm
        .responses
        .iter()
        .filter(|point| point.rate * point.cpu_ms / 1e3 < 0.97 && point.late_share <= 0.05)
        .filter(|point| point.requests as f64 >= 0.95 * point.rate * point.seconds)
        .map(|point| Seen {
            rate: point.rate,
            cpu_ms: point.cpu_ms,
            quantiles: point
                .latency_ms
                .iter()
                .filter(|(q, _)| QUANTILES.contains(q))
                .map(|&(q, ms)| (q, (ms - warm.round_trip_ms).max(1e-3)))
                .collect(),
        })
        .collect();
    if points.iter().all(|point| point.quantiles.is_empty()) {
        return None;
    }
    let mut fits: Vec<(f64, &str, Order)> = CANDIDATES
        .into_iter()
        .map(|(name, order)| (misfit(order, &points), name, order))
        .collect();
    fits.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (best, name, order) = *fits.first()?;
    let alike = fits[1..].iter().filter(|fit| fit.0 <= ALIKE * best);
    Some(Discipline {
        name,
        order,
        misfit: best,
        alike: alike.map(|fit| fit.1).collect(),
    })
}

/// A point of the curve without the round trip.
struct Seen {
    rate: f64,
    cpu_ms: f64,
    quantiles: Vec<(f64, f64)>,
}

fn misfit(order: Order, points: &[Seen]) -> f64 {
    let mut squares = Vec::new();
    for point in points {
        let simulated = order.latencies(point.rate, point.cpu_ms, SEED);
        for &(q, ms) in &point.quantiles {
            squares.extend(order::quantile(&simulated, q).map(|expected| (ms / expected).ln().powi(2)));
        }
    }
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cpu_check::tests::warm;
    use crate::model::profile::ResponsePoint;

    fn point(rate: f64, cpu_ms: f64, [p50, p95, p99]: [f64; 3]) -> ResponsePoint {
        ResponsePoint {
            rate,
            seconds: 30.0,
            requests: (30.0 * rate) as u64,
            load: rate * cpu_ms / 1e3,
            cpu_ms,
            latency_ms: vec![(0.25, 1.0), (0.5, p50 + 0.1), (0.95, p95 + 0.1), (0.99, p99 + 0.1)],
            latency_mean_ms: p50,
            late_share: 0.0,
        }
    }

    fn chosen(points: &[ResponsePoint]) -> Discipline {
        let mut run = warm(0.02, 50_000.0);
        run.responses = points.to_vec();
        choose(&run).unwrap()
    }

    /// Response times of real containers on one core (one machine, 2026-11-30; the sender's delay taken off).
    #[test]
    fn real_servers_are_recognised() {
        let gin = chosen(&[
            point(120.0, 5.40, [7.2, 24.0, 33.5]),
            point(160.0, 5.29, [14.0, 52.5, 77.5]),
        ]);
        assert!(gin.order == Order::FIFO && gin.misfit < 0.1, "{gin:?}");
        let two_workers = [
            point(120.0, 5.61, [13.5, 56.8, 87.3]),
            point(160.0, 5.51, [35.2, 156.7, 236.8]),
        ];
        let fastapi = chosen(&two_workers);
        assert!(
            fastapi.order.workers > 1 && fastapi.order.at_a_time.is_none(),
            "{fastapi:?}"
        );
        let java = chosen(&[point(160.0, 5.52, [28.4, 100.7, 155.0])]);
        assert!(java.order.workers == 1 && java.order.at_a_time.is_none(), "{java:?}");
    }

    /// Each candidate is recognised by a curve that it has made itself, with other random numbers.
    #[test]
    fn each_order_is_recognised_by_its_own_curve() {
        for (name, order) in CANDIDATES {
            let points = [130.0, 170.0].map(|rate| {
                let latencies = order.latencies(rate, 5.2, 99);
                point(rate, 5.2, QUANTILES.map(|q| order::quantile(&latencies, q).unwrap()))
            });
            let found = chosen(&points);
            assert!(found.name == name || found.alike.contains(&name), "{name}: {found:?}");
        }
    }

    #[test]
    fn an_overloaded_or_late_point_says_nothing() {
        let mut late = point(120.0, 5.4, [7.2, 24.0, 33.5]);
        late.late_share = 0.2;
        // Other programs kept the server from the core, and requests were lost.
        let mut lost = point(160.0, 5.37, [1290.0, 2660.0, 2800.0]);
        lost.requests /= 2;
        let mut run = warm(0.02, 50_000.0);
        run.responses = vec![point(200.0, 5.4, [100.0, 500.0, 900.0]), late, lost];
        assert_eq!(choose(&run), None);
    }
}
