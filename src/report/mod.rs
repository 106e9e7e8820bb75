//! Reports: what a study found, written for people and for programs. Rounding happens only here.

pub mod agreement;
pub mod allocation;
pub mod atomic;
pub mod break_even;
pub mod cells;
pub mod costs;
pub mod focus;
#[cfg(feature = "polars")]
pub mod frame;
pub mod framework_detail;
pub mod framework_ratios;
pub mod frameworks;
pub mod functions;
pub mod infracost;
pub mod json;
pub mod manifest;
pub mod memo;
pub mod meters;
pub mod packing;
pub mod payback;
pub mod showback;
pub mod summary;
pub mod table;
pub mod timeline;
pub mod unit_costs;
pub mod xlsx;

use std::path::Path;

use crate::study::Study;
use atomic::Staged;
use manifest::Manifest;

/// Writes the file set into `folder`, which is made if it does not exist. Either all files are new or none is.
///
/// # Errors
/// What the system said about which file; nothing half-written stays.
pub fn write_files(folder: &Path, study: &Study, manifest: &Manifest) -> Result<(), atomic::WriteError> {
    let mut staged = Staged::new(folder)?;
    staged.add("summary.csv", &summary::csv(study))?;
    staged.add("costs.csv", &costs::csv(study))?;
    staged.add("timeline.csv", &timeline::csv(study))?;
    if let Some(showback) = showback::csv(study) {
        staged.add("showback.csv", &showback)?;
    }
    if let Some(meters) = meters::csv(study) {
        staged.add("meters.csv", &meters)?;
    }
    if let Some(hours) = meters::hours_csv(study) {
        staged.add("hours.csv", &hours)?;
    }
    if let Some(focus) = focus::csv(study) {
        staged.add("focus.csv", &focus)?;
    }
    if let Some(infracost) = infracost::json(study) {
        staged.add("infracost.json", &infracost)?;
    }
    if let Some(allocation) = allocation::csv(study) {
        staged.add("allocation.csv", &allocation)?;
    }
    if let Some(packing) = packing::csv(study) {
        staged.add("packing.csv", &packing)?;
    }
    if study.variants.iter().any(|variant| !variant.functions.is_empty()) {
        staged.add("functions.csv", &functions::csv(study))?;
    }
    staged.add(
        "report.xlsx",
        &xlsx::workbook(study, manifest).unwrap_or_else(|error| panic!("a workbook: {error}")),
    )?;
    staged.add("report.md", &memo::markdown(study, manifest))?;
    staged.add("manifest.json", &manifest.json())?;
    staged.commit()
}
