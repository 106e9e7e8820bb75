//! The extra cost of the first requests of an instance: until code is compiled, and caches and pools are filled.

use std::sync::Arc;

use crate::units::SimDuration;

/// Extra service time by position in the life of an instance: constant over each of a few stretches, none after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeWarmUpCurve {
    /// End of each stretch, exclusive, and the extra time within it; ends ascend.
    stretches: Arc<[(u32, SimDuration)]>,
    /// End of the last stretch.
    end: u32,
}

impl CodeWarmUpCurve {
    /// A curve of stretches `(end, extra)`: the n-th request after the first of an instance, counted from 0, costs the
    /// `extra` of the first stretch with `n < end`. `None` without stretches or if their ends do not ascend.
    pub fn new(stretches: impl IntoIterator<Item = (u32, SimDuration)>) -> Option<Self> {
        let stretches: Arc<[(u32, SimDuration)]> = stretches.into_iter().collect();
        let end = stretches.last()?.0;
        let ascend = stretches.windows(2).all(|pair| pair[0].0 < pair[1].0);
        ascend.then_some(Self { stretches, end })
    }

    /// The stretches: end of each, exclusive, and the extra time.
    pub fn stretches(&self) -> &[(u32, SimDuration)] {
        &self.stretches
    }

    /// Extra time over the whole curve.
    pub fn total(&self) -> SimDuration {
        let mut begin = 0;
        let each = self.stretches.iter().map(|&(end, extra)| {
            let requests = u64::from(end - begin);
            begin = end;
            SimDuration(extra.0.saturating_mul(requests))
        });
        each.fold(SimDuration::ZERO, SimDuration::saturating_add)
    }

    /// The same curve with times multiplied by `factor`, which is at least 0.
    pub fn scaled(&self, factor: f64) -> Self {
        let scaled = self.stretches.iter().map(|&(end, extra)| (end, extra.scale(factor)));
        Self {
            stretches: scaled.collect(),
            end: self.end,
        }
    }

    /// Extra time of the next request of an instance that has had `served` after its first, which is counted.
    #[inline]
    pub(crate) fn next(&self, served: &mut u32) -> SimDuration {
        let n = *served;
        if n >= self.end {
            return SimDuration::ZERO;
        }
        *served = n + 1;
        let stretch = self.stretches.iter().find(|(end, _)| n < *end);
        stretch.map_or(SimDuration::ZERO, |&(_, extra)| extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_costs_what_its_stretch_says_and_later_ones_nothing() {
        let ms = SimDuration::from_millis;
        let curve = CodeWarmUpCurve::new([(1, ms(90)), (3, ms(20)), (6, ms(5))]).unwrap();
        let mut served = 0;
        let extra: Vec<u64> = (0..8).map(|_| curve.next(&mut served).0 / 1_000_000).collect();
        assert_eq!(extra, [90, 20, 20, 5, 5, 5, 0, 0]);
        assert_eq!(curve.total(), ms(145));
        assert_eq!(curve.scaled(0.5).stretches()[2], (6, SimDuration(2_500_000)));
    }

    #[test]
    fn a_curve_has_stretches_in_order() {
        let second = SimDuration::from_secs(1);
        assert_eq!(CodeWarmUpCurve::new([]), None);
        assert_eq!(CodeWarmUpCurve::new([(3, second), (3, second)]), None);
    }
}
