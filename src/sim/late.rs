//! Why a request was late: every nanosecond between its arrival and its answer belongs to one class, and one cause is chosen by
//! what would have been enough. The rules: `docs/background/violations.md`.

use crate::units::{SimDuration, SimTime};

/// A reason for which time passes until a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// Its pod has no ready node.
    PendingNode,
    /// The image of its instance comes.
    Pull,
    /// The container or environment is created and started.
    Boot,
    /// The process starts until it is ready, or is restored.
    Init,
    /// The further cost of the first request of an instance.
    FirstRequest,
    /// The further cost of the next requests until code is warm.
    WarmUp,
    /// No slot is free although instances are up, or none is on its way.
    Queue,
    /// A limit turned an attempt away: until the next attempt.
    Throttle,
    /// The client waits between attempts.
    Backoff,
    /// Attempts that timed out or failed.
    LostAttempt,
    /// The time that the CPU limit adds to its own CPU time on a whole core.
    Quota,
    /// The time that other requests add that share the CPU.
    Contention,
    /// The declared wait.
    Io,
    /// Its CPU time on a whole core.
    Service,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 14] = [
        Self::PendingNode,
        Self::Pull,
        Self::Boot,
        Self::Init,
        Self::FirstRequest,
        Self::WarmUp,
        Self::Queue,
        Self::Throttle,
        Self::Backoff,
        Self::LostAttempt,
        Self::Quota,
        Self::Contention,
        Self::Io,
        Self::Service,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PendingNode => "pending-node",
            Self::Pull => "pull",
            Self::Boot => "boot",
            Self::Init => "init",
            Self::FirstRequest => "first-request",
            Self::WarmUp => "warm-up",
            Self::Queue => "queue",
            Self::Throttle => "throttle",
            Self::Backoff => "backoff",
            Self::LostAttempt => "lost-attempt",
            Self::Quota => "quota",
            Self::Contention => "contention",
            Self::Io => "io",
            Self::Service => "service",
        }
    }

    /// True if a setting can take it away; the work of the application itself stays.
    pub fn is_avoidable(self) -> bool {
        !matches!(self, Self::Io | Self::Service)
    }
}

/// The time of a request by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans([SimDuration; Class::ALL.len()]);

impl Spans {
    /// The time of a class.
    pub fn of(&self, class: Class) -> SimDuration {
        self.0[class as usize]
    }

    /// Adds time to a class.
    pub(crate) fn add(&mut self, class: Class, time: SimDuration) {
        self.0[class as usize] += time;
    }

    /// Adds as much of `left` to a class as `time` says, and takes it from `left`. So classes never add up to more than there is.
    pub(crate) fn take(&mut self, class: Class, time: SimDuration, left: &mut SimDuration) {
        let time = time.min(*left);
        *left = left.saturating_sub(time);
        self.add(class, time);
    }

    /// The sum of all classes.
    pub fn total(&self) -> SimDuration {
        self.0.iter().fold(SimDuration::ZERO, |sum, time| sum + *time)
    }

    /// The cause of a latency beyond `limit`.
    pub fn cause(&self, limit: SimDuration) -> Cause {
        let total = self.total();
        if self.of(Class::Service) + self.of(Class::Io) > limit {
            return Cause::Intrinsic;
        }
        let avoidable = || Class::ALL.into_iter().filter(|class| class.is_avoidable());
        let enough = avoidable().filter(|&class| total.saturating_sub(self.of(class)) <= limit);
        // Of several that would be enough the largest; of equal ones the first.
        let largest = enough.reduce(|best, class| if self.of(class) > self.of(best) { class } else { best });
        largest.map_or(Cause::Combined, Cause::Class)
    }

    /// The classes each of which alone would have been enough to keep `limit`.
    pub fn pivotal(&self, limit: SimDuration) -> impl Iterator<Item = Class> {
        let total = self.total();
        let spans = *self;
        let avoidable = Class::ALL.into_iter().filter(|class| class.is_avoidable());
        avoidable.filter(move |&class| {
            let time = spans.of(class);
            time > SimDuration::ZERO && total.saturating_sub(time) <= limit
        })
    }

    /// The time of all classes that a setting can take away.
    pub fn avoidable(&self) -> SimDuration {
        let avoidable = Class::ALL.into_iter().filter(|class| class.is_avoidable());
        avoidable.fold(SimDuration::ZERO, |sum, class| sum + self.of(class))
    }
}

/// The cause of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// One class: without it the request would have been in time. Of several such classes the largest.
    Class(Class),
    /// No class alone: only several together.
    Combined,
    /// The work itself takes longer than the promise: no setting helps.
    Intrinsic,
}

impl Cause {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class(class) => class.name(),
            Self::Combined => "combined",
            Self::Intrinsic => "intrinsic",
        }
    }
}

