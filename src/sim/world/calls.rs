//! The life of a call, for services whose clients have timeouts or retries. A call makes one attempt or several. The
//! platform sees attempts only.

use crate::rng::Purpose;
use crate::sim::calendar::Timer;
use crate::sim::client::Reason;
use crate::sim::fact::{Ended, Fact, Finished, Outcome, Reject, Role};
use crate::sim::fleet::Request;
use crate::sim::late::{Class, Spans};
use crate::sim::observe::Observer;
use crate::sim::world::World;
use crate::units::{SimDuration, SimTime};

/// A call, or the rest of one whose client has gone while an attempt was under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Number of its attempt within the run; [`GONE`]: no client waits for this attempt any more.
    attempt: u64,
    arrived: SimTime,
    /// Number of calls of the function before it. All attempts of a call have the same random numbers.
    index: u64,
    given: SimDuration,
    function: u32,
    service: u16,
    /// The user who makes it; [`Call::NO_USER`]: it came with the traffic.
    user: u32,
    /// Retries so far by [`Reason`].
    retries: [u32; 3],
    /// When its attempt began.
    began: SimTime,
    /// The time before it: turned away, waiting to try again, and in attempts without an answer.
    spent: [SimDuration; 3],
}

/// The place of the random number that spreads the first calls of users.
const SPREAD: u64 = u64::MAX;
/// The least time between two calls of a user of which the first took none.
const BREATH: SimDuration = SimDuration::from_millis(1);
/// Attempts are counted from 1.
const GONE: u64 = 0;

impl Call {
    pub(crate) const NO_USER: u32 = u32::MAX;

    /// When it was made, if a client waits for it.
    pub(super) fn arrived(&self) -> Option<SimTime> {
        (self.attempt != GONE).then_some(self.arrived)
    }

    /// Adds the time before its last attempt.
    pub(super) fn before(&self, spans: &mut Spans) {
        let classes = [Class::Throttle, Class::Backoff, Class::LostAttempt];
        classes
            .into_iter()
            .zip(self.spent)
            .for_each(|(class, time)| spans.add(class, time));
    }

    /// The user who makes it; `None` if it came with the traffic.
    pub(super) fn user(&self) -> Option<u32> {
        Some(self.user).filter(|&user| user != Self::NO_USER)
    }
}

/// The end of a call without an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loss {
    Rejected(Reject),
    TimedOut,
    Failed,
}

impl World {
    /// Makes a call with its first attempt. `given` is its service time or [`Request::DRAWN`].
    #[cold]
    #[inline(never)]
    pub(super) fn call(
        &mut self,
        (service, function, index): (u16, u32, u64),
        given: SimDuration,
        user: u32,
        observer: &mut impl Observer,
    ) {
        if let Some(budget) = &mut self.services[service as usize].retry_budget {
            budget.earn();
        }
        self.attempts += 1;
        let call = Call {
            attempt: self.attempts,
            arrived: self.now,
            index,
            given,
            function,
            service,
            user,
            retries: [0; 3],
            began: self.now,
            spent: [SimDuration::ZERO; 3],
        };
        self.present += 1;
        let slot = self.calls.insert(call);
        self.attempt(slot, observer);
    }

    /// Starts the users of a service, spread over one think time: who thinks for the same time would ask at the same instant for ever.
    pub(super) fn wake_users(&mut self, service: u16) {
        let users = self.services[service as usize].setup.client.as_ref();
        let count = users
            .and_then(|client| client.users.as_ref())
            .map_or(0, |users| users.count);
        self.services[service as usize].asked = vec![0; count as usize];
        (0..count).for_each(|user| self.think(service, user, None));
    }

    /// Has a user think after a call that was made at `asked`; `None` before the first one.
    fn think(&mut self, service: u16, user: u32, asked: Option<SimTime>) {
        let state = &mut self.services[service as usize];
        let users = state.setup.client.as_ref().and_then(|client| client.users.as_ref());
        let Some(users) = users else { return };
        let times = &mut state.asked[user as usize];
        let stream = self.draws.stream(Purpose::Think, state.first + u64::from(user));
        let drawn = users.think.at(stream, *times);
        let wait = match asked {
            None => drawn.scale(stream.uniform(SPREAD)),
            // Who need not think and is turned away at once would ask without end at one instant.
            Some(asked) if asked == self.now => drawn.max(BREATH),
            Some(_) => drawn,
        };
        *times += 1;
        let timer = Timer::User { service, user };
        self.calendar.timer_at(self.now + wait, timer);
    }

    /// Makes the next call of a user, unless the run is over.
    pub(super) fn user(&mut self, service: u16, user: u32, observer: &mut impl Observer) {
        if self.now >= self.end {
            return;
        }
        self.arrivals += 1;
        observer.observe(&Fact::Arrived { service, at: self.now });
        let fleet = self.fleet(service, 0);
        let index = fleet.arrivals;
        fleet.arrivals += 1;
        self.call((service, 0, index), Request::DRAWN, user, observer);
    }

