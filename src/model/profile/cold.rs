//! The part of a profile about cold starts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Cold in which sense.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColdMode {
    /// New container or process, image and page cache warm.
    #[default]
    ProcessCold,
    /// New container, image on the node, its files not in the page cache.
    DiskCold,
    /// New container, image pulled from a registry first.
    NodeCold,
}

impl ColdMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::ProcessCold, Self::DiskCold, Self::NodeCold];

    /// The name as files and flags write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProcessCold => "process-cold",
            Self::DiskCold => "disk-cold",
            Self::NodeCold => "node-cold",
        }
    }
}

impl FromStr for ColdMode {
    type Err = String;

    /// Reads the name.
    fn from_str(text: &str) -> Result<Self, String> {
        named(&Self::ALL.map(|mode| (mode.name(), mode)), text)
    }
}

/// When the CPU limit holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuMode {
    /// From the start of the container on: Kubernetes, Fargate.
    #[default]
    Flat,
    /// Two vCPUs until the health route has answered (more if the limit is higher), the limit from then on: nearest to
    /// Lambda.
    BoostedInit,
}

impl CpuMode {
    /// All modes.
    pub const ALL: [Self; 2] = [Self::Flat, Self::BoostedInit];

    /// The name as files and flags write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::BoostedInit => "boosted-init",
        }
    }
}

impl FromStr for CpuMode {
    type Err = String;

    /// Reads the name.
    fn from_str(text: &str) -> Result<Self, String> {
        named(&Self::ALL.map(|mode| (mode.name(), mode)), text)
    }
}

/// The item of that name; the error lists all names.
fn named<T: Copy>(items: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = items.iter().find(|(name, _)| *name == text);
    found.map(|&(_, item)| item).ok_or_else(|| {
        let names: Vec<&str> = items.iter().map(|&(name, _)| name).collect();
        format!("there is no `{text}`; there are: {}", names.join(", "))
    })
}

/// Whether a sample counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It does.
    #[default]
    Counted,
    /// Its block began on a noisy machine and was taken again; decided before its value was known.
    NoisyHost,
}

/// One cold start. The phases (`pull`, `create`, `start`, `boot`, `first_response`, `first_request`) add up to `total_ms`
/// within 2 ms plus one probe interval. A process of the host (backend `process`) has no engine: its `start` ends when the
/// program has taken the place of the forked copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColdSample {
    /// Block number, from 0.
    pub block: u32,
    /// Position within the session, from 0.
    pub order: u32,
    /// Create call to its answer; for a process what is done before the call that starts it.
    pub create_ms: f64,
    /// Start call to the engine's `StartedAt`; for a process to its program's beginning.
    pub start_ms: f64,
    /// From there to the first accepted connection.
    pub boot_ms: f64,
    /// First accepted connection to the first correct 200 (handler `healthz`).
    pub first_response_ms: f64,
    /// Pull call to its end; `null` unless node-cold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_ms: Option<f64>,
    /// With boosted init: the first request of the workload (handler `json`, the given path for an own image), sent once
    /// the limit was set; else `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_request_ms: Option<f64>,
    /// With boosted init: from the first correct 200 to the engine's answer that the limit is set, which is in no phase and
    /// not in the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_update_ms: Option<f64>,
    /// First call (pull or create) to the last phase's end, measured on its own; `limit_update_ms` is taken off.
    pub total_ms: f64,
    /// CPU time of the container, or of the process and its descendants, up to that first 200; `null` without access to it.
    pub cpu_ms: Option<f64>,
    /// Anonymous memory right after the first 200; `null` without access to it.
    pub anon_bytes: Option<u64>,
    /// Connection attempts before the first accepted one.
    pub tries: u32,
    /// Fixed work before the block (CPU spin, walk through memory: the worse of both) over the session's 10th percentile:
    /// above 1.10 the host was noisy.
    pub spin_ratio: f64,
    /// Id of the process that answered, drawn by the app at its start: no two cold samples share one. `null` for images
    /// that do not know the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<String>,
    /// Whether it counts.
    #[serde(default, skip_serializing_if = "is_counted")]
    pub verdict: Verdict,
}

impl ColdSample {
    /// The sum of the phases in milliseconds.
    pub fn phase_sum_ms(&self) -> f64 {
        let always = self.create_ms + self.start_ms + self.boot_ms + self.first_response_ms;
        always + self.pull_ms.unwrap_or(0.0) + self.first_request_ms.unwrap_or(0.0)
    }
}

fn is_counted(verdict: &Verdict) -> bool {
    *verdict == Verdict::Counted
}

/// A start that gave no cold sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartFailure {
    /// Block number, from 0.
    pub block: u32,
    /// What kind of failure.
    #[serde(default)]
    pub kind: FailureKind,
    /// What went wrong: exit code, out of memory, timeout, not cold.
    pub reason: String,
}

/// Kinds of failed starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Killed by the kernel at the memory limit: a result, the app does not run at this size.
    OutOfMemory,
    /// The program ended by itself.
    Exited,
    /// No right answer in time.
    Timeout,
    /// A process answered that had seen other requests or an earlier start, or nothing had to be read from the disk in a
    /// disk-cold start.
    NotCold,
    /// The sample proves nothing: clocks apart, phases that miss the total.
    Dropped,
    /// The engine refused, or something else.
    #[default]
    Other,
}
