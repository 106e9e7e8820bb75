//! The state of the world: requests in the system, instances, and functions.

use std::collections::VecDeque;

use crate::rng::{Draws, Purpose};
use crate::sim::gauge::Gauge;
use crate::sim::inside::station::Station;
use crate::sim::late::Stamps;
use crate::sim::platform::Lifetime;
use crate::sim::pool::link::{Link, Links};
use crate::sim::pool::{Pool, Routing};
use crate::sim::service_draws::ServiceDraws;
use crate::sim::setup::{ColdStart, FunctionStreams, IdleCost};
use crate::sim::slab::Slab;
use crate::units::{SimDuration, SimTime};

/// A request in the system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) arrived: SimTime,
    pub(crate) started: SimTime,
    /// Number of requests of the function before it.
    pub(crate) index: u64,
    /// Service time given by the traffic, or [`Request::DRAWN`].
    pub(crate) given: SimDuration,
    pub(crate) function: u32,
    /// Slot of the instance that serves it.
    pub(crate) instance: u32,
    pub(crate) service: u16,
    /// True if an instance was started for it.
    pub(crate) cold: bool,
    /// True if it is the first request of its instance, which was started for it or ahead of it.
    pub(crate) first_use: bool,
    pub(crate) timed_out: bool,
    /// Microseconds that it takes more than later ones, alone on an instance whose requests share the CPU.
    pub(crate) extra_us: u32,
    /// Slot of its call, [`Request::WHOLE`], [`Request::PING`] or [`Request::INITIAL`].
    pub(crate) call: u32,
}

impl Request {
    /// In place of the instance: the request has failed, and its slot waits for a completion that finds nothing.
    pub(crate) const FAILED: u32 = u32::MAX - 1;

    /// In place of the instance: the request is not in service.
    pub(crate) const NOWHERE: u32 = u32::MAX;

    /// In place of the call: a whole request.
    pub(crate) const WHOLE: u32 = u32::MAX;

    /// In place of the call: a request of the operator, to keep an instance warm.
    pub(crate) const PING: u32 = u32::MAX - 2;

    /// In place of the call: part of the initial state, which is no arrival.
    pub(crate) const INITIAL: u32 = u32::MAX - 1;

    /// The profile decides about the service time.
    pub(crate) const DRAWN: SimDuration = SimDuration::MAX;

    /// A request that arrives at `at`, whose service is not known yet.
    #[inline]
    pub(crate) fn new(service: u16, function: u32, index: u64, at: SimTime) -> Self {
        Self {
            arrived: at,
            started: at,
            index,
            given: Self::DRAWN,
            function,
            instance: Self::NOWHERE,
            service,
            cold: false,
            first_use: false,
            timed_out: false,
            extra_us: 0,
            call: Self::WHOLE,
        }
    }
}

/// A request in the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueuedRequest {
    /// Number of requests of the run that waited before it.
    pub(crate) number: u64,
    pub(crate) request: Request,
}

