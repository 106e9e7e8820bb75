//! One way of starting a subject, and how often.

use super::docker::Limits;
use crate::model::profile::{ColdMode, CpuMode};

/// One way of starting a subject, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Config {
    /// CPU and memory.
    pub limits: Limits,
    /// Cold in which sense.
    pub cold_mode: ColdMode,
    /// When the CPU limit holds.
    pub cpu_mode: CpuMode,
    /// Cold starts.
    pub samples: u32,
}
