//! Signs of a noisy machine. Nothing is deleted because of them.

use std::time::Instant;

use super::host;
use super::load::round3;
use crate::model::profile::BlockReading;
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

/// Reads the machine before a block. `ticks` are those of the block before (steal and total) and become this one's.
///
/// Load and pressures hold what the measurement itself did in the block before.
pub fn reading(block: u32, spin: Spin, ticks: &mut Option<(u64, u64)>, other_containers: Option<u64>) -> BlockReading {
    let now = host::steal_and_total();
    let steal_share = std::mem::replace(ticks, now).zip(now).and_then(steal_share);
    BlockReading {
        block,
        load: host::load(),
        cpu_pressure: host::pressure("cpu"),
        memory_pressure: host::pressure("memory"),
        io_pressure: host::pressure("io"),
        steal_share: steal_share.map(round3),
        available_memory_mib: host::available_memory_mib(),
        cpu_mhz: host::cpu_mhz().map(round3),
        thermal_throttles: host::thermal_throttles(),
        other_containers,
        spin_ms: round3(spin.time_ms()),
    }
}

/// Share of the CPU time between two readings of steal and total ticks that was stolen; `None` if no time passed.
pub fn steal_share(((steal0, total0), (steal1, total1)): ((u64, u64), (u64, u64))) -> Option<f64> {
    (total1 > total0).then(|| steal1.saturating_sub(steal0) as f64 / (total1 - total0) as f64)
}

/// The spin of a quiet machine: the 10th percentile of all; `None` without any.
pub fn quiet_spin(blocks: &[BlockReading]) -> Option<f64> {
    order::quantile(&order::sorted(blocks.iter().map(|block| block.spin_ms)), 0.10)
}

/// How many blocks began on a noisy machine.
pub fn noisy_blocks(blocks: &[BlockReading]) -> usize {
    let quiet = quiet_spin(blocks).unwrap_or(f64::INFINITY);
    blocks.iter().filter(|block| block.spin_ms / quiet > NOISY).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_against_the_quiet_blocks() {
        let block = |spin_ms| BlockReading {
            spin_ms,
            ..BlockReading::default()
        };
        let mut blocks = vec![block(20.0); 9];
        blocks.push(block(30.0));
        assert_eq!((quiet_spin(&blocks), noisy_blocks(&blocks)), (Some(20.0), 1));
        assert_eq!((quiet_spin(&[]), noisy_blocks(&[])), (None, 0));
    }

    #[test]
    fn a_reading_holds_what_the_machine_says() {
        let mut ticks = None;
        let first = reading(3, Spin { rounds: 1000 }, &mut ticks, Some(0));
        assert_eq!(
            (first.block, first.steal_share, first.other_containers),
            (3, None, Some(0))
        );
        assert!(first.available_memory_mib.is_some_and(|mib| mib > 0) && first.load.is_some());
        assert!(ticks.is_some());
        assert_eq!(steal_share(((10, 100), (15, 200))), Some(0.05));
        assert_eq!(steal_share(((10, 100), (10, 100))), None);
    }
}
