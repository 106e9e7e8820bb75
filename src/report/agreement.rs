//! The agreement of two measurements of the same framework: medians of the cold start, size by size.

use super::cells;
use super::table::{Style, draw};
use crate::model::profile::{FrameworkProfile, MeasuredConfig};
use crate::stats::bootstrap::{self, Ratio};
use crate::stats::order;

/// The seed of the resampling: the same profiles give the same intervals.
const SEED: u64 = 1;

/// The columns of CSV and JSON.
pub const COLUMNS: [&str; 17] = [
    "name",
    "cpu",
    "memory",
    "cold_mode",
    "cpu_mode",
    "first_samples",
    "first_p50_ms",
    "first_p50_ms_low",
    "first_p50_ms_high",
    "second_samples",
    "second_p50_ms",
    "second_p50_ms_low",
    "second_p50_ms_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "agree",
];

/// A size that both have measured.
#[derive(Debug, Clone)]
pub struct Compared {
    name: String,
    run: MeasuredConfig,
    first: Vec<f64>,
    second: Vec<f64>,
    /// The ratio of the second median to the first.
    ratio: Option<Ratio>,
    /// True if the interval of the ratio contains 1; `None` with too few starts for an interval.
    pub agree: Option<bool>,
}

/// Compares all sizes that both profiles have, in the order of the first. Medians agree if the 95% interval of their ratio
/// contains 1; each median is resampled on its own.
pub fn between(first: &FrameworkProfile, second: &FrameworkProfile) -> Vec<Compared> {
    let totals = |run: &MeasuredConfig| order::sorted(run.counted().map(|sample| sample.total_ms));
    let key = |run: &MeasuredConfig| (run.cpu, run.memory, run.cold_mode, run.cpu_mode);
    let both = first.runs.iter().filter_map(|run| {
        let other = second.runs.iter().find(|other| key(other) == key(run))?;
        let (a, b) = (totals(run), totals(other));
        if a.is_empty() || b.is_empty() {
            return None;
        }
        let ratio = bootstrap::unpaired_ratio(&b, &a, SEED);
        let interval = ratio.and_then(|ratio| ratio.interval);
        Some(Compared {
            name: first.name.clone(),
            run: MeasuredConfig {
                cold: Vec::new(),
                failures: Vec::new(),
                warm: None,
                ..run.clone()
            },
            first: a,
            second: b,
            ratio,
            agree: interval.map(|(low, high)| low <= 1.0 && 1.0 <= high),
        })
    });
    both.collect()
}

/// The table for people, with a sentence that counts the sizes.
pub fn table(compared: &[Compared], style: Style) -> String {
    let header = [
        "framework",
        "vCPU",
        "memory",
        "n",
        "first, ms",
        "n",
        "second, ms",
        "second over first",
        "agree",
    ];
    let median = |sorted: &[f64]| match (order::median(sorted), order::interval(sorted, 0.5)) {
        (Some(median), Some((low, high))) => format!("{median:.0} [{low:.0}, {high:.0}]"),
        (Some(median), None) => format!("{median:.0}"),
        _ => String::new(),
    };
    let rows = compared.iter().map(|one| {
        let ratio = one.ratio.map_or_else(String::new, |ratio| match ratio.interval {
            Some((low, high)) => format!("{:.3} [{low:.3}, {high:.3}]", ratio.ratio),
            None => format!("{:.3}", ratio.ratio),
        });
        vec![
            one.name.clone(),
            one.run.cpu.as_vcpu().to_string(),
            one.run.memory.to_string(),
            one.first.len().to_string(),
            median(&one.first),
            one.second.len().to_string(),
            median(&one.second),
            ratio,
            one.agree.map_or("", |agree| if agree { "yes" } else { "no" }).into(),
        ]
    });
    let mut text = draw(style, &header, rows.collect(), 1);
    let judged = compared.iter().filter(|one| one.agree.is_some()).count();
    let agree = compared.iter().filter(|one| one.agree == Some(true)).count();
    text.push_str(&format!(
        "\n{agree} of {judged} medians agree: the 95% interval of their ratio contains 1.\n"
    ));
    text
}

/// The rows of CSV and JSON, in the order of [`COLUMNS`].
pub fn rows(compared: &[Compared]) -> Vec<Vec<String>> {
    let row = |one: &Compared| {
        let side = |sorted: &[f64]| {
            let interval = order::interval(sorted, 0.5);
            [
                sorted.len().to_string(),
                cells::maybe(order::median(sorted)),
                cells::maybe(interval.map(|interval| interval.0)),
                cells::maybe(interval.map(|interval| interval.1)),
            ]
        };
        let interval = one.ratio.and_then(|ratio| ratio.interval);
        let mut row = vec![
            one.name.clone(),
            one.run.cpu.to_string(),
            one.run.memory.to_string(),
            one.run.cold_mode.name().to_string(),
            one.run.cpu_mode.name().to_string(),
        ];
        row.extend(side(&one.first));
        row.extend(side(&one.second));
        row.extend([
            cells::maybe(one.ratio.map(|ratio| ratio.ratio)),
            cells::maybe(interval.map(|interval| interval.0)),
            cells::maybe(interval.map(|interval| interval.1)),
            one.agree.map(|agree| agree.to_string()).unwrap_or_default(),
        ]);
        row
    };
    compared.iter().map(row).collect()
}
