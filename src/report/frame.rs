//! `requests.parquet`: every request of the first replication, as a polars frame.

use polars::prelude::{Column, DataFrame, ParquetWriter, PlSmallStr, PolarsError, Scalar};

use super::Report;
use super::column::ColumnDoc;
use super::manifest::Manifest;
use crate::sim::observe::records::RequestRecord;
use crate::study::{Study, VariantResult};

/// `requests.parquet`.
#[derive(Debug)]
pub struct Requests;

/// A column: name, unit, sentence, and its values for a variant.
type Values = (
    &'static str,
    &'static str,
    &'static str,
    fn(&str, &VariantResult) -> Column,
);

/// The columns in the order of the file.
const COLUMNS: [Values; 9] = [
    ("variant", "", "The name of the variant.", |name, variant| {
        let value = Scalar::from(PlSmallStr::from(variant.name()));
        Column::new_scalar(name.into(), value, variant.requests.len())
    }),
    ("service", "", "The name of the service.", |name, variant| {
        texts(name, variant, |request| {
            variant.services[usize::from(request.service)].clone()
        })
    }),
    (
        "function",
        "",
        "The number of the function within the service.",
        |name, variant| {
            Column::new(
                name.into(),
                variant
                    .requests
                    .iter()
                    .map(|request| request.function)
                    .collect::<Vec<u32>>(),
            )
        },
    ),
    (
        "arrived_s",
        "s",
        "The arrival, from the start of the run.",
        |name, variant| floats(name, variant, |request| Some(seconds(request.arrived))),
    ),
    (
        "started_s",
        "s",
        "The start of the service; null without one.",
        |name, variant| floats(name, variant, |request| request.started.map(seconds)),
    ),
    ("finished_s", "s", "The end, whatever it was.", |name, variant| {
        floats(name, variant, |request| Some(seconds(request.finished)))
    }),
    (
        "latency_ms",
        "ms",
        "The time from the arrival to the end.",
        |name, variant| {
            floats(name, variant, |request| {
                Some((request.finished - request.arrived) as f64 / 1e6)
            })
        },
    ),
    (
        "cold",
        "",
        "True if the request waited for a new instance.",
        |name, variant| {
            Column::new(
                name.into(),
                variant
                    .requests
                    .iter()
                    .map(|request| request.cold)
                    .collect::<Vec<bool>>(),
            )
        },
    ),
    ("outcome", "", "How the request ended.", |name, variant| {
        texts(name, variant, |request| request.outcome.to_string())
    }),
];

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn floats(name: &str, variant: &VariantResult, of: impl Fn(&RequestRecord) -> Option<f64>) -> Column {
    Column::new(
        name.into(),
        variant.requests.iter().map(of).collect::<Vec<Option<f64>>>(),
    )
}

fn texts(name: &str, variant: &VariantResult, of: impl Fn(&RequestRecord) -> String) -> Column {
    Column::new(name.into(), variant.requests.iter().map(of).collect::<Vec<String>>())
}

fn frame(variant: &VariantResult) -> Result<DataFrame, PolarsError> {
    let columns = COLUMNS.iter().map(|(name, .., of)| of(name, variant));
    DataFrame::new(variant.requests.len(), columns.collect())
}

/// The file. One variant at a time, so that only one is in memory twice.
fn parquet(study: &Study) -> Result<Vec<u8>, PolarsError> {
    let mut frames = study.variants.iter().map(frame);
    let first = frames.next().unwrap_or_else(|| Ok(DataFrame::empty()))?;
    let mut file = Vec::new();
    let mut writer = ParquetWriter::new(&mut file).batched(first.schema())?;
    writer.write_batch(&first)?;
    for frame in frames {
        writer.write_batch(&frame?)?;
    }
    writer.finish()?;
    Ok(file)
}

impl Report for Requests {
    fn name(&self) -> &str {
        "requests.parquet"
    }

    fn doc(&self) -> &str {
        "Every request of the first replication, with `--record requests`."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        let docs = COLUMNS.iter().map(|&(name, unit, doc, _)| ColumnDoc {
            name,
            unit,
            doc,
            has_interval: false,
        });
        docs.collect()
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let asked = study.variants.iter().any(|variant| variant.recorded_requests);
        asked.then(|| parquet(study).unwrap_or_else(|error| panic!("columns of one length, into memory: {error}")))
    }
}
