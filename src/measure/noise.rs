//! The noise of the machine: readings before each block, and the rule that tells a noisy block from a quiet one. No sample is
//! deleted because of noise.

use std::time::Instant;

use crate::measure::host;
use crate::measure::load::round3;
use crate::model::profile::BlockReading;
use crate::stats::order;

/// The source of the readings before the blocks of a session.
pub trait Readings: std::fmt::Debug {
    /// Reads the machine before `block`. `other_instances` is part of the reading.
    fn read(&mut self, block: u32, other_instances: Option<u64>) -> BlockReading;
}

/// This machine.
#[derive(Debug)]
pub struct Machine {
    work: Work,
    /// The stolen and all CPU ticks at the last reading.
    ticks: Option<(u64, u64)>,
}

impl Machine {
    /// This machine, with a spin that takes 20 ms on it.
    pub fn calibrated() -> Self {
        Self {
            ticks: host::steal_and_total(),
            work: Work::calibrated(),
        }
    }
}

impl Readings for Machine {
    /// Load and pressures contain the measurement's own work in the block before.
    fn read(&mut self, block: u32, other_instances: Option<u64>) -> BlockReading {
        let now = host::steal_and_total();
        let steal_share = std::mem::replace(&mut self.ticks, now).zip(now).and_then(steal_share);
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
            other_containers: other_instances,
            spin_ms: round3(self.work.spin_ms()),
            walk_ms: Some(round3(self.work.walk_ms())),
        }
    }
}

/// The fixed work that is timed before each block: a spin that stays within a core, and a walk through memory that does not.
#[derive(Debug, Clone, Copy)]
struct Work {
    rounds: u64,
}

/// The milliseconds that the spin takes on a quiet machine.
const SPIN_MS: f64 = 20.0;
/// A block counts as noisy above this ratio to the 10th percentile of the session.
pub const NOISY: f64 = 1.10;
/// The length of the walk's memory in lines of 64 bytes: 32 MiB, more than the caches of a core hold.
const WALK_LINES: usize = 1 << 19;
/// The steps of the walk. Each step waits for the one before.
const WALK_STEPS: usize = 200_000;
/// The number of walks, of which the quickest counts: a single walk varies by a tenth on a quiet machine.
const WALKS: usize = 4;

impl Work {
    /// Finds the number of rounds that take [`SPIN_MS`] on this machine.
    fn calibrated() -> Self {
        let probe = Self { rounds: 1_000_000 };
        let quickest = (0..5).map(|_| probe.spin_ms()).fold(f64::INFINITY, f64::min);
        Self {
            rounds: (probe.rounds as f64 * SPIN_MS / quickest.max(0.01)) as u64,
        }
    }

    /// Spins, and returns the time in milliseconds.
    fn spin_ms(self) -> f64 {
        let began = Instant::now();
        let mut x = 1u64;
        for _ in 0..self.rounds {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        std::hint::black_box(x);
        began.elapsed().as_secs_f64() * 1e3
    }

    /// Gets fresh pages from the kernel, writes to all of them and follows a chain through them; returns the time in
    /// milliseconds. A starting program does the same, and a spin does not: the host shares its memory and outer caches among
    /// all that runs on it.
    fn walk_ms(self) -> f64 {
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

/// The share of the CPU time that was stolen between two readings of steal and total ticks; `None` if no time passed.
pub fn steal_share(((steal0, total0), (steal1, total1)): ((u64, u64), (u64, u64))) -> Option<f64> {
    (total1 > total0).then(|| steal1.saturating_sub(steal0) as f64 / (total1 - total0) as f64)
}

/// The time of the fixed work on the quiet machine: the 10th percentile of all readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quiet {
    spin_ms: f64,
    /// `None` in a session of a version without the walk.
    walk_ms: Option<f64>,
}

impl Quiet {
    /// The quiet machine of a session; `None` without a reading.
    pub fn of(blocks: &[BlockReading]) -> Option<Self> {
        let tenth = |values: Vec<f64>| order::quantile(&order::sorted(values), 0.10);
        Some(Self {
            spin_ms: tenth(blocks.iter().map(|block| block.spin_ms).collect())?,
            walk_ms: tenth(blocks.iter().filter_map(|block| block.walk_ms).collect()),
        })
    }

    /// The ratio of the time of the work to that on the quiet machine; the larger of spin and walk.
    pub fn ratio(self, spin_ms: f64, walk_ms: Option<f64>) -> f64 {
        let walk = walk_ms.zip(self.walk_ms).map_or(0.0, |(walk, quiet)| walk / quiet);
        (spin_ms / self.spin_ms).max(walk)
    }
}

/// The number of blocks that began on a noisy machine.
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
        // A slower walk is as much of a sign as a slower spin.
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
        let mut machine = Machine {
            work: Work { rounds: 100_000 },
            ticks: None,
        };
        let first = machine.read(3, Some(0));
        assert_eq!(
            (first.block, first.steal_share, first.other_containers),
            (3, None, Some(0))
        );
        assert!(first.available_memory_mib.is_some_and(|mib| mib > 0) && first.load.is_some());
        assert!(machine.ticks.is_some());
        assert!(first.spin_ms > 0.0 && first.walk_ms.is_some_and(|ms| ms > 1.0));
        assert_eq!(steal_share(((10, 100), (15, 200))), Some(0.05));
        assert_eq!(steal_share(((10, 100), (10, 100))), None);
    }
}
