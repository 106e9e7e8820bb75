//! One way of starting a subject, and how often.

use super::docker::Limits;
use crate::model::profile::{ColdMode, CpuMode};
use crate::units::{MemoryMib, MilliCpu};

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
    /// What is done with a warm instance.
    pub warm_run: WarmKind,
}

/// How long an instance is watched after its first answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarmKind {
    /// Not at all.
    None,
    /// Warm-up curve, service times, CPU time, memory.
    Short,
    /// All that and loads at rising rates: memory by load, highest stable rate.
    Long,
}

/// The size that everything is measured at.
pub const REFERENCE: Limits = Limits {
    cpu: MilliCpu(1000),
    memory: MemoryMib(512),
};
/// CPU limits at the reference memory, and memory limits at the reference CPU, beside the reference itself.
const OTHER_CPUS: [MilliCpu; 3] = [MilliCpu(250), MilliCpu(500), MilliCpu(2000)];
const OTHER_MEMORIES: [MemoryMib; 5] = [
    MemoryMib(128),
    MemoryMib(256),
    MemoryMib(1024),
    MemoryMib(1769),
    MemoryMib(3008),
];
/// Cold starts at the reference size: p95 has an interval from 59 on.
pub const REFERENCE_SAMPLES: u32 = 60;
/// Cold starts elsewhere: p90 has an interval from 29 on.
pub const OTHER_SAMPLES: u32 = 30;

/// What is measured when nothing else is asked for: limits, samples, and the warm run.
pub fn usual() -> Vec<(Limits, u32, WarmKind)> {
    let mut plan = vec![(REFERENCE, REFERENCE_SAMPLES, WarmKind::Long)];
    plan.extend(OTHER_CPUS.map(|cpu| (Limits { cpu, ..REFERENCE }, OTHER_SAMPLES, WarmKind::Short)));
    plan.extend(OTHER_MEMORIES.map(|memory| (Limits { memory, ..REFERENCE }, OTHER_SAMPLES, WarmKind::None)));
    plan
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
            warm_run: WarmKind::None,
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
