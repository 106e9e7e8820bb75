//! The part of a profile about cold starts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kind of a cold start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColdMode {
    /// A new container or process. The image is on the node and its files are in the page cache.
    #[default]
    ProcessCold,
    /// A new container. The image is on the node, but its files are not in the page cache.
    DiskCold,
    /// A new container. The image is first pulled from a registry.
    NodeCold,
}

impl ColdMode {
    /// All modes in order.
    pub const ALL: [Self; 3] = [Self::ProcessCold, Self::DiskCold, Self::NodeCold];

    /// Returns the name that files and flags use.
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

    /// Parses the name.
    fn from_str(text: &str) -> Result<Self, String> {
        named(&Self::ALL.map(|mode| (mode.name(), mode)), text)
    }
}

/// The mode of the CPU limit: the time from which it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuMode {
    /// The limit holds from the start of the container, as on Kubernetes and Fargate.
    #[default]
    Flat,
    /// The container has two vCPU, or more if the limit is higher, until the health route has answered; the limit holds from
    /// then on. This is nearest to Lambda.
    BoostedInit,
}

impl CpuMode {
    /// All modes in order.
    pub const ALL: [Self; 2] = [Self::Flat, Self::BoostedInit];

    /// Returns the name that files and flags use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::BoostedInit => "boosted-init",
        }
    }
}

impl FromStr for CpuMode {
    type Err = String;

    /// Parses the name.
    fn from_str(text: &str) -> Result<Self, String> {
        named(&Self::ALL.map(|mode| (mode.name(), mode)), text)
    }
}

/// Returns the item with this name. The error lists all names.
fn named<T: Copy>(items: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = items.iter().find(|(name, _)| *name == text);
    found.map(|&(_, item)| item).ok_or_else(|| {
        let names: Vec<&str> = items.iter().map(|&(name, _)| name).collect();
        format!("there is no `{text}`; there are: {}", names.join(", "))
    })
}

/// The decision if a sample counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The sample counts.
    #[default]
    Counted,
    /// The sample does not count: its block began on a noisy machine and was repeated. This was decided before the value was
    /// known.
    NoisyHost,
}

/// One cold start. The phases (`pull`, `create`, `start`, `boot`, `first_response`, `first_request`) add up to `total_ms`
/// within 2 ms plus one probe interval. For a process of the host (backend `process`), which has no engine, the phase
/// `start` ends when the program replaces the forked copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColdSample {
    /// The number of the block, from 0.
    pub block: u32,
    /// The position within the session, from 0.
    pub order: u32,
    /// From the create call to its answer; for a process, the preparation before the call that starts it.
    pub create_ms: f64,
    /// From the start call to the time `StartedAt` of the engine; for a process, to the beginning of its program.
    pub start_ms: f64,
    /// From the end of the phase `start` to the first accepted connection.
    pub boot_ms: f64,
    /// From the first accepted connection to the first correct answer with status 200 (handler `healthz`).
    pub first_response_ms: f64,
    /// From the pull call to its end; `null` unless the start is node-cold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_ms: Option<f64>,
    /// The first request of the workload after the limit was set (handler `json`, or the given path for an image of the
    /// user); `null` without boosted init.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_request_ms: Option<f64>,
    /// From the first correct answer to the answer of the engine that the limit is set. This time belongs to no phase and not
    /// to the total. `null` without boosted init.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_update_ms: Option<f64>,
    /// From the first call (pull or create) to the end of the last phase, measured independently of the phases and without
    /// `limit_update_ms`.
    pub total_ms: f64,
    /// The CPU time of the container, or of the process and its descendants, until the first correct answer; `null` if
    /// unknown.
    pub cpu_ms: Option<f64>,
    /// The anonymous memory right after the first correct answer; `null` if unknown.
    pub anon_bytes: Option<u64>,
    /// The number of connection attempts before the first accepted one.
    pub tries: u32,
    /// The time of the fixed work before the block divided by its time on the machine at rest; the larger ratio of computation
    /// and walk. Without figures of the machine at rest, the wall time of the computation over its CPU time. In profiles of
    /// older versions the divisor is the 10th percentile over the session.
    pub spin_ratio: f64,
    /// The random id that the app chose when its process started. No two cold samples share one. `null` for images without
    /// the HTTP contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<String>,
    /// The decision if the sample counts.
    #[serde(default, skip_serializing_if = "is_counted")]
    pub verdict: Verdict,
}

impl ColdSample {
    /// Returns the sum of the phases in milliseconds.
    pub fn phase_sum_ms(&self) -> f64 {
        let always = self.create_ms + self.start_ms + self.boot_ms + self.first_response_ms;
        always + self.pull_ms.unwrap_or(0.0) + self.first_request_ms.unwrap_or(0.0)
    }
}

fn is_counted(verdict: &Verdict) -> bool {
    *verdict == Verdict::Counted
}

/// A start without a cold sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartFailure {
    /// The number of the block, from 0.
    pub block: u32,
    /// The kind of failure.
    #[serde(default)]
    pub kind: FailureKind,
    /// The details, such as the exit code.
    pub reason: String,
}

/// The kinds of failed starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The kernel killed the app at the memory limit. This is a result: the app does not run at this size.
    OutOfMemory,
    /// The program exited.
    Exited,
    /// There was no correct answer in time.
    Timeout,
    /// The start was not cold: the process had answered other requests or had started earlier, or a disk-cold start read
    /// nothing from the disk.
    NotCold,
    /// The sample is not valid: the clocks disagree, or the phases do not add up to the total.
    Dropped,
    /// The engine refused, or another error occurred.
    #[default]
    Other,
}
