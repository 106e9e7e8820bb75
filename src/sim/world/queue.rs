//! Requests that wait in the queue of a function: they are added, served, or exceed their timeout.

use crate::sim::calendar::Timer;
use crate::sim::fact::{Fact, Reject, Role};
use crate::sim::fleet::{QueuedRequest, Request};
use crate::sim::observe::Observer;
use crate::sim::world::{Loss, World};
use crate::units::SimDuration;

impl World {
    /// Puts a request into the queue, and starts an instance if `start` is true and waiting requests need one.
    #[cold]
    #[inline(never)]
    pub(super) fn queue(&mut self, request: Request, at_most: SimDuration, start: bool, observer: &mut impl Observer) {
        let (service, function) = (request.service, request.function);
        let cold = start && request.call != Request::PING;
        self.wait(Request { cold, ..request }, Some(at_most));
        if cold {
            observer.observe(&Fact::ColdStart { service, at: self.now });
        }
        if start {
            self.start_ahead(service, function, false, observer);
        }
    }

    /// Puts a request into the queue.
    #[cold]
    pub(super) fn wait(&mut self, request: Request, at_most: Option<SimDuration>) {
        self.present += 1;
        self.waits += 1;
        let number = self.waits;
        let Request { service, function, .. } = request;
        let state = &mut self.services[service as usize];
        state.gauges.queued.up(self.now);
        let queue = &mut state.fleets[function as usize].queue;
        queue.push_back(QueuedRequest { number, request });
        if let Some(timeout) = at_most {
            let timer = Timer::GiveUp {
                number,
                service,
                function,
            };
            self.calendar.timer_at(self.now + timeout, timer);
        }
    }

    /// Fills the free slots of a ready instance from the queue.
    #[cold]
    #[inline(never)]
    pub(super) fn serve_queue(&mut self, slot: u32, observer: &mut impl Observer) {
        let instance = self.instances.0.get(slot);
        let (service, function) = (instance.service, instance.function);
        loop {
            let state = &mut self.services[service as usize];
            let fleet = &mut state.fleets[function as usize];
            let instance = self.instances.0.get_mut(slot);
            if instance.in_flight >= state.setup.shape.concurrency {
                return;
            }
            let Some(QueuedRequest { request, .. }) = fleet.queue.pop_front() else {
                let (load, provisioned) = (instance.in_flight, instance.provisioned);
                fleet.pool(provisioned).put(slot, load, &mut self.instances);
                return;
            };
            state.gauges.queued.down(self.now);
            if state.ahead {
                self.platform.waited(service, function, request.arrived, self.now);
            }
            instance.in_flight += 1;
            fleet.in_flight += 1;
            if let Some(watched) = &mut fleet.watched {
                watched.enter(self.now, instance.provisioned);
            }
            self.in_flight += u32::from(state.shares && !instance.provisioned);
            let too_many = instance.in_flight > state.most_in_flight && !instance.lost;
            let first = instance.first_use(self.now);
            let request = Request {
                first_use: first.is_some(),
                ..request
            };
            self.serve(request, slot, first);
            self.tell(slot, observer);
            if too_many {
                return self.kill(slot, observer);
            }
        }
    }

    /// Ends the wait of the request that was the `number`-th to wait, if it still waits.
    pub(super) fn give_up(&mut self, number: u64, service: u16, function: u32, observer: &mut impl Observer) {
        let state = &mut self.services[service as usize];
        let queue = &mut state.fleets[function as usize].queue;
        let Ok(place) = queue.binary_search_by_key(&number, |waiting| waiting.number) else {
            return;
        };
        let Some(QueuedRequest { request, .. }) = queue.remove(place) else {
            return;
        };
        state.gauges.queued.down(self.now);
        self.present -= 1;
        let refused = state.setup.shape.queue_refuses;
        let (arrived, at) = (request.arrived, self.now);
        let role = match request.call {
            Request::WHOLE => Role::Request,
            Request::PING => Role::Ping,
            _ => Role::Attempt,
        };
        observer.observe(&match refused {
            true => Fact::Rejected {
                service,
                function,
                arrived,
                at,
                reason: Reject::Pending,
                role,
            },
            false => Fact::GaveUp {
                service,
                function,
                arrived,
                at,
                role,
            },
        });
        match (role, refused) {
            (Role::Request, _) => self.ended += 1,
            (Role::Attempt, true) => self.attempt_gave_up(request.call, Loss::Rejected(Reject::Pending), observer),
            (Role::Attempt, false) => self.attempt_gave_up(request.call, Loss::TimedOut, observer),
            (Role::Ping, _) => {}
        }
    }
}
