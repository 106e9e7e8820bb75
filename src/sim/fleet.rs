//! State of the world: requests in the system, instances, and the functions they belong to.

use std::collections::VecDeque;

use crate::rng::{Draws, Purpose};
use crate::sim::gauge::Gauge;
use crate::sim::inside::station::Station;
use crate::sim::platform::Lifetime;
use crate::sim::pool::link::{Link, Links};
use crate::sim::pool::{Pool, Routing};
use crate::sim::service_draws::ServiceDraws;
use crate::sim::setup::{ColdStart, FunctionStreams};
use crate::sim::slab::Slab;
use crate::units::{SimDuration, SimTime};

/// A request in the system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) arrived: SimTime,
    pub(crate) started: SimTime,
    /// How many requests of the function arrived before it.
    pub(crate) index: u64,
    /// Service time given by the traffic, or [`Request::DRAWN`].
    pub(crate) given: SimDuration,
    pub(crate) function: u32,
    /// Slot of the instance that serves it.
    pub(crate) instance: u32,
    pub(crate) service: u16,
    /// Whether an instance was started for it.
    pub(crate) cold: bool,
    pub(crate) timed_out: bool,
    /// Slot of the call whose attempt it is, [`Request::WHOLE`], [`Request::PING`] or [`Request::INITIAL`].
    pub(crate) call: u32,
}

impl Request {
    /// In place of the instance: the request has failed, and its place waits for the completion that will not be.
    pub(crate) const FAILED: u32 = u32::MAX - 1;

    /// In place of the instance: it is not in service, not yet or not any more.
    pub(crate) const NOWHERE: u32 = u32::MAX;

    /// In place of the call: it is all that was asked for.
    pub(crate) const WHOLE: u32 = u32::MAX;

    /// In place of the call: a request of the operator's own, to keep an instance warm.
    pub(crate) const PING: u32 = u32::MAX - 2;

    /// In place of the call: part of the initial state, which is served but was no arrival.
    pub(crate) const INITIAL: u32 = u32::MAX - 1;

    /// The profile decides about the service time.
    pub(crate) const DRAWN: SimDuration = SimDuration::MAX;

    /// A request that arrives at `at`, with nothing known of its service.
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
            timed_out: false,
            call: Self::WHOLE,
        }
    }
}

/// A request in the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueuedRequest {
    /// How many requests of the run had waited when it began to.
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
    /// When it ends, where that is known from the start; `None`: the platform is asked whenever it becomes idle.
    pub(crate) lifetime: Option<Lifetime>,
    /// When it ends if it stays idle.
    pub(crate) deadline: SimTime,
    /// When its pending expiry timer runs out; never if there is none.
    pub(crate) timer: SimTime,
    /// Initialisation that the request waited for for which it was started.
    pub(crate) init: SimDuration,
    /// Requests in service, or waiting for it to start.
    pub(crate) in_flight: u32,
    /// Belongs to provisioned concurrency.
    pub(crate) provisioned: bool,
    /// Overhead of its first request, which is still to come because it was started ahead; replaces the warm overhead.
    pub(crate) first: Option<SimDuration>,
    /// Initialises again within the next request, because the last one was cut off.
    pub(crate) reset: bool,
    /// Requests after its first, as far as its warm-up curve goes.
    pub(crate) served: u32,
    /// Does not answer any more, which nobody has noticed.
    pub(crate) lost: bool,
    /// When it ends at the earliest and at the latest, where it takes no more requests.
    pub(crate) drain: Option<(SimTime, SimTime)>,
    /// What its requests share, where they do.
    pub(crate) station: Option<Box<Station>>,
    /// Present while it is on its way up.
    pub(crate) start: Option<Box<Start>>,
}

/// An instance on its way up.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) cold: ColdStart,
    /// Requests that wait for it, the one it was started for first.
    pub(crate) requests: Vec<Request>,
    /// Counts as busy because only the whole response of its first request is known.
    pub(crate) counts_as_busy: bool,
    /// For no request in particular.
    pub(crate) ahead: bool,
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

/// A function: it scales on its own.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Number of its random stream.
    pub(crate) entity: u64,
    pub(crate) streams: FunctionStreams,
    /// Service times of the requests to come.
    pub(crate) whole_draws: ServiceDraws<1>,
    /// The same where requests share the CPU of an instance: CPU times and waits.
    pub(crate) part_draws: ServiceDraws<2>,
    /// Arrivals so far.
    pub(crate) arrivals: u64,
    /// Instances created so far.
    pub(crate) created: u64,
    /// Instances that exist.
    pub(crate) instances: u32,
    /// Requests in service or waiting for an instance that starts for them.
    pub(crate) in_flight: u32,
    /// Instances that are up and have a free slot, without those of provisioned concurrency.
    pub(crate) pool: Pool,
    /// By session: slot of the instance that had its last request, and that instance's number within the run; only where
    /// sessions stick to instances.
    pub(crate) pins: Vec<(u32, u64)>,
    /// What a platform looks at that acts by itself; `None` where none does.
    pub(crate) watched: Option<Box<Watched>>,
    /// Instances on their way up with a free slot, oldest first; only where instances serve several requests.
    pub(crate) starting: VecDeque<u32>,
    /// Requests that wait, oldest first.
    pub(crate) queue: VecDeque<QueuedRequest>,
}

/// What a platform looks at that acts by itself.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Whether it is going to look at the function.
    pub(crate) ticking: bool,
    /// Instances of provisioned concurrency that are up and have a free slot.
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
    /// A request comes into service, or waits for an instance that starts for it.
    pub(crate) fn enter(&mut self, now: SimTime, provisioned: bool) {
        self.in_flight.up(now);
        if provisioned {
            self.on_provisioned.up(now);
        }
    }

    /// A request ends.
    pub(crate) fn leave(&mut self, now: SimTime, provisioned: bool) {
        self.in_flight.down(now);
        if provisioned {
            self.on_provisioned.down(now);
        }
    }
}

impl Fleet {
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
            pool: Pool::new(routing, draws.stream(Purpose::Routing, entity)),
            pins: Vec::new(),
            watched: None,
            starting: VecDeque::new(),
            queue: VecDeque::new(),
        }
    }
}
