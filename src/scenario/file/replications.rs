//! `replications`: a number of them, or a precision to reach.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

/// The most replications of a run that has a precision to reach, unless the scenario says otherwise.
pub const MOST: u32 = 200;

/// The range of that number.
pub const LIMITS: RangeInclusive<u32> = 10..=1000;

/// The most replications that a scenario may ask for. Each is kept in memory until the end.
const MOST_COUNTED: u32 = 10_000;

/// `replications`
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[cfg_attr(test, serde(untagged))]
pub enum ReplicationsSpec {
    /// This number.
    Count(u32),
    /// The number that a precision needs.
    Until(PrecisionSpec),
}

/// `replications = { precision = "2%" }`: replicate until the 95% intervals are narrow. The replications are looked at when there
/// are 10, 20, 40 and so on, and at last when there are `most`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PrecisionSpec {
    /// The error relative to the true mean, such as `"2%"`: above 0% and at most 50% (`--precision`).
    pub precision: RelativeError,
    /// The metrics that must be known so precisely: columns of `summary.csv` (`--precision-of`);
    /// default: `["monthly_cost_usd", "latency_p99_ms"]`.
    #[serde(default)]
    pub of: Vec<String>,
    /// The most replications, from 10 to 1000 (`--most-replications`).
    #[serde(default = "most")]
    pub most: u32,
}

/// An error relative to the true value, above 0 and at most 0.5. In files and flags it is a percentage such as `2%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelativeError(pub f64);

fn most() -> u32 {
    MOST
}

impl ReplicationsSpec {
    /// The number that is out of range, if one is.
    pub fn problem(&self) -> Option<String> {
        let (key, number, range) = match self {
            Self::Count(count) => ("replications", *count, 1..=MOST_COUNTED),
            Self::Until(spec) => ("replications.most", spec.most, LIMITS),
        };
        (!range.contains(&number)).then(|| {
            format!(
                "`{key}` is {number}; it must be at least {} and at most {}",
                range.start(),
                range.end()
            )
        })
    }
}

impl FromStr for RelativeError {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let percent = percent.filter(|percent: &f64| *percent > 0.0 && *percent <= 50.0);
        let percent = percent.ok_or("write a percentage above 0% and at most 50%, such as 2%")?;
        Ok(Self(percent / 100.0))
    }
}

impl fmt::Display for RelativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 100 * 0.07 is 7.000000000000001.
        write!(f, "{}%", (self.0 * 1e10).round() / 1e8)
    }
}

impl<'de> Deserialize<'de> for RelativeError {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = RelativeError;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage in quotes, such as \"2%\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RelativeError, E> {
                text.parse().map_err(E::custom)
            }
        }
        d.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for ReplicationsSpec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> de::Visitor<'de> for Form {
            type Value = ReplicationsSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number such as 10, or a precision such as { precision = \"2%\" }")
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<ReplicationsSpec, E> {
                let count = u32::try_from(count).map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))?;
                Ok(ReplicationsSpec::Count(count))
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<ReplicationsSpec, E> {
                let count =
                    u32::try_from(count).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(count), &self))?;
                Ok(ReplicationsSpec::Count(count))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ReplicationsSpec, A::Error> {
                PrecisionSpec::deserialize(MapAccessDeserializer::new(map)).map(ReplicationsSpec::Until)
            }
        }
        d.deserialize_any(Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Text {
        replications: ReplicationsSpec,
    }

    fn read(value: &str) -> Result<ReplicationsSpec, String> {
        let text: Result<Text, _> = toml::from_str(&format!("# a comment\nreplications = {value}\n"));
        text.map(|text| text.replications).map_err(|error| error.to_string())
    }

    #[test]
    fn replications_are_a_number_or_a_precision() {
        assert_eq!(read("25"), Ok(ReplicationsSpec::Count(25)));
        let until = |precision: f64, of: &[&str], most: u32| {
            ReplicationsSpec::Until(PrecisionSpec {
                precision: RelativeError(precision),
                of: of.iter().map(ToString::to_string).collect(),
                most,
            })
        };
        assert_eq!(read("{ precision = '2%' }"), Ok(until(0.02, &[], 200)));
        assert_eq!(
            read("{ precision = '0.5 %', of = ['cold_starts'], most = 40 }"),
            Ok(until(0.005, &["cold_starts"], 40))
        );
    }

    #[test]
    fn what_is_neither_is_shown_with_its_line() {
        for (value, part) in [
            ("-1", "a whole number such as 10"),
            ("'2%'", "or a precision such as"),
            ("2.5", "or a precision such as"),
            ("{ most = 40 }", "missing field `precision`"),
            ("{ precision = '2%', moist = 40 }", "unknown field `moist`"),
            ("{ precision = 0.02 }", "a percentage in quotes"),
            ("{ precision = '2' }", "above 0% and at most 50%"),
            ("{ precision = '0%' }", "above 0% and at most 50%"),
            ("{ precision = '51%' }", "above 0% and at most 50%"),
            ("{ precision = 'nan%' }", "above 0% and at most 50%"),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.contains("line 2") && error.contains(part), "{value}: {error}");
        }
    }

    #[test]
    fn a_number_out_of_range_is_a_problem() {
        for (value, wrong) in [
            ("0", true),
            ("1", false),
            ("10000", false),
            ("10001", true),
            ("{ precision = '2%', most = 9 }", true),
            ("{ precision = '2%', most = 10 }", false),
            ("{ precision = '2%', most = 1000 }", false),
            ("{ precision = '2%', most = 1001 }", true),
        ] {
            assert_eq!(read(value).unwrap().problem().is_some(), wrong, "{value}");
        }
    }

    #[test]
    fn a_relative_error_is_printed_as_it_was_read() {
        for text in ["2%", "7%", "0.1%", "12.5%", "50%"] {
            assert_eq!(text.parse::<RelativeError>().unwrap().to_string(), text);
        }
    }
}

#[cfg(test)]
crate::units::written_as!(RelativeError: "percentage in quotes, such as `\"2%\"`");
#[cfg(test)]
impl serde::Serialize for RelativeError {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
