//! Change points: the places where a series changes its level, and whether it settles.
//!
//! Source: Killick, Fearnhead and Eckley, Optimal Detection of Changepoints With a Linear Computational Cost, JASA 107
//! (2012). The segmentation minimises the sum of costs plus a penalty for each change, and is exact. The
//! classification follows Barrett et al., Virtual Machine Warmup Blows Hot and Cold, OOPSLA 2017.

use std::ops::Range;

use super::order;

/// The smallest number of values in a segment. A few unusual values are no change of level.
const SHORTEST: usize = 20;
/// The smallest share of the series that the last segment must hold to be a steady state.
const STEADY_SHARE: f64 = 0.25;
/// The largest relative difference between the medians of the two halves of a steady state.
const STEADY_DRIFT: f64 = 0.05;
/// The largest relative difference between two levels that count as the same.
const SAME: f64 = 0.05;

/// The shape of a warm-up curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One level from the beginning on.
    Flat,
    /// The level at the end is lower than at the beginning.
    Warms,
    /// The level at the end is higher than at the beginning.
    Slows,
    /// The curve does not settle.
    NoSteadyState,
}

/// A series with its segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Settling {
    /// The shape of the series.
    pub shape: Shape,
    /// The segments in order, as ranges of positions.
    pub segments: Vec<Range<usize>>,
    /// The positions that stand for the end: the last segment, or the last quarter if there is no steady state.
    pub end: Range<usize>,
    /// True if the end is lower than the beginning, steady or not.
    pub falls: bool,
    /// The median of the last segment.
    pub steady: f64,
    /// The sum over the values before the last segment of their distance above the steady level; distances below it count as
    /// negative. This is the total cost of not being warm.
    pub excess: f64,
}

impl Settling {
    /// Returns the number of values before the last segment.
    pub fn until_steady(&self) -> usize {
        self.segments.last().map_or(0, |last| last.start)
    }
}

