//! Counts for the bill beside compute, on every platform: requests and their time in flight for load balancers, answers for
//! traffic, and instances and nodes for image pulls.

use crate::sim::fact::{Activity, Fact, Outcome, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::control::NodeChange;
use crate::units::{SimDuration, SimTime};

/// Requests to one service, and the instances and nodes that were created for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests, or attempts of calls, that ended with any outcome.
    pub requests: u64,
    /// The part of `requests` that was answered.
    pub answered: u64,
    /// Sum of the times from arrival to end, in nanoseconds.
    pub in_flight_ns: u128,
    /// Created instances.
    pub created: u64,
    /// Launched nodes. They are counted with the first service.
    pub nodes: u64,
}

impl Served {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.answered += other.answered;
        self.in_flight_ns += other.in_flight_ns;
        self.created += other.created;
        self.nodes += other.nodes;
    }

    /// The difference to the earlier counts `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            answered: self.answered - before.answered,
            in_flight_ns: self.in_flight_ns - before.in_flight_ns,
            created: self.created - before.created,
            nodes: self.nodes - before.nodes,
        }
    }
}

/// An observer that counts requests, instances and nodes after the warm-up.
#[derive(Debug)]
pub struct ServedMeter {
    warm_up: SimTime,
    services: Vec<Served>,
}

impl ServedMeter {
    /// Returns a meter for `services` services.
    pub fn new(warm_up: SimDuration, services: usize) -> Self {
        Self {
            warm_up: SimTime::ZERO + warm_up,
            services: vec![Served::default(); services],
        }
    }

    /// The counts so far, by service.
    pub fn served(&self) -> Vec<Served> {
        self.services.clone()
    }

    fn ended(&mut self, service: u16, arrived: SimTime, at: SimTime, answered: bool) {
        if arrived >= self.warm_up {
            let served = &mut self.services[service as usize];
            served.requests += 1;
            served.answered += u64::from(answered);
            served.in_flight_ns += u128::from(at.since(arrived).0);
        }
    }
}

impl Observer for ServedMeter {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Finished(request) if request.role != Role::Ping => {
                let answered = request.outcome == Outcome::Completed;
                self.ended(request.service, request.arrived, request.finished, answered);
            }
            Fact::Rejected {
                service,
                arrived,
                at,
                role,
                ..
            }
            | Fact::GaveUp {
                service,
                arrived,
                at,
                role,
                ..
            } if role != Role::Ping => self.ended(service, arrived, at, false),
            Fact::Activity(Activity {
                service,
                at,
                starting: true,
                ..
            }) if at >= self.warm_up => {
                self.services[service as usize].created += 1;
            }
            Fact::Node {
                at,
                change: NodeChange::Comes,
                ..
            } if at >= self.warm_up && at > SimTime::ZERO => {
                self.services[0].nodes += 1;
            }
            _ => {}
        }
    }
}
