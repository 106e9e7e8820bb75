//! The part of a profile about the state of the machine, block by block.

use serde::{Deserialize, Serialize};

/// The state of the machine right before a block of cold starts. Unknown values are `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReading {
    /// The number of the block, from 0. A repeated block has two readings.
    pub block: u32,
    /// The wall time of a fixed computation in milliseconds. It takes 20 ms on the idle machine.
    pub spin_ms: f64,
    /// The wall time of a fixed walk through fresh memory in milliseconds. It detects neighbours that the computation does
    /// not. `null` in profiles of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk_ms: Option<f64>,
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
