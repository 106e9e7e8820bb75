//! A CSV file as a table: the header, fields by column, and the rule for lines that cannot be read. Rows go through one
//! buffer, so a file of any size takes little memory.

use std::io::{self, Cursor};
use std::path::Path;

use ::csv::{ByteRecord, ErrorKind, ReaderBuilder, Terminator};
use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::input::Input;
use super::number::Bad;
use super::report::ImportReport;

const BUFFER: usize = 256 * 1024;

/// The rule for lines that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnBadLine {
    /// The run stops with an error.
    #[default]
    Fail,
    /// The line is left out. Such lines are counted and reported.
    Skip,
}

/// The problem of a line, with its remedy.
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

    /// Describes a field that is not the expected number.
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

/// A file with a header and rows, one row at a time.
pub struct Table {
    /// The file as the user knows it.
    pub path: String,
    /// The names of the columns.
    pub names: Vec<String>,
    reader: ::csv::Reader<Input>,
    /// The current row, used again for the next.
    row: ByteRecord,
}

impl Table {
    /// Opens a file, plain or gzip, and reads its header.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        Self::new(path.display().to_string(), Input::open(path)?)
    }

    /// Reads a table from bytes in memory.
    pub fn from_bytes(path: &str, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Self, TraceError> {
        Self::new(path.to_string(), Input::new(path, Cursor::new(bytes))?)
    }

    fn new(path: String, input: Input) -> Result<Self, TraceError> {
        // Rows end at a line feed only, so that line numbers are exact. `get` removes a carriage return.
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(BUFFER)
            .from_reader(input);
        let mut table = Self {
            path,
            names: Vec::new(),
            reader,
            row: ByteRecord::new(),
        };
        table.read_header()?;
        Ok(table)
    }

    fn read_header(&mut self) -> Result<(), TraceError> {
        if !self.advance()? {
            let hint = "its first line must name the columns";
            return Err(TraceError::file(&self.path, "the file is empty", hint));
        }
        if self.quote_is_open() {
            return Err(self.at(open_quote()));
        }
        let names = (0..self.row.len()).map(|i| String::from_utf8_lossy(self.get(i)).trim().to_string());
        self.names = names.collect();
        if let [only] = self.names.as_slice()
            && let Some(separator) = only.chars().find(|c| [';', '\t', '|'].contains(c))
        {
            let problem = format!("the columns are separated by {separator:?}");
            return Err(TraceError::file(&self.path, problem, "separate them by commas"));
        }
        if self.names.iter().all(|n| n.parse::<f64>().is_ok()) {
            let problem = "the first line holds numbers instead of the names of the columns";
            let hint = "put a line such as `t_s,requests` before it";
            return Err(TraceError::file(&self.path, problem, hint));
        }
        Ok(())
    }

    /// Returns the position of the column `name`, which `setting` names.
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

    /// Goes to the next row and skips empty lines. Returns false if there is no next row.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, TraceError> {
        loop {
            self.reader.get_mut().row_bytes = 0;
            match self.reader.read_byte_record(&mut self.row) {
                Ok(true) if self.row.len() == 1 && &self.row[0] == b"\r" => {}
                Ok(any) => return Ok(any),
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }

    /// Returns the field of column `i` in the current row.
    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let field = &self.row[i];
        match field {
            [field @ .., b'\r'] if i + 1 == self.row.len() => field,
            _ => field,
        }
    }

    /// Checks that the current row has as many fields as the header.
    #[inline]
    pub fn check(&self) -> Result<(), Problem> {
        match self.row.len() == self.names.len() {
            true => Ok(()),
            false => Err(self.wrong_length()),
        }
    }

    #[cold]
    fn wrong_length(&self) -> Problem {
        let (found, expected) = (self.row.len(), self.names.len());
        if found < expected && self.quote_is_open() {
            return open_quote();
        }
        if found < expected && self.reader.get_ref().ended {
            let what = format!("the file ends in the middle of this line ({found} of {expected} fields)");
            let hint = "download the file again, or skip the line with on-bad-line = \"skip\"";
            return Problem::new(what, hint);
        }
        let hint = "put quotes around fields that contain a comma, or skip such lines with on-bad-line = \"skip\"";
        Problem::new(format!("{found} fields, but the header has {expected}"), hint)
    }

    /// Returns true if the last row of the file spans several lines, which means that a quote is not closed.
    fn quote_is_open(&self) -> bool {
        self.reader.get_ref().ended && self.breaks() > 0
    }

    /// Returns the number of line breaks within the fields of the current row.
    fn breaks(&self) -> u64 {
        self.row.as_slice().iter().filter(|&&b| b == b'\n').count() as u64
    }

    /// Returns the number of the line where the current row begins, from 1. The position that the reader gives for a row is
    /// before the empty lines above it.
    fn line(&self) -> u64 {
        // The end of the file is met within a row only if no line break follows.
        let terminated = !self.reader.get_ref().ended;
        self.reader.position().line() - u64::from(terminated) - self.breaks()
    }

    /// Adds the place to a problem of the current row.
    fn at(&self, problem: Problem) -> TraceError {
        TraceError::Line {
            path: self.path.clone(),
            line: self.line(),
            problem: problem.what,
            hint: problem.hint,
        }
    }

    /// Fails on the current row or counts it, according to the rule.
    #[cold]
    pub fn bad_line(&self, rule: OnBadLine, report: &mut ImportReport, problem: Problem) -> Result<(), TraceError> {
        match rule {
            OnBadLine::Fail => Err(self.at(problem)),
            OnBadLine::Skip => {
                report.skipped += 1;
                if report.examples.len() < 3 {
                    report.examples.push(format!("line {}: {}", self.line(), problem.what));
                }
                Ok(())
            }
        }
    }

    #[cold]
    fn unreadable(&self, error: ::csv::Error) -> TraceError {
        let reason = match error.into_kind() {
            ErrorKind::Io(reason) => reason,
            other => io::Error::other(format!("{other:?}")),
        };
        let line = self.row.position().map_or(1, |p| p.line());
        let whole = self.reader.position().line() - 1;
        self.reader.get_ref().failure(&self.path, reason, line, whole)
    }
}

