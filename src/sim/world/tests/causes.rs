//! Why a request took its time, by hand: each class, starts that are joined, several waits one after the other.

use super::*;
use crate::sim::late::Class::{
    self, Boot, Contention, FirstRequest, Init, Io, LostAttempt, Queue, Quota, Service, Throttle, WarmUp,
};

/// The seconds of each request or call by class, in order of their answers.
#[derive(Default)]
struct Late(Vec<Vec<(Class, u64)>>);

impl Observer for Late {
    fn observe(&mut self, fact: &Fact) {
        if let Fact::Late { spans, .. } = fact {
            let seconds = Class::ALL.map(|class| (class, spans.of(class).0 / 1_000_000_000));
            self.0.push(seconds.into_iter().filter(|(_, time)| *time > 0).collect());
        }
    }
}

/// The causes of the time of every request of [`watch`].
fn late(platform: &dyn PlatformKind, arrivals: &[u64], change: impl Fn(&mut ServiceSetup)) -> Vec<Vec<(Class, u64)>> {
    let mut seen = Late::default();
    let all = |service: &mut ServiceSetup| {
        service.explain_above = Some(SimDuration::ZERO);
        change(service);
    };
    watch(platform, arrivals, None, all, &mut seen);
    seen.0
}

fn by_request(concurrency: u32) -> scale_per_request::ScalePerRequestSpec {
    scale_per_request::ScalePerRequestSpec {
        concurrency,
        ..scale_per_request::ScalePerRequestSpec::default()
    }
}

/// Requests share a core, or half a core.
fn shared(quota: u32) -> impl Fn(&mut ServiceSetup) {
    move |service| {
        service.inside = Some(Inside {
            workers: None,
            turns: None,
            discipline: None,
            cpu: CpuLimit {
                quota: MilliCpu(quota),
                cores: 1,
                period: None,
            },
            overhead_cpu: SimDuration::ZERO,
            boost: None,
        });
    }
}

#[test]
fn a_start_has_its_phases_and_who_joins_it_waits_for_what_is_left() {
    let alone = [(Boot, 1), (Init, 2), (FirstRequest, 3), (Service, 10)];
    assert_eq!(late(&by_request(1), &[0], |_| {}), [alone]);
    // The second comes in the middle of the initialisation.
    let both = late(&by_request(2), &[0, 2], |_| {});
    assert!(both.contains(&alone.to_vec()), "{both:?}");
    assert!(both.contains(&vec![(Init, 1), (Service, 10)]), "{both:?}");
}

#[test]
fn a_start_that_is_known_as_a_whole_is_initialisation() {
    let of = |cold: ColdModel| late(&by_request(1), &[0], |service| service.cold = cold.clone());
    let expected = [[(Init, 4), (Service, 10)]];
    assert_eq!(of(ColdModel::Start(Dist::Constant(seconds(4)))), expected);
    assert_eq!(of(ColdModel::Response(Dist::Constant(seconds(14)))), expected);
}

#[test]
fn who_finds_all_instances_busy_queues() {
    let seen = late(&fixed::FixedSpec::default(), &[0, 4], |_| {});
    assert_eq!(seen, [vec![(Service, 10)], vec![(Queue, 6), (Service, 10)]]);
}

#[test]
fn a_cpu_limit_a_wait_and_other_requests_are_told_apart() {
    let fixed = |concurrency| fixed::FixedSpec {
        concurrency,
        ..fixed::FixedSpec::default()
    };
    // What is drawn is the time under the limit already, where requests share nothing.
    let half = late(&fixed(1), &[0], |service| service.shape.cpu = MilliCpu(500));
    assert_eq!(half, [[(Quota, 5), (Service, 5)]]);
    let waits = late(&fixed(1), &[0], |service| {
        if let ServiceTime::Parts { wait, .. } = &mut service.warm {
            *wait = Dist::Constant(seconds(4));
        }
    });
    assert_eq!(waits, [[(Io, 4), (Service, 10)]]);
    assert_eq!(late(&fixed(2), &[0], shared(500)), [[(Quota, 10), (Service, 10)]]);
    assert_eq!(
        late(&fixed(2), &[0, 0], shared(1_000)),
        [[(Contention, 10), (Service, 10)]; 2]
    );
}

#[test]
fn code_that_is_not_warm_costs_the_next_requests_more() {
    let curve = CodeWarmUpCurve::new([(1, seconds(5)), (3, seconds(1))]);
    let seen = late(&by_request(1), &[0, 50, 300], |service| {
        service.code_warm_up = curve.clone()
    });
    assert_eq!(seen[1..], [[(WarmUp, 5), (Service, 10)], [(WarmUp, 1), (Service, 10)]]);
}

#[test]
fn what_came_before_the_last_attempt_counts_for_the_call() {
    let client = |timeout, most| Client {
        timeout,
        retry: tries(most),
        users: None,
        sessions: 0,
    };
    // It comes at 1, 3, 7, 15 and 23, and is turned away but for the last time.
    let one = scale_per_request::ScalePerRequestSpec {
        max_instances: Some(1),
        ..by_request(1)
    };
    let turned_away = late(&one, &[0, 1], |service| service.client = Some(client(None, 4)));
    assert_eq!(turned_away[1], [(Throttle, 22), (Service, 10)]);
    // The start takes longer than the client waits; after 2 s it asks again, and the instance is up.
    let gave_up = late(&by_request(1), &[0], |service| {
        service.client = Some(client(Some(seconds(15)), 1));
    });
    assert_eq!(gave_up, [[(Class::Backoff, 2), (LostAttempt, 15), (Service, 10)]]);
}

#[test]
fn nobody_is_told_of_answers_in_time() {
    let seen = late(&by_request(1), &[0, 50], |service| {
        service.explain_above = Some(seconds(10));
    });
    assert_eq!(
        seen.len(),
        1,
        "a request of exactly the promised time is in time: {seen:?}"
    );
}
