//! The noise of the machine: readings before the build and before each block, and the rule that tells a noisy block from a quiet
//! one. No sample is deleted because of noise.
//!
//! A reading times fixed work: a computation on several cores at once, and a walk through memory. Two comparisons follow.
//!
//! 1. The CPU time of the computation against its wall time. The computation never sleeps, so the difference is time in which
//!    its cores ran other programs. This needs no earlier figure: it finds noise that is there from the first second on.
//! 2. Both times against the figures of the same machine at rest ([`calibration`]), which are kept between runs ([`kept`]). This
//!    finds what CPU time does not show: neighbours on the host, stolen time, slower clocks.

use crate::model::profile::{BlockReading, QuietMachine};

mod busy;
mod calibration;
mod kept;
mod machine;
mod work;

pub use calibration::{Calibration, is_better};
#[cfg(test)]
pub use kept::MachineKey;
pub use kept::{Kept, State, machine_digest};
pub use machine::{Looked, Machine};
pub use work::{Timed, Work};

/// The share of the time of the computation that other programs may take before a block is noisy, where the figures of the
/// machine at rest do not allow more.
pub const CONTENDED: f64 = 0.08;
/// The largest share that these figures can allow.
const MOST_CONTENDED: f64 = 0.15;
/// The share by which the computation may be slower than on the machine at rest, where its own spread does not allow more.
const SPIN_FLOOR: f64 = 0.08;
/// The same for the walk through memory.
const WALK_FLOOR: f64 = 0.15;
/// The number of spreads (median to 90th percentile) above the median up to which a reading is quiet. Three spreads are 3.8
/// standard deviations of a normal distribution, and hold 99.5% of an exponential one.
const SPREADS: f64 = 3.0;

/// The source of the readings of a session.
pub trait Readings: std::fmt::Debug + Send {
    /// Reads the machine before `block`. `other_instances` is part of the reading.
    fn read(&mut self, block: u32, other_instances: Option<u64>) -> BlockReading;

    /// Looks at the machine before anything is built or started. Returns what a user should know.
    fn look(&mut self) -> Looked {
        Looked::default()
    }

    /// Waits until the machine has come to rest after work of this process. Returns what a user should know if it does not.
    fn rest(&mut self) -> Option<String> {
        None
    }

    /// The figures of the machine at rest against which blocks are judged; `None` if there are none.
    fn quiet_machine(&self) -> Option<QuietMachine> {
        None
    }
}

/// The noise of a reading: the largest of its figures, each divided by the limit of the machine. Above 1 the machine was noisy.
pub fn noise(quiet: Option<&QuietMachine>, spin_ms: f64, walk_ms: Option<f64>, contention: Option<f64>) -> f64 {
    let allowed = quiet.map_or(0.0, |quiet| {
        quiet.contention.median + SPREADS * quiet.contention.spread()
    });
    let contention = contention.unwrap_or(0.0) / allowed.clamp(CONTENDED, MOST_CONTENDED);
    let Some(quiet) = quiet else { return contention };
    let spin = spin_ms / quiet.spin_ms.limit(SPIN_FLOOR, SPREADS);
    let walk = walk_ms.map_or(0.0, |walk| walk / quiet.walk_ms.limit(WALK_FLOOR, SPREADS));
    contention.max(spin).max(walk)
}

/// The ratio of the time of the fixed work to that on the machine at rest: the larger of computation and walk. Without figures
/// of the machine at rest, it is the wall time of the computation over its CPU time.
pub fn slowdown(quiet: Option<&QuietMachine>, spin_ms: f64, walk_ms: Option<f64>, contention: Option<f64>) -> f64 {
    match quiet {
        Some(quiet) => {
            let walk = walk_ms.map_or(0.0, |walk| walk / quiet.walk_ms.median);
            (spin_ms / quiet.spin_ms.median).max(walk)
        }
        None => 1.0 / (1.0 - contention.unwrap_or(0.0)).max(0.01),
    }
}

/// Returns true if a block began on a noisy machine. In profiles of older versions no block says so.
pub fn is_noisy(block: &BlockReading) -> bool {
    block.noise.is_some_and(|noise| noise > 1.0)
}

/// The number of blocks that began on a noisy machine.
pub fn noisy_blocks(blocks: &[BlockReading]) -> usize {
    blocks.iter().filter(|block| is_noisy(block)).count()
}

/// The share of the CPU time that was stolen between two readings of steal and total ticks; `None` if no time passed.
pub fn steal_share(((steal0, total0), (steal1, total1)): ((u64, u64), (u64, u64))) -> Option<f64> {
    (total1 > total0).then(|| steal1.saturating_sub(steal0) as f64 / (total1 - total0) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::Spread;

    fn quiet() -> QuietMachine {
        QuietMachine {
            at: "2026-11-30T20:00:00Z".into(),
            rounds: 1,
            readings: 40,
            spin_ms: Spread {
                median: 20.0,
                p90: 20.1,
            },
            walk_ms: Spread {
                median: 50.0,
                p90: 54.0,
            },
            contention: Spread {
                median: 0.005,
                p90: 0.01,
            },
            quiet: true,
        }
    }

    #[test]
    fn the_limits_come_from_the_spread_of_the_machine() {
        let quiet = quiet();
        let noise = |spin, walk, contention| noise(Some(&quiet), spin, Some(walk), Some(contention));
        // The computation varies little, so the floor of 8% holds: 21.6 ms. The walk varies, so its own spread holds: 62 ms.
        assert!(noise(21.5, 50.0, 0.0) < 1.0 && noise(21.7, 50.0, 0.0) > 1.0);
        assert!(noise(20.0, 61.0, 0.0) < 1.0 && noise(20.0, 63.0, 0.0) > 1.0);
        assert!(noise(20.0, 50.0, 0.07) < 1.0 && noise(20.0, 50.0, 0.09) > 1.0);
        assert_eq!(slowdown(Some(&quiet), 30.0, Some(50.0), Some(0.3)), 1.5);
        assert_eq!(slowdown(Some(&quiet), 20.0, Some(70.0), None), 1.4);
    }

    /// Two busy loops on two cores, from the first second on: the computation gets half of the time.
    #[test]
    fn contention_is_noise_without_any_figure_of_the_machine() {
        assert!(noise(None, 40.0, Some(90.0), Some(0.5)) > 6.0);
        assert!(
            noise(None, 40.0, Some(90.0), Some(0.01)) < 1.0,
            "a slow machine is not a noisy one"
        );
        assert_eq!(slowdown(None, 40.0, None, Some(0.5)), 2.0);
        // Figures that were taken on a busy machine cannot hide it.
        let busy = QuietMachine {
            contention: Spread { median: 0.5, p90: 0.5 },
            ..quiet()
        };
        assert!(noise(Some(&busy), 20.0, Some(50.0), Some(0.5)) > 3.0);
    }

    #[test]
    fn blocks_that_say_nothing_are_not_noisy() {
        let block = |noise| BlockReading {
            noise,
            ..BlockReading::default()
        };
        assert_eq!(noisy_blocks(&[block(None), block(Some(0.99)), block(Some(1.2))]), 1);
        assert_eq!(steal_share(((10, 100), (15, 200))), Some(0.05));
        assert_eq!(steal_share(((10, 100), (10, 100))), None);
    }
}
