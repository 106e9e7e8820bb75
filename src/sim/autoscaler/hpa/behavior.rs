//! `spec.behavior`: how fast replicas may come and go.

use crate::units::SimDuration;

/// What a policy's value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// So many pods.
    Pods,
    /// So many percent of the replicas at the beginning of the period.
    Percent,
}

/// At most so much change in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HpaPolicy {
    /// What `value` means.
    pub kind: PolicyKind,
    /// Most change.
    pub value: u32,
    /// In this time.
    pub period: SimDuration,
}

/// Which of several policies holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// Rules of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HpaRules {
    /// Recommendations of so long are looked at before a change.
    pub window: SimDuration,
    /// Which policy holds.
    pub select: Select,
    /// The policies.
    pub policies: Vec<HpaPolicy>,
}

/// Rules of both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    /// Upwards.
    pub up: HpaRules,
    /// Downwards.
    pub down: HpaRules,
}

const PERIOD: SimDuration = SimDuration::from_secs(15);

impl HpaRules {
    /// What holds upwards unless something else is said.
    pub fn up() -> Self {
        let policy = |kind, value| HpaPolicy {
            kind,
            value,
            period: PERIOD,
        };
        Self {
            window: SimDuration::ZERO,
            select: Select::Max,
            policies: vec![policy(PolicyKind::Pods, 4), policy(PolicyKind::Percent, 100)],
        }
    }

    /// What holds downwards unless something else is said.
    pub fn down() -> Self {
        Self {
            window: SimDuration::from_secs(300),
            select: Select::Max,
            policies: vec![HpaPolicy {
                kind: PolicyKind::Percent,
                value: 100,
                period: PERIOD,
            }],
        }
    }

    /// The longest period of its policies.
    pub(super) fn longest(&self) -> SimDuration {
        let periods = self.policies.iter().map(|policy| policy.period);
        periods.max().unwrap_or(SimDuration::ZERO)
    }
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            up: HpaRules::up(),
            down: HpaRules::down(),
        }
    }
}
