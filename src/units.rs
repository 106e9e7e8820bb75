//! Physical quantities as integers: instants and durations in nanoseconds, memory in MiB, CPU in thousandths of a vCPU. In
//! files they are strings with units (`"300ms"`, `"512Mi"`, `"250m"`, `"50/s"`).
//!
//! This module knows nothing of wall clocks or money.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// An instant of simulated time, in nanoseconds since the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimTime(pub u64);

/// A length of time in nanoseconds, up to 584 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimDuration(pub u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// An instant after all events.
    pub const NEVER: Self = Self(u64::MAX);

    /// Returns the seconds since the start of the run.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_SECOND as f64
    }

    /// Returns the time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// The duration 0.
    pub const ZERO: Self = Self(0);
    /// A duration that no run exceeds.
    pub const MAX: Self = Self(u64::MAX);

    /// Converts whole seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s * NS_PER_SECOND)
    }

    /// Converts whole milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// Converts seconds, rounded to the nearest nanosecond; negative and NaN become zero, too large becomes the maximum.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * NS_PER_SECOND as f64).round() as u64)
    }

    /// Converts milliseconds, rounded to the nearest nanosecond; negative and NaN become zero.
    pub fn from_millis_f64(ms: f64) -> Self {
        Self((ms * 1e6).round() as u64)
    }

    /// Returns the duration in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_SECOND as f64
    }

    /// Returns the duration in milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Returns the sum, or the maximum if the sum would overflow.
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, or zero if `other` is longer.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns the duration multiplied by a factor of at least 0, rounded to the nearest nanosecond.
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as u64)
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    fn add(self, d: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(d.0))
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    fn add(self, d: SimDuration) -> SimDuration {
        SimDuration(self.0 + d.0)
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, d: SimDuration) {
        self.0 += d.0;
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    fn sub(self, d: SimDuration) -> SimDuration {
        SimDuration(self.0 - d.0)
    }
}

/// An amount of memory in mebibytes (1024 x 1024 bytes). AWS writes "MB" for the same unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MemoryMib(pub u32);

/// An amount of data in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

/// An amount of CPU in thousandths of one vCPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MilliCpu(pub u32);

impl MilliCpu {
    /// Returns the amount in vCPU.
    pub fn as_vcpu(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// A rate of events per second, at least 0 and finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct PerSecond(pub f64);

/// The error of a quantity that cannot be parsed: the text and the correct form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {hint}")]
pub struct UnitError {
    text: String,
    what: &'static str,
    hint: String,
}

fn split_number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|&(i, c)| {
            !(c.is_ascii_digit()
                || c == '.'
                || (c == '-' || c == '+') && i == 0
                || (c == 'e' || c == 'E') && text[i + 1..].starts_with(|d: char| d.is_ascii_digit() || d == '-'))
                && !(c == '-' && text[..i].ends_with(['e', 'E']))
        })
        .map_or(text.len(), |(i, _)| i);
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then(|| (number, text[end..].trim()))
}

fn error(text: &str, what: &'static str, hint: impl Into<String>) -> UnitError {
    UnitError {
        text: text.to_string(),
        what,
        hint: hint.into(),
    }
}

impl std::str::FromStr for SimDuration {
    type Err = UnitError;

    /// Parses `"300ms"`, `"1.5s"`, `"10m"`, `"7d"`, also sums such as `"1h30m"`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        const WHAT: &str = "duration";
        const HINT: &str = "write a number with ns, us, ms, s, m, h, d or w, such as \"300ms\" or \"10m\"";
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(error(text, WHAT, HINT));
        }
        let mut total = 0.0;
        while !rest.is_empty() {
            let (number, tail) = split_number(rest).ok_or_else(|| error(text, WHAT, HINT))?;
            let unit_end = tail
                .find(|c: char| c.is_ascii_digit() || c == '.' || c == '-')
                .unwrap_or(tail.len());
            let ns = match tail[..unit_end].trim() {
                "ns" => 1.0,
                "us" | "µs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" | "min" => 60e9,
                "h" => 3_600e9,
                "d" => 86_400e9,
                "w" => 604_800e9,
                "" if number == 0.0 => 0.0,
                _ => return Err(error(text, WHAT, HINT)),
            };
            if number < 0.0 {
                return Err(error(text, WHAT, "it must not be negative"));
            }
            total += number * ns;
            rest = tail[unit_end..].trim_start();
        }
        if total >= u64::MAX as f64 {
            return Err(error(text, WHAT, "it is longer than 584 years"));
        }
        Ok(Self(total.round() as u64))
    }
}

