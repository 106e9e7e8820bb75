//! The world: it carries out the platform's decisions, keeps the calendar and tells facts. It knows no prices.
//!
//! The life of a request:
//! 1. It arrives (`requests`). Where the clients of the service have timeouts or retries, it is a call, and the request is
//!    the first attempt of it (`calls`).
//! 2. The platform decides: a free instance takes it, it joins an instance that starts, an instance is started for it, it
//!    waits in the queue (`queue`), or it is rejected. The routing rule of the pool chooses among free instances.
//! 3. Its service time is drawn with its index within the function, so that it is the same under every platform. Where
//!    requests share the inside of an instance, they share its workers and CPU (`inside`). Services that need none of the
//!    general cases take a fast path (`fast_path`).
//! 4. It ends: answered, cut off by a timeout, or failed with its instance (`killed`).
//! 5. The instance takes the oldest request of the queue. Without one it becomes idle, and the platform says for how long
//!    (`instances`).
//!
//! The order of events at one instant is that of [`crate::sim::calendar`].

mod calls;
mod control;
mod fast_path;
mod inside;
mod instances;
mod killed;
mod late;
mod queue;
mod requests;
#[cfg(test)]
mod tests;
mod ticks;

use crate::rng::Draws;
use crate::sim::calendar::{Calendar, Event, Timer};
use crate::sim::client::RetryBudget;
use crate::sim::fact::{Activity, Fact, FleetState};
use crate::sim::fleet::{Fleet, Instances, Request};
use crate::sim::gauge::Gauges;
use crate::sim::inside::cpu::Released;
use crate::sim::inside::in_service::Held;
use crate::sim::observe::Observer;
use crate::sim::observe::run_stats::{RunStats, ServiceStats};
use crate::sim::platform::control::Order;
use crate::sim::platform::{Platform, Ticks};
use crate::sim::pool::Routing;
use crate::sim::setup::{ServiceSetup, Setup};
use crate::sim::slab::Slab;
use crate::units::{SimDuration, SimTime};
use calls::{Call, Loss};

/// The state of a service during a run.
#[derive(Debug)]
struct Service {
    /// `setup.most_in_flight` as a bare number.
    most_in_flight: u32,
    /// True if an instance can be killed while it has requests. Then the requests of each instance are kept.
    kills: bool,
    /// True if each request is a whole request with an instance of its own, only requests start instances, and no observer
    /// or platform follows the instances: then its requests take the fast path of [`World::assign_on_fast_path`].
    on_fast_path: bool,
    /// True if its requests count towards the account's limit.
    shares: bool,
    /// True if a free instance takes a request without asking the platform.
    takes_free: bool,
    /// When the platform looks at its functions by itself.
    ticks: Option<Ticks>,
    /// True if instances can be started without a request.
    ahead: bool,
    setup: ServiceSetup,
    /// Sessions that stick to instances; 0: they do not.
    sessions: u32,
    /// Number of the random stream of its first function.
    first: u64,
    /// The clients' budget for retries.
    retry_budget: Option<RetryBudget>,
    /// Number of think times that each user has begun.
    asked: Vec<u64>,
    fleets: Vec<Fleet>,
    gauges: Gauges,
    created: u64,
    stopped: u64,
    created_counted: u64,
    peak: u32,
    /// Integrals at the end of the warm-up and at the end.
    cuts: [FleetState<i128>; 2],
}

/// Sessions that stick to instances.
fn sticky(setup: &ServiceSetup) -> u32 {
    let client = setup.client.as_ref().filter(|_| setup.shape.routing == Routing::Sticky);
    client.map_or(0, |client| {
        let users = client.users.as_ref().map_or(0, |users| users.count);
        client.sessions.max(users)
    })
}

/// The run's state.
pub(crate) struct World {
    services: Vec<Service>,
    platform: Box<dyn Platform>,
    draws: Draws,
    calendar: Calendar,
    /// Requests in service.
    running: Slab<Request>,
    instances: Instances,
    /// Requests in service by instance, where too many of them kill it.
    held: Held,
    /// Requests in service or waiting for an instance that starts for them, of the services that share the account's limit
    /// and not on instances of provisioned concurrency.
    in_flight: u32,
    /// Requests in the system, and calls under way.
    present: u64,
    /// Calls under way, for services whose clients have timeouts or retries, and attempts that outlived theirs.
    calls: Slab<Call>,
    /// Attempts of calls so far.
    attempts: u64,
    /// Requests that had to wait so far.
    waits: u64,
    arrivals: u64,
    ended: u64,
    /// Instances created so far.
    created: u64,
    /// Requests that have just had their CPU time; kept to be filled again.
    had_cpu: Vec<Released>,
    now: SimTime,
    warm_up: SimTime,
    /// True once the warm-up is over.
    warm: bool,
    end: SimTime,
    sample_every: SimDuration,
    /// True if observers are told the activity of each instance. Then every function is watched.
    tells: bool,
    next_sample: SimTime,
    /// The next instant at which the state is sampled or cut.
    milestone: SimTime,
    /// True if the platform controls its instances itself.
    controlled: bool,
    /// True if it has nodes.
    has_nodes: bool,
    /// Time after which a request to an instance that does not answer fails.
    connect_timeout: SimDuration,
    /// When it is going to act.
    control_at: SimTime,
    /// Its orders of the moment; kept to be filled again.
    orders: Vec<Order>,
    /// Most nodes after the warm-up.
    nodes_peak: u32,
}

