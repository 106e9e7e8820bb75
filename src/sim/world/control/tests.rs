//! How often a platform is asked when it wants to act.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::model::dist::Dist;
use crate::rng::Draws;
use crate::sim::engine::run;
use crate::sim::observe::recorder::Recorder;
use crate::sim::platform::{Admission, Control, FleetView, Platform, Shape};
use crate::sim::pool::Routing;
use crate::sim::setup::{ColdModel, ServiceSetup, ServiceTime, Setup};

/// Replaces its instance every ten seconds, and wants to look whenever one has come up or has ended.
struct Restless {
    at: SimTime,
    changed: bool,
    instances: Vec<InstanceId>,
    waiting: Vec<InstanceId>,
    /// How often it was asked when it wants to act.
    asked: Arc<AtomicU64>,
}

impl Platform for Restless {
    fn admit(&mut self, _: &FleetView) -> Admission {
        Admission::Wait
    }

    fn control(&mut self) -> Option<&mut dyn Control> {
        Some(self)
    }
}

impl Control for Restless {
    fn replicas(&self, _: u16) -> u32 {
        1
    }

    fn has_nodes(&self) -> bool {
        false
    }

    fn connect_timeout(&self) -> SimDuration {
        SimDuration::ZERO
    }

    fn created(&mut self, instance: InstanceId, _: SimTime, initial: bool) -> bool {
        self.changed = true;
        self.instances.push(instance);
        if !initial {
            self.waiting.push(instance);
        }
        initial
    }

    fn ready(&mut self, _: InstanceId, _: SimTime) {
        self.changed = true;
    }

    fn ended(&mut self, _: InstanceId, _: SimTime) {
        self.changed = true;
    }

    fn crashes(&mut self, _: InstanceId, _: SimTime) {}

    fn replaced(&mut self, _: InstanceId, _: InstanceId, _: SimTime) {}

    fn next(&self) -> SimTime {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.changed { SimTime::ZERO } else { self.at }
    }

    fn act(&mut self, now: SimTime, _: &mut dyn Sight, orders: &mut Vec<Order>) {
        self.changed = false;
        let starts = self.waiting.drain(..).map(|instance| Order::Start {
            instance,
            after: SimDuration::from_secs(3),
            probe: SimDuration::ZERO,
            alive_within: None,
        });
        orders.extend(starts);
        if now >= self.at {
            self.at = now + SimDuration::from_secs(10);
            let old = self.instances.drain(..).map(|instance| Order::Kill { instance });
            orders.extend(old);
            orders.push(Order::Create { service: 0, count: 1 });
        }
    }
}

/// How often a platform is asked in so many seconds without a request.
fn asked(horizon: u64) -> u64 {
    let asked = Arc::new(AtomicU64::new(0));
    let zero = Dist::Constant(SimDuration::ZERO);
    let shape = Shape {
        routing: Routing::Random,
        starts_ahead: true,
        ..Shape::default()
    };
    let service = ServiceSetup::new(ServiceTime::Whole(zero.clone()), ColdModel::Start(zero), shape);
    let setup = Setup {
        services: vec![service],
        platform: Box::new(Restless {
            at: SimTime::ZERO + SimDuration::from_secs(10),
            changed: false,
            instances: Vec::new(),
            waiting: Vec::new(),
            asked: Arc::clone(&asked),
        }),
        warm_up: SimDuration::ZERO,
        horizon: Some(SimDuration::from_secs(horizon)),
        sample_every: SimDuration::from_secs(60),
        tell_activity: false,
    };
    let stats = run(
        setup,
        vec![Box::new(|_| false)],
        Draws::new(1, 0),
        &mut None::<Recorder>,
    );
    assert_eq!(stats.services[0].instances_created, 1 + horizon / 10);
    asked.load(Ordering::Relaxed)
}

/// Timers whose place an earlier one has taken must not go on beside it.
#[test]
fn an_hour_costs_the_same_however_many_there_were_before() {
    let (one, four) = (asked(3_600), asked(4 * 3_600));
    assert!(four <= 4 * one, "{one} times in an hour, {four} in four");
}
