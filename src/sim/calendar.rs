//! The calendar of future events.
//!
//! The order at one instant:
//! 1. Completions, in the order in which the requests came to their instances.
//! 2. Timers, by kind in the order of [`Timer`]: CPU time that is used up, cut-offs, readiness, failed liveness, the end of
//!    a CPU boost, expiry, the end of a drain, timeouts in the queue, the platform's own actions, and last what clients do.
//!    Timers of one kind come by the age of their subject.
//! 3. Arrivals, which the engine takes from their source.
//!
//! Completions, one for each request, have a small heap of their own. The rare timers have another one. Cancelling costs
//! nothing: a timer carries the number of its subject and is ignored if it is stale.

use std::cmp::{Ordering, Reverse};

use dary_heap::QuaternaryHeap;

use crate::units::SimTime;

/// A timer's subject. The number orders timers of one kind at the same time. It comes from the model, not from slots, which
/// are used again, and not from the moment at which the timer was set, which may change for speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A request may have had its CPU time.
    Cpu {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// A request may exceed the platform's timeout.
    CutOff {
        /// Creation number of its instance within the run.
        number: u64,
        /// How many requests of its function arrived before it.
        index: u64,
        /// Its slot when the timer was set.
        request: u32,
    },
    /// An instance is ready to serve.
    Ready {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot.
        instance: u32,
    },
    /// An instance that has not become ready in time is killed.
    NotAlive {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// The CPU boost of an instance ends.
    Boosted {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// An instance may have reached the end of its idle time.
    Expiry {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// An instance that drains may end.
    Drained {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// A request may exceed its timeout in the queue.
    GiveUp {
        /// Number of the wait within the run.
        number: u64,
        /// Position of its service.
        service: u16,
        /// Number of its function within the service.
        function: u32,
    },
    /// The platform may want to act.
    Control,
    /// The platform looks at a function.
    Tick {
        /// Position of its service.
        service: u16,
        /// Number of the function within the service.
        function: u32,
    },
    /// An instance is to be started if no request has come meanwhile.
    Rewarm {
        /// Position of its service.
        service: u16,
        /// Number of the function within the service.
        function: u32,
        /// Requests of the function when the timer was set.
        arrivals: u64,
    },
    /// An attempt may exceed the client's timeout.
    ClientTimeout {
        /// Number of the attempt within the run.
        number: u64,
        /// Slot of its call when the timer was set.
        call: u32,
    },
    /// A call gets its next attempt.
    Send {
        /// Number of the attempt within the run.
        number: u64,
        /// Slot of its call.
        call: u32,
    },
    /// The think time of a user is over.
    User {
        /// Position of its service.
        service: u16,
        /// Number of the user within the service.
        user: u32,
    },
}

impl Timer {
    /// The order among timers of one instant: the kind, by its place above, then its first field.
    #[inline]
    fn rank(&self) -> (u8, u64) {
        match *self {
            Self::Cpu { number, .. } => (0, number),
            Self::CutOff { number, .. } => (1, number),
            Self::Ready { number, .. } => (2, number),
            Self::NotAlive { number, .. } => (3, number),
            Self::Boosted { number, .. } => (4, number),
            Self::Expiry { number, .. } => (5, number),
            Self::Drained { number, .. } => (6, number),
            Self::GiveUp { number, .. } => (7, number),
            Self::Control => (8, 0),
            Self::Tick { service, .. } => (9, service.into()),
            Self::Rewarm { service, .. } => (10, service.into()),
            Self::ClientTimeout { number, .. } => (11, number),
            Self::Send { number, .. } => (12, number),
            Self::User { service, .. } => (13, service.into()),
        }
    }
}

/// A pending timer. Its time and rank are one number, so that one comparison orders nearly all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pending {
    /// Time in the upper half, then four bits of the kind, then sixty of the first field.
    key: u128,
    timer: Timer,
}

impl Pending {
    #[inline]
    fn new(at: SimTime, timer: Timer) -> Self {
        let (kind, first) = timer.rank();
        let rank = u64::from(kind) << 60 | first.min((1 << 60) - 1);
        Self {
            key: u128::from(at.0) << 64 | u128::from(rank),
            timer,
        }
    }

    #[inline]
    fn at(&self) -> SimTime {
        SimTime((self.key >> 64) as u64)
    }
}

impl Ord for Pending {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match self.key.cmp(&other.key) {
            Ordering::Equal => self.timer.cmp(&other.timer),
            order => order,
        }
    }
}

impl PartialOrd for Pending {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The next event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The request in this slot ends.
    Done(u32),
    /// A timer runs out.
    Timer(Timer),
}

/// Requests in flight at a time that the calendar can tell apart.
const SLOT_BITS: u32 = 24;

/// Events to come.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    /// Time in the upper half; order and slot of the request in the lower.
    done: QuaternaryHeap<Reverse<u128>>,
    timers: QuaternaryHeap<Reverse<Pending>>,
    inserted: u64,
}

impl Calendar {
    /// The place of a request that comes to an instance now among all that have.
    #[inline]
    pub(crate) fn order(&mut self) -> u64 {
        self.inserted += 1;
        self.inserted
    }

    /// Schedules the end of the request in slot `request`, which comes to an instance now, at `at`.
    #[inline]
    pub(crate) fn done_at(&mut self, at: SimTime, request: u32) {
        let order = self.order();
        self.done_in_order(at, order, request);
    }

    /// Schedules the end of the request in slot `request`, the `order`-th to come to an instance, at `at`.
    #[inline]
    pub(crate) fn done_in_order(&mut self, at: SimTime, order: u64, request: u32) {
        assert!(
            request < 1 << SLOT_BITS,
            "more than 16 million requests in flight at a time"
        );
        let order = order << SLOT_BITS | u64::from(request);
        self.done.push(Reverse(u128::from(at.0) << 64 | u128::from(order)));
    }

    /// Sets a timer.
    pub(crate) fn timer_at(&mut self, at: SimTime, timer: Timer) {
        self.timers.push(Reverse(Pending::new(at, timer)));
    }

    /// The time of the next event, or never.
    #[inline]
    pub(crate) fn next_time(&self) -> SimTime {
        self.next_done()
            .min(self.timers.peek().map_or(SimTime::NEVER, |Reverse(next)| next.at()))
    }

    #[inline]
    fn next_done(&self) -> SimTime {
        self.done
            .peek()
            .map_or(SimTime::NEVER, |Reverse(key)| SimTime((key >> 64) as u64))
    }

    /// Takes the next event.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        if let Some(Reverse(next)) = self.timers.peek()
            && next.at() < self.next_done()
        {
            let timer = next.timer;
            self.timers.pop();
            return Some(Event::Timer(timer));
        }
        let Reverse(key) = self.done.pop()?;
        Some(Event::Done((key as u64 & ((1 << SLOT_BITS) - 1)) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(number: u64, instance: u32) -> Timer {
        Timer::Ready { number, instance }
    }

    fn expiry(number: u64, instance: u32) -> Timer {
        Timer::Expiry { number, instance }
    }

    /// One number for time and rank keeps the order that timers have field by field.
    #[test]
    fn timers_that_are_set_have_the_order_of_their_times_and_fields() {
        let tick = |service, function| Timer::Tick { service, function };
        let client_timeout = |number, call| Timer::ClientTimeout { number, call };
        let timers = [
            Timer::Cpu { number: 9, instance: 1 },
            Timer::CutOff {
                number: 2,
                index: 7,
                request: 3,
            },
            ready(4, 4),
            Timer::NotAlive { number: 1, instance: 2 },
            Timer::Boosted { number: 1, instance: 9 },
            expiry(3, 3),
            expiry(3, 2),
            Timer::Drained { number: 5, instance: 5 },
            Timer::GiveUp {
                number: 6,
                service: 1,
                function: 1,
            },
            Timer::Control,
            tick(1, 5),
            tick(1, 2),
            tick(0, 7),
            Timer::Rewarm {
                service: 2,
                function: 1,
                arrivals: 3,
            },
            client_timeout(u64::MAX, 1),
            client_timeout(u64::MAX - 1, 2),
            Timer::Send { number: 3, call: 1 },
            Timer::User { service: 1, user: 4 },
        ];
        let mut all: Vec<(SimTime, Timer)> = [7, 3, u64::MAX]
            .into_iter()
            .flat_map(|at| timers.map(|timer| (SimTime(at), timer)))
            .collect();
        let mut set: Vec<Pending> = all.iter().map(|&(at, timer)| Pending::new(at, timer)).collect();
        all.sort_unstable();
        set.sort_unstable();
        let set: Vec<(SimTime, Timer)> = set.iter().map(|next| (next.at(), next.timer)).collect();
        // Beyond 2^60 the numbers are told apart by the timers themselves.
        assert_eq!(set, all);
    }

    #[test]
    fn time_then_rank_then_age() {
        let mut calendar = Calendar::default();
        let at = SimTime;
        calendar.timer_at(at(5), expiry(8, 1));
        calendar.timer_at(at(5), expiry(7, 6));
        calendar.timer_at(at(5), ready(9, 2));
        calendar.done_at(at(5), 9);
        calendar.done_at(at(5), 3);
        calendar.timer_at(at(4), expiry(9, 7));
        assert_eq!(calendar.next_time(), at(4));
        let order: Vec<_> = std::iter::from_fn(|| calendar.pop()).collect();
        assert_eq!(
            order,
            [
                Event::Timer(expiry(9, 7)),
                Event::Done(9),
                Event::Done(3),
                Event::Timer(ready(9, 2)),
                Event::Timer(expiry(7, 6)),
                Event::Timer(expiry(8, 1)),
            ]
        );
        assert_eq!(calendar.next_time(), SimTime::NEVER);
    }
}
