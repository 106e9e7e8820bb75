//! `requests.parquet`: every request of the first replication, one row group for each variant.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::Report;
use super::column::ColumnDoc;
use super::manifest::Manifest;
use crate::sim::observe::records::RequestRecord;
use crate::study::{Study, VariantResult};

/// `requests.parquet`.
#[derive(Debug)]
pub struct Requests;

/// The values of a column, by their type.
enum Values {
    Text(fn(&VariantResult, &RequestRecord) -> String),
    Number(fn(&RequestRecord) -> u32),
    Float(fn(&RequestRecord) -> f64),
    OptionalFloat(fn(&RequestRecord) -> Option<f64>),
    Flag(fn(&RequestRecord) -> bool),
}

/// A column: name, unit, sentence, and its values.
type Column = (&'static str, &'static str, &'static str, Values);

/// The columns in the order of the file.
const COLUMNS: [Column; 9] = [
    (
        "variant",
        "",
        "The name of the variant.",
        Values::Text(|variant, _| variant.name().into()),
    ),
    (
        "service",
        "",
        "The name of the service.",
        Values::Text(|variant, request| variant.services[usize::from(request.service)].clone()),
    ),
    (
        "function",
        "",
        "The number of the function within the service.",
        Values::Number(|request| request.function),
    ),
    (
        "arrived_s",
        "s",
        "The arrival, from the start of the run.",
        Values::Float(|request| seconds(request.arrived)),
    ),
    (
        "started_s",
        "s",
        "The start of the service; null without one.",
        Values::OptionalFloat(|request| request.started.map(seconds)),
    ),
    (
        "finished_s",
        "s",
        "The end, whatever it was.",
        Values::Float(|request| seconds(request.finished)),
    ),
    (
        "latency_ms",
        "ms",
        "The time from the arrival to the end.",
        Values::Float(|request| (request.finished - request.arrived) as f64 / 1e6),
    ),
    (
        "cold",
        "",
        "True if the request waited for a new instance.",
        Values::Flag(|request| request.cold),
    ),
    (
        "outcome",
        "",
        "How the request ended.",
        Values::Text(|_, request| request.outcome.into()),
    ),
];

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

impl Values {
    /// The type of the column in the file.
    fn field(&self, name: &str) -> Result<TypePtr> {
        let (physical, logical, repetition) = match self {
            Self::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
            Self::Number(_) => {
                let unsigned = LogicalType::integer(32, false);
                (Physical::INT32, Some(unsigned), Repetition::REQUIRED)
            }
            Self::Float(_) => (Physical::DOUBLE, None, Repetition::REQUIRED),
            Self::OptionalFloat(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
            Self::Flag(_) => (Physical::BOOLEAN, None, Repetition::REQUIRED),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition);
        field.build().map(Arc::new)
    }

    /// Writes the values of all requests of a variant.
    fn write(&self, variant: &VariantResult, into: &mut ColumnWriter<'_>) -> Result<()> {
        let rows = variant.requests.iter();
        match self {
            Self::Text(of) => {
                let texts: Vec<ByteArray> = rows.map(|row| ByteArray::from(of(variant, row).into_bytes())).collect();
                typed::<ByteArrayType>(into).write_batch(&texts, None, None)?;
            }
            Self::Number(of) => {
                // The file keeps unsigned numbers in the bits of signed ones.
                let numbers: Vec<i32> = rows.map(|row| of(row).cast_signed()).collect();
                typed::<Int32Type>(into).write_batch(&numbers, None, None)?;
            }
            Self::Float(of) => {
                let floats: Vec<f64> = rows.map(of).collect();
                typed::<DoubleType>(into).write_batch(&floats, None, None)?;
            }
            Self::OptionalFloat(of) => {
                let floats: Vec<Option<f64>> = rows.map(of).collect();
                let present: Vec<i16> = floats.iter().map(|float| i16::from(float.is_some())).collect();
                let floats: Vec<f64> = floats.into_iter().flatten().collect();
                typed::<DoubleType>(into).write_batch(&floats, Some(&present), None)?;
            }
            Self::Flag(of) => {
                let flags: Vec<bool> = rows.map(of).collect();
                typed::<parquet::data_type::BoolType>(into).write_batch(&flags, None, None)?;
            }
        }
        Ok(())
    }
}

/// The writer of a column whose type is known from [`Values::field`].
fn typed<'a, 'b, T: parquet::data_type::DataType>(
    writer: &'a mut ColumnWriter<'b>,
) -> &'a mut parquet::column::writer::ColumnWriterImpl<'b, T> {
    T::get_column_writer_mut(writer).expect("the schema has the type of the values")
}

/// Writes the requests of one variant.
fn row_group<W: std::io::Write + Send>(
    variant: &VariantResult,
    mut group: SerializedRowGroupWriter<'_, W>,
) -> Result<()> {
    for (.., values) in &COLUMNS {
        let mut column = group.next_column()?.expect("one writer for each column of the schema");
        values.write(variant, column.untyped())?;
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// The file. One column of one variant at a time is in memory twice.
fn parquet(variants: &[VariantResult]) -> Result<Vec<u8>> {
    let fields = COLUMNS.iter().map(|(name, _, _, values)| values.field(name));
    let schema = Type::group_type_builder("requests").with_fields(fields.collect::<Result<_>>()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema.build()?), Arc::new(properties))?;
    for variant in variants {
        row_group(variant, writer.next_row_group()?)?;
    }
    writer.into_inner()
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
        asked.then(|| {
            parquet(&study.variants).unwrap_or_else(|error| panic!("columns of one length, into memory: {error}"))
        })
    }
}
