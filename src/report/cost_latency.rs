//! `cost-latency.svg`: the variants by monthly cost and tail latency, with the line of the SLO.

use super::Report;
use super::manifest::Manifest;
use super::scatter::{self, Extent, Point, Scatter};
use crate::study::metric::Metric;
use crate::study::{Row, Study};

/// The picture.
#[derive(Debug)]
pub struct CostLatency;

impl Report for CostLatency {
    fn name(&self) -> &str {
        "cost-latency.svg"
    }

    fn doc(&self) -> &str {
        "Picture: a marker for each variant by monthly cost and tail latency, with its 95% intervals and the line of the SLO. The \
         latency is the quantile that the SLO is about. A hollow marker misses its SLO."
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        svg(study)
    }
}

/// The picture; `None` if no variant has both a price and an answered request.
fn svg(study: &Study) -> Option<Vec<u8>> {
    let rows: Vec<&Row> = study
        .variants
        .iter()
        .filter_map(|variant| variant.rows.first())
        .collect();
    let first = rows.first()?;
    let slo = shared_slo(&rows);
    let (latency, quantile) = tail(slo.map(|(_, objective)| objective));
    let point = |row: &&Row| {
        Some(Point {
            label: row.variant.clone(),
            x: extent(row, Metric::MonthlyCost)?,
            y: extent(row, latency)?,
            filled: row.slo_met != Some(false),
        })
    };
    let mut scenarios: Vec<&str> = rows.iter().map(|row| row.scenario.as_str()).collect();
    scenarios.dedup();
    let missed = if rows.iter().any(|row| row.slo_met == Some(false)) {
        " A hollow marker misses its SLO."
    } else {
        ""
    };
    let intervals = match first.replications {
        1 => "One replication, so no intervals.".to_string(),
        replications => format!(
            "Bars are 95% intervals of the mean over {replications} replications, drawn where they are wider than the marker."
        ),
    };
    let picture = Scatter {
        title: format!("{}: monthly cost against {quantile} latency", scenarios.join(", ")),
        note: format!("{intervals}{missed}"),
        x_axis: "cost, US dollars a month".to_string(),
        y_axis: format!("{quantile} latency, ms"),
        points: rows.iter().filter_map(point).collect(),
        line: slo.map(|(latency, objective)| {
            let percent = format!("{:.3}", objective * 100.0);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            (latency, format!("SLO: {percent}% within {latency} ms"))
        }),
    };
    scatter::svg(&picture).map(String::into_bytes)
}

/// The latency in milliseconds and the objective that all variants have in common.
fn shared_slo(rows: &[&Row]) -> Option<(f64, f64)> {
    let slo = |row: &Row| row.slo_latency_ms.zip(row.slo_objective);
    let first = slo(rows.first()?)?;
    rows.iter().all(|row| slo(row) == Some(first)).then_some(first)
}

/// The metric and name of the latency quantile that an objective is about, so that a variant below the line keeps its SLO;
/// p99 for other objectives.
fn tail(objective: Option<f64>) -> (Metric, &'static str) {
    match objective {
        Some(0.9) => (Metric::LatencyP90, "p90"),
        Some(0.95) => (Metric::LatencyP95, "p95"),
        Some(0.999) => (Metric::LatencyP999, "p99.9"),
        _ => (Metric::LatencyP99, "p99"),
    }
}

fn extent(row: &Row, metric: Metric) -> Option<Extent> {
    let value = row.values.get(&metric)?;
    let mean = value.float();
    let (low, high) = value.interval.unwrap_or((mean, mean));
    let known = [low, mean, high].iter().all(|value| value.is_finite());
    known.then_some(Extent { low, value: mean, high })
}
