//! Dates of prices. Some sources give no day: `2026`, `2026-05` and `2026-05-10` are all valid dates, and a missing part is
//! not filled in.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The date on which a figure was read: a day, a month or a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsOf {
    earliest: Date,
    precision: Precision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Year,
    Month,
    Day,
}

impl AsOf {
    /// The first day of the date.
    pub fn earliest(self) -> Date {
        self.earliest
    }

    /// Days from the first day of the date until `today`. The figure is at most this old. Negative if the date is in the
    /// future.
    pub fn age_days(self, today: Date) -> i32 {
        // The days between any two civil dates fit into an i32.
        today.duration_since(self.earliest).as_hours().div_euclid(24) as i32
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.earliest;
        match self.precision {
            Precision::Year => write!(f, "{:04}", date.year()),
            Precision::Month => write!(f, "{:04}-{:02}", date.year(), date.month()),
            Precision::Day => write!(f, "{date}"),
        }
    }
}

/// Reads a day such as `2026-11-01`. Returns `None` for any other text.
pub fn parse_day(text: &str) -> Option<Date> {
    let digits_at = |range: std::ops::Range<usize>| {
        text.get(range)
            .is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let shaped = text.len() == 10 && digits_at(0..4) && digits_at(5..7) && digits_at(8..10);
    shaped.then(|| text.parse().ok()).flatten()
}

impl std::str::FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (day, precision) = match text.len() {
            4 => (format!("{text}-01-01"), Precision::Year),
            7 => (format!("{text}-01"), Precision::Month),
            _ => (text.to_string(), Precision::Day),
        };
        match parse_day(&day) {
            Some(earliest) => Ok(Self { earliest, precision }),
            None => Err(format!(
                "`{text}` is not a date: write a day such as 2026-05-10, a month such as 2026-05 or a year"
            )),
        }
    }
}

impl Serialize for AsOf {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AsOf {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_the_precision_they_were_written_with() {
        for text in ["2026", "2026-05", "2026-05-10"] {
            assert_eq!(text.parse::<AsOf>().map(|d| d.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "",
            "26",
            "2026-13",
            "2026-02-30",
            "2026-5-1",
            "10.05.2026",
            "2026-05-10T00:00",
            "+026-01-01",
        ] {
            assert!(text.parse::<AsOf>().is_err(), "{text}");
        }
    }

    #[test]
    fn age_counts_from_the_earliest_day_meant() {
        let today = parse_day("2026-11-23").unwrap();
        let age = |text: &str| text.parse::<AsOf>().unwrap().age_days(today);
        assert_eq!(age("2026-11-22"), 1);
        assert_eq!(age("2026-11"), 22);
        assert_eq!(age("2026"), 326);
        assert_eq!(age("2026-11-24"), -1);
    }
}
