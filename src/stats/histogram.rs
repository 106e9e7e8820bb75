//! A histogram of non-negative integers with a fixed relative error: 256 buckets per power of two, so that a quantile is
//! within 0.2% of the sample it stands for. Counts are integers, hence merging is exact and order does not matter.

/// Bits of resolution within one power of two.
const BITS: u32 = 8;
const SUB: usize = 1 << BITS;
const BUCKETS: usize = (64 - BITS as usize) * SUB + SUB;

/// Counts of recorded values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: u128,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket that holds `value`; values below 512 have one of their own.
#[inline]
pub fn bucket(value: u64) -> usize {
    let shift = 63 - BITS - (value | SUB as u64).leading_zeros();
    ((shift as usize) << BITS) + (value >> shift) as usize
}

/// The middle of bucket `index`.
pub fn middle(index: usize) -> u64 {
    if index < 2 * SUB {
        return index as u64;
    }
    let shift = (index >> BITS) - 1;
    let low = ((index - (shift << BITS)) as u64) << shift;
    low + ((1u64 << shift) >> 1)
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
            sum: 0,
            max: 0,
        }
    }

    /// Counts `value` once.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The exact mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64)
    }

    /// The exact largest value; `None` without values.
    pub fn max(&self) -> Option<u64> {
        (self.total > 0).then_some(self.max)
    }

    /// The value below or at which a share `q` of the counted values lies (nearest rank), to 0.2%; `None` without
    /// values.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = ((q * self.total as f64).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(middle(index).min(self.max));
            }
        }
        None
    }

    /// Bucket numbers and counts of the buckets that are not empty, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.counts.iter().copied().enumerate().filter(|&(_, n)| n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_are_ordered_and_tight(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!(bucket(a) < BUCKETS);
            if a <= b {
                prop_assert!(bucket(a) <= bucket(b));
            }
            let error = middle(bucket(a)).abs_diff(a) as f64;
            prop_assert!(error <= 0.002 * a as f64);
        }

        #[test]
        fn quantiles_are_within_half_a_percent(mut values in prop::collection::vec(1u64..1_000_000_000_000, 1..400)) {
            let mut histogram = Histogram::new();
            values.iter().for_each(|&v| histogram.record(v));
            values.sort_unstable();
            for q in [0.5, 0.9, 0.99, 0.999] {
                let exact = values[((q * values.len() as f64).ceil() as usize).max(1) - 1] as f64;
                let got = histogram.quantile(q).unwrap() as f64;
                prop_assert!((got - exact).abs() <= 0.002 * exact, "{q}: {got} {exact}");
            }
        }
    }

    #[test]
    fn an_empty_histogram_knows_nothing() {
        let empty = Histogram::new();
        assert_eq!((empty.mean(), empty.max(), empty.quantile(0.5)), (None, None, None));
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut a, mut b, mut both) = (Histogram::new(), Histogram::new(), Histogram::new());
        for v in [3, 5_000, 70_000_000] {
            a.record(v);
            both.record(v);
        }
        b.record(9);
        both.record(9);
        a.merge(&b);
        assert_eq!(a, both);
    }
}
