//! The CPU time per request with several requests in flight. With one request at a time the server sleeps and wakes up for each
//! request. This can cost more than the handler and does not belong to it; under load the server does not sleep.
//!
//! The bursts are closed loops with as many clients as the saturation run. So CPU time per request and throughput describe the
//! same load: with fewer requests in flight a fast server pays for sleeping, and with more of them it answers them in larger
//! batches.

use std::collections::BTreeMap;

use crate::measure::http::Request;
use crate::measure::load::{self, round3};
use crate::measure::warm::pace::Pace;
use crate::measure::warm::rounds::Rule;
use crate::measure::warm::{Instance, SATURATION_CLIENTS, middle};
use crate::model::profile::{RouteRun, Settling};

/// The requests of one client in a burst, at the least: a slow server gets longer bursts.
const REQUESTS_PER_CLIENT: f64 = 4.0;
/// The largest factor by which a burst is longer for a slow server.
const LONGEST: f64 = 3.0;

/// The results of the bursts besides the CPU time of each route.
#[derive(Debug)]
pub struct Bursts {
    /// The way in which CPU time per request settled.
    pub settling: Settling,
    /// The correct answers per second of the route in a longer loop after the bursts; 0 if there is none. In a burst, which is hardly
    /// longer than a period of the CPU quota, a server has the quota of the gap before it as well.
    pub main_per_second: f64,
    /// The wrong answers and broken connections.
    pub errors: u32,
}

/// Measures the CPU time per request of each route burst by burst until it has settled; the routes take turns. `main` is the name
/// of the route whose throughput is returned. Earlier values of a route do not count any more.
pub fn add(
    instance: &Instance<'_>,
    requests: &[(String, Request)],
    main: &str,
    pace: Pace,
    idle_cpu_ms_per_s: Option<f64>,
    runs: &mut BTreeMap<String, RouteRun>,
) -> Bursts {
    let usage = instance.usage.as_ref();
    let alone = |name: &str| runs.get(name).and_then(|run| middle(&run.cpu_ms)).unwrap_or(0.0);
    let lengths: Vec<_> = requests
        .iter()
        .map(|(name, _)| {
            let client_s = REQUESTS_PER_CLIENT * f64::from(SATURATION_CLIENTS) * alone(name) / 1e3 / instance.vcpu;
            pace.burst
                .mul_f64((client_s / pace.burst.as_secs_f64()).clamp(1.0, LONGEST))
        })
        .collect();
    let mut errors = 0;
    let rule = match usage {
        Some(_) => pace.settle,
        // Nothing can be judged without CPU time.
        None => Rule {
            fewest: 2 * pace.settle.window,
            ..pace.settle
        },
    };
    let rounds = rule.rounds(requests.len(), instance.server.stop, |item| {
        let (_, request) = &requests[item];
        let seen = load::closed_loop(
            instance.server,
            usage,
            request,
            SATURATION_CLIENTS,
            lengths[item],
            || {},
        );
        errors += seen.errors;
        let cpu_ms = match usage {
            Some(_) => seen.cpu_ms(idle_cpu_ms_per_s)?,
            None => (seen.completed > 0).then_some(0.0)?,
        };
        Some(cpu_ms)
    });
    let counted = rounds.settling.counted_from as usize;
    if usage.is_some() {
        for ((name, _), values) in requests.iter().zip(rounds.cpu_ms) {
            let Some(run) = runs.get_mut(name) else { continue };
            run.unsettled_cpu_loaded_ms.append(&mut run.cpu_loaded_ms);
            run.unsettled_cpu_loaded_ms.extend(&values[..counted]);
            run.cpu_loaded_ms.extend(&values[counted..]);
        }
    }
    let of_main = requests.iter().find(|(name, _)| name == main);
    let sustained = of_main.map(|(_, request)| {
        load::closed_loop(
            instance.server,
            usage,
            request,
            SATURATION_CLIENTS,
            pace.sustained,
            || {},
        )
    });
    errors += sustained.as_ref().map_or(0, |seen| seen.errors);
    Bursts {
        settling: rounds.settling,
        main_per_second: sustained.map_or(0.0, |seen| round3(seen.per_second)),
        errors,
    }
}
