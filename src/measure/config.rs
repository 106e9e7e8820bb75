//! The configurations of a measurement: the limits and modes in which a subject starts, and the number of its starts.

use std::str::FromStr;

use crate::model::profile::{ColdMode, CpuMode};
use crate::units::{MemoryMib, MilliCpu};

/// The CPU and memory of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limits {
    /// The CPU quota.
    pub cpu: MilliCpu,
    /// The memory limit; swap is off.
    pub memory: MemoryMib,
}

/// One way of starting a subject, and the number of its starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Config {
    /// The CPU and the memory.
    pub limits: Limits,
    /// The sense in which a start is cold.
    pub cold_mode: ColdMode,
    /// The time at which the CPU limit begins to hold.
    pub cpu_mode: CpuMode,
    /// The number of cold starts.
    pub samples: u32,
    /// The kind of warm run.
    pub warm_run: WarmKind,
}

/// The work on one warm instance of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarmKind {
    /// No warm run.
    None,
    /// Warm-up curve, service times, CPU time, memory.
    Short,
    /// The same, and loads at rising rates: memory by load, highest stable rate.
    Long,
    /// The load of a panel: CPU time per request of two routes, on two instances.
    Panel,
}

/// The size at which everything is measured.
pub const REFERENCE: Limits = Limits {
    cpu: MilliCpu(1000),
    memory: MemoryMib(512),
};
/// The other CPU limits, at the reference memory.
const OTHER_CPUS: [MilliCpu; 3] = [MilliCpu(250), MilliCpu(500), MilliCpu(2000)];
/// The other memory limits, at the reference CPU.
const OTHER_MEMORIES: [MemoryMib; 5] = [
    MemoryMib(128),
    MemoryMib(256),
    MemoryMib(1024),
    MemoryMib(1769),
    MemoryMib(3008),
];
/// The number of cold starts at the reference size: p95 has an interval from 59 on.
pub const REFERENCE_SAMPLES: u32 = 60;
/// The number of cold starts at other CPU limits: p90 has an interval from 29 on.
pub const OTHER_SAMPLES: u32 = 30;
/// The number of cold starts at other memory limits and one vCPU. Memory hardly changes a start there, or stops it.
const MEMORY_SAMPLES: u32 = 15;
/// The number of cold starts with boosted init: all of them have two vCPUs until the app is ready.
const BOOSTED_SAMPLES: u32 = 20;

/// The plan when the user asks for nothing else: limits, number of samples, and warm run.
pub fn usual() -> Vec<(Limits, u32, WarmKind)> {
    let mut plan = vec![(REFERENCE, REFERENCE_SAMPLES, WarmKind::Long)];
    plan.extend(OTHER_CPUS.map(|cpu| (Limits { cpu, ..REFERENCE }, OTHER_SAMPLES, WarmKind::Short)));
    plan.extend(OTHER_MEMORIES.map(|memory| (Limits { memory, ..REFERENCE }, MEMORY_SAMPLES, WarmKind::None)));
    plan
}

/// The memory sizes of AWS Lambda in the plan for it.
const LAMBDA_MEMORIES: [MemoryMib; 5] = [
    MemoryMib(128),
    MemoryMib(512),
    MemoryMib(1024),
    MemoryMib(1769),
    MemoryMib(3008),
];
/// The memory in MiB with which AWS Lambda gives one vCPU. Source: AWS Lambda Developer Guide, "Configure Lambda function
/// memory", read on 2026-11-30.
const LAMBDA_MIB_PER_VCPU: u32 = 1769;

/// A named plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The sizes of [`usual`], process-cold and under a flat limit.
    Usual,
    /// The sizes of AWS Lambda, with boosted init.
    Lambda,
    /// Both: all that a published profile has.
    Full,
}

impl Plan {
    /// All plans in order.
    pub const ALL: [Self; 3] = [Self::Usual, Self::Lambda, Self::Full];

    /// The name that flags use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Lambda => "lambda",
            Self::Full => "full",
        }
    }

    /// The configurations. `samples` is the number of cold starts of each, where it is not the plan's own.
    pub fn configs(self, samples: Option<u32>) -> Vec<Config> {
        let config = |cpu_mode: CpuMode| {
            move |(limits, own, warm_run): (Limits, u32, WarmKind)| Config {
                limits,
                cold_mode: ColdMode::ProcessCold,
                cpu_mode,
                samples: samples.unwrap_or(own),
                warm_run,
            }
        };
        let usual = || usual().into_iter().map(config(CpuMode::Flat));
        let lambda = || lambda().into_iter().map(config(CpuMode::BoostedInit));
        match self {
            Self::Usual => usual().collect(),
            Self::Lambda => lambda().collect(),
            Self::Full => usual().chain(lambda()).collect(),
        }
    }
}

impl FromStr for Plan {
    type Err = String;

    /// Parses the name.
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|plan| plan.name() == text);
        found.ok_or_else(|| {
            format!(
                "there is no plan `{text}`; there are: {}",
                Self::ALL.map(Self::name).join(", ")
            )
        })
    }
}

/// The sizes of AWS Lambda, each with the CPU that its memory buys. Every size has a warm run, since the CPU limit is another one
/// everywhere.
fn lambda() -> Vec<(Limits, u32, WarmKind)> {
    let cpu = |memory: MemoryMib| {
        let milli = f64::from(memory.0) * 1000.0 / f64::from(LAMBDA_MIB_PER_VCPU);
        MilliCpu(milli.round() as u32)
    };
    let limits = LAMBDA_MEMORIES.map(|memory| Limits {
        cpu: cpu(memory),
        memory,
    });
    limits.map(|limits| (limits, BOOSTED_SAMPLES, WarmKind::Short)).to_vec()
}

impl Config {
    /// The same limits for an instance that is loaded and not timed. Its cold mode makes no difference.
    pub fn warm(self) -> Self {
        Self {
            cold_mode: ColdMode::ProcessCold,
            ..self
        }
    }

    /// A label with CPU, memory, and the modes that are not the default, such as `0.5 vCPU, 512Mi, node-cold`.
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
    fn the_full_plan_has_the_sizes_of_lambda_as_the_simulator_asks_for_them() {
        let lambda = Plan::Lambda.configs(None);
        let sizes: Vec<(u32, u32)> = lambda
            .iter()
            .map(|config| (config.limits.cpu.0, config.limits.memory.0))
            .collect();
        assert_eq!(sizes, [(72, 128), (289, 512), (579, 1024), (1000, 1769), (1700, 3008)]);
        assert!(
            lambda
                .iter()
                .all(|config| config.cpu_mode == CpuMode::BoostedInit && config.samples == 20)
        );
        let full = Plan::Full.configs(None);
        assert_eq!(full.len(), usual().len() + lambda.len());
        assert!(
            full.iter()
                .any(|config| config.warm_run == WarmKind::Long && config.samples == 60)
        );
        assert!(Plan::Usual.configs(Some(7)).iter().all(|config| config.samples == 7));
        assert_eq!("full".parse(), Ok(Plan::Full));
        assert!("fast".parse::<Plan>().unwrap_err().contains("usual, lambda, full"));
    }

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
