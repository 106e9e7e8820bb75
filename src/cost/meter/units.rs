//! From integers that meters add up to the units of price lists.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

const NS_PER_HOUR: u64 = 3_600_000_000_000;

/// Nanoseconds in a millisecond.
pub(super) const NS_PER_MS: u128 = 1_000_000;

/// Converts a sum of thousandths (of a vCPU, or of anything else) times milliseconds to units times seconds.
///
/// # Panics
/// If the sum is beyond a decimal, which is more than any account uses in a month. So do the functions below.
pub(super) fn thousandths(sum: u128) -> Decimal {
    let micro = i128::try_from(sum)
        .ok()
        .and_then(|sum| Decimal::try_from_i128_with_scale(sum, 6).ok());
    micro
        .unwrap_or_else(|| panic!("{sum} milli-units over milliseconds overflow a decimal"))
        .normalize()
}

/// Converts MiB-milliseconds to GiB-seconds. Google and Microsoft both bill multiples of 1,024 MiB, whether they call the
/// unit GB or GiB.
pub(super) fn gib_seconds(mib_ms: u128) -> Decimal {
    let mib_seconds = i128::try_from(mib_ms)
        .ok()
        .and_then(|sum| Decimal::try_from_i128_with_scale(sum, 3).ok());
    let mib_seconds = mib_seconds.unwrap_or_else(|| panic!("{mib_ms} MiB-ms overflow a decimal"));
    (mib_seconds / Decimal::from(1024)).normalize()
}

/// Converts nanoseconds of machines to hours.
pub(super) fn hours(ns: u128) -> Decimal {
    let whole = Decimal::from_u128(ns).unwrap_or_else(|| panic!("{ns} machine-nanoseconds overflow a decimal"));
    whole / Decimal::from(NS_PER_HOUR)
}
