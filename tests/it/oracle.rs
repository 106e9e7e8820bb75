//! The engine against a simulator that is obviously right: request by request, for every routing rule and keep-alive clock,
//! on random traces in which many events happen at the same instant.

mod simulator;

use coldcast::model::arrival::Arrival;
use coldcast::model::dist::Dist;
use coldcast::rng::Draws;
use coldcast::sim::client::{Client, Retry};
use coldcast::sim::engine::{Feed, run};
use coldcast::sim::fact::{self, Fact};
use coldcast::sim::observe::Observer;
use coldcast::sim::observe::recorder::Recorder;
use coldcast::sim::platform::scale_per_request::{Clock, Initial, Overflow, ScalePerRequestSpec};
use coldcast::sim::platform::{PlatformKind, fixed};
use coldcast::sim::pool::Routing;
use coldcast::sim::setup::{
    CodeWarmUpCurve, ColdModel, CpuLimit, InitialState, Inside, ServiceSetup, ServiceTime, Setup,
};
use coldcast::units::{MilliCpu, SimDuration, SimTime};
use proptest::prelude::*;
use simulator::{Cold, Outcome, Rules, SESSIONS, simulate};

const SECOND: u64 = 1_000_000_000;

#[derive(Default)]
struct Log(Outcome);

impl Observer for Log {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Finished(f) => {
                let row = (
                    f.function as usize,
                    f.index,
                    f.arrived.0,
                    f.started.0,
                    f.finished.0,
                    f.instance,
                    f.cold,
                );
                match f.outcome {
                    fact::Outcome::Failed => self.0.failed.push(row),
                    _ => self.0.served.push(row),
                }
            }
            Fact::Rejected { function, at, .. } => {
                self.0.rejected.push((function as usize, at.0));
            }
            Fact::GaveUp {
                function, arrived, at, ..
            } => {
                let row = (function as usize, arrived.0, at.0);
                self.0.gave_up.push(row);
            }
            Fact::Stopped {
                function,
                instance,
                created,
                at,
                ..
            } => {
                let row = (function as usize, instance, created.0, at.0);
                self.0.stopped.push(row);
            }
            _ => {}
        }
    }
}

