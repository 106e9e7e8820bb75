//! The life of a request: arrival, admission, service, end.

use crate::model::arrival::Arrival;
use crate::rng::Purpose;
use crate::sim::fact::{Fact, Finished, Outcome, Reject, Role};
use crate::sim::fleet::{Instance, Request};
use crate::sim::observe::Observer;
use crate::sim::platform::{Admission, FleetView};
use crate::sim::world::{Call, Service, World};
use crate::units::{SimDuration, SimTime};

/// The initialisation that is part of a request: that of its instance if it is the first one there. With provisioned concurrency
/// it was a matter of its own.
#[inline]
pub(super) fn init(request: &Request, instance: &Instance) -> SimDuration {
    match request.cold || request.first_use && !instance.provisioned {
        true => instance.init,
        false => SimDuration::ZERO,
    }
}

impl World {
    /// Takes a request that arrives.
    #[inline]
    pub(crate) fn arrive(&mut self, service: u16, arrival: &Arrival, observer: &mut impl Observer) {
        // All functions of a service are one workload on a platform that controls its instances.
        let function = if self.controlled { 0 } else { arrival.function };
        let at = arrival.at;
        self.arrivals += 1;
        observer.observe(&Fact::Arrived { service, at });
        if function as usize >= self.services[service as usize].fleets.len() {
            self.new_functions(service, function, observer);
        }
        let state = &mut self.services[service as usize];
        let fleet = &mut state.fleets[function as usize];
        let index = fleet.arrivals;
        fleet.arrivals += 1;
        let given = arrival.duration.unwrap_or(Request::DRAWN);
        let request = || Request {
            given,
            ..Request::new(service, function, index, at)
        };
        let refused = if state.on_fast_path && state.takes_free && !fleet.pool.is_empty() {
            self.assign_on_fast_path(&request());
            None
        } else if state.setup.client.is_some() {
            self.call((service, function, index), given, Call::NO_USER, observer);
            None
        } else {
            self.admit(service, function, request, observer)
        };
        if let Some(reason) = refused {
            self.ended += 1;
            observer.observe(&Fact::Rejected {
                service,
                function,
                arrived: at,
                at,
                reason,
                role: Role::Request,
            });
        }
        self.check();
    }

    /// Asks the platform about a request that comes now. Returns the reason if it is rejected. The request is made in each
    /// arm, so that its fields stay in registers on the common path.
    #[inline(always)]
    pub(super) fn admit(
        &mut self,
        service: u16,
        function: u32,
        request: impl Fn() -> Request,
        observer: &mut impl Observer,
    ) -> Option<Reject> {
        if self.services[service as usize].ticks.is_some() {
            self.stay_awake(service, function);
        }
        let state = &self.services[service as usize];
        if state.takes_free && !state.fleets[function as usize].pool.is_empty() {
            self.assign(request(), false, observer);
            return None;
        }
        let view = self.view(service, function);
        let admission = self.platform.admit(&view);
        if self.controlled {
            self.arm_control();
        }
        match admission {
            Admission::Warm => self.assign(request(), false, observer),
            Admission::Provisioned => self.assign(request(), true, observer),
            Admission::Join => self.join(request()),
            Admission::Start => self.cold_start(request(), observer),
            Admission::Wait => {
                let at_most = self.services[service as usize].setup.shape.queue_timeout;
                self.wait(request(), at_most);
            }
            Admission::Queue { at_most, start } => self.queue(request(), at_most, start, observer),
            Admission::Reject(reason) => return Some(reason),
        }
        None
    }

    /// A function as the platform sees it.
    #[inline(always)]
    pub(super) fn view(&self, service: u16, function: u32) -> FleetView {
        let fleet = &self.services[service as usize].fleets[function as usize];
        let mut view = FleetView {
            now: self.now,
            service,
            function,
            free: !fleet.pool.is_empty(),
            free_provisioned: false,
            starting_free: !fleet.starting.is_empty(),
            starting: fleet.starting.len() as u32,
            instances: fleet.instances,
            provisioned: 0,
            in_flight: fleet.in_flight,
            provisioned_in_flight: 0,
            queued: fleet.queue.len() as u32,
            account_in_flight: self.in_flight,
        };
        if let Some(watched) = &fleet.watched {
            view.free_provisioned = !watched.pool.is_empty();
            view.provisioned = watched.provisioned;
            view.provisioned_in_flight = watched.on_provisioned.count;
        }
        view
    }

