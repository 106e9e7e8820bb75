//! The life of an instance: created, starting, ready, busy and idle in turn, ended.

use crate::sim::calendar::Timer;
use crate::sim::fact::Fact;
use crate::sim::fleet::{Fleet, Instance, Request, Start, StartCpu};
use crate::sim::inside::station::Station;
use crate::sim::late::Stamps;
use crate::sim::observe::Observer;
use crate::sim::platform::{InstanceView, KeepAlive, Lifetime};
use crate::sim::pool::link::Link;
use crate::sim::setup::{ColdModel, ColdStart};
use crate::sim::world::World;
use crate::units::{SimDuration, SimTime};

impl World {
    /// Adds functions up to number `function`, with the instances that they have from the start.
    #[cold]
    #[inline(never)]
    pub(super) fn new_functions(&mut self, service: u16, function: u32, observer: &mut impl Observer) {
        for number in self.services[service as usize].fleets.len() as u32..=function {
            let state = &mut self.services[service as usize];
            let (routing, initial) = (state.setup.shape.routing, state.setup.shape.initial);
            let several = state.setup.shape.concurrency > 1;
            let entity = state.first + u64::from(number);
            state.fleets.push(Fleet::new(self.draws, entity, routing));
            if state.ahead || state.ticks.is_some() || self.tells {
                self.watch(service, number);
            }
            if let Some(control) = self.platform.control() {
                let replicas = control.replicas(service);
                (0..replicas).for_each(|_| self.create_placed(service, true, observer));
            }
            for i in 0..self.platform.replicas() + initial.idle + initial.busy {
                let slot = self.create(service, number, None, false);
                self.tell(slot, observer);
                if i >= initial.busy {
                    self.pool_insert(slot);
                    if !self.rest(slot) {
                        self.stop(slot, observer);
                    }
                    continue;
                }
                // Draws of requests that are no arrivals must not repeat draws of arrivals.
                let index = u64::MAX - u64::from(i);
                let request = Request {
                    call: Request::INITIAL,
                    ..Request::new(service, number, index, self.now)
                };
                self.present += 1;
                self.in_flight += u32::from(self.services[service as usize].shares);
                let now = self.now;
                let fleet = self.fleet(service, number);
                fleet.in_flight += 1;
                if let Some(watched) = &mut fleet.watched {
                    watched.enter(now, false);
                }
                self.instances.0.get_mut(slot).in_flight = 1;
                let gauges = &mut self.services[service as usize].gauges;
                gauges.idle.down(self.now);
                gauges.busy.up(self.now);
                self.serve(request, slot, None);
                self.tell(slot, observer);
                if several {
                    self.pool_insert(slot);
                }
            }
            if self.services[service as usize].ticks.is_some() {
                self.arm(service, number, true);
            }
        }
    }

    fn pool_insert(&mut self, slot: u32) {
        let instance = self.instances.0.get(slot);
        let (service, function, load) = (
            instance.service as usize,
            instance.function as usize,
            instance.in_flight,
        );
        let fleet = &mut self.services[service].fleets[function];
        fleet.pool.insert(slot, load, &mut self.instances);
    }

    /// Creates an instance, ready or starting.
    pub(super) fn create(&mut self, service: u16, function: u32, start: Option<Box<Start>>, provisioned: bool) -> u32 {
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
        let lifetime = self.platform.lifetime(&InstanceView {
            now: self.now,
            service,
            function,
            entity: fleet.entity,
            ordinal,
            created: self.now,
            provisioned,
            unused: false,
        });
        let slot = self.instances.0.insert(Instance {
            link: Link::new(ordinal),
            number: self.created,
            service,
            function,
            created: self.now,
            lifetime,
            deadline: SimTime::NEVER,
            timer: SimTime::NEVER,
            init: start.as_ref().map_or(SimDuration::ZERO, |start| start.cold.init),
            stamps: Stamps::new(
                self.now,
                start.as_ref().map(|start| start.cold.sandbox),
                self.controlled,
            ),
            short: false,
            start_cpu: StartCpu::of(start.as_deref()),
            in_flight: 0,
            freed: self.now,
            idle_before: SimDuration::ZERO,
            unneeded: self.now,
            provisioned,
            first: None,
            reset: false,
            served: 0,
            lost: false,
            drain: None,
            station: state
                .setup
                .inside
                .map(|inside| Box::new(Station::new(inside, self.now, start.is_some()))),
            start,
        });
        if let Some(watched) = &mut fleet.watched {
            watched.provisioned += u32::from(provisioned);
            watched.slots.push(slot);
        }
        fleet.pool(provisioned).created(slot, &mut self.instances);
        slot
    }

