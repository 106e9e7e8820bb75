//! A CSV file as a table: the header, fields by column name, and what happens to a line that cannot be read. A quoted
//! field may hold commas and doubled quotes but no line break.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::lines::{Line, Lines};
use super::number::Bad;
use super::report::ImportReport;

/// What happens on a line that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadLine {
    /// The run stops there.
    #[default]
    Fail,
    /// The line is left out, counted and reported.
    Skip,
}

/// What is wrong with a line.
#[derive(Debug)]
pub struct Problem {
    pub what: String,
    pub hint: String,
}

impl Problem {
    #[cold]
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// A field that is not the number it should be.
    #[cold]
    pub fn field(column: &str, text: &[u8], bad: Bad, hint: &str) -> Self {
        let mut shown = String::from_utf8_lossy(text).into_owned();
        if let Some((cut, _)) = shown.char_indices().nth(40) {
            shown.truncate(cut);
            shown.push_str("...");
        }
        Self::new(format!("{column} `{shown}` {}", bad.text()), hint)
    }
}

/// The fields of one line. Kept and filled again for every line.
#[derive(Debug, Default)]
pub struct Fields {
    ends: Vec<usize>,
    /// The fields without their quotes, where the line has any.
    unquoted: Vec<u8>,
    quoted: bool,
}

impl Fields {
    /// Splits a line.
    #[inline]
    pub fn split(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.ends.clear();
        self.quoted = memchr::memchr(b'"', line).is_some();
        if self.quoted {
            return self.split_quoted(line);
        }
        self.ends.extend(memchr::memchr_iter(b',', line));
        self.ends.push(line.len());
        Ok(())
    }

    #[cold]
    fn split_quoted(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.unquoted.clear();
        let mut inside = false;
        let mut bytes = line.iter().copied().peekable();
        while let Some(b) = bytes.next() {
            match b {
                b'"' if inside && bytes.peek() == Some(&b'"') => {
                    bytes.next();
                    self.unquoted.push(b'"');
                }
                b'"' => inside = !inside,
                b',' if !inside => {
                    self.ends.push(self.unquoted.len());
                    self.unquoted.push(b',');
                }
                b => self.unquoted.push(b),
            }
        }
        self.ends.push(self.unquoted.len());
        match inside {
            true => Err(Problem::new("a quote is not closed", "close it on the same line")),
            false => Ok(()),
        }
    }

    /// How many fields there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field of column `i` of the line that was split.
    #[inline]
    pub fn get<'a>(&'a self, line: &'a [u8], i: usize) -> &'a [u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] + 1 };
        let range: Range<usize> = start..self.ends[i];
        if self.quoted {
            &self.unquoted[range]
        } else {
            &line[range]
        }
    }
}

/// The first line.
#[derive(Debug)]
pub struct Header {
    path: String,
    /// The names of the columns.
    pub names: Vec<String>,
}

impl Header {
    /// Reads the first line.
    pub fn read(lines: &mut Lines) -> Result<Self, TraceError> {
        let path = lines.path.clone();
        let Some(line) = lines.next_line()? else {
            return Err(TraceError::file(
                &path,
                "the file is empty",
                "its first line must name the columns",
            ));
        };
        let mut fields = Fields::default();
        fields.split(line.text).map_err(|p| at(&path, line.number, p))?;
        let names = (0..fields.len()).map(|i| String::from_utf8_lossy(fields.get(line.text, i)).trim().to_string());
        let header = Self {
            path,
            names: names.collect(),
        };
        if let [only] = header.names.as_slice()
            && let Some(separator) = only.chars().find(|c| [';', '\t', '|'].contains(c))
        {
            let problem = format!("the columns are separated by {separator:?}");
            return Err(TraceError::file(&header.path, problem, "separate them by commas"));
        }
        if header.names.iter().all(|n| n.parse::<f64>().is_ok()) {
            let problem = "the first line holds numbers instead of the names of the columns";
            return Err(TraceError::file(
                &header.path,
                problem,
                "put a line such as `t_s,requests` before it",
            ));
        }
        Ok(header)
    }

