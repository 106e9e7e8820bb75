//! The load of a panel on one warm instance: the CPU time per request of `/json` and `/items` with several requests in flight, in
//! bursts that take turns, until both have settled.

use std::time::Duration;

use crate::measure::load;
use crate::measure::warm::Instance;
use crate::measure::warm::rounds::Rule;
use crate::model::panel::PanelRequests;
use crate::model::profile::SettlingEnd;

/// The length of a burst.
const BURST: Duration = Duration::from_millis(250);
/// The number of requests in flight.
const IN_FLIGHT: u32 = 4;
/// The rounds of a load. A round has a burst of each route.
const RULE: Rule = Rule {
    window: 4,
    fewest: 12,
    longest: LONGEST,
};
/// The shortest load: twelve rounds of two bursts.
pub const SHORTEST: Duration = Duration::from_secs(6);
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
    if requests.len() < ROUTES.len() {
        return failed("the instance has no /json or no /items");
    }
    let taken = RULE.rounds(ROUTES.len(), instance.server.stop, |route| {
        let seen = load::closed_loop(instance.server, Some(usage), requests[route], IN_FLIGHT, BURST, || {});
        let answered = seen.errors == 0 && seen.completed > 0;
        let each = seen.cpu?.as_secs_f64() * 1e3 / f64::from(seen.completed.max(1));
        answered.then_some((each * 1e5).round() / 1e5)
    });
    if taken.settling.rounds < RULE.fewest as u32 {
        return failed("the instance answered wrongly under load, or ended");
    }
    let mut each = taken.cpu_ms.into_iter();
    Ok(PanelRequests {
        json_cpu_ms: each.next().unwrap_or_default(),
        items_cpu_ms: each.next().unwrap_or_default(),
        settled: taken.settling.end == SettlingEnd::Settled,
    })
}
