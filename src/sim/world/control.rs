//! Platforms that control their instances: the measurements they can read, and their orders.

#[cfg(test)]
mod tests;

use crate::sim::calendar::Timer;
use crate::sim::fact::Fact;
use crate::sim::fleet::{Instances, Start};
use crate::sim::observe::Observer;
use crate::sim::platform::control::{InstanceId, Load, NodeChange, Order, Sight};
use crate::sim::world::{Service, World};
use crate::units::{SimDuration, SimTime};

/// The measurements that the platform can read.
struct Eyes<'a> {
    now: SimTime,
    services: &'a [Service],
    instances: &'a mut Instances,
}

impl Sight for Eyes<'_> {
    fn cpu(&mut self, id: InstanceId) -> u128 {
        let instance = self.instances.0.get_mut(id.slot);
        if instance.number != id.number {
            return 0;
        }
        let started = instance.start_cpu.used(&instance.stamps, self.now);
        started + instance.station.as_mut().map_or(0, |station| station.used(self.now))
    }

    fn demand(&mut self, id: InstanceId) -> u64 {
        let instance = self.instances.0.get_mut(id.slot);
        if instance.number != id.number {
            return 0;
        }
        let started = instance.start_cpu.demand(&instance.stamps, self.now);
        started.max(instance.station.as_ref().map_or(0, |station| station.demand()))
    }

    fn in_flight(&self, id: InstanceId) -> u32 {
        let instance = self.instances.0.get(id.slot);
        if instance.number == id.number {
            instance.in_flight
        } else {
            0
        }
    }

    fn load(&mut self, service: u16) -> Load {
        let state = &self.services[service as usize];
        let Some(fleet) = state.fleets.first() else {
            return Load::default();
        };
        Load {
            arrivals: fleet.arrivals,
            in_flight: fleet
                .watched
                .as_ref()
                .map_or(0, |watched| watched.in_flight.area(self.now)),
            waiting: state.gauges.queued.area(self.now),
            queued: fleet.queue.len() as u32,
        }
    }
}

impl World {
    /// Lets the platform act if it is time.
    #[cold]
    #[inline(never)]
    pub(super) fn control(&mut self, observer: &mut impl Observer) {
        if self.control_at > self.now {
            // An earlier timer has taken the place of this one.
            return;
        }
        self.control_at = SimTime::NEVER;
        let mut orders = std::mem::take(&mut self.orders);
        loop {
            let Self {
                platform,
                services,
                instances,
                now,
                ..
            } = self;
            let Some(control) = platform.control().filter(|control| control.next() <= *now) else {
                break;
            };
            let mut eyes = Eyes {
                now: *now,
                services,
                instances,
            };
            control.act(*now, &mut eyes, &mut orders);
            for order in orders.drain(..) {
                self.obey(order, observer);
            }
        }
        self.orders = orders;
        self.arm_control();
    }

    /// Sets the timer for the platform to act.
    pub(super) fn arm_control(&mut self) {
        let next = self.platform.control().map_or(SimTime::NEVER, |control| control.next());
        let next = next.max(self.now);
        if next < self.control_at {
            self.control_at = next;
            self.calendar.timer_at(next, Timer::Control);
        }
    }

    fn obey(&mut self, order: Order, observer: &mut impl Observer) {
        match order {
            Order::Create { service, count } => {
                (0..count).for_each(|_| self.create_placed(service, false, observer));
            }
            Order::Start {
                instance,
                after,
                probe,
                alive_within,
            } => self.begin_start(instance, after, probe, alive_within),
            Order::Drain {
                instance,
                at_least,
                at_most,
            } => self.drain(instance, at_least, at_most, observer),
            Order::Lose { instance } => {
                if self.is_there(instance) {
                    self.lose(instance.slot, observer);
                }
            }
            Order::Kill { instance } => {
                if self.is_there(instance) {
                    self.end_now(instance.slot, observer);
                }
            }
            Order::Limit { instance, cpu } => {
                if self.is_there(instance) {
                    self.throttle(instance.slot, cpu);
                }
            }
            Order::Node { kind, change } => self.node(kind, change, observer),
            Order::Tell(state) => observer.observe_cluster(self.now, &state),
        }
    }

    fn node(&mut self, kind: u16, change: NodeChange, observer: &mut impl Observer) {
        // All services share the nodes: they are counted with the first one.
        let nodes = &mut self.services[0].gauges.nodes;
        if change == NodeChange::Comes {
            nodes.up(self.now);
        } else {
            nodes.down(self.now);
        }
        let count = nodes.count;
        if self.now >= self.warm_up && self.now <= self.end {
            self.nodes_peak = self.nodes_peak.max(count);
        }
        observer.observe(&Fact::Node {
            kind,
            at: self.now,
            change,
        });
    }

    /// An instance as the platform knows it.
    pub(super) fn id(&self, slot: u32) -> InstanceId {
        let instance = self.instances.0.get(slot);
        InstanceId {
            number: instance.number,
            slot,
            service: instance.service,
            function: instance.function,
        }
    }

    fn is_there(&self, id: InstanceId) -> bool {
        self.instances.0.get(id.slot).number == id.number
    }

