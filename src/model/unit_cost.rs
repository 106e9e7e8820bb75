//! The cost of a unit of work: the slope of CPU time over the number of units. The intercept is the framework's overhead.

use std::collections::BTreeMap;

use super::profile::{FrameworkProfile, RouteRun, WarmRun};
use crate::stats::work_line::{self, WorkLine};

/// The seed of the resampling: the same profile gives the same intervals.
const SEED: u64 = 1;
/// The route that did the work of a kind at one size, in profiles from before work was measured in sizes; the same route without
/// work; and the units of the former.
const ONE_SIZE: (&str, &str, f64) = ("items", "json", 20.0);

/// The cost of a unit of a kind of work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitCost {
    /// The CPU time of a unit in milliseconds on one vCPU.
    pub ms: f64,
    /// Its 95% interval; `None` if it was not measured often enough for one.
    pub interval: Option<(f64, f64)>,
    /// The number of units at which CPU time is farthest from proportional, and the deviation as a share; `None` if it is
    /// proportional within 5%.
    pub bend: Option<(f64, f64)>,
    /// The smallest and the largest number of units that were measured.
    pub sizes: (f64, f64),
}

/// Returns the lines of CPU milliseconds per request over units by kind of work. A kind that gives no line is left out.
pub fn lines(warm: &WarmRun) -> BTreeMap<String, WorkLine> {
    let kinds = warm
        .work
        .keys()
        .filter_map(|kind| Some((kind.clone(), line(warm, kind)?)));
    kinds.collect()
}

fn line(warm: &WarmRun, kind: &str) -> Option<WorkLine> {
    let costs = warm.work.get(kind)?.iter();
    let costs: Vec<(f64, &[f64])> = costs
        .map(|size| (f64::from(size.units), size.cpu_ms.as_slice()))
        .collect();
    work_line::fit(&costs, SEED)
}

/// The kinds of work whose units have a cost.
pub fn kinds(warm: &WarmRun) -> Vec<String> {
    if warm.work.is_empty() {
        return of_one_size(warm).map(|_| ONE_SIZE.0.to_string()).into_iter().collect();
    }
    warm.work.keys().cloned().collect()
}

/// Returns the cost of a unit of a kind; `None` if it was not measured.
pub fn of(warm: &WarmRun, kind: &str) -> Option<UnitCost> {
    if warm.work.is_empty() && kind == ONE_SIZE.0 {
        return of_one_size(warm);
    }
    let line = line(warm, kind)?;
    let units = || {
        warm.work
            .get(kind)
            .into_iter()
            .flatten()
            .map(|size| f64::from(size.units))
    };
    // Noise can hide work that costs next to nothing.
    (line.per_unit.value > 0.0).then(|| UnitCost {
        ms: line.per_unit.value,
        interval: line.per_unit.interval,
        bend: line.bend(),
        sizes: (units().fold(f64::INFINITY, f64::min), units().fold(0.0, f64::max)),
    })
}

/// The cost of an item by the difference of two routes.
fn of_one_size(warm: &WarmRun) -> Option<UnitCost> {
    let (with, without, units) = ONE_SIZE;
    let mean = |route: &str| {
        let cpu = warm.routes.get(route).map(RouteRun::cpu_per_request)?;
        (!cpu.is_empty()).then(|| cpu.iter().sum::<f64>() / cpu.len() as f64)
    };
    let ms = (mean(with)? - mean(without)?) / units;
    (ms > 0.0).then_some(UnitCost {
        ms,
        interval: None,
        bend: None,
        sizes: (units, units),
    })
}

/// Returns the warm run of a profile in which work was measured: in sizes, or else at one size with the CPU nearest to one vCPU.
pub fn measured_in(profile: &FrameworkProfile) -> Option<&WarmRun> {
    let runs = || profile.runs.iter().filter_map(|run| Some((run, run.warm.as_ref()?)));
    let in_sizes = runs().find(|(_, warm)| !warm.work.is_empty());
    let at_one = || {
        runs()
            .filter(|(_, warm)| of_one_size(warm).is_some())
            .min_by_key(|(run, _)| run.cpu.0.abs_diff(1000))
    };
    Some(in_sizes.or_else(at_one)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cpu_check::tests::warm;
    use crate::model::profile::WorkSize;

    #[test]
    fn an_older_profile_tells_the_cost_of_an_item_by_the_difference_of_two_routes() {
        let mut run = warm(0.02, 50_000.0);
        let mut items = run.routes["json"].clone();
        items.cpu_loaded_ms.iter_mut().for_each(|ms| *ms += 0.06);
        items.cpu_ms.iter_mut().for_each(|ms| *ms += 0.06);
        run.routes.insert("items".into(), items);
        assert_eq!(kinds(&run), ["items"]);
        let cost = of(&run, "items").unwrap();
        assert!((cost.ms - 0.003).abs() < 1e-9 && cost.interval.is_none(), "{cost:?}");
        assert_eq!(of(&run, "template"), None);
    }

    #[test]
    fn each_kind_has_its_own_line() {
        let mut run = warm(0.02, 50_000.0);
        let size = |units: u32, cpu_ms: f64| WorkSize {
            units,
            requests: 1000,
            errors: 0,
            cpu_ms: vec![
                cpu_ms,
                1.02 * cpu_ms,
                0.98 * cpu_ms,
                cpu_ms,
                1.01 * cpu_ms,
                0.99 * cpu_ms,
            ],
            unsettled_cpu_ms: vec![9.0],
            latency_ms: vec![],
        };
        run.work.insert(
            "items".into(),
            [10, 50, 150].map(|n| size(n, 0.03 + 0.002 * f64::from(n))).into(),
        );
        run.work.insert("template".into(), vec![size(20, 0.5)]);
        let lines = lines(&run);
        assert_eq!(lines.len(), 1, "one size gives no line");
        let cost = of(&run, "items").unwrap();
        assert!(
            (cost.ms - 0.002).abs() < 1e-9 && cost.sizes == (10.0, 150.0),
            "{cost:?}"
        );
        let items = &lines["items"];
        assert!((items.per_unit.value - 0.002).abs() < 1e-9 && (items.overhead.value - 0.03).abs() < 1e-9);
        let (low, high) = items.per_unit.interval.unwrap();
        assert!(low < 0.002 && 0.002 < high && items.bend().is_none());
    }
}
