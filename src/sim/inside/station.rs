//! The inside of one instance. The life of a request in it:
//! 1. It waits for a worker, in order of arrival.
//! 2. With a limit of turns it waits for its turn on the CPU, in order of arrival.
//! 3. It has its CPU time, alone or shared with other requests.
//! 4. It gives its turn to the next request, and waits without CPU. It keeps its worker.
//! 5. It is done, and its worker takes the next request.

use std::collections::VecDeque;

use crate::sim::inside::Inside;
use crate::sim::inside::cpu::{CpuLimit, Job, Released};
use crate::sim::inside::processor::Processor;
use crate::units::{MilliCpu, SimTime};

/// The workers and the CPU of one instance.
#[derive(Debug)]
pub(crate) struct Station {
    inside: Inside,
    cpu: Processor,
    /// Requests that wait for a worker, oldest first.
    accepted: VecDeque<Job>,
    /// Requests with a worker that wait for their turn, oldest first.
    turn: VecDeque<Job>,
    /// Workers in use.
    working: u32,
    /// When the pending timer runs out; never if there is none.
    pub(crate) wake: SimTime,
}

impl Station {
    /// An empty station; with more CPU if `boosted`, for an instance that is about to start.
    pub(crate) fn new(inside: Inside, now: SimTime, boosted: bool) -> Self {
        let boost = inside.boost.filter(|_| boosted);
        Self {
            inside,
            cpu: Processor::new(&inside, boost.map_or(inside.cpu, |boost| boost.0), now),
            accepted: VecDeque::new(),
            turn: VecDeque::new(),
            working: 0,
            wake: SimTime::NEVER,
        }
    }

    /// Ends the boost: from now on the usual CPU limit holds.
    pub(crate) fn end_boost(&mut self, now: SimTime) {
        self.cpu.limit(now, self.inside.cpu);
    }

    /// Lets its requests use so much CPU at most from now on, beside its own limit. Returns true if that is less than its limit.
    pub(crate) fn throttle(&mut self, now: SimTime, most: MilliCpu) -> bool {
        let own = self.inside.cpu;
        let quota = own.quota.min(most);
        self.cpu.limit(now, CpuLimit { quota, ..own });
        quota < own.quota
    }

    /// CPU that its requests could use now within its own limit, in thousandths of a core.
    pub(crate) fn demand(&self) -> u64 {
        let CpuLimit { quota, cores, .. } = self.inside.cpu;
        let running = (self.cpu.running() as u64).min(u64::from(cores.max(1)));
        (1_000 * running).min(u64::from(quota.0))
    }

    /// Returns true if all workers are in use.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.inside.workers.is_some_and(|workers| self.working >= workers)
    }

    /// Adds a request that finds a worker and the CPU idle. Returns the time at which it will have had its CPU time if no
    /// other request comes. Returns `None` and changes nothing if it does not find them idle.
    #[inline]
    pub(crate) fn alone(&mut self, now: SimTime, job: Job) -> Option<SimTime> {
        if self.is_full() {
            return None;
        }
        let until = self.cpu.alone(now, job)?;
        self.working += 1;
        Some(until)
    }

    /// The place of the request that has the CPU alone; `None` without one.
    #[inline]
    pub(crate) fn has_alone(&mut self, now: SimTime) -> Option<u32> {
        self.cpu.has_alone(now)
    }

    /// Makes the request that has the CPU alone share it from now on, at `place`.
    pub(crate) fn shares(&mut self, place: u32) {
        self.cpu.shares(place);
    }

    /// Returns true if a request waits for a worker.
    pub(crate) fn has_accepted(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// Adds a request. Returns true if it has a worker at once.
    pub(crate) fn enter(&mut self, now: SimTime, job: Job) -> bool {
        let waits = self.is_full();
        if waits {
            self.accepted.push_back(job);
        } else {
            self.begin(now, job);
        }
        !waits
    }

    /// Requests that have a worker.
    pub(crate) fn working(&self) -> u32 {
        self.working
    }

    /// Frees the worker of a request that is done.
    pub(crate) fn leave(&mut self) {
        self.working -= 1;
    }

    /// Gives a free worker to the next request, which is returned.
    pub(crate) fn take_up(&mut self, now: SimTime) -> Option<u32> {
        let next = self.accepted.pop_front()?;
        self.begin(now, next);
        Some(next.place)
    }

    fn begin(&mut self, now: SimTime, job: Job) {
        self.working += 1;
        if self.inside.turns.is_some_and(|turns| self.cpu.has_runnable(turns)) {
            self.turn.push_back(job);
        } else {
            self.cpu.add(now, job);
        }
    }

    /// Takes a request that has had its CPU time, and gives its turn to the next one.
    pub(crate) fn release(&mut self, now: SimTime) -> Option<Released> {
        let released = self.cpu.take_done(now)?;
        if let Some(next) = self.turn.pop_front() {
            self.cpu.add(now, next);
        }
        Some(released)
    }

    /// Takes out a request that has not had its CPU time; its worker stays in use. Returns true if there was one.
    pub(crate) fn cancel(&mut self, now: SimTime, place: u32) -> bool {
        if self.cpu.cancel(now, place) {
            if let Some(next) = self.turn.pop_front() {
                self.cpu.add(now, next);
            }
            return true;
        }
        let before = self.turn.len();
        self.turn.retain(|job| job.place != place);
        self.turn.len() < before
    }

    /// The places of all requests that wait for CPU time or have a part of it.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> {
        let waiting = self.accepted.iter().chain(&self.turn).map(|job| job.place);
        waiting.chain(self.cpu.places())
    }

    /// CPU time used until now, in milli-CPU-nanoseconds.
    pub(crate) fn used(&mut self, now: SimTime) -> u128 {
        self.cpu.used(now)
    }

    /// The time at which the next request will have had its CPU time.
    pub(crate) fn next(&mut self) -> SimTime {
        self.cpu.next_done()
    }
}