impl std::str::FromStr for MemoryMib {
    type Err = UnitError;

    /// Parses `"512Mi"`, `"2Gi"`, `"4Ti"` and `"1769MB"`, in which AWS means binary megabytes.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        const WHAT: &str = "memory size";
        const HINT: &str = "write whole mebibytes or gibibytes, such as \"512Mi\" or \"2Gi\"";
        let (number, unit) = split_number(text).ok_or_else(|| error(text, WHAT, HINT))?;
        let mib = match unit {
            "Mi" | "MiB" | "MB" => number,
            "Gi" | "GiB" | "GB" => number * 1024.0,
            "Ti" | "TiB" | "TB" => number * 1_048_576.0,
            _ => return Err(error(text, WHAT, HINT)),
        };
        if mib <= 0.0 || mib.fract() != 0.0 || mib > f64::from(u32::MAX) {
            return Err(error(text, WHAT, HINT));
        }
        Ok(Self(mib as u32))
    }
}

impl std::str::FromStr for Bytes {
    type Err = UnitError;

    /// Parses `"900B"`, `"12KB"` (12,000 bytes) and `"12KiB"` (12,288), up to GB and GiB.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        const WHAT: &str = "data size";
        const HINT: &str = "write bytes such as \"900B\", \"12KB\" or \"1.5MiB\"";
        let (number, unit) = split_number(text).ok_or_else(|| error(text, WHAT, HINT))?;
        let bytes = match unit {
            "B" => number,
            "kB" | "KB" => number * 1e3,
            "MB" => number * 1e6,
            "GB" => number * 1e9,
            "Ki" | "KiB" => number * 1_024.0,
            "Mi" | "MiB" => number * 1_048_576.0,
            "Gi" | "GiB" => number * 1_073_741_824.0,
            "" if number == 0.0 => 0.0,
            _ => return Err(error(text, WHAT, HINT)),
        };
        if !(0.0..9e15).contains(&bytes) {
            return Err(error(text, WHAT, HINT));
        }
        Ok(Self(bytes.round() as u64))
    }
}

impl std::str::FromStr for MilliCpu {
    type Err = UnitError;

    /// Parses `"250m"` (thousandths of a vCPU) and `"2"` or `"0.5"` (vCPUs).
    fn from_str(text: &str) -> Result<Self, UnitError> {
        const WHAT: &str = "CPU amount";
        const HINT: &str = "write thousandths as \"250m\" or vCPUs as \"0.5\" or \"4\"";
        let (number, unit) = split_number(text).ok_or_else(|| error(text, WHAT, HINT))?;
        let milli = match unit {
            "m" => number,
            "" => number * 1000.0,
            _ => return Err(error(text, WHAT, HINT)),
        };
        if milli < 1.0 || (milli - milli.round()).abs() > 1e-9 || milli > f64::from(u32::MAX) {
            return Err(error(text, WHAT, HINT));
        }
        Ok(Self(milli.round() as u32))
    }
}

impl std::str::FromStr for PerSecond {
    type Err = UnitError;

    /// Parses `"50/s"`, `"120/m"`, `"1000/h"`, `"5000/d"`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        const WHAT: &str = "rate";
        const HINT: &str = "write a number per s, m, h or d, such as \"50/s\"";
        let (number, unit) = split_number(text).ok_or_else(|| error(text, WHAT, HINT))?;
        let seconds = match unit {
            "/s" => 1.0,
            "/m" | "/min" => 60.0,
            "/h" => 3_600.0,
            "/d" => 86_400.0,
            _ => return Err(error(text, WHAT, HINT)),
        };
        if number < 0.0 {
            return Err(error(text, WHAT, "a rate must not be negative"));
        }
        Ok(Self(number / seconds))
    }
}

