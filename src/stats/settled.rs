//! The rule by which a series of repeated measurements has settled: it no longer falls.
//!
//! The series is judged by its last two windows of equal length. It has settled if
//!
//! 1. their medians lie within 5% of each other, and
//! 2. the values of both windows together do not fall: the 95% interval of their slope holds 0 or lies above it, or the fall
//!    over both windows is below 5% of their median.
//!
//! The first part finds a level that still moves, also if single values scatter so much that no slope is certain. The second
//! part finds a slow fall that stays below 5% from window to window. A rise is no reason to go on: a server that gets slower
//! has no better value to wait for.

use super::{order, regression};

/// The largest distance of the medians of the two windows, as a share of the earlier one, and the largest fall over both.
const SAME: f64 = 0.05;

/// Returns true if the last two windows of `window` values each show that the series has settled; false if there are fewer
/// values.
pub fn has_settled(values: &[f64], window: usize) -> bool {
    let Some(begin) = values.len().checked_sub(2 * window).filter(|_| window > 0) else {
        return false;
    };
    let both = &values[begin..];
    let median = |values: &[f64]| order::median(&order::sorted(values.iter().copied()));
    let (Some(before), Some(last), Some(all)) = (median(&both[..window]), median(&both[window..]), median(both)) else {
        return false;
    };
    (last - before).abs() <= SAME * before.abs() && !falls(both, all)
}

/// Returns true if the values fall for certain, and by more than 5% of their median in all.
fn falls(values: &[f64], median: f64) -> bool {
    let points: Vec<(f64, f64)> = (0u32..).map(f64::from).zip(values.iter().copied()).collect();
    regression::line(&points).is_some_and(|line| {
        let certain = line.slope_interval().is_some_and(|(_, high)| high < 0.0);
        certain && -line.slope * values.len() as f64 > SAME * median
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::normal;

    /// A level that falls to 1 with the time constant `tau`, with relative noise.
    fn decays(n: usize, excess: f64, tau: f64, noise: f64, seed: u64) -> Vec<f64> {
        let stream = Draws::new(seed, 0).stream(Purpose::Service, 0);
        let level = |k: usize| 1.0 + excess * (-(k as f64) / tau).exp();
        let noise = |k: usize| (noise * normal::quantile(stream.uniform(k as u64))).exp();
        (0..n).map(|k| level(k) * noise(k)).collect()
    }

    /// The first length at which the series has settled.
    fn settles_at(values: &[f64], window: usize) -> Option<usize> {
        (1..=values.len()).find(|&n| has_settled(&values[..n], window))
    }

    #[test]
    fn a_flat_series_settles_as_soon_as_two_windows_are_full() {
        assert_eq!(settles_at(&[2.0; 40], 8), Some(16));
        assert!(!has_settled(&[], 8) && !has_settled(&[1.0; 40], 0));
    }

    #[test]
    fn a_compiler_at_work_is_waited_for() {
        // Three times too dear at first, with a time constant of 15 values: what counts must be near the final level.
        for seed in 0..20 {
            let values = decays(400, 2.0, 15.0, 0.05, seed);
            let at = settles_at(&values, 12).unwrap();
            let counted = order::median(&order::sorted(values[at - 24..at].iter().copied())).unwrap();
            assert!((0.9..1.13).contains(&counted), "seed {seed}: {counted} after {at}");
        }
    }

    #[test]
    fn a_slow_fall_without_noise_is_no_settled_level() {
        // 0.4% from value to value: 3% from window to window, and 6% over both.
        let falls: Vec<f64> = (0..60).map(|k| 0.996f64.powi(k)).collect();
        assert_eq!(settles_at(&falls, 8), None);
        let rises: Vec<f64> = falls.iter().rev().copied().collect();
        assert_eq!(settles_at(&rises, 8), Some(16));
    }

    #[test]
    fn noise_of_a_busy_machine_delays_and_does_not_prevent() {
        let at: Vec<usize> = (0..50)
            .filter_map(|seed| settles_at(&decays(200, 0.0, 1.0, 0.2, seed), 8))
            .collect();
        assert_eq!(at.len(), 50);
        assert!(at.iter().sum::<usize>() < 50 * 60, "{at:?}");
    }
}
