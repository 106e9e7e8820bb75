//! Microsoft's Azure Functions trace of 2019 (Shahrad et al., Serverless in the Wild, USENIX ATC 2020; CC-BY-4.0,
//! github.com/Azure/AzurePublicDataset): invocations per minute of each function, one file a day. One day is held at a
//! time, as its non-zero counts, and one minute is expanded to arrivals at a time.
//!
//! Counts were recorded when the invocation had ended, so long invocations appear late by their duration.

mod day;
mod functions;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::expand::Expander;
use super::names::Names;
use super::placement::Placement;
use super::report::ImportReport;
use super::table::OnBadLine;
use super::{Functions, Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use crate::units::SimDuration;
use day::Day;
use functions::ByFunction;

const MINUTE: u64 = 60_000_000_000;
const MINUTES_A_DAY: u64 = 1440;
const FILE_NAME: &str = "invocations_per_function_md.anon.d";

/// `[traffic.azure-2019]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Azure2019Spec {
    /// A file of invocations, plain or gzip, or the folder with `invocations_per_function_md.anon.d01.csv` and so on.
    pub path: String,
    /// Where the arrivals of a minute fall within it.
    #[serde(default)]
    pub placement: Placement,
    /// What scales on its own.
    #[serde(default)]
    pub scaling_unit: ScalingUnit,
    /// What happens on a line that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

/// What has instances of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingUnit {
    /// An app: all its functions share its instances, as they do on Azure.
    #[default]
    App,
    /// Each function.
    Function,
}

impl Azure2019Spec {
    /// The defaults for a file or folder.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_string(),
            placement: Placement::default(),
            scaling_unit: ScalingUnit::default(),
            on_bad_line: OnBadLine::default(),
        }
    }

    /// Finds the files and reads the first day.
    pub(crate) fn load(&self, base: &Path) -> Result<Days, TraceError> {
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(TraceError::Settings(problem));
        }
        let files = files(&base.join(&self.path))?;
        let mut days = Days {
            unit: self.scaling_unit,
            on_bad_line: self.on_bad_line,
            first: files[0].0,
            files,
            next: 0,
            names: Names::new(),
            offset: None,
            last_minutes: 0,
            day: Day::default(),
            report: ImportReport::default(),
        };
        days.advance()?;
        Ok(days)
    }
}

impl TrafficKind for Azure2019Spec {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.placement.problems();
        if self.path.is_empty() {
            problems.push(format!(
                "path is empty: give a file or the folder with {FILE_NAME}01.csv"
            ));
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let days = self.load(open.base)?;
        let horizon = open.horizon.or_else(|| days.length());
        let expander = Expander::new(self.placement, open.draws, open.entity, MINUTE, open.until());
        let source = Replay {
            days,
            expander,
            minute: 0,
            placement: self.placement,
            until: open.until(),
        };
        Ok(Opened {
            source: Box::new(source),
            horizon,
            input_sha256: None,
        })
    }

    // What cannot be read is told when all functions are opened together.
    fn functions(&self, open: &Open<'_>) -> Option<Box<dyn Functions>> {
        Some(Box::new(ByFunction::read(self, open).ok()?))
    }
}

/// The files in order, each with its day's number.
fn files(path: &Path) -> Result<Vec<(u64, PathBuf)>, TraceError> {
    let name = path.display().to_string();
    let failed = |reason| TraceError::Read {
        path: name.clone(),
        reason,
    };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![(1, path.to_path_buf())]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let day = file
            .strip_prefix(FILE_NAME)
            .and_then(|rest| rest.strip_suffix(".gz").unwrap_or(rest).strip_suffix(".csv"));
        if let Some(day) = day.and_then(|d| d.parse().ok()) {
            files.push((day, path));
        }
    }
    files.sort();
    if let Some(twice) = files.windows(2).find(|w| w[0].0 == w[1].0) {
        let problem = format!("day {} is there twice", twice[0].0);
        return Err(TraceError::file(
            &name,
            problem,
            format!("remove {}", twice[1].1.display()),
        ));
    }
    if files.is_empty() {
        let hint = format!("it must hold files named {FILE_NAME}01.csv and so on; or give a file instead of a folder");
        return Err(TraceError::file(&name, "the folder has no day of the trace", hint));
    }
    Ok(files)
}

/// The days of a trace, one at a time.
pub(crate) struct Days {
    unit: ScalingUnit,
    on_bad_line: OnBadLine,
    files: Vec<(u64, PathBuf)>,
    /// The next file to read.
    next: usize,
    /// Number of the first day.
    first: u64,
    names: Names,
    /// The first minute column of the first day, which is the start of the run.
    offset: Option<u64>,
    last_minutes: u64,
    /// The day read last.
    pub day: Day,
    pub report: ImportReport,
}

impl Days {
    /// Reads the next day; false if there is none.
    pub fn advance(&mut self) -> Result<bool, TraceError> {
        let Some((_, path)) = self.files.get(self.next) else {
            return Ok(false);
        };
        // Let go of the old day first: the peak is one day, not two.
        self.day = Day::default();
        self.day = Day::read(path, self.unit, self.on_bad_line, &mut self.names, &mut self.report)?;
        self.next += 1;
        self.offset.get_or_insert(self.day.first_minute);
        self.last_minutes = self.day.first_minute + self.day.minutes.len() as u64;
        self.report.functions = self.names.len() as u64;
        Ok(true)
    }

    /// The start of a minute of the current day as minutes since the start of the run.
    pub fn minute(&self, minute: usize) -> u64 {
        let days = self.files[self.next - 1].0 - self.first;
        let column = days * MINUTES_A_DAY + self.day.first_minute + minute as u64;
        column.saturating_sub(self.offset.unwrap_or(0))
    }

    /// The length of the run. The last day is taken to be as long as the day read last.
    pub fn length(&self) -> Option<SimDuration> {
        let days = self.files.last()?.0 - self.first;
        let minutes = days * MINUTES_A_DAY + self.last_minutes - self.offset?;
        Some(SimDuration(minutes * MINUTE))
    }

    pub fn report(&self) -> ImportReport {
        let mut report = self.report.clone();
        if let Some(offset) = self.offset.filter(|&o| o > 1) {
            report
                .notes
                .push(format!("the trace starts at minute {offset} of its first day"));
        }
        let missing = self.files.windows(2).map(|w| w[1].0 - w[0].0 - 1).sum::<u64>();
        if missing > 0 {
            report.notes.push(format!(
                "{missing} days between the first and the last are missing and count as silent"
            ));
        }
        report
    }
}

struct Replay {
    days: Days,
    expander: Expander,
    /// The next minute of the current day.
    minute: usize,
    placement: Placement,
    until: u64,
}

impl Source for Replay {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        while !self.expander.take(out) {
            let Some(cells) = self.days.day.minutes.get(self.minute) else {
                if !self.days.advance()? {
                    return Ok(false);
                }
                self.minute = 0;
                continue;
            };
            let index = self.days.minute(self.minute);
            if index * MINUTE >= self.until {
                return Ok(false);
            }
            self.expander.expand(index * MINUTE, index, cells.iter().copied());
            self.minute += 1;
        }
        Ok(true)
    }

    fn report(&self) -> ImportReport {
        functions::report(&self.days, self.placement)
    }
}
