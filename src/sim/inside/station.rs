//! Inside one instance: requests wait for a worker, then take turns on the CPU or share it, then wait without CPU.

use std::collections::VecDeque;

use crate::sim::inside::cpu::{Cpu, Job, Released};
use crate::sim::setup::Inside;
use crate::units::SimTime;

/// What the requests of one instance share.
#[derive(Debug)]
pub(crate) struct Station {
    inside: Inside,
    cpu: Cpu,
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
    /// An empty station, of an instance that is about to start if `boosted`.
    pub(crate) fn new(inside: Inside, now: SimTime, boosted: bool) -> Self {
        let boost = inside.boost.filter(|_| boosted);
        Self {
            inside,
            cpu: Cpu::new(boost.map_or(inside.cpu, |boost| boost.0), now),
            accepted: VecDeque::new(),
            turn: VecDeque::new(),
            working: 0,
            wake: SimTime::NEVER,
        }
    }

    /// From now on there is no more CPU than the limit.
    pub(crate) fn end_boost(&mut self, now: SimTime) {
        self.cpu.limit(now, self.inside.cpu);
    }

    /// Whether all workers are in use.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.inside.workers.is_some_and(|workers| self.working >= workers)
    }

    /// A request comes in that finds a worker and the CPU idle: when it will have had its CPU time if nobody else comes. `None`,
    /// and it has not come in, if it does not find them so, or not for sure.
    #[inline]
    pub(crate) fn alone(&mut self, now: SimTime, job: Job) -> Option<SimTime> {
        if self.is_full() {
            return None;
        }
        let until = self.cpu.alone(now, job)?;
        self.working += 1;
        Some(until)
    }

    /// The place of the request that has the CPU to itself; `None` without one that was told when it will be done.
    #[inline]
    pub(crate) fn has_alone(&mut self, now: SimTime) -> Option<u32> {
        self.cpu.has_alone(now)
    }

    /// The request that has the CPU to itself shares it from now on, at `place`.
    pub(crate) fn shares(&mut self, place: u32) {
        self.cpu.shares(place);
    }

    /// Whether a request waits for a worker.
    pub(crate) fn has_accepted(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// A request comes in; whether it has a worker at once.
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

    /// A request is done; its worker is free.
    pub(crate) fn leave(&mut self) {
        self.working -= 1;
    }

    /// A worker that has become free takes the next request, which is returned.
    pub(crate) fn take_up(&mut self, now: SimTime) -> Option<u32> {
        let next = self.accepted.pop_front()?;
        self.begin(now, next);
        Some(next.place)
    }

    fn begin(&mut self, now: SimTime, job: Job) {
        self.working += 1;
        if self
            .inside
            .turns
            .is_some_and(|turns| self.cpu.runnable() >= turns as usize)
        {
            self.turn.push_back(job);
        } else {
            self.cpu.add(now, job);
        }
    }

    /// Takes a request that has had its CPU time. The next in turn takes over.
    pub(crate) fn release(&mut self, now: SimTime) -> Option<Released> {
        let released = self.cpu.take_done(now)?;
        if let Some(next) = self.turn.pop_front() {
            self.cpu.add(now, next);
        }
        Some(released)
    }

    /// Takes out a request that has not had its CPU time, whose worker remains its own; whether there is one.
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

    /// The places of all requests whose completion is not to come by itself: they wait for CPU time, or have a part of it.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> {
        let waiting = self.accepted.iter().chain(&self.turn).map(|job| job.place);
        waiting.chain(self.cpu.places())
    }

    /// CPU time used until now, in milli-CPU-nanoseconds.
    pub(crate) fn used(&mut self, now: SimTime) -> u128 {
        self.cpu.used(now)
    }

    /// When the next request will have had its CPU time.
    pub(crate) fn next(&self) -> SimTime {
        self.cpu.next_done()
    }
}
