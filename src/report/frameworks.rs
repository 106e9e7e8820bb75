//! `catalog frameworks`: the built-in frameworks, with their measured figures at one CPU size.

use std::fmt::Write;

use serde_json::{Value, json};

use super::cells;
use super::table::{Style, draw};
use crate::model::concurrency;
use crate::model::framework::Framework;
use crate::model::profile::{ColdMode, CpuMode, FrameworkProfile, MeasuredConfig};
use crate::model::published::Figures;
use crate::stats::order;

/// A framework of the catalog with its measured profile.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The content of its `framework.toml`.
    pub framework: Framework,
    /// The measured profile; `None` if it was not measured.
    pub profile: Option<FrameworkProfile>,
    /// The published figures.
    pub published: Option<Figures>,
    /// The source of the published figures.
    pub published_source: String,
}

/// A median with its order-statistic interval; there is no interval for small samples.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Median {
    median: f64,
    interval: Option<(f64, f64)>,
}

/// One line of the catalog: a framework at one size.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    cold_samples: usize,
    cold_ms: Option<Median>,
    cold_p95_ms: Option<Median>,
    boot_ms: Option<Median>,
    cpu_to_ready_ms: Option<Median>,
    idle_mib: Option<f64>,
    json_cpu_ms: Option<f64>,
    items_cpu_ms: Option<f64>,
    saturation_rps: Option<f64>,
    stable_rps: Option<f64>,
    found: Option<concurrency::DetectedConcurrency>,
}

const COLUMNS: [&str; 35] = [
    "name",
    "title",
    "version",
    "runtime",
    "cpu",
    "memory",
    "cold_mode",
    "cpu_mode",
    "concurrency_declared",
    "concurrency_found",
    "cold_samples",
    "cold_start_p50_ms",
    "cold_start_p50_ms_low",
    "cold_start_p50_ms_high",
    "cold_start_p95_ms",
    "cold_start_p95_ms_low",
    "cold_start_p95_ms_high",
    "boot_p50_ms",
    "boot_p50_ms_low",
    "boot_p50_ms_high",
    "cpu_to_ready_p50_ms",
    "idle_memory_mib",
    "json_cpu_ms",
    "items_cpu_ms",
    "saturation_rps",
    "stable_rps",
    "image_mib",
    "image_compressed_mib",
    "measured_on",
    "host_cpu",
    "backend",
    "published_idle_memory_mb",
    "published_cold_start_ms",
    "published_image_mb",
    "published_source",
];

/// The CSV file, with one row per framework and measured size.
pub fn csv(entries: &[Entry]) -> Vec<u8> {
    cells::csv(&COLUMNS, rows(entries))
}

/// The rows: one for each measured size, and one without figures for a framework that was not measured.
fn rows(entries: &[Entry]) -> impl Iterator<Item = Vec<String>> {
    entries.iter().flat_map(|entry| match &entry.profile {
        Some(profile) => profile.runs.iter().map(|run| row(entry, profile, run)).collect(),
        None => vec![unmeasured(entry)],
    })
}

/// The JSON document, with one object per framework and measured size.
pub fn json(entries: &[Entry]) -> String {
    objects("frameworks", &COLUMNS, rows(entries))
}

/// A JSON document with one object for each row. Numbers are numbers, and empty cells are null.
pub fn objects(name: &str, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let objects = rows.map(|row| {
        let fields = columns.iter().zip(row).map(|(name, cell)| {
            let value = match cell.as_str() {
                "" => Value::Null,
                text => text
                    .parse::<serde_json::Number>()
                    .map_or(Value::String(cell.clone()), Value::Number),
            };
            (name.to_string(), value)
        });
        Value::Object(fields.collect())
    });
    let mut text =
        serde_json::to_string_pretty(&json!({ "schema": 1, (name): objects.collect::<Vec<_>>() })).expect("plain data");
    text.push('\n');
    text
}

