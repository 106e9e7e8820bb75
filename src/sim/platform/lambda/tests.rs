//! Decisions of the platform: what it sees, and what it answers.

use super::*;
use crate::rng::Draws;
use crate::sim::fact::Reject;
use crate::sim::platform::{Admission, FleetView, InstanceView, Platform, Used};
use crate::units::SimTime;

fn spec() -> LambdaSpec {
    toml::from_str("memory = '1024Mi'").unwrap()
}

fn lambda(spec: &LambdaSpec) -> Box<dyn Platform> {
    spec.build(Draws::new(1, 0), &["f"])
}

fn at(seconds: f64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs_f64(seconds)
}

fn view(seconds: f64) -> FleetView {
    FleetView::empty(at(seconds))
}

#[test]
fn concurrency_is_the_accounts_or_what_is_reserved() {
    let shared = spec();
    let reserved = LambdaSpec {
        reserved_concurrency: Some(50),
        ..spec()
    };
    let full = Admission::Reject(Reject::Concurrency);
    // Function's and account's requests in flight, and a free environment: what becomes of one more.
    for (spec, in_flight, account, free, expected) in [
        (&shared, 0, 0, false, Admission::Start),
        (&shared, 999, 999, false, Admission::Start),
        (&shared, 999, 999, true, Admission::Warm),
        (&shared, 10, 1_000, false, full),
        (&shared, 10, 1_000, true, full),
        (&reserved, 49, 49, false, Admission::Start),
        (&reserved, 49, 5_000, true, Admission::Warm),
        (&reserved, 50, 50, true, full),
    ] {
        let view = FleetView {
            free,
            in_flight,
            account_in_flight: account,
            ..view(0.0)
        };
        assert_eq!(lambda(spec).admit(&view), expected, "{view:?}");
    }
}

/// How many of `n` requests at one instant get `admission`.
fn count(platform: &mut dyn Platform, n: u32, view: &FleetView, admission: Admission) -> usize {
    (0..n).filter(|_| platform.admit(view) == admission).count()
}

#[test]
fn ten_requests_per_second_for_each_unit_of_concurrency() {
    let reserved = LambdaSpec {
        reserved_concurrency: Some(50),
        ..spec()
    };
    for (spec, per_second) in [(spec(), 10_000), (reserved, 500)] {
        let mut platform = lambda(&spec);
        let free = |seconds| FleetView {
            free: true,
            ..view(seconds)
        };
        let p = platform.as_mut();
        assert_eq!(count(p, 20_000, &free(0.0), Admission::Warm), per_second);
        assert_eq!(p.admit(&free(0.0)), Admission::Reject(Reject::RequestRate));
        assert_eq!(count(p, 20_000, &free(0.5), Admission::Warm), per_second / 2);
    }
}

#[test]
fn a_thousand_new_environments_at_once_and_a_hundred_per_second_for_each_function() {
    let mut platform = lambda(&spec());
    let p = platform.as_mut();
    assert_eq!(count(p, 2_000, &view(0.0), Admission::Start), 1_000);
    assert_eq!(p.admit(&view(0.0)), Admission::Reject(Reject::ScalingRate));
    assert_eq!(count(p, 2_000, &view(3.0), Admission::Start), 300);
    let other = FleetView {
        function: 1,
        ..view(3.0)
    };
    assert_eq!(count(p, 2_000, &other, Admission::Start), 1_000);
    // A free environment needs no token.
    let free = FleetView {
        free: true,
        ..view(3.0)
    };
    assert_eq!(p.admit(&free), Admission::Warm);
}

#[test]
fn an_environment_ends_after_its_own_idle_time_or_at_its_age() {
    let mut platform = lambda(&toml::from_str("memory = '1024Mi'\nearly-end = '0/h'").unwrap());
    let mut lifetime = |ordinal| {
        let lifetime = platform.lifetime(&InstanceView {
            now: at(0.0),
            service: 0,
            function: 0,
            entity: 0,
            ordinal,
            created: at(0.0),
            provisioned: false,
            unused: false,
        });
        lifetime.expect("it is known from the start")
    };
    let mut ends: Vec<SimTime> = Vec::new();
    for ordinal in 0..50 {
        let end = lifetime(ordinal).end(at(100.0), at(100.0), SimDuration::ZERO);
        assert!(at(1_000.0) <= end && end <= at(2_100.0), "{end:?}");
        assert!(!ends.contains(&end), "two environments with the same random numbers");
        assert_eq!(
            lifetime(ordinal).end(at(100.0), at(100.0), SimDuration::ZERO),
            end,
            "the same one at every request"
        );
        ends.push(end);
    }
    let old = lifetime(0);
    assert!(at(108.0 * 60.0) <= old.latest && old.latest <= at(124.0 * 60.0));
    assert_eq!(
        old.end(at(7_000.0), at(7_000.0), SimDuration::ZERO).min(at(7_400.0)),
        old.latest.min(at(7_400.0))
    );
    assert!(
        old.end(at(9_000.0), at(9_000.0), SimDuration::ZERO) <= at(9_000.0)
            && old.is_over(at(9_000.0), SimDuration::ZERO)
    );
}

