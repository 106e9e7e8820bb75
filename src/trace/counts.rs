//! Requests per bin of time of one service, from a CSV file such as a dashboard exports. Each bin is expanded to arrivals by
//! the [`Placement`] rule when the run reaches it.
//!
//! A bin without a row has no requests. Rows with the same time are added up.

mod series;

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::TraceError;
use super::expand::Expander;
use super::guess::{Likeness, Recogniser, UnknownFile};
use super::inspect::Inspection;
use super::placement::Placement;
use super::report::ImportReport;
use super::table::{OnBadLine, Table};
use super::{Open, Opened, Source, TrafficKind, embedded};
use crate::model::arrival::Arrival;
use crate::units::SimDuration;
use series::Series;

/// The usual names of a column with numbers of requests, the most telling first.
const COUNT: [&str; 5] = ["requests", "count", "invocations", "hits", "value"];

/// `[traffic.counts]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CountsSpec {
    /// The file, plain or gzip, or `embedded:web-shop-week`.
    pub path: String,
    /// The column with the start of the bin in seconds, or as a date.
    #[serde(default = "time_column")]
    pub time_column: String,
    /// The column with the number of requests in the bin.
    #[serde(default = "count_column")]
    pub count_column: String,
    /// The length of a bin.
    #[serde(default = "bin")]
    pub bin: SimDuration,
    /// The rule that places the arrivals of a bin within it.
    #[serde(default)]
    pub placement: Placement,
    /// The rule for lines that cannot be read.
    #[serde(default)]
    pub on_bad_line: OnBadLine,
}

fn time_column() -> String {
    "t_s".to_string()
}
fn count_column() -> String {
    "requests".to_string()
}
fn bin() -> SimDuration {
    SimDuration::from_secs(60)
}

impl CountsSpec {
    /// Makes settings with all defaults for a file.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_string(),
            time_column: time_column(),
            count_column: count_column(),
            bin: bin(),
            placement: Placement::default(),
            on_bad_line: OnBadLine::default(),
        }
    }

    /// Returns settings for a file, with the columns that have usual names.
    fn for_file(file: &UnknownFile) -> Result<Self, TraceError> {
        let defaults = Self::new(&file.path);
        if file.is_embedded {
            return Ok(defaults);
        }
        Ok(Self {
            time_column: file.time_column("the start of a bin")?,
            count_column: count_of(file).ok_or_else(|| file.missing("a number of requests", "--count-column"))?,
            ..defaults
        })
    }

    /// Reads the whole file and describes it.
    fn inspection(&self, base: &Path) -> Result<Inspection, TraceError> {
        Ok(self.load(base)?.0.inspection())
    }

    /// Reads the whole file. Returns its counts and its SHA-256 in hexadecimal.
    fn load(&self, base: &Path) -> Result<(Series, String), TraceError> {
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(TraceError::Settings(problem));
        }
        let (bytes, path) = match embedded::find(&self.path)? {
            Some(built_in) => (built_in.bytes.to_vec(), self.path.clone()),
            None => {
                let path = base.join(&self.path);
                let name = path.display().to_string();
                (
                    std::fs::read(&path).map_err(|reason| TraceError::Read {
                        path: name.clone(),
                        reason,
                    })?,
                    name,
                )
            }
        };
        let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        Ok((Series::read(self, Table::from_bytes(&path, bytes)?)?, sha256))
    }
}

/// The column with the number of requests per bin.
fn count_of(file: &UnknownFile) -> Option<String> {
    file.column(&file.columns.count, &COUNT)
}

/// Built-in traces are files of counts, and so is probably a file with a column of counts.
fn likeness(file: &UnknownFile) -> Likeness {
    match file.is_embedded {
        true => Likeness::Certain,
        false if count_of(file).is_some() => Likeness::Likely,
        false => Likeness::No,
    }
}

impl TrafficKind for CountsSpec {
    fn example() -> &'static str {
        "path = \"embedded:web-shop-week\"\nbin = \"60s\"\nplacement = { clustered = { mean-size = 8.0, gap = \"20ms\" } }"
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.placement.problems();
        if self.path.is_empty() {
            problems.push("path is empty: give a CSV file or \"embedded:web-shop-week\"".to_string());
        }
        if self.bin.0 == 0 {
            problems.push("bin is 0: give the time from one row to the next, such as \"60s\"".to_string());
        }
        if self.time_column == self.count_column {
            problems.push("time-column and count-column are the same: name two columns".to_string());
        }
        problems
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let (series, sha256) = self.load(open.base)?;
        let horizon = open.horizon.or(Some(series.length()));
        let expander = Expander::new(self.placement, open.draws, open.entity, self.bin.0, open.until());
        let source = Counts {
            series,
            expander,
            next: 0,
            placement: self.placement,
        };
        Ok(Opened {
            source: Box::new(source),
            horizon,
            input_sha256: Some(sha256),
        })
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn inspect(&self, base: &Path) -> Option<Result<Inspection, TraceError>> {
        Some(self.inspection(base))
    }

    fn recogniser() -> Option<Recogniser<Self>> {
        Some(Recogniser::new(likeness, CountsSpec::for_file))
    }

    fn on_bad_line_mut(&mut self) -> Option<&mut OnBadLine> {
        Some(&mut self.on_bad_line)
    }

    fn placement_mut(&mut self) -> Option<&mut Placement> {
        Some(&mut self.placement)
    }

    fn bin_mut(&mut self) -> Option<&mut SimDuration> {
        Some(&mut self.bin)
    }
}

struct Counts {
    series: Series,
    expander: Expander,
    next: usize,
    placement: Placement,
}

impl Source for Counts {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        while !self.expander.take(out) {
            let Some(&(start, count)) = self.series.bins.get(self.next) else {
                return Ok(false);
            };
            self.next += 1;
            self.expander.expand(start, start / self.series.bin, [(0, count)]);
        }
        Ok(true)
    }

    fn report(&self) -> ImportReport {
        let mut report = self.series.report.clone();
        report
            .notes
            .push(format!("placement within a bin: {}", self.placement.name()));
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Draws;
    use crate::trace::collect;

    #[test]
    fn the_built_in_week_replays_with_its_counts() {
        let spec = CountsSpec::new("embedded:web-shop-week");
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(1, 0),
            entity: 0,
            horizon: None,
        };
        let opened = spec.open(&open).unwrap();
        assert_eq!(opened.horizon, Some(SimDuration::from_secs(7 * 86_400)));
        assert_eq!(opened.input_sha256.as_ref().map(String::len), Some(64));
        let all = collect(opened).unwrap();
        assert!(all.is_sorted_by_key(|a| a.at));
        let mut found = vec![0u32; 7 * 1440];
        for a in &all {
            found[(a.at.0 / spec.bin.0) as usize] += 1;
        }
        let counts: Vec<u32> = spec
            .load(Path::new("."))
            .unwrap()
            .0
            .bins
            .into_iter()
            .map(|(_, n)| n)
            .collect();
        assert_eq!(found, counts);
        let day = Open {
            horizon: Some(SimDuration::from_secs(86_400)),
            ..open
        };
        let first = collect(spec.open(&day).unwrap()).unwrap();
        assert_eq!(first, all[..first.len()]);
        assert_eq!(first.len(), counts[..1440].iter().sum::<u32>() as usize);
    }

    #[test]
    fn an_unknown_built_in_trace_names_those_there_are() {
        let error = CountsSpec::new("embedded:web-shop").load(Path::new(".")).err().unwrap();
        assert!(error.hints()[0].contains("embedded:web-shop-week"));
    }
}
