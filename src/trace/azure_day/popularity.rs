//! The number of calls of each function in a day, and its trigger.

use rand::RngExt;
use rand_distr::{Distribution, LogNormal};

use super::AzureDaySpec;
use super::arrivals::{Pattern, Trigger};
use crate::rng::{CounterRng, Draws, Purpose};

/// The number of functions on day 1 of the trace.
pub(super) const FUNCTIONS: u32 = 46_412;
/// The number of apps with calls on day 1.
const APPS: f64 = 17_577.0;
/// The number of calls on day 1.
pub(super) const INVOCATIONS: f64 = 910_042_048.0;

/// The calls per app on day 1 as quantiles: the share of apps with fewer calls, and the calls. Between them the logarithm of
/// the calls is linear in the share.
const BODY: [(f64, f64); 6] = [
    (0.0, 1.0),
    (0.1, 2.0),
    (0.25, 15.0),
    (0.5, 288.0),
    (0.75, 1_415.0),
    (0.9, 8_573.0),
];
/// The calls per app by the share of apps with more calls. Between them the logarithms of both are linear: a power law.
const TAIL: [(f64, f64); 4] = [
    (0.1, 8_573.0),
    (0.05, 35_948.0),
    (0.01, 493_983.0),
    (0.001, 8_530_000.0),
];
/// The calls of the busiest app.
const MOST: f64 = 127_500_000.0;
/// The share of the busiest apps. Their calls are scaled so that the total is that of the trace: 1% of the apps have 86.6% of
/// all calls.
const BUSIEST: f64 = 0.01;

/// The share of apps by their number of functions, with the smallest and the largest number.
const PER_APP: [(f64, u32, u32); 6] = [
    (0.54, 1, 1),
    (0.16, 2, 2),
    (0.10, 3, 3),
    (0.08, 4, 5),
    (0.07, 6, 10),
    (0.05, 11, 25),
];

/// The standard deviation of the logarithm of the weights that share out the calls of an app among its functions.
const SPREAD: f64 = 2.0;

/// The share of the functions and the share of the calls by trigger.
const TRIGGERS: [(Trigger, f64, f64); 5] = [
    (Trigger::Http, 0.55, 0.36),
    (Trigger::Queue, 0.15, 0.34),
    (Trigger::Event, 0.02, 0.25),
    (Trigger::Timer, 0.16, 0.02),
    (Trigger::Other, 0.12, 0.03),
];

/// Returns the functions of a day. The functions of an app are neighbours.
pub(super) fn patterns(spec: &AzureDaySpec, draws: Draws, entity: u64) -> Vec<Pattern> {
    let mut rng = draws.stream(Purpose::Count, entity).rng(0);
    let apps = ((f64::from(spec.functions) * APPS / f64::from(FUNCTIONS)).round() as u32).clamp(1, spec.functions);
    let calls = calls_per_app(apps, spec.invocations);
    let sizes = functions_per_app(apps, spec.functions, &mut rng);
    let weights = LogNormal::new(0.0, SPREAD).expect("a spread above 0");
    let mut patterns = Vec::with_capacity(spec.functions as usize);
    for (calls, size) in calls.into_iter().zip(sizes) {
        let weights: Vec<f64> = (0..size).map(|_| weights.sample(&mut rng)).collect();
        let total: f64 = weights.iter().sum();
        patterns.extend(weights.iter().map(|weight| calls * weight / total));
    }
    triggers(&patterns, &mut rng)
        .into_iter()
        .zip(patterns)
        .map(|(trigger, calls)| Pattern::new(trigger, calls, rng.random()))
        .collect()
}

/// Returns the expected calls of each app in ascending order. Their sum is `invocations`.
fn calls_per_app(apps: u32, invocations: f64) -> Vec<f64> {
    let n = f64::from(apps);
    let mut calls: Vec<f64> = (0..apps).map(|i| at_share((f64::from(i) + 0.5) / n)).collect();
    // The total tells more about the busiest apps than the curve does. The busiest app of all keeps its calls.
    let last = calls.len() - 1;
    let first = last - ((BUSIEST * n).round() as usize).min(last);
    let others = calls[..first].iter().sum::<f64>() + calls[last];
    let busiest: f64 = calls[first..last].iter().sum();
    let wanted = INVOCATIONS * n / APPS - others;
    if busiest > 0.0 && wanted > 0.0 {
        calls[first..last]
            .iter_mut()
            .for_each(|calls| *calls *= wanted / busiest);
    }
    let total: f64 = calls.iter().sum();
    calls.iter_mut().for_each(|calls| *calls *= invocations / total);
    calls
}

