//! The counts of a file, in memory as a whole: a month of seconds takes 40 MB.

use super::CountsSpec;
use crate::trace::error::TraceError;
use crate::trace::inspect::Inspection;
use crate::trace::moments::{Bins, MINUTE, SECOND};
use crate::trace::number::{Bad, EPOCH_FROM, count, ns_as_seconds, seconds_as_ns};
use crate::trace::report::ImportReport;
use crate::trace::table::{Problem, Table};
use crate::units::SimDuration;

/// The counts of a file.
pub(super) struct Series {
    /// The bins in time order, each with its start in nanoseconds and its count.
    pub bins: Vec<(u64, u32)>,
    /// The length of a bin in nanoseconds.
    pub bin: u64,
    /// The account of the file.
    pub report: ImportReport,
}

impl Series {
    /// Returns the time from the start of the run to the end of the last bin.
    pub fn length(&self) -> SimDuration {
        SimDuration(self.bins.last().map_or(0, |&(start, _)| start + self.bin))
    }

    /// Describes the counts.
    pub fn inspection(&self) -> Inspection {
        let (mut seconds, mut minutes) = (Bins::new(SECOND), Bins::new(MINUTE));
        for &(start, count) in &self.bins {
            seconds.add(start, count.into());
            minutes.add(start, count.into());
        }
        let busy = |&&(_, count): &&(u64, u32)| count > 0;
        let first = self.bins.iter().find(busy).map(|b| b.0);
        let last = self.bins.iter().rfind(busy).map(|b| b.0 + self.bin);
        let start = self.bins.first().map_or(0, |b| b.0);
        let mut found = Inspection::new(self.report.clone());
        found.fill(minutes.sum, first, last, self.length().0 - start);
        if SECOND.is_multiple_of(self.bin) {
            found.set_seconds(seconds.finish());
        }
        if MINUTE.is_multiple_of(self.bin) {
            found.set_minutes(minutes.finish());
        }
        found
    }

    /// Reads all rows.
    pub fn read(spec: &CountsSpec, table: Table) -> Result<Self, TraceError> {
        let mut series = Self {
            bins: Vec::new(),
            bin: spec.bin.0,
            report: ImportReport::default(),
        };
        series.fill(spec, table)?;
        Ok(series)
    }

    fn fill(&mut self, spec: &CountsSpec, mut table: Table) -> Result<(), TraceError> {
        let columns = Columns {
            time: table.column(&spec.time_column, "time-column")?,
            count: table.column(&spec.count_column, "count-column")?,
            bin: spec.bin,
        };
        let (mut shift, mut same_time) = (0, 0u64);
        while table.advance()? {
            self.report.lines += 1;
            match columns.read(&table, &mut shift, self.bins.last_mut()) {
                Ok(Some(bin)) => self.bins.push(bin),
                Ok(None) => same_time += 1,
                Err(problem) => {
                    table.bad_line(spec.on_bad_line, &mut self.report, problem)?;
                    continue;
                }
            }
            self.report.kept += 1;
        }
        if self.bins.is_empty() {
            return Err(TraceError::file(
                &table.path,
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
                "times count from 1970: {since} s were taken off, so that the first is 0"
            ));
        }
        if same_time > 0 {
            notes.push(format!(
                "{same_time} rows had the same time as the row above; their counts were added"
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
    time: usize,
    count: usize,
    bin: SimDuration,
}

impl Columns {
    /// Returns the bin of the current row; `None` if its count was added to the previous bin.
    fn read(
        &self,
        table: &Table,
        shift: &mut u64,
        last: Option<&mut (u64, u32)>,
    ) -> Result<Option<(u64, u32)>, Problem> {
        table.check()?;
        let name = |i: usize| table.names[i].as_str();
        let text = table.get(self.time);
        let stamp = seconds_as_ns(text).map_err(|bad| {
            let hint = match bad {
                Bad::TooLarge => "times are seconds; divide milliseconds since 1970 by 1000",
                _ => "times are decimal seconds since the start or since 1970, such as 120, or dates such as 2026-03-02T10:00:00Z",
            };
            Problem::field(name(self.time), text, bad, hint)
        })?;
        let text = table.get(self.count);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::table::OnBadLine;

    fn read(text: &str, rule: OnBadLine) -> Result<Series, TraceError> {
        let spec = CountsSpec {
            on_bad_line: rule,
            ..CountsSpec::new("x.csv")
        };
        Series::read(&spec, Table::from_bytes("x.csv", text.to_string())?)
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
        for part in ["1563148800", "1 rows had the same time", "2 bins have no row"] {
            assert!(notes.contains(part), "{notes}");
        }
    }

    #[test]
    fn errors_name_the_line_and_the_reason() {
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
                "t_s,requests\n10/Apr/2014,94\n",
                "line 2: t_s `10/Apr/2014` is not a number",
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
}