/// Finds the segments of a series of positive values, such as latencies; `None` if the series is too short for two segments.
pub fn settling(values: &[f64]) -> Option<Settling> {
    if values.len() < 2 * SHORTEST || values.iter().any(|value| value.is_nan() || *value <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let segments = segments(&logs);
    let median = |range: Range<usize>| order::median(&order::sorted(values[range].iter().copied()));
    let last = segments.last()?.clone();
    let middle = (last.start + last.end) / 2;
    let (begin, steady) = (median(segments.first()?.clone())?, median(last.clone())?);
    let (early, late) = (median(last.start..middle)?, median(middle..last.end)?);
    let drifts = (late / early - 1.0).abs() > STEADY_DRIFT;
    let share = (STEADY_SHARE * values.len() as f64).ceil() as usize;
    let is_steady = last.len() >= share && !drifts;
    let end = if is_steady {
        last.clone()
    } else {
        values.len() - share..values.len()
    };
    let falls = median(end.clone())? / begin < 1.0 - SAME;
    let shape = match steady / begin {
        _ if !is_steady => Shape::NoSteadyState,
        change if segments.len() == 1 || (change - 1.0).abs() <= SAME => Shape::Flat,
        _ if falls => Shape::Warms,
        _ => Shape::Slows,
    };
    Some(Settling {
        shape,
        excess: values[..last.start].iter().map(|value| value - steady).sum(),
        falls: falls && segments.len() > 1,
        end,
        segments,
        steady,
    })
}

/// Cuts a series into segments of constant mean, by PELT with the cost of a normal distribution of known variance.
///
/// The variance comes from differences of neighbours, which do not depend on the levels. Outliers are first cut to five
/// standard deviations around a running median, so that a single stall makes no segment.
fn segments(logs: &[f64]) -> Vec<Range<usize>> {
    let n = logs.len();
    let differences = order::sorted(logs.windows(2).map(|pair| (pair[1] - pair[0]).abs()));
    // For normal noise the median of absolute differences is 0.6745 times the square root of two sigma squared.
    let sigma = (order::median(&differences).unwrap_or(0.0) / (0.6745 * std::f64::consts::SQRT_2)).max(1e-9);
    let calm: Vec<f64> = (0..n)
        .map(|i| {
            let around = &logs[i.saturating_sub(SHORTEST / 2)..(i + SHORTEST / 2).min(n)];
            let median = order::median(&order::sorted(around.iter().copied())).unwrap_or(logs[i]);
            logs[i].clamp(median - 5.0 * sigma, median + 5.0 * sigma)
        })
        .collect();
    let mut sums = vec![(0.0, 0.0)];
    for value in &calm {
        let (sum, squares) = sums[sums.len() - 1];
        sums.push((sum + value, squares + value * value));
    }
    let cost = |from: usize, to: usize| {
        let (sum, squares) = (sums[to].0 - sums[from].0, sums[to].1 - sums[from].1);
        (squares - sum * sum / (to - from) as f64).max(0.0) / (sigma * sigma)
    };
    // Twice the Bayesian criterion: neighbours in time are not quite independent.
    let penalty = 4.0 * (n as f64).ln();
    let mut best = vec![f64::INFINITY; n + 1];
    let mut previous = vec![0; n + 1];
    best[0] = -penalty;
    let mut candidates = vec![0];
    for to in SHORTEST..=n {
        let total = |best: &[f64], from: usize| best[from] + cost(from, to) + penalty;
        let usable = candidates.iter().copied().filter(|from| to - from >= SHORTEST);
        if let Some(from) = usable.min_by(|a, b| total(&best, *a).total_cmp(&total(&best, *b))) {
            (best[to], previous[to]) = (total(&best, from), from);
        }
        // A beginning that is worse by more than a penalty can never be best again.
        let limit = best[to] + penalty;
        candidates.retain(|&from| to - from < SHORTEST || total(&best, from) <= limit);
        candidates.push(to + 1 - SHORTEST);
        candidates.dedup();
    }
    let mut ends = vec![n];
    while let Some(&to) = ends.last().filter(|&&to| to > 0) {
        ends.push(previous[to]);
    }
    ends.reverse();
    ends.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::normal;

    /// Levels with log-normal noise of 10%.
    fn series(levels: &[(usize, f64)]) -> Vec<f64> {
        let stream = Draws::new(5, 0).stream(Purpose::Service, 0);
        let levels = levels.iter().flat_map(|&(n, level)| std::iter::repeat_n(level, n));
        let noise = |k: usize| (0.1 * normal::quantile(stream.uniform(k as u64))).exp();
        levels.enumerate().map(|(k, level)| level * noise(k)).collect()
    }

    #[test]
    fn changes_are_found_where_they_are() {
        let warms = settling(&series(&[(100, 5.0), (300, 2.0), (1600, 1.0)])).unwrap();
        assert_eq!(warms.shape, Shape::Warms);
        let cuts: Vec<usize> = warms.segments.iter().map(|segment| segment.start).collect();
        assert_eq!(cuts.len(), 3, "{cuts:?}");
        assert!(cuts[1].abs_diff(100) <= 2 && cuts[2].abs_diff(400) <= 3, "{cuts:?}");
        assert!((warms.steady - 1.0).abs() < 0.02 && warms.until_steady() == cuts[2]);
        assert!(warms.falls && warms.end == (cuts[2]..2000));
        // 100 values 4 above and 300 values 1 above the steady level.
        assert!((warms.excess / 700.0 - 1.0).abs() < 0.05, "{}", warms.excess);
    }

    #[test]
    fn noise_alone_is_flat() {
        let flat = settling(&series(&[(2000, 3.0)])).unwrap();
        assert_eq!((flat.shape, flat.segments.len(), flat.excess), (Shape::Flat, 1, 0.0));
        // A stall of five values is no level.
        let mut stalled = series(&[(2000, 3.0)]);
        stalled[500..505].fill(60.0);
        assert_eq!(settling(&stalled).unwrap().shape, Shape::Flat);
    }

    #[test]
    fn rising_and_unsettled_series_are_classified() {
        assert_eq!(
            settling(&series(&[(500, 1.0), (1500, 2.0)])).unwrap().shape,
            Shape::Slows
        );
        let late = settling(&series(&[(1800, 2.0), (200, 1.0)])).unwrap();
        assert_eq!((late.shape, late.falls), (Shape::NoSteadyState, true));
        assert_eq!(late.end, 1500..2000);
        let rises = settling(&series(&[(1800, 1.0), (200, 2.0)])).unwrap();
        assert_eq!((rises.shape, rises.falls), (Shape::NoSteadyState, false));
        let drifting: Vec<f64> = (0..2000).map(|k| 1.0 + f64::from(k) / 500.0).collect();
        assert_eq!(settling(&drifting).unwrap().shape, Shape::NoSteadyState);
        assert_eq!(settling(&[1.0; 10]), None);
        assert_eq!(settling(&[0.0; 100]), None);
    }
}
