//! A warmer: somebody sends requests to a function at a period, so many at once that they find as many environments, which
//! then do not end for want of use.

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::units::{SimDuration, SimTime};

/// `[platform.lambda.warmer]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Warmer {
    /// Period.
    pub every: SimDuration,
    /// Environments to be kept of each function: requests sent at once.
    pub environments: u32,
    /// How long each request holds its environment, so that the others find other ones.
    #[serde(default = "hundred_ms")]
    pub hold: SimDuration,
}

fn hundred_ms() -> SimDuration {
    SimDuration::from_millis(100)
}

impl Warmer {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.every < SimDuration::from_secs(1) {
            problems.push("`warmer.every` must be at least 1s".into());
        }
        if self.environments == 0 {
            problems.push("`warmer.environments` must be at least 1; leave `warmer` out for none".into());
        }
        if self.hold == SimDuration::ZERO {
            problems
                .push("`warmer.hold` must be above 0, or all requests of a warmer find the same environment".into());
        }
        problems
    }

    pub(super) fn assumption(&self) -> Assumption {
        Topic::Traffic.large(format!(
            "every {} somebody sends {} requests at once to each function, which hold their environments for {}, are billed and \
             count in no statistic",
            self.every, self.environments, self.hold
        ))
    }
}

/// The state of a warmer of one function.
#[derive(Debug)]
pub(super) struct Pings {
    warmer: Warmer,
    next: SimTime,
}

impl Pings {
    pub(super) fn new(warmer: Warmer) -> Self {
        Self {
            warmer,
            next: SimTime::ZERO,
        }
    }

    /// Requests that are due, and how long each holds its environment.
    pub(super) fn due(&mut self, now: SimTime) -> Option<(u32, SimDuration)> {
        if now < self.next {
            return None;
        }
        let missed = now.since(self.next).0 / self.warmer.every.0;
        self.next = self.next + SimDuration((missed + 1) * self.warmer.every.0);
        Some((self.warmer.environments, self.warmer.hold))
    }
}
