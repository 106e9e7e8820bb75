//! The handler's own work on an instance: its CPU part, stretched to the instance's CPU, and its waiting part.

use std::collections::BTreeMap;

use crate::assumption::Topic;
use crate::model::dist::Dist;
use crate::scenario::file::work::{CpuSpec, Work};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::units::SimDuration;

/// The time of a handler's own work.
pub(super) struct HandlerTime {
    /// CPU time.
    pub(super) cpu: Dist,
    /// Time without CPU.
    pub(super) wait: Dist,
}

/// The time of the work of a handler in a framework whose routes take `cpu_ms` of CPU time, where one request has `share`
/// of a core.
///
/// # Errors
/// A sentence that says which value of `[work]` cannot be used.
pub(super) fn work(
    framework: &str,
    work: Option<&Work>,
    cpu_ms: &BTreeMap<String, f64>,
    share: f64,
    files: Files<'_>,
) -> Result<Found<HandlerTime>, String> {
    let mut findings = Findings::default();
    let none = Dist::Constant(SimDuration::ZERO);
    let cpu = match work.and_then(|work| work.cpu.as_ref()) {
        None => none.clone(),
        Some(CpuSpec::Route { route, times }) => {
            let per_request = cpu_ms.get(route).ok_or_else(|| {
                let known: Vec<&str> = cpu_ms.keys().map(String::as_str).collect();
                format!(
                    "`work.cpu.route` is `{route}`, measured for {framework} are {}",
                    known.join(", ")
                )
            })?;
            if !(times.is_finite() && *times >= 0.0) {
                return Err("`work.cpu.times` must be a number of at least 0".into());
            }
            findings.assume(Topic::Work.large(
                "the work's CPU time is the mean measured for the route times the factor; it is the same for every \
                 request, and one thread does it",
            ));
            Dist::Constant(SimDuration::from_millis_f64(per_request * times / share))
        }
        Some(CpuSpec::Time(spec)) => files.dist("work.cpu", spec)?.scaled(1.0 / share),
    };
    let wait = match work.and_then(|work| work.io.as_ref()) {
        None => none,
        Some(spec) => files.dist("work.io", spec)?,
    };
    Ok((HandlerTime { cpu, wait }, findings))
}
