//! The part of `catalog frameworks NAME` about work in sizes, overhead by the gap between requests, and the order of service.

use crate::model::profile::{MeasuredConfig, WarmRun};
use crate::model::{discipline, overhead, unit_cost};
use crate::stats::gap_law::GapLaw;
use crate::stats::work_line::{Ranged, WorkLine};

/// The CPU milliseconds of the handler of `/cpu?ms=5`.
const BURNT_MS: f64 = 5.0;

/// The sentences about one run; none if nothing of this was measured.
pub fn lines(run: &MeasuredConfig) -> Vec<String> {
    let Some(warm) = &run.warm else { return Vec::new() };
    let vcpu = run.cpu.as_vcpu();
    let mut lines: Vec<String> = run
        .doubts()
        .into_iter()
        .map(|doubt| format!("doubtful: {doubt}"))
        .collect();
    lines.extend(unit_cost::lines(warm).iter().map(|(kind, line)| work(kind, line)));
    let after_work = |law: GapLaw| GapLaw {
        busy: (law.busy - BURNT_MS).max(0.0),
        intervals: law.intervals.map(|[busy, wake, tau]| {
            let above = |ms: f64| (ms - BURNT_MS).max(0.0);
            [(above(busy.0), above(busy.1)), wake, tau]
        }),
        ..law
    };
    lines.extend(overhead::of_json(warm, vcpu).map(|law| gap("overhead", &law)));
    lines.extend(overhead::after_work(warm, vcpu).map(|law| gap("overhead after 5 ms of work", &after_work(law))));
    lines.extend(order(warm));
    lines
}

fn work(kind: &str, line: &WorkLine) -> String {
    let bend = line.bend().map_or(String::new(), |(units, off)| {
        format!("; not linear: {units:.0} units lie {:+.0} % off the line", 100.0 * off)
    });
    format!(
        "work {kind}: {} ms of CPU a unit, {} ms without units{bend}",
        ranged(line.per_unit),
        ranged(line.overhead)
    )
}

fn gap(what: &str, law: &GapLaw) -> String {
    let [busy, wake, tau] = match law.intervals {
        Some(intervals) => intervals.map(Some),
        None => [None; 3],
    };
    let value = |value, interval| ranged(Ranged { value, interval });
    let in_ms = |(low, high): (f64, f64)| (1e3 * low, 1e3 * high);
    format!(
        "{what}: {} ms of CPU a request on a busy server, up to {} ms more after a gap (time constant {} ms; misfit {:.0} %)",
        value(law.busy, busy),
        value(law.wake, wake),
        value(1e3 * law.tau, tau.map(in_ms)),
        100.0 * law.misfit
    )
}

fn order(warm: &WarmRun) -> Option<String> {
    let found = discipline::choose(warm)?;
    let alike = match found.alike.as_slice() {
        [] => String::new(),
        alike => format!("; not told apart from: {}", alike.join("; ")),
    };
    Some(format!(
        "order of service: {} (misfit {:.0} %{alike})",
        found.name,
        100.0 * found.misfit
    ))
}

/// A value with its interval.
fn ranged(Ranged { value, interval }: Ranged) -> String {
    interval.map_or_else(
        || digits(value),
        |(low, high)| format!("{} [{}, {}]", digits(value), digits(low), digits(high)),
    )
}

/// Three significant digits.
fn digits(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown() {
        let shown = [0.0, 0.002_134, 0.0226, 4.03, 61.27, 1234.5].map(digits);
        assert_eq!(shown, ["0.00", "0.00213", "0.0226", "4.03", "61.3", "1234"]);
    }

    #[test]
    fn a_bent_kind_says_so() {
        let ranged = |value: f64| Ranged {
            value,
            interval: Some((0.9 * value, 1.1 * value)),
        };
        let mut line = WorkLine {
            per_unit: ranged(0.002),
            overhead: ranged(0.05),
            deviations: vec![(400.0, ranged(0.2))],
        };
        assert_eq!(
            work("items", &line),
            "work items: 0.00200 [0.00180, 0.00220] ms of CPU a unit, 0.0500 [0.0450, 0.0550] ms without units; not linear: 400 units \
             lie +20 % off the line"
        );
        line.deviations.clear();
        assert!(!work("items", &line).contains("not linear"));
    }
}
