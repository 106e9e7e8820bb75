//! A run of one service on a platform, told to an observer: requests that all take the same time, at times that are given.

use coldcast::model::arrival::Arrival;
use coldcast::model::dist::Dist;
use coldcast::rng::Draws;
use coldcast::sim::engine::{Feed, run};
use coldcast::sim::observe::Observer;
use coldcast::sim::platform::PlatformKind;
use coldcast::sim::setup::{ColdModel, ColdStart, ServiceSetup, ServiceTime, Setup};
use coldcast::units::{SimDuration, SimTime};

pub fn seconds(s: f64) -> SimDuration {
    SimDuration::from_secs_f64(s)
}

/// Requests of `service` at these times on a platform where a start takes `init` after nothing, watched for `horizon`; all in
/// seconds. `activity`: whether the observer is told what each instance does.
pub fn observed(
    platform: &dyn PlatformKind,
    arrivals: &[f64],
    [service, init, horizon]: [f64; 3],
    activity: bool,
    observer: &mut impl Observer,
) {
    assert_eq!(platform.problems(), Vec::<String>::new());
    let warm = ServiceTime::Parts {
        overhead: Dist::Constant(SimDuration::ZERO),
        cpu: Dist::Constant(SimDuration::ZERO),
        wait: Dist::Constant(seconds(service)),
    };
    let start = ColdStart {
        sandbox: SimDuration::ZERO,
        init: seconds(init),
        first_request: SimDuration::ZERO,
        cpu: SimDuration::ZERO,
    };
    let draws = Draws::new(1, 0);
    let mut service = ServiceSetup::new(warm, ColdModel::Measured([start].into()), platform.shape());
    service.client = platform.queue();
    let mut setup = Setup::new(vec![service], platform.build(draws, &["f"]));
    setup.horizon = Some(seconds(horizon));
    setup.sample_every = seconds(1.0);
    setup.tell_activity = activity;
    let mut rest = arrivals.iter();
    let feed: Feed<'_> = Box::new(move |out: &mut Vec<Arrival>| {
        let before = out.len();
        let next = rest.by_ref().take(4096);
        out.extend(next.map(|&at| Arrival::new(SimTime::ZERO + seconds(at))));
        out.len() > before
    });
    run(setup, vec![feed], draws, observer);
}