/// An instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) link: Link,
    /// Creation number within the run.
    pub(crate) number: u64,
    pub(crate) service: u16,
    pub(crate) function: u32,
    pub(crate) created: SimTime,
    /// When it ends, if that is known from its creation; `None`: the platform is asked whenever it becomes idle.
    pub(crate) lifetime: Option<Lifetime>,
    /// When it ends if it stays idle.
    pub(crate) deadline: SimTime,
    /// When its pending expiry timer runs out; never if there is none.
    pub(crate) timer: SimTime,
    /// Initialisation time that its first request waited for.
    pub(crate) init: SimDuration,
    /// When it passed from one phase of its start to the next.
    pub(crate) stamps: Stamps,
    /// True if the platform lets it use less CPU than its limit.
    pub(crate) short: bool,
    /// The CPU of its start.
    pub(crate) start_cpu: StartCpu,
    /// Requests in service, or waiting for it to start.
    pub(crate) in_flight: u32,
    /// When its last request ended, or when it came up.
    pub(crate) freed: SimTime,
    /// The time for which it was idle before that.
    pub(crate) idle_before: SimDuration,
    /// Since when it has not been needed: since `freed`, or since the one that it replaces was not.
    pub(crate) unneeded: SimTime,
    /// True if it belongs to provisioned concurrency.
    pub(crate) provisioned: bool,
    /// Overhead of its first request in place of the warm overhead; `None` once it has had that request, or if a request
    /// started it.
    pub(crate) first: Option<SimDuration>,
    /// True if it initialises again within the next request, because the last one was cut off.
    pub(crate) reset: bool,
    /// Requests after its first, up to the end of its code warm-up curve.
    pub(crate) served: u32,
    /// True if it does not answer any more and its failure is not detected yet.
    pub(crate) lost: bool,
    /// Earliest and latest end of an instance that drains.
    pub(crate) drain: Option<(SimTime, SimTime)>,
    /// The station that its requests share; `None`: they share nothing.
    pub(crate) station: Option<Box<Station>>,
    /// Present while it starts.
    pub(crate) start: Option<Box<Start>>,
}

impl Instance {
    /// Takes the overhead of its first request, if it was started ahead of requests and has had none. Its age counts from now on.
    #[inline]
    pub(crate) fn first_use(&mut self, now: SimTime) -> Option<SimDuration> {
        let first = self.first.take()?;
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.latest = lifetime.latest + now.since(self.created);
        }
        Some(first)
    }

    /// Notes that a request takes it that was idle.
    #[inline]
    pub(crate) fn taken(&mut self, now: SimTime) {
        self.idle_before += now.since(self.freed);
    }

    /// The further cost of a request that comes into service now and is counted already: none if others are in service.
    #[inline]
    pub(crate) fn idle_cost(&self, cost: &IdleCost, now: SimTime) -> SimDuration {
        match self.in_flight {
            1 => cost.after(now.since(self.freed)),
            _ => SimDuration::ZERO,
        }
    }
}

/// The CPU that an instance uses while it starts, spread evenly over the time from the begin of its process until it is ready.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StartCpu {
    cpu: SimDuration,
    lasts: SimDuration,
}

impl StartCpu {
    /// That of a start; none without one.
    pub(crate) fn of(start: Option<&Start>) -> Self {
        start.map_or_else(Self::default, |start| Self {
            cpu: start.cold.cpu,
            lasts: start.cold.init + start.cold.first_request,
        })
    }

    /// CPU time used until now, in milli-CPU-nanoseconds.
    pub(crate) fn used(&self, stamps: &Stamps, now: SimTime) -> u128 {
        let whole = u128::from(self.cpu.0) * 1_000;
        if now >= stamps.ready {
            return whole;
        }
        let (ran, lasts) = (now.since(stamps.booted).0, self.lasts.0.max(1));
        whole * u128::from(ran.min(lasts)) / u128::from(lasts)
    }

    /// CPU in use now, in thousandths of a core.
    pub(crate) fn demand(&self, stamps: &Stamps, now: SimTime) -> u64 {
        match stamps.booted <= now && now < stamps.ready {
            true => (u128::from(self.cpu.0) * 1_000 / u128::from(self.lasts.0.max(1))) as u64,
            false => 0,
        }
    }
}

/// The start of an instance.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) cold: ColdStart,
    /// Requests that wait for it, the one it was started for first.
    pub(crate) requests: Vec<Request>,
    /// True if it counts as busy, because only the whole response of its first request is known.
    pub(crate) counts_as_busy: bool,
    /// True if it was not started for a request.
    pub(crate) ahead: bool,
    /// Since when the instance that it replaces was not needed; `None`: it replaces none.
    pub(crate) unneeded: Option<SimTime>,
}

/// Instances by slot.
#[derive(Debug, Default)]
pub(crate) struct Instances(pub(crate) Slab<Instance>);

impl Links for Instances {
    #[inline]
    fn link(&mut self, slot: u32) -> &mut Link {
        &mut self.0.get_mut(slot).link
    }
}

