//! One row per request, from a CSV file of any size that is read as the run goes on.
//!
//! Durations are decimal seconds. Times are decimal seconds since the start. If the first time is a date or at least 10^8 s
//! (three years), times count from 1970 and are shifted so that the first arrival is at 0. Rows must be in time order.

mod rows;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::guess::{Likeness, Recogniser, UnknownFile};
use super::inspect::Inspection;
use super::moments::{Bins, Gaps, MINUTE, SECOND};
use super::table::{OnBadLine, Table};
use super::{Open, Opened, Source, TrafficKind};
use rows::Rows;

/// The usual names of a column with names of functions, the most telling first.
const FUNCTION: [&str; 5] = ["func", "function", "app", "service", "name"];
/// The usual names of a column with service times in seconds.
const DURATION: [&str; 2] = ["duration_s", "duration"];

/// `[traffic.csv]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CsvSpec {
    /// The file, plain or gzip.
    pub path: String,
    /// The column with the arrival time in seconds, or as a date.
    pub time_column: String,
    /// The column with the name of the function. Without it, all requests call one function.
    #[serde(default)]
    pub function_column: Option<String>,
    /// The column with the service time on a warm instance in seconds. The profile decides for an empty cell.
    #[serde(default)]
    pub duration_column: Option<String>,
    /// The rule for lines that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

impl TrafficKind for CsvSpec {
    fn example() -> &'static str {
        "path = \"requests.csv\"\ntime-column = \"arrival_s\"\nfunction-column = \"func\"\nduration-column = \"duration_s\""
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.path.is_empty() {
            problems.push("path is empty: give a CSV file".to_string());
        }
        if self.time_column.is_empty() {
            problems.push("time-column is empty: give the name of the column with the arrival times".to_string());
        }
        for (key, column) in [
            ("function-column", &self.function_column),
            ("duration-column", &self.duration_column),
        ] {
            if column.as_ref().is_some_and(|c| *c == self.time_column) {
                problems.push(format!(
                    "{key} is the same as time-column: name another one or leave it out"
                ));
            }
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let rows = Rows::new(self, Table::open(&open.path(&self.path))?, open.until())?;
        Ok(Opened {
            source: Box::new(rows),
            horizon: open.horizon,
            input_sha256: None,
        })
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn inspect(&self, base: &Path) -> Option<Result<Inspection, TraceError>> {
        Some(self.inspection(base))
    }

    fn recogniser() -> Option<Recogniser<Self>> {
        Some(Recogniser::new(likeness, CsvSpec::for_file))
    }

    fn on_bad_line_mut(&mut self) -> Option<&mut OnBadLine> {
        Some(&mut self.on_bad_line)
    }

    fn carries_durations(&self) -> bool {
        self.duration_column.is_some()
    }
}

/// Any file with a header may have one row per request.
fn likeness(file: &UnknownFile) -> Likeness {
    match file.header.is_empty() {
        true => Likeness::No,
        false => Likeness::Possible,
    }
}

impl CsvSpec {
    /// Returns settings for a file, with the columns that have usual names.
    fn for_file(file: &UnknownFile) -> Result<Self, TraceError> {
        Ok(Self {
            path: file.path.clone(),
            time_column: file.time_column("an arrival time")?,
            function_column: file.column(&file.columns.function, &FUNCTION),
            duration_column: file.column(&file.columns.duration, &DURATION),
            on_bad_line: OnBadLine::default(),
        })
    }

    /// Reads the whole file and describes it.
    fn inspection(&self, base: &Path) -> Result<Inspection, TraceError> {
        let mut rows = Rows::new(self, Table::open(&base.join(&self.path))?, u64::MAX)?;
        let mut batch = Vec::new();
        let (mut seconds, mut minutes) = (Bins::new(SECOND), Bins::new(MINUTE));
        let mut gaps = Gaps::default();
        while rows.refill(&mut batch)? {
            for arrival in batch.drain(..) {
                seconds.add(arrival.at.0, 1);
                minutes.add(arrival.at.0, 1);
                gaps.add(arrival.at.0);
            }
        }
        let mut found = Inspection::new(rows.report());
        found.fill(
            seconds.sum,
            gaps.first,
            Some(gaps.last),
            gaps.last - gaps.first.unwrap_or(0),
        );
        found.set_minutes(minutes.finish());
        // Times in whole minutes give no figures of seconds, and times in whole seconds give none of gaps.
        if !gaps.whole_minutes {
            found.set_seconds(seconds.finish());
        }
        if !gaps.whole_seconds {
            found.gap_cv = gaps.cv();
        }
        Ok(found)
    }
}