    /// Gives a request to a free instance, one of provisioned concurrency or another one.
    #[inline(always)]
    fn assign(&mut self, request: Request, provisioned: bool, observer: &mut impl Observer) {
        if self.services[request.service as usize].on_fast_path {
            return self.assign_on_fast_path(&request);
        }
        let pinned = match self.services[request.service as usize].sessions {
            sessions if sessions > 0 => self.pinned(&request, provisioned, sessions),
            _ => None,
        };
        let service = &mut self.services[request.service as usize];
        let fleet = &mut service.fleets[request.function as usize];
        let slot = pinned
            .or_else(|| fleet.pool(provisioned).choose(&mut self.instances))
            .expect("the platform saw a free instance");
        fleet.in_flight += 1;
        let watched = match &mut fleet.watched {
            Some(watched) => {
                watched.enter(self.now, provisioned);
                true
            }
            _ => false,
        };
        self.in_flight += u32::from(service.shares && !provisioned);
        self.present += 1;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight += 1;
        if instance.in_flight == 1 {
            instance.taken(self.now);
            service.gauges.idle.down(self.now);
            service.gauges.busy.up(self.now);
        }
        let too_many = instance.in_flight > service.most_in_flight && !instance.lost;
        let load = instance.in_flight;
        let pool = fleet.pool(provisioned);
        if load < service.setup.shape.concurrency {
            pool.chosen(slot, load, &mut self.instances);
        } else {
            pool.remove(slot, &mut self.instances);
        }
        // The first request of an instance that was started without a request costs more.
        let first = self.instances.0.get_mut(slot).first_use(self.now);
        let request = Request {
            first_use: first.is_some(),
            ..request
        };
        self.serve(request, slot, first);
        if watched {
            self.tell(slot, observer);
        }
        if too_many {
            self.kill(slot, observer);
        }
    }

    /// The instance that had the last request of the same session, or another one if that has ended or has no free slot.
    #[cold]
    #[inline(never)]
    fn pinned(&mut self, request: &Request, provisioned: bool, sessions: u32) -> Option<u32> {
        let user = match request.call {
            Request::WHOLE | Request::PING | Request::INITIAL => None,
            call => self.calls.get(call).user(),
        };
        let fleet = &mut self.services[request.service as usize].fleets[request.function as usize];
        let session = user.unwrap_or_else(|| {
            let bits = self.draws.stream(Purpose::Session, fleet.entity).bits(request.index);
            ((u128::from(bits) * u128::from(sessions)) >> 64) as u32
        });
        let session = session as usize;
        if fleet.pins.len() <= session {
            fleet.pins.resize(session + 1, (u32::MAX, 0));
        }
        let (slot, number) = fleet.pins[session];
        if number > 0 {
            let instance = self.instances.0.get(slot);
            if instance.number == number && instance.link.pooled && instance.provisioned == provisioned {
                return Some(slot);
            }
        }
        let slot = fleet.pool(provisioned).choose(&mut self.instances)?;
        fleet.pins[session] = (slot, self.instances.0.get(slot).number);
        Some(slot)
    }

    /// Makes a request wait for an instance that starts.
    #[cold]
    fn join(&mut self, request: Request) {
        let state = &mut self.services[request.service as usize];
        let fleet = &mut state.fleets[request.function as usize];
        let slot = *fleet.starting.front().expect("the platform saw a free slot");
        fleet.in_flight += 1;
        if let Some(watched) = &mut fleet.watched {
            watched.enter(self.now, false);
        }
        self.in_flight += u32::from(state.shares);
        self.present += 1;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight += 1;
        if instance.in_flight >= state.setup.shape.concurrency {
            fleet.starting.pop_front();
        }
        if let Some(start) = &mut instance.start {
            start.requests.push(request);
        }
    }

    /// Begins the service of a request on a ready instance, which has counted it already. `first` is the overhead of a
    /// first request in place of the warm one.
    #[inline(always)]
    pub(super) fn serve(&mut self, mut request: Request, slot: u32, first: Option<SimDuration>) {
        if self.controlled && self.instances.0.get(slot).lost {
            return self.hang(request, slot);
        }
        let service = &self.services[request.service as usize];
        if let Some(inside) = service.setup.inside {
            return self.share(request, slot, first, inside);
        }
        let Service { setup, fleets, .. } = &mut self.services[request.service as usize];
        let fleet = &mut fleets[request.function as usize];
        let mut time = match (request.given, first) {
            (Request::DRAWN, None) => fleet.whole_draws.time(&setup.warm, &fleet.streams, request.index),
            (Request::DRAWN, first) => setup.warm.draw(&fleet.streams, request.index, first),
            (given, first) => given.saturating_add(first.unwrap_or_default()),
        };
        if let Some(cost) = &setup.idle_cost
            && first.is_none()
            && request.given == Request::DRAWN
        {
            time += self.instances.0.get(slot).idle_cost(cost, self.now);
        }
        // In most cases the time is within the limit and the instance needs no initialisation.
        if !setup.as_drawn(time) || self.instances.0.get(slot).reset {
            let drawn = request.given == Request::DRAWN;
            let later = drawn && first.is_none();
            (time, request.timed_out) = self.depends(request.service, request.function, slot, time, later);
        }
        request.started = self.now;
        request.instance = slot;
        self.run(request, time);
    }

