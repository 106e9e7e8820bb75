//! The CPU time per request with several requests in flight. With one request at a time the server sleeps and wakes up for each
//! request. This can cost more than the handler and does not belong to it; under load the server does not sleep.

use std::collections::BTreeMap;

use crate::measure::http::Request;
use crate::measure::load;
use crate::measure::usage::Usage;
use crate::measure::warm::Instance;
use crate::measure::warm::pace::Pace;
use crate::model::profile::RouteRun;

/// The number of requests in flight.
const IN_FLIGHT: u32 = 4;

/// Measures the CPU time per request of each route, burst by burst; the routes take turns. Returns the number of wrong answers.
pub fn add(
    instance: &Instance<'_>,
    requests: &[(String, Request)],
    pace: Pace,
    idle_cpu_ms_per_s: Option<f64>,
    runs: &mut BTreeMap<String, RouteRun>,
) -> u32 {
    let usage = instance.usage.as_ref();
    let mut errors = 0;
    for _ in 0..pace.bursts {
        for (name, request) in requests {
            let (began, before) = (std::time::Instant::now(), usage.and_then(Usage::cpu_time));
            let seen = load::closed_loop(instance.server, request, IN_FLIGHT, pace.burst, || {});
            let after = usage.and_then(Usage::cpu_time);
            errors += seen.errors;
            let used = before.zip(after).map(|(before, after)| after.saturating_sub(before));
            if let (Some(used), Some(run)) = (used.filter(|_| seen.completed > 0), runs.get_mut(name)) {
                let idle_ms = idle_cpu_ms_per_s.unwrap_or(0.0) * began.elapsed().as_secs_f64();
                let net = (used.as_secs_f64() * 1e3 - idle_ms).max(0.0);
                run.cpu_loaded_ms.push(round4(net / f64::from(seen.completed)));
            }
        }
    }
    errors
}

/// Rounds to a tenth of a microsecond: the handler of a fast server takes ten microseconds.
fn round4(ms: f64) -> f64 {
    (ms * 1e4).round() / 1e4
}
