//! The agreement of two measurements of the same framework: medians of the cold start, size by size.

use super::cells;
use super::table::{Style, draw};
use crate::model::panel::linked::{Factor, Scale};
use crate::model::profile::{FrameworkProfile, MeasuredConfig};
use crate::stats::bootstrap::{self, Ratio};
use crate::stats::order;

/// The seed of the resampling: the same profiles give the same intervals.
const SEED: u64 = 1;

/// The columns of CSV and JSON.
pub const COLUMNS: [&str; 23] = [
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
    "machine_factor",
    "machine_factor_low",
    "machine_factor_high",
    "linked_ratio",
    "linked_ratio_low",
    "linked_ratio_high",
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
    /// The factor from the machine of the first to that of the second, by the panels that both profiles carry; `None` if one
    /// carries none.
    machine: Option<Factor>,
    /// The ratio without the factor of the machines.
    linked: Option<Factor>,
    /// True if the interval of the linked ratio, or of the ratio where there is none, contains 1; `None` with too few starts for
    /// an interval.
    pub agree: Option<bool>,
}

/// Compares all sizes that both profiles have, in the order of the first. Medians agree if the 95% interval of their ratio
/// contains 1; each median is resampled on its own. Where both profiles carry a panel, the factor of the machines is taken off
/// first, and its interval widens that of the ratio.
pub fn between(first: &FrameworkProfile, second: &FrameworkProfile) -> Vec<Compared> {
    let totals = |run: &MeasuredConfig| order::sorted(run.counted().map(|sample| sample.total_ms));
    let key = |run: &MeasuredConfig| (run.cpu, run.memory, run.cold_mode, run.cpu_mode);
    let panels = first.panel.as_ref().zip(second.panel.as_ref());
    let machine = panels.and_then(|(first, second)| Some(Scale::between(first, second)?.cold));
    let both = first.runs.iter().filter_map(|run| {
        let other = second.runs.iter().find(|other| key(other) == key(run))?;
        let (a, b) = (totals(run), totals(other));
        if a.is_empty() || b.is_empty() {
            return None;
        }
        let ratio = bootstrap::unpaired_ratio(&b, &a, SEED);
        let linked = machine.and_then(|machine| without(ratio?, machine));
        let interval = linked.map(|linked| linked.interval);
        let interval = interval.or_else(|| ratio.and_then(|ratio| ratio.interval));
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
            machine,
            linked,
            agree: interval.map(|(low, high)| low <= 1.0 && 1.0 <= high),
        })
    });
    both.collect()
}

/// The ratio without the factor of the machines; `None` without an interval. Both errors are independent, so the squares of the half
/// widths add up on the logarithmic scale.
fn without(ratio: Ratio, machine: Factor) -> Option<Factor> {
    let half = |low: f64, high: f64| 0.5 * (high / low).ln();
    let (low, high) = ratio.interval?;
    let half = half(low, high).hypot(half(machine.interval.0, machine.interval.1));
    let value = ratio.ratio / machine.value;
    Some(Factor {
        value,
        interval: (value * (-half).exp(), value * half.exp()),
    })
}

/// The table for people, with a sentence that counts the sizes.
pub fn table(compared: &[Compared], style: Style) -> String {
    let is_linked = compared.iter().any(|one| one.linked.is_some());
    let mut header = vec![
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
    if is_linked {
        header.insert(8, "without the machines");
    }
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
        let mut row = vec![
            one.name.clone(),
            one.run.cpu.as_vcpu().to_string(),
            one.run.memory.to_string(),
            one.first.len().to_string(),
            median(&one.first),
            one.second.len().to_string(),
            median(&one.second),
            ratio,
            one.agree.map_or("", |agree| if agree { "yes" } else { "no" }).into(),
        ];
        if is_linked {
            row.insert(8, one.linked.map_or_else(String::new, |linked| linked.to_string()));
        }
        row
    });
    let mut text = draw(style, &header, rows.collect(), 1);
    let judged = compared.iter().filter(|one| one.agree.is_some()).count();
    let agree = compared.iter().filter(|one| one.agree == Some(true)).count();
    text.push_str(&format!(
        "\n{agree} of {judged} medians agree: the 95% interval of their ratio contains 1.\n"
    ));
    if let Some(machine) = compared.iter().find_map(|one| one.machine) {
        text.push_str(&format!(
            "By the panels of both, the second machine takes {machine} times as long; this factor is taken off where a ratio stands \
             without the machines.\n"
        ));
    }
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
        for factor in [one.machine, one.linked] {
            row.extend([
                cells::maybe(factor.map(|factor| factor.value)),
                cells::maybe(factor.map(|factor| factor.interval.0)),
                cells::maybe(factor.map(|factor| factor.interval.1)),
            ]);
        }
        row
    };
    compared.iter().map(row).collect()
}
