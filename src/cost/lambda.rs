//! The rules by which AWS Lambda bills an invocation on demand, as pure functions of integers. The first decimal appears when
//! the sum of a month becomes GB-seconds.
//!
//! Provisioned concurrency and snapshots are in the meter. Response streaming is not modelled.

use rust_decimal::Decimal;

use crate::model::price::{LambdaRules, Rounding};
use crate::units::MemoryMib;

/// Billed milliseconds of one invocation, from the nanoseconds of its initialisation (0 if warm) and of its handler.
///
/// Both are added and rounded once, as the vendor's REPORT lines show. Rounding each separately gives 1 ms too much for some
/// invocations. If `init_billed` is false, only the handler counts.
pub fn billed_ms(init_ns: u64, duration_ns: u64, rules: &LambdaRules, init_billed: bool) -> u64 {
    let init_ns = if init_billed { init_ns } else { 0 };
    let total_ns = init_ns.saturating_add(duration_ns);
    let step_ns = rules.rounding_step.0;
    let ms = |ns: u64| ns / 1_000_000;
    let billed = match rules.rounding {
        // The compiler replaces a division by a constant with a multiplication. This runs for every invocation.
        Rounding::Ceil if step_ns == 1_000_000 => total_ns.div_ceil(1_000_000),
        Rounding::Ceil => total_ns.div_ceil(step_ns) * ms(step_ns),
    };
    billed.max(ms(rules.minimum.0))
}

/// Converts a sum of billed milliseconds times MiB to GB-seconds. Exact up to 1e12 GB-seconds, a thousand times the last tier.
///
/// # Panics
/// Above 7.9e28 MiB-milliseconds, which is 7.7e22 GB-seconds and more than any account uses in a month.
pub fn gb_seconds(mib_ms: u128, rules: &LambdaRules) -> Decimal {
    let mib_seconds = i128::try_from(mib_ms)
        .ok()
        .and_then(|sum| Decimal::try_from_i128_with_scale(sum, 3).ok());
    let mib_seconds = mib_seconds.unwrap_or_else(|| panic!("{mib_ms} MiB-ms overflow a decimal"));
    (mib_seconds / Decimal::from(rules.mb_per_gb)).normalize()
}

/// MiB of ephemeral storage that are billed while a function runs: the configured size less the free part.
pub fn billed_storage(configured: MemoryMib, rules: &LambdaRules) -> MemoryMib {
    MemoryMib(configured.0.saturating_sub(rules.free_ephemeral_storage.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::price::PriceList;
    use crate::units::SimDuration;

    fn rules() -> LambdaRules {
        let list = PriceList::find("aws-us-east-1-2026-11-01").unwrap();
        list.lambda_rules().unwrap().clone()
    }

    #[test]
    fn time_is_added_and_then_rounded_up_once() {
        // (init ns, handler ns, is init billed, billed ms)
        for (init, handler, init_billed, expected) in [
            // REPORT lines of container images, "When is the Lambda Init Phase Free, and when is it Billed?",
            // https://bitesizedserverless.com/bite/when-is-the-lambda-init-phase-free-and-when-is-it-billed/
            (1_293_830_000, 1_049_630_000, true, 2344),
            // 1308 + 1059 would be 2367.
            (1_307_680_000, 1_058_150_000, true, 2366),
            // The same before init was billed.
            (1_293_830_000, 1_049_630_000, false, 1050),
            // Edges of one millisecond.
            (0, 1_000_000, true, 1),
            (0, 1_000_001, true, 2),
            (0, 999_999, true, 1),
            (500_000, 500_000, true, 1),
            (500_000, 500_001, true, 2),
            // The minimum.
            (0, 0, true, 1),
            (0, 1, true, 1),
            (5_000_000, 0, false, 1),
        ] {
            assert_eq!(
                billed_ms(init, handler, &rules(), init_billed),
                expected,
                "{init} + {handler}"
            );
        }
    }

    #[test]
    fn the_step_and_the_minimum_come_from_the_list() {
        let mut rules = rules();
        rules.rounding_step = SimDuration::from_millis(100);
        assert_eq!(billed_ms(0, 100_000_001, &rules, true), 200);
        rules.minimum = SimDuration::from_millis(1000);
        assert_eq!(billed_ms(0, 100_000_001, &rules, true), 1000);
        assert_eq!(billed_ms(0, 1_000_000_001, &rules, true), 1100);
    }

    #[test]
    fn a_gb_is_1024_mb() {
        for (mib_ms, expected) in [
            (0, "0"),
            (1024 * 1000, "1"),
            (1000 * 1000, "0.9765625"),
            (128, "0.000125"),
            (1769, "0.0017275390625"),
            // 3 million requests of 120 ms at 1536 MB.
            (3_000_000 * 120 * 1536, "540000"),
            // 15 billion GB-seconds and one MiB-ms, with all digits.
            (15_000_000_000 * 1_024_000 + 1, "15000000000.0000009765625"),
        ] {
            assert_eq!(gb_seconds(mib_ms, &rules()).to_string(), expected);
        }
    }

    #[test]
    fn storage_is_billed_above_the_free_part() {
        for (configured, billed) in [(512, 0), (513, 1), (1024, 512), (256, 0)] {
            assert_eq!(billed_storage(MemoryMib(configured), &rules()), MemoryMib(billed));
        }
    }

    #[test]
    fn init_of_zip_packages_is_billed_from_a_day_on() {
        let day = |text: &str| crate::model::price::date::parse_day(text).unwrap();
        assert!(!rules().bills_init(day("2025-07-31")));
        assert!(rules().bills_init(day("2025-08-01")));
    }

    #[test]
    fn memory_settings_have_bounds_and_a_step() {
        for (memory, offered) in [(127, false), (128, true), (1769, true), (10240, true), (10241, false)] {
            assert_eq!(rules().offers(MemoryMib(memory)), offered, "{memory}");
        }
    }
}
