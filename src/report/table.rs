//! Tables for people: aligned on a terminal, or in Markdown. Every number has a unit in the header and its interval
//! beside it.

use std::collections::BTreeSet;

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table};

use crate::stats::interval::Estimate;
use crate::study::estimate::rounded;
use crate::study::row::{Number, Value};
use crate::study::{Difference, Metric, Row, Study};

/// How a table is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Columns apart by blanks.
    Plain,
    /// Markdown.
    Markdown,
}

/// Draws a table; the first `text_columns` columns are text, the others numbers.
pub fn draw(style: Style, header: &[&str], rows: Vec<Vec<String>>, text_columns: usize) -> String {
    let mut table = Table::new();
    table.load_style(match style {
        Style::Plain => NOTHING,
        Style::Markdown => ASCII_MARKDOWN,
    });
    table.set_header(header.iter().map(|name| name.to_string()));
    for row in rows {
        // A bar would end a Markdown cell; control characters would move the cursor.
        let clean = |cell: String| cell.replace('|', "/").replace(|c: char| c.is_control(), " ");
        table.add_row(row.into_iter().map(clean).collect::<Vec<_>>());
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if i < text_columns {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
        if style == Style::Plain {
            column.set_padding((0, 2));
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_string()).collect();
    lines.join("\n") + "\n"
}

/// The summary table.
pub fn summary(study: &Study, style: Style) -> String {
    let several = study.rows().any(|row| row.service != crate::study::row::ALL);
    // Services with promises of their own share no number.
    let limits: BTreeSet<u64> = study
        .rows()
        .filter(|row| row.slo_objective.is_some())
        .filter_map(|row| row.slo_latency_ms.map(f64::to_bits))
        .collect();
    let good = match limits.first() {
        Some(bits) if limits.len() == 1 => format!("within {} ms, %", f64::from_bits(*bits)),
        _ => "within SLO, %".into(),
    };
    let mut header = vec!["variant"];
    if several {
        header.push("service");
    }
    header.extend(["SLO", good.as_str(), "cold starts, %", "p50, ms", "p99, ms", "$/month"]);
    let rows = study.rows().map(|row| {
        let mut cells = vec![row.variant.clone()];
        if several {
            cells.push(row.service.clone());
        }
        cells.push(match row.slo_met {
            Some(true) => "met".into(),
            Some(false) => "missed".into(),
            None if row.slo_objective.is_some() => "undecided".into(),
            None => String::new(),
        });
        cells.push(cell(row, Metric::SloViolationRatio, |share| 100.0 * (1.0 - share)));
        cells.push(cell(row, Metric::ColdStartRatio, |share| 100.0 * share));
        cells.push(cell(row, Metric::LatencyP50, |ms| ms));
        cells.push(cell(row, Metric::LatencyP99, |ms| ms));
        cells.push(cell(row, Metric::MonthlyCost, |usd| usd));
        cells
    });
    draw(style, &header, rows.collect(), if several { 3 } else { 2 })
}

/// The table of paired differences; empty text where there is nothing to compare.
pub fn differences(study: &Study, style: Style) -> String {
    let differences = study.differences();
    let Some(first) = differences.first() else {
        return String::new();
    };
    let baseline = format!("less {}", first.baseline);
    let header = [
        baseline.as_str(),
        "within SLO, points",
        "cold starts, points",
        "p50, ms",
        "p99, ms",
        "$/month",
    ];
    let mut rows: Vec<Vec<String>> = Vec::new();
    let find = |variant: &str, metric: Metric, scale: f64| {
        let found = differences.iter().find(|d| d.variant == variant && d.metric == metric);
        found.map(|d| difference(d, scale)).unwrap_or_default()
    };
    for d in &differences {
        if rows.last().is_none_or(|row| row[0] != d.variant) {
            rows.push(vec![
                d.variant.clone(),
                find(&d.variant, Metric::SloViolationRatio, -100.0),
                find(&d.variant, Metric::ColdStartRatio, 100.0),
                find(&d.variant, Metric::LatencyP50, 1.0),
                find(&d.variant, Metric::LatencyP99, 1.0),
                find(&d.variant, Metric::MonthlyCost, 1.0),
            ]);
        }
    }
    draw(style, &header, rows, 1)
}

/// Sentences on variants that cannot be ranked, because the interval of their paired difference holds 0.
pub fn ranking(study: &Study) -> String {
    let mut text = String::new();
    for (metric, by) in [
        (Metric::MonthlyCost, "monthly cost"),
        (Metric::SloViolationRatio, "requests within the SLO"),
    ] {
        let known = study.variants.iter().enumerate();
        let known = known.filter_map(|(v, variant)| Some((v, variant.name(), variant.all().float(metric)?)));
        let mut ranked: Vec<(usize, &str, f64)> = known.collect();
        ranked.sort_by(|a, b| a.2.total_cmp(&b.2));
        for pair in ranked.windows(2) {
            let [(a, first, _), (b, second, _)] = *pair else {
                continue;
            };
            let interval = study.between(a, b, metric);
            if interval.is_some_and(|(low, high)| low < high && low <= 0.0 && high >= 0.0) {
                let measured = study.measured_half(a, b, metric);
                let simulated = study
                    .paired(a, b, metric)
                    .and_then(|difference| difference.half_width());
                let remedy = match measured > simulated {
                    true => "more measured samples of both narrow it",
                    false => "more replications, or --precision 2%, narrow it",
                };
                text.push_str(&format!(
                    "The interval is too wide to rank {first} and {second} by {by}: {remedy}.\n"
                ));
            }
        }
    }
    text
}

fn difference(difference: &Difference, scale: f64) -> String {
    let Estimate { mean, interval } = difference.difference;
    let scaled = Value {
        mean: Number::Float(mean * scale),
        interval: interval.map(|(low, high)| order(low * scale, high * scale)),
        symmetric: true,
        measurement: difference
            .measurement
            .map(|half| ((mean - half) * scale, (mean + half) * scale))
            .map(|(a, b)| order(a, b)),
    };
    let text = shown(&scaled, difference.decimals);
    // What rounds to nothing has no sign.
    let number = text.split(' ').next().unwrap_or_default();
    if !number.contains(|digit: char| ('1'..='9').contains(&digit)) {
        text.trim_start_matches('-').to_string()
    } else if mean * scale > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

fn cell(row: &Row, metric: Metric, show: impl Fn(f64) -> f64) -> String {
    let Some(value) = row.values.get(&metric) else {
        return String::new();
    };
    let scaled = Value {
        mean: Number::Float(show(value.float())),
        interval: value.interval.map(|(low, high)| order(show(low), show(high))),
        symmetric: value.symmetric,
        measurement: value.measurement.map(|(low, high)| order(show(low), show(high))),
    };
    shown(&scaled, metric.decimals(value.float()))
}

fn order(a: f64, b: f64) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}

/// The number with so many decimals; negative ones are tens, hundreds and so on.
fn digits(x: f64, decimals: i32) -> String {
    format!("{:.*}", decimals.max(0) as usize, rounded(x, decimals))
}

/// The decimals with which a number has two significant digits, at most four.
fn two_digits(x: f64) -> i32 {
    (1 - x.abs().log10().floor() as i32).min(4)
}

/// A value with no more digits than are known: `12.3 ±0.4`, the mean with as many decimals as the half width of its interval has
/// meaning; `700 (73 to 6600)` where the interval is not symmetric; the mean alone where all replications say the same. `known` is the
/// number of decimals that the value has at most.
pub fn shown(value: &Value, known: Option<i32>) -> String {
    let mean = value.float();
    if let Some((low, high)) = value.measurement {
        return with_both(value, (high - low) / 2.0, known);
    }
    let at_most = |decimals: i32| known.map_or(decimals, |known| known.min(decimals));
    let Some((low, high)) = value.interval else {
        return digits(mean, at_most(3));
    };
    let half = (high - low) / 2.0;
    if half <= 1e-9 * mean.abs() {
        return digits(mean, at_most(2));
    }
    if !value.symmetric {
        // Near the end of a range the width says which digits are known, elsewhere the number itself.
        let decimals = |x: f64| match half < x.abs() / 10.0 {
            true => at_most(two_digits(x).max(two_digits(half))),
            false => at_most(two_digits(x)),
        };
        let end = |x: f64| {
            if x == 0.0 {
                "0".to_string()
            } else {
                digits(x, decimals(x))
            }
        };
        return format!("{} ({} to {})", digits(mean, decimals(mean)), end(low), end(high));
    }
    let decimals = at_most(two_digits(half));
    if rounded(half, decimals) == 0.0 {
        return digits(mean, decimals);
    }
    format!("{} ±{}", digits(mean, decimals), digits(half, decimals))
}

/// A value whose profiles leave something open: `12.3 ±0.4 ±1.2`, the simulation first. The digits are those that the wider of both
/// bears.
fn with_both(value: &Value, measured: f64, known: Option<i32>) -> String {
    let mean = value.float();
    let simulated = value.interval.map_or(0.0, |(low, high)| (high - low) / 2.0);
    let widest = simulated.max(measured);
    if !value.symmetric {
        // The wider one of both to each side.
        let all = value.interval.into_iter().chain(value.measurement);
        let (low, high) = all.fold((mean, mean), |(low, high), (a, b)| (low.min(a), high.max(b)));
        let one = Value {
            interval: Some((low, high)),
            measurement: None,
            ..*value
        };
        return shown(&one, known);
    }
    let at_most = |decimals: i32| known.map_or(decimals, |known| known.min(decimals));
    if widest <= 1e-9 * mean.abs() {
        return digits(mean, at_most(2));
    }
    let decimals = at_most(two_digits(widest));
    if rounded(widest, decimals) == 0.0 {
        return digits(mean, decimals);
    }
    let simulated = match value.interval {
        Some(_) => digits(simulated, decimals),
        None => "?".into(),
    };
    format!(
        "{} ±{simulated} ±{}",
        digits(mean, decimals),
        digits(measured, decimals)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_are_known() {
        let value = |mean: f64, interval: Option<(f64, f64)>, symmetric: bool| Value {
            mean: Number::Float(mean),
            interval,
            symmetric,
            measurement: None,
        };
        let around = |mean: f64, half: f64| value(mean, Some((mean - half, mean + half)), true);
        for (value, known, text) in [
            (around(12.345, 0.41), None, "12.35 ±0.41"),
            (around(12_345.6, 1_234.0), None, "12300 ±1200"),
            (around(22.4, 0.0099), Some(1), "22.4"),
            (around(22.4, 0.1), Some(1), "22.4 ±0.1"),
            (around(100.0, 0.0), Some(0), "100"),
            (around(2.7344, 0.0), None, "2.73"),
            (around(1_500.0, 30.0), Some(-1), "1500 ±30"),
            (value(2.73444, None, true), None, "2.734"),
            (value(696.0, Some((72.9, 6_640.0)), false), None, "700 (73 to 6600)"),
            (value(0.02, Some((0.0, 1.234)), false), None, "0.020 (0 to 1.2)"),
        ] {
            assert_eq!(shown(&value, known), text);
        }
    }
}
