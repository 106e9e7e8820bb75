//! Histograms of non-negative integers with a fixed relative error. 512 buckets per power of two keep a quantile within 0.1%
//! of the true value. Counts are integers, so merging is exact and its order does not matter.

/// The number of bits that divide one power of two into buckets.
const BITS: u32 = 9;
const SUB: usize = 1 << BITS;
const BUCKETS: usize = (64 - BITS as usize) * SUB + SUB;

/// Counts of recorded values by bucket, with their exact sum, smallest and largest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the index of the bucket that holds `value`, with `2^B` buckets per power of two. Each value below `2^(B+1)` has a
/// bucket of its own.
#[inline]
pub fn bucket<const B: u32>(value: u64) -> usize {
    let shift = 63 - B - (value | 1 << B).leading_zeros();
    ((shift as usize) << B) + (value >> shift) as usize
}

/// Returns the middle of bucket `index`, with `2^B` buckets per power of two.
pub fn middle<const B: u32>(index: usize) -> u64 {
    let sub = 1 << B;
    if index < 2 * sub {
        return index as u64;
    }
    let shift = (index >> B) - 1;
    let low = ((index - (shift << B)) as u64) << shift;
    low + ((1u64 << shift) >> 1)
}

/// Returns the width of the bucket that holds `value`, with `2^B` buckets per power of two. Values that lie less than this
/// apart may share a bucket.
pub fn width<const B: u32>(value: u64) -> u64 {
    match bucket::<B>(value) >> B {
        0 => 1,
        group => 1 << (group - 1),
    }
}

/// Returns the bucket that holds the value of nearest rank at quantile `q`, out of ascending buckets with their counts.
pub fn bucket_at(q: f64, total: u64, buckets: impl Iterator<Item = (usize, u64)>) -> Option<usize> {
    let rank = ((q * total as f64).ceil() as u64).clamp(1, total.max(1));
    let mut seen = 0;
    for (index, count) in buckets {
        seen += count;
        if seen >= rank {
            return Some(index);
        }
    }
    None
}

/// Counts by bucket without the empty buckets, for many histograms of few values. 64 buckets per power of two keep a
/// quantile within 0.8% of the true value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse {
    /// Buckets and counts in ascending order.
    buckets: Vec<(u16, u32)>,
}

impl Sparse {
    /// The number of bits that divide one power of two into buckets.
    pub const BITS: u32 = 6;
    /// The number of buckets.
    pub const BUCKETS: usize = (65 - Self::BITS as usize) << Self::BITS;

    /// Makes a histogram from ascending buckets with their counts.
    pub fn new(buckets: Vec<(u16, u32)>) -> Self {
        debug_assert!(buckets.is_sorted_by(|a, b| a.0 < b.0));
        Self { buckets }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.buckets.is_empty() {
            return;
        }
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
            return;
        }
        let mine = std::mem::take(&mut self.buckets);
        self.buckets.reserve(mine.len().max(other.buckets.len()));
        let mut mine = mine.into_iter().peekable();
        for &(bucket, count) in &other.buckets {
            while let Some(own) = mine.next_if(|own| own.0 < bucket) {
                self.buckets.push(own);
            }
            let own = mine.next_if(|own| own.0 == bucket).map_or(0, |own| own.1);
            self.buckets.push((bucket, own + count));
        }
        self.buckets.extend(mine);
    }

    /// Returns the value at quantile `q`, between 0 and 1, by nearest rank and within 0.8%; `None` without values.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let total = self.buckets.iter().map(|&(_, n)| u64::from(n)).sum();
        let counts = self
            .buckets
            .iter()
            .map(|&(bucket, n)| (usize::from(bucket), u64::from(n)));
        bucket_at(q, total, counts).map(middle::<{ Self::BITS }>)
    }
}

