//! Recognition of trace files: chooses the kind of traffic from the header of a file, for people who look at the file for
//! the first time. Each kind says itself how much a file looks like one of its own.

use std::path::Path;

use super::embedded;
use super::error::TraceError;
use super::table::Table;

/// The usual names of a column with times, the most telling first.
const TIME: [&str; 9] = [
    "t_s",
    "arrival_s",
    "time_s",
    "time",
    "timestamp",
    "t",
    "arrival",
    "start",
    "period",
];

/// Columns that the user names because the header does not tell them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Arrival times, or starts of bins.
    pub time: Option<String>,
    /// Requests per bin.
    pub count: Option<String>,
    /// Names of functions.
    pub function: Option<String>,
    /// Service times.
    pub duration: Option<String>,
}

/// A file or folder whose kind is not known yet.
#[derive(Debug, Clone)]
pub struct UnknownFile {
    /// The path as the user gave it.
    pub path: String,
    /// True if the path names a built-in trace.
    pub is_embedded: bool,
    /// True if the path names a folder.
    pub is_folder: bool,
    /// The names of the columns; empty for a folder and for a built-in trace.
    pub header: Vec<String>,
    /// The columns that the user named.
    pub columns: Columns,
    /// The path for messages.
    shown: String,
}

/// The likeness of a file to those of a kind, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// The file is none of this kind.
    No,
    /// The file may be of this kind.
    Possible,
    /// The file has a column that is typical of the kind.
    Likely,
    /// The file can be of no other kind.
    Certain,
}

type Settings<T> = Box<dyn Fn(&UnknownFile) -> Result<T, TraceError>>;

/// The way in which a kind of traffic recognises its files.
pub struct Recogniser<T> {
    likeness: fn(&UnknownFile) -> Likeness,
    settings: Settings<T>,
}

impl<T: 'static> Recogniser<T> {
    /// Makes a recogniser. `likeness` compares a file with the kind, and `settings` makes settings that read the file.
    pub fn new(likeness: fn(&UnknownFile) -> Likeness, settings: fn(&UnknownFile) -> Result<T, TraceError>) -> Self {
        Self {
            likeness,
            settings: Box::new(settings),
        }
    }

    /// Returns a recogniser whose settings go through `wrap`.
    pub(super) fn map<U: 'static>(self, wrap: fn(T) -> U) -> Recogniser<U> {
        Recogniser {
            likeness: self.likeness,
            settings: Box::new(move |file| (self.settings)(file).map(wrap)),
        }
    }
}

impl UnknownFile {
    /// Reads the header of a file. A relative path starts at `base`.
    ///
    /// # Errors
    /// There is no such file or built-in trace, or its first line is no header.
    pub fn open(path: &str, base: &Path, columns: Columns) -> Result<Self, TraceError> {
        let full = base.join(path);
        let is_embedded = embedded::find(path)?.is_some();
        let is_folder = !is_embedded && full.is_dir();
        let header = match is_embedded || is_folder {
            true => Vec::new(),
            false => Table::open(&full)?.names,
        };
        Ok(Self {
            path: path.to_string(),
            is_embedded,
            is_folder,
            header,
            columns,
            shown: full.display().to_string(),
        })
    }

    /// Returns the column that the user named, or else the first of the `usual` names that the header has.
    pub fn column(&self, named: &Option<String>, usual: &[&str]) -> Option<String> {
        let usual = || {
            let mut names = usual.iter();
            names.find_map(|usual| {
                self.header
                    .iter()
                    .find(|name| name.eq_ignore_ascii_case(usual))
                    .cloned()
            })
        };
        named.clone().or_else(usual)
    }

    /// Returns the column with the times. `meaning`, such as "an arrival time", completes the error message.
    ///
    /// # Errors
    /// The user named no column and none has a usual name.
    pub fn time_column(&self, meaning: &str) -> Result<String, TraceError> {
        let column = self.column(&self.columns.time, &TIME);
        column.ok_or_else(|| self.missing(meaning, "--time-column"))
    }

    /// Returns the error that no column has a usual name. `flag` is the flag that names one.
    pub fn missing(&self, meaning: &str, flag: &str) -> TraceError {
        let problem = format!(
            "no column looks like {meaning} (its columns: {})",
            self.header.join(", ")
        );
        TraceError::file(&self.shown, problem, format!("name it with {flag}"))
    }
}

/// Returns the settings of the kind that the file looks like most, the first row among equals. `kind` overrides the guess
/// for files with a header.
pub(super) fn settings<T>(
    rows: &[(&'static str, Recogniser<T>)],
    file: &UnknownFile,
    kind: Option<&str>,
) -> Result<T, TraceError> {
    let kind = kind.filter(|_| !file.header.is_empty());
    let likeness = |(name, row): &&(&'static str, Recogniser<T>)| match kind {
        Some(kind) if kind == *name => Likeness::Certain,
        Some(_) => Likeness::No,
        None => (row.likeness)(file),
    };
    // `max_by_key` returns the last of equals.
    let best = rows
        .iter()
        .rev()
        .filter(|row| likeness(row) > Likeness::No)
        .max_by_key(likeness);
    match best {
        Some((_, row)) => (row.settings)(file),
        None => {
            let names: Vec<&str> = rows.iter().map(|row| row.0).collect();
            let hint = format!("the kinds of files are: {}", names.join(", "));
            Err(TraceError::file(&file.shown, "the file is of no known kind", hint))
        }
    }
}
