//! The calendar: events to come. At the same time completions come first, in the order of insertion, then requests that
//! have had their CPU time, readiness, expiry, give-up, what the platform does by itself, and what clients do, each by age of the subject.
//!
//! Completions, one per request, have a small heap of their own; the rare timers (readiness, expiry, give-up) have
//! another. Cancelling costs nothing: a timer carries the number of what it is about and is ignored when stale.

use std::cmp::Reverse;

use dary_heap::QuaternaryHeap;

use crate::units::SimTime;

/// A timer's subject. The number decides among timers of one kind at the same time: it comes from the model and not from
/// slots, which are used again, nor from the moment the timer was set, which is a matter of thrift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A request may have had its CPU time.
    Cpu {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// A request may have been worked on for too long.
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
    /// An instance that has not come up is killed.
    NotAlive {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// An instance has no more CPU than its limit from now on.
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
    /// An instance that takes no more requests may end.
    Drained {
        /// Creation number of the instance within the run.
        number: u64,
        /// Its slot when the timer was set.
        instance: u32,
    },
    /// A request may have waited too long.
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
    /// A client may have waited long enough for an attempt.
    Patience {
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
    /// A user has thought.
    User {
        /// Position of its service.
        service: u16,
        /// Number of the user within the service.
        user: u32,
    },
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
    /// Time in the upper half; insertion number and request slot in the lower.
    done: QuaternaryHeap<Reverse<u128>>,
    timers: QuaternaryHeap<Reverse<(SimTime, Timer)>>,
    inserted: u64,
}

impl Calendar {
    /// Has the request in slot `request` end at `at`.
    #[inline]
    pub(crate) fn done_at(&mut self, at: SimTime, request: u32) {
        assert!(
            request < 1 << SLOT_BITS,
            "more than 16 million requests in flight at a time"
        );
        self.inserted += 1;
        let order = self.inserted << SLOT_BITS | u64::from(request);
        self.done.push(Reverse(u128::from(at.0) << 64 | u128::from(order)));
    }

    /// Sets a timer.
    pub(crate) fn timer_at(&mut self, at: SimTime, timer: Timer) {
        self.timers.push(Reverse((at, timer)));
    }

    /// The time of the next event, or never.
    #[inline]
    pub(crate) fn next_time(&self) -> SimTime {
        self.next_done()
            .min(self.timers.peek().map_or(SimTime::NEVER, |Reverse((at, _))| *at))
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
        if let Some(Reverse((at, timer))) = self.timers.peek()
            && *at < self.next_done()
        {
            let timer = *timer;
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
