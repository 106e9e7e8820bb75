//! Tables for people: aligned on a terminal, or in Markdown. Every number has a unit in the header and its interval
//! beside it.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, Table};

use crate::stats::interval::Estimate;
use crate::study::result::Value;
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
    let several = study.rows().any(|row| row.service != crate::study::result::ALL);
    let slo = study
        .rows()
        .find_map(|row| Some((row.slo_latency_ms?, row.slo_objective?)));
    let good = match slo {
        Some((latency, _)) => format!("within {latency} ms, %"),
        None => "within SLO, %".into(),
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

fn difference(difference: &Difference, scale: f64) -> String {
    let Estimate { mean, interval } = difference.difference;
    let text = with_interval(
        mean * scale,
        interval.map(|(low, high)| order(low * scale, high * scale)),
    );
    // What rounds to nothing has no sign.
    let shown = text.split(' ').next().unwrap_or_default();
    if !shown.contains(|digit: char| ('1'..='9').contains(&digit)) {
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
    let Value { interval, .. } = value;
    with_interval(
        show(value.float()),
        interval.map(|(low, high)| order(show(low), show(high))),
    )
}

fn order(a: f64, b: f64) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}

/// `12.3 ±0.4`: the mean with as many decimals as the half width of its interval has meaning.
pub fn with_interval(mean: f64, interval: Option<(f64, f64)>) -> String {
    let Some((low, high)) = interval else {
        return format!("{mean:.3}");
    };
    let half = (high - low) / 2.0;
    // Two significant digits of the half width, at most four decimals; two where it is zero but for rounding.
    let certain = half <= 1e-9 * mean.abs();
    let decimals = if certain {
        2
    } else {
        (1 - half.log10().floor() as i32).clamp(0, 4)
    } as usize;
    format!("{mean:.decimals$} ±{half:.decimals$}")
}
