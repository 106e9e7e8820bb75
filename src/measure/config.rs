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

impl Config {
    /// The same limits for an instance that is to be loaded, not timed: however cold it was makes no difference.
    pub fn warm(self) -> Self {
        Self {
            cold_mode: ColdMode::ProcessCold,
            ..self
        }
    }

    /// CPU, memory, and the modes if they are not the usual ones, such as `0.5 vCPU, 512Mi, node-cold`.
    pub fn label(&self) -> String {
        let mut label = format!("{} vCPU, {}", self.limits.cpu.as_vcpu(), self.limits.memory);
        for (name, is_usual) in [
            (self.cold_mode.name(), self.cold_mode == ColdMode::default()),
            (self.cpu_mode.name(), self.cpu_mode == CpuMode::default()),
        ] {
            if !is_usual {
                label.push_str(", ");
                label.push_str(name);
            }
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{MemoryMib, MilliCpu};

    #[test]
    fn labels_name_unusual_modes_only() {
        let usual = Config {
            limits: Limits {
                cpu: MilliCpu(500),
                memory: MemoryMib(512),
            },
            cold_mode: ColdMode::ProcessCold,
            cpu_mode: CpuMode::Flat,
            samples: 5,
        };
        assert_eq!(usual.label(), "0.5 vCPU, 512Mi");
        let unusual = Config {
            cold_mode: ColdMode::NodeCold,
            cpu_mode: CpuMode::BoostedInit,
            ..usual
        };
        assert_eq!(unusual.label(), "0.5 vCPU, 512Mi, node-cold, boosted-init");
        assert_eq!(unusual.warm().label(), "0.5 vCPU, 512Mi, boosted-init");
    }
}
