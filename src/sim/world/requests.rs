//! The life of a request: it arrives, waits or not, is served, and ends.

use crate::model::arrival::Arrival;
use crate::sim::calendar::Timer;
use crate::sim::fact::{Fact, Finished, Observer, Outcome};
use crate::sim::fleet::{Request, Waiting};
use crate::sim::platform::{Admission, FleetView};
use crate::sim::world::{Service, World};
use crate::units::SimDuration;

impl World {
    /// A request arrives.
    #[inline]
    pub(crate) fn arrive(&mut self, service: u16, arrival: &Arrival, observer: &mut impl Observer) {
        let function = arrival.function;
        let at = arrival.at;
        self.arrivals += 1;
        observer.observe(&Fact::Arrived { service, at });
        if function as usize >= self.services[service as usize].fleets.len() {
            self.new_functions(service, function, observer);
        }
        let account_in_flight = self.in_flight;
        let fleet = &mut self.services[service as usize].fleets[function as usize];
        let index = fleet.arrivals;
        fleet.arrivals += 1;
        let admission = self.platform.admit(&FleetView {
            now: at,
            service,
            function,
            free: !fleet.pool.is_empty(),
            starting_free: !fleet.starting.is_empty(),
            instances: fleet.instances,
            in_flight: fleet.in_flight,
            queued: fleet.queue.len() as u32,
            account_in_flight,
        });
        // Made in each arm, so that on the common way its fields stay in registers until it has its place.
        let request = || Request {
            given: arrival.duration.unwrap_or(Request::DRAWN),
            ..Request::new(service, function, index, at)
        };
        match admission {
            Admission::Warm => self.assign(request(), observer),
            Admission::Join => self.join(request()),
            Admission::Start => self.cold_start(request(), observer),
            Admission::Wait => self.wait(request()),
            Admission::Reject(reason) => {
                self.ended += 1;
                observer.observe(&Fact::Rejected {
                    service,
                    function,
                    at,
                    reason,
                });
            }
        }
        self.check();
    }

    /// Gives a request to a free instance.
    #[inline(always)]
    fn assign(&mut self, request: Request, observer: &mut impl Observer) {
        let service = &mut self.services[request.service as usize];
        let fleet = &mut service.fleets[request.function as usize];
        let slot = fleet
            .pool
            .take(&mut self.instances)
            .expect("the platform saw a free instance");
        fleet.in_flight += 1;
        self.in_flight += 1;
        self.present += 1;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight += 1;
        if instance.in_flight == 1 {
            service.gauges.idle.down(self.now);
            service.gauges.busy.up(self.now);
        }
        let too_many = instance.in_flight > service.most_in_flight;
        if instance.in_flight < service.setup.concurrency {
            fleet.pool.insert(slot, &mut self.instances);
        }
        self.serve(request, slot, None);
        if too_many {
            self.kill(slot, observer);
        }
    }

    /// Has a request wait for an instance that is on its way up.
    #[cold]
    fn join(&mut self, request: Request) {
        let state = &mut self.services[request.service as usize];
        let fleet = &mut state.fleets[request.function as usize];
        let slot = *fleet.starting.front().expect("the platform saw a free slot");
        fleet.in_flight += 1;
        self.in_flight += 1;
        self.present += 1;
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight += 1;
        if instance.in_flight >= state.setup.concurrency {
            fleet.starting.pop_front();
        }
        if let Some(start) = &mut instance.start {
            start.requests.push(request);
        }
    }

    /// Puts a request into the queue.
    #[cold]
    fn wait(&mut self, request: Request) {
        self.present += 1;
        let number = self.arrivals;
        let Request { service, function, .. } = request;
        let state = &mut self.services[service as usize];
        state.gauges.queued.up(self.now);
        let queue = &mut state.fleets[function as usize].queue;
        queue.push_back(Waiting { number, request });
        if let Some(timeout) = state.setup.queue_timeout {
            let timer = Timer::GiveUp {
                number,
                service,
                function,
            };
            self.calendar.timer_at(self.now + timeout, timer);
        }
    }

