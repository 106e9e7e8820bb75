//! The length of a month. Quantities from a shorter or longer window are scaled to it before they are priced.
//!
//! Estimators use 730 hours (a twelfth of 8760), vendors' examples 720 or 744, and real bills the hours of the calendar. The
//! choice changes a bill by up to 10%, so it is a setting that every report shows.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::units::SimDuration;

/// The month that a bill covers: `730h`, any other number of hours up to 744, or `calendar:2026-02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Month {
    /// A number of hours.
    Hours(Decimal),
    /// A month of the calendar in UTC, without daylight saving time.
    Calendar {
        /// The year.
        year: i16,
        /// The month, from 1.
        month: i8,
    },
}

/// A month that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a month: {hint}")]
pub struct MonthError {
    text: String,
    hint: &'static str,
}

const HOURS_OF_LONGEST_MONTH: u32 = 744;
const NS_PER_HOUR: u64 = 3_600_000_000_000;

impl Default for Month {
    /// A twelfth of 365 days.
    fn default() -> Self {
        Self::Hours(Decimal::from(730))
    }
}

impl Month {
    /// Its length in hours.
    pub fn hours(self) -> Decimal {
        match self {
            Self::Hours(hours) => hours,
            Self::Calendar { year, month } => {
                let days = Date::new(year, month, 1).map_or(0, |first| first.days_in_month());
                Decimal::from(days) * Decimal::from(24)
            }
        }
    }

    /// The factor that scales a quantity from `window` to the month; `None` for an empty window.
    pub fn factor(self, window: SimDuration) -> Option<Decimal> {
        (self.hours() * Decimal::from(NS_PER_HOUR)).checked_div(Decimal::from(window.0))
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let error = |hint| MonthError {
            text: text.to_string(),
            hint,
        };
        if let Some(date) = text.strip_prefix("calendar:") {
            let first = crate::model::price::date::parse_day(&format!("{date}-01"))
                .ok_or_else(|| error("write year and month, such as \"calendar:2026-02\""))?;
            return Ok(Self::Calendar {
                year: first.year(),
                month: first.month(),
            });
        }
        let hours = text
            .strip_suffix('h')
            .and_then(|number| Decimal::from_str_exact(number).ok())
            .ok_or_else(|| error("write hours such as \"730h\", or a month such as \"calendar:2026-02\""))?;
        if hours <= Decimal::ZERO {
            return Err(error("it must be longer than 0h"));
        }
        if hours > Decimal::from(HOURS_OF_LONGEST_MONTH) {
            return Err(error(
                "no month is longer than 744h, and free allowances and tiers apply to one month",
            ));
        }
        Ok(Self::Hours(hours.normalize()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(hours) => write!(f, "{hours}h"),
            Self::Calendar { year, month } => write!(f, "calendar:{year:04}-{month:02}"),
        }
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
crate::units::written_as!(Month: "`\"730h\"` or `\"calendar:2026-02\"`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_read_and_print() {
        for (text, hours) in [
            ("730h", "730"),
            ("720h", "720"),
            ("744h", "744"),
            ("730.5h", "730.5"),
            ("calendar:2026-01", "744"),
            ("calendar:2026-02", "672"),
            ("calendar:2024-02", "696"),
            ("calendar:2026-11", "720"),
        ] {
            let month: Month = text.parse().unwrap();
            assert_eq!(month.hours().to_string(), hours);
            assert_eq!(month.to_string(), text);
        }
        assert_eq!(Month::default().to_string(), "730h");
    }

    #[test]
    fn the_message_about_a_bad_month_has_a_correct_example() {
        for (text, hint) in [
            ("730", "730h"),
            ("", "730h"),
            ("a month", "730h"),
            ("0h", "longer than 0h"),
            ("-1h", "longer than 0h"),
            ("8760h", "744h"),
            ("calendar:2026-13", "calendar:2026-02"),
            ("calendar:2026", "calendar:2026-02"),
            ("calendar:2026-02-01", "calendar:2026-02"),
        ] {
            let error = text.parse::<Month>().unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn the_factor_is_the_month_over_the_window() {
        let factor = |month: &str, window| month.parse::<Month>().unwrap().factor(window);
        assert_eq!(factor("730h", SimDuration::from_secs(3600)), Some(Decimal::from(730)));
        assert_eq!(
            factor("calendar:2026-02", SimDuration::from_secs(86_400)),
            Some(Decimal::from(28))
        );
        assert_eq!(factor("720h", SimDuration::from_secs(720 * 3600)), Some(Decimal::ONE));
        assert_eq!(factor("730h", SimDuration::ZERO), None);
    }
}
