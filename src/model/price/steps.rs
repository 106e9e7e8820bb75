//! The rules by which a service rounds: `[billing.steps.<service>]` of a price list. They are data because vendors change
//! them.

use serde::Deserialize;

use crate::units::{MemoryMib, SimDuration};

const NS_PER_MS: u64 = 1_000_000;

/// Rounding of durations, and of memory if the service bills observed memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// Durations are rounded up to a multiple of this: whole milliseconds, at least one.
    pub step: SimDuration,
    /// Least billed duration, whole milliseconds.
    pub minimum: SimDuration,
    /// Observed memory is rounded up to a multiple of this, at least one; `None`: the configured memory is billed.
    pub memory_step: Option<MemoryMib>,
    /// Ids of the sources.
    pub source: Vec<String>,
}

impl Steps {
    /// Milliseconds that are billed for a duration: rounded up to the next step, and at least the minimum.
    pub fn billed_ms(&self, duration: SimDuration) -> u64 {
        self.rounded_ms(duration).max(self.minimum.0 / NS_PER_MS)
    }

    /// Milliseconds rounded up to the next step, without the minimum.
    pub fn rounded_ms(&self, duration: SimDuration) -> u64 {
        duration.0.div_ceil(self.step.0) * (self.step.0 / NS_PER_MS)
    }

    /// MiB that are billed for an observed mean of so many bytes. Without a memory step they are whole MiB.
    pub fn billed_mib(&self, bytes: f64) -> u64 {
        let step = u64::from(self.memory_step.map_or(1, |step| step.0));
        let mib = (bytes / 1_048_576.0).ceil().max(1.0) as u64;
        mib.next_multiple_of(step)
    }
}

/// The table in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSteps {
    step: SimDuration,
    minimum: SimDuration,
    memory_step: Option<MemoryMib>,
    pub(super) source: Vec<String>,
}

impl RawSteps {
    /// Returns the rules, or all problems.
    pub(super) fn check(self) -> Result<Steps, Vec<String>> {
        let mut problems = Vec::new();
        let whole_ms = |d: SimDuration| d.0.is_multiple_of(NS_PER_MS);
        if self.step == SimDuration::ZERO || !whole_ms(self.step) {
            problems.push("step must be whole milliseconds, at least 1ms".to_string());
        }
        if !whole_ms(self.minimum) {
            problems.push("minimum must be whole milliseconds".to_string());
        }
        if self.memory_step == Some(MemoryMib(0)) {
            problems.push("memory-step must be at least 1Mi".to_string());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Steps {
            step: self.step,
            minimum: self.minimum,
            memory_step: self.memory_step,
            source: self.source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(step: u64, minimum: u64, memory: Option<u32>) -> Steps {
        Steps {
            step: SimDuration::from_millis(step),
            minimum: SimDuration::from_millis(minimum),
            memory_step: memory.map(MemoryMib),
            source: Vec::new(),
        }
    }

    #[test]
    fn durations_go_up_to_the_step_and_to_the_minimum() {
        for (step, minimum, ns, billed) in [
            (100, 0, 0, 0),
            (100, 0, 1, 100),
            (100, 0, 100_000_000, 100),
            (100, 0, 100_000_001, 200),
            (1, 100, 1, 100),
            (1, 100, 100_000_001, 101),
            (100, 1000, 1, 1000),
            (100, 1000, 1_000_000_001, 1100),
            (100, 60_000, 59_000_000_000, 60_000),
        ] {
            let rules = steps(step, minimum, None);
            assert_eq!(rules.billed_ms(SimDuration(ns)), billed, "{step} {minimum} {ns}");
        }
    }

    /// 490 MB become 512 (infracost, test output of function_app_test, 2024-07-01).
    #[test]
    fn memory_goes_up_to_the_step() {
        let rules = steps(1, 100, Some(128));
        for (mib, billed) in [(0.0, 128), (1.0, 128), (128.0, 128), (128.5, 256), (490.0, 512)] {
            assert_eq!(rules.billed_mib(mib * 1_048_576.0), billed, "{mib}");
        }
        assert_eq!(steps(1, 100, None).billed_mib(1_048_577.0), 2);
    }
}