fn open_quote() -> Problem {
    Problem::new(
        "a quote is not closed",
        "close it, or write a quote within quotes twice",
    )
}

fn shortened(names: &[String]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, ... {n} in all", names[..8].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The rows below the header `h`, each with its line and its fields.
    fn rows(bytes: Vec<u8>) -> Result<Vec<(u64, Vec<String>)>, TraceError> {
        let mut table = Table::from_bytes("x.csv", bytes)?;
        let mut rows = Vec::new();
        while table.advance()? {
            let fields = (0..table.row.len()).map(|i| String::from_utf8_lossy(table.get(i)).into_owned());
            rows.push((table.line(), fields.collect()));
        }
        Ok(rows)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn fields_are_split_and_unquoted() {
        let lines: [(&str, &[&str]); 7] = [
            ("a,b,c", &["a", "b", "c"]),
            (",", &["", ""]),
            ("one", &["one"]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"say \"\"hi\"\"\",,\"\"", &["say \"hi\"", "", ""]),
            ("\"a\nb\",c", &["a\nb", "c"]),
            ("5\" disk,c", &["5\" disk", "c"]),
        ];
        for (line, expected) in lines {
            for end in ["", "\n", "\r\n"] {
                let found = rows(format!("h\n{line}{end}").into_bytes()).unwrap();
                let expected = expected.iter().map(|field| field.to_string()).collect();
                assert_eq!(found, [(2, expected)], "{line}");
            }
        }
    }

    #[test]
    fn lines_are_counted_through_marks_empty_lines_breaks_in_quotes_and_gzip() {
        for text in [
            "h\n\nb\n\"c\nc\"\n\n\nd",
            "\u{feff}h\r\n\r\nb\r\n\"c\nc\"\r\n\r\n\r\nd\r\n\r\n",
        ] {
            for bytes in [text.into(), gzip(text)] {
                let mut table = Table::from_bytes("x.csv", bytes).unwrap();
                assert_eq!((table.names[0].as_str(), table.line()), ("h", 1));
                let mut lines = Vec::new();
                while table.advance().unwrap() {
                    lines.push((table.line(), table.get(0).to_vec()));
                }
                assert_eq!(
                    lines,
                    [(3, b"b".to_vec()), (4, b"c\nc".to_vec()), (8, b"d".to_vec())],
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn a_row_may_be_longer_than_the_buffer_but_not_without_end() {
        let long = "x".repeat(3 * BUFFER);
        let found = rows(format!("h\n{long}\ny\n").into_bytes()).unwrap();
        assert_eq!((found[0].1[0].len(), found[1].1[0].as_str()), (3 * BUFFER, "y"));
        let open = format!("h\na\n\"b\n{}", "1,2\n".repeat(5 << 20));
        let error = rows(open.into_bytes()).unwrap_err();
        assert!(error.to_string().ends_with("line 3 is longer than 16 MiB"), "{error}");
    }

    #[test]
    fn a_quote_that_is_not_closed_is_named_with_its_line() {
        let mut table = Table::from_bytes("x.csv", "h,i\na,b\n\"a,b\na,b\n").unwrap();
        assert!(table.advance().unwrap() && table.check().is_ok());
        assert!(table.advance().unwrap());
        let error = table.at(table.check().unwrap_err());
        assert_eq!(error.to_string(), "x.csv, line 3: a quote is not closed");
        let error = Table::from_bytes("x.csv", "\"h,i\na,b\n").err().unwrap();
        assert_eq!(error.to_string(), "x.csv, line 1: a quote is not closed");
    }

    #[test]
    fn a_cut_off_or_damaged_gzip_file_is_an_error() {
        let whole = gzip(&"a,1\nb,2\n".repeat(1000));
        let cut = rows(whole[..whole.len() / 2].to_vec()).unwrap_err();
        assert!(cut.to_string().contains("cut off"), "{cut}");
        assert!(cut.hints()[0].contains("gzip -t"));
        let mut damaged = whole;
        let middle = damaged.len() - 6;
        damaged[middle] ^= 0xff;
        let damaged = rows(damaged).unwrap_err();
        assert!(damaged.to_string().contains("damaged after line 2000"), "{damaged}");
    }

    #[test]
    fn a_missing_column_names_its_neighbours() {
        let table = Table::from_bytes("x.csv", "func,arrival_s,duration_s\n").unwrap();
        assert_eq!(table.column("arrival_s", "time-column").unwrap(), 1);
        let error = table.column("arrivals", "time-column").unwrap_err();
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
        let read = |text: &'static str| Table::from_bytes("x.csv", text).err().unwrap();
        assert!(read("").to_string().contains("empty"));
        assert!(read("t_s;requests\n").to_string().contains("separated by ';'"));
        assert!(read("0,12\n60,13\n").to_string().contains("instead of the names"));
    }
}