    /// Returns the cost of the next start of a function. The second value is the whole response of the first request, if
    /// the profile knows only that.
    pub(super) fn next_start(&self, service: u16, function: u32) -> (ColdStart, Option<SimDuration>) {
        let state = &self.services[service as usize];
        let fleet = &state.fleets[function as usize];
        let (mut cold, response) = state.setup.cold.draw(&fleet.streams, fleet.created);
        if let Some(limit) = state.setup.shape.init_limit
            && cold.init > limit
        {
            // Aborted at the limit and run again inside the first request.
            cold.first_request += cold.init;
            cold.init = limit;
        }
        (cold, response)
    }

    /// Starts an instance in place of one that was killed. It is ready when it has answered its first request, which is a
    /// probe.
    pub(super) fn restart(&mut self, service: u16, function: u32, observer: &mut impl Observer) {
        let (cold, response) = self.next_start(service, function);
        let lasting = response.unwrap_or(cold.sandbox + cold.init + cold.first_request);
        let start = Start {
            cold,
            requests: Vec::new(),
            counts_as_busy: false,
            ahead: false,
            unneeded: None,
        };
        let slot = self.create(service, function, Some(Box::new(start)), false);
        self.tell(slot, observer);
        let number = self.instances.0.get(slot).number;
        let ready = Timer::Ready { number, instance: slot };
        self.calendar.timer_at(self.now + lasting, ready);
    }

    /// Starts an instance for a request.
    #[cold]
    #[inline(never)]
    pub(super) fn cold_start(&mut self, mut request: Request, observer: &mut impl Observer) {
        let (service, function) = (request.service, request.function);
        if request.call != Request::PING {
            observer.observe(&Fact::ColdStart { service, at: self.now });
        }
        let (cold, response) = self.next_start(service, function);
        let several = self.services[service as usize].setup.shape.concurrency > 1;
        let start = Start {
            cold,
            requests: Vec::new(),
            counts_as_busy: response.is_some(),
            ahead: false,
            unneeded: None,
        };
        let slot = self.create(service, function, Some(Box::new(start)), false);
        self.tell(slot, observer);
        self.present += 1;
        self.in_flight += u32::from(self.services[service as usize].shares);
        let now = self.now;
        let fleet = self.fleet(service, function);
        fleet.in_flight += 1;
        if let Some(watched) = &mut fleet.watched {
            watched.enter(now, false);
        }
        if several {
            fleet.starting.push_back(slot);
        }
        request.started = self.now;
        request.cold = true;
        request.first_use = true;
        request.instance = slot;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight = 1;
        match response {
            Some(response) => self.run(request, response),
            None => {
                let number = instance.number;
                if let Some(start) = &mut instance.start {
                    start.requests.push(request);
                }
                let ready = Timer::Ready { number, instance: slot };
                self.calendar.timer_at(self.now + cold.sandbox + cold.init, ready);
            }
        }
    }

    /// Makes a starting instance ready, and serves the requests that wait for it.
    #[cold]
    #[inline(never)]
    pub(super) fn up(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        let (service, function) = (instance.service, instance.function);
        if instance.lost {
            // It will never be ready.
            return;
        }
        let Some(start) = instance.start.take() else {
            return;
        };
        let took = self.now.since(instance.created);
        instance.freed = self.now;
        instance.unneeded = start.unneeded.unwrap_or(self.now);
        instance.stamps.up(self.now);
        let inside = self.services[service as usize].setup.inside;
        if let Some((_, lasts)) = inside.and_then(|inside| inside.boost) {
            let number = instance.number;
            let timer = Timer::Boosted { number, instance: slot };
            self.calendar.timer_at(self.now + lasts, timer);
        }
        if self.services[service as usize].ahead {
            self.platform.came_up(service, function, self.now, took);
        }
        if self.controlled {
            // A probe had the first answer.
            let (id, now) = (self.id(slot), self.now);
            if let Some(control) = self.platform.control() {
                control.ready(id, now);
            }
            self.arm_control();
        } else if start.ahead {
            instance.first = Some(start.cold.first_request);
            observer.observe(&Fact::Prepared {
                service,
                at: self.now,
                init: start.cold.init,
                provisioned: instance.provisioned,
            });
        }
        let state = &mut self.services[service as usize];
        if !start.counts_as_busy {
            state.gauges.starting.down(self.now);
            state.gauges.busy.up(self.now);
        }
        let fleet = &mut state.fleets[function as usize];
        fleet.starting.retain(|&s| s != slot);
        for request in start.requests {
            let first = request.cold.then_some(start.cold.first_request);
            let prepared = match first {
                None => self.instances.0.get_mut(slot).first_use(self.now),
                Some(_) => None,
            };
            let request = Request {
                first_use: request.first_use || prepared.is_some(),
                ..request
            };
            self.serve(request, slot, first.or(prepared));
        }
        self.tell(slot, observer);
        let state = &self.services[service as usize];
        let in_flight = self.instances.0.get(slot).in_flight;
        if in_flight > state.most_in_flight {
            self.kill(slot, observer);
        } else if in_flight < state.setup.shape.concurrency {
            self.freed(slot, observer);
        }
    }

