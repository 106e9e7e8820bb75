//! `requests.parquet`: every request of the first replication, as a polars frame.

use std::fs::File;
use std::io;
use std::path::Path;

use polars::prelude::{Column, DataFrame, ParquetWriter, PlSmallStr, PolarsError, Scalar};

use super::atomic::{Staged, WriteError};
use crate::sim::observe::records::RequestRecord;
use crate::study::{Study, VariantResult};

/// Writes the requests of all variants.
///
/// # Errors
/// What the system said.
pub fn write_requests(folder: &Path, study: &Study) -> Result<(), WriteError> {
    let mut staged = Staged::new(folder)?;
    let (temporary, path) = staged.reserve("requests.parquet");
    // One variant at a time, so that only one is in memory twice.
    let write = || -> Result<(), PolarsError> {
        let mut frames = study.variants.iter().map(frame);
        let first = frames.next().unwrap_or_else(|| Ok(DataFrame::empty()))?;
        let mut writer = ParquetWriter::new(File::create(&temporary)?).batched(first.schema())?;
        writer.write_batch(&first)?;
        for frame in frames {
            writer.write_batch(&frame?)?;
        }
        writer.finish()?;
        Ok(())
    };
    write().map_err(|error| {
        let source = match error {
            PolarsError::IO { error, .. } => io::Error::new(error.kind(), error.to_string()),
            other => io::Error::other(other.to_string()),
        };
        WriteError::new(&path, source)
    })?;
    staged.commit()
}

fn frame(variant: &VariantResult) -> Result<DataFrame, PolarsError> {
    let rows = &variant.requests;
    let name = Scalar::from(PlSmallStr::from(variant.rows[0].variant.as_str()));
    let seconds = |ns: u64| ns as f64 / 1e9;
    let floats = |name: &str, of: &dyn Fn(&RequestRecord) -> Option<f64>| {
        Column::new(name.into(), rows.iter().map(of).collect::<Vec<Option<f64>>>())
    };
    let texts = |name: &str, of: &dyn Fn(&RequestRecord) -> String| {
        Column::new(name.into(), rows.iter().map(of).collect::<Vec<String>>())
    };
    let columns = vec![
        Column::new_scalar("variant".into(), name, rows.len()),
        texts("service", &|r| variant.services[usize::from(r.service)].clone()),
        Column::new("function".into(), rows.iter().map(|r| r.function).collect::<Vec<u32>>()),
        floats("arrived_s", &|r| Some(seconds(r.arrived))),
        floats("started_s", &|r| r.started.map(seconds)),
        floats("finished_s", &|r| Some(seconds(r.finished))),
        floats("latency_ms", &|r| Some((r.finished - r.arrived) as f64 / 1e6)),
        Column::new("cold".into(), rows.iter().map(|r| r.cold).collect::<Vec<bool>>()),
        texts("outcome", &|r| r.outcome.to_string()),
    ];
    DataFrame::new(rows.len(), columns)
}
