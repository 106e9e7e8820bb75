//! Instances that fail: killed because they ran out of memory, ended with their node, or no longer answering.

use crate::sim::fact::{Fact, Finished, Outcome, Role};
use crate::sim::fleet::Request;
use crate::sim::observe::Observer;
use crate::sim::world::World;
use crate::units::SimDuration;

impl World {
    /// Kills a ready instance that has run out of memory. A platform that controls its instances restarts it; on others a
    /// new one starts for the next request, which may be waiting already.
    #[cold]
    #[inline(never)]
    pub(super) fn kill(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let (service, function, drains) = (instance.service, instance.function, instance.drain.is_some());
        if self.controlled {
            let (id, now) = (self.id(slot), self.now);
            if let Some(control) = self.platform.control().filter(|_| !drains) {
                control.crashes(id, now);
            }
            self.evict(slot, observer);
            if !drains {
                self.restart_in_place(id, observer);
            }
            return;
        }
        self.evict(slot, observer);
        if self.platform.replicas() > 0 {
            return self.restart(service, function, observer);
        }
        let state = &mut self.services[service as usize];
        if let Some(waiting) = state.fleets[function as usize].queue.pop_front() {
            state.gauges.queued.down(self.now);
            self.present -= 1;
            self.cold_start(waiting.request, observer);
        }
    }

    /// Ends a ready instance with its requests. They fail in the order in which they came to it.
    #[cold]
    #[inline(never)]
    pub(super) fn evict(&mut self, slot: u32, observer: &mut impl Observer) {
        self.fail_all(slot, observer);
        let service = self.instances.0.get(slot).service;
        self.services[service as usize].gauges.busy.down(self.now);
        self.remove(slot, observer);
    }

    /// Makes an instance stop answering without notice. Its requests fail at once, and it still gets requests.
    #[cold]
    #[inline(never)]
    pub(super) fn lose(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        instance.lost = true;
        if instance.start.is_some() {
            return;
        }
        let (service, function) = (instance.service as usize, instance.function as usize);
        let busy = instance.in_flight > 0;
        self.fail_all(slot, observer);
        let instance = self.instances.0.get_mut(slot);
        instance.in_flight = 0;
        if instance.drain.is_some() {
            if busy {
                self.drains(slot, observer);
            }
            return;
        }
        let state = &mut self.services[service];
        if busy {
            state.gauges.busy.down(self.now);
            state.gauges.idle.up(self.now);
        }
        state.fleets[function].pool.put(slot, 0, &mut self.instances);
    }

    /// Takes a request on an instance that does not answer any more: it fails after the connect timeout.
    #[cold]
    #[inline(never)]
    pub(super) fn hang(&mut self, mut request: Request, slot: u32) {
        request.started = self.now;
        request.instance = slot;
        let lasts = self.connect_timeout;
        self.run(request, lasts);
    }

    /// Fails the requests of a ready instance, in the order in which they came to it. Its station is gone.
    fn fail_all(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        let (service, function, number) = (instance.service, instance.function, instance.link.ordinal);
        let held = self.held.take(slot);
        let (init, provisioned) = (instance.init, instance.provisioned);
        // Timers that are still to come find nothing.
        let mut station = instance.station.take();
        if let (Some(station), Some(watched)) = (
            &mut station,
            &mut self.services[service as usize].fleets[function as usize].watched,
        ) {
            watched.cpu_of_ended += station.used(self.now);
        }
        debug_assert_eq!(
            held.len(),
            instance.in_flight as usize,
            "all its requests are in service"
        );
        for &place in &held {
            let request = self.running.get_mut(place);
            request.instance = Request::FAILED;
            self.present -= 1;
            let state = &mut self.services[service as usize];
            let fleet = &mut state.fleets[function as usize];
            fleet.in_flight -= 1;
            if let Some(watched) = &mut fleet.watched {
                watched.leave(self.now, provisioned);
            }
            self.in_flight -= u32::from(state.shares && !provisioned);
            if request.call == Request::INITIAL {
                continue;
            }
            let call = request.call;
            let finished = Finished {
                service,
                function,
                index: request.index,
                arrived: request.arrived,
                started: request.started,
                finished: self.now,
                instance: number,
                cold: request.cold,
                first_use: request.first_use,
                init: if request.cold { init } else { SimDuration::ZERO },
                outcome: Outcome::Failed,
                role: Role::Request,
                provisioned,
            };
            if call == Request::WHOLE {
                self.ended += 1;
                observer.observe(&Fact::Finished(finished));
            } else {
                self.part_ran(call, finished, observer);
            }
        }
        // No completion is to come for those that still needed CPU.
        for place in station.iter().flat_map(|station| station.places()) {
            self.running.release(place);
        }
    }
}
