//! Quantiles of small samples with intervals that assume nothing about the distribution.

/// The smallest sample size from which a 95% order-statistic interval of the `q`-quantile exists:
/// `1 - q^n - (1-q)^n >= 0.95` (29 for p90, 59 for p95, 299 for p99).
pub fn least_samples(q: f64) -> usize {
    (1..)
        .find(|&n| 1.0 - q.powi(n) - (1.0 - q).powi(n) >= 0.95)
        .unwrap_or(i32::MAX) as usize
}

/// Returns the `q`-quantile of ascending values by nearest rank; `None` without values.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()).checked_sub(1)?).copied()
}

/// Returns the median of ascending values: the mean of the middle two if their number is even. `None` without values.
pub fn median(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    let upper = *sorted.get(n / 2)?;
    Some(if n % 2 == 1 {
        upper
    } else {
        (sorted[n / 2 - 1] + upper) / 2.0
    })
}

/// Returns the 95% interval of the `q`-quantile between two order statistics, from the binomial distribution; `None` if the
/// sample is too small.
///
/// Source: Conover, Practical Nonparametric Statistics, section 3.2.
pub fn interval(sorted: &[f64], q: f64) -> Option<(f64, f64)> {
    let n = sorted.len();
    if n < least_samples(q) {
        return None;
    }
    let mut low = 0;
    let mut high = n - 1;
    let mut cumulative = 0.0;
    let mut mass = (n as f64 * (1.0 - q).ln()).exp();
    let mut seen_high = false;
    for k in 0..n {
        cumulative += mass;
        if cumulative <= 0.025 {
            low = k;
        }
        if !seen_high && cumulative >= 0.975 {
            high = k;
            seen_high = true;
        }
        mass *= (n - k) as f64 / (k + 1) as f64 * q / (1.0 - q);
    }
    Some((sorted[low.min(n - 1)], sorted[high.min(n - 1)]))
}

/// Returns the values in ascending order.
pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_sizes_at_which_quantiles_get_an_interval() {
        assert_eq!(
            (least_samples(0.9), least_samples(0.95), least_samples(0.99)),
            (29, 59, 299)
        );
        assert_eq!(least_samples(0.5), 6);
    }

    #[test]
    fn the_interval_of_the_median_is_the_textbook_one() {
        // n = 10: the 2nd and the 9th value cover the median with 97.9%.
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(interval(&values, 0.5), Some((2.0, 9.0)));
        assert_eq!(median(&values), Some(5.5));
        assert_eq!(quantile(&values, 0.9), Some(9.0));
        assert_eq!(interval(&values[..5], 0.5), None);
        assert_eq!(median(&[]), None);
    }
}