/// The table for people, with one line per framework at the size nearest to one vCPU.
pub fn table(entries: &[Entry], style: Style) -> String {
    let header = [
        "framework",
        "version",
        "concurrency",
        "cold start, ms",
        "p95, ms",
        "CPU to ready, ms",
        "idle, MiB",
        "CPU /json, ms",
        "CPU /items, ms",
        "image, MiB",
        "measured",
        "host",
    ];
    let hosts = hosts(entries);
    let rows = entries.iter().map(|entry| {
        let measured = entry
            .profile
            .as_ref()
            .and_then(|profile| Some((profile, reference(profile)?)));
        let Some((profile, run)) = measured else {
            let mut cells = vec![
                entry.framework.title.clone(),
                entry.framework.version.clone(),
                declared(entry),
            ];
            cells.resize(header.len(), String::new());
            cells[header.len() - 2] = "not measured".into();
            return cells;
        };
        let line = line(run);
        let number = |x: Option<f64>, decimals: usize| x.map(|x| format!("{x:.decimals$}")).unwrap_or_default();
        let median = |m: Option<Median>| match m {
            Some(Median {
                median,
                interval: Some((low, high)),
            }) => format!("{median:.0} [{low:.0}, {high:.0}]"),
            Some(Median { median, interval: None }) => format!("{median:.0}"),
            None => String::new(),
        };
        vec![
            entry.framework.title.clone(),
            entry.framework.version.clone(),
            declared(entry),
            median(line.cold_ms),
            median(line.cold_p95_ms),
            median(line.cpu_to_ready_ms),
            number(line.idle_mib, 1),
            number(line.json_cpu_ms, 3),
            number(line.items_cpu_ms, 3),
            number(profile.image.unpacked_bytes.map(mib), 0),
            profile.measured_on().to_string(),
            letter(hosts.iter().position(|known| *known == profile.machine())),
        ]
    });
    let mut text = draw(style, &header, rows.collect(), 3);
    for (number, host) in hosts.iter().enumerate() {
        let _ = write!(text, "\nHost {}: {host}.", letter(Some(number)));
    }
    let alone: Vec<&str> = entries
        .iter()
        .filter(|entry| {
            entry
                .profile
                .as_ref()
                .and_then(reference)
                .is_some_and(MeasuredConfig::is_cpu_alone)
        })
        .map(|entry| entry.framework.title.as_str())
        .collect();
    if !alone.is_empty() {
        let _ = write!(
            text,
            "\nCPU per request: on a busy server; {} with one request at a time, which costs more.",
            alone.join(", ")
        );
    }
    text.push('\n');
    text
}

