//! The part of a profile about the machine that measured, block by block.

use serde::{Deserialize, Serialize};

/// The machine right before a block of cold starts. What it does not say is `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReading {
    /// Block number, from 0; a block that was taken again has two readings.
    pub block: u32,
    /// Wall time of a fixed CPU spin, made to take 20 ms on the quiet machine.
    pub spin_ms: f64,
    /// Wall time of a fixed walk through fresh memory, which feels neighbours that the spin does not; `null` in profiles
    /// of versions that did not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk_ms: Option<f64>,
    /// Load average over the last minute, in runnable tasks.
    pub load: Option<f64>,
    /// Share of the last 10 seconds in which some task waited for a CPU, in per cent (`some avg10` of
    /// `/proc/pressure/cpu`).
    pub cpu_pressure: Option<f64>,
    /// The same for memory.
    pub memory_pressure: Option<f64>,
    /// The same for disks.
    pub io_pressure: Option<f64>,
    /// CPU time stolen by the hypervisor since the block before, as a share of all CPU time.
    pub steal_share: Option<f64>,
    /// Memory that programs could still get, in MiB (`MemAvailable`).
    pub available_memory_mib: Option<u64>,
    /// Mean clock of the cores in MHz.
    pub cpu_mhz: Option<f64>,
    /// Times the cores were slowed down for heat since boot.
    pub thermal_throttles: Option<u64>,
    /// Containers of others that were running.
    pub other_containers: Option<u64>,
}
