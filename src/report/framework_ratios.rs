//! `catalog frameworks --against ...`: the figures of measured frameworks as ratios, to one framework or to published figures.

use std::fmt::Write;

use super::cells;
use super::frameworks::{Entry, mib, reference};
use super::table::{Style, draw};
use crate::model::profile::{ColdSample, FrameworkProfile, MeasuredConfig};
use crate::model::published::{Figures, Published};
use crate::stats::bootstrap::{self, Ratio};
use crate::stats::order;

/// The seed of the resampling: the same profiles give the same intervals.
const SEED: u64 = 1;

/// The columns of CSV and JSON, which have a row for each framework and quantity.
pub const COLUMNS: [&str; 11] = [
    "name",
    "quantity",
    "unit",
    "value",
    "against",
    "against_value",
    "ratio",
    "ratio_low",
    "ratio_high",
    "differs",
    "same_machine",
];

/// One quantity of one framework, compared with another figure.
#[derive(Debug, Clone)]
struct Compared {
    quantity: &'static str,
    unit: &'static str,
    value: Option<f64>,
    against: Option<f64>,
    ratio: Option<Ratio>,
    /// True if the difference is significant in the test over all frameworks; `None` if nothing was sampled.
    differs: Option<bool>,
}

/// The ratios of one framework.
#[derive(Debug, Clone)]
struct Row {
    name: String,
    title: String,
    /// True if both were measured on the same machine; `None` for published figures.
    same_machine: Option<bool>,
    compared: Vec<Compared>,
}

/// The ratios of all frameworks.
#[derive(Debug, Clone)]
pub struct Ratios {
    against: String,
    rows: Vec<Row>,
}

/// The ratios of measured to published figures, at the reference size, for frameworks with both. The published figures do not
/// define memory and image size; they are compared with the working set and with the bytes on disk.
pub fn to_published(entries: &[Entry]) -> Ratios {
    let compared = |entry: &Entry| {
        let (figures, profile) = (entry.published?, entry.profile.as_ref()?);
        let run = reference(profile)?;
        let one = |quantity, unit, value: Option<f64>, against: f64| Compared {
            quantity,
            unit,
            value,
            against: Some(against),
            ratio: value.map(|value| plain(value / against)),
            differs: None,
        };
        let idle = run.warm.as_ref().and_then(|warm| warm.idle.working_set_bytes);
        let rows = vec![
            one(
                "idle memory",
                "MB",
                idle.map(|bytes| bytes as f64 / 1e6),
                figures.idle_memory_mb,
            ),
            one("cold start", "ms", middle(&totals(run)), figures.cold_start_ms),
            one(
                "image",
                "MB",
                profile.image.unpacked_bytes.map(|bytes| bytes as f64 / 1e6),
                figures.image_mb,
            ),
        ];
        Some(Row {
            name: entry.framework.name.clone(),
            title: entry.framework.title.clone(),
            same_machine: None,
            compared: rows,
        })
    };
    Ratios {
        against: "published".into(),
        rows: entries.iter().filter_map(compared).collect(),
    }
}

/// The ratios of each framework to `base`, at the reference size. Starts of the same session are compared within their blocks,
/// others as a whole. Holm's procedure tests the differences of all cold starts together.
pub fn to_framework(entries: &[Entry], base: &Entry) -> Ratios {
    let mut rows = Vec::new();
    let base_run = base
        .profile
        .as_ref()
        .and_then(|profile| Some((profile, reference(profile)?)));
    let others = entries
        .iter()
        .filter(|entry| entry.framework.name != base.framework.name);
    for entry in others {
        let run = entry
            .profile
            .as_ref()
            .and_then(|profile| Some((profile, reference(profile)?)));
        let (Some((profile, run)), Some((base_profile, other))) = (run, base_run) else {
            continue;
        };
        let (a, b) = (&profile.provenance, &base_profile.provenance);
        let together = (&a.started, &a.finished, &a.host_cpu) == (&b.started, &b.finished, &b.host_cpu);
        let starts = |quantity, of: fn(&ColdSample) -> Option<f64>| {
            let (a, b) = (sampled(run, of), sampled(other, of));
            let values = |samples: &[(u32, f64)]| samples.iter().map(|sample| sample.1).collect::<Vec<_>>();
            let (whole_a, whole_b) = (values(&a), values(&b));
            let ratio = match together {
                true => bootstrap::paired_ratio(&a, &b, SEED),
                false => bootstrap::unpaired_ratio(&whole_a, &whole_b, SEED),
            };
            Compared {
                quantity,
                unit: "ms",
                value: middle(&whole_a),
                against: middle(&whole_b),
                ratio,
                differs: None,
            }
        };
        let route = |quantity, name: &str| {
            // The figure of a busy server is used only if both have it.
            let alone = run.is_cpu_alone() || other.is_cpu_alone();
            let (a, b) = (batches(run, name, alone), batches(other, name, alone));
            Compared {
                quantity,
                unit: "ms",
                value: middle(&a),
                against: middle(&b),
                ratio: bootstrap::unpaired_ratio(&a, &b, SEED),
                differs: None,
            }
        };
        let once = |quantity, a: Option<f64>, b: Option<f64>| Compared {
            quantity,
            unit: "MiB",
            value: a,
            against: b,
            ratio: a.zip(b).map(|(a, b)| plain(a / b)),
            differs: None,
        };
        let idle = |run: &MeasuredConfig| run.warm.as_ref()?.idle.working_set_bytes.map(mib);
        let image = |profile: &FrameworkProfile| profile.image.unpacked_bytes.map(mib);
        let compared = vec![
            starts("cold start", |sample| Some(sample.total_ms)),
            starts("CPU to ready", |sample| sample.cpu_ms),
            route("CPU /json", "json"),
            route("CPU /items", "items"),
            once("idle memory", idle(run), idle(other)),
            once("image", image(profile), image(base_profile)),
        ];
        rows.push(Row {
            name: entry.framework.name.clone(),
            title: entry.framework.title.clone(),
            same_machine: Some(profile.machine() == base_profile.machine()),
            compared,
        });
    }
    let p: Vec<f64> = rows
        .iter()
        .map(|row: &Row| row.compared[0].ratio.and_then(|ratio| ratio.p).unwrap_or(1.0))
        .collect();
    for (row, stands) in rows.iter_mut().zip(bootstrap::holm(&p)) {
        let starts = &mut row.compared[0];
        let sampled = starts.ratio.is_some_and(|ratio| ratio.p.is_some());
        starts.differs = sampled.then_some(stands);
    }
    Ratios {
        against: base.framework.name.clone(),
        rows,
    }
}

