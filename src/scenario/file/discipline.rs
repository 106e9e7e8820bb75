//! `instance.discipline`: the order in which a server serves requests that meet on one core.

use serde::Deserialize;

use crate::sim::setup::Discipline;
use crate::stats::service_order::Order;
use crate::units::SimDuration;

/// The slice after which the Linux scheduler turns to another process of the same weight.
const KERNEL_SLICE: SimDuration = SimDuration::from_millis(3);
/// The turn up to which requests are as good as served all at once.
const SHORT: SimDuration = SimDuration::from_millis(1);

/// `instance.discipline`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DisciplineSpec {
    /// Worker processes with connections of their own; each request belongs to one of them.
    #[serde(default = "one")]
    pub queues: u32,
    /// Requests that a worker serves at a time, the others wait in order of arrival; default: all of them.
    pub at_a_time: Option<u32>,
    /// CPU time after which the core goes to the next worker process.
    #[serde(default = "kernel_slice")]
    pub slice: SimDuration,
    /// CPU time after which a worker turns to its next request; default: so short that all advance at the same speed.
    pub turn: Option<SimDuration>,
}

fn one() -> u32 {
    1
}

fn kernel_slice() -> SimDuration {
    KERNEL_SLICE
}

/// The order of service as the simulator takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    /// So many requests hold the CPU at a time, each until it is done with it.
    InOrder(u32),
    /// All share the CPU equally.
    Shared,
    /// In turns on one core.
    InTurns(Discipline),
}

impl DisciplineSpec {
    /// The problem; `None` if there is none.
    pub(super) fn problem(&self) -> Option<String> {
        let zero = |name: &str| Some(format!("`instance.discipline.{name}` must be above 0"));
        match self {
            Self { queues: 0, .. } => zero("queues"),
            Self { at_a_time: Some(0), .. } => zero("at-a-time"),
            Self {
                slice: SimDuration::ZERO,
                ..
            } => zero("slice"),
            Self {
                turn: Some(SimDuration::ZERO),
                ..
            } => zero("turn"),
            _ => None,
        }
    }

    /// The order of service on `cores` cores: turns are known for one core alone.
    pub(super) fn on(&self, cores: u32) -> Served {
        let shared = self.at_a_time.is_none() && self.turn.is_none_or(|turn| turn <= SHORT);
        match (self.queues, self.at_a_time) {
            (1, Some(most)) if cores > 1 || most == 1 => Served::InOrder(most.max(cores)),
            (1, None) if shared => Served::Shared,
            _ if cores > 1 => Served::Shared,
            (queues, at_a_time) => Served::InTurns(Discipline {
                queues,
                at_a_time,
                slice: self.slice,
                turn: self.turn.unwrap_or(SHORT),
            }),
        }
    }
}

impl From<Order> for DisciplineSpec {
    fn from(order: Order) -> Self {
        let ms = |ms: f64, default: Option<SimDuration>| match ms.is_finite() {
            true => Some(SimDuration::from_millis_f64(ms)),
            false => default,
        };
        Self {
            queues: order.workers,
            at_a_time: order.at_a_time,
            slice: ms(order.slice_ms, Some(KERNEL_SLICE)).unwrap_or(KERNEL_SLICE),
            turn: ms(order.turn_ms, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> DisciplineSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn first_come_first_served_and_sharing_are_special_cases() {
        assert_eq!(spec("at-a-time = 1").on(1), Served::InOrder(1));
        assert_eq!(DisciplineSpec::from(Order::FIFO).on(1), Served::InOrder(1));
        // Go runs as many goroutines at a time as it has cores.
        assert_eq!(DisciplineSpec::from(Order::FIFO).on(2), Served::InOrder(2));
        assert_eq!(spec("").on(1), Served::Shared);
        assert_eq!(DisciplineSpec::from(Order::SHARING).on(1), Served::Shared);
        let workers = spec("queues = 2\nturn = '5ms'");
        let Served::InTurns(turns) = workers.on(1) else {
            panic!("{workers:?}")
        };
        assert_eq!(
            (turns.queues, turns.at_a_time, turns.slice.0, turns.turn.0),
            (2, None, 3_000_000, 5_000_000)
        );
        assert_eq!(workers.on(2), Served::Shared);
        assert!(matches!(spec("turn = '5ms'").on(1), Served::InTurns(_)));
    }

    #[test]
    fn zeros_are_refused() {
        for (text, key) in [
            ("queues = 0", "queues"),
            ("at-a-time = 0", "at-a-time"),
            ("slice = '0s'", "slice"),
            ("turn = '0s'", "turn"),
        ] {
            assert!(spec(text).problem().unwrap().contains(key));
        }
        assert_eq!(spec("").problem(), None);
    }
}
