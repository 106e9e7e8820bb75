//! The fixed work that is timed for a reading.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nix::time::{ClockId, clock_gettime};

use crate::measure::host;
use crate::stats::order;

/// The CPU time of the computation in milliseconds, on the machine that chose its number of rounds.
pub const SPIN_MS: f64 = 20.0;
/// The largest number of cores that compute at once: a container, the prober and the engine need no more.
const MOST_CORES: usize = 4;
/// The number of computations and of walks in a reading. Their median counts, so that one interruption does not.
const REPEATS: usize = 3;
/// The length of the walk's memory in lines of 64 bytes: 32 MiB, more than the caches of a core hold.
const WALK_LINES: usize = 1 << 19;
/// The steps of the walk. Each step waits for the one before.
const WALK_STEPS: usize = 200_000;

/// The fixed work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The number of rounds of the computation.
    pub rounds: u64,
}

/// The times of the fixed work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// The wall time of the computation in milliseconds, on the slowest of the cores that compute at once; the median.
    pub spin_ms: f64,
    /// The CPU time of the computation in milliseconds, the mean over cores.
    pub spin_cpu_ms: f64,
    /// The share of the wall time of the computation in which it did not run, between 0 and 1.
    pub contention: f64,
    /// The wall time of the walk in milliseconds; the median.
    pub walk_ms: f64,
}

impl Work {
    /// Finds the number of rounds that take [`SPIN_MS`] of CPU time on this machine. Other programs make no difference.
    pub fn for_this_machine() -> Self {
        let probe = Self { rounds: 1_000_000 };
        let quickest = (0..5).map(|_| probe.spin().1).fold(f64::INFINITY, f64::min);
        Self {
            rounds: (probe.rounds as f64 * SPIN_MS / quickest.max(0.01)) as u64,
        }
    }

    /// Does the work once and times it.
    pub fn time(self) -> Timed {
        let spins: Vec<Vec<(f64, f64)>> = (0..REPEATS).map(|_| self.spin_on_cores()).collect();
        let slowest = spins
            .iter()
            .map(|cores| cores.iter().map(|(wall, _)| *wall).fold(0.0, f64::max));
        let (wall, cpu) = spins
            .iter()
            .flatten()
            .fold((0.0, 0.0), |(wall, cpu), one| (wall + one.0, cpu + one.1));
        let walks = (0..REPEATS).map(|_| walk_ms());
        let median = |values: Vec<f64>| order::median(&order::sorted(values)).unwrap_or_default();
        Timed {
            spin_ms: median(slowest.collect()),
            spin_cpu_ms: cpu / spins.iter().flatten().count().max(1) as f64,
            contention: (1.0 - cpu / wall.max(1e-6)).clamp(0.0, 1.0),
            walk_ms: median(walks.collect()),
        }
    }

    /// Computes on several cores at once, and returns wall time and CPU time of each.
    fn spin_on_cores(self) -> Vec<(f64, f64)> {
        let cores = (host::cores() as usize).clamp(1, MOST_CORES);
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..cores).map(|_| scope.spawn(|| self.spin())).collect();
            let own = self.spin();
            let others = others.into_iter().filter_map(|other| other.join().ok());
            std::iter::once(own).chain(others).collect()
        })
    }

    /// Computes, and returns wall time and CPU time in milliseconds.
    fn spin(self) -> (f64, f64) {
        let (began, cpu) = (Instant::now(), cpu_ms());
        let mut x = 1u64;
        for _ in 0..self.rounds {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        std::hint::black_box(x);
        let wall = began.elapsed().as_secs_f64() * 1e3;
        (wall, cpu.zip(cpu_ms()).map_or(wall, |(before, after)| after - before))
    }
}

/// The CPU time of this thread so far, in milliseconds.
fn cpu_ms() -> Option<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 / 1e6)
}

/// The memory of the walk. It is kept, for the time that the kernel and the host need for fresh pages depends on what ran before:
/// in sessions on an idle virtual machine it varied by a factor of two.
static MEMORY: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Writes to all lines of the memory and follows a chain through them; returns the time in milliseconds. A computation stays
/// within its core, and the walk does not: the host shares its memory and outer caches among all that runs on it.
fn walk_ms() -> f64 {
    const PER_LINE: usize = 64 / size_of::<u32>();
    let mut next = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    next.resize(WALK_LINES * PER_LINE, 0);
    let began = Instant::now();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The CPU time of the same work stays the same under contention, and its wall time does not. So the test holds on a busy
    /// machine as well.
    #[test]
    fn busy_loops_show_as_contention() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let work = Work::for_this_machine();
        let stop = AtomicBool::new(false);
        let contended = std::thread::scope(|scope| {
            for _ in 0..3 * host::cores() {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            // Threads of one process share a core fairly; the median of three is robust against a late start of the loops.
            let seen: Vec<f64> = (0..3).map(|_| work.time().contention).collect();
            stop.store(true, Ordering::Relaxed);
            order::median(&order::sorted(seen)).unwrap()
        });
        assert!(contended > 0.4, "three loops a core leave a quarter of it: {contended}");
    }

    #[test]
    fn the_times_of_the_work_are_whole() {
        let timed = Work { rounds: 100_000 }.time();
        assert!(
            timed.spin_ms > 0.0 && timed.spin_cpu_ms > 0.0 && timed.walk_ms > 1.0,
            "{timed:?}"
        );
        assert!((0.0..=1.0).contains(&timed.contention), "{timed:?}");
    }
}