impl fmt::Display for SimDuration {
    /// Writes the shortest exact form with one unit: `600s` becomes `10m`, and 1.5 s becomes `1500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 7] = [
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (ns, unit) = UNITS
            .into_iter()
            .find(|&(ns, _)| self.0.is_multiple_of(ns))
            .unwrap_or((1, "ns"));
        write!(f, "{}{unit}", self.0 / ns)
    }
}

impl fmt::Display for MemoryMib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Mi", self.0)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

impl fmt::Display for MilliCpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m", self.0)
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

macro_rules! serde_by_string {
    ($($t:ty: $example:literal $(, number: $number:literal)?);* $(;)?) => {$(
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $t;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a string with a unit, such as \"", $example, "\""))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$t, E> {
                        text.parse().map_err(E::custom)
                    }
                    $(
                        #[doc = $number]
                        fn visit_i64<E: de::Error>(self, number: i64) -> Result<$t, E> {
                            self.visit_str(&number.to_string())
                        }
                        #[doc = $number]
                        fn visit_u64<E: de::Error>(self, number: u64) -> Result<$t, E> {
                            self.visit_str(&number.to_string())
                        }
                        #[doc = $number]
                        fn visit_f64<E: de::Error>(self, number: f64) -> Result<$t, E> {
                            self.visit_str(&number.to_string())
                        }
                    )?
                }
                d.deserialize_any(Text)
            }
        }
    )*};
}
serde_by_string! {
    SimDuration: "10m";
    MemoryMib: "512Mi";
    Bytes: "12KB";
    MilliCpu: "250m", number: "vCPUs, as Kubernetes has them.";
    PerSecond: "50/s";
}

/// Tells the generated reference how a type that is read from a string is written: a link to its description.
#[cfg(test)]
macro_rules! written_as {
    ($($t:ty: $kind:literal),+ $(,)?) => {$(
        impl schemars::JsonSchema for $t {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($t).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "x-kind": $kind })
            }
        }
    )+};
}
#[cfg(test)]
pub(crate) use written_as;

#[cfg(test)]
written_as! {
    SimDuration: "[duration](scenario.md#values)",
    MemoryMib: "[memory](scenario.md#values)",
    Bytes: "[data size](scenario.md#values)",
    MilliCpu: "[CPU](scenario.md#values)",
    PerSecond: "[rate](scenario.md#values)",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_and_print() {
        let duration = |text: &str| {
            text.parse::<SimDuration>()
                .map(|d| d.to_string())
                .map_err(|e| e.to_string())
        };
        assert_eq!(duration("300ms").as_deref(), Ok("300ms"));
        assert_eq!(duration("600s").as_deref(), Ok("10m"));
        assert_eq!(duration("1h30m").as_deref(), Ok("90m"));
        assert_eq!(duration("1.991s").as_deref(), Ok("1991ms"));
        assert_eq!(duration("1e3s").as_deref(), Ok("1000s"));
        assert_eq!(duration("0s").as_deref(), Ok("0s"));
        assert!(duration("-1s").unwrap_err().contains("negative"));
        assert!(duration("5").unwrap_err().contains("300ms"));
        assert!(duration("").is_err());
        assert_eq!("512Mi".parse(), Ok(MemoryMib(512)));
        assert_eq!("1.5Gi".parse(), Ok(MemoryMib(1536)));
        assert!("512".parse::<MemoryMib>().is_err());
        assert_eq!("12KB".parse(), Ok(Bytes(12_000)));
        assert_eq!("1.5KiB".parse(), Ok(Bytes(1_536)));
        assert_eq!("0".parse(), Ok(Bytes(0)));
        assert!("12".parse::<Bytes>().unwrap_err().to_string().contains("12KB"));
        assert!("-1B".parse::<Bytes>().is_err());
        assert_eq!("250m".parse(), Ok(MilliCpu(250)));
        assert_eq!("0.5".parse(), Ok(MilliCpu(500)));
        assert!("0".parse::<MilliCpu>().is_err());
        assert_eq!("120/m".parse(), Ok(PerSecond(2.0)));
        assert!(
            "-3/s"
                .parse::<PerSecond>()
                .unwrap_err()
                .to_string()
                .contains("negative")
        );
    }
}
