//! Where samples go. Each is appended at once as a line of JSON to `<out>/raw/<name>.jsonl`, so that an interrupted
//! run loses nothing; at the end the profile is written whole and the lines, all of which it holds, are removed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::compact;
use super::error::MeasureError;
use crate::model::profile::{ColdSample, FrameworkProfile, StartFailure, WarmRun};
use crate::units::{MemoryMib, MilliCpu};

/// One line of the raw file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sample<'a> {
    /// A cold start; its spin ratio is settled at the end of the session, so the spin itself is here.
    Cold(&'a ColdSample, f64),
    /// A start that gave none.
    Failed(&'a StartFailure),
    /// A warm run.
    Warm(&'a WarmRun),
}

#[derive(Serialize)]
struct Line<'a> {
    cpu: MilliCpu,
    memory: MemoryMib,
    sample: Sample<'a>,
}

/// The raw file of one framework or image.
#[derive(Debug)]
pub struct RawFile {
    path: PathBuf,
    file: File,
}

impl RawFile {
    /// Starts an empty file; one of an earlier run that was cut short is kept under another name.
    pub fn create(out: &Path, name: &str, run: &str) -> Result<Self, MeasureError> {
        let folder = out.join("raw");
        fs::create_dir_all(&folder).map_err(MeasureError::io(&folder))?;
        let path = folder.join(format!("{name}.jsonl"));
        if path.exists() {
            let kept = folder.join(format!("{name}.before-{run}.jsonl"));
            fs::rename(&path, &kept).map_err(MeasureError::io(&path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(MeasureError::io(&path))?;
        Ok(Self { path, file })
    }

    /// Appends a sample.
    pub fn append(&mut self, cpu: MilliCpu, memory: MemoryMib, sample: Sample<'_>) -> Result<(), MeasureError> {
        let line = serde_json::to_string(&Line { cpu, memory, sample }).map_err(std::io::Error::other);
        line.and_then(|line| self.file.write_all(format!("{line}\n").as_bytes()))
            .map_err(MeasureError::io(&self.path))
    }

    /// Removes the file, and its folder if that is empty.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Writes `<out>/<name>/profile.json` whole, and returns its path.
pub fn write_profile(out: &Path, profile: &FrameworkProfile) -> Result<PathBuf, MeasureError> {
    let folder = out.join(&profile.name);
    fs::create_dir_all(&folder).map_err(MeasureError::io(&folder))?;
    let path = folder.join("profile.json");
    let temporary = folder.join("profile.json.tmp");
    let bytes = compact::to_vec(profile)
        .map_err(std::io::Error::other)
        .map_err(MeasureError::io(&path))?;
    fs::write(&temporary, bytes).map_err(MeasureError::io(&temporary))?;
    fs::rename(&temporary, &path).map_err(MeasureError::io(&path))?;
    Ok(path)
}
