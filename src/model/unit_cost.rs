//! The cost of a unit of work: the slope of CPU time over the number of units. The intercept is the framework's overhead.

use std::collections::BTreeMap;

use super::profile::WarmRun;
use crate::stats::work_line::{self, WorkLine};

/// The seed of the resampling: the same profile gives the same intervals.
const SEED: u64 = 1;

/// Returns the lines of CPU milliseconds per request over units by kind of work. A kind that gives no line is left out.
pub fn lines(warm: &WarmRun) -> BTreeMap<String, WorkLine> {
    let kinds = warm.work.iter().filter_map(|(kind, sizes)| {
        let costs: Vec<(f64, &[f64])> = sizes
            .iter()
            .map(|size| (f64::from(size.units), size.cpu_ms.as_slice()))
            .collect();
        Some((kind.clone(), work_line::fit(&costs, SEED)?))
    });
    kinds.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cpu_check::tests::warm;
    use crate::model::profile::WorkSize;

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
        let items = &lines["items"];
        assert!((items.per_unit.value - 0.002).abs() < 1e-9 && (items.overhead.value - 0.03).abs() < 1e-9);
        let (low, high) = items.per_unit.interval.unwrap();
        assert!(low < 0.002 && 0.002 < high && items.bend().is_none());
    }
}
