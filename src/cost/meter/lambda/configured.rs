//! Provisioned concurrency over time.

use std::collections::BTreeMap;

use crate::units::SimTime;

/// Nanoseconds of a step of provisioned concurrency, which is billed in whole steps while it is enabled. Source: AWS Lambda
/// pricing page.
const PROVISIONED_STEP: u64 = 300_000_000_000;

/// The provisioned concurrency that is configured for the functions of a service.
#[derive(Debug, Clone, Default)]
pub(super) struct Configured {
    /// Environments and the time since which there are any, by function.
    functions: BTreeMap<u32, (u32, SimTime)>,
    /// The environments of all functions.
    environments: u64,
    /// The time up to which they are counted.
    since: SimTime,
}

impl Configured {
    /// Environment-milliseconds since the last call. The time before `warm_up` does not count.
    pub(super) fn pass(&mut self, at: SimTime, warm_up: SimTime) -> u64 {
        let time = at.max(warm_up).since(self.since.max(warm_up));
        self.since = at;
        self.environments * (time.0 / 1_000_000)
    }

    /// Sets the environments of a function from `at` on. Returns the environment-milliseconds by which the last step is rounded up
    /// if there are none any more.
    pub(super) fn change(&mut self, function: u32, at: SimTime, environments: u32) -> u64 {
        let (before, enabled) = self.functions.insert(function, (environments, at)).unwrap_or((0, at));
        self.environments = self.environments - u64::from(before) + u64::from(environments);
        if environments > 0 {
            if before > 0 {
                self.functions.insert(function, (environments, enabled));
            }
            return 0;
        }
        let time = at.since(enabled).0;
        u64::from(before) * ((time.next_multiple_of(PROVISIONED_STEP) - time) / 1_000_000)
    }
}
