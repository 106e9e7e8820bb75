//! The load of a panel on one warm instance: the CPU time per request of `/json` and `/items` with several requests in flight, in
//! bursts that take turns, until both have come to rest.

use std::time::{Duration, Instant};

use crate::measure::load;
use crate::measure::warm::Instance;
use crate::model::panel::PanelRequests;
use crate::stats::order;

/// The length of a burst.
const BURST: Duration = Duration::from_millis(250);
/// The number of requests in flight.
const IN_FLIGHT: u32 = 4;
/// The number of bursts whose median is compared with that of as many before them.
const WINDOW: usize = 6;
/// The share by which these medians may differ at rest.
const AT_REST: f64 = 0.02;
/// The shortest load: two windows of both routes.
pub const SHORTEST: Duration = Duration::from_millis(250 * 2 * 2 * WINDOW as u64);
/// The longest load.
pub const LONGEST: Duration = Duration::from_secs(22);
/// The routes.
const ROUTES: [&str; 2] = ["json", "items"];

/// Loads an instance.
///
/// # Errors
/// If the CPU time cannot be read, or the instance answers wrongly.
pub fn run(instance: &Instance<'_>) -> std::io::Result<PanelRequests> {
    let failed = |reason: &str| Err(std::io::Error::other(reason.to_string()));
    let Some(usage) = instance.usage.as_ref() else {
        return failed("the CPU time of the instance cannot be read");
    };
    let routes = instance.routes.all();
    let requests: Vec<_> = ROUTES
        .iter()
        .filter_map(|name| Some(&routes.iter().find(|(route, _)| route == name)?.1))
        .collect();
    let [json, items] = requests.as_slice() else {
        return failed("the instance has no /json or no /items");
    };
    let mut found = PanelRequests::default();
    let began = Instant::now();
    while began.elapsed() < LONGEST && !found.settled {
        for (request, bursts) in [(json, &mut found.json_cpu_ms), (items, &mut found.items_cpu_ms)] {
            let seen = load::closed_loop(instance.server, Some(usage), request, IN_FLIGHT, BURST, || {});
            if seen.errors > 0 {
                return failed("the instance answered wrongly under load, or ended");
            }
            if let Some(used) = seen.cpu.filter(|_| seen.completed > 0) {
                let each = used.as_secs_f64() * 1e3 / f64::from(seen.completed);
                bursts.push((each * 1e5).round() / 1e5);
            }
        }
        found.settled = is_at_rest(&found.json_cpu_ms) && is_at_rest(&found.items_cpu_ms);
    }
    Ok(found)
}

/// Returns true if the last bursts cost what those before them cost.
fn is_at_rest(bursts: &[f64]) -> bool {
    let Some(from) = bursts.len().checked_sub(2 * WINDOW) else {
        return false;
    };
    let median = |values: &[f64]| order::median(&order::sorted(values.iter().copied())).unwrap_or_default();
    let (before, now) = (median(&bursts[from..from + WINDOW]), median(&bursts[from + WINDOW..]));
    (now - before).abs() <= AT_REST * before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_still_falls_is_not_at_rest() {
        assert!(!is_at_rest(&[1.0; 11]), "too few bursts");
        assert!(is_at_rest(&[1.0; 12]));
        let falling: Vec<f64> = (0..12).map(|k| 0.97_f64.powi(k)).collect();
        assert!(!is_at_rest(&falling));
        let settled: Vec<f64> = falling.iter().copied().chain([0.7; 12]).collect();
        assert!(is_at_rest(&settled));
        let one_slow = [1.0, 1.0, 9.0, 1.0, 1.01, 1.0, 1.0, 0.99, 1.0, 1.0, 1.0, 1.0];
        assert!(is_at_rest(&one_slow), "one interrupted burst does not matter");
    }
}
