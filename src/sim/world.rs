//! The world changes: it applies the platform's decisions, keeps the calendar and tells facts. It knows no prices.

use crate::model::arrival::Arrival;
use crate::rng::Draws;
use crate::sim::calendar::{Calendar, Event, Timer};
use crate::sim::engine::{RunStats, ServiceStats};
use crate::sim::fact::{Fact, Finished, FleetState, Observer, Outcome};
use crate::sim::fleet::{Fleet, Instance, Instances, NO_INSTANCE, Request, Start};
use crate::sim::gauge::Gauges;
use crate::sim::platform::{Admission, FleetView, InstanceView, KeepAlive, Platform};
use crate::sim::pool::{Link, Pool};
use crate::sim::setup::{ServiceSetup, Setup};
use crate::sim::slab::Slab;
use crate::units::{SimDuration, SimTime};

/// A service at work.
#[derive(Debug)]
struct Service {
    setup: ServiceSetup,
    fleets: Vec<Fleet>,
    gauges: Gauges,
    created: u64,
    stopped: u64,
    created_counted: u64,
    peak: u32,
    /// Integrals at the end of the warm-up and at the end.
    cuts: [FleetState<i128>; 2],
}

pub(crate) struct World {
    services: Vec<Service>,
    platform: Box<dyn Platform>,
    draws: Draws,
    calendar: Calendar,
    requests: Slab<Request>,
    instances: Instances,
    /// Requests in service or waiting for an instance that starts for them.
    in_flight: u32,
    /// Requests in the system.
    present: u64,
    arrivals: u64,
    ended: u64,
    /// Instances created so far.
    created: u64,
    now: SimTime,
    warm_up: SimTime,
    /// Whether the warm-up is over.
    warm: bool,
    end: SimTime,
    sample_every: SimDuration,
    next_sample: SimTime,
    /// The next instant at which the state is sampled or cut.
    milestone: SimTime,
}