/// A function, which scales on its own.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Number of its random stream.
    pub(crate) entity: u64,
    pub(crate) streams: FunctionStreams,
    /// Service times of the next requests.
    pub(crate) whole_draws: ServiceDraws<1>,
    /// The same if requests share the CPU of an instance: CPU times and waits.
    pub(crate) part_draws: ServiceDraws<2>,
    /// Arrivals so far.
    pub(crate) arrivals: u64,
    /// Instances created so far.
    pub(crate) created: u64,
    /// Instances that exist.
    pub(crate) instances: u32,
    /// Requests in service or waiting for an instance that starts for them.
    pub(crate) in_flight: u32,
    /// When the last request ended.
    pub(crate) freed: SimTime,
    /// Ready instances with a free slot, without those of provisioned concurrency.
    pub(crate) pool: Pool,
    /// By session: slot of the instance that had its last request, and number of that instance within the run; only with
    /// sticky sessions.
    pub(crate) pins: Vec<(u32, u64)>,
    /// Measurements for a platform that acts by itself; `None` if it does not.
    pub(crate) watched: Option<Box<Watched>>,
    /// Starting instances with a free slot, oldest first; only if instances serve several requests.
    pub(crate) starting: VecDeque<u32>,
    /// Requests that wait, oldest first.
    pub(crate) queue: VecDeque<QueuedRequest>,
}

/// Measurements of a function for a platform that acts by itself.
#[derive(Debug)]
pub(crate) struct Watched {
    /// True if the platform is going to look at the function.
    pub(crate) ticking: bool,
    /// Ready instances of provisioned concurrency with a free slot.
    pub(crate) pool: Pool,
    /// Instances of provisioned concurrency.
    pub(crate) provisioned: u32,
    /// Requests on them.
    pub(crate) on_provisioned: Gauge,
    /// Requests on any instance.
    pub(crate) in_flight: Gauge,
    /// Slots of all instances, in no order.
    pub(crate) slots: Vec<u32>,
    /// CPU time used on instances that have ended, in milli-CPU-nanoseconds.
    pub(crate) cpu_of_ended: u128,
}

impl Watched {
    /// Counts a request that comes into service, or waits for an instance that starts for it.
    pub(crate) fn enter(&mut self, now: SimTime, provisioned: bool) {
        self.in_flight.up(now);
        if provisioned {
            self.on_provisioned.up(now);
        }
    }

    /// Counts the end of a request.
    pub(crate) fn leave(&mut self, now: SimTime, provisioned: bool) {
        self.in_flight.down(now);
        if provisioned {
            self.on_provisioned.down(now);
        }
    }
}

impl Fleet {
    /// When an instance ends because the whole function is silent, unless a request comes before.
    #[inline]
    pub(crate) fn silent_end(&self, now: SimTime, lifetime: &Lifetime) -> SimTime {
        match self.in_flight {
            0 => self.freed + lifetime.silent,
            _ => now + lifetime.silent,
        }
    }

    /// The pool to which an instance belongs.
    #[inline]
    pub(crate) fn pool(&mut self, provisioned: bool) -> &mut Pool {
        match &mut self.watched {
            Some(watched) if provisioned => &mut watched.pool,
            _ => &mut self.pool,
        }
    }

    /// A function without instances, with the random stream number `entity`.
    pub(crate) fn new(draws: Draws, entity: u64, routing: Routing) -> Self {
        Self {
            entity,
            streams: FunctionStreams::new(draws, entity),
            whole_draws: ServiceDraws::default(),
            part_draws: ServiceDraws::default(),
            arrivals: 0,
            created: 0,
            instances: 0,
            in_flight: 0,
            freed: SimTime::ZERO,
            pool: Pool::new(routing, draws.stream(Purpose::Routing, entity)),
            pins: Vec::new(),
            watched: None,
            starting: VecDeque::new(),
            queue: VecDeque::new(),
        }
    }
}
