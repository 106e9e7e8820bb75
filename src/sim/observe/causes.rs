//! Why requests violated the latency promise: counts by cause, and the time that each cause took.

use std::collections::BTreeMap;

use crate::sim::fact::Reject;
use crate::sim::late::{Cause, Class, Spans};
use crate::stats::histogram::Histogram;
use crate::units::SimDuration;

/// The reason of one violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Why {
    /// It was answered too late.
    Late(Cause),
    /// It was turned away.
    Rejected(Reject),
    /// It exceeded a timeout.
    TimedOut,
    /// Its instance was killed.
    Failed,
}

impl Why {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Late(cause) => cause.name(),
            Self::Rejected(reason) => reason.name(),
            Self::TimedOut => "timed-out",
            Self::Failed => "failed",
        }
    }
}

/// The violations of one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of violations.
    pub violations: u64,
    /// The nanoseconds that the cause took of each; none for requests without an answer.
    pub time: Histogram,
}

/// The violations of a service by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Causes {
    /// By cause; together all violations.
    pub by_cause: BTreeMap<Why, Tally>,
    /// Violations that would be gone without a class, which may be several for one of them.
    pub pivotal: BTreeMap<Class, u64>,
    /// The nanoseconds by class over all violations with an answer.
    pub time: BTreeMap<Class, u128>,
}

impl Causes {
    /// Counts an answer that came too late.
    pub(super) fn late(&mut self, spans: &Spans, limit: SimDuration) {
        let cause = spans.cause(limit);
        let took = match cause {
            Cause::Class(class) => spans.of(class),
            Cause::Combined => spans.avoidable(),
            Cause::Intrinsic => spans.total().saturating_sub(limit),
        };
        let tally = self.by_cause.entry(Why::Late(cause)).or_default();
        tally.violations += 1;
        tally.time.record(took.0);
        for class in spans.pivotal(limit) {
            *self.pivotal.entry(class).or_default() += 1;
        }
        for class in Class::ALL {
            let time = u128::from(spans.of(class).0);
            if time > 0 {
                *self.time.entry(class).or_default() += time;
            }
        }
    }

    /// Counts a request without an answer.
    pub(super) fn lost(&mut self, why: Why) {
        self.by_cause.entry(why).or_default().violations += 1;
    }

    /// The number of all violations.
    pub fn violations(&self) -> u64 {
        self.by_cause.values().map(|tally| tally.violations).sum()
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (why, tally) in &other.by_cause {
            let own = self.by_cause.entry(*why).or_default();
            own.violations += tally.violations;
            own.time.merge(&tally.time);
        }
        for (class, count) in &other.pivotal {
            *self.pivotal.entry(*class).or_default() += count;
        }
        for (class, time) in &other.time {
            *self.time.entry(*class).or_default() += time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_add_up_and_merge() {
        let ms = SimDuration::from_millis;
        let mut spans = Spans::default();
        spans.add(Class::Init, ms(500));
        spans.add(Class::Service, ms(10));
        let mut causes = Causes::default();
        (0..3).for_each(|_| causes.late(&spans, ms(100)));
        causes.lost(Why::TimedOut);
        causes.lost(Why::Rejected(Reject::QueueFull));
        let mut both = causes.clone();
        both.merge(&causes);
        assert_eq!((causes.violations(), both.violations()), (5, 10));
        let init = &both.by_cause[&Why::Late(Cause::Class(Class::Init))];
        assert_eq!(
            (init.violations, both.pivotal[&Class::Init], both.time[&Class::Service]),
            (6, 6, 60_000_000)
        );
        assert!((init.time.quantile(0.5).unwrap() as f64 / 5e8 - 1.0).abs() < 0.01);
        let names: Vec<&str> = both.by_cause.keys().map(|why| why.name()).collect();
        assert_eq!(names, ["init", "queue-full", "timed-out"]);
    }
}
