//! The part of a profile about the state of the machine, block by block.

use serde::{Deserialize, Serialize};

/// The state of the machine right before a block of cold starts. Unknown values are `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReading {
    /// The number of the block, from 0. A repeated block has two readings.
    pub block: u32,
    /// The wall time of a fixed computation in milliseconds, which takes about 20 ms of CPU time. It runs on up to four cores at
    /// once, and the slowest counts; in profiles of older versions on one core.
    pub spin_ms: f64,
    /// The CPU time of the same computation in milliseconds, the mean over cores. `null` in profiles of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spin_cpu_ms: Option<f64>,
    /// The share of its wall time in which it did not run because other programs did, between 0 and 1. `null` in profiles of
    /// older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contention: Option<f64>,
    /// The wall time of a fixed walk through 32 MiB of memory in milliseconds. It detects neighbours that the computation does
    /// not. In profiles of older versions the memory was fresh, or the value is `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk_ms: Option<f64>,
    /// The largest of computation, walk and contention, each over the limit of the quiet machine. Above 1 the block began on a
    /// noisy machine. `null` in profiles of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// The load average over the last minute, in runnable tasks.
    pub load: Option<f64>,
    /// The share of the last 10 seconds in which some task waited for a CPU, in per cent (`some avg10` of
    /// `/proc/pressure/cpu`).
    pub cpu_pressure: Option<f64>,
    /// The same share for memory.
    pub memory_pressure: Option<f64>,
    /// The same share for disks.
    pub io_pressure: Option<f64>,
    /// The share of CPU time that the hypervisor took since the previous block, between 0 and 1.
    pub steal_share: Option<f64>,
    /// The available memory in MiB (`MemAvailable`).
    pub available_memory_mib: Option<u64>,
    /// The mean clock rate of the cores in MHz.
    pub cpu_mhz: Option<f64>,
    /// The number of times since boot that heat slowed down the cores.
    pub thermal_throttles: Option<u64>,
    /// The number of running containers that do not belong to the measurement.
    pub other_containers: Option<u64>,
}

/// The median of readings with their 90th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The 90th percentile.
    pub p90: f64,
}

impl Spread {
    /// Returns the distance from the median to the 90th percentile.
    pub fn spread(self) -> f64 {
        self.p90 - self.median
    }

    /// Returns the limit of quiet readings: the median and `spreads` spreads, and at least `floor` (a share) above the median.
    pub fn limit(self, floor: f64, spreads: f64) -> f64 {
        (self.median * (1.0 + floor)).max(self.median + spreads * self.spread())
    }

    /// Returns the same, rounded to thousandths.
    #[must_use]
    pub fn rounded(self) -> Self {
        let round = |value: f64| (value * 1e3).round() / 1e3;
        Self {
            median: round(self.median),
            p90: round(self.p90),
        }
    }
}

/// The figures of the machine at rest, against which readings before blocks are judged. They come from a calibration of some
/// seconds and are kept on the machine between runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietMachine {
    /// The time of the calibration, RFC 3339 in UTC.
    pub at: String,
    /// The number of rounds of the fixed computation.
    pub rounds: u64,
    /// The number of readings.
    pub readings: u32,
    /// The wall time of the computation in milliseconds.
    pub spin_ms: Spread,
    /// The wall time of the walk through memory in milliseconds.
    pub walk_ms: Spread,
    /// The share of the computation's wall time in which other programs ran.
    pub contention: Spread,
    /// True if the machine was at rest by its own spread, its load, pressure and stolen time.
    pub quiet: bool,
}

impl QuietMachine {
    /// Returns true if no figure is impossible.
    pub fn is_plausible(&self) -> bool {
        let fine = |spread: Spread, least: f64, most: f64| {
            (least..=most).contains(&spread.median) && (spread.median..=most).contains(&spread.p90)
        };
        let times = fine(self.spin_ms, 1.0, 1e4) && fine(self.walk_ms, 1.0, 1e4);
        times && fine(self.contention, 0.0, 1.0) && self.rounds > 0 && self.readings > 0
    }
}
