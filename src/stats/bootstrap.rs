//! Bootstrap intervals by resampling blocks. The samples of one block share the drift of the machine, so a resample takes
//! them together.
//!
//! Sources: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13; Holm, A Simple
//! Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979).

use std::collections::BTreeMap;

use super::order;
use crate::rng::{Draws, Purpose};

/// The number of resamples.
const RESAMPLES: usize = 10_000;

/// A ratio of medians with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio of the medians.
    pub ratio: f64,
    /// The 95% interval of the ratio; `None` with fewer than six common blocks, or fewer than six values on one side.
    pub interval: Option<(f64, f64)>,
    /// The two-sided p-value: the probability of a ratio at least as far from 1 if there were no difference; at least
    /// 1/10,000.
    pub p: Option<f64>,
}

/// Returns the 95% interval of the median of values that belong to blocks, from the percentiles of 10,000 resamples; `None`
/// with fewer than six blocks.
pub fn median_interval(values: &[(u32, f64)], seed: u64) -> Option<(f64, f64)> {
    let mut blocks: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for &(block, value) in values {
        blocks.entry(block).or_default().push(value);
    }
    let blocks: Vec<Vec<f64>> = blocks.into_values().collect();
    let medians = order::sorted(resampled(blocks.len(), seed, |chosen| {
        let drawn = chosen.iter().flat_map(|&block| blocks[block].iter().copied());
        order::median(&order::sorted(drawn))
    })?);
    Some((order::quantile(&medians, 0.025)?, order::quantile(&medians, 0.975)?))
}

/// Returns the ratio of `a` to `b`: the median of the ratios within the blocks that have both. Several values of a block are
/// replaced by their median. `None` without a common block.
pub fn paired_ratio(a: &[(u32, f64)], b: &[(u32, f64)], seed: u64) -> Option<Ratio> {
    let by_block = |values: &[(u32, f64)]| {
        let mut blocks: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for &(block, value) in values {
            blocks.entry(block).or_default().push(value.ln());
        }
        blocks
    };
    let (a, b) = (by_block(a), by_block(b));
    let middle = |values: &[f64]| order::median(&order::sorted(values.iter().copied()));
    let differences: Vec<f64> = a
        .iter()
        .filter_map(|(block, a)| Some(middle(a)? - middle(b.get(block)?)?))
        .collect();
    let median = middle(&differences)?;
    let medians = resampled(differences.len(), seed, |chosen| {
        middle(&chosen.iter().map(|&k| differences[k]).collect::<Vec<_>>())
    });
    Some(Ratio::new(median, medians))
}

/// Returns the ratio of the median of `a` to the median of `b`, for values that were not measured side by side. Both sides
/// are resampled independently. `None` if one side has no values.
pub fn unpaired_ratio(a: &[f64], b: &[f64], seed: u64) -> Option<Ratio> {
    let (a, b) = (order::sorted(a.iter().copied()), order::sorted(b.iter().copied()));
    let difference = order::median(&a)?.ln() - order::median(&b)?.ln();
    let medians = |values: &[f64], seed: u64| {
        resampled(values.len(), seed, |chosen| {
            Some(order::median(&order::sorted(chosen.iter().map(|&k| values[k])))?.ln())
        })
    };
    let differences = medians(&a, seed)
        .zip(medians(&b, !seed))
        .map(|(a, b)| a.iter().zip(&b).map(|(a, b)| a - b).collect());
    Some(Ratio::new(difference, differences))
}

impl Ratio {
    /// Makes a ratio from its logarithm and the logarithms of its resamples.
    fn new(logarithm: f64, resamples: Option<Vec<f64>>) -> Self {
        let sorted = resamples.map(order::sorted);
        let share = |sorted: &[f64], below: bool| {
            let beyond = sorted
                .iter()
                .filter(|&&m| if below { m <= 0.0 } else { m >= 0.0 })
                .count();
            beyond as f64 / sorted.len() as f64
        };
        Self {
            ratio: logarithm.exp(),
            interval: sorted
                .as_ref()
                .and_then(|m| Some((order::quantile(m, 0.025)?.exp(), order::quantile(m, 0.975)?.exp()))),
            p: sorted.map(|m| (2.0 * share(&m, true).min(share(&m, false))).clamp(1.0 / RESAMPLES as f64, 1.0)),
        }
    }
}

