//! The measured profile of a framework: `models/frameworks/<name>/profile.json`, the file in which measurement and
//! simulation meet. Every sample is kept; summaries are computed when the file is read.
//!
//! Units are in the field names: `_ms` milliseconds of wall time or of CPU time, `_bytes` bytes. A value that could not
//! be had is `null` and never 0.

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
    /// Language runtime in the image, such as `Node.js 24.2.0`.
    pub runtime: Option<String>,
    /// Where, when and how the samples were taken.
    pub provenance: Provenance,
    /// Size of the image.
    pub image: ImageFacts,
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
    /// The day on which the measurement began, as `2026-11-23`.
    pub fn measured_on(&self) -> &str {
        self.provenance.started.split('T').next().unwrap_or_default()
    }
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
    /// What ran the image: `docker`.
    pub backend: String,
    /// Cold in which sense: `process-cold` (new container, image and page cache warm).
    pub cold_mode: String,
    /// `flat`: the CPU limit holds from the start of the container on.
    pub cpu_mode: String,
    /// Host CPU model.
    pub host_cpu: String,
    /// Logical CPUs of the host.
    pub host_cores: u32,
    /// Host memory in MiB.
    pub host_memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Container engine version.
    pub engine_version: String,
    /// Engine's storage driver.
    pub storage_driver: String,
    /// Control group version, `1` or `2`.
    pub cgroup_version: String,
    /// CFS quota period in microseconds.
    pub cpu_period_us: u64,
    /// Content digest of the measured image (image id).
    pub image_id: String,
    /// Base references asked for by the Dockerfile and the images that stood for them.
    pub base_images: BTreeMap<String, String>,
    /// Seed of the random order.
    pub seed: u64,
    /// Completed blocks; each holds one cold start of every configuration.
    pub blocks: u32,
    /// Shortest probe interval in milliseconds; it grows to 0.25% of the elapsed time.
    pub probe_interval_ms: f64,
    /// Clock of all durations.
    pub clock: String,
    /// CPU time used by the measuring process over wall time, in cores.
    pub prober_cpu_share: Option<f64>,
    /// Whatever a reader should know: warnings about noise, discarded starts, what is not known and why.
    pub notes: Vec<String>,
}

/// Facts about the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// Bytes of the layers as a registry would hold them; `null` when not known.
    pub compressed_bytes: Option<u64>,
    /// True when `compressed_bytes` was estimated by compressing the saved image with gzip -6.
    pub compressed_estimated: bool,
    /// Bytes on disk.
    pub unpacked_bytes: u64,
    /// Number of file system layers.
    pub layers: u32,
    /// Packages named by the lock files, direct and transitive; `null` when not known.
    pub packages: Option<u32>,
}

/// The samples taken at one CPU limit and one memory limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredConfig {
    /// CPU limit.
    pub cpu: MilliCpu,
    /// Memory limit, swap off.
    pub memory: MemoryMib,
    /// Cold starts, in the order they were taken.
    pub cold: Vec<ColdSample>,
    /// Starts that gave no sample, with the reason.
    pub failures: Vec<StartFailure>,
    /// The warm instance; `null` if none became ready.
    pub warm: Option<WarmRun>,
}

/// One cold start. The four phases add up to `total_ms` within 2 ms plus one probe interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColdSample {
    /// Block number, from 0.
    pub block: u32,
    /// Position within the session, from 0.
    pub order: u32,
    /// Create call to its answer.
    pub create_ms: f64,
    /// Start call to the engine's `StartedAt`.
    pub start_ms: f64,
    /// `StartedAt` to the first accepted connection.
    pub boot_ms: f64,
    /// First accepted connection to the first correct 200 (handler `healthz`).
    pub first_response_ms: f64,
    /// Create call to first correct 200, measured on its own.
    pub total_ms: f64,
    /// CPU time of the container up to that first 200; `null` without access to its control group.
    pub cpu_ms: Option<f64>,
    /// Anonymous memory right after the first 200; `null` without access to its control group.
    pub anon_bytes: Option<u64>,
    /// Connection attempts before the first accepted one.
    pub tries: u32,
    /// Fixed CPU spin before the block over the session's 10th percentile: above 1.10 the host was noisy.
    pub spin_ratio: f64,
}

/// A start that gave no cold sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartFailure {
    /// Block number, from 0.
    pub block: u32,
    /// What went wrong: exit code, out of memory, timeout, not cold.
    pub reason: String,
}

/// One warm instance: warm-up curve, service times, CPU per request, memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmRun {
    /// Latency of requests 2, 3, ... after a cold start (route `json`), open loop at low utilisation, from the intended
    /// send time.
    pub warm_up_ms: Vec<f64>,
    /// Rate of the warm-up curve in requests per second.
    pub warm_up_rate: f64,
    /// CPU time used during the warm-up curve divided by its requests, in ten equal parts in order.
    pub warm_up_cpu_ms: Vec<f64>,
    /// Median round trip of an empty handler on the same network path; already taken off nothing: subtract it yourself.
    pub round_trip_ms: f64,
    /// By route name: `healthz`, `json`, `items`, `echo`.
    pub routes: BTreeMap<String, RouteRun>,
    /// Memory at rest after the warm-up.
    pub idle: MemoryReading,
    /// Memory at the end of the load.
    pub loaded: MemoryReading,
    /// Highest anonymous memory seen under load.
    pub peak_anon_bytes: Option<u64>,
    /// Growth of anonymous memory per additional request in flight; `null` when not measured.
    pub anon_bytes_per_in_flight: Option<f64>,
    /// CPU time burnt per second without requests.
    pub idle_cpu_ms_per_s: Option<f64>,
    /// Completions per second of a closed loop of 16 clients on route `json`.
    pub saturation_rps: Option<f64>,
    /// Effective parallel servers for waiting requests, from the closed loop on `/io`: clients and servers.
    pub parallel_io: Vec<(u32, f64)>,
    /// Effective parallel servers for CPU-bound requests, from the closed loop on `/cpu`: clients and servers.
    pub parallel_cpu: Vec<(u32, f64)>,
    /// Requests that failed or were wrong while warm.
    pub errors: u32,
}

/// What one route costs on a warm instance with one request in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRun {
    /// Client wall time of each request, round trip included.
    pub service_time_ms: Vec<f64>,
    /// CPU time per request of batches of `cpu_batch` requests, idle burn taken off.
    pub cpu_ms: Vec<f64>,
    /// Requests in each batch of `cpu_ms`.
    pub cpu_batch: u32,
}

/// A reading of a container's memory; `null` where the kernel did not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryReading {
    /// Anonymous memory (heap, stacks).
    pub anon_bytes: Option<u64>,
    /// Proportional set size summed over processes.
    pub pss_bytes: Option<u64>,
    /// Usage less inactive file pages: what Kubernetes evicts on.
    pub working_set_bytes: Option<u64>,
}
