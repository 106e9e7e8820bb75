//! The life of a request on an instance whose requests share its workers and its CPU.

use crate::sim::calendar::Timer;
use crate::sim::fleet::{Fleet, Request};
use crate::sim::inside::cpu::{Job, Released};
use crate::sim::observe::Observer;
use crate::sim::setup::{Discipline, Inside};
use crate::sim::world::World;
use crate::units::{MilliCpu, SimDuration, SimTime};

impl World {
    /// Takes a request on a ready instance, which has counted it already. A service time that the traffic gives is a wait,
    /// because its CPU part is not known.
    pub(super) fn share(&mut self, mut request: Request, slot: u32, first: Option<SimDuration>, inside: Inside) {
        let service = &mut self.services[request.service as usize];
        let Fleet {
            streams, part_draws, ..
        } = &mut service.fleets[request.function as usize];
        let queue = match inside.discipline {
            Some(Discipline { queues, .. }) if queues > 1 => streams.connection(request.index, queues),
            _ => 0,
        };
        let warm = &service.setup.warm;
        let (mut cpu, wait) = match (request.given, first) {
            (Request::DRAWN, None) => part_draws.parts(warm, streams, request.index, &inside),
            (Request::DRAWN, first) => warm.parts(streams, request.index, first, &inside),
            (given, first) => (first.unwrap_or_default(), given),
        };
        let share = f64::from(inside.cpu.quota.0.min(1_000)) / 1e3;
        let mut extra = first.map_or(SimDuration::ZERO, |first| {
            first.saturating_sub(inside.overhead_cpu.scale(1.0 / share))
        });
        let instance = self.instances.0.get_mut(slot);
        if let Some(cost) = &service.setup.idle_cost
            && first.is_none()
            && request.given == Request::DRAWN
        {
            cpu += instance.idle_cost(cost, self.now);
        }
        if instance.reset {
            // It initialises again, like a new instance.
            instance.reset = false;
            instance.served = 0;
            let init = service.setup.cold.draw(streams, instance.link.ordinal).0.init;
            cpu += inside.cpu_of(init);
            extra += init;
        }
        if let Some(curve) = &service.setup.code_warm_up
            && request.given == Request::DRAWN
            && first.is_none()
        {
            let more = curve.next(&mut instance.served);
            cpu += inside.cpu_of(more);
            extra += more;
        }
        request.extra_us = u32::try_from(extra.0 / 1_000).unwrap_or(u32::MAX);
        request.started = self.now;
        request.instance = slot;
        let place = self.running.insert(request);
        let now = self.now;
        let order = self.calendar.order();
        let job = Job {
            place,
            order,
            cpu,
            wait,
            queue,
        };
        if service.kills {
            self.held.add(slot, place);
        }
        let station = instance.station.as_mut().expect("an instance of this service shares");
        // A request that can be cut off must be found while it has CPU time, and a request that does not wait is done after
        // it.
        let may_be_alone = service.setup.shape.timeout.is_none() && wait > SimDuration::ZERO;
        if may_be_alone && let Some(until) = station.alone(now, job) {
            self.calendar.done_in_order(until + wait, order, place);
            return self.wants_cpu(slot);
        }
        if !station.is_full() {
            self.joined(slot);
        }
        let Some(station) = &mut self.instances.0.get_mut(slot).station else {
            return;
        };
        if station.enter(now, job) {
            self.limit(place);
        }
        self.wake(slot);
        self.wants_cpu(slot);
    }

    /// Tells the platform that an instance with less CPU than its limit gets a request after it had nothing to do.
    #[inline]
    fn wants_cpu(&mut self, slot: u32) {
        let instance = self.instances.0.get(slot);
        if !instance.short || instance.in_flight > 1 {
            return;
        }
        let (id, now) = (self.id(slot), self.now);
        if let Some(control) = self.platform.control() {
            control.wants_cpu(id, now);
        }
        self.arm_control();
    }

    /// Makes a request that has the CPU of an instance alone share it from now on. Its pending completion must find
    /// nothing: the request moves to another slot.
    fn joined(&mut self, slot: u32) {
        let Some(station) = &mut self.instances.0.get_mut(slot).station else {
            return;
        };
        let Some(place) = station.has_alone(self.now) else {
            return;
        };
        let request = *self.running.get(place);
        self.running.get_mut(place).instance = Request::FAILED;
        let other = self.running.insert(request);
        station.shares(other);
        if self.services[request.service as usize].kills {
            self.held.moved(slot, place, other);
        }
    }

