//! `coldcast trace inspect`: the figures of a trace, for people and for machines.

use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};

use crate::cli::exit::Failure;
use crate::cli::output::Format;
use crate::report::cells;
use crate::trace::guess::{Columns, UnknownFile};
use crate::trace::inspect::Inspection;
use crate::trace::{OnBadLine, TraceError, Traffic};
use crate::units::SimDuration;

/// Prints the size, the peaks and the burstiness of a trace
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast trace inspect embedded:web-shop-week --format markdown")]
pub struct InspectArgs {
    /// A CSV file (also gzip), a folder of the Azure 2019 trace, or a built-in trace (embedded:web-shop-week)
    file: String,
    /// The kind of file [default: as its header suggests]
    #[arg(long = "as", value_name = "KIND", value_parser = PossibleValuesParser::new(Traffic::file_kinds()))]
    kind: Option<String>,
    /// The column with the times, in seconds
    #[arg(long, value_name = "NAME")]
    time_column: Option<String>,
    /// The column with the number of requests per bin of time
    #[arg(long, value_name = "NAME")]
    count_column: Option<String>,
    /// The column with the names of functions
    #[arg(long, value_name = "NAME")]
    function_column: Option<String>,
    /// The column with the durations, in seconds
    #[arg(long, value_name = "NAME")]
    duration_column: Option<String>,
    /// The length of a bin of time, which is the time from one row of counts to the next [default: 60s]
    #[arg(long, value_name = "DURATION")]
    bin: Option<SimDuration>,
    /// The rule for lines that cannot be read
    #[arg(long, value_name = "RULE", default_value = "fail")]
    on_bad_line: BadLineRule,
    /// The format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BadLineRule {
    Fail,
    Skip,
}

impl InspectArgs {
    /// Reads the file.
    pub fn inspect(&self) -> Result<Inspection, TraceError> {
        let columns = Columns {
            time: self.time_column.clone(),
            count: self.count_column.clone(),
            function: self.function_column.clone(),
            duration: self.duration_column.clone(),
        };
        let base = Path::new("");
        let file = UnknownFile::open(&self.file, base, columns)?;
        let mut traffic = Traffic::guess(&file, self.kind.as_deref())?;
        traffic.set_on_bad_line(match self.on_bad_line {
            BadLineRule::Fail => OnBadLine::Fail,
            BadLineRule::Skip => OnBadLine::Skip,
        });
        if let Some(bin) = self.bin {
            traffic.set_bin(bin);
        }
        traffic.inspect(base)
    }

    /// The answer as text.
    pub fn print(&self, found: &Inspection) -> Result<String, Failure> {
        print(found, self.format)
    }
}

fn print(found: &Inspection, format: Format) -> Result<String, Failure> {
    let rows = rows(found);
    match format {
        Format::Json => serde_json::to_string_pretty(found).map_err(Failure::input),
        Format::Csv => {
            let keys: Vec<&str> = rows.iter().map(|row| row.key).collect();
            let file = cells::csv(&keys, [rows.into_iter().map(|row| row.plain).collect()]);
            Ok(String::from_utf8_lossy(&file).trim_end().to_string())
        }
        Format::Table | Format::Markdown => {
            let mut table = Table::new();
            table.load_style(match format {
                Format::Markdown => presets::ASCII_MARKDOWN,
                _ => presets::UTF8_BORDERS_ONLY,
            });
            table.set_header(["", "value", "unit"]);
            for row in &rows {
                table.add_row([row.label, &row.shown, row.unit]);
            }
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            Ok(table.to_string())
        }
    }
}

/// One figure: its column name, its label, its value for machines and for people, and its unit.
struct Row {
    key: &'static str,
    label: &'static str,
    plain: String,
    shown: String,
    unit: &'static str,
}

fn rows(found: &Inspection) -> Vec<Row> {
    let text = |key, label, value: &str| Row {
        key,
        label,
        plain: value.to_string(),
        shown: value.to_string(),
        unit: "",
    };
    let whole = |key, label, value: Option<u64>, unit| {
        let plain = value.map(|v| v.to_string()).unwrap_or_default();
        Row {
            key,
            label,
            shown: grouped(&plain),
            plain,
            unit,
        }
    };
    let real = |key, label, value: Option<f64>, unit| Row {
        key,
        label,
        plain: value.map(|v| v.to_string()).unwrap_or_default(),
        shown: value.map(four_digits).unwrap_or_default(),
        unit,
    };
    vec![
        text("path", "file", &found.path),
        text("format", "kind", found.format),
        whole("lines", "rows read", Some(found.report.lines), ""),
        whole("kept", "rows used", Some(found.report.kept), ""),
        whole("skipped", "rows skipped", Some(found.report.skipped), ""),
        whole("functions", "functions", Some(found.report.functions), ""),
        whole("requests", "requests", Some(found.requests), ""),
        real("first_s", "first request", found.first_s, "s"),
        real("last_s", "last request", found.last_s, "s"),
        real("span_s", "span", found.span_s, "s"),
        real("mean_rate_per_s", "mean rate", found.mean_rate_per_s, "1/s"),
        whole("peak_second", "peak second", found.peak_second, "requests"),
        real("peak_second_at_s", "peak second at", found.peak_second_at_s, "s"),
        whole("peak_minute", "peak minute", found.peak_minute, "requests"),
        real("peak_minute_at_s", "peak minute at", found.peak_minute_at_s, "s"),
        real("dispersion_1s", "variance / mean per second", found.dispersion_1s, ""),
        real("dispersion_60s", "variance / mean per minute", found.dispersion_60s, ""),
        real(
            "idle_minutes_share",
            "share of idle minutes",
            found.idle_minutes_share,
            "",
        ),
        real("gap_cv", "variation of gaps (CV)", found.gap_cv, ""),
    ]
}

/// Groups digits by three.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Rounds to about four significant digits, but never rounds the whole part.
fn four_digits(value: f64) -> String {
    let whole = value.abs().max(1e-9).log10().floor() as i32;
    let decimals = (3 - whole).clamp(0, 6) as usize;
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            let whole = grouped(whole);
            if fraction.is_empty() {
                whole
            } else {
                format!("{whole}.{fraction}")
            }
        }
        None => grouped(&text),
    }
}
