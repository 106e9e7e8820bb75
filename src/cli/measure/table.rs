//! The table at the end of a measurement: medians with 95% intervals from order statistics.

use comfy_table::{CellAlignment, Table, presets};

use crate::model::profile::{FrameworkProfile, MeasuredConfig, RouteRun};
use crate::stats::order;

/// The table, with one row per measured configuration. It has p95 if a configuration has the 59 starts that p95 needs.
pub fn summary(profiles: &[&FrameworkProfile]) -> String {
    let rows: Vec<(&str, &MeasuredConfig)> = profiles
        .iter()
        .flat_map(|profile| profile.runs.iter().map(|run| (profile.name.as_str(), run)))
        .collect();
    let with_p95 = rows
        .iter()
        .any(|(_, run)| run.counted().count() >= order::least_samples(0.95));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["framework", "vCPU", "memory", "n", "cold start ms"];
    if with_p95 {
        header.push("p95 ms");
    }
    header.extend([
        "boot ms",
        "CPU ms to ready",
        "idle MiB",
        "json CPU ms",
        "items CPU ms",
        "failed",
    ]);
    table.set_header(&header);
    for (name, run) in rows {
        let total = column(run, |sample| Some(sample.total_ms));
        let mut cells = vec![
            name.to_string(),
            run.cpu.as_vcpu().to_string(),
            run.memory.to_string(),
            run.counted().count().to_string(),
            with_interval(&total, 0.5, 0),
        ];
        if with_p95 {
            cells.push(with_interval(&total, 0.95, 0));
        }
        let warm = run.warm.as_ref();
        let route = |name: &str| {
            warm.and_then(|warm| warm.routes.get(name))
                .map_or_else(String::new, cpu_per_request)
        };
        let idle = warm.and_then(|warm| warm.idle.anon_bytes);
        cells.extend([
            with_interval(&column(run, |sample| Some(sample.boot_ms)), 0.5, 0),
            with_interval(&column(run, |sample| sample.cpu_ms), 0.5, 0),
            idle.map_or_else(String::new, |bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20))),
            route("json"),
            route("items"),
            run.failures.len().to_string(),
        ]);
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
        + "\nMedians [95% interval] of cold starts; idle memory is anonymous memory at rest; CPU is per request."
}

fn column(run: &MeasuredConfig, of: impl Fn(&crate::model::profile::ColdSample) -> Option<f64>) -> Vec<f64> {
    order::sorted(run.counted().filter_map(of))
}

/// A quantile with its interval. It is blank without values, and has no interval with too few values.
fn with_interval(sorted: &[f64], q: f64, decimals: usize) -> String {
    let value = if q == 0.5 {
        order::median(sorted)
    } else {
        order::quantile(sorted, q)
    };
    match (value, order::interval(sorted, q)) {
        (None, _) => String::new(),
        (Some(_), None) if q > 0.5 => String::new(),
        (Some(value), None) => format!("{value:.decimals$}"),
        (Some(value), Some((low, high))) => format!("{value:.decimals$} [{low:.decimals$}, {high:.decimals$}]"),
    }
}

fn cpu_per_request(route: &RouteRun) -> String {
    let sorted = order::sorted(route.cpu_per_request().iter().copied());
    with_interval(&sorted, 0.5, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_needs_enough_values() {
        assert_eq!(with_interval(&[], 0.5, 0), "");
        assert_eq!(with_interval(&[1.0, 2.0, 4.0], 0.5, 1), "2.0");
        assert_eq!(with_interval(&[1.0, 2.0, 4.0], 0.95, 1), "");
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(with_interval(&ten, 0.5, 1), "5.5 [2.0, 9.0]");
    }
}
