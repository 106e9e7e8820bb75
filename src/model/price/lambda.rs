//! The rules by which AWS Lambda bills an invocation: `[billing.lambda]` of a price list. They are data because the vendor
//! changes them on a date. "MB" means 1024 x 1024 bytes.

use jiff::civil::Date;
use serde::Deserialize;

use super::date::parse_day;
use crate::units::{MemoryMib, SimDuration};

/// The direction of rounding to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Up to the next step.
    Ceil,
}

/// The rules for rounding, the minimum, the initialisation and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LambdaRules {
    /// Billed time is a multiple of this: whole milliseconds, at least one.
    pub rounding_step: SimDuration,
    /// Direction of rounding.
    pub rounding: Rounding,
    /// Least billed time of an invocation, whole milliseconds.
    pub minimum: SimDuration,
    /// The day from which the initialisation of zip packages on managed runtimes is billed.
    pub init_billed_from: Date,
    /// MB in the GB of a GB-second.
    pub mb_per_gb: u32,
    /// MB of memory that come with one vCPU.
    pub mb_per_vcpu: u32,
    /// Smallest memory setting.
    pub memory_min: MemoryMib,
    /// Largest memory setting.
    pub memory_max: MemoryMib,
    /// Step between memory settings.
    pub memory_step: MemoryMib,
    /// Ephemeral storage of a function that is not billed.
    pub free_ephemeral_storage: MemoryMib,
    /// Ids of the sources.
    pub source: Vec<String>,
}

impl LambdaRules {
    /// True if the initialisation of a zip package on a managed runtime is billed on a day. That of container images and
    /// custom runtimes is always billed.
    pub fn bills_init(&self, on: Date) -> bool {
        on >= self.init_billed_from
    }

    /// True if Lambda offers this memory size.
    pub fn offers(&self, memory: MemoryMib) -> bool {
        (self.memory_min..=self.memory_max).contains(&memory)
            && (memory.0 - self.memory_min.0).is_multiple_of(self.memory_step.0)
    }
}

/// The table in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawLambda {
    rounding_step: SimDuration,
    rounding: Rounding,
    minimum: SimDuration,
    init_billed_from: String,
    mb_per_gb: u32,
    mb_per_vcpu: u32,
    memory_min: MemoryMib,
    memory_max: MemoryMib,
    memory_step: MemoryMib,
    free_ephemeral_storage: MemoryMib,
    pub(super) source: Vec<String>,
}

impl RawLambda {
    /// Returns the rules, or all problems.
    pub(super) fn check(self) -> Result<LambdaRules, Vec<String>> {
        let mut problems = Vec::new();
        let whole_ms = |d: SimDuration| d.0.is_multiple_of(1_000_000);
        if self.rounding_step == SimDuration::ZERO || !whole_ms(self.rounding_step) {
            problems.push("rounding-step must be whole milliseconds, at least 1ms".to_string());
        }
        if !whole_ms(self.minimum) {
            problems.push("minimum must be whole milliseconds".to_string());
        }
        if self.mb_per_gb == 0 || self.mb_per_vcpu == 0 {
            problems.push("mb-per-gb and mb-per-vcpu must be at least 1".to_string());
        }
        if self.memory_step.0 == 0 || self.memory_min > self.memory_max {
            problems.push("memory-min must not be above memory-max, and memory-step must be at least 1MB".to_string());
        }
        let day = parse_day(&self.init_billed_from);
        if day.is_none() {
            problems.push(format!("init-billed-from = `{}` is not a day", self.init_billed_from));
        }
        match day {
            Some(init_billed_from) if problems.is_empty() => Ok(LambdaRules {
                rounding_step: self.rounding_step,
                rounding: self.rounding,
                minimum: self.minimum,
                init_billed_from,
                mb_per_gb: self.mb_per_gb,
                mb_per_vcpu: self.mb_per_vcpu,
                memory_min: self.memory_min,
                memory_max: self.memory_max,
                memory_step: self.memory_step,
                free_ephemeral_storage: self.free_ephemeral_storage,
                source: self.source,
            }),
            _ => Err(problems),
        }
    }
}
