//! Signs of a noisy machine, and warnings about samples that look odd. Nothing is deleted because of them.

use std::time::Instant;

use crate::stats::order;

/// A fixed amount of CPU work, timed before each block.
#[derive(Debug, Clone, Copy)]
pub struct Spin {
    rounds: u64,
}

/// Milliseconds that the spin is made to take on a quiet machine.
const SPIN_MS: f64 = 20.0;
/// Above this ratio to the session's 10th percentile a block counts as noisy.
pub const NOISY: f64 = 1.10;

impl Spin {
    /// Finds out how much work takes 20 ms here.
    pub fn calibrated() -> Self {
        let probe = Self { rounds: 1_000_000 };
        let quickest = (0..5).map(|_| probe.time_ms()).fold(f64::INFINITY, f64::min);
        Self {
            rounds: (probe.rounds as f64 * SPIN_MS / quickest.max(0.01)) as u64,
        }
    }

    /// Does the work and returns the milliseconds it took.
    pub fn time_ms(self) -> f64 {
        let began = Instant::now();
        let mut x = 1u64;
        for _ in 0..self.rounds {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        std::hint::black_box(x);
        began.elapsed().as_secs_f64() * 1e3
    }
}

/// The spin of a quiet machine: the 10th percentile of all; `None` without any.
pub fn quiet_spin(spins: &[f64]) -> Option<f64> {
    order::quantile(&order::sorted(spins.iter().copied()), 0.10)
}

/// Positions of outliers: further from the median than ten scaled median absolute deviations.
///
/// Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), with the threshold that hyperfine uses.
pub fn outliers(values: &[f64]) -> Vec<usize> {
    let Some(median) = order::median(&order::sorted(values.iter().copied())) else {
        return Vec::new();
    };
    let deviations = order::sorted(values.iter().map(|value| (value - median).abs()));
    let scale = 1.4826 * order::median(&deviations).unwrap_or(0.0);
    let far = |value: f64| scale > 0.0 && (value - median).abs() > 10.0 * scale;
    (0..values.len()).filter(|&i| far(values[i])).collect()
}

/// Warnings about the cold starts of one configuration, in total milliseconds and in order.
pub fn warnings(name: &str, totals: &[f64]) -> Vec<String> {
    let mut warnings = Vec::new();
    let odd = outliers(totals);
    if odd.first() == Some(&0) {
        warnings.push(format!(
            "{name}: the first start was an outlier, probably a cold cache; it is kept"
        ));
    }
    let later = odd.iter().filter(|&&i| i > 0).count();
    if later > 0 {
        warnings.push(format!(
            "{name}: {later} of {} starts are outliers, probably other work on the machine; they are kept",
            totals.len()
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_are_named_and_a_slow_first_start_apart() {
        let mut totals: Vec<f64> = (0..20).map(|i| 100.0 + f64::from(i % 5)).collect();
        assert!(outliers(&totals).is_empty());
        totals[0] = 300.0;
        totals[7] = 20.0;
        assert_eq!(outliers(&totals), [0, 7]);
        let texts = warnings("gin at 1000m", &totals);
        assert!(texts[0].contains("first start") && texts[1].contains("1 of 20"));
    }

    #[test]
    fn ratios_are_against_the_quiet_blocks() {
        let spins = [20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 30.0];
        let quiet = quiet_spin(&spins).unwrap();
        assert_eq!(quiet, 20.0);
        assert_eq!(spins.iter().filter(|&&spin| spin / quiet > NOISY).count(), 1);
        assert_eq!(quiet_spin(&[]), None);
    }
}
