//! Expands the counts of a bin of time to arrivals. One bin is expanded at a time, so memory does not grow with the length of a
//! trace. The arrivals of a function in a bin depend only on the seed, the service, the function and the bin.

use super::BATCH;
use super::open::arrival_stream;
use super::placement::Placement;
use crate::model::arrival::Arrival;
use crate::rng::{Draws, Purpose};
use crate::units::SimTime;

/// Expands one bin after the other.
pub struct Expander {
    placement: Placement,
    draws: Draws,
    entity: u64,
    /// The length of a bin in nanoseconds.
    bin: u64,
    until: u64,
    /// The number of bits for the function below the offset, so that one sort of integers orders by both.
    shift: u32,
    start: u64,
    ready: Vec<u64>,
    next: usize,
}

impl Expander {
    pub fn new(placement: Placement, draws: Draws, entity: u64, bin: u64, until: u64) -> Self {
        let shift = (bin - 1).leading_zeros().min(32);
        Self {
            placement,
            draws,
            entity,
            bin,
            until,
            shift,
            start: 0,
            ready: Vec::new(),
            next: 0,
        }
    }

    /// Expands the bin with number `index` that starts at `start`, in nanoseconds. `cells` are pairs of function and count,
    /// each function once. All arrivals of the previous bin must have been taken.
    pub fn expand(&mut self, start: u64, index: u64, cells: impl IntoIterator<Item = (u32, u32)>) {
        debug_assert!(self.next == self.ready.len());
        self.ready.clear();
        (self.next, self.start) = (0, start);
        for (function, count) in cells {
            debug_assert!(self.shift == 32 || function >> self.shift == 0);
            let mut rng = arrival_stream(self.draws, self.entity, function).rng(index);
            let phase = match self.placement {
                Placement::Equidistant => self.phase(function),
                _ => 0,
            };
            let (ready, shift) = (&mut self.ready, self.shift);
            self.placement.place(count, self.bin, phase, &mut rng, |offset| {
                ready.push(offset << shift | u64::from(function));
            });
        }
        self.ready.sort_unstable();
        if start.saturating_add(self.bin) > self.until {
            let room = self.until.saturating_sub(start);
            self.ready
                .truncate(self.ready.partition_point(|key| key >> self.shift < room));
        }
    }

    fn phase(&self, function: u32) -> u64 {
        let stream = self
            .draws
            .stream(Purpose::Count, self.entity << 32 | u64::from(function));
        ((u128::from(stream.bits(0)) * u128::from(self.bin)) >> 64) as u64
    }

    /// Moves up to [`BATCH`] of the expanded arrivals to `out`. Returns false if none are left.
    pub fn take(&mut self, out: &mut Vec<Arrival>) -> bool {
        let end = self.ready.len().min(self.next + BATCH);
        let (start, shift) = (self.start, self.shift);
        let mask = (1u64 << shift) - 1;
        out.extend(self.ready[self.next..end].iter().map(|key| Arrival {
            at: SimTime(start + (key >> shift)),
            duration: None,
            function: (key & mask) as u32,
        }));
        let some = end > self.next;
        self.next = end;
        some
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::placement::Clusters;
    use crate::units::SimDuration;

    const MINUTE: u64 = 60_000_000_000;

    fn expand(placement: Placement, seed: u64, cells: &[(u32, u32)]) -> Vec<Arrival> {
        let mut expander = Expander::new(placement, Draws::new(seed, 0), 0, MINUTE, u64::MAX);
        let mut out = Vec::new();
        for bin in 0..2 {
            expander.expand(bin * MINUTE, bin, cells.iter().copied());
            while expander.take(&mut out) {}
        }
        out
    }

    fn any_placement() -> impl Strategy<Value = Placement> {
        prop_oneof![
            Just(Placement::Uniform),
            Just(Placement::Start),
            Just(Placement::Equidistant),
            (1.0..20.0, 0u64..2_000_000_000).prop_map(|(mean_size, gap)| {
                Placement::Clustered(Clusters {
                    mean_size,
                    gap: SimDuration(gap),
                })
            }),
        ]
    }

    proptest! {
        #[test]
        fn counts_are_kept_and_arrivals_sorted(
            placement in any_placement(), seed: u64, counts in prop::collection::vec(0u32..300, 1..20),
        ) {
            let cells: Vec<(u32, u32)> = (0u32..).zip(counts).collect();
            let all = expand(placement, seed, &cells);
            prop_assert!(all.is_sorted_by_key(|a| (a.at, a.function)));
            for &(function, count) in &cells {
                for bin in 0..2 {
                    let within = |a: &&Arrival| a.function == function && a.at.0 / MINUTE == bin;
                    prop_assert_eq!(all.iter().filter(within).count(), count as usize);
                }
            }
            prop_assert_eq!(all, expand(placement, seed, &cells));
        }
    }

    #[test]
    fn functions_do_not_influence_each_other() {
        let alone: Vec<Arrival> = expand(Placement::Uniform, 1, &[(3, 50)]);
        let together = expand(Placement::Uniform, 1, &[(0, 20), (3, 50), (9, 7)]);
        assert_eq!(
            alone,
            together.into_iter().filter(|a| a.function == 3).collect::<Vec<_>>()
        );
    }

    #[test]
    fn equidistant_arrivals_keep_their_distance_and_phase() {
        let all = expand(Placement::Equidistant, 1, &[(0, 4), (1, 1)]);
        let of = |f: u32| {
            all.iter()
                .filter(|a| a.function == f)
                .map(|a| a.at.0)
                .collect::<Vec<_>>()
        };
        assert!(of(0).windows(2).all(|w| w[1] - w[0] == MINUTE / 4), "{:?}", of(0));
        assert_eq!(of(1)[1] - of(1)[0], MINUTE);
        assert_ne!(of(0)[0], of(1)[0]);
    }

    #[test]
    fn a_poisson_count_varies_around_the_count() {
        let counts: Vec<f64> = (0..400)
            .map(|s| expand(Placement::PoissonCount, s, &[(0, 50)]).len() as f64)
            .collect();
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / 399.0;
        assert!((mean - 100.0).abs() < 5.0 * (100.0f64 / 400.0).sqrt(), "{mean}");
        assert!(
            (variance / 100.0 - 1.0).abs() < 5.0 * (2.0f64 / 400.0).sqrt(),
            "{variance}"
        );
    }

    #[test]
    fn arrivals_at_the_horizon_are_cut() {
        let mut expander = Expander::new(Placement::Equidistant, Draws::new(1, 0), 0, MINUTE, 30_000_000_000);
        let mut out = Vec::new();
        expander.expand(0, 0, [(0, 60)]);
        while expander.take(&mut out) {}
        assert_eq!(out.len(), 30);
    }
}