/// Returns, for each p-value, true if its comparison is significant at a family-wise error rate of 5% by Holm's procedure.
pub fn holm(p: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut stands = vec![false; p.len()];
    for (rank, &i) in order.iter().enumerate() {
        if p[i] > 0.05 / (p.len() - rank) as f64 {
            break;
        }
        stands[i] = true;
    }
    stands
}

/// Returns the statistic of each resample of `n` items; `None` with fewer than six items.
pub(super) fn resampled(n: usize, seed: u64, mut statistic: impl FnMut(&[usize]) -> Option<f64>) -> Option<Vec<f64>> {
    if n < order::least_samples(0.5) {
        return None;
    }
    let draws = Draws::new(seed, 0);
    let mut chosen = vec![0; n];
    let values = (0..RESAMPLES).filter_map(|k| {
        let stream = draws.stream(Purpose::Order, k as u64);
        for (i, place) in chosen.iter_mut().enumerate() {
            *place = (stream.uniform(i as u64) * n as f64) as usize;
        }
        statistic(&chosen)
    });
    Some(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::normal;

    fn noisy(seed: u64, blocks: u32, level: f64, drift: f64, noise: f64) -> Vec<(u32, f64)> {
        let draws = Draws::new(seed, 0);
        let shared = Draws::new(99, 0).stream(Purpose::Order, 0);
        let own = draws.stream(Purpose::Service, 0);
        (0..blocks)
            .map(|block| {
                let z = |stream: crate::rng::Stream| normal::quantile(stream.uniform(u64::from(block)));
                (block, level * (drift * z(shared) + noise * z(own)).exp())
            })
            .collect()
    }

    #[test]
    fn intervals_cover_the_median_as_often_as_they_claim() {
        let covers = |seed| {
            let (low, high) = median_interval(&noisy(seed, 30, 100.0, 0.0, 0.3), 1).unwrap();
            low <= 100.0 && 100.0 <= high
        };
        let covered = (0..60).filter(|&seed| covers(seed)).count();
        assert!((51..=60).contains(&covered), "{covered} of 60");
        assert_eq!(median_interval(&noisy(1, 5, 100.0, 0.0, 0.3), 1), None);
    }

    /// The drift of the machine, ten times the noise, cancels in ratios within blocks.
    #[test]
    fn pairing_cancels_the_drift() {
        let (a, b) = (noisy(1, 40, 110.0, 0.5, 0.05), noisy(2, 40, 100.0, 0.5, 0.05));
        let ratio = paired_ratio(&a, &b, 7).unwrap();
        let (low, high) = ratio.interval.unwrap();
        assert!(low > 1.0 && low < 1.1 && high > 1.1 && high < 1.2, "{ratio:?}");
        assert!(ratio.p.unwrap() < 0.001);
        let same = paired_ratio(&a, &noisy(3, 40, 110.0, 0.5, 0.05), 7).unwrap();
        assert!(same.p.unwrap() > 0.01, "{same:?}");
        assert_eq!(paired_ratio(&a, &b, 7), paired_ratio(&a, &b, 7));
    }

    #[test]
    fn intervals_of_unpaired_ratios_cover_as_often_as_they_claim() {
        let values = |seed: u64, level: f64| -> Vec<f64> {
            noisy(seed, 40, level, 0.0, 0.2)
                .into_iter()
                .map(|(_, value)| value)
                .collect()
        };
        let covers = |seed: u64| {
            let ratio = unpaired_ratio(&values(seed, 120.0), &values(1000 + seed, 100.0), 1).unwrap();
            let (low, high) = ratio.interval.unwrap();
            low <= 1.2 && 1.2 <= high
        };
        let covered = (0..60).filter(|&seed| covers(seed)).count();
        assert!((51..=60).contains(&covered), "{covered} of 60");
        let same = unpaired_ratio(&values(1, 100.0), &values(1, 100.0), 1).unwrap();
        assert!(same.ratio == 1.0 && same.p.unwrap() > 0.5, "{same:?}");
        assert_eq!(unpaired_ratio(&[1.0], &[], 1), None);
        assert_eq!(unpaired_ratio(&[2.0], &[1.0], 1).unwrap().interval, None);
    }

    #[test]
    fn holm_stops_at_the_first_that_fails() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [true, false, false]);
        assert_eq!(holm(&[0.001, 0.02, 0.012]), [true, true, true]);
        assert_eq!(holm(&[]), Vec::<bool>::new());
    }
}