    fn attempt(&mut self, slot: u32, observer: &mut impl Observer) {
        let call = *self.calls.get(slot);
        let client = self.services[call.service as usize].setup.client.as_ref();
        if let Some(timeout) = client.and_then(|client| client.timeout) {
            let number = call.attempt;
            let timer = Timer::ClientTimeout { number, call: slot };
            self.calendar.timer_at(self.now + timeout, timer);
        }
        let now = self.now;
        let request = || Request {
            given: call.given,
            call: slot,
            ..Request::new(call.service, call.function, call.index, now)
        };
        if let Some(reason) = self.admit(call.service, call.function, request, observer) {
            observer.observe(&Fact::Rejected {
                service: call.service,
                function: call.function,
                arrived: now,
                at: now,
                reason,
                role: Role::Attempt,
            });
            self.lost(slot, Loss::Rejected(reason), observer);
        }
    }

    /// Makes the next attempt of a call.
    pub(super) fn send(&mut self, number: u64, slot: u32, observer: &mut impl Observer) {
        debug_assert_eq!(
            self.calls.get(slot).attempt,
            number,
            "a call waits for its next attempt"
        );
        self.attempt(slot, observer);
    }

    /// Ends the wait of the client of attempt `number`, if it still waits. The server still finishes the attempt.
    pub(super) fn client_timeout(&mut self, number: u64, slot: u32, observer: &mut impl Observer) {
        let call = *self.calls.get(slot);
        if call.attempt != number {
            return;
        }
        self.calls.get_mut(slot).attempt = GONE;
        let slot = self.calls.insert(call);
        self.lost(slot, Loss::TimedOut, observer);
    }

    /// Handles the end of a request that is no whole request: a ping, or the attempt of the call in `slot`.
    #[cold]
    #[inline(never)]
    pub(super) fn part_ran(&mut self, slot: u32, finished: Finished, observer: &mut impl Observer) {
        if slot == Request::PING {
            let role = Role::Ping;
            return observer.observe(&Fact::Finished(Finished { role, ..finished }));
        }
        let outcome = finished.outcome;
        observer.observe(&Fact::Finished(Finished {
            role: Role::Attempt,
            ..finished
        }));
        if self.calls.get(slot).attempt == GONE {
            return self.calls.release(slot);
        }
        match outcome {
            Outcome::Completed => self.end_call(slot, None, observer),
            Outcome::TimedOut => self.lost(slot, Loss::TimedOut, observer),
            Outcome::Failed => self.lost(slot, Loss::Failed, observer),
        }
    }

    /// Handles an attempt that left the queue without service.
    pub(super) fn attempt_gave_up(&mut self, slot: u32, loss: Loss, observer: &mut impl Observer) {
        if self.calls.get(slot).attempt == GONE {
            return self.calls.release(slot);
        }
        self.lost(slot, loss, observer);
    }

    /// Handles an attempt without an answer: another attempt follows, or the call ends.
    fn lost(&mut self, slot: u32, loss: Loss, observer: &mut impl Observer) {
        let reason = match loss {
            Loss::Rejected(_) => Reason::Rejected,
            Loss::TimedOut => Reason::TimedOut,
            Loss::Failed => Reason::Failed,
        };
        let call = *self.calls.get(slot);
        let state = &mut self.services[call.service as usize];
        let entity = state.fleets[call.function as usize].entity;
        let number = u64::from(call.retries.iter().sum::<u32>());
        let stream = self.draws.stream(Purpose::Backoff, entity);
        let jitter = stream.uniform(call.index.wrapping_mul(1 << 12).wrapping_add(number));
        let retry = state.setup.client.as_ref().map(|client| &client.retry);
        let wait = retry.and_then(|retry| {
            let wait = retry.next(reason, call.retries, jitter)?;
            let age = (self.now + wait).since(call.arrived);
            retry.max_age.is_none_or(|most| age <= most).then_some(wait)
        });
        let paid = wait.is_some() && state.retry_budget.as_mut().is_none_or(|budget| budget.spend());
        let Some(wait) = wait.filter(|_| paid) else {
            return self.end_call(slot, Some(loss), observer);
        };
        observer.observe(&Fact::Retried {
            service: call.service,
            arrived: call.arrived,
            at: self.now,
        });
        self.attempts += 1;
        let number = self.attempts;
        let call = self.calls.get_mut(slot);
        call.retries[reason as usize] += 1;
        call.attempt = number;
        let took = self.now.since(call.began);
        match reason {
            Reason::Rejected => call.spent[0] += took + wait,
            Reason::TimedOut | Reason::Failed => {
                call.spent[1] += wait;
                call.spent[2] += took;
            }
        }
        call.began = self.now + wait;
        self.calendar
            .timer_at(self.now + wait, Timer::Send { number, call: slot });
    }

    fn end_call(&mut self, slot: u32, loss: Option<Loss>, observer: &mut impl Observer) {
        let call = *self.calls.get(slot);
        // Timers of its attempts that are still pending find no client.
        self.calls.get_mut(slot).attempt = GONE;
        self.calls.release(slot);
        self.present -= 1;
        self.ended += 1;
        let (outcome, rejected) = match loss {
            None => (Outcome::Completed, None),
            Some(Loss::TimedOut) => (Outcome::TimedOut, None),
            Some(Loss::Failed) => (Outcome::Failed, None),
            Some(Loss::Rejected(reason)) => (Outcome::Failed, Some(reason)),
        };
        observer.observe(&Fact::Ended(Ended {
            service: call.service,
            function: call.function,
            index: call.index,
            arrived: call.arrived,
            at: self.now,
            outcome,
            rejected,
        }));
        if call.user != Call::NO_USER {
            self.think(call.service, call.user, Some(call.arrived));
        }
    }
}
