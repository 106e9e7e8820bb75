//! One day of the Azure trace as its non-zero counts by minute: about 12 million of 67 million cells.
//!
//! Columns are found by name. The published files have minutes `1` to `1440`. Other copies start at another minute (`480` to
//! `959`), write `minute_1` or `1_minute`, or have no column `Trigger`. A function may have several rows, which are added up.

use std::path::Path;

use super::ScalingUnit;
use crate::trace::error::TraceError;
use crate::trace::names::Names;
use crate::trace::number::{self, Bad};
use crate::trace::report::ImportReport;
use crate::trace::table::{OnBadLine, Problem, Table};

/// The non-zero counts of a day.
#[derive(Default)]
pub struct Day {
    /// The smallest number among the minute columns.
    pub first_minute: u64,
    /// For each minute, the numbers of the functions that were called in it and their counts.
    pub minutes: Vec<Vec<(u32, u32)>>,
}

impl Day {
    pub fn read(
        path: &Path,
        unit: ScalingUnit,
        rule: OnBadLine,
        names: &mut Names,
        report: &mut ImportReport,
    ) -> Result<Self, TraceError> {
        let mut table = Table::open(path)?;
        let columns = Columns::find(&table, unit)?;
        let mut day = Self {
            first_minute: columns.first,
            minutes: vec![Vec::new(); columns.span],
        };
        let (mut cells, mut key) = (Vec::new(), Vec::new());
        let before = report.kept;
        while table.advance()? {
            report.lines += 1;
            match columns.read(&table, &mut key, &mut cells) {
                Ok(()) => report.kept += 1,
                Err(problem) => {
                    table.bad_line(rule, report, problem)?;
                    continue;
                }
            }
            let function = names.number(&key);
            for &(minute, count) in &cells {
                day.minutes[minute as usize].push((function, count));
            }
        }
        if report.kept == before {
            return Err(TraceError::file(
                &table.path,
                "the file has no usable rows",
                "it needs at least one line below the header",
            ));
        }
        day.minutes.iter_mut().for_each(add_up);
        Ok(day)
    }
}

/// Sorts counts by function and adds up the rows of the same function.
fn add_up(cells: &mut Vec<(u32, u32)>) {
    cells.sort_unstable();
    cells.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
    cells.shrink_to_fit();
}

struct Columns {
    /// The columns that name the unit that scales.
    key: Vec<usize>,
    /// The columns with counts, each with its minute counted from the first one.
    minutes: Vec<(usize, u32)>,
    first: u64,
    span: usize,
}

impl Columns {
    fn find(table: &Table, unit: ScalingUnit) -> Result<Self, TraceError> {
        let path = &table.path;
        let position = |name: &str| table.names.iter().position(|n| n == name);
        let needed = |name: &str, hint: &str| {
            position(name).ok_or_else(|| TraceError::file(path, format!("the file has no column {name}"), hint))
        };
        let key = match unit {
            ScalingUnit::App => {
                vec![needed(
                    "HashApp",
                    "with scaling-unit = \"function\" a column HashFunction is enough",
                )?]
            }
            ScalingUnit::Function => {
                let function = needed("HashFunction", "with scaling-unit = \"app\" a column HashApp is enough")?;
                position("HashApp").into_iter().chain([function]).collect()
            }
        };
        let labels: Vec<(usize, u64)> = table
            .names
            .iter()
            .enumerate()
            .filter_map(|(i, name)| Some((i, minute(name)?)))
            .collect();
        let (Some(first), Some(last)) = (labels.iter().map(|l| l.1).min(), labels.iter().map(|l| l.1).max()) else {
            let hint = "counts are in columns named 1 to 1440 (or minute_1, 1_minute); the files with durations and \
                        memory of the same trace have no such columns";
            return Err(TraceError::file(path, "the file has no columns for minutes", hint));
        };
        if last - first >= 100_000 {
            let problem = format!("the minute columns go from {first} to {last}");
            return Err(TraceError::file(
                path,
                problem,
                "name them by the minute of the day, 1 to 1440",
            ));
        }
        let mut seen = vec![false; (last - first + 1) as usize];
        for &(_, label) in &labels {
            if std::mem::replace(&mut seen[(label - first) as usize], true) {
                let problem = format!("two columns are named minute {label}");
                return Err(TraceError::file(path, problem, "remove one of them"));
            }
        }
        let minutes = labels
            .into_iter()
            .map(|(i, label)| (i, (label - first) as u32))
            .collect();
        Ok(Self {
            key,
            minutes,
            first,
            span: seen.len(),
        })
    }

    /// Fills `key` with the name of the function or app of the current row and `cells` with its non-zero counts.
    fn read(&self, table: &Table, key: &mut Vec<u8>, cells: &mut Vec<(u32, u32)>) -> Result<(), Problem> {
        table.check()?;
        key.clear();
        for &column in &self.key {
            key.extend_from_slice(table.get(column));
            key.push(b' ');
        }
        if key.iter().all(|&b| b == b' ') {
            return Err(Problem::new(
                "the row names no app or function",
                "fill in HashApp and HashFunction",
            ));
        }
        cells.clear();
        for &(column, minute) in &self.minutes {
            let text = table.get(column);
            // Nearly all cells are "0".
            if text == b"0" {
                continue;
            }
            match number::count(text) {
                Ok(0) | Err(Bad::Empty) => {}
                Ok(count) => cells.push((minute, count)),
                Err(bad) => {
                    let hint = "counts are whole numbers of invocations";
                    return Err(Problem::field(
                        &format!("minute {}", table.names[column]),
                        text,
                        bad,
                        hint,
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Returns the minute that the name of a column stands for; `None` if the column holds no counts.
fn minute(name: &str) -> Option<u64> {
    let digits = name
        .strip_prefix("minute_")
        .or_else(|| name.strip_suffix("_minute"))
        .unwrap_or(name);
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_recognised_in_all_their_spellings() {
        let rows = [
            ("1", Some(1)),
            ("959", Some(959)),
            ("minute_7", Some(7)),
            ("12_minute", Some(12)),
        ];
        for (name, expected) in rows {
            assert_eq!(minute(name), expected, "{name}");
        }
        for name in ["Trigger", "HashApp", "", "minute_", "1.5", "-1", "percentile_Average_1"] {
            assert_eq!(minute(name), None, "{name}");
        }
    }
}
