//! Timelines of autoscalers, worked out by hand.

use super::*;
use crate::sim::autoscaler::hpa::{self, HpaPlan, HpaSettings, MetricTarget, Metrics};
use crate::sim::autoscaler::keda::{Fallback, KedaPlan, KedaSettings};
use crate::sim::autoscaler::kpa::{self, KpaPlan};

fn metrics(targets: Vec<MetricTarget>) -> Metrics {
    Metrics {
        targets,
        tolerance: hpa::Tolerance::default(),
        readiness: hpa::ReadinessRules::default(),
        sync: s(15),
        resolution: s(15),
        window: s(30),
        lag: SimDuration::ZERO,
        outages: Vec::new(),
    }
}

/// 100 requests per second from second 60 on, ten for each pod, without `behavior`: replicas double, at least to four, with
/// each look: 4, 8, 10. The first look after the rate has been there for a while sees it. After the end of the traffic the
/// highest recommendation of the last 300 s holds.
#[test]
fn the_autoscaler_doubles_on_a_step_and_comes_down_after_five_minutes() {
    let scaling = HpaPlan {
        replicas: 1,
        spec: HpaSettings {
            min: 1,
            max: 20,
            ..HpaSettings::default()
        },
        metrics: metrics(vec![MetricTarget::Rate(10_000)]),
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(SharedPlan::new(scaling))]);
    driver.rate = vec![(60, 100.0), (300, 0.0)];
    driver.run(1_000);
    let pods: Vec<usize> = driver.log.iter().map(|(_, pods)| *pods).collect();
    assert_eq!(pods, [1, 4, 8, 10, 6, 1], "{:?}", driver.log);
    let times: Vec<u64> = driver.log.iter().map(|(second, _)| *second).collect();
    // Looks are 15 s apart.
    assert_eq!((times[2] - times[1], times[3] - times[2]), (15, 15));
    assert!((60..76).contains(&times[1]), "{times:?}");
    // The look at 314 s still has 16 of its 30 s in the traffic, 53 requests per second and six pods' worth; the next one has
    // none. 300 s after each it holds no more.
    assert_eq!((times[1], times[4], times[5]), (74, 614, 629), "{times:?}");
}

/// KEDA looks every 30 s. From zero with the first look that sees traffic to one, then the autoscaler to what the rate asks
/// for, and to zero when the last look that saw any is 300 s ago.
#[test]
fn keda_goes_from_zero_to_many_and_back() {
    let scaling = KedaPlan {
        replicas: 0,
        keda: KedaSettings::default(),
        spec: HpaSettings {
            min: 1,
            max: 100,
            ..HpaSettings::default()
        },
        metrics: metrics(vec![MetricTarget::Rate(10_000)]),
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(SharedPlan::new(scaling))]);
    driver.rate = vec![(100, 30.0), (400, 0.0)];
    driver.run(2_000);
    let pods: Vec<usize> = driver.log.iter().map(|(_, pods)| *pods).collect();
    assert_eq!(pods, [0, 1, 2, 3, 2, 1, 0], "{:?}", driver.log);
    let times: Vec<u64> = driver.log.iter().map(|(second, _)| *second).collect();
    assert!((100..=130).contains(&times[1]), "{times:?}");
    // The autoscaler's first look has 19 of its 30 s in the traffic: two pods' worth; on the way down 11 s. Its looks are at
    // 14 s and each 15 s after that, KEDA's at 23 s and each 30 s after that: the last that saw traffic was the one at 413 s,
    // which at 713 s is not yet more than 300 s ago.
    assert_eq!(times[1..], [113, 119, 134, 719, 734, 743], "{times:?}");
}