/// The instants at which an instance passed from one phase of its start to the next, in order; never for those to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamps {
    /// It was asked for.
    pub(crate) created: SimTime,
    /// It had a ready node, or a place.
    pub(crate) placed: SimTime,
    /// Its image was there.
    pub(crate) pulled: SimTime,
    /// Its process began.
    pub(crate) booted: SimTime,
    /// It was ready.
    pub(crate) ready: SimTime,
}

impl Stamps {
    /// An instance that is asked for at `now` and is ready at once, or whose start takes `sandbox` before its process begins. A place
    /// and an image that it must wait for are noted later.
    pub(crate) fn new(now: SimTime, sandbox: Option<SimDuration>, waits: bool) -> Self {
        let never = |unless: bool, at: SimTime| if unless { at } else { SimTime::NEVER };
        let placed = never(!waits, now);
        Self {
            created: now,
            placed,
            pulled: placed,
            booted: never(!waits, now + sandbox.unwrap_or_default()),
            ready: never(sandbox.is_none(), now),
        }
    }

    /// Notes that it has a place now, waits `after` for its image, and then takes `sandbox` until its process begins.
    pub(crate) fn begins(&mut self, now: SimTime, after: SimDuration, sandbox: SimDuration) {
        self.placed = now;
        self.pulled = now + after;
        self.booted = self.pulled + sandbox;
    }

    /// Notes that it is ready.
    pub(crate) fn up(&mut self, now: SimTime) {
        *self = Self {
            placed: self.placed.min(now),
            pulled: self.pulled.min(now),
            booted: self.booted.min(now),
            ready: now,
            ..*self
        };
    }

    /// Adds a wait from `begin` to `end` on this instance: its overlap with each phase of the start, and the rest as a wait in a queue.
    pub(crate) fn wait(&self, begin: SimTime, end: SimTime, spans: &mut Spans) {
        let phases = [
            (Class::PendingNode, self.created, self.placed),
            (Class::Pull, self.placed, self.pulled),
            (Class::Boot, self.pulled, self.booted),
            (Class::Init, self.booted, self.ready),
        ];
        let mut left = end.since(begin);
        for (class, from, to) in phases {
            let overlap = to.min(end).since(from.max(begin));
            spans.take(class, overlap, &mut left);
        }
        spans.add(Class::Queue, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> SimDuration {
        SimDuration::from_millis(ms)
    }

    fn at(t: u64) -> SimTime {
        SimTime::ZERO + ms(t)
    }

    fn spans(each: &[(Class, u64)]) -> Spans {
        let mut spans = Spans::default();
        each.iter().for_each(|&(class, time)| spans.add(class, ms(time)));
        spans
    }

    #[test]
    fn the_class_that_would_have_been_enough_is_the_cause() {
        let limit = ms(300);
        let cold = spans(&[(Class::Boot, 100), (Class::Init, 5_000), (Class::Service, 50)]);
        assert_eq!(cold.cause(limit), Cause::Class(Class::Init));
        assert_eq!(cold.pivotal(limit).collect::<Vec<_>>(), [Class::Init]);
        // Both alone would do; the larger one is named.
        let either = spans(&[(Class::Boot, 200), (Class::Init, 150), (Class::Service, 50)]);
        assert_eq!(either.cause(limit), Cause::Class(Class::Boot));
        assert_eq!(either.pivotal(limit).count(), 2);
        let both = spans(&[(Class::Boot, 400), (Class::Init, 400), (Class::Service, 50)]);
        assert_eq!((both.cause(limit), both.pivotal(limit).count()), (Cause::Combined, 0));
        let long = spans(&[(Class::Init, 400), (Class::Service, 200), (Class::Io, 101)]);
        assert_eq!(long.cause(limit), Cause::Intrinsic);
        assert_eq!(long.avoidable(), ms(400));
    }

    #[test]
    fn a_wait_is_charged_the_overlap_with_each_phase() {
        let stamps = Stamps {
            created: at(100),
            placed: at(200),
            pulled: at(250),
            booted: at(300),
            ready: at(900),
        };
        let of = |begin: u64, end: u64| {
            let mut spans = Spans::default();
            stamps.wait(at(begin), at(end), &mut spans);
            assert_eq!(spans.total(), ms(end - begin));
            let classes = [Class::PendingNode, Class::Pull, Class::Boot, Class::Init, Class::Queue];
            classes.map(|class| spans.of(class).0 / 1_000_000)
        };
        // From before its creation until after its start; one that joins late; one that comes when it is up.
        assert_eq!(of(50, 1_000), [100, 50, 50, 600, 150]);
        assert_eq!(of(600, 900), [0, 0, 0, 300, 0]);
        assert_eq!(of(950, 960), [0, 0, 0, 0, 10]);
        let waits = Stamps {
            placed: SimTime::NEVER,
            pulled: SimTime::NEVER,
            booted: SimTime::NEVER,
            ready: SimTime::NEVER,
            ..stamps
        };
        let mut spans = Spans::default();
        waits.wait(at(0), at(300), &mut spans);
        assert_eq!(
            (spans.of(Class::PendingNode), spans.of(Class::Queue)),
            (ms(200), ms(100))
        );
    }
}
