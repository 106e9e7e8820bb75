//! The measured profile of a framework: `models/frameworks/<name>/profile.json`, the file in which measurement and
//! simulation meet. Every sample is kept; summaries are computed when the file is read.
//!
//! Units are in the field names: `_ms` milliseconds of wall time or of CPU time, `_bytes` bytes. A value that could not
//! be had is `null` and never 0.

mod block;
mod cold;
mod image;
mod warm;

pub use block::BlockReading;
pub use cold::{ColdMode, ColdSample, CpuMode, FailureKind, StartFailure, Verdict};
pub use image::{ImageFacts, LayerPull, Pull, Scan};
pub use warm::{CLIENT_TOO_SLOW, MemoryReading, Plateau, RouteRun, StableRate, Trial, WarmRun};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::units::{MemoryMib, MilliCpu};

/// The only profile format so far.
pub const SCHEMA: u32 = 1;

/// All that was measured of one framework's image on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameworkProfile {
    /// Version of this format: 1.
    pub schema: u32,
    /// The framework's folder name, such as `express`.
    pub name: String,
    /// The framework's release, such as `5.1.0`; unknown for a user's own image.
    pub framework_version: Option<String>,
    /// Language runtime in the image, such as `Node.js 24.2.0`; what the programs of the host say of themselves where there is
    /// no image.
    pub runtime: Option<String>,
    /// Where, when and how the samples were taken.
    pub provenance: Provenance,
    /// Size of the image.
    pub image: ImageFacts,
    /// The check of the HTTP contract before the measurement; `null` where none was made: a user's own image need not know
    /// it.
    #[serde(default)]
    pub contract: Option<ContractCheck>,
    /// The machine before each block, in the order taken.
    #[serde(default)]
    pub blocks: Vec<BlockReading>,
    /// One entry per measured pair of CPU limit and memory limit, sorted by both.
    pub runs: Vec<MeasuredConfig>,
}

/// Reads a profile.
///
/// # Errors
/// What is wrong, with the position in the text.
pub fn parse(text: &str) -> Result<FrameworkProfile, String> {
    let profile: FrameworkProfile = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match profile.schema {
        SCHEMA => Ok(profile),
        other => Err(format!("its schema is {other}; this version reads {SCHEMA}")),
    }
}

impl FrameworkProfile {
    /// The machine that measured, in one line.
    pub fn machine(&self) -> String {
        let p = &self.provenance;
        format!(
            "{}, {} cores, {} GiB, kernel {}, {} {}",
            p.host_cpu,
            p.host_cores,
            (p.host_memory_mib + 512) / 1024,
            p.kernel,
            p.backend,
            p.engine_version
        )
    }

    /// The day on which the measurement began, as `2026-11-23`.
    pub fn measured_on(&self) -> &str {
        self.provenance.started.split('T').next().unwrap_or_default()
    }

    /// Whether it was taken of processes of a host, without containers and without a memory limit.
    pub fn is_of_processes(&self) -> bool {
        self.provenance.backend == "process"
    }
}

impl MeasuredConfig {
    /// Whether CPU time per request is only known of one request at a time, which holds what sleeping and waking up cost.
    pub fn is_cpu_alone(&self) -> bool {
        let routes = self.warm.iter().flat_map(|warm| warm.routes.values());
        let mut measured = routes.filter(|route| !route.cpu_ms.is_empty()).peekable();
        measured.peek().is_some() && measured.all(|route| route.cpu_loaded_ms.is_empty())
    }

    /// The cold starts that summaries and simulations use: all but those of noisy blocks that were taken again.
    pub fn counted(&self) -> impl Iterator<Item = &ColdSample> {
        self.cold.iter().filter(|sample| sample.verdict == Verdict::Counted)
    }
}

/// That the image met the HTTP contract before it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractCheck {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The command that checks it again.
    pub command: String,
    /// Routes of the contract.
    pub routes: u32,
    /// Requests that were answered as they must be: all that were sent.
    pub requests: u32,
}

/// Whatever would change the numbers if it were different.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of coldcast that measured.
    pub tool_version: String,
    /// Start of the measurement, RFC 3339 in UTC.
    pub started: String,
    /// End of the measurement, RFC 3339 in UTC.
    pub finished: String,
    /// The command line that repeats the measurement.
    pub command: String,
    /// What ran the app: `docker` (containers) or `process` (processes of the host, without any engine).
    pub backend: String,
    /// Cold in which senses, as in the runs, separated by commas.
    pub cold_mode: String,
    /// When the CPU limit held, as in the runs, separated by commas.
    pub cpu_mode: String,
    /// Host CPU model.
    pub host_cpu: String,
    /// Logical CPUs of the host.
    pub host_cores: u32,
    /// Host memory in MiB.
    pub host_memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Container engine version; `none` without one, as for the two that follow.
    pub engine_version: String,
    /// Engine's storage driver.
    pub storage_driver: String,
    /// Control group version, `1` or `2`.
    pub cgroup_version: String,
    /// CFS quota period in microseconds; `null` where CPU is not limited by a quota.
    pub cpu_period_us: Option<u64>,
    /// Content digest of the measured image (image id); of the sources and the programs they need where there is none.
    pub image_id: String,
    /// Base references asked for by the Dockerfile and the images that stood for them.
    pub base_images: BTreeMap<String, String>,
    /// Seed of the random order.
    pub seed: u64,
    /// Completed blocks, those taken again because of noise included.
    pub blocks: u32,
    /// Blocks that began on a noisy machine and were taken again.
    #[serde(default)]
    pub repeated_blocks: u32,
    /// Shortest probe interval in milliseconds; it grows to 0.25% of the elapsed time, and is at least 2 ms before the engine
    /// says that the container runs.
    pub probe_interval_ms: f64,
    /// Clock of all durations.
    pub clock: String,
    /// CPU time used by the measuring process over wall time while cold starts were taken, in cores.
    pub prober_cpu_share: Option<f64>,
    /// Whatever a reader should know: warnings about noise, discarded starts, what is not known and why.
    pub notes: Vec<String>,
}

/// The samples taken at one CPU limit and one memory limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredConfig {
    /// CPU limit.
    pub cpu: MilliCpu,
    /// Memory limit, swap off; the host's memory where no limit was set (backend `process`).
    pub memory: MemoryMib,
    /// Cold in which sense.
    #[serde(default)]
    pub cold_mode: ColdMode,
    /// When the CPU limit holds.
    #[serde(default)]
    pub cpu_mode: CpuMode,
    /// Cold starts, in the order they were taken.
    pub cold: Vec<ColdSample>,
    /// Starts that gave no sample, with the reason.
    pub failures: Vec<StartFailure>,
    /// The warm instance; `null` if none became ready.
    pub warm: Option<WarmRun>,
}
