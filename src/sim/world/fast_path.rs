//! The fast path of a request: for services whose requests are whole requests with an instance of their own, where only
//! requests start instances and no observer or platform follows the instances. It does the same as the general path, without
//! the checks for all other cases.

use crate::sim::fact::{Fact, Finished, Outcome, Role};
use crate::sim::fleet::Request;
use crate::sim::observe::Observer;
use crate::sim::world::requests::init;
use crate::sim::world::{Service, World};

impl World {
    /// Gives a request that arrives now to a free instance. There must be one.
    #[inline(always)]
    pub(super) fn assign_on_fast_path(&mut self, request: &Request) {
        let now = self.now;
        let Service {
            setup, fleets, gauges, ..
        } = &mut self.services[request.service as usize];
        let fleet = &mut fleets[request.function as usize];
        let slot = fleet
            .pool
            .choose(&mut self.instances)
            .expect("the platform saw a free instance");
        fleet.pool.remove(slot, &mut self.instances);
        fleet.in_flight += 1;
        gauges.idle.down(now);
        gauges.busy.up(now);
        let mut time = match request.given {
            Request::DRAWN => fleet.whole_draws.time(&setup.warm, &fleet.streams, request.index),
            given => given,
        };
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight = 1;
        instance.taken(now);
        let first = instance.first_use(now);
        if let Some(first) = first {
            // It was started ahead of requests.
            time = match request.given {
                Request::DRAWN => setup.warm.draw(&fleet.streams, request.index, Some(first)),
                given => given.saturating_add(first),
            };
        } else if let Some(cost) = &setup.idle_cost
            && request.given == Request::DRAWN
        {
            time += instance.idle_cost(cost, now);
        }
        let mut timed_out = false;
        // In most cases the time is within the limit and the instance needs no initialisation.
        if !setup.as_drawn(time) || instance.reset {
            let drawn = request.given == Request::DRAWN && first.is_none();
            (time, timed_out) = self.depends(request.service, request.function, slot, time, drawn);
        }
        self.in_flight += 1;
        self.present += 1;
        let place = self.running.insert(Request {
            started: now,
            instance: slot,
            first_use: first.is_some(),
            timed_out,
            ..*request
        });
        self.calendar.done_at(now + time, place);
    }

    /// Ends a request.
    #[inline(always)]
    pub(super) fn done_on_fast_path(&mut self, place: u32, observer: &mut impl Observer) {
        let now = self.now;
        let request = self.running.get(place);
        let slot = request.instance;
        let instance = self.instances.0.get_mut(slot);
        if instance.start.is_some() {
            // It was the whole response of a starting instance.
            return self.ends(place, observer);
        }
        instance.in_flight = 0;
        instance.freed = now;
        instance.unneeded = now;
        let finished = Finished {
            service: request.service,
            function: request.function,
            index: request.index,
            arrived: request.arrived,
            started: request.started,
            finished: now,
            instance: instance.link.ordinal,
            cold: request.cold,
            first_use: request.first_use,
            init: init(request, instance),
            outcome: if request.timed_out {
                Outcome::TimedOut
            } else {
                Outcome::Completed
            },
            role: Role::Request,
            provisioned: false,
        };
        let is_late = !request.timed_out && self.is_late(request.service, request.arrived);
        let spans = is_late.then(|| self.spans(request, slot));
        self.running.release(place);
        self.in_flight -= 1;
        self.present -= 1;
        self.ended += 1;
        observer.observe(&Fact::Finished(finished));
        if let Some(spans) = spans {
            self.tell_late(finished.service, finished.arrived, spans, observer);
        }
        let Service { fleets, gauges, .. } = &mut self.services[finished.service as usize];
        let fleet = &mut fleets[finished.function as usize];
        fleet.in_flight -= 1;
        fleet.freed = now;
        if !fleet.queue.is_empty() {
            return self.serve_queue(slot, observer);
        }
        fleet.pool.insert(slot, 0, &mut self.instances);
        gauges.busy.down(now);
        gauges.idle.up(now);
        if !self.rest(slot) {
            self.stop(slot, observer);
        }
    }
}
