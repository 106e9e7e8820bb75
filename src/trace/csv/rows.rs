//! The rows of a CSV file as arrivals, read as the run reaches them.

use super::CsvSpec;
use crate::model::arrival::Arrival;
use crate::trace::error::TraceError;
use crate::trace::names::Names;
use crate::trace::number::{Bad, EPOCH_FROM, ns_as_seconds, seconds_as_ns};
use crate::trace::report::ImportReport;
use crate::trace::table::{OnBadLine, Problem, Table};
use crate::trace::{BATCH, Source};
use crate::units::{SimDuration, SimTime};

/// The arrivals of a file, one row each.
pub(super) struct Rows {
    table: Table,
    columns: Columns,
    on_bad_line: OnBadLine,
    until: u64,
    names: Names,
    shift: Option<u64>,
    last: u64,
    report: ImportReport,
    /// The first rows, read when the file was opened so that its errors show early.
    pending: Vec<Arrival>,
    finished: bool,
}

impl Rows {
    pub(super) fn new(spec: &CsvSpec, table: Table, until: u64) -> Result<Self, TraceError> {
        let optional = |name: &Option<String>, setting| name.as_ref().map(|n| table.column(n, setting)).transpose();
        let columns = Columns {
            time: table.column(&spec.time_column, "time-column")?,
            function: optional(&spec.function_column, "function-column")?,
            duration: optional(&spec.duration_column, "duration-column")?,
        };
        let mut reader = Self {
            table,
            columns,
            on_bad_line: spec.on_bad_line,
            until,
            names: Names::new(),
            shift: None,
            last: 0,
            report: ImportReport::default(),
            pending: Vec::new(),
            finished: false,
        };
        let mut first = Vec::new();
        reader.read(&mut first)?;
        reader.pending = first;
        if reader.shift.is_none() {
            let hint = match reader.report.skipped {
                0 => "it needs at least one line below the header",
                _ => "every line was skipped; leave out on-bad-line = \"skip\" to see the problem of the first one",
            };
            return Err(TraceError::file(
                &reader.table.path,
                "the file has no usable rows",
                hint,
            ));
        }
        Ok(reader)
    }

    fn read(&mut self, out: &mut Vec<Arrival>) -> Result<(), TraceError> {
        let full = out.len() + BATCH;
        while !self.finished && out.len() < full {
            if !self.table.advance()? {
                self.finished = true;
                break;
            }
            self.report.lines += 1;
            let (table, names) = (&self.table, &mut self.names);
            match self.columns.arrival(table, names, &mut self.shift, self.last) {
                Ok(arrival) if arrival.at.0 >= self.until => {
                    self.report.lines -= 1;
                    self.finished = true;
                }
                Ok(arrival) => {
                    self.last = arrival.at.0;
                    self.report.kept += 1;
                    out.push(arrival);
                }
                Err(problem) => table.bad_line(self.on_bad_line, &mut self.report, problem)?,
            }
        }
        Ok(())
    }
}

/// The positions of the columns.
struct Columns {
    time: usize,
    function: Option<usize>,
    duration: Option<usize>,
}

impl Columns {
    #[inline]
    fn arrival(
        &self,
        table: &Table,
        names: &mut Names,
        shift: &mut Option<u64>,
        last: u64,
    ) -> Result<Arrival, Problem> {
        table.check()?;
        let text = table.get(self.time);
        let stamp = seconds_as_ns(text).map_err(|bad| self.bad_time(table, bad))?;
        let zero = shift.unwrap_or(if stamp >= EPOCH_FROM { stamp } else { 0 });
        let at = match stamp.checked_sub(zero) {
            Some(at) if at >= last => at,
            _ => return Err(self.unsorted(table, last + zero)),
        };
        let duration = match self.duration.map(|i| (i, table.get(i))) {
            None | Some((_, [])) => None,
            Some((i, text)) => Some(duration(text).map_err(|bad| bad_duration(table, i, bad))?),
        };
        let function = match self.function {
            None => 0,
            Some(i) => names.number(table.get(i)),
        };
        *shift = Some(zero);
        Ok(Arrival {
            at: SimTime(at),
            duration,
            function,
        })
    }

    #[cold]
    fn bad_time(&self, table: &Table, bad: Bad) -> Problem {
        let hint = match bad {
            Bad::TooLarge => "times are seconds; divide milliseconds since 1970 by 1000",
            Bad::Negative => "shift the times so that the first is 0",
            _ => {
                "times are decimal seconds since the start or since 1970, such as 12.345, or dates such as 2026-03-02T10:00:00Z"
            }
        };
        Problem::field(&table.names[self.time], table.get(self.time), bad, hint)
    }

    #[cold]
    fn unsorted(&self, table: &Table, before: u64) -> Problem {
        let column = &table.names[self.time];
        let text = String::from_utf8_lossy(table.get(self.time));
        let what = format!(
            "{column} {text} is before the line above ({} s): not in time order",
            ns_as_seconds(before)
        );
        let key = self.time + 1;
        Problem::new(
            what,
            format!(
                "sort the file by time, for instance: (head -1 F; tail -n +2 F | sort -t, -k{key},{key}g) > SORTED"
            ),
        )
    }
}