impl World {
    pub(crate) fn new(setup: Setup, draws: Draws) -> Self {
        let Setup {
            services,
            mut platform,
            warm_up,
            horizon,
            sample_every,
            tell_activity,
        } = setup;
        let controlled = platform.control().is_some();
        let has_nodes = platform.control().is_some_and(|control| control.has_nodes());
        let connect_timeout = platform
            .control()
            .map_or(SimDuration::ZERO, |control| control.connect_timeout());
        let on_fast_path = |i: usize, setup: &ServiceSetup| {
            setup.shape.concurrency == 1
                && setup.inside.is_none()
                && setup.most_in_flight.is_none()
                && setup.client.is_none()
                && setup.shape.initial.busy == 0
                && !setup.shape.starts_ahead
                && platform.ticks(i as u16).is_none()
                && platform.shares_account(i as u16)
                && !tell_activity
        };
        let service = |(i, setup): (usize, ServiceSetup)| {
            assert!(setup.shape.concurrency > 0, "an instance serves at least one request");
            assert!(
                setup.most_in_flight != Some(0),
                "an instance has memory for at least one request"
            );
            Service {
                most_in_flight: setup.most_in_flight.unwrap_or(u32::MAX),
                kills: controlled || setup.most_in_flight.is_some(),
                shares: platform.shares_account(i as u16),
                takes_free: platform.takes_free(i as u16),
                ticks: platform.ticks(i as u16),
                ahead: setup.shape.starts_ahead,
                on_fast_path: on_fast_path(i, &setup),
                sessions: sticky(&setup),
                first: setup.first_entity.unwrap_or((i as u64) << 32),
                retry_budget: setup
                    .client
                    .as_ref()
                    .and_then(|client| client.retry.budget)
                    .map(RetryBudget::new),
                asked: Vec::new(),
                setup,
                fleets: Vec::new(),
                gauges: Gauges::default(),
                created: 0,
                stopped: 0,
                created_counted: 0,
                peak: 0,
                cuts: [FleetState::default(); 2],
            }
        };
        Self {
            services: services.into_iter().enumerate().map(service).collect(),
            platform,
            draws,
            calendar: Calendar::default(),
            running: Slab::default(),
            instances: Instances::default(),
            held: Held::default(),
            in_flight: 0,
            present: 0,
            calls: Slab::default(),
            attempts: 0,
            waits: 0,
            arrivals: 0,
            ended: 0,
            created: 0,
            had_cpu: Vec::new(),
            now: SimTime::ZERO,
            warm_up: SimTime::ZERO + warm_up,
            warm: false,
            end: horizon.map_or(SimTime::NEVER, |h| SimTime::ZERO + h),
            sample_every,
            tells: tell_activity,
            next_sample: SimTime::ZERO + sample_every,
            milestone: SimTime::ZERO,
            controlled,
            has_nodes,
            connect_timeout,
            control_at: SimTime::NEVER,
            orders: Vec::new(),
            nodes_peak: 0,
        }
    }

    /// Every service has at least one function from the start.
    pub(crate) fn begin(&mut self, observer: &mut impl Observer) {
        for service in 0..self.services.len() {
            self.new_functions(service as u16, 0, observer);
            self.wake_users(service as u16);
        }
        self.arm_control();
    }

    /// Returns true while requests are in the system.
    pub(crate) fn unfinished(&self) -> bool {
        self.present > 0
    }

    /// When the counted time ends; never if that is not known yet.
    #[inline]
    pub(crate) fn end(&self) -> SimTime {
        self.end
    }

    #[inline]
    pub(crate) fn next_event(&self) -> SimTime {
        self.calendar.next_time()
    }

    /// There are no further arrivals and time counts until `end`.
    pub(crate) fn close(&mut self, end: SimTime) {
        self.end = end;
        // A run that ends within its warm-up counts nothing.
        self.warm_up = self.warm_up.min(end);
        self.milestone = self.milestone.min(end);
    }

    /// Advances the clock to `at`.
    #[inline]
    pub(crate) fn pass(&mut self, at: SimTime, observer: &mut impl Observer) {
        debug_assert!(at >= self.now, "time falls");
        if at >= self.milestone {
            self.milestones(at, observer);
        }
        self.now = at;
    }