    /// Begins the service of a request on an instance that is up and has counted it already. `first` is the overhead of
    /// a first request in place of the warm one.
    #[inline(always)]
    pub(super) fn serve(&mut self, mut request: Request, slot: u32, first: Option<SimDuration>) {
        let service = &self.services[request.service as usize];
        if let Some(inside) = service.setup.inside {
            return self.share(request, slot, first, inside);
        }
        let streams = &service.fleets[request.function as usize].streams;
        let mut time = match request.given {
            Request::DRAWN => service.setup.warm.draw(streams, request.index, first),
            given => given.saturating_add(first.unwrap_or_default()),
        };
        if !service.plain {
            let drawn = request.given == Request::DRAWN;
            let later = drawn && first.is_none();
            (time, request.timed_out) = self.depends(request.service, request.function, slot, time, later);
        }
        request.started = self.now;
        request.instance = slot;
        self.run(request, time);
    }

    /// The service time of a request where it depends on the instance and the platform, and whether it is cut off.
    /// `later`: the warm-up curve is about this request.
    #[inline]
    fn depends(
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
            // It is as cold as a new one.
            instance.reset = false;
            instance.served = 0;
            let streams = &fleets[function as usize].streams;
            time += setup.cold.draw(streams, instance.link.ordinal).0.init;
        }
        if let Some(curve) = &setup.warm_up
            && later
        {
            time += curve.next(&mut instance.served);
        }
        let timeout = setup.timeout.unwrap_or(SimDuration::MAX);
        instance.reset = time > timeout;
        (time.min(timeout), instance.reset)
    }

    /// Lets a request run for `time` from now.
    #[inline(always)]
    pub(super) fn run(&mut self, request: Request, time: SimDuration) {
        let kills = self.services[request.service as usize].kills();
        let slot = request.instance;
        let place = self.running.insert(request);
        self.calendar.done_at(self.now + time, place);
        if kills {
            self.hold(slot, place);
        }
    }

    /// A request ends.
    #[inline]
    pub(super) fn done(&mut self, place: u32, observer: &mut impl Observer) {
        let request = self.running.get(place);
        let slot = request.instance;
        if self.services[request.service as usize].kills() {
            if slot == Request::FAILED {
                return self.running.release(place);
            }
            self.held[slot as usize].retain(|&held| held != place);
        }
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight -= 1;
        let starting = instance.start.is_some();
        let shares = instance.station.is_some() && !starting;
        self.present -= 1;
        self.in_flight -= 1;
        self.services[request.service as usize].fleets[request.function as usize].in_flight -= 1;
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
                init: if request.cold { instance.init } else { SimDuration::ZERO },
                outcome: if request.timed_out {
                    Outcome::TimedOut
                } else {
                    Outcome::Completed
                },
            }));
        }
        self.running.release(place);
        if shares {
            self.left(slot);
        }
        if starting {
            self.up(slot, observer);
        } else {
            self.freed(slot, observer);
        }
    }

    /// Fills the free slots of an instance that is up from the queue.
    #[cold]
    #[inline(never)]
    pub(super) fn serve_queue(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let (service, function) = (instance.service, instance.function);
        loop {
            let state = &mut self.services[service as usize];
            let fleet = &mut state.fleets[function as usize];
            let instance = self.instances.0.get_mut(slot);
            if instance.in_flight >= state.setup.concurrency {
                return;
            }
            let Some(Waiting { request, .. }) = fleet.queue.pop_front() else {
                if !instance.link.pooled {
                    fleet.pool.insert(slot, &mut self.instances);
                }
                return;
            };
            state.gauges.queued.down(self.now);
            instance.in_flight += 1;
            fleet.in_flight += 1;
            self.in_flight += 1;
            let too_many = instance.in_flight > state.most_in_flight;
            self.serve(request, slot, None);
            if too_many {
                return self.kill(slot, observer);
            }
        }
    }

    /// The request that arrived as the `number`-th of the run gives up if it still waits.
    pub(super) fn give_up(&mut self, number: u64, service: u16, function: u32, observer: &mut impl Observer) {
        let state = &mut self.services[service as usize];
        // All requests wait equally long, so the first to give up is the first in the queue.
        let queue = &mut state.fleets[function as usize].queue;
        if queue.front().is_none_or(|waiting| waiting.number != number) {
            return;
        }
        let Some(Waiting { request, .. }) = queue.pop_front() else {
            return;
        };
        state.gauges.queued.down(self.now);
        self.present -= 1;
        self.ended += 1;
        observer.observe(&Fact::GaveUp {
            service,
            function,
            arrived: request.arrived,
            at: self.now,
        });
    }
}