#[cold]
fn bad_duration(table: &Table, column: usize, bad: Bad) -> Problem {
    let hint = "durations are decimal seconds, such as 0.120; leave the cell empty if unknown";
    Problem::field(&table.names[column], table.get(column), bad, hint)
}

#[inline]
fn duration(text: &[u8]) -> Result<SimDuration, Bad> {
    match seconds_as_ns(text)? {
        // A duration of years is probably a time from the wrong column.
        ns if ns >= EPOCH_FROM => Err(Bad::TooLarge),
        ns => Ok(SimDuration(ns)),
    }
}

impl Source for Rows {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let before = out.len();
        out.append(&mut self.pending);
        if out.len() == before {
            self.read(out)?;
        }
        Ok(out.len() > before)
    }

    fn report(&self) -> ImportReport {
        let mut report = self.report.clone();
        report.functions = self.names.len().max(1) as u64;
        if let Some(shift) = self.shift.filter(|&s| s > 0) {
            let since = ns_as_seconds(shift);
            report.notes.push(format!(
                "times count from 1970: {since} s were taken off, so that the first is 0"
            ));
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(on_bad_line: OnBadLine) -> CsvSpec {
        CsvSpec {
            path: "x.csv".into(),
            time_column: "t".into(),
            function_column: Some("f".into()),
            duration_column: Some("d".into()),
            on_bad_line,
        }
    }

    fn read(text: &str, rule: OnBadLine) -> Result<(Vec<Arrival>, ImportReport), TraceError> {
        let table = Table::from_bytes("x.csv", text.to_string())?;
        let mut reader = Rows::new(&spec(rule), table, u64::MAX)?;
        let mut all = Vec::new();
        while reader.refill(&mut all)? {}
        Ok((all, reader.report()))
    }

    #[test]
    fn rows_become_arrivals() {
        let (all, report) = read("f,d,t\nb,0.5,1\na,,1.000000001\nb,2,3.5\n", OnBadLine::Fail).unwrap();
        let tuples: Vec<_> = all
            .iter()
            .map(|a| (a.at.0, a.duration.map(|d| d.0), a.function))
            .collect();
        assert_eq!(
            tuples,
            [
                (1_000_000_000, Some(500_000_000), 0),
                (1_000_000_001, None, 1),
                (3_500_000_000, Some(2_000_000_000), 0)
            ]
        );
        assert_eq!((report.lines, report.kept, report.functions), (3, 3, 2));
    }

    #[test]
    fn times_since_1970_start_at_zero() {
        let (all, report) = read("f,d,t\na,1,1563148800.25\na,1,1563148801\n", OnBadLine::Fail).unwrap();
        assert_eq!((all[0].at.0, all[1].at.0), (0, 750_000_000));
        assert!(report.notes[0].contains("1563148800.25"), "{:?}", report.notes);
    }

    #[test]
    fn errors_name_the_line_and_the_reason() {
        let rows = [
            (
                "f,d,t\na,1,2\na,1,1\n",
                "line 3: t 1 is before the line above (2 s): not in time order",
            ),
            ("f,d,t\na,1,-2\n", "line 2: t `-2` is negative"),
            ("f,d,t\na,1,x\n", "line 2: t `x` is not a number"),
            ("f,d,t\na,1,\n", "line 2: t `` is empty"),
            ("f,d,t\na,-1,2\n", "line 2: d `-1` is negative"),
            (
                "f,d,t\na,2019-07-15 00:00:00,2\n",
                "line 2: d `2019-07-15 00:00:00` is too large",
            ),
            ("f,d,t\na,1,2,3\n", "line 2: 4 fields, but the header has 3"),
            ("f,d,t\na,1,2\n\"a,1,3\n", "line 3: a quote is not closed"),
            (
                "f,d,t\na,1,2\na,1",
                "line 3: the file ends in the middle of this line (2 of 3 fields)",
            ),
            ("f,d,t\na,1,1563148800123\n", "line 2: t `1563148800123` is too large"),
            ("f,d,t\n", ": the file has no usable rows"),
            ("", ": the file is empty"),
        ];
        for (text, expected) in rows {
            let error = read(text, OnBadLine::Fail).unwrap_err();
            assert!(error.to_string().ends_with(expected), "{error}");
            assert!(!error.hints()[0].is_empty());
        }
    }

    #[test]
    fn bad_lines_can_be_skipped() {
        let text = "f,d,t\na,1,2\na,1,1\na,1\na,1,x\na,1,-7\na,1,3\n";
        let (all, report) = read(text, OnBadLine::Skip).unwrap();
        assert_eq!((all.len(), report.lines, report.kept, report.skipped), (2, 6, 2, 4));
        assert_eq!(report.examples.len(), 3);
        assert!(
            report.examples[1].starts_with("line 4: 2 fields"),
            "{:?}",
            report.examples
        );
        let none = read("f,d,t\na,1,x\n", OnBadLine::Skip).unwrap_err();
        assert!(none.hints()[0].contains("every line was skipped"));
    }
}