impl World {
    pub(crate) fn new(setup: Setup, draws: Draws) -> Self {
        let Setup {
            services,
            platform,
            warm_up,
            horizon,
            sample_every,
        } = setup;
        let service = |setup: ServiceSetup| {
            assert!(setup.concurrency > 0, "an instance serves at least one request");
            Service {
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
            services: services.into_iter().map(service).collect(),
            platform,
            draws,
            calendar: Calendar::default(),
            requests: Slab::default(),
            instances: Instances::default(),
            in_flight: 0,
            present: 0,
            arrivals: 0,
            ended: 0,
            created: 0,
            now: SimTime::ZERO,
            warm_up: SimTime::ZERO + warm_up,
            warm: false,
            end: horizon.map_or(SimTime::NEVER, |h| SimTime::ZERO + h),
            sample_every,
            next_sample: SimTime::ZERO + sample_every,
            milestone: SimTime::ZERO,
        }
    }

    /// Every service has at least one function from the start.
    pub(crate) fn begin(&mut self, observer: &mut impl Observer) {
        for service in 0..self.services.len() {
            self.function(service as u16, 0, observer);
        }
    }

    /// Whether requests are still in the system.
    pub(crate) fn unfinished(&self) -> bool {
        self.present > 0
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

    /// Lets time pass until `at`.
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
            for (i, service) in self.services.iter_mut().enumerate() {
                let area = service.gauges.areas(due);
                if due == self.warm_up && !self.warm {
                    service.cuts[0] = area;
                    service.peak = service.gauges.instances();
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

    /// Makes sure that the function exists, with the instances it has from the start.
    #[inline]
    fn function(&mut self, service: u16, function: u32, observer: &mut impl Observer) {
        if function as usize >= self.services[service as usize].fleets.len() {
            self.new_functions(service, function, observer);
        }
    }

    #[cold]
    #[inline(never)]
    fn new_functions(&mut self, service: u16, function: u32, observer: &mut impl Observer) {
        for number in self.services[service as usize].fleets.len() as u32..=function {
            let state = &mut self.services[service as usize];
            let (routing, initial) = (state.setup.routing, state.setup.initial);
            state.fleets.push(Fleet::new(self.draws, service, number, routing));
            for i in 0..self.platform.replicas() + initial.idle + initial.busy {
                let instance = self.create(service, number, None);
                if i < initial.busy {
                    let request = self.requests.insert(Request {
                        arrived: self.now,
                        started: self.now,
                        // Draws of requests that are no arrivals must not repeat those of arrivals.
                        index: u64::MAX - u64::from(i),
                        given: None,
                        init: SimDuration::ZERO,
                        service,
                        function: number,
                        instance: NO_INSTANCE,
                        cold: false,
                        timed_out: false,
                        initial: true,
                    });
                    self.present += 1;
                    self.in_flight += 1;
                    self.fleet(service, number).in_flight += 1;
                    self.instances.0.get_mut(instance).in_flight = 1;
                    let gauges = &mut self.services[service as usize].gauges;
                    gauges.idle.down(self.now);
                    gauges.busy.up(self.now);
                    self.serve(request, instance, None);
                    if self.services[service as usize].setup.concurrency > 1 {
                        self.pool_insert(instance);
                    }
                } else {
                    self.pool_insert(instance);
                    if !self.rest(instance) {
                        self.stop(instance, observer);
                    }
                }
            }
        }
    }

    #[inline]
    fn fleet(&mut self, service: u16, function: u32) -> &mut Fleet {
        &mut self.services[service as usize].fleets[function as usize]
    }

    fn pool_insert(&mut self, slot: u32) {
        let instance = self.instances.0.get(slot);
        let pool = &mut self.services[instance.service as usize].fleets[instance.function as usize].pool;
        pool.insert(slot, &mut self.instances);
    }

    /// A request arrives.
    #[inline]
    pub(crate) fn arrive(&mut self, service: u16, arrival: &Arrival, observer: &mut impl Observer) {
        let function = arrival.function;
        self.arrivals += 1;
        observer.observe(&Fact::Arrived {
            service,
            at: arrival.at,
        });
        self.function(service, function, observer);
        let account_in_flight = self.in_flight;
        let fleet = &mut self.services[service as usize].fleets[function as usize];
        let index = fleet.arrivals;
        fleet.arrivals += 1;
        let view = FleetView {
            now: self.now,
            service,
            function,
            free: !fleet.pool.is_empty(),
            starting_free: !fleet.starting.is_empty(),
            instances: fleet.instances,
            in_flight: fleet.in_flight,
            queued: fleet.queue.len() as u32,
            account_in_flight,
        };
        let admission = self.platform.admit(&view);
        if let Admission::Reject(reason) = admission {
            self.ended += 1;
            observer.observe(&Fact::Rejected {
                service,
                function,
                at: self.now,
                reason,
            });
            return;
        }
        self.present += 1;
        let request = self.requests.insert(Request {
            arrived: arrival.at,
            started: arrival.at,
            index,
            given: arrival.duration,
            init: SimDuration::ZERO,
            service,
            function,
            instance: NO_INSTANCE,
            cold: false,
            timed_out: false,
            initial: false,
        });
        match admission {
            Admission::Warm => self.assign(request),
            Admission::Join => self.join(request),
            Admission::Start => self.cold_start(request, observer),
            Admission::Wait | Admission::Reject(_) => self.wait(request),
        }
        self.check();
    }

    /// Gives a request to a free instance.
    #[inline]
    fn assign(&mut self, request: u32) {
        let (service, function) = {
            let request = self.requests.get(request);
            (request.service, request.function)
        };
        let state = &mut self.services[service as usize];
        let fleet = &mut state.fleets[function as usize];
        let slot = fleet
            .pool
            .take(&mut self.instances)
            .expect("the platform saw a free instance");
        fleet.in_flight += 1;
        self.in_flight += 1;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight += 1;
        let (first, full) = (instance.in_flight == 1, instance.in_flight >= state.setup.concurrency);
        if first {
            state.gauges.idle.down(self.now);
            state.gauges.busy.up(self.now);
        }
        if !full {
            fleet.pool.insert(slot, &mut self.instances);
        }
        self.serve(request, slot, None);
    }

    /// Has a request wait for an instance that is on its way up.
    fn join(&mut self, request: u32) {
        let (service, function) = {
            let request = self.requests.get(request);
            (request.service, request.function)
        };
        let state = &mut self.services[service as usize];
        let fleet = &mut state.fleets[function as usize];
        let slot = *fleet.starting.front().expect("the platform saw a free slot");
        fleet.in_flight += 1;
        self.in_flight += 1;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight += 1;
        if instance.in_flight >= state.setup.concurrency {
            fleet.starting.pop_front();
        }
        self.requests.get_mut(request).instance = slot;
        if let Some(start) = &mut instance.start {
            start.requests.push_back(request);
        }
    }

    fn wait(&mut self, request: u32) {
        let Request { service, function, .. } = *self.requests.get(request);
        let state = &mut self.services[service as usize];
        state.gauges.queued.up(self.now);
        state.fleets[function as usize].queue.push_back(request);
        if let Some(timeout) = state.setup.queue_timeout {
            let epoch = self.requests.epoch(request);
            let order = self.arrivals;
            let timer = Timer::GiveUp { order, request, epoch };
            self.calendar.timer_at(self.now + timeout, timer);
        }
    }

    /// Creates an instance: up at once, or on its way up.
    fn create(&mut self, service: u16, function: u32, start: Option<Box<Start>>) -> u32 {
        let state = &mut self.services[service as usize];
        let fleet = &mut state.fleets[function as usize];
        let ordinal = fleet.created;
        fleet.created += 1;
        fleet.instances += 1;
        state.created += 1;
        state.created_counted += u64::from(self.now >= self.warm_up && self.now <= self.end);
        match &start {
            None => state.gauges.idle.up(self.now),
            Some(start) if start.counts_as_busy => state.gauges.busy.up(self.now),
            Some(_) => state.gauges.starting.up(self.now),
        }
        if self.now <= self.end {
            state.peak = state.peak.max(state.gauges.instances());
        }
        self.created += 1;
        let slot = self.instances.0.insert(Instance {
            link: Link::new(ordinal),
            number: self.created,
            service,
            function,
            created: self.now,
            deadline: SimTime::NEVER,
            timer: SimTime::NEVER,
            in_flight: 0,
            reset: false,
            start,
        });
        let fleet = &mut self.services[service as usize].fleets[function as usize];
        fleet.pool.created(slot, &mut self.instances);
        slot
    }

    /// Starts an instance for a request.
    #[cold]
    #[inline(never)]
    fn cold_start(&mut self, request: u32, observer: &mut impl Observer) {
        let Request { service, function, .. } = *self.requests.get(request);
        observer.observe(&Fact::ColdStart { service, at: self.now });
        let state = &self.services[service as usize];
        let fleet = &state.fleets[function as usize];
        let (mut cold, response) = state.setup.cold.draw(&fleet.streams, fleet.created);
        if let Some(limit) = state.setup.init_limit
            && cold.init > limit
        {
            // Aborted at the limit and run again inside the first request.
            cold.first_request += cold.init;
            cold.init = limit;
        }
        let mut start = Box::new(Start {
            cold,
            requests: [request].into(),
            counts_as_busy: response.is_some(),
        });
        if response.is_some() {
            start.requests.clear();
        }
        let several = state.setup.concurrency > 1;
        let slot = self.create(service, function, Some(start));
        self.in_flight += 1;
        let fleet = self.fleet(service, function);
        fleet.in_flight += 1;
        if several {
            fleet.starting.push_back(slot);
        }
        self.instances.0.get_mut(slot).in_flight = 1;
        let now = self.now;
        let request_state = self.requests.get_mut(request);
        request_state.cold = true;
        request_state.instance = slot;
        request_state.init = cold.init;
        match response {
            Some(response) => {
                request_state.started = now;
                self.calendar.done_at(now + response, request);
            }
            None => self.calendar.timer_at(
                now + cold.sandbox + cold.init,
                Timer::Ready {
                    order: self.instances.0.get(slot).number,
                    instance: slot,
                },
            ),
        }
    }

    /// Begins the service of a request on an instance that is up and has counted it already.
    #[inline]
    fn serve(&mut self, request: u32, slot: u32, first: Option<SimDuration>) {
        let state = self.requests.get_mut(request);
        let service = &self.services[state.service as usize];
        let fleet = &service.fleets[state.function as usize];
        let mut time = match state.given {
            Some(given) => given.saturating_add(first.unwrap_or_default()),
            None => service.setup.warm.draw(&fleet.streams, state.index, first),
        };
        let instance = self.instances.0.get_mut(slot);
        if instance.reset {
            instance.reset = false;
            let (cold, _) = service.setup.cold.draw(&fleet.streams, instance.link.ordinal);
            time += cold.init;
        }
        if let Some(timeout) = service.setup.timeout
            && time > timeout
        {
            time = timeout;
            state.timed_out = true;
            instance.reset = true;
        }
        state.started = self.now;
        state.instance = slot;
        self.calendar.done_at(self.now + time, request);
    }

    /// Takes the next event.
    #[inline]
    pub(crate) fn step(&mut self, observer: &mut impl Observer) {
        match self.calendar.pop() {
            Some((_, Event::Done(request))) => self.done(request, observer),
            Some((_, Event::Timer(timer))) => self.timer(timer, observer),
            None => {}
        }
        self.check();
    }

    #[inline]
    fn done(&mut self, slot: u32, observer: &mut impl Observer) {
        let request = *self.requests.get(slot);
        self.requests.release(slot);
        self.present -= 1;
        self.in_flight -= 1;
        let state = &mut self.services[request.service as usize];
        state.fleets[request.function as usize].in_flight -= 1;
        let instance = self.instances.0.get_mut(request.instance);
        instance.in_flight -= 1;
        if !request.initial {
            self.ended += 1;
            observer.observe(&Fact::Finished(Finished {
                service: request.service,
                function: request.function,
                index: request.index,
                arrived: request.arrived,
                started: request.started,
                finished: self.now,
                instance: instance.link.ordinal,
                cold: request.cold,
                init: request.init,
                outcome: if request.timed_out {
                    Outcome::TimedOut
                } else {
                    Outcome::Completed
                },
            }));
        }
        if instance.start.is_some() {
            self.up(request.instance, observer);
        } else {
            self.freed(request.instance, observer);
        }
    }

    /// A slot of an instance that is up became free.
    #[inline]
    fn freed(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let state = &mut self.services[instance.service as usize];
        let fleet = &mut state.fleets[instance.function as usize];
        if !fleet.queue.is_empty() {
            return self.serve_queue(slot);
        }
        let idle = instance.in_flight == 0;
        let by_use = matches!(fleet.pool, Pool::ByUse { .. });
        match instance.link.pooled {
            true if by_use => {
                fleet.pool.remove(slot, &mut self.instances);
                fleet.pool.insert(slot, &mut self.instances);
            }
            true => {}
            false => fleet.pool.insert(slot, &mut self.instances),
        }
        if idle {
            state.gauges.busy.down(self.now);
            state.gauges.idle.up(self.now);
            if !self.rest(slot) {
                self.stop(slot, observer);
            }
        }
    }

    /// Fills the free slots of an instance that is up from the queue.
    fn serve_queue(&mut self, slot: u32) {
        let Instance { service, function, .. } = *self.instances.0.get(slot);
        loop {
            let state = &mut self.services[service as usize];
            let fleet = &mut state.fleets[function as usize];
            let instance = self.instances.0.get_mut(slot);
            if instance.in_flight >= state.setup.concurrency {
                return;
            }
            let Some(request) = fleet.queue.pop_front() else {
                if !self.instances.0.get(slot).link.pooled {
                    fleet.pool.insert(slot, &mut self.instances);
                }
                return;
            };
            state.gauges.queued.down(self.now);
            instance.in_flight += 1;
            fleet.in_flight += 1;
            self.in_flight += 1;
            self.serve(request, slot, None);
        }
    }

    /// An instance becomes idle: sets its deadline. False if it is to end at once.
    #[inline]
    fn rest(&mut self, slot: u32) -> bool {
        let instance = self.instances.0.get_mut(slot);
        let deadline = match self.platform.idle(&InstanceView {
            now: self.now,
            service: instance.service,
            function: instance.function,
            ordinal: instance.link.ordinal,
            created: instance.created,
        }) {
            KeepAlive::Until(at) => at,
            KeepAlive::Forever => SimTime::NEVER,
            KeepAlive::Stop => return false,
        };
        instance.deadline = deadline;
        // One pending timer per instance: it is moved on when it runs out, not at every request.
        if deadline < instance.timer {
            instance.timer = deadline;
            let order = instance.number;
            let epoch = self.instances.0.epoch(slot);
            self.calendar.timer_at(
                deadline,
                Timer::Expiry {
                    order,
                    instance: slot,
                    epoch,
                },
            );
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn timer(&mut self, timer: Timer, observer: &mut impl Observer) {
        match timer {
            Timer::Ready { instance, .. } => self.up(instance, observer),
            Timer::Expiry {
                order,
                instance: slot,
                epoch,
            } => {
                if self.instances.0.epoch(slot) != epoch {
                    return;
                }
                let now = self.now;
                let instance = self.instances.0.get_mut(slot);
                if instance.timer != now {
                    return;
                }
                instance.timer = SimTime::NEVER;
                if instance.in_flight > 0 {
                    return;
                }
                if instance.deadline <= now {
                    self.stop(slot, observer);
                } else {
                    instance.timer = instance.deadline;
                    let deadline = instance.deadline;
                    self.calendar.timer_at(
                        deadline,
                        Timer::Expiry {
                            order,
                            instance: slot,
                            epoch,
                        },
                    );
                }
            }
            Timer::GiveUp { request, epoch, .. } => self.give_up(request, epoch, observer),
        }
    }

    fn give_up(&mut self, slot: u32, epoch: u32, observer: &mut impl Observer) {
        if self.requests.epoch(slot) != epoch || self.requests.get(slot).instance != NO_INSTANCE {
            return;
        }
        let request = *self.requests.get(slot);
        let state = &mut self.services[request.service as usize];
        state.gauges.queued.down(self.now);
        // All requests wait equally long, so the first to give up is the first in the queue.
        let queue = &mut state.fleets[request.function as usize].queue;
        let first = queue.pop_front();
        debug_assert_eq!(first, Some(slot));
        self.requests.release(slot);
        self.present -= 1;
        self.ended += 1;
        observer.observe(&Fact::GaveUp {
            service: request.service,
            function: request.function,
            arrived: request.arrived,
            at: self.now,
        });
    }

    /// An instance that was on its way up is up: the requests that waited for it are served.
    #[cold]
    #[inline(never)]
    fn up(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        let (service, function) = (instance.service, instance.function);
        let Some(start) = instance.start.take() else {
            return;
        };
        let state = &mut self.services[service as usize];
        if !start.counts_as_busy {
            state.gauges.starting.down(self.now);
            state.gauges.busy.up(self.now);
        }
        let fleet = &mut state.fleets[function as usize];
        fleet.starting.retain(|&s| s != slot);
        let first_is_cold = !start.counts_as_busy;
        for (i, request) in start.requests.into_iter().enumerate() {
            let first = (i == 0 && first_is_cold).then_some(start.cold.first_request);
            self.serve(request, slot, first);
        }
        let state = &mut self.services[service as usize];
        if self.instances.0.get(slot).in_flight < state.setup.concurrency {
            self.freed(slot, observer);
        }
    }

    /// Ends an idle instance that is in the pool.
    fn stop(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let pool = &mut self.services[instance.service as usize].fleets[instance.function as usize].pool;
        pool.remove(slot, &mut self.instances);
        let instance = self.instances.0.get(slot);
        let state = &mut self.services[instance.service as usize];
        state.gauges.idle.down(self.now);
        state.stopped += 1;
        let fleet = &mut state.fleets[instance.function as usize];
        fleet.instances -= 1;
        observer.observe(&Fact::Stopped {
            service: instance.service,
            function: instance.function,
            instance: instance.link.ordinal,
            created: instance.created,
            at: self.now,
        });
        fleet.pool.ended(slot, &mut self.instances);
        self.instances.0.release(slot);
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

    /// Closes the books.
    pub(crate) fn finish(mut self, observer: &mut impl Observer) -> RunStats {
        self.pass(self.end.max(self.now), observer);
        assert_eq!(self.arrivals, self.ended, "every request that arrived has ended");
        let end = self.end;
        let services = self.services.into_iter().map(|service| {
            let [from, to] = service.cuts;
            ServiceStats {
                area: FleetState {
                    starting: to.starting - from.starting,
                    busy: to.busy - from.busy,
                    idle: to.idle - from.idle,
                    queued: to.queued - from.queued,
                },
                instances_peak: service.peak,
                instances_created: service.created_counted,
            }
        });
        RunStats {
            arrivals: self.arrivals,
            end,
            services: services.collect(),
        }
    }
}
