//! Reports: what a study found, written for people and for programs. Rounding happens only here.

pub mod agreement;
pub mod allocation;
pub mod answer;
pub mod atomic;
pub mod break_even;
pub mod cells;
pub mod column;
#[cfg(feature = "plot")]
pub mod cost_latency;
pub mod costs;
pub mod focus;
#[cfg(feature = "parquet")]
pub mod frame;
pub mod framework_detail;
pub mod framework_functions;
pub mod framework_in_depth;
pub mod framework_ratios;
pub mod framework_work;
pub mod frameworks;
pub mod functions;
pub mod infracost;
pub mod json;
pub mod linked;
pub mod manifest;
pub mod memo;
pub mod meters;
pub mod packing;
pub mod payback;
pub mod replications;
#[cfg(feature = "plot")]
mod scatter;
pub mod showback;
pub mod stored;
pub mod summary;
pub mod table;
pub mod timeline;
pub mod unit_costs;
pub mod violations;
pub mod what_if;
#[cfg(feature = "xlsx")]
pub mod xlsx;

use std::path::Path;

use crate::study::Study;
use atomic::{Staged, WriteError};
use column::ColumnDoc;
use manifest::Manifest;

/// A file that is made from a study. To add one, implement this and add a row to [`REPORTS`]; a report outside of this crate is
/// written with [`write_files`].
pub trait Report: Sync {
    /// The name of the file.
    fn name(&self) -> &str;

    /// One or two sentences on what is in it.
    fn doc(&self) -> &str;

    /// The columns, where it is a table.
    fn columns(&self) -> Vec<ColumnDoc> {
        Vec::new()
    }

    /// The content; `None` where it does not apply to the study.
    fn write(&self, study: &Study, manifest: &Manifest) -> Option<Vec<u8>>;
}

/// The files of a result, in the order in which they are written.
pub const REPORTS: &[&dyn Report] = &[
    &summary::Summary,
    &costs::Costs,
    &replications::Replications,
    &violations::Violations,
    &what_if::WhatIf,
    &timeline::Timeline,
    &showback::Showback,
    &meters::Meters,
    &meters::Hours,
    &focus::Focus,
    &infracost::Infracost,
    &allocation::Allocation,
    &packing::Packing,
    &functions::Functions,
    #[cfg(feature = "parquet")]
    &frame::Requests,
    #[cfg(feature = "plot")]
    &cost_latency::CostLatency,
    #[cfg(feature = "xlsx")]
    &xlsx::Workbook,
    &memo::Memo,
    &stored::StudyFile,
    &manifest::ManifestFile,
];

/// Writes the reports that apply into `folder`, which is made if it does not exist. Either all files are new or none is.
///
/// # Errors
/// A file cannot be written; nothing half-written stays.
pub fn write_files(
    folder: &Path,
    reports: &[&dyn Report],
    study: &Study,
    manifest: &Manifest,
) -> Result<(), WriteError> {
    let mut staged = Staged::new(folder)?;
    for report in reports {
        if let Some(content) = report.write(study, manifest) {
            staged.add(report.name(), &content)?;
        }
    }
    staged.commit()
}

#[cfg(test)]
mod tests;
