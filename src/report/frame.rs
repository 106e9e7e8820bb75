//! `requests.parquet`: every request of the first replication, as a polars frame.

use std::fs::File;
use std::io;
use std::path::Path;

use polars::prelude::{Column, DataFrame, ParquetWriter, PolarsError};

use super::atomic::{Staged, WriteError};
use crate::sim::records::RequestRecord;
use crate::study::Study;

/// Writes the requests of all variants.
///
/// # Errors
/// What the system said.
pub fn write_requests(folder: &Path, study: &Study) -> Result<(), WriteError> {
    let mut staged = Staged::new(folder)?;
    let (temporary, path) = staged.reserve("requests.parquet");
    let write = || -> Result<(), PolarsError> {
        let mut frame = frame(study)?;
        ParquetWriter::new(File::create(&temporary)?).finish(&mut frame)?;
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

fn frame(study: &Study) -> Result<DataFrame, PolarsError> {
    let rows: Vec<(&str, &str, &RequestRecord)> = study
        .variants
        .iter()
        .flat_map(|variant| {
            let name = variant.rows[0].variant.as_str();
            let services = &variant.services;
            variant
                .requests
                .iter()
                .map(move |r| (name, services[usize::from(r.service)].as_str(), r))
        })
        .collect();
    let seconds = |ns: u64| ns as f64 / 1e9;
    let text = |name: &str, of: fn(&(&str, &str, &RequestRecord)) -> String| {
        Column::new(name.into(), rows.iter().map(of).collect::<Vec<String>>())
    };
    let columns = vec![
        text("variant", |row| row.0.to_string()),
        text("service", |row| row.1.to_string()),
        Column::new(
            "function".into(),
            rows.iter().map(|row| row.2.function).collect::<Vec<u32>>(),
        ),
        Column::new(
            "arrived_s".into(),
            rows.iter().map(|row| seconds(row.2.arrived)).collect::<Vec<f64>>(),
        ),
        Column::new(
            "started_s".into(),
            rows.iter()
                .map(|row| row.2.started.map(seconds))
                .collect::<Vec<Option<f64>>>(),
        ),
        Column::new(
            "finished_s".into(),
            rows.iter().map(|row| seconds(row.2.finished)).collect::<Vec<f64>>(),
        ),
        Column::new(
            "latency_ms".into(),
            rows.iter()
                .map(|row| (row.2.finished - row.2.arrived) as f64 / 1e6)
                .collect::<Vec<f64>>(),
        ),
        Column::new("cold".into(), rows.iter().map(|row| row.2.cold).collect::<Vec<bool>>()),
        text("outcome", |row| row.2.outcome.to_string()),
    ];
    DataFrame::new(rows.len(), columns)
}