/// The same rules for the engine. `batch`: arrivals handed over at a time.
fn engine(rules: &Rules, trace: &[simulator::Arrival], batch: usize) -> Outcome {
    let length = SimDuration;
    let spec = ScalePerRequestSpec {
        keep_alive: length(rules.keep_alive),
        keep_alive_clock: rules.clock,
        routing: rules.routing,
        concurrency: rules.concurrency as u32,
        max_instances: rules.max_instances.map(|n| n as u32),
        queue: rules.overflow,
        initial: Initial {
            idle: rules.initial.0 as u32,
            busy: rules.initial.1 as u32,
        },
        ..ScalePerRequestSpec::default()
    };
    let draws = Draws::new(rules.seed, 0);
    let mut shape = spec.shape();
    shape.timeout = None;
    shape.init_limit = None;
    shape.queue_timeout = rules.queue_timeout.map(length);
    shape.queue_refuses = false;
    shape.starts_ahead = false;
    if rules.fixed {
        shape.initial = InitialState::default();
    }
    let warm = match &rules.inside {
        None => ServiceTime::Whole(Dist::Constant(length(rules.initial.2))),
        Some((_, cpu, wait)) => ServiceTime::Parts {
            overhead: Dist::Constant(length(0)),
            cpu: cpu.clone(),
            wait: wait.clone(),
        },
    };
    let cold = match rules.cold {
        Cold::Response(time) => ColdModel::Response(Dist::Constant(length(time))),
        Cold::Start(time) => ColdModel::Start(Dist::Constant(length(time))),
    };
    let mut service = ServiceSetup::new(warm, cold, shape);
    service.code_warm_up = CodeWarmUpCurve::new(rules.curve.iter().map(|&(end, extra)| (end, length(extra))));
    service.most_in_flight = rules.most_in_flight.map(|most| most as u32);
    service.inside = rules.inside.as_ref().map(|(inside, ..)| *inside);
    service.client = (rules.routing == Routing::Sticky).then(|| Client {
        timeout: None,
        retry: Retry::default(),
        users: None,
        sessions: SESSIONS,
    });
    let platform = match rules.fixed {
        false => spec.build(draws, &["f"]),
        true => fixed::FixedSpec {
            replicas: rules.initial.0 as u32,
            ..fixed::FixedSpec::default()
        }
        .build(draws, &["f"]),
    };
    let mut setup = Setup::new(vec![service], platform);
    setup.warm_up = length(rules.window.0);
    setup.horizon = rules.window.1.map(length);
    setup.sample_every = length(7 * SECOND);
    let arrivals: Vec<Arrival> = trace
        .iter()
        .map(|a| {
            let arrival = Arrival::new(SimTime(a.at)).of(a.function as u32);
            match rules.inside.is_none() && rules.curve.is_empty() {
                true => arrival.lasting(length(a.service)),
                false => arrival,
            }
        })
        .collect();
    let mut chunks = arrivals.chunks(batch);
    let feed: Feed<'_> = Box::new(move |out| match chunks.next() {
        Some(chunk) => {
            out.extend_from_slice(chunk);
            true
        }
        None => false,
    });
    let mut watched = (
        Log::default(),
        Recorder::new(length(rules.window.0), &[length(5 * SECOND)]),
    );
    let stats = run(setup, vec![feed], draws, &mut watched);
    let (Log(mut out), recorder) = watched;

    let record = &recorder.into_records()[0];
    let counted = |at: u64| at >= rules.window.0;
    let of_log = out.served.iter().chain(&out.failed).filter(|r| counted(r.2)).count()
        + out.rejected.iter().filter(|r| counted(r.1)).count()
        + out.gave_up.iter().filter(|r| counted(r.1)).count();
    assert_eq!(record.requests, of_log as u64);
    assert_eq!(
        record.requests,
        record.completed + record.rejected.values().sum::<u64>() + record.timed_out + record.failed,
    );

    let stats = &stats.services[0];
    let area = [stats.area.starting, stats.area.busy, stats.area.idle, stats.area.queued];
    out.area = area.map(|area| u64::try_from(area).expect("an integral of counts"));
    out.peak = stats.instances_peak.expect("known") as usize;
    out.created = stats.instances_created as usize;
    out
}

/// Instances that end in the very last instant of a run may or may not be reported.
fn cut(mut outcome: Outcome) -> Outcome {
    let served = outcome.served.iter().chain(&outcome.failed).map(|r| r.4);
    let rejected = outcome.rejected.iter().map(|r| r.1);
    let gave_up = outcome.gave_up.iter().map(|r| r.2);
    let last = served.chain(rejected).chain(gave_up).max().unwrap_or(0);
    outcome.stopped.retain(|r| r.3 < last);
    // Instances of different functions that end at the same instant: in no particular order.
    outcome.stopped.sort_by_key(|r| (r.3, r.0));
    outcome
}

fn agree(rules: &Rules, trace: &[simulator::Arrival], batch: usize) {
    let (engine, oracle) = (cut(engine(rules, trace, batch)), cut(simulate(rules, trace)));
    // Row by row, so that a failure shows the first request that differs and not two long lists.
    for (e, o) in engine.served.iter().zip(&oracle.served) {
        assert_eq!(e, o, "a request: engine and oracle under {rules:?}");
    }
    for (e, o) in engine.failed.iter().zip(&oracle.failed) {
        assert_eq!(e, o, "a failed request: engine and oracle under {rules:?}");
    }
    for (e, o) in engine.stopped.iter().zip(&oracle.stopped) {
        assert_eq!(e, o, "an instance: engine and oracle under {rules:?}");
    }
    assert_eq!(engine, oracle, "engine and oracle under {rules:?}");
}

const CLOCKS: [Clock; 3] = [Clock::LastUse, Clock::Creation, Clock::Never];