    /// Handles a slot that became free on a ready instance: the queue fills it, or the instance may become idle.
    #[inline]
    pub(super) fn freed(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        if instance.drain.is_some() {
            return self.drains(slot, observer);
        }
        let state = &mut self.services[instance.service as usize];
        let fleet = &mut state.fleets[instance.function as usize];
        if !fleet.queue.is_empty() {
            return self.serve_queue(slot, observer);
        }
        let (load, provisioned) = (instance.in_flight, instance.provisioned);
        let unused = instance.first.is_some() && load == 0 && !instance.link.pooled;
        let pool = fleet.pool(provisioned);
        if unused {
            pool.insert_unused(slot, &mut self.instances);
        } else {
            pool.put(slot, load, &mut self.instances);
        }
        if load == 0 {
            state.gauges.busy.down(self.now);
            state.gauges.idle.up(self.now);
            if !self.rest(slot) {
                self.stop(slot, observer);
            }
        }
    }

    /// Sets the deadline of an instance that becomes idle. Returns false if it is to end at once.
    #[inline]
    pub(super) fn rest(&mut self, slot: u32) -> bool {
        let instance = self.instances.0.get(slot);
        let fleet = &self.services[instance.service as usize].fleets[instance.function as usize];
        if let Some(lifetime) = &instance.lifetime {
            let deadline = lifetime.end(self.now, instance.unneeded, instance.idle_before);
            let end = deadline.min(fleet.silent_end(self.now, lifetime));
            return end > self.now && self.until(slot, deadline, end);
        }
        let decision = self.platform.idle(&InstanceView {
            now: self.now,
            service: instance.service,
            function: instance.function,
            entity: fleet.entity,
            ordinal: instance.link.ordinal,
            created: instance.created,
            provisioned: instance.provisioned,
            unused: instance.first.is_some(),
        });
        self.keep(slot, decision)
    }

    /// Sets the deadline of an idle instance. Returns false if it is to end at once.
    #[inline]
    fn keep(&mut self, slot: u32, decision: KeepAlive) -> bool {
        let instance = self.instances.0.get_mut(slot);
        let deadline = match decision {
            KeepAlive::Until(at) => at,
            KeepAlive::Forever => SimTime::NEVER,
            KeepAlive::Stop => return false,
            KeepAlive::Rewarm(at) => {
                let (service, function) = (instance.service, instance.function);
                let arrivals = self.services[service as usize].fleets[function as usize].arrivals;
                let rewarm = Timer::Rewarm {
                    service,
                    function,
                    arrivals,
                };
                self.calendar.timer_at(at, rewarm);
                return false;
            }
        };
        self.until(slot, deadline, deadline)
    }

    /// Sets the deadline of an idle instance, and when to look at it: the timer is due then or before. Returns true.
    #[inline]
    fn until(&mut self, slot: u32, deadline: SimTime, look: SimTime) -> bool {
        let instance = self.instances.0.get_mut(slot);
        instance.deadline = deadline;
        // There is one pending timer for each instance. It is put off when it runs out, not at every request.
        if look < instance.timer {
            instance.timer = look;
            let number = instance.number;
            let expiry = Timer::Expiry { number, instance: slot };
            self.calendar.timer_at(look, expiry);
        }
        true
    }