    /// Creates an instance that the platform gives a place.
    pub(super) fn create_placed(&mut self, service: u16, initial: bool, observer: &mut impl Observer) {
        let id = self.create_waiting(service, 0, observer);
        let now = self.now;
        let up = self
            .platform
            .control()
            .is_some_and(|control| control.created(id, now, initial));
        if up {
            self.up(id.slot, observer);
        }
        self.arm_control();
    }

    /// Creates an instance that does not start yet.
    fn create_waiting(&mut self, service: u16, function: u32, observer: &mut impl Observer) -> InstanceId {
        let (cold, _) = self.next_start(service, function);
        let start = Start {
            cold,
            requests: Vec::new(),
            counts_as_busy: false,
            ahead: true,
            unneeded: None,
        };
        let slot = self.create(service, function, Some(Box::new(start)), false);
        self.tell(slot, observer);
        self.id(slot)
    }

    /// Starts an instance. It is ready with its first answer to a probe, which is its first request; if it takes too long
    /// it is killed.
    fn begin_start(
        &mut self,
        id: InstanceId,
        after: SimDuration,
        probe: SimDuration,
        alive_within: Option<SimDuration>,
    ) {
        let instance = self.instances.0.get_mut(id.slot);
        let Some(start) = instance.start.as_ref().filter(|_| instance.number == id.number) else {
            return;
        };
        let cold = start.cold;
        instance.stamps.begins(self.now, after, cold.sandbox);
        if let Some(limit) = alive_within.filter(|limit| cold.init > *limit) {
            let dead = Timer::NotAlive {
                number: id.number,
                instance: id.slot,
            };
            return self.calendar.timer_at(self.now + after + cold.sandbox + limit, dead);
        }
        let mut lasts = after + cold.sandbox + cold.init;
        if probe > SimDuration::ZERO {
            lasts = SimDuration(lasts.0.div_ceil(probe.0) * probe.0);
        }
        let ready = Timer::Ready {
            number: id.number,
            instance: id.slot,
        };
        self.calendar.timer_at(self.now + lasts + cold.first_request, ready);
    }

    /// Drains an instance: it takes no more requests and ends with its last one.
    fn drain(&mut self, id: InstanceId, at_least: SimDuration, at_most: SimDuration, observer: &mut impl Observer) {
        if !self.is_there(id) {
            return;
        }
        let slot = id.slot;
        let instance = self.instances.0.get_mut(slot);
        if instance.start.is_some() {
            return self.abandon(slot, observer);
        }
        let (first, last) = (self.now + at_least.min(at_most), self.now + at_most);
        instance.drain = Some((first, last));
        let (pooled, idle) = (instance.link.pooled, instance.in_flight == 0);
        if pooled {
            let fleet = &mut self.services[id.service as usize].fleets[id.function as usize];
            fleet.pool.remove(slot, &mut self.instances);
        }
        if idle && first <= self.now {
            return self.stop(slot, observer);
        }
        let timer = Timer::Drained {
            number: id.number,
            instance: slot,
        };
        self.calendar.timer_at(first, timer);
        self.calendar.timer_at(last, timer);
    }

    /// Handles a request that has left a draining instance.
    pub(super) fn drains(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        if instance.in_flight > 0 {
            return;
        }
        let over = instance.drain.is_some_and(|(first, _)| first <= self.now);
        let gauges = &mut self.services[instance.service as usize].gauges;
        gauges.busy.down(self.now);
        gauges.idle.up(self.now);
        if over {
            self.stop(slot, observer);
        }
    }

    /// Handles the drain timer of instance `number` of the run, which was in `slot` when the timer was set.
    pub(super) fn drained(&mut self, number: u64, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let Some((first, last)) = instance.drain.filter(|_| instance.number == number) else {
            return;
        };
        if instance.in_flight == 0 && first <= self.now {
            self.stop(slot, observer);
        } else if last <= self.now {
            self.end_now(slot, observer);
        }
    }

    /// Ends an instance in any state.
    fn end_now(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        if instance.start.is_some() {
            self.abandon(slot, observer);
        } else if instance.in_flight == 0 {
            self.stop(slot, observer);
        } else {
            self.evict(slot, observer);
        }
    }

    /// Ends a starting instance for which no request waits.
    fn abandon(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get_mut(slot);
        let start = instance.start.take();
        debug_assert!(start.is_some_and(|start| start.requests.is_empty() && !start.counts_as_busy));
        self.services[instance.service as usize].gauges.starting.down(self.now);
        self.remove(slot, observer);
    }

    /// Kills instance `number` of the run, which was in `slot` when the timer was set and is not ready in time. It starts
    /// again in its place.
    pub(super) fn not_alive(&mut self, number: u64, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        // No kubelet kills it on a node that has failed.
        if instance.number != number || instance.start.is_none() || instance.lost {
            return;
        }
        let (id, now) = (self.id(slot), self.now);
        if let Some(control) = self.platform.control() {
            control.crashes(id, now);
        }
        self.abandon(slot, observer);
        self.restart_in_place(id, observer);
    }

    /// Starts an instance that was killed again in its place.
    pub(super) fn restart_in_place(&mut self, old: InstanceId, observer: &mut impl Observer) {
        let new = self.create_waiting(old.service, old.function, observer);
        let now = self.now;
        if let Some(control) = self.platform.control() {
            control.replaced(old, new, now);
        }
        self.arm_control();
    }
}
