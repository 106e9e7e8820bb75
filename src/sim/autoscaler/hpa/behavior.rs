//! `spec.behavior`: limits of the speed of scaling.

use crate::units::SimDuration;

/// The unit of a policy's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// A number of pods.
    Pods,
    /// A percentage of the replicas at the beginning of the period.
    Percent,
}

/// The most change in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HpaPolicy {
    /// Unit of `value`.
    pub kind: PolicyKind,
    /// Most change.
    pub value: u32,
    /// The period.
    pub period: SimDuration,
}

/// The rule that chooses one of several policies.
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
    /// Stabilisation window: recommendations of this time hold a change back.
    pub window: SimDuration,
    /// The choice among several policies.
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
    /// The API's defaults upwards.
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

    /// The API's defaults downwards.
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