/// The machines on which the entries were measured, each once.
fn hosts(entries: &[Entry]) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for profile in entries.iter().filter_map(|entry| entry.profile.as_ref()) {
        let host = profile.machine();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The letter of a position: A, B, C and so on, and numbers after Z.
fn letter(position: Option<usize>) -> String {
    position.map_or_else(String::new, |position| match u8::try_from(position) {
        Ok(n @ 0..26) => char::from(b'A' + n).to_string(),
        _ => (position + 1).to_string(),
    })
}

/// The run that represents a profile: process-cold, with a flat limit, nearest to one vCPU and 512 MiB.
pub(super) fn reference(profile: &FrameworkProfile) -> Option<&MeasuredConfig> {
    let usual = |run: &&MeasuredConfig| run.cold_mode == ColdMode::default() && run.cpu_mode == CpuMode::default();
    let distance = |run: &&MeasuredConfig| (run.cpu.0.abs_diff(1000), run.memory.0.abs_diff(512));
    profile.runs.iter().filter(usual).min_by_key(distance)
}

/// The row of a framework that was not measured, in the order of [`COLUMNS`].
fn unmeasured(entry: &Entry) -> Vec<String> {
    let known = |column: &&str| match *column {
        "name" => entry.framework.name.clone(),
        "title" => entry.framework.title.clone(),
        "version" => entry.framework.version.clone(),
        "runtime" => entry.framework.runtime.clone(),
        "concurrency_declared" => declared(entry),
        "published_idle_memory_mb" => cells::maybe(entry.published.map(|figures| figures.idle_memory_mb)),
        "published_cold_start_ms" => cells::maybe(entry.published.map(|figures| figures.cold_start_ms)),
        "published_image_mb" => cells::maybe(entry.published.map(|figures| figures.image_mb)),
        "published_source" => published_source(entry),
        _ => String::new(),
    };
    COLUMNS.iter().map(known).collect()
}

fn published_source(entry: &Entry) -> String {
    let source = entry.published.map(|_| entry.published_source.clone());
    source.unwrap_or_default()
}

fn row(entry: &Entry, profile: &FrameworkProfile, run: &MeasuredConfig) -> Vec<String> {
    let line = line(run);
    let maybe = cells::maybe;
    let low = |m: Option<Median>| maybe(m.and_then(|m| m.interval).map(|i| i.0));
    let high = |m: Option<Median>| maybe(m.and_then(|m| m.interval).map(|i| i.1));
    let middle = |m: Option<Median>| maybe(m.map(|m| m.median));
    let image = &profile.image;
    vec![
        entry.framework.name.clone(),
        entry.framework.title.clone(),
        entry.framework.version.clone(),
        entry.framework.runtime.clone(),
        run.cpu.to_string(),
        run.memory.to_string(),
        run.cold_mode.name().to_string(),
        run.cpu_mode.name().to_string(),
        declared(entry),
        line.found.map(|found| found.label()).unwrap_or_default(),
        line.cold_samples.to_string(),
        middle(line.cold_ms),
        low(line.cold_ms),
        high(line.cold_ms),
        middle(line.cold_p95_ms),
        low(line.cold_p95_ms),
        high(line.cold_p95_ms),
        middle(line.boot_ms),
        low(line.boot_ms),
        high(line.boot_ms),
        middle(line.cpu_to_ready_ms),
        maybe(line.idle_mib),
        maybe(line.json_cpu_ms),
        maybe(line.items_cpu_ms),
        maybe(line.saturation_rps),
        maybe(line.stable_rps),
        maybe(image.unpacked_bytes.map(mib)),
        maybe(image.compressed_bytes.map(mib)),
        profile.measured_on().to_string(),
        profile.provenance.host_cpu.clone(),
        profile.provenance.backend.clone(),
        maybe(entry.published.map(|figures| figures.idle_memory_mb)),
        maybe(entry.published.map(|figures| figures.cold_start_ms)),
        maybe(entry.published.map(|figures| figures.image_mb)),
        published_source(entry),
    ]
}

fn line(run: &MeasuredConfig) -> Line {
    let warm = run.warm.as_ref();
    let route = |name: &str| {
        let cpu = warm?.routes.get(name)?.cpu_per_request();
        (!cpu.is_empty()).then(|| cpu.iter().sum::<f64>() / cpu.len() as f64)
    };
    Line {
        cold_samples: run.counted().count(),
        cold_ms: median(run.counted().map(|s| s.total_ms)),
        cold_p95_ms: p95(run.counted().map(|s| s.total_ms)),
        boot_ms: median(run.counted().map(|s| s.boot_ms)),
        cpu_to_ready_ms: median(run.counted().filter_map(|s| s.cpu_ms)),
        idle_mib: warm.and_then(|w| w.idle.working_set_bytes).map(mib),
        json_cpu_ms: route("json"),
        items_cpu_ms: route("items"),
        saturation_rps: warm.and_then(|w| w.saturation_rps),
        stable_rps: warm.and_then(|w| w.stable_rate.as_ref()?.rate),
        found: warm.and_then(concurrency::detect),
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<Median> {
    let sorted = order::sorted(values);
    Some(Median {
        median: order::median(&sorted)?,
        interval: order::interval(&sorted, 0.5),
    })
}

/// The 95th percentile; `None` below the 59 samples that its interval needs.
fn p95(values: impl Iterator<Item = f64>) -> Option<Median> {
    let sorted = order::sorted(values);
    let interval = order::interval(&sorted, 0.95)?;
    Some(Median {
        median: order::quantile(&sorted, 0.95)?,
        interval: Some(interval),
    })
}

fn declared(entry: &Entry) -> String {
    entry.framework.concurrency.model.name().to_string()
}

pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
