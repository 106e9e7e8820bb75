//! Actions of the platform without a request: at each tick it looks at a function, has instances started and ended, and sends
//! requests that keep instances warm.

use crate::rng::Purpose;
use crate::sim::calendar::Timer;
use crate::sim::fact::Fact;
use crate::sim::fleet::{Request, Start, Watched};
use crate::sim::gauge::Gauge;
use crate::sim::observe::Observer;
use crate::sim::platform::{Scale, Used};
use crate::sim::pool::Pool;
use crate::sim::world::World;
use crate::units::{SimDuration, SimTime};

impl World {
    /// Makes the platform look at a function again that it has stopped looking at.
    #[cold]
    #[inline(never)]
    pub(super) fn stay_awake(&mut self, service: u16, function: u32) {
        let asleep = |watched: &Watched| !watched.ticking;
        if self.fleet(service, function).watched.as_deref().is_some_and(asleep) {
            self.arm(service, function, false);
        }
    }

    /// Sets the timer for the platform's next look at a function: after now, or at once if that is the time and `at_once`.
    pub(super) fn arm(&mut self, service: u16, function: u32, at_once: bool) {
        let Some(ticks) = self.services[service as usize].ticks else {
            return;
        };
        let now = self.now;
        let next = if ticks.first > now || (at_once && ticks.first == now) {
            ticks.first
        } else {
            let passed = now.since(ticks.first).0 / ticks.every.0;
            ticks.first + SimDuration((passed + 1) * ticks.every.0)
        };
        if let Some(watched) = &mut self.fleet(service, function).watched {
            watched.ticking = true;
        }
        self.calendar.timer_at(next, Timer::Tick { service, function });
    }

    /// Lets the platform look at a function, and carries out its answer.
    pub(super) fn tick(&mut self, service: u16, function: u32, observer: &mut impl Observer) {
        let view = self.view(service, function);
        let used = self.used(service, function, self.now);
        let Scale {
            configured,
            start,
            stop,
            start_provisioned,
            stop_provisioned,
            pings,
            hosts,
            awake,
        } = self.platform.scale(&view, &used);
        if let Some(provisioned) = configured {
            observer.observe(&Fact::Configured {
                service,
                function,
                at: self.now,
                provisioned,
            });
        }
        if let Some(hosts) = hosts {
            observer.observe(&Fact::Hosts {
                service,
                function,
                at: self.now,
                hosts,
            });
        }
        (0..start).for_each(|_| _ = self.start_ahead(service, function, false, observer));
        (0..start_provisioned).for_each(|_| _ = self.start_ahead(service, function, true, observer));
        for (provisioned, most) in [(false, stop), (true, stop_provisioned)] {
            for _ in 0..most {
                let fleet = &mut self.services[service as usize].fleets[function as usize];
                let Some(slot) = fleet.pool(provisioned).idle(&mut self.instances) else {
                    break;
                };
                self.stop(slot, observer);
            }
        }
        if let Some((count, hold)) = pings {
            (0..count).for_each(|_| self.ping(service, function, hold, observer));
        }
        let fleet = self.fleet(service, function);
        if awake || fleet.instances > 0 || !fleet.queue.is_empty() {
            self.arm(service, function, false);
        } else if let Some(watched) = &mut fleet.watched {
            watched.ticking = false;
        }
    }

    /// Starts an instance if no request has come since the function had so many, and there is no other instance.
    pub(super) fn rewarm(&mut self, service: u16, function: u32, arrivals: u64, observer: &mut impl Observer) {
        let fleet = self.fleet(service, function);
        if fleet.arrivals == arrivals && fleet.instances == 0 {
            self.start_ahead(service, function, false, observer);
        }
    }

    /// Starts an instance without a request. Returns its slot.
    pub(super) fn start_ahead(
        &mut self,
        service: u16,
        function: u32,
        provisioned: bool,
        observer: &mut impl Observer,
    ) -> u32 {
        let (cold, _) = self.next_start(service, function);
        let start = Start {
            cold,
            requests: Vec::new(),
            counts_as_busy: false,
            ahead: true,
            unneeded: None,
        };
        let slot = self.create(service, function, Some(Box::new(start)), provisioned);
        self.tell(slot, observer);
        if !provisioned {
            self.fleet(service, function).starting.push_back(slot);
        }
        let number = self.instances.0.get(slot).number;
        let ready = Timer::Ready { number, instance: slot };
        self.calendar.timer_at(self.now + cold.sandbox + cold.init, ready);
        slot
    }

    /// Begins to watch a function.
    #[cold]
    pub(super) fn watch(&mut self, service: u16, function: u32) {
        let routing = self.services[service as usize].setup.shape.routing;
        let entity = self.fleet(service, function).entity;
        let stream = self.draws.stream(Purpose::Routing, entity);
        self.fleet(service, function).watched = Some(Box::new(Watched {
            ticking: false,
            pool: Pool::new(routing, stream),
            provisioned: 0,
            on_provisioned: Gauge::default(),
            in_flight: Gauge::default(),
            slots: Vec::new(),
            cpu_of_ended: 0,
        }));
    }

    /// CPU time that the requests of each service have used until `at`, and their time in service; only on platforms that
    /// control their instances.
    pub(super) fn used_by_services(&mut self, at: SimTime) -> Vec<(i128, i128)> {
        if !self.controlled {
            return Vec::new();
        }
        let services = 0..self.services.len() as u16;
        services
            .map(|service| {
                let used = self.used(service, 0, at);
                (used.cpu as i128, used.in_flight)
            })
            .collect()
    }

    /// The use of a watched function until `now`; no event comes before `now`.
    fn used(&mut self, service: u16, function: u32, now: SimTime) -> Used {
        let Some(fleet) = self.services[service as usize].fleets.get_mut(function as usize) else {
            return Used::default();
        };
        let Some(watched) = &fleet.watched else {
            return Used::default();
        };
        let mut cpu = watched.cpu_of_ended;
        for &slot in &watched.slots {
            let instance = self.instances.0.get_mut(slot);
            cpu += instance.start_cpu.used(&instance.stamps, now);
            if let Some(station) = &mut instance.station {
                cpu += station.used(now);
            }
        }
        Used {
            in_flight: watched.in_flight.area(now),
            on_provisioned: watched.on_provisioned.area(now),
            cpu,
        }
    }

    /// Sends a request of the operator. A rejection of it is no violation.
    fn ping(&mut self, service: u16, function: u32, hold: SimDuration, observer: &mut impl Observer) {
        let now: SimTime = self.now;
        let request = || Request {
            given: hold,
            call: Request::PING,
            // Its time is given, so that it takes no random number of another request.
            ..Request::new(service, function, 0, now)
        };
        self.admit(service, function, request, observer);
    }
}