    /// Sets the cut-off timer for a request whose service begins now.
    fn limit(&mut self, place: u32) {
        let request = self.running.get(place);
        if let Some(timeout) = self.services[request.service as usize].setup.shape.timeout {
            let timer = Timer::CutOff {
                number: self.instances.0.get(request.instance).number,
                index: request.index,
                request: place,
            };
            self.calendar.timer_at(self.now + timeout, timer);
        }
    }

    /// Cuts off the request in `place` if the timer was set for it: request `index` of its function, on instance `number` of
    /// the run. Its work is lost. An instance that serves one request at a time initialises again with the next one.
    #[cold]
    pub(super) fn cut_off(&mut self, number: u64, index: u64, place: u32, observer: &mut impl Observer) {
        let request = *self.running.get(place);
        let slot = request.instance;
        let state = &self.services[request.service as usize];
        let due = state.setup.shape.timeout.map(|timeout| request.started + timeout);
        if matches!(slot, Request::NOWHERE | Request::FAILED) || request.index != index || due != Some(self.now) {
            return;
        }
        let (now, alone, kills) = (self.now, state.setup.shape.concurrency == 1, state.kills);
        let instance = self.instances.0.get_mut(slot);
        let Some(station) = instance.station.as_mut().filter(|_| instance.number == number) else {
            return;
        };
        instance.reset = alone;
        let mut place = place;
        if station.cancel(now, place) {
            self.wake(slot);
        } else {
            // It waits without CPU. Its pending completion must find nothing.
            self.running.get_mut(place).instance = Request::FAILED;
            if kills {
                self.held.remove(slot, place);
            }
            place = self.running.insert(request);
        }
        self.running.get_mut(place).timed_out = true;
        self.ends(place, observer);
    }

    /// Sets the timer for the next request of an instance that will have had its CPU time. A timer that runs out too early
    /// is set again.
    fn wake(&mut self, slot: u32) {
        let instance = self.instances.0.get_mut(slot);
        let Some(station) = &mut instance.station else { return };
        let next = station.next();
        if next < station.wake {
            station.wake = next;
            let number = instance.number;
            let timer = Timer::Cpu { number, instance: slot };
            self.calendar.timer_at(next, timer);
        }
    }

    /// Lets the requests of an instance use so many thousandths of a core at most from now on, beside its own limit.
    pub(super) fn throttle(&mut self, slot: u32, cpu: u64) {
        let now = self.now;
        self.joined(slot);
        let instance = self.instances.0.get_mut(slot);
        if let Some(station) = &mut instance.station {
            let most = MilliCpu(cpu.try_into().unwrap_or(u32::MAX));
            instance.short = station.throttle(now, most);
        }
        self.wake(slot);
    }

    /// Ends the CPU boost of instance `number` of the run, which was in `slot` when the timer was set.
    pub(super) fn boosted(&mut self, number: u64, slot: u32) {
        let now = self.now;
        let instance = self.instances.0.get_mut(slot);
        if instance.number != number {
            return;
        }
        self.joined(slot);
        if let Some(station) = &mut self.instances.0.get_mut(slot).station {
            station.end_boost(now);
        }
        self.wake(slot);
    }

    /// Handles the CPU timer of instance `number` of the run, which was in `slot` when the timer was set.
    pub(super) fn had_cpu(&mut self, number: u64, slot: u32, observer: &mut impl Observer) {
        let now = self.now;
        let instance = self.instances.0.get_mut(slot);
        if instance.number != number {
            return;
        }
        let Some(station) = &mut instance.station else { return };
        if station.wake != now {
            return;
        }
        station.wake = SimTime::NEVER;
        let mut done = std::mem::take(&mut self.had_cpu);
        // A timer that turns out to be early changes nothing.
        if station.next() <= now {
            while let Some(released) = station.release(now) {
                done.push(released);
            }
        }
        self.wake(slot);
        for Released { place, order, wait } in done.drain(..) {
            if wait > SimDuration::ZERO {
                self.calendar.done_in_order(now + wait, order, place);
            } else {
                self.done(place, observer);
            }
        }
        self.had_cpu = done;
    }

    /// Handles a request that has left an instance: its worker takes the next one, whose service begins.
    pub(super) fn left(&mut self, slot: u32, observer: &mut impl Observer) {
        let now = self.now;
        if let Some(station) = &mut self.instances.0.get_mut(slot).station {
            station.leave();
        }
        self.tell(slot, observer);
        let Some(station) = &self.instances.0.get(slot).station else {
            return;
        };
        if !station.has_accepted() {
            return;
        }
        self.joined(slot);
        let Some(station) = &mut self.instances.0.get_mut(slot).station else {
            return;
        };
        if let Some(next) = station.take_up(now) {
            self.running.get_mut(next).started = now;
            self.limit(next);
            self.wake(slot);
            self.tell(slot, observer);
        }
    }
}
