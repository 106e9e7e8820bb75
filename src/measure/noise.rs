//! Signs of a noisy machine. Nothing is deleted because of them.

use std::time::Instant;

use super::host;
use super::load::round3;
use crate::model::profile::BlockReading;
use crate::stats::order;

/// Fixed work that is timed before each block: a spin that stays within a core, and a walk that does not.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    rounds: u64,
}

/// Milliseconds that the spin is made to take on a quiet machine.
const SPIN_MS: f64 = 20.0;
/// Above this ratio to the session's 10th percentile a block counts as noisy.
pub const NOISY: f64 = 1.10;
/// What the walk fills and walks through, in lines of 64 bytes: 32 MiB, more than the caches of a core hold.
const WALK_LINES: usize = 1 << 19;
/// Steps of the walk, each of which waits for the one before.
const WALK_STEPS: usize = 200_000;
/// The quickest of so many walks counts: a single one varies by a tenth on a quiet machine.
const WALKS: usize = 4;

impl Work {
    /// Finds out how much work takes 20 ms here.
    pub fn calibrated() -> Self {
        let probe = Self { rounds: 1_000_000 };
        let quickest = (0..5).map(|_| probe.spin_ms()).fold(f64::INFINITY, f64::min);
        Self {
            rounds: (probe.rounds as f64 * SPIN_MS / quickest.max(0.01)) as u64,
        }
    }

    /// Does the spin and returns the milliseconds it took.
    pub fn spin_ms(self) -> f64 {
        let began = Instant::now();
        let mut x = 1u64;
        for _ in 0..self.rounds {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        std::hint::black_box(x);
        began.elapsed().as_secs_f64() * 1e3
    }

    /// Milliseconds to get fresh pages from the kernel, write to all of them and follow a chain through them: what a
    /// starting program does and a spin does not. The memory behind the caches is shared with whatever else runs on the host.
    pub fn walk_ms(self) -> f64 {
        (0..WALKS).map(|_| walk_once_ms()).fold(f64::INFINITY, f64::min)
    }
}

fn walk_once_ms() -> f64 {
    const PER_LINE: usize = 64 / size_of::<u32>();
    let began = Instant::now();
    let mut next = vec![0u32; WALK_LINES * PER_LINE];
    // A linear congruential generator of full period visits each line once (Hull and Dobell: the modulus a power of
    // two, an odd addend, a multiplier of 1 modulo 4).
    let mut line = 0;
    for _ in 0..WALK_LINES {
        let after = (line * 1_664_525 + 1_013_904_223) % WALK_LINES;
        next[line * PER_LINE] = after as u32;
        line = after;
    }
    for _ in 0..WALK_STEPS {
        line = next[line * PER_LINE] as usize;
    }
    std::hint::black_box(line);
    began.elapsed().as_secs_f64() * 1e3
}

/// Reads the machine before a block. `ticks` are those of the block before (steal and total) and become this one's.
///
/// Load and pressures hold what the measurement itself did in the block before.
pub fn reading(block: u32, work: Work, ticks: &mut Option<(u64, u64)>, other_containers: Option<u64>) -> BlockReading {
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
        spin_ms: round3(work.spin_ms()),
        walk_ms: Some(round3(work.walk_ms())),
    }
}

/// Share of the CPU time between two readings of steal and total ticks that was stolen; `None` if no time passed.
pub fn steal_share(((steal0, total0), (steal1, total1)): ((u64, u64), (u64, u64))) -> Option<f64> {
    (total1 > total0).then(|| steal1.saturating_sub(steal0) as f64 / (total1 - total0) as f64)
}

/// How long the fixed work takes on the quiet machine: the 10th percentile of all readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quiet {
    spin_ms: f64,
    /// `None` in a session of a version that did not walk.
    walk_ms: Option<f64>,
}

impl Quiet {
    /// That of a session; `None` without any reading.
    pub fn of(blocks: &[BlockReading]) -> Option<Self> {
        let tenth = |values: Vec<f64>| order::quantile(&order::sorted(values), 0.10);
        Some(Self {
            spin_ms: tenth(blocks.iter().map(|block| block.spin_ms).collect())?,
            walk_ms: tenth(blocks.iter().filter_map(|block| block.walk_ms).collect()),
        })
    }

    /// How many times as long as on the quiet machine the work took: the worse of spin and walk.
    pub fn ratio(self, spin_ms: f64, walk_ms: Option<f64>) -> f64 {
        let walk = walk_ms.zip(self.walk_ms).map_or(0.0, |(walk, quiet)| walk / quiet);
        (spin_ms / self.spin_ms).max(walk)
    }
}

/// How many blocks began on a noisy machine.
pub fn noisy_blocks(blocks: &[BlockReading]) -> usize {
    let noisy = |quiet: Quiet| {
        let ratios = blocks.iter().map(|block| quiet.ratio(block.spin_ms, block.walk_ms));
        ratios.filter(|ratio| *ratio > NOISY).count()
    };
    Quiet::of(blocks).map_or(0, noisy)
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
        assert_eq!(noisy_blocks(&blocks), 1);
        assert_eq!((Quiet::of(&[]), noisy_blocks(&[])), (None, 0));
        // A walk that takes longer is as much of a sign as a spin.
        for (k, block) in blocks.iter_mut().enumerate() {
            block.walk_ms = Some(if k == 4 { 70.0 } else { 50.0 });
        }
        assert_eq!(noisy_blocks(&blocks), 2);
        let quiet = Quiet::of(&blocks).unwrap();
        assert_eq!(quiet.ratio(20.0, Some(70.0)), 1.4);
        assert_eq!(quiet.ratio(30.0, Some(50.0)), 1.5);
        assert_eq!(quiet.ratio(30.0, None), 1.5);
    }

    #[test]
    fn a_reading_holds_what_the_machine_says() {
        let mut ticks = None;
        let first = reading(3, Work { rounds: 100_000 }, &mut ticks, Some(0));
        assert_eq!(
            (first.block, first.steal_share, first.other_containers),
            (3, None, Some(0))
        );
        assert!(first.available_memory_mib.is_some_and(|mib| mib > 0) && first.load.is_some());
        assert!(ticks.is_some());
        assert!(first.spin_ms > 0.0 && first.walk_ms.is_some_and(|ms| ms > 1.0));
        assert_eq!(steal_share(((10, 100), (15, 200))), Some(0.05));
        assert_eq!(steal_share(((10, 100), (10, 100))), None);
    }
}