/// Knative with a target of 10 requests per second for each pod, by hand. From zero with the first request; a rate of 100/s
/// is ten times the one ready pod's, more than twice, so it panics and asks for ten pods within the panic window of 6 s. The
/// traffic ends at 300 s: it panics for 60 s after the threshold was reached last, and then at most halves with each look,
/// to zero when the stable average is, and 30 s of grace have passed.
#[test]
fn knative_panics_on_a_step_and_returns_to_zero() {
    let target = kpa::KpaSettings {
        target: 10.0,
        total: 10.0,
        target_burst_capacity: 0.0,
        ..kpa::KpaSettings::default()
    };
    let plan = KpaPlan {
        spec: target,
        rules: kpa::KpaRules {
            initial_scale: 0,
            target_burst_capacity: 0.0,
            ..kpa::KpaRules::default()
        },
        metric: kpa::KpaMetric::Rps,
        panic_window_percentage: 10.0,
    };
    let nodes = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(nodes, vec![workload(SharedPlan::new(plan))]);
    driver.rate = vec![(100, 100.0), (300, 0.0)];
    driver.run(100);
    assert!(driver.pods.is_empty());
    // The first request.
    let mut view = FleetView::empty(driver.now);
    view.queued = 0;
    driver.platform.admit(&view);
    driver.run(101);
    assert_eq!(driver.pods.len(), 1);
    driver.run(110);
    assert_eq!(driver.pods.len(), 10, "{:?}", driver.log);
    driver.run(300);
    assert_eq!(driver.pods.len(), 10);
    driver.run(600);
    let falls: Vec<(u64, usize)> = driver.log.iter().copied().filter(|(second, _)| *second > 300).collect();
    assert_eq!(falls.last().map(|(_, pods)| *pods), Some(0));
    let gone = falls.last().map_or(0, |(second, _)| *second);
    assert!((388..=396).contains(&gone), "{:?}", driver.log);
    assert!(falls.iter().all(|(_, pods)| *pods <= 10));
}

/// Three pods are right for 30 requests per second. Metrics cannot be read from 200 to 400 s: KEDA's looks at 203, 233 and
/// 263 s fail, and the third one has six pods. Afterwards the highest recommendation of the last 300 s holds, which is that
/// of 389 s.
#[test]
fn keda_falls_back_while_metrics_cannot_be_read() {
    let mut out = metrics(vec![MetricTarget::Rate(10_000)]);
    out.outages = vec![(s(200), s(400))];
    let scaling = KedaPlan {
        replicas: 3,
        keda: KedaSettings {
            fallback: Some(Fallback {
                failure_threshold: 3,
                replicas: 6,
            }),
            ..KedaSettings::default()
        },
        spec: HpaSettings {
            min: 1,
            max: 100,
            ..HpaSettings::default()
        },
        metrics: out,
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(SharedPlan::new(scaling))]);
    driver.rate = vec![(0, 30.0)];
    driver.run(1_000);
    let pods: Vec<usize> = driver.log.iter().map(|(_, pods)| *pods).collect();
    assert_eq!(pods, [3, 6, 3], "{:?}", driver.log);
    let times: Vec<u64> = driver.log.iter().map(|(second, _)| *second).collect();
    assert_eq!(times[1..], [263, 704], "{times:?}");
}

/// 30 requests per second for 100 s, none until 300 s, then 30 again; ten for each pod, and no pods at all where there are
/// none to serve. Looks are at 14 s and each 15 s after that, over 30 s each: 11 of them in the traffic at 119 s, none at 134
/// s; 14 of them at 314 s and 29 at 329 s.
#[test]
fn without_pods_the_rate_is_still_read() {
    let autoscaler = HpaPlan {
        replicas: 1,
        spec: HpaSettings {
            min: 0,
            max: 20,
            downscale_stabilization: SimDuration::ZERO,
            ..HpaSettings::default()
        },
        metrics: metrics(vec![MetricTarget::Rate(10_000)]),
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(SharedPlan::new(autoscaler))]);
    driver.rate = vec![(0, 30.0), (100, 0.0), (300, 30.0)];
    driver.run(400);
    let (times, pods): (Vec<u64>, Vec<usize>) = driver.log.iter().copied().unzip();
    assert_eq!(pods, [1, 3, 2, 0, 2, 3], "{:?}", driver.log);
    assert_eq!(times[2..], [119, 134, 314, 329]);
}