    #[cold]
    #[inline(never)]
    fn milestones(&mut self, at: SimTime, observer: &mut impl Observer) {
        while self.milestone <= at {
            let due = self.milestone;
            let used = self.used_by_services(due);
            for (i, service) in self.services.iter_mut().enumerate() {
                let mut area = service.gauges.areas(due);
                (area.cpu, area.in_flight) = used.get(i).copied().unwrap_or((0, 0));
                if due == self.warm_up && !self.warm {
                    service.cuts[0] = area;
                    service.peak = service.gauges.instances();
                    self.nodes_peak = self.nodes_peak.max(service.gauges.nodes.count);
                }
                if due == self.end {
                    service.cuts[1] = area;
                }
                if due == self.next_sample || due == self.end {
                    observer.observe(&Fact::Sampled {
                        service: i as u16,
                        at: due,
                        area,
                    });
                }
            }
            self.warm |= due == self.warm_up;
            if due >= self.next_sample {
                self.next_sample = self.next_sample + self.sample_every;
            }
            let candidates = [self.warm_up, self.next_sample.min(self.end), self.end];
            let next = candidates.into_iter().filter(|&t| t > due).min();
            self.milestone = next.unwrap_or(SimTime::NEVER);
        }
    }

    /// Takes the next event.
    #[inline]
    pub(crate) fn step(&mut self, observer: &mut impl Observer) {
        match self.calendar.pop() {
            Some(Event::Done(request)) => self.done(request, observer),
            Some(Event::Timer(timer)) => self.timer(timer, observer),
            None => {}
        }
        self.check();
    }

    #[cold]
    #[inline(never)]
    fn timer(&mut self, timer: Timer, observer: &mut impl Observer) {
        match timer {
            Timer::Cpu { number, instance } => self.had_cpu(number, instance, observer),
            Timer::CutOff { number, index, request } => self.cut_off(number, index, request, observer),
            // A starting instance that was ended has left its slot to another one.
            Timer::Ready { number, instance } if self.instances.0.get(instance).number == number => {
                self.up(instance, observer);
            }
            Timer::Ready { .. } => {}
            Timer::NotAlive { number, instance } => self.not_alive(number, instance, observer),
            Timer::Control => self.control(observer),
            Timer::Drained { number, instance } => self.drained(number, instance, observer),
            Timer::Boosted { number, instance } => self.boosted(number, instance),
            Timer::Expiry { number, instance } => self.expire(number, instance, observer),
            Timer::GiveUp {
                number,
                service,
                function,
            } => self.give_up(number, service, function, observer),
            Timer::Tick { service, function } => self.tick(service, function, observer),
            Timer::Rewarm {
                service,
                function,
                arrivals,
            } => self.rewarm(service, function, arrivals, observer),
            Timer::ClientTimeout { number, call } => self.client_timeout(number, call, observer),
            Timer::Send { number, call } => self.send(number, call, observer),
            Timer::User { service, user } => self.user(service, user, observer),
        }
    }

    /// Tells what an instance does from now on, if observers are to know.
    #[inline]
    fn tell(&self, slot: u32, observer: &mut impl Observer) {
        if self.tells {
            self.told(slot, observer);
        }
    }

    #[cold]
    #[inline(never)]
    fn told(&self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        observer.observe(&Fact::Activity(Activity {
            service: instance.service,
            function: instance.function,
            instance: instance.link.ordinal,
            at: self.now,
            starting: instance.start.is_some(),
            requests: match &instance.station {
                Some(station) => station.working(),
                None => instance.in_flight,
            },
        }));
    }

    #[inline]
    fn fleet(&mut self, service: u16, function: u32) -> &mut Fleet {
        &mut self.services[service as usize].fleets[function as usize]
    }

    /// Conservation, at every event of a debug build.
    #[inline]
    fn check(&self) {
        if cfg!(debug_assertions) {
            for service in &self.services {
                assert_eq!(
                    u64::from(service.gauges.instances()),
                    service.created - service.stopped,
                    "instances = starting + busy + idle"
                );
            }
        }
    }

    /// Ends the run and returns its counts.
    pub(crate) fn finish(mut self, observer: &mut impl Observer) -> RunStats {
        self.pass(self.end.max(self.now), observer);
        assert_eq!(self.arrivals, self.ended, "every request that arrived has ended");
        let end = self.end;
        let nodes_peak = self.has_nodes.then_some(self.nodes_peak);
        let services = self.services.into_iter().map(|service| {
            let [from, to] = service.cuts;
            ServiceStats {
                area: to - from,
                instances_peak: Some(service.peak),
                instances_created: service.created_counted,
            }
        });
        RunStats {
            arrivals: self.arrivals,
            end,
            services: services.collect(),
            nodes_peak,
            counts_cpu: self.controlled,
        }
    }
}