/// Returns the calls of the app at quantile `share`.
fn at_share(share: f64) -> f64 {
    let between = |x: f64, (x0, y0): (f64, f64), (x1, y1): (f64, f64)| {
        (y0.ln() + (x - x0) / (x1 - x0) * (y1.ln() - y0.ln())).exp()
    };
    if let Some(pair) = BODY.windows(2).find(|pair| share <= pair[1].0) {
        return between(share, pair[0], pair[1]);
    }
    let more = 1.0 - share;
    let log = |(share, calls): (f64, f64)| (share.ln(), calls);
    if let Some(pair) = TAIL.windows(2).find(|pair| more >= pair[1].0) {
        return between(more.ln(), log(pair[0]), log(pair[1]));
    }
    let top = (0.5 / APPS, MOST);
    between(more.max(top.0).ln(), log(TAIL[TAIL.len() - 1]), log(top))
}

/// Returns the number of functions of each app. Their sum is `functions`.
fn functions_per_app(apps: u32, functions: u32, rng: &mut CounterRng) -> Vec<u32> {
    let mut sizes: Vec<u32> = (0..apps)
        .map(|_| {
            let mut uniform: f64 = rng.random();
            let class = PER_APP.iter().find(|class| {
                uniform -= class.0;
                uniform < 0.0
            });
            let &(_, fewest, most) = class.unwrap_or(&PER_APP[0]);
            rng.random_range(fewest..=most)
        })
        .collect();
    // The table is rounded. Single functions are added or removed until the sum is right.
    let mut total: u32 = sizes.iter().sum();
    while total != functions {
        let size = &mut sizes[rng.random_range(0..apps as usize)];
        if total < functions {
            *size += 1;
            total += 1;
        } else if *size > 1 {
            *size -= 1;
            total -= 1;
        }
    }
    sizes
}

/// Returns the trigger of each function. The busiest 1% of the functions have triggers by the shares of the calls; the others
/// have triggers such that the shares of the functions are right.
fn triggers(calls: &[f64], rng: &mut CounterRng) -> Vec<Trigger> {
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by(|&a, &b| calls[b].total_cmp(&calls[a]));
    let busiest = (calls.len() as f64 * BUSIEST) as usize;
    let mut triggers = vec![Trigger::Http; calls.len()];
    for (rank, function) in order.into_iter().enumerate() {
        let mut uniform: f64 = rng.random();
        let chosen = TRIGGERS.iter().find(|(_, of_functions, of_calls)| {
            uniform -= if rank < busiest {
                *of_calls
            } else {
                (of_functions - BUSIEST * of_calls) / (1.0 - BUSIEST)
            };
            uniform < 0.0
        });
        let trigger = chosen.map_or(Trigger::Http, |row| row.0);
        // No timer fires more than once a minute.
        triggers[function] = match trigger {
            Trigger::Timer if calls[function] > 1440.0 => Trigger::Http,
            trigger => trigger,
        };
    }
    triggers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> Vec<f64> {
        calls_per_app(17_577, INVOCATIONS)
    }

    #[test]
    fn the_calls_of_apps_follow_the_published_quantiles() {
        let calls = day();
        for (share, expected) in [
            (0.1, 2.0),
            (0.25, 15.0),
            (0.5, 288.0),
            (0.75, 1_415.0),
            (0.9, 8_573.0),
            (0.95, 35_948.0),
        ] {
            let found = calls[(share * 17_577.0) as usize];
            assert!((found / expected - 1.0).abs() < 0.02, "{share}: {found}");
        }
        assert!((calls.iter().sum::<f64>() / INVOCATIONS - 1.0).abs() < 1e-9);
        assert!((calls[17_576] / MOST - 1.0).abs() < 0.001);
    }

    /// Top 0.1% of apps 55.6% of the calls, 1% 86.6%, 5% 97.2%, 10% 98.8%.
    #[test]
    fn few_apps_have_most_of_the_calls() {
        let calls = day();
        let top = |share: f64| calls[calls.len() - (share * 17_577.0) as usize..].iter().sum::<f64>() / INVOCATIONS;
        for (share, expected, tolerance) in [
            (0.001, 0.556, 0.05),
            (0.01, 0.866, 0.02),
            (0.05, 0.972, 0.01),
            (0.1, 0.988, 0.01),
        ] {
            assert!((top(share) - expected).abs() < tolerance, "{share}: {}", top(share));
        }
    }

    #[test]
    fn there_are_as_many_functions_as_asked_for() {
        for functions in [1, 2, 17, 46_412] {
            let spec = AzureDaySpec {
                functions,
                invocations: 1e6,
            };
            assert_eq!(patterns(&spec, Draws::new(1, 0), 0).len(), functions as usize);
        }
    }
}
