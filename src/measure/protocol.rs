//! The order of a measurement: randomised complete blocks. Each block starts every configuration once, in an order drawn from
//! the seed. So drift of the machine hits all configurations alike.

use crate::rng::{Draws, Purpose};

/// The replication number of the draws for the warm runs. Blocks use their own number as the entity of replication 0.
const WARM: u64 = 1;

/// The order of `configurations` items in block `block`.
pub fn block_order(seed: u64, block: u32, configurations: usize) -> Vec<usize> {
    shuffled(Draws::new(seed, 0), u64::from(block), configurations)
}

/// Returns true if a configuration with `samples` starts takes part in `block` of `blocks`. It takes part `samples` times in all,
/// evenly spread.
pub fn takes_part(samples: u32, block: u32, blocks: u32) -> bool {
    let share = |block: u32| u64::from(block) * u64::from(samples) / u64::from(blocks.max(1));
    share(block + 1) > share(block)
}

/// The order of the warm runs.
pub fn warm_order(seed: u64, configurations: usize) -> Vec<usize> {
    shuffled(Draws::new(seed, WARM), 0, configurations)
}

/// A random permutation (Fisher-Yates).
fn shuffled(draws: Draws, entity: u64, n: usize) -> Vec<usize> {
    let stream = draws.stream(Purpose::Order, entity);
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        let other = (stream.uniform(last as u64) * (last + 1) as f64) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_a_permutation_of_its_own() {
        let orders: Vec<Vec<usize>> = (0..20).map(|block| block_order(7, block, 16)).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..16).collect::<Vec<_>>());
        }
        assert_ne!(orders[0], orders[1]);
        assert_eq!(orders[3], block_order(7, 3, 16));
        assert_ne!(orders[3], block_order(8, 3, 16));
        assert_ne!(warm_order(7, 16), orders[0]);
        assert_eq!(block_order(7, 0, 1), [0]);
    }

    #[test]
    fn fewer_samples_are_spread_evenly() {
        for (samples, blocks) in [(30, 60), (60, 60), (5, 60), (1, 7), (0, 3)] {
            let taken: Vec<u32> = (0..blocks)
                .filter(|&block| takes_part(samples, block, blocks))
                .collect();
            assert_eq!(taken.len(), samples as usize);
            let gaps = taken.windows(2).map(|pair| pair[1] - pair[0]);
            assert!(gaps.max().unwrap_or(0) <= blocks.div_ceil(samples.max(1)));
        }
    }

    #[test]
    fn every_place_is_equally_likely() {
        // 4000 blocks of 4: each item should lead 1000 times, give or take four standard deviations (27 each).
        let mut leads = [0u32; 4];
        for block in 0..4000 {
            leads[block_order(1, block, 4)[0]] += 1;
        }
        assert!(leads.iter().all(|&n| n.abs_diff(1000) < 110), "{leads:?}");
    }
}
