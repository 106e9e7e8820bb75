//! Guesses from its header what kind of trace a file is, for people who look at one for the first time.

use std::path::Path;

use super::error::TraceError;
use super::table::{OnBadLine, Table};
use super::{Traffic, azure2019, counts, csv, embedded};

/// The columns to use where the file's own names do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Arrival times, or starts of bins.
    pub time: Option<String>,
    /// Requests per bin.
    pub count: Option<String>,
    /// Function names.
    pub function: Option<String>,
    /// Durations.
    pub duration: Option<String>,
}

/// Guesses what kind of file this is from its header; `format` overrides the guess.
pub fn guess(path: &str, base: &Path, format: Option<&str>, columns: &Columns) -> Result<Traffic, TraceError> {
    if embedded::find(path)?.is_some() {
        return Ok(Traffic::Counts(counts::CountsSpec::new(path)));
    }
    let full = base.join(path);
    if full.is_dir() {
        return Ok(Traffic::Azure2019(azure2019::Azure2019Spec::new(path)));
    }
    let names = Table::open(&full)?.names;
    let pick = |given: &Option<String>, known: &[&str]| {
        let known = || {
            known
                .iter()
                .find_map(|k| names.iter().find(|n| n.eq_ignore_ascii_case(k)).cloned())
        };
        given.clone().or_else(known)
    };
    let time = pick(
        &columns.time,
        &[
            "t_s",
            "arrival_s",
            "time_s",
            "time",
            "timestamp",
            "t",
            "arrival",
            "start",
            "period",
        ],
    );
    let count = pick(&columns.count, &["requests", "count", "invocations", "hits", "value"]);
    let guessed = match format {
        Some(format) => format,
        None if names.iter().any(|n| n == "HashApp" || n == "HashFunction") => "azure-2019",
        None if count.is_some() => "counts",
        None => "csv",
    };
    let missing = |what: &str, flag: &str| {
        let problem = format!("no column looks like {what} (its columns: {})", names.join(", "));
        TraceError::file(&full.display().to_string(), problem, format!("name it with {flag}"))
    };
    Ok(match guessed {
        "azure-2019" => Traffic::Azure2019(azure2019::Azure2019Spec::new(path)),
        "counts" => Traffic::Counts(counts::CountsSpec {
            time_column: time.ok_or_else(|| missing("the start of a bin", "--time-column"))?,
            count_column: count.ok_or_else(|| missing("a number of requests", "--count-column"))?,
            ..counts::CountsSpec::new(path)
        }),
        _ => Traffic::Csv(csv::CsvSpec {
            path: path.to_string(),
            time_column: time.ok_or_else(|| missing("an arrival time", "--time-column"))?,
            function_column: pick(&columns.function, &["func", "function", "app", "service", "name"]),
            duration_column: pick(&columns.duration, &["duration_s", "duration"]),
            on_bad_line: OnBadLine::default(),
        }),
    })
}