const ROUTINGS: [Routing; 10] = [
    Routing::Newest,
    Routing::MostRecentlyUsed,
    Routing::LeastRecentlyUsed,
    Routing::Oldest,
    Routing::Random,
    Routing::RoundRobin,
    Routing::LeastOutstanding,
    Routing::RandomOfTwo,
    Routing::MostLoaded,
    Routing::Sticky,
];

/// Arrivals 0 to 3 s apart, or after a pause in which instances end. Most of them share their instant with another event.
fn trace() -> impl Strategy<Value = Vec<simulator::Arrival>> {
    let gap = prop_oneof![12 => 0..4u64, 1 => 5..20u64];
    prop::collection::vec((gap, 0..3usize, 0..9u64), 1..150).prop_map(|rows| {
        let mut at = 0;
        let arrival = |(gap, function, service)| {
            at += gap * SECOND;
            simulator::Arrival {
                at,
                function: function / 2,
                service: service * SECOND,
            }
        };
        rows.into_iter().map(arrival).collect()
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let cold = prop_oneof![
        (0..6u64).prop_map(|s| Cold::Response(s * SECOND)),
        (0..6u64).prop_map(|s| Cold::Start(s * SECOND))
    ];
    let limits = (prop::option::of(1..5usize), any::<bool>(), prop::option::of(0..8u64));
    let initial = (0..3usize, 0..3usize, 0..4u64);
    let rest = (0..16u64, 1..4usize, cold, limits, initial, any::<u64>());
    rest.prop_map(|(keep_alive, concurrency, cold, limits, initial, seed)| Rules {
        routing: Routing::Newest,
        clock: Clock::LastUse,
        keep_alive: keep_alive * SECOND,
        concurrency,
        max_instances: limits.0,
        overflow: if limits.1 { Overflow::Wait } else { Overflow::Reject },
        queue_timeout: limits.2.map(|s| s * SECOND),
        cold,
        inside: None,
        curve: Vec::new(),
        most_in_flight: None,
        fixed: false,
        initial: (initial.0, initial.1, initial.2 * SECOND),
        window: (0, None),
        seed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Every case runs under all combinations of routing and clock.
    #[test]
    fn the_engine_agrees_with_the_oracle(
        rules in rules(),
        trace in trace(),
        warm_up in (0..100u64).prop_map(|s| s * SECOND),
        horizon in prop::option::of((1..100u64).prop_map(|s| s * SECOND)),
        batch in 1..40usize,
    ) {
        let last = trace.last().map_or(0, |a| a.at);
        let warm_up = if horizon.is_some() { warm_up } else { warm_up.min(last) };
        for routing in ROUTINGS {
            for clock in CLOCKS {
                let window = (warm_up, horizon.map(|h| warm_up + h));
                let rules = Rules { routing, clock, window, ..rules.clone() };
                agree(&rules, &trace, batch);
            }
        }
    }

    /// One request at a time, no limits, nothing at the start: the plain case, with longer traces.
    #[test]
    fn the_engine_agrees_on_the_plain_platform(rules in rules(), trace in trace(), batch in 1..40usize) {
        for routing in ROUTINGS {
            for clock in CLOCKS {
                let plain = Rules {
                    routing,
                    clock,
                    concurrency: 1,
                    max_instances: None,
                    initial: (0, 0, 0),
                    ..rules.clone()
                };
                agree(&plain, &trace, batch);
            }
        }
    }
}

/// Workers, turns, CPU, and how long a request needs it and waits.
fn inside() -> impl Strategy<Value = (Inside, Dist, Dist)> {
    let up_to = |s: u64| {
        (0..=s).prop_map(|s| {
            let whole_seconds = (0..=s).map(SimDuration::from_secs).collect();
            Dist::empirical(whole_seconds).expect("at least zero")
        })
    };
    let limits = (
        prop::option::of(1..5u32),
        prop::option::of(1..3u32),
        100..3000u32,
        1..4u32,
    );
    (limits, up_to(3), up_to(4)).prop_map(|((workers, turns, quota, cores), cpu, wait)| {
        let inside = Inside {
            workers,
            turns,
            discipline: None,
            cpu: CpuLimit {
                quota: MilliCpu(quota),
                cores,
                period: None,
            },
            overhead_cpu: SimDuration::ZERO,
            boost: None,
        };
        (inside, cpu, wait)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Requests share workers and CPU inside an instance, under all combinations of routing and clock.
    #[test]
    fn the_engine_agrees_inside_an_instance(
        rules in rules(),
        inside in inside(),
        concurrency in 1..12usize,
        trace in trace(),
        batch in 1..40usize,
    ) {
        for routing in ROUTINGS {
            for clock in CLOCKS {
                let shared = Rules {
                    routing,
                    clock,
                    concurrency,
                    inside: Some(inside.clone()),
                    ..rules.clone()
                };
                agree(&shared, &trace, batch);
            }
        }
    }
}

/// Ends of stretches and extra times.
fn curve() -> impl Strategy<Value = Vec<(u32, u64)>> {
    prop::collection::btree_map(1..12u32, (0..5u64).prop_map(|s| s * SECOND), 0..4)
        .prop_map(|stretches| stretches.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Instances get faster with their first requests and are killed by too many at a time; requests take their own time or
    /// share what is inside.
    #[test]
    fn the_engine_agrees_on_the_life_of_instances(
        rules in rules(),
        inside in prop::option::of(inside()),
        curve in curve(),
        (concurrency, most_in_flight) in (1..9usize, prop::option::of(1..8usize)),
        fixed in any::<bool>(),
        (trace, batch) in (trace(), 1..40usize),
    ) {
        let rules = Rules { concurrency, inside, curve, most_in_flight, ..rules };
        for routing in ROUTINGS {
            for clock in CLOCKS {
                if !fixed {
                    agree(&Rules { routing, clock, ..rules.clone() }, &trace, batch);
                    continue;
                }
                let replicas = rules.initial.0.max(1);
                let kept = Rules {
                    routing,
                    clock: Clock::LastUse,
                    fixed,
                    keep_alive: u64::MAX / 4,
                    max_instances: Some(replicas),
                    overflow: Overflow::Wait,
                    initial: (replicas, 0, rules.initial.2),
                    ..rules.clone()
                };
                agree(&kept, &trace, batch);
            }
        }
    }
}

/// Routing is an input: the same traffic has other cold starts and another mean of instances under another rule.
#[test]
fn routing_decides_cold_starts_and_instances() {
    let draws = Draws::new(3, 0);
    let gaps = draws.stream(coldcast::rng::Purpose::Arrival, 0);
    let services = draws.stream(coldcast::rng::Purpose::Service, 0);
    let mut at = 0;
    let trace: Vec<_> = (0..400)
        .map(|k| {
            at += gaps.bits(k) % 5 * SECOND;
            let service = (1 + services.bits(k) % 12) * SECOND;
            simulator::Arrival {
                at,
                function: 0,
                service,
            }
        })
        .collect();
    let mut seen: Vec<(usize, u64)> = Vec::new();
    for routing in &ROUTINGS[..4] {
        let rules = Rules {
            routing: *routing,
            clock: Clock::LastUse,
            keep_alive: 15 * SECOND,
            concurrency: 1,
            max_instances: None,
            overflow: Overflow::Reject,
            queue_timeout: None,
            cold: Cold::Start(3 * SECOND),
            inside: None,
            curve: Vec::new(),
            most_in_flight: None,
            fixed: false,
            initial: (0, 0, 0),
            window: (0, None),
            seed: 0,
        };
        agree(&rules, &trace, 64);
        let out = engine(&rules, &trace, 64);
        let cold = out.served.iter().filter(|r| r.6).count();
        let instance_seconds = out.area[..3].iter().sum();
        assert!(
            seen.iter().all(|&(c, i)| c != cold && i != instance_seconds),
            "{routing:?}: {cold} cold starts, {instance_seconds} instance-seconds, after {seen:?}"
        );
        seen.push((cold, instance_seconds));
    }
}