    /// The service time of a request that depends on the instance and the platform; true if it is cut off. `later` is true
    /// if the code warm-up curve applies to this request.
    #[cold]
    #[inline(never)]
    pub(super) fn depends(
        &mut self,
        service: u16,
        function: u32,
        slot: u32,
        mut time: SimDuration,
        later: bool,
    ) -> (SimDuration, bool) {
        let Service { setup, fleets, .. } = &self.services[service as usize];
        let instance = self.instances.0.get_mut(slot);
        if instance.reset {
            // It initialises again, like a new instance.
            instance.reset = false;
            instance.served = 0;
            let streams = &fleets[function as usize].streams;
            time += setup.cold.draw(streams, instance.link.ordinal).0.init;
        }
        if let Some(curve) = &setup.code_warm_up
            && later
        {
            time += curve.next(&mut instance.served);
        }
        let timeout = setup.shape.timeout.unwrap_or(SimDuration::MAX);
        instance.reset = time > timeout;
        (time.min(timeout), instance.reset)
    }

    /// Lets a request run for `time` from now.
    #[inline(always)]
    pub(super) fn run(&mut self, request: Request, time: SimDuration) {
        let kills = self.services[request.service as usize].kills;
        let slot = request.instance;
        let place = self.running.insert(request);
        self.calendar.done_at(self.now + time, place);
        if kills {
            self.held.add(slot, place);
        }
    }

    /// Ends a request.
    #[inline]
    pub(super) fn done(&mut self, place: u32, observer: &mut impl Observer) {
        if self.services[self.running.get(place).service as usize].on_fast_path {
            self.done_on_fast_path(place, observer);
        } else {
            self.ends(place, observer);
        }
    }

    #[inline]
    pub(super) fn ends(&mut self, place: u32, observer: &mut impl Observer) {
        let request = self.running.get(place);
        let slot = request.instance;
        if slot == Request::FAILED {
            return self.running.release(place);
        }
        if self.services[request.service as usize].kills {
            self.held.remove(slot, place);
        }
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight -= 1;
        instance.freed = self.now;
        instance.unneeded = self.now;
        let starting = instance.start.is_some();
        let shares = instance.station.is_some() && !starting;
        let provisioned = instance.provisioned;
        self.present -= 1;
        let service = &mut self.services[request.service as usize];
        let fleet = &mut service.fleets[request.function as usize];
        fleet.in_flight -= 1;
        fleet.freed = self.now;
        let watched = match &mut fleet.watched {
            Some(watched) => {
                watched.leave(self.now, provisioned);
                true
            }
            _ => false,
        };
        self.in_flight -= u32::from(service.shares && !provisioned);
        if request.call != Request::INITIAL {
            let call = request.call;
            let finished = Finished {
                service: request.service,
                function: request.function,
                index: request.index,
                arrived: request.arrived,
                started: request.started,
                finished: self.now,
                instance: instance.link.ordinal,
                cold: request.cold,
                first_use: request.first_use,
                init: init(request, instance),
                outcome: match request.timed_out {
                    true => Outcome::TimedOut,
                    false if instance.lost => Outcome::Failed,
                    false => Outcome::Completed,
                },
                role: Role::Request,
                provisioned,
            };
            let request = *request;
            let arrived = match call {
                Request::WHOLE => Some(request.arrived),
                Request::PING => None,
                call => self.calls.get(call).arrived(),
            };
            let is_late =
                |arrived: &SimTime| finished.outcome == Outcome::Completed && self.is_late(request.service, *arrived);
            let late = arrived.filter(is_late).map(|arrived| {
                let mut spans = self.spans(&request, slot);
                if call != Request::WHOLE {
                    self.calls.get(call).before(&mut spans);
                }
                (arrived, spans)
            });
            if call == Request::WHOLE {
                self.ended += 1;
                observer.observe(&Fact::Finished(finished));
            } else {
                self.part_ran(call, finished, observer);
            }
            if let Some((arrived, spans)) = late {
                self.tell_late(finished.service, arrived, spans, observer);
            }
        }
        if shares {
            // A pending timer finds nothing.
            self.running.get_mut(place).instance = Request::NOWHERE;
        }
        self.running.release(place);
        if shares {
            self.left(slot, observer);
        } else if watched && !starting {
            self.tell(slot, observer);
        }
        if starting {
            self.up(slot, observer);
        } else {
            self.freed(slot, observer);
        }
    }
}
