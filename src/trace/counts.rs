//! Requests per bin of time of one service, from a CSV file: what a dashboard exports. Each bin is expanded to arrivals
//! when the run reaches it, by the [`Placement`] rule.
//!
//! A bin without a row has no requests. Rows with the same time are added up.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::TraceError;
use super::expand::Expander;
use super::lines::{Line, Lines};
use super::number::{Bad, count, ns_as_seconds, seconds_as_ns};
use super::placement::Placement;
use super::report::ImportReport;
use super::table::{Fields, Header, OnBadLine, Problem, bad_line};
use super::{Kind, Open, Opened, Source, embedded};
use crate::model::arrival::Arrival;
use crate::units::SimDuration;

/// Times from here on are times since 1970, in nanoseconds.
const EPOCH_FROM: u64 = 100_000_000 * 1_000_000_000;

/// `[traffic.counts]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Spec {
    /// The file, plain or gzip, or `embedded:web-shop-week`.
    pub path: String,
    /// The column with the start of the bin in seconds.
    #[serde(default = "time_column")]
    pub time_column: String,
    /// The column with the number of requests.
    #[serde(default = "count_column")]
    pub count_column: String,
    /// The length of a bin.
    #[serde(default = "bin")]
    pub bin: SimDuration,
    /// Where the arrivals of a bin fall within it.
    #[serde(default)]
    pub placement: Placement,
    /// What happens on a line that cannot be read.
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

impl Spec {
    /// The defaults for a file.
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

    /// Reads the whole file.
    pub(crate) fn load(&self, base: &Path) -> Result<Series, TraceError> {
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(TraceError::Settings(problem));
        }
        let (bytes, path) = match embedded::find(&self.path)? {
            Some(built_in) => (built_in.bytes.to_vec(), self.path.clone()),
            None => {
                let path = base.join(&self.path);
                let name = path.display().to_string();
                (
                    std::fs::read(&path).map_err(|source| TraceError::Read {
                        path: name.clone(),
                        source,
                    })?,
                    name,
                )
            }
        };
        let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let mut series = Series {
            bins: Vec::new(),
            bin: self.bin.0,
            sha256,
            report: ImportReport::default(),
        };
        series.read(self, Lines::from_bytes(&path, bytes)?)?;
        Ok(series)
    }
}

impl Kind for Spec {
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
        let series = self.load(open.base)?;
        let horizon = open.horizon.or(Some(series.length()));
        let sha256 = series.sha256.clone();
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
}

/// The counts of a file.
pub(crate) struct Series {
    /// Start of the bin in nanoseconds, and its count; in time order.
    pub bins: Vec<(u64, u32)>,
    pub bin: u64,
    sha256: String,
    pub report: ImportReport,
}

impl Series {
    /// From the start of the run to the end of the last bin.
    pub fn length(&self) -> SimDuration {
        SimDuration(self.bins.last().map_or(0, |&(start, _)| start + self.bin))
    }

    fn read(&mut self, spec: &Spec, mut lines: Lines) -> Result<(), TraceError> {
        let header = Header::read(&mut lines)?;
        let columns = Columns {
            time: header.column(&spec.time_column, "time-column")?,
            count: header.column(&spec.count_column, "count-column")?,
            header,
            bin: spec.bin,
        };
        let path = lines.path.clone();
        let (mut fields, mut shift, mut same_time) = (Fields::default(), 0, 0u64);
        while let Some(line) = lines.next_line()? {
            self.report.lines += 1;
            match columns.read(line, &mut fields, &mut shift, self.bins.last_mut()) {
                Ok(Some(bin)) => self.bins.push(bin),
                Ok(None) => same_time += 1,
                Err(problem) => {
                    bad_line(spec.on_bad_line, &mut self.report, &path, line.number, problem)?;
                    continue;
                }
            }
            self.report.kept += 1;
        }
        if self.bins.is_empty() {
            return Err(TraceError::file(
                &path,
                "the file has no usable rows",
                "it needs at least one line below the header",
            ));
        }
        self.report.functions = 1;
        self.note(shift, same_time);
        Ok(())
    }

    fn note(&mut self, shift: u64, same_time: u64) {
        let notes = &mut self.report.notes;
        if shift > 0 {
            let since = ns_as_seconds(shift);
            notes.push(format!(
                "times look like seconds since 1970: {since} s were taken off, so that the first is 0"
            ));
        }
        if same_time > 0 {
            notes.push(format!(
                "{same_time} rows had the time of the row above; their counts were added"
            ));
        }
        let first = self.bins.first().map_or(0, |b| b.0);
        let (length, bin) = (self.bins.last().map_or(0, |b| b.0) - first + self.bin, self.bin);
        let missing = (length / bin).saturating_sub(self.bins.len() as u64);
        if missing > 0 {
            notes.push(format!("{missing} bins have no row and count as 0 requests"));
        }
    }
}

struct Columns {
    header: Header,
    time: usize,
    count: usize,
    bin: SimDuration,
}

