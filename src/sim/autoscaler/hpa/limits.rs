//! From a stabilised recommendation to what is allowed: fewest and most replicas, and how much may change at a time.

use super::behavior::{Behavior, HpaRules, PolicyKind, Select};
use crate::units::SimTime;

/// The rule that decided about the number: the reason of the condition `ScalingLimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// None: it is the desired number.
    DesiredWithinRange,
    /// The fewest replicas.
    TooFewReplicas,
    /// The most replicas.
    TooManyReplicas,
    /// The limit of scaling up.
    ScaleUpLimit,
    /// The limit of scaling down.
    ScaleDownLimit,
}

impl Condition {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::DesiredWithinRange => "DesiredWithinRange",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::TooManyReplicas => "TooManyReplicas",
            Self::ScaleUpLimit => "ScaleUpLimit",
            Self::ScaleDownLimit => "ScaleDownLimit",
        }
    }
}

/// Replicas, and the rule that decided about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Replicas.
    pub replicas: u32,
    /// The rule that decided.
    pub condition: Condition,
}

/// A change of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleEvent {
    /// When.
    pub at: SimTime,
    /// Replicas that came or went.
    pub change: u32,
}

/// Without `behavior`: at most twice as many replicas as now, or four.
pub fn limited(desired: u32, current: u32, (min, max): (u32, u32)) -> Limited {
    let doubled = current.saturating_mul(2).max(4);
    let (most, above) = if max > doubled {
        (doubled, Condition::ScaleUpLimit)
    } else {
        (max, Condition::TooManyReplicas)
    };
    let (replicas, condition) = if desired < min {
        (min, Condition::TooFewReplicas)
    } else if desired > most {
        (most, above)
    } else {
        (desired, Condition::DesiredWithinRange)
    };
    Limited { replicas, condition }
}

/// With `behavior`: what its policies allow after the changes `ups` and `downs` of the past.
pub fn rate_limited(
    desired: u32,
    current: u32,
    (min, max): (u32, u32),
    behavior: &Behavior,
    (ups, downs): (&[ScaleEvent], &[ScaleEvent]),
    now: SimTime,
) -> Limited {
    let as_wanted = Limited {
        replicas: desired,
        condition: Condition::DesiredWithinRange,
    };
    if desired > current {
        let limit = allowed(&behavior.up, current, true, (ups, downs), now).max(current);
        let (most, condition) = if max > limit {
            (limit, Condition::ScaleUpLimit)
        } else {
            (max, Condition::TooManyReplicas)
        };
        if desired > most {
            return Limited {
                replicas: most,
                condition,
            };
        }
    } else if desired < current {
        let limit = allowed(&behavior.down, current, false, (ups, downs), now).min(current);
        let (least, condition) = if min < limit {
            (limit, Condition::ScaleDownLimit)
        } else {
            (min, Condition::TooFewReplicas)
        };
        if desired < least {
            return Limited {
                replicas: least,
                condition,
            };
        }
    }
    as_wanted
}

/// The farthest number of replicas that the policies of a direction allow.
fn allowed(
    rules: &HpaRules,
    current: u32,
    up: bool,
    (ups, downs): (&[ScaleEvent], &[ScaleEvent]),
    now: SimTime,
) -> u32 {
    let limits = rules.policies.iter().map(|policy| {
        let within = |events: &[ScaleEvent]| -> i64 {
            let recent = events.iter().filter(|event| event.at + policy.period > now);
            recent.map(|event| i64::from(event.change)).sum()
        };
        let start = i64::from(current) - within(ups) + within(downs);
        let value = i64::from(policy.value);
        match (policy.kind, up) {
            (PolicyKind::Pods, true) => start + value,
            (PolicyKind::Pods, false) => start - value,
            (PolicyKind::Percent, true) => (start as f64 * (1.0 + value as f64 / 100.0)).ceil() as i64,
            (PolicyKind::Percent, false) => (start as f64 * (1.0 - value as f64 / 100.0)).trunc() as i64,
        }
    });
    let limit = match (rules.select, up) {
        (Select::Disabled, _) => None,
        (Select::Max, true) | (Select::Min, false) => limits.max(),
        (Select::Min, true) | (Select::Max, false) => limits.min(),
    };
    limit.map_or(current, |limit| limit.clamp(0, i64::from(u32::MAX)) as u32)
}

#[cfg(test)]
mod tests {
    use super::super::behavior::HpaPolicy;
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn a_disabled_direction_stays_where_it_is() {
        let mut behavior = Behavior::default();
        behavior.down.select = Select::Disabled;
        let limited = rate_limited(1, 7, (1, 10), &behavior, (&[], &[]), SimTime::ZERO);
        assert_eq!((limited.replicas, limited.condition), (7, Condition::ScaleDownLimit));
    }

    #[test]
    fn a_change_counts_until_its_period_is_over() {
        let mut behavior = Behavior::default();
        behavior.up.policies = vec![HpaPolicy {
            kind: PolicyKind::Pods,
            value: 3,
            period: SimDuration::from_secs(60),
        }];
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        let event = [ScaleEvent { at: at(100), change: 2 }];
        let now = |seconds| rate_limited(50, 12, (1, 100), &behavior, (&event, &[]), at(seconds)).replicas;
        // Ten at the beginning of the period, three more; then twelve and three more.
        assert_eq!((now(159), now(160)), (13, 15));
    }

    #[test]
    fn without_behavior_replicas_double_at_most() {
        for (desired, current, replicas, condition) in [
            (9, 1, 4, Condition::ScaleUpLimit),
            (9, 3, 6, Condition::ScaleUpLimit),
            (9, 5, 9, Condition::DesiredWithinRange),
            (200, 60, 100, Condition::TooManyReplicas),
            (0, 3, 1, Condition::TooFewReplicas),
        ] {
            let limited = limited(desired, current, (1, 100));
            assert_eq!((limited.replicas, limited.condition), (replicas, condition));
        }
    }
}