impl Ratios {
    /// The table for people, with a row for each framework. Each quantity has three columns against published figures, and one with
    /// an interval against a framework. Ratios between machines are marked.
    pub fn table(&self, style: Style) -> String {
        let Some(Row { compared: first, .. }) = self.rows.first() else {
            return "nothing to compare\n".into();
        };
        let published = self.against == "published";
        let mut header = vec!["framework".to_string()];
        for compared in first {
            if published {
                header.extend([
                    format!("{}, {}", compared.quantity, compared.unit),
                    "published".into(),
                    "ratio".into(),
                ]);
            } else {
                header.push(compared.quantity.to_string());
            }
        }
        if !published {
            header.push("cold starts differ".into());
        }
        let whole = |value: Option<f64>| value.map(|value| format!("{value:.0}")).unwrap_or_default();
        let rows = self.rows.iter().map(|row| {
            let mark = if row.same_machine == Some(false) { " *" } else { "" };
            let mut cells = vec![format!("{}{mark}", row.title)];
            let compared = &row.compared;
            for one in compared {
                let ratio = one.ratio.map(shown).unwrap_or_default();
                if published {
                    cells.extend([whole(one.value), whole(one.against), ratio]);
                } else {
                    cells.push(ratio);
                }
            }
            if !published {
                let differs = compared[0].differs;
                cells.push(
                    differs
                        .map_or("", |differs| if differs { "yes" } else { "not shown" })
                        .into(),
                );
            }
            cells
        });
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut text = draw(style, &header, rows.collect(), 1);
        if self.rows.iter().any(|row| row.same_machine == Some(false)) {
            let _ = writeln!(
                text,
                "\n* measured on another machine than {}: part of the ratio is the difference between the machines.",
                self.against
            );
        }
        text
    }

    /// The rows of CSV and JSON, in the order of [`COLUMNS`].
    pub fn rows(&self) -> Vec<Vec<String>> {
        let of = |row: &Row| {
            let name = row.name.clone();
            let same_machine = row.same_machine.map(|same| same.to_string()).unwrap_or_default();
            row.compared.clone().into_iter().map(move |one| {
                let interval = one.ratio.and_then(|ratio| ratio.interval);
                vec![
                    name.clone(),
                    one.quantity.into(),
                    one.unit.into(),
                    cells::maybe(one.value),
                    self.against.clone(),
                    cells::maybe(one.against),
                    cells::maybe(one.ratio.map(|ratio| ratio.ratio)),
                    cells::maybe(interval.map(|interval| interval.0)),
                    cells::maybe(interval.map(|interval| interval.1)),
                    one.differs.map(|differs| differs.to_string()).unwrap_or_default(),
                    same_machine.clone(),
                ]
            })
        };
        self.rows.iter().flat_map(of).collect()
    }
}

/// The published figures, marked as such.
pub fn published(published: &Published, style: Style) -> String {
    let header = ["published, not measured", "idle, MB", "cold start, ms", "image, MB"];
    let number = |x: f64| format!("{x:.0}");
    let rows = published.figures.iter().map(|(name, figures): (&String, &Figures)| {
        vec![
            name.clone(),
            number(figures.idle_memory_mb),
            number(figures.cold_start_ms),
            number(figures.image_mb),
        ]
    });
    let mut text = draw(style, &header, rows.collect(), 1);
    let _ = writeln!(text, "\nPublished: {}.", published.source);
    text
}

/// The ratio of two figures that were not sampled.
fn plain(ratio: f64) -> Ratio {
    Ratio {
        ratio,
        interval: None,
        p: None,
    }
}

fn shown(ratio: Ratio) -> String {
    match ratio.interval {
        Some((low, high)) => format!("{:.2} [{low:.2}, {high:.2}]", ratio.ratio),
        None => format!("{:.2}", ratio.ratio),
    }
}

fn sampled(run: &MeasuredConfig, of: fn(&ColdSample) -> Option<f64>) -> Vec<(u32, f64)> {
    run.counted()
        .filter_map(|sample| Some((sample.block, of(sample)?)))
        .collect()
}

fn totals(run: &MeasuredConfig) -> Vec<f64> {
    run.counted().map(|sample| sample.total_ms).collect()
}

fn batches(run: &MeasuredConfig, route: &str, alone: bool) -> Vec<f64> {
    let route = run.warm.as_ref().and_then(|warm| warm.routes.get(route));
    let batches = route.map(|route| {
        if alone {
            route.cpu_ms.as_slice()
        } else {
            route.cpu_per_request()
        }
    });
    let batches = batches.unwrap_or_default();
    batches.iter().copied().filter(|ms| *ms > 0.0).collect()
}

fn middle(values: &[f64]) -> Option<f64> {
    order::median(&order::sorted(values.iter().copied()))
}