impl Histogram {
    /// Makes an empty histogram.
    pub fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    /// Counts `value` once.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.counts[bucket::<BITS>(value)] += 1;
        self.total += 1;
        self.sum += u128::from(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Returns the buckets between the smallest and the largest value. All others are empty.
    fn used(&self) -> std::ops::Range<usize> {
        match self.total {
            0 => 0..0,
            _ => bucket::<BITS>(self.min)..bucket::<BITS>(self.max) + 1,
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        let used = other.used();
        for (mine, theirs) in self.counts[used.clone()].iter_mut().zip(&other.counts[used]) {
            *mine += theirs;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Returns the number of values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the exact mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64)
    }

    /// Returns the exact largest value; `None` without values.
    pub fn max(&self) -> Option<u64> {
        (self.total > 0).then_some(self.max)
    }

    /// Returns the exact smallest value; `None` without values.
    pub fn min(&self) -> Option<u64> {
        (self.total > 0).then_some(self.min)
    }

    /// Returns the width of the bucket that holds `value`, in the unit of the values: 1 below 1024, at most 0.2% of `value`
    /// above. Quantiles do not show differences below this width.
    pub fn resolution_at(value: u64) -> u64 {
        width::<BITS>(value)
    }

    /// Returns the value at or below which a share `q` of the values lies, by nearest rank: the middle of its bucket, within
    /// 0.1% of the true value and never outside the smallest and the largest value. `None` without values.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let used = self.used();
        let counts = self.counts[used.clone()].iter().copied();
        let index = bucket_at(q, self.total, used.zip(counts))?;
        Some(middle::<BITS>(index).clamp(self.min, self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_are_ordered_and_tight(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!(bucket::<BITS>(a) < BUCKETS);
            prop_assert!(bucket::<6>(a) < Sparse::BUCKETS);
            if a <= b {
                prop_assert!(bucket::<BITS>(a) <= bucket::<BITS>(b));
            }
            let error = middle::<BITS>(bucket::<BITS>(a)).abs_diff(a) as f64;
            prop_assert!(error <= 0.001 * a as f64);
            let error = middle::<6>(bucket::<6>(a)).abs_diff(a) as f64;
            prop_assert!(error <= 0.008 * a as f64);
        }

        #[test]
        fn values_one_resolution_apart_have_neighbouring_buckets(a in any::<u64>()) {
            let width = Histogram::resolution_at(a);
            prop_assert!(width == 1 || width as f64 <= 0.002 * a as f64);
            if let Some(next) = a.checked_add(width) {
                prop_assert_eq!(bucket::<BITS>(next), bucket::<BITS>(a) + 1);
            }
        }

        #[test]
        fn quantiles_are_within_a_thousandth(mut values in prop::collection::vec(1u64..1_000_000_000_000, 1..400)) {
            let mut histogram = Histogram::new();
            values.iter().for_each(|&v| histogram.record(v));
            values.sort_unstable();
            for q in [0.5, 0.9, 0.99, 0.999] {
                let exact = values[((q * values.len() as f64).ceil() as usize).max(1) - 1] as f64;
                let got = histogram.quantile(q).unwrap() as f64;
                prop_assert!((got - exact).abs() <= 0.001 * exact, "{q}: {got} {exact}");
            }
        }
    }

    #[test]
    fn quantiles_of_a_constant_are_that_constant() {
        // 100 ms in nanoseconds lies above the middle of its bucket, 2^30 + 1 below the middle of its own.
        for value in [0, 7, 1023, 100_000_000, (1 << 30) + 1, u64::MAX] {
            let mut histogram = Histogram::new();
            (0..3).for_each(|_| histogram.record(value));
            for q in [0.0, 0.5, 0.999, 1.0] {
                assert_eq!(histogram.quantile(q), Some(value), "{value} at {q}");
            }
            assert_eq!((histogram.min(), histogram.max()), (Some(value), Some(value)));
        }
    }

    #[test]
    fn the_resolution_is_the_distance_between_two_buckets() {
        for (value, width) in [
            (0, 1),
            (1023, 1),
            (1024, 2),
            (2047, 2),
            (2048, 4),
            (100_000_000, 131_072),
            (u64::MAX, 1 << 54),
        ] {
            assert_eq!(Histogram::resolution_at(value), width, "{value}");
        }
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let empty = Histogram::new();
        assert_eq!((empty.mean(), empty.max(), empty.quantile(0.5)), (None, None, None));
    }

    #[test]
    fn sparse_counts_merge_by_bucket() {
        let mut a = Sparse::new(vec![(1, 2), (5, 1)]);
        a.merge(&Sparse::new(vec![(0, 1), (5, 3), (9, 1)]));
        assert_eq!(a, Sparse::new(vec![(0, 1), (1, 2), (5, 4), (9, 1)]));
        assert_eq!(a.quantile(0.5), Some(5));
        assert_eq!(Sparse::default().quantile(0.5), None);
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