    /// Handles the expiry timer of instance `number` of the run, which was in `slot` when the timer was set.
    pub(super) fn expire(&mut self, number: u64, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        if instance.number != number || instance.timer != self.now {
            // It has ended, or an earlier timer took the place of this one.
            return;
        }
        instance.timer = SimTime::NEVER;
        if instance.in_flight > 0 {
            return;
        }
        let service = &self.services[instance.service as usize];
        let fleet = &service.fleets[instance.function as usize];
        let silent = |lifetime: &Lifetime| fleet.silent_end(self.now, lifetime);
        let end = instance
            .deadline
            .min(instance.lifetime.as_ref().map_or(SimTime::NEVER, silent));
        if instance.deadline <= self.now && service.ahead && instance.lifetime.is_none() {
            self.expired(slot, observer);
        } else if end <= self.now {
            self.stop(slot, observer);
        } else {
            debug_assert!(end > self.now, "an expiry that is put off moves forward");
            instance.timer = end;
            let expiry = Timer::Expiry { number, instance: slot };
            self.calendar.timer_at(end, expiry);
        }
    }

    /// Handles the end of the idle time of an instance on a platform that may keep it longer.
    fn expired(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let fleet = &self.services[instance.service as usize].fleets[instance.function as usize];
        let (instances, entity) = (fleet.instances, fleet.entity);
        let view = InstanceView {
            now: self.now,
            service: instance.service,
            function: instance.function,
            entity,
            ordinal: instance.link.ordinal,
            created: instance.created,
            provisioned: instance.provisioned,
            unused: instance.first.is_some(),
        };
        let decision = self.platform.expired(&view, instances);
        if !self.keep(slot, decision) {
            self.stop(slot, observer);
        }
    }

    /// Ends an idle instance, which is in the pool.
    #[inline(never)]
    pub(super) fn stop(&mut self, slot: u32, observer: &mut impl Observer) {
        let now = self.now;
        let instance = self.instances.0.get(slot);
        let (service, function) = (instance.service, instance.function);
        let idle = instance.idle_before + now.since(instance.freed);
        let unneeded = instance.unneeded;
        let lifetime = instance
            .lifetime
            .filter(|lifetime| lifetime.replaced && lifetime.is_over(now, idle));
        let fleet = &self.services[service as usize].fleets[function as usize];
        // Without the time of a start nobody knows what starting ahead saves.
        let known = !matches!(self.services[service as usize].setup.cold, ColdModel::Response(_));
        let replaced = known && lifetime.is_some_and(|lifetime| fleet.silent_end(now, &lifetime) > now);
        self.services[service as usize].gauges.idle.down(now);
        self.remove(slot, observer);
        if replaced {
            let slot = self.start_ahead(service, function, false, observer);
            if let Some(start) = &mut self.instances.0.get_mut(slot).start {
                // It is as needed as the one that it replaces.
                start.unneeded = Some(unneeded);
            }
        }
    }

    /// Removes an instance that is ready and that no gauge counts any more.
    pub(super) fn remove(&mut self, slot: u32, observer: &mut impl Observer) {
        let controlled = self.controlled.then(|| self.id(slot));
        let instance = self.instances.0.get_mut(slot);
        instance.drain = None;
        let (pooled, provisioned) = (instance.link.pooled, instance.provisioned);
        instance.timer = SimTime::NEVER;
        let state = &mut self.services[instance.service as usize];
        let fleet = &mut state.fleets[instance.function as usize];
        state.stopped += 1;
        fleet.instances -= 1;
        observer.observe(&Fact::Stopped {
            service: instance.service,
            function: instance.function,
            instance: instance.link.ordinal,
            created: instance.created,
            at: self.now,
        });
        if let Some(watched) = &mut fleet.watched {
            watched.provisioned -= u32::from(provisioned);
            watched.slots.retain(|&other| other != slot);
            watched.cpu_of_ended += instance.start_cpu.used(&instance.stamps, self.now);
            if let Some(station) = &mut instance.station {
                watched.cpu_of_ended += station.used(self.now);
            }
        }
        let pool = fleet.pool(provisioned);
        if pooled {
            pool.remove(slot, &mut self.instances);
        }
        pool.ended(slot, &mut self.instances);
        self.instances.0.release(slot);
        if let Some(id) = controlled {
            let now = self.now;
            if let Some(control) = self.platform.control() {
                control.ended(id, now);
            }
            self.arm_control();
        }
    }
}
