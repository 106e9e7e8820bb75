//! The days of the Azure trace in order, one in memory at a time.

use std::path::{Path, PathBuf};

use super::day::Day;
use super::{FILE_NAME, MINUTE, ScalingUnit};
use crate::trace::error::TraceError;
use crate::trace::inspect::Inspection;
use crate::trace::moments::Bins;
use crate::trace::names::Names;
use crate::trace::report::ImportReport;
use crate::trace::table::OnBadLine;
use crate::units::SimDuration;

const MINUTES_A_DAY: u64 = 1440;

/// Returns the files in order, each with the number of its day.
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
        let problem = format!("the folder has two files for day {}", twice[0].0);
        return Err(TraceError::file(
            &name,
            problem,
            format!("remove {}", twice[1].1.display()),
        ));
    }
    if files.is_empty() {
        let hint = format!("the files must be named {FILE_NAME}01.csv and so on; or give a file instead of a folder");
        return Err(TraceError::file(&name, "the folder has no day of the trace", hint));
    }
    Ok(files)
}

/// The days of a trace, one of which is in memory.
pub(super) struct Days {
    unit: ScalingUnit,
    on_bad_line: OnBadLine,
    files: Vec<(u64, PathBuf)>,
    /// The next file to read.
    next: usize,
    /// The number of the first day.
    first: u64,
    names: Names,
    /// The first minute column of the first day, which is the start of the run.
    offset: Option<u64>,
    last_minutes: u64,
    /// The day that was read last.
    pub day: Day,
    pub report: ImportReport,
}

impl Days {
    /// Finds the files at `path`, a file or a folder, and reads the first day.
    pub fn open(path: &Path, unit: ScalingUnit, on_bad_line: OnBadLine) -> Result<Self, TraceError> {
        let files = files(path)?;
        let mut days = Self {
            unit,
            on_bad_line,
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

    /// Reads the next day; false if there is none.
    pub fn advance(&mut self) -> Result<bool, TraceError> {
        let Some((_, path)) = self.files.get(self.next) else {
            return Ok(false);
        };
        // The old day is dropped first, so that memory holds one day, not two.
        self.day = Day::default();
        self.day = Day::read(path, self.unit, self.on_bad_line, &mut self.names, &mut self.report)?;
        self.next += 1;
        self.offset.get_or_insert(self.day.first_minute);
        self.last_minutes = self.day.first_minute + self.day.minutes.len() as u64;
        self.report.functions = self.names.len() as u64;
        Ok(true)
    }

    /// Returns the start of a minute of the current day, in minutes since the start of the run.
    pub fn minute(&self, minute: usize) -> u64 {
        let days = self.files[self.next - 1].0 - self.first;
        let column = days * MINUTES_A_DAY + self.day.first_minute + minute as u64;
        column.saturating_sub(self.offset.unwrap_or(0))
    }

    /// Returns the length of the run. The last day is assumed to be as long as the day that was read last.
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
                "{missing} days between the first and the last are missing; they count as days without requests"
            ));
        }
        report
    }

    /// Reads all days and describes them. The first day has been read.
    pub fn inspection(mut self) -> Result<Inspection, TraceError> {
        let mut minutes = Bins::new(MINUTE);
        let (mut first, mut last) = (None, None);
        loop {
            for (i, cells) in self.day.minutes.iter().enumerate() {
                let at = self.minute(i) * MINUTE;
                let count: u64 = cells.iter().map(|c| u64::from(c.1)).sum();
                minutes.add(at, count);
                if count > 0 {
                    first.get_or_insert(at);
                    last = Some(at + MINUTE);
                }
            }
            if !self.advance()? {
                break;
            }
        }
        let mut found = Inspection::new(self.report());
        found.fill(minutes.sum, first, last, self.length().map_or(0, |l| l.0));
        found.set_minutes(minutes.finish());
        Ok(found)
    }
}