impl Columns {
    /// The bin of a line; `None` if it was added to the one before.
    fn read(
        &self,
        line: Line<'_>,
        fields: &mut Fields,
        shift: &mut u64,
        last: Option<&mut (u64, u32)>,
    ) -> Result<Option<(u64, u32)>, Problem> {
        fields.split(line.text)?;
        self.header.check(line, fields)?;
        let name = |i: usize| self.header.names[i].as_str();
        let text = fields.get(line.text, self.time);
        let stamp = seconds_as_ns(text).map_err(|bad| {
            let hint = match bad {
                Bad::TooLarge => "times are seconds; divide milliseconds since 1970 by 1000",
                _ => "times are decimal seconds since the start, or since 1970, such as 120",
            };
            Problem::field(name(self.time), text, bad, hint)
        })?;
        let text = fields.get(line.text, self.count);
        let count = count(text).map_err(|bad| {
            Problem::field(
                name(self.count),
                text,
                bad,
                "give whole numbers of requests, 0 for none, not a rate",
            )
        })?;
        let Some(last) = last else {
            *shift = if stamp >= EPOCH_FROM { stamp } else { 0 };
            return Ok(Some((stamp - *shift, count)));
        };
        let what = |text: &str| format!("{} {} is {text}", name(self.time), ns_as_seconds(stamp));
        match stamp.checked_sub(*shift).filter(|&start| start >= last.0) {
            None => Err(Problem::new(
                what("before the line above: not in time order"),
                "sort the file by time",
            )),
            Some(start) if start == last.0 => {
                last.1 = last
                    .1
                    .checked_add(count)
                    .ok_or_else(|| Problem::new("the sum is too large", "use shorter bins"))?;
                Ok(None)
            }
            Some(start) if start - last.0 < self.bin.0 => {
                let gap = SimDuration(start - last.0);
                let hint = format!("if the rows are {gap} apart, set bin = \"{gap}\"");
                Err(Problem::new(
                    what(&format!("only {gap} after the line above, but a bin has {}", self.bin)),
                    hint,
                ))
            }
            Some(start) => Ok(Some((start, count))),
        }
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

    fn read(text: &str, rule: OnBadLine) -> Result<Series, TraceError> {
        let spec = Spec {
            on_bad_line: rule,
            ..Spec::new("x.csv")
        };
        let mut series = Series {
            bins: Vec::new(),
            bin: spec.bin.0,
            sha256: String::new(),
            report: ImportReport::default(),
        };
        series.read(&spec, Lines::from_bytes("x.csv", text.to_string()).unwrap())?;
        Ok(series)
    }

    #[test]
    fn rows_are_bins_and_gaps_are_noted() {
        let series = read(
            "t_s,requests\n1563148800,2\n1563148860,3.0\n1563148860,1\n1563149040,7\n",
            OnBadLine::Fail,
        );
        let series = series.unwrap();
        let minute = 60_000_000_000;
        assert_eq!(series.bins, [(0, 2), (minute, 4), (4 * minute, 7)]);
        assert_eq!(series.length(), SimDuration::from_secs(300));
        let notes = series.report.notes.join("\n");
        for part in ["1563148800", "1 rows had the time", "2 bins have no row"] {
            assert!(notes.contains(part), "{notes}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_where_and_why() {
        let rows = [
            (
                "t_s,requests\n0,1\n30,1\n",
                "line 3: t_s 30 is only 30s after the line above, but a bin has 1m",
            ),
            (
                "t_s,requests\n60,1\n0,1\n",
                "line 3: t_s 0 is before the line above: not in time order",
            ),
            ("t_s,requests\n0,1.5\n", "line 2: requests `1.5` is not a whole number"),
            ("t_s,requests\n0,-1\n", "line 2: requests `-1` is negative"),
            ("t_s,requests\n0,\n", "line 2: requests `` is empty"),
            (
                "t_s,requests\n2014-04-10 00:04:00,94\n",
                "line 2: t_s `2014-04-10 00:04:00` is not a number",
            ),
            ("t_s,requests\n0\n", "line 2: 1 fields, but the header has 2"),
            ("t_s,requests\n", ": the file has no usable rows"),
        ];
        for (text, expected) in rows {
            let error = read(text, OnBadLine::Fail).err().unwrap();
            assert!(error.to_string().ends_with(expected), "{error}");
            assert!(!error.hints()[0].is_empty());
        }
        let series = read("t_s,requests\n0,1\nx,1\n60,2\n", OnBadLine::Skip).unwrap();
        assert_eq!(
            (series.bins.len(), series.report.skipped, series.report.kept),
            (2, 1, 2)
        );
    }

    #[test]
    fn the_built_in_week_replays_with_its_counts() {
        let spec = Spec::new("embedded:web-shop-week");
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
        let error = Spec::new("embedded:web-shop").load(Path::new(".")).err().unwrap();
        assert!(error.hints()[0].contains("embedded:web-shop-week"));
    }
}
