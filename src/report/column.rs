//! The columns of a table: name, unit, one sentence, and the function that makes a cell out of a row. A file writes exactly its
//! columns, so that a cell cannot stand below another column's name; the reference of the files is made from the same list.

use std::fmt::Display;

use rust_decimal::Decimal;

use super::cells;

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cell {
    /// Text, even if it looks like a number.
    Text(String),
    /// A number in plain decimal notation.
    Number(String),
    /// True or false.
    Flag(bool),
    /// Not known: an empty cell, or `null`.
    Unknown,
}

impl Cell {
    /// Text; unknown if it is empty.
    pub fn text(text: impl Display) -> Self {
        match text.to_string() {
            empty if empty.is_empty() => Self::Unknown,
            text => Self::Text(text),
        }
    }

    /// A float with the digits it needs.
    pub fn number(number: f64) -> Self {
        match cells::number(number) {
            nothing if nothing.is_empty() => Self::Unknown,
            number => Self::Number(number),
        }
    }

    /// A whole number.
    pub fn count(count: impl Into<u64>) -> Self {
        Self::Number(count.into().to_string())
    }

    /// An exact decimal, with all its digits.
    pub fn decimal(decimal: Decimal) -> Self {
        Self::Number(decimal.normalize().to_string())
    }

    /// A value that may be unknown.
    pub fn maybe<T>(value: Option<T>, known: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Unknown, known)
    }

    /// The cell as CSV and tables write it.
    pub fn plain(self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Flag(flag) => flag.to_string(),
            Self::Unknown => String::new(),
        }
    }

    /// The cell in JSON: numbers as numbers, unknown as null.
    pub fn json(self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.into(),
            // A decimal with more digits than a float has stays text.
            Self::Number(number) => number.parse().map_or(number.into(), serde_json::Value::Number),
            Self::Flag(flag) => flag.into(),
            Self::Unknown => serde_json::Value::Null,
        }
    }
}

/// A column of a table whose rows are `R`.
#[derive(Debug)]
pub struct Column<R> {
    /// The name in the header.
    pub name: &'static str,
    /// The unit; empty for text and flags.
    pub unit: &'static str,
    /// One or two sentences.
    pub doc: &'static str,
    /// Makes the cell of a row.
    pub cell: fn(&R) -> Cell,
}

impl<R> Clone for Column<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Column<R> {}

/// A column.
pub const fn column<R>(name: &'static str, unit: &'static str, doc: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, unit, doc, cell }
}

/// The account of a column, for the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnDoc {
    /// The name in the header.
    pub name: &'static str,
    /// The unit; empty for text and flags.
    pub unit: &'static str,
    /// One or two sentences.
    pub doc: &'static str,
    /// True if the file also has `<name>_low` and `<name>_high`, the ends of the 95% interval.
    pub has_interval: bool,
}

/// The accounts of columns.
pub fn docs<R>(columns: &[Column<R>]) -> Vec<ColumnDoc> {
    let docs = columns.iter().map(|column| ColumnDoc {
        name: column.name,
        unit: column.unit,
        doc: column.doc,
        has_interval: false,
    });
    docs.collect()
}

/// The names of columns.
pub fn names<R>(columns: &[Column<R>]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name).collect()
}

/// The cells of a row.
pub fn row<R>(columns: &[Column<R>], of: &R) -> Vec<String> {
    columns.iter().map(|column| (column.cell)(of).plain()).collect()
}

/// A CSV file of columns and rows.
pub fn csv<R>(columns: &[Column<R>], rows: impl IntoIterator<Item = R>) -> Vec<u8> {
    let rows = rows.into_iter().map(|of| row(columns, &of));
    cells::csv(&names(columns), rows)
}

/// The same; `None` without rows.
pub fn csv_of_some<R>(columns: &[Column<R>], rows: impl IntoIterator<Item = R>) -> Option<Vec<u8>> {
    let mut rows = rows.into_iter().peekable();
    rows.peek()?;
    Some(csv(columns, rows))
}
