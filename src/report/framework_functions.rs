//! The reports of AWS Lambda on a function, as a table with a row for each memory size.

use super::table::{Style, draw};
use crate::model::profile::{FrameworkProfile, FunctionRun, FunctionStart};
use crate::stats::order;

/// The fewest samples that have a hundredth.
const FEWEST: usize = 100;

/// The table; empty if the profile is of no function.
pub fn table(profile: &FrameworkProfile, style: Style) -> String {
    if profile.functions.is_empty() {
        return String::new();
    }
    let header = [
        "memory",
        "warm",
        "p50, ms",
        "p99, ms",
        "starts",
        "waited for",
        "start p50, ms",
        "start p99, ms",
        "most memory, MB",
        "failed",
    ];
    draw(style, &header, profile.functions.iter().map(row).collect(), 1)
}

fn row(run: &FunctionRun) -> Vec<String> {
    let warm = order::sorted(run.warm_ms.iter().copied());
    let time = |start: &FunctionStart| start.restore_ms.or(start.init_ms);
    let starts = order::sorted(run.waited().filter_map(time));
    let ms = |values: &[f64], q: f64| order::quantile(values, q).map_or_else(String::new, |ms| format!("{ms:.1}"));
    vec![
        run.memory.to_string(),
        run.warm_ms.len().to_string(),
        ms(&warm, 0.5),
        match warm.len() < FEWEST {
            true => String::new(),
            false => ms(&warm, 0.99),
        },
        run.starts.len().to_string(),
        run.waited().count().to_string(),
        ms(&starts, 0.5),
        match starts.len() < FEWEST {
            true => String::new(),
            false => ms(&starts, 0.99),
        },
        run.max_memory_mb.map_or_else(String::new, |mb| format!("{mb:.0}")),
        run.failed.to_string(),
    ]
}