fn provisioned(text: &str) -> LambdaSpec {
    let table = format!("memory = '1024Mi'\n{text}");
    let spec: LambdaSpec = toml::from_str(&table).unwrap();
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

/// Developer Guide, "Configuring provisioned concurrency": what is beyond it runs on demand, unless all that is reserved is
/// provisioned.
#[test]
fn what_is_beyond_provisioned_concurrency_spills_over_to_on_demand() {
    let spills = provisioned("reserved-concurrency = 400\n[provisioned-concurrency]\nconcurrency = 200");
    let full = provisioned("reserved-concurrency = 200\n[provisioned-concurrency]\nconcurrency = 200");
    let unreserved = provisioned("[provisioned-concurrency]\nconcurrency = 200");
    let reject = Admission::Reject(Reject::Concurrency);
    // Requests in flight, those of them on provisioned environments: what becomes of one more.
    for (spec, in_flight, on_provisioned, account, expected) in [
        (&spills, 199, 199, 0, Admission::Provisioned),
        (&spills, 200, 200, 0, Admission::Start),
        (&spills, 399, 200, 0, Admission::Start),
        (&spills, 400, 200, 0, reject),
        // Idle provisioned environments are taken off what is reserved.
        (&spills, 300, 100, 0, Admission::Provisioned),
        (&full, 199, 199, 0, Admission::Provisioned),
        (&full, 200, 200, 0, reject),
        // And off the account's limit of 1,000.
        (&unreserved, 999, 200, 799, Admission::Start),
        (&unreserved, 1_000, 200, 800, reject),
    ] {
        let mut platform = lambda(spec);
        let start = platform.scale(&view(0.0), &Used::default());
        assert_eq!((start.configured, start.start_provisioned), (Some(200), 200));
        let view = FleetView {
            provisioned: 200,
            free_provisioned: on_provisioned < 200,
            in_flight,
            provisioned_in_flight: on_provisioned,
            account_in_flight: account,
            ..view(1.0)
        };
        assert_eq!(platform.admit(&view), expected, "{view:?}");
    }
}

/// A change takes a while to begin, and then comes at most so many environments a minute.
#[test]
fn provisioned_environments_are_allocated_after_a_preparation_and_at_a_rate() {
    let spec = provisioned(
        "[provisioned-concurrency]\nconcurrency = 0\npreparation = '90s'\nper-minute = 600\n\
         schedule = [{ at = '1h', concurrency = 35 }, { at = '2h', concurrency = 5 }]",
    );
    let mut platform = lambda(&spec);
    let mut have = 0;
    let mut changes = Vec::new();
    let mut look = |seconds: u32| {
        let view = FleetView {
            provisioned: have,
            ..view(f64::from(seconds))
        };
        let scale = platform.scale(&view, &Used::default());
        have = have + scale.start_provisioned - scale.stop_provisioned;
        changes.extend(scale.configured.map(|amount| (seconds, amount)));
        have
    };
    let all: Vec<u32> = (0..=7_300).map(&mut look).collect();
    assert_eq!(all[3_689], 0);
    // Ten a second from 3,690 s on.
    assert_eq!(all[3_690..3_695], [10, 20, 30, 35, 35]);
    assert_eq!(all[7_199..7_202], [35, 5, 5]);
    assert_eq!(changes, [(0, 0), (3_600, 35), (7_200, 5)]);
}

/// Application Auto Scaling: three minutes above the target scale out, fifteen below nine tenths of it scale in.
#[test]
fn provisioned_concurrency_follows_its_utilisation() {
    let spec = provisioned(
        "[provisioned-concurrency]\nconcurrency = 10\npreparation = '0s'\n\
         tracking = { target = 0.7, min = 5, max = 100 }",
    );
    let mut platform = lambda(&spec);
    let mut have = 0;
    let mut area = 0;
    let mut at_minute = Vec::new();
    for second in 0..=60 * 40 {
        let view = FleetView {
            provisioned: have,
            ..view(f64::from(second))
        };
        let used = Used {
            on_provisioned: area,
            ..Used::default()
        };
        let scale = platform.scale(&view, &used);
        have = have + scale.start_provisioned - scale.stop_provisioned;
        if second % 60 == 0 {
            at_minute.push(have);
        }
        // Ten in flight for ten minutes, then 3.4.
        area += if second < 600 { 10_000_000_000 } else { 3_400_000_000 };
    }
    // 10 / 10 is above 0.7 at minutes 1, 2 and 3: ceil(10 x 1 / 0.7) = 15, whose utilisation of 0.67 stays.
    assert_eq!(at_minute[..5], [10, 10, 10, 15, 15]);
    assert_eq!(at_minute[10], 15);
    // 3.4 / 15 = 0.23 is below 0.63 from minute 11 on, fifteen minutes of it at minute 25: ceil(15 x 0.227 / 0.7) = 5.
    assert_eq!(at_minute[24..27], [15, 5, 5]);
    assert_eq!(at_minute[40], 5);
}

#[test]
fn a_warmer_pings_at_its_period() {
    let spec = provisioned("warmer = { every = '5m', environments = 3, hold = '100ms' }");
    let mut platform = lambda(&spec);
    assert_eq!(platform.ticks(0).unwrap().every, SimDuration::from_secs(300));
    for minute in [0.0, 5.0, 10.0] {
        let scale = platform.scale(&view(60.0 * minute), &Used::default());
        assert_eq!(scale.pings, Some((3, SimDuration::from_millis(100))), "{minute}");
    }
}

#[test]
fn a_function_may_have_settings_of_its_own() {
    let spec = provisioned("reserved-concurrency = 50\n[function.g]\nreserved-concurrency = 7");
    let mut platform = spec.build(Draws::new(1, 0), &["f", "g"]);
    let most = |platform: &mut dyn Platform, service| {
        let admitted = |n: &u32| {
            let view = FleetView {
                service,
                in_flight: *n,
                free: true,
                ..view(0.0)
            };
            platform.admit(&view) == Admission::Warm
        };
        (0..100).take_while(admitted).count()
    };
    assert_eq!((most(platform.as_mut(), 0), most(platform.as_mut(), 1)), (50, 7));
}
