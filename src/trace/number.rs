//! Numbers in text: decimal seconds as exact nanoseconds, and whole counts. This code is written by hand because a trace of
//! 10^8 lines spends most of its time here, and because a floating-point number would lose the last digits of a time stamp.

const NS: u64 = 1_000_000_000;
/// The largest whole number of seconds that fits with any fraction.
const MAX_SECONDS: u64 = u64::MAX / NS - 1;

/// The smallest time, in nanoseconds, that counts from 1970 and not from the start of the run: three years.
pub const EPOCH_FROM: u64 = 100_000_000 * NS;

/// The reason why a field is not the expected number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// The field is empty.
    Empty,
    /// The field is not a number.
    NotANumber,
    /// The number is below 0.
    Negative,
    /// The number is too large.
    TooLarge,
    /// The number has a fraction, but must be whole.
    Fraction,
}

impl Bad {
    /// Returns the end of a sentence that begins with the field.
    pub fn text(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::NotANumber => "is not a number",
            Self::Negative => "is negative",
            Self::TooLarge => "is too large",
            Self::Fraction => "is not a whole number",
        }
    }
}

/// Parses decimal seconds as nanoseconds. Digits after the ninth decimal are rounded to nearest.
#[inline]
pub fn seconds_as_ns(text: &[u8]) -> Result<u64, Bad> {
    let mut whole = 0u64;
    let mut i = 0;
    while let Some(digit) = text.get(i).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
        // Eleven digits cannot overflow. Longer numbers take the slow path.
        if i == 11 {
            return slow_seconds(text);
        }
        whole = whole * 10 + u64::from(digit);
        i += 1;
    }
    if i == 0 || whole > MAX_SECONDS {
        return slow_seconds(text);
    }
    if i == text.len() {
        return Ok(whole * NS);
    }
    if text[i] != b'.' {
        return slow_seconds(text);
    }
    let decimals = &text[i + 1..];
    let mut fraction = 0u64;
    let mut scale = NS;
    let mut round = 0;
    for (place, &b) in decimals.iter().enumerate() {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return slow_seconds(text);
        }
        if place < 9 {
            fraction = fraction * 10 + u64::from(digit);
            scale /= 10;
        } else if place == 9 {
            round = u64::from(digit >= 5);
        }
    }
    Ok(whole * NS + fraction * scale + round)
}

/// Parses unusual times: with blanks, exponents or signs, and dates. Everything else is an error.
#[cold]
fn slow_seconds(text: &[u8]) -> Result<u64, Bad> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Bad::Empty);
    }
    let text = std::str::from_utf8(text).map_err(|_| Bad::NotANumber)?;
    let Ok(value) = text.parse::<f64>() else {
        return date_as_ns(text);
    };
    if value.is_nan() {
        Err(Bad::NotANumber)
    } else if value < 0.0 {
        Err(Bad::Negative)
    } else if value > MAX_SECONDS as f64 {
        Err(Bad::TooLarge)
    } else if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        // The number is plain but for blanks or leading zeros.
        let digits = text.bytes().position(|b| b != b'0').unwrap_or(text.len() - 1);
        let trimmed = &text.as_bytes()[digits..];
        if trimmed.first().is_some_and(u8::is_ascii_digit) {
            return seconds_as_ns(trimmed);
        }
        Ok((value * NS as f64).round() as u64)
    } else {
        Ok((value * NS as f64).round() as u64)
    }
}

/// Parses a date and time as nanoseconds since 1970. Without a time zone it is UTC.
fn date_as_ns(text: &str) -> Result<u64, Bad> {
    let utc = || {
        text.parse::<jiff::civil::DateTime>()
            .and_then(|t| t.to_zoned(jiff::tz::TimeZone::UTC))
    };
    let stamp = match text.parse::<jiff::Timestamp>() {
        Ok(stamp) => stamp,
        Err(_) => utc().map_err(|_| Bad::NotANumber)?.timestamp(),
    };
    match stamp.as_nanosecond() {
        ns if ns < 0 => Err(Bad::Negative),
        ns => u64::try_from(ns).map_err(|_| Bad::TooLarge),
    }
}

/// Writes nanoseconds as decimal seconds, exactly.
pub fn ns_as_seconds(ns: u64) -> String {
    let text = format!("{}.{:09}", ns / NS, ns % NS);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Parses a whole number, which may be written as `12.0`.
#[inline]
pub fn count(text: &[u8]) -> Result<u32, Bad> {
    let mut value = 0u32;
    if text.is_empty() || text.len() > 9 {
        return slow_count(text);
    }
    for &b in text {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return slow_count(text);
        }
        value = value * 10 + u32::from(digit);
    }
    Ok(value)
}

#[cold]
fn slow_count(text: &[u8]) -> Result<u32, Bad> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Bad::Empty);
    }
    let value: f64 = std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or(Bad::NotANumber)?;
    match value {
        v if v.is_nan() => Err(Bad::NotANumber),
        v if v < 0.0 => Err(Bad::Negative),
        v if v > f64::from(u32::MAX) => Err(Bad::TooLarge),
        v if v.fract() != 0.0 => Err(Bad::Fraction),
        v => Ok(v as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        let rows: [(&str, Result<u64, Bad>); 24] = [
            ("2019-07-15T00:00:00Z", Ok(1_563_148_800 * NS)),
            ("2019-07-15 02:00:00.1234567+02:00", Ok(1_563_148_800_123_456_700)),
            ("2019-07-15 00:00:00.5", Ok(1_563_148_800 * NS + NS / 2)),
            ("2019-13-15 00:00:00", Err(Bad::NotANumber)),
            ("0", Ok(0)),
            ("1", Ok(NS)),
            ("0.000000001", Ok(1)),
            ("12345.678901234", Ok(12_345_678_901_234)),
            // A double cannot hold this one.
            ("1563148800.123456789", Ok(1_563_148_800_123_456_789)),
            ("0.0000000005", Ok(1)),
            ("0.00000000049", Ok(0)),
            ("1.", Ok(NS)),
            (".5", Ok(NS / 2)),
            (" 2.5 ", Ok(5 * NS / 2)),
            ("1e-05", Ok(10_000)),
            ("+1.5e3", Ok(1_500 * NS)),
            ("000000000000001.5", Ok(3 * NS / 2)),
            ("-0.5", Err(Bad::Negative)),
            ("", Err(Bad::Empty)),
            ("NaN", Err(Bad::NotANumber)),
            ("inf", Err(Bad::TooLarge)),
            ("12:30", Err(Bad::NotANumber)),
            ("1.2.3", Err(Bad::NotANumber)),
            ("1563148800123", Err(Bad::TooLarge)),
        ];
        for (text, expected) in rows {
            assert_eq!(seconds_as_ns(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn seconds_print_as_they_were_read() {
        for text in ["0", "10", "0.5", "1563148800.123456789", "0.000000001"] {
            assert_eq!(ns_as_seconds(seconds_as_ns(text.as_bytes()).unwrap()), text);
        }
    }

    #[test]
    fn counts_are_whole() {
        let rows: [(&str, Result<u32, Bad>); 9] = [
            ("0", Ok(0)),
            ("4294967295", Ok(u32::MAX)),
            ("12.0", Ok(12)),
            (" 7", Ok(7)),
            ("1.5", Err(Bad::Fraction)),
            ("-1", Err(Bad::Negative)),
            ("", Err(Bad::Empty)),
            ("x", Err(Bad::NotANumber)),
            ("4294967296", Err(Bad::TooLarge)),
        ];
        for (text, expected) in rows {
            assert_eq!(count(text.as_bytes()), expected, "{text}");
        }
    }
}
