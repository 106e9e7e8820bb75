//! The part of a profile about a function on AWS Lambda itself: what the platform reported of its invocations.

use serde::{Deserialize, Serialize};

use crate::units::MemoryMib;

/// The invocations of one function at one memory size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionRun {
    /// The memory of the function.
    pub memory: MemoryMib,
    /// The instruction set of the function, `x86_64` or `arm64`; `null` if it is not known, as logs do not say it.
    #[serde(default)]
    pub architecture: Option<String>,
    /// The first invocations of environments, in the order of their times.
    pub starts: Vec<FunctionStart>,
    /// The durations of invocations of warm environments that ended well, in milliseconds and in the order of their times.
    pub warm_ms: Vec<f64>,
    /// The most memory that an environment used, in MB as Lambda reports it; `null` if it is not known.
    #[serde(default)]
    pub max_memory_mb: Option<f64>,
    /// Invocations that exceeded the function's timeout or failed. Their durations are not among the samples.
    #[serde(default)]
    pub failed: u64,
    /// Looks at a silent function after gaps, in the order of their times; empty where nobody looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<IdleLook>,
}

/// A look at a function that was silent for a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleLook {
    /// The silence in seconds.
    pub gap_s: f64,
    /// True if the environment was still there.
    pub alive: bool,
}

/// The first invocation of an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionStart {
    /// How the start came about.
    pub cause: StartCause,
    /// The time of initialisation in milliseconds; `null` after a restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_ms: Option<f64>,
    /// The time of a restore from a snapshot in milliseconds; `null` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_ms: Option<f64>,
    /// The duration of the invocation in milliseconds, without the start.
    pub duration_ms: f64,
    /// The time that was billed in milliseconds; `null` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_ms: Option<f64>,
    /// The wall time of the caller in milliseconds; `null` in logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<f64>,
    /// The time until there was an environment, in milliseconds: the wall time without start, duration and the round trip of warm
    /// invocations; `null` in logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_ms: Option<f64>,
    /// True if initialisation took longer than Lambda allows and ran again inside the invocation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// True if the environment was made ready ahead of the request, so that nobody waited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
}

/// How a start came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartCause {
    /// Traffic of the user's own, as logged.
    Logged,
    /// A change of the configuration ended all environments.
    Nonce,
    /// A new version was published.
    Version,
    /// Invocations at the same time, each of which needs an environment.
    Burst,
    /// The function was silent for long.
    Idle,
}

impl FunctionRun {
    /// The starts that requests waited for.
    pub fn waited(&self) -> impl Iterator<Item = &FunctionStart> {
        self.starts.iter().filter(|start| !start.ahead)
    }

    /// True if environments are restored from a snapshot.
    pub fn restores(&self) -> bool {
        self.starts.iter().any(|start| start.restore_ms.is_some())
    }
}
