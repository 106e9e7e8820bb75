//! The CPU of one instance, by the order in which it serves requests: shared by all, or in turns.

use crate::sim::inside::Inside;
use crate::sim::inside::cpu::{Cpu, CpuLimit, Job, Released};
use crate::sim::inside::turns::Turns;
use crate::units::SimTime;

/// The CPU of one instance.
#[derive(Debug)]
pub(crate) enum Processor {
    /// All runnable requests advance at the same speed.
    Shared(Cpu),
    /// They have one core in turns.
    Turns(Box<Turns>),
}

impl Processor {
    /// An idle CPU under a limit, in the order of service of `inside`.
    pub(crate) fn new(inside: &Inside, limit: CpuLimit, now: SimTime) -> Self {
        match inside.discipline {
            None => Self::Shared(Cpu::new(limit, now)),
            Some(discipline) => Self::Turns(Box::new(Turns::new(discipline, limit, now))),
        }
    }

    /// Adds a runnable request to an idle CPU. Returns the time at which it will have had its CPU time if no other request comes.
    /// Returns `None` and changes nothing if the CPU is in use or cannot tell.
    #[inline]
    pub(crate) fn alone(&mut self, now: SimTime, job: Job) -> Option<SimTime> {
        match self {
            Self::Shared(cpu) => cpu.alone(now, job),
            Self::Turns(_) => None,
        }
    }

    /// The place of the request that has the CPU alone; `None` without one.
    #[inline]
    pub(crate) fn has_alone(&mut self, now: SimTime) -> Option<u32> {
        match self {
            Self::Shared(cpu) => cpu.has_alone(now),
            Self::Turns(_) => None,
        }
    }

    /// Makes the request that has the CPU alone share it from now on, at `place`.
    pub(crate) fn shares(&mut self, place: u32) {
        if let Self::Shared(cpu) = self {
            cpu.shares(place);
        }
    }

    /// CPU time used until now, in milli-CPU-nanoseconds.
    pub(crate) fn used(&mut self, now: SimTime) -> u128 {
        match self {
            Self::Shared(cpu) => cpu.used(now),
            Self::Turns(turns) => turns.used(now),
        }
    }

    /// Sets another limit from now on.
    pub(crate) fn limit(&mut self, now: SimTime, limit: CpuLimit) {
        match self {
            Self::Shared(cpu) => cpu.limit(now, limit),
            Self::Turns(turns) => turns.limit(now, limit),
        }
    }

    /// The places of the requests that need CPU.
    pub(crate) fn places(&self) -> Vec<u32> {
        match self {
            Self::Shared(cpu) => cpu.places().collect(),
            Self::Turns(turns) => turns.places().collect(),
        }
    }

    /// Requests that need CPU.
    pub(crate) fn running(&self) -> usize {
        match self {
            Self::Shared(cpu) => cpu.running(),
            Self::Turns(turns) => turns.places().count(),
        }
    }

    /// Returns true if at least so many requests hold the CPU. Turns have no such limit.
    pub(crate) fn has_runnable(&self, turns: u32) -> bool {
        match self {
            Self::Shared(cpu) => cpu.runnable() >= turns as usize,
            Self::Turns(_) => false,
        }
    }

    /// Adds a runnable request.
    pub(crate) fn add(&mut self, now: SimTime, job: Job) {
        match self {
            Self::Shared(cpu) => cpu.add(now, job),
            Self::Turns(turns) => turns.add(now, job),
        }
    }

    /// The time at which the next request will have had its CPU time if nothing changes, or an earlier one; never without
    /// requests.
    pub(crate) fn next_done(&mut self) -> SimTime {
        match self {
            Self::Shared(cpu) => cpu.next_done(),
            Self::Turns(turns) => turns.next_done(),
        }
    }

    /// Takes a request that has had its CPU time by `now`.
    pub(crate) fn take_done(&mut self, now: SimTime) -> Option<Released> {
        match self {
            Self::Shared(cpu) => cpu.take_done(now),
            Self::Turns(turns) => turns.take_done(now),
        }
    }

    /// Takes out the request at `place`. Returns true if it needed CPU.
    pub(crate) fn cancel(&mut self, now: SimTime, place: u32) -> bool {
        match self {
            Self::Shared(cpu) => cpu.cancel(now, place),
            Self::Turns(turns) => turns.cancel(now, place),
        }
    }
}
