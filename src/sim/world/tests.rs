//! The life of instances by hand: seconds, one function, constant times.

use crate::model::arrival::Arrival;
use crate::model::dist::Dist;
use crate::rng::Draws;
use crate::sim::engine::run;
use crate::sim::fact::{Fact, Observer, Outcome};
use crate::sim::platform::{Kind, fixed, scale_per_request};
use crate::sim::setup::{ColdModel, ColdStart, ServiceSetup, ServiceTime, Setup, WarmUpCurve};
use crate::units::{SimDuration, SimTime};

/// Begin and end of each request in seconds, in order of their ends, and how it ended.
#[derive(Default)]
struct Ends(Vec<(u64, u64, Outcome)>);

impl Observer for Ends {
    fn observe(&mut self, fact: &Fact) {
        if let Fact::Finished(r) = fact {
            let second = |at: SimTime| at.0 / 1_000_000_000;
            self.0.push((second(r.started), second(r.finished), r.outcome));
        }
    }
}

fn seconds(s: u64) -> SimDuration {
    SimDuration::from_secs(s)
}

/// A request takes 10 s, a start 1 s and 2 s, its first request 3 s more in place of nothing.
fn ends(platform: &dyn Kind, arrivals: &[u64], change: impl Fn(&mut ServiceSetup)) -> Vec<(u64, u64, Outcome)> {
    let shape = platform.shape();
    let start = ColdStart {
        sandbox: seconds(1),
        init: seconds(2),
        first_request: seconds(3),
    };
    let mut service = ServiceSetup {
        warm: ServiceTime::Parts {
            overhead: Dist::Constant(SimDuration::ZERO),
            cpu: Dist::Constant(seconds(10)),
            wait: Dist::Constant(SimDuration::ZERO),
        },
        inside: None,
        warm_up: None,
        cold: ColdModel::Measured([start].into()),
        concurrency: shape.concurrency,
        most_in_flight: None,
        routing: shape.routing,
        timeout: None,
        init_limit: None,
        queue_timeout: None,
        initial: shape.initial,
    };
    change(&mut service);
    let draws = Draws::new(1, 0);
    let setup = Setup {
        services: vec![service],
        platform: platform.build(draws),
        warm_up: SimDuration::ZERO,
        horizon: None,
        sample_every: seconds(60),
    };
    let mut arrivals = Some(arrivals.iter().map(|&at| Arrival {
        at: SimTime::ZERO + seconds(at),
        duration: None,
        function: 0,
    }));
    let feed = Box::new(move |out: &mut Vec<Arrival>| {
        out.extend(arrivals.take().into_iter().flatten());
        false
    });
    let mut seen = Ends::default();
    run(setup, vec![feed], draws, &mut seen);
    seen.0
}

#[test]
fn a_killed_instance_of_a_fixed_fleet_is_back_after_its_first_answer() {
    let fixed = fixed::Spec {
        concurrency: 3,
        ..fixed::Spec::default()
    };
    let seen = ends(&fixed, &[0, 4, 5, 20], |service| service.most_in_flight = Some(1));
    let expected = [
        (0, 4, Outcome::Failed),
        (4, 4, Outcome::Failed),
        // 1 s + 2 s + 3 s after the kill; the probe has paid for the first request.
        (10, 20, Outcome::Completed),
        (20, 30, Outcome::Completed),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn elsewhere_the_next_request_starts_a_new_instance() {
    let spec = scale_per_request::Spec {
        concurrency: 2,
        ..scale_per_request::Spec::default()
    };
    let killed = |arrivals: &[u64]| ends(&spec, arrivals, |service| service.most_in_flight = Some(1));
    let later = [(33, 46, Outcome::Completed), (50, 60, Outcome::Completed)];
    // Both wait for the same start, and come at once to an instance that has memory for one.
    let together = killed(&[0, 1, 30, 50]);
    assert_eq!(together[..2], [(3, 3, Outcome::Failed); 2]);
    assert_eq!(together[2..], later);
    let one_after_the_other = killed(&[0, 4, 30, 50]);
    assert_eq!(
        one_after_the_other[..2],
        [(3, 4, Outcome::Failed), (4, 4, Outcome::Failed)]
    );
    assert_eq!(one_after_the_other[2..], later);
}

#[test]
fn later_requests_cost_less_and_less_until_the_instance_initialises_again() {
    let spec = scale_per_request::Spec::default();
    let curve = WarmUpCurve::new([(1, seconds(5)), (3, seconds(1))]);
    let warming = |service: &mut ServiceSetup| service.warm_up = curve.clone();
    let durations = |seen: &[(u64, u64, Outcome)]| seen.iter().map(|r| r.1 - r.0).collect::<Vec<_>>();
    let arrivals = [0, 50, 100, 150, 200, 250];
    assert_eq!(durations(&ends(&spec, &arrivals, warming)), [13, 15, 11, 11, 10, 10]);
    // Cut off after 14 s, the second request has its instance initialise again for 2 s, and be as cold as at first, so that
    // the third takes 2 s + 15 s and is cut off as well.
    let cut = ends(&spec, &arrivals[..3], |service| {
        warming(service);
        service.timeout = Some(seconds(14));
    });
    let outcomes: Vec<Outcome> = cut.iter().map(|r| r.2).collect();
    assert_eq!(durations(&cut), [13, 14, 14]);
    assert_eq!(outcomes, [Outcome::Completed, Outcome::TimedOut, Outcome::TimedOut]);
}
