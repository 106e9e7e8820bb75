//! `coldcast trace`: looks at traffic and makes some up.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};

use super::exit::{Failure, Outcome};
use crate::trace::inspect::{Columns, Inspection, guess, inspect};
use crate::trace::synthetic::{Synthetic, WriteError};
use crate::trace::{OnBadLine, TraceError, Traffic, generate};
use crate::units::{PerSecond, SimDuration};

/// Looks at traffic or makes some up
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast trace inspect embedded:web-shop-week")]
pub struct TraceArgs {
    #[command(subcommand)]
    verb: TraceVerb,
}

#[derive(Debug, Subcommand)]
enum TraceVerb {
    Inspect(InspectArgs),
    #[command(subcommand)]
    Generate(GenerateVerb),
}

/// Prints size, peaks and burstiness of a trace
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast trace inspect embedded:web-shop-week --format markdown")]
struct InspectArgs {
    /// A CSV file (also gzip), a folder of the Azure 2019 trace, or a built-in trace (embedded:web-shop-week)
    file: String,
    /// The kind of file [default: what its header looks like]
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<FileKind>,
    /// The column with the times, in seconds
    #[arg(long, value_name = "NAME")]
    time_column: Option<String>,
    /// The column with the requests per bin
    #[arg(long, value_name = "NAME")]
    count_column: Option<String>,
    /// The column with the names of functions
    #[arg(long, value_name = "NAME")]
    function_column: Option<String>,
    /// The column with the durations, in seconds
    #[arg(long, value_name = "NAME")]
    duration_column: Option<String>,
    /// The time from one row of counts to the next [default: 60s]
    #[arg(long, value_name = "DURATION")]
    bin: Option<SimDuration>,
    /// What to do on a line that cannot be read
    #[arg(long, value_name = "RULE", default_value = "fail")]
    on_bad_line: BadLineRule,
    /// How to print the answer
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileKind {
    Csv,
    Counts,
    #[value(name = "azure-2019")]
    Azure2019,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BadLineRule {
    Fail,
    Skip,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Markdown,
    Json,
    Csv,
}

/// Writes a made-up trace
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  coldcast trace generate web-shop --seed 1 --out web-shop-week.csv")]
enum GenerateVerb {
    WebShop(WebShopArgs),
    Poisson(PoissonArgs),
}

/// A week of a web shop, requests per minute, with a flash sale on Friday
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast trace generate web-shop --seed 1 --out web-shop-week.csv")]
struct WebShopArgs {
    /// Another seed is another week; 1 is the week that is built in
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Poisson arrivals over many functions, one row a request: func,arrival_s,duration_s
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  coldcast trace generate poisson --rate 50/s --horizon 1h --functions 100 --out events.csv"
)]
struct PoissonArgs {
    /// Arrivals of all functions together
    #[arg(long, value_name = "RATE")]
    rate: PerSecond,
    /// Length of the trace
    #[arg(long, value_name = "DURATION", required_unless_present = "requests")]
    horizon: Option<SimDuration>,
    /// Rows to write at most
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
    /// Number of functions
    #[arg(long, value_name = "N", default_value_t = 1)]
    functions: u32,
    /// Exponent of Zipf's law of popularity; 0 makes all functions alike
    #[arg(long, value_name = "S", default_value_t = 1.1)]
    zipf: f64,
    /// Mean duration of a request (log-normal)
    #[arg(long, value_name = "DURATION", default_value = "900ms")]
    duration_mean: SimDuration,
    /// Standard deviation of durations over their mean
    #[arg(long, value_name = "CV", default_value_t = 1.0)]
    duration_cv: f64,
    /// Another seed is another trace
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &TraceArgs, quiet: bool) -> Outcome {
    let talk = |text: String| {
        if !quiet {
            eprintln!("{text}");
        }
    };
    match &args.verb {
        TraceVerb::Inspect(args) => {
            let found = args.inspect().map_err(Failure::input)?;
            found.report.sentences().into_iter().for_each(talk);
            let mut text = print(&found, args.format)?;
            text.push('\n');
            io::stdout().write_all(text.as_bytes()).map_err(Failure::environment)
        }
        TraceVerb::Generate(GenerateVerb::WebShop(args)) => {
            let text = generate::web_shop_csv(args.seed);
            let rows = write(args.out.as_deref(), |out| {
                out.write_all(text.as_bytes())?;
                Ok(generate::WEEK as u64)
            })?;
            announce(args.out.as_deref(), rows, talk);
            Ok(())
        }
        TraceVerb::Generate(GenerateVerb::Poisson(args)) => {
            let rows = write(args.out.as_deref(), |out| args.synthetic().write(out))?;
            announce(args.out.as_deref(), rows, talk);
            Ok(())
        }
    }
}

impl InspectArgs {
    fn inspect(&self) -> Result<Inspection, TraceError> {
        let columns = Columns {
            time: self.time_column.clone(),
            count: self.count_column.clone(),
            function: self.function_column.clone(),
            duration: self.duration_column.clone(),
        };
        let kind = self.kind.map(|kind| match kind {
            FileKind::Csv => "csv",
            FileKind::Counts => "counts",
            FileKind::Azure2019 => "azure-2019",
        });
        let base = Path::new("");
        let mut traffic = guess(&self.file, base, kind, &columns)?;
        traffic.set_on_bad_line(match self.on_bad_line {
            BadLineRule::Fail => OnBadLine::Fail,
            BadLineRule::Skip => OnBadLine::Skip,
        });
        if let (Traffic::Counts(spec), Some(bin)) = (&mut traffic, self.bin) {
            spec.bin = bin;
        }
        inspect(&traffic, base)
    }
}

impl PoissonArgs {
    fn synthetic(&self) -> Synthetic {
        Synthetic {
            rate: self.rate,
            horizon: self.horizon.unwrap_or(SimDuration::MAX),
            requests: self.requests,
            functions: self.functions,
            zipf: self.zipf,
            duration_mean: self.duration_mean,
            duration_cv: self.duration_cv,
            seed: self.seed,
        }
    }
}

/// Writes to a temporary name and renames, so that a file is whole or absent; without a path, to standard output.
fn write(path: Option<&Path>, fill: impl FnOnce(&mut dyn Write) -> Result<u64, WriteError>) -> Result<u64, Failure> {
    let Some(path) = path else {
        let mut out = BufWriter::new(io::stdout().lock());
        let rows = fill(&mut out).map_err(|e| failure(e, Path::new("standard output")))?;
        out.flush().map_err(Failure::environment)?;
        return Ok(rows);
    };
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let attempt = || {
        let mut out = BufWriter::with_capacity(1 << 18, File::create(&temporary)?);
        let rows = fill(&mut out)?;
        out.flush()?;
        std::fs::rename(&temporary, path)?;
        Ok(rows)
    };
    attempt().map_err(|e| {
        // Nothing to do if this fails too: the first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
        failure(e, path)
    })
}

fn failure(error: WriteError, path: &Path) -> Failure {
    match error {
        WriteError::Settings(e) => Failure::input(e),
        WriteError::Io(e) => Failure::Environment(anyhow!(e).context(format!("cannot write {}", path.display()))),
    }
}

fn announce(path: Option<&Path>, rows: u64, talk: impl Fn(String)) {
    if let Some(path) = path {
        talk(format!("wrote {rows} rows to {}", path.display()));
    }
}

fn print(found: &Inspection, format: Format) -> Result<String, Failure> {
    let rows = rows(found);
    match format {
        Format::Json => serde_json::to_string_pretty(found).map_err(Failure::input),
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let neutral = |cell: &str| match cell.starts_with(['=', '+', '-', '@', '\t']) {
                true => format!("'{cell}"),
                false => cell.to_string(),
            };
            writer
                .write_record(rows.iter().map(|r| r.key))
                .map_err(Failure::environment)?;
            writer
                .write_record(rows.iter().map(|r| neutral(&r.plain)))
                .map_err(Failure::environment)?;
            let bytes = writer.into_inner().map_err(|e| Failure::environment(e.into_error()))?;
            Ok(String::from_utf8_lossy(&bytes).trim_end().to_string())
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

/// One figure: its column name, its label, its value for machines and for people, its unit.
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

/// Digits in groups of three.
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

/// About four significant digits, and never fewer than the whole part.
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