    /// Where the column `name` is, which `setting` asks for.
    pub fn column(&self, name: &str, setting: &'static str) -> Result<usize, TraceError> {
        self.names.iter().position(|n| n == name).ok_or_else(|| {
            let mut near: Vec<(f64, &String)> = self.names.iter().map(|n| (strsim::jaro_winkler(n, name), n)).collect();
            near.retain(|&(similarity, _)| similarity > 0.7);
            near.sort_by(|a, b| b.0.total_cmp(&a.0));
            TraceError::Column {
                path: self.path.clone(),
                column: name.to_string(),
                setting,
                present: shortened(&self.names),
                nearest: near.into_iter().take(3).map(|(_, n)| n.clone()).collect(),
            }
        })
    }

    /// Checks that a line has as many fields as the header.
    #[inline]
    pub fn check(&self, line: Line<'_>, fields: &Fields) -> Result<(), Problem> {
        match fields.len() == self.names.len() {
            true => Ok(()),
            false => Err(self.wrong_length(line, fields.len())),
        }
    }

    #[cold]
    fn wrong_length(&self, line: Line<'_>, found: usize) -> Problem {
        let expected = self.names.len();
        if !line.terminated && found < expected {
            let what = format!("the file ends in the middle of this line ({found} of {expected} fields)");
            return Problem::new(
                what,
                "fetch the file again, or drop the line with on-bad-line = \"skip\"",
            );
        }
        let hint = "put quotes around a field with a comma in it, or drop such lines with on-bad-line = \"skip\"";
        Problem::new(format!("{found} fields, but the header has {expected}"), hint)
    }
}

fn shortened(names: &[String]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, ... {n} in all", names[..8].join(", ")),
    }
}

/// Puts a place to a problem.
pub fn at(path: &str, line: u64, problem: Problem) -> TraceError {
    TraceError::Line {
        path: path.to_string(),
        line,
        problem: problem.what,
        hint: problem.hint,
    }
}

/// Fails on a bad line or counts it, as the rule says.
#[cold]
pub fn bad_line(
    rule: OnBadLine,
    report: &mut ImportReport,
    path: &str,
    line: u64,
    problem: Problem,
) -> Result<(), TraceError> {
    match rule {
        OnBadLine::Fail => Err(at(path, line, problem)),
        OnBadLine::Skip => {
            report.skipped += 1;
            if report.examples.len() < 3 {
                report.examples.push(format!("line {line}: {}", problem.what));
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, String> {
        let mut fields = Fields::default();
        fields.split(line.as_bytes()).map_err(|p| p.what)?;
        Ok((0..fields.len())
            .map(|i| String::from_utf8_lossy(fields.get(line.as_bytes(), i)).into_owned())
            .collect())
    }

    #[test]
    fn fields_are_split_and_unquoted() {
        let rows: [(&str, &[&str]); 5] = [
            ("a,b,c", &["a", "b", "c"]),
            (",", &["", ""]),
            ("one", &["one"]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"say \"\"hi\"\"\",,\"\"", &["say \"hi\"", "", ""]),
        ];
        for (line, expected) in rows {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        assert!(split("\"a,b").unwrap_err().contains("not closed"));
    }

    #[test]
    fn a_missing_column_names_its_neighbours() {
        let mut lines = Lines::from_bytes("x.csv", "func,arrival_s,duration_s\n").unwrap();
        let header = Header::read(&mut lines).unwrap();
        assert_eq!(header.column("arrival_s", "time-column").unwrap(), 1);
        let error = header.column("arrivals", "time-column").unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.csv has no column `arrivals` (its columns: func, arrival_s, duration_s)"
        );
        assert!(
            error.hints()[0].contains("set time-column = \"arrival_s\""),
            "{:?}",
            error.hints()
        );
    }

    #[test]
    fn odd_first_lines_are_explained() {
        let read = |text: &'static str| Header::read(&mut Lines::from_bytes("x.csv", text).unwrap()).unwrap_err();
        assert!(read("").to_string().contains("empty"));
        assert!(read("t_s;requests\n").to_string().contains("separated by ';'"));
        assert!(read("0,12\n60,13\n").to_string().contains("instead of the names"));
    }
}
