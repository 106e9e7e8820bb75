//! The life of pods: their start, their order, their end.

use super::*;

#[test]
fn pods_of_the_beginning_are_up_and_what_does_not_fit_waits() {
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(fixed(6))]);
    driver.run(10);
    assert_eq!((driver.pods.len(), driver.ready()), (6, 4));
    let state = driver.state;
    assert_eq!(
        (state.nodes, state.pods, state.pending, state.least_nodes),
        (1, 4, 2, 1)
    );
    assert_eq!(state.requested, amount(4_000, 4_096));
    // Four cores are asked for, and half of the memory is free and of no use.
    assert_eq!(state.without_cpu, amount(0, 4_096));
    // A pod that ends makes room for one that waits.
    let first = *driver.pods.keys().next().unwrap();
    driver.end(first);
    driver.run(20);
    assert_eq!(driver.ready(), 4);
}

#[test]
fn the_clock_changes_the_number_of_pods() {
    let scaling = scheduled(1, &[(100, 3), (200, 2)]);
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
    driver.run(300);
    assert_eq!(driver.log, [(0, 1), (100, 3), (200, 2)]);
}

/// 200 MB over a network of 100 MB/s, 500 MB unpacked at 100 MB/s: seven seconds on a node that never had the image.
#[test]
fn a_new_node_has_no_images() {
    let image = Image {
        number: 0,
        compressed: 200_000_000,
        unpacked: 500_000_000,
    };
    let scaling = scheduled(4, &[(100, 5), (300, 6)]);
    let spec = KarpenterPlan::default();
    let plan = cluster(vec![kind("four", 4, 1, 0.2)], 40, Provisioning::Karpenter(spec));
    let pods = WorkloadPlan {
        image: Some(image),
        ..workload(scaling)
    };
    let mut driver = Driver::new(plan, vec![pods]);
    driver.run(1);
    assert_eq!(
        driver.ready(),
        4,
        "{:?} {:?} {:?}",
        driver.log,
        driver.node_log,
        driver.pods
    );
    // Batch 1 s, boot 40 s, pull 7 s, start 1 s.
    driver.run(148);
    assert_eq!(
        driver.ready(),
        4,
        "{:?} {:?} {:?}",
        driver.log,
        driver.node_log,
        driver.pods
    );
    driver.run(149);
    assert_eq!(driver.ready(), 5);
    // The node has it now.
    driver.run(301);
    assert_eq!(driver.ready(), 6);
}

#[test]
fn pods_of_higher_priority_are_placed_first() {
    let plan = cluster(
        vec![kind("n", 4, 0, 0.2)],
        60,
        Provisioning::Karpenter(KarpenterPlan::default()),
    );
    let mut first = workload(fixed(4));
    let mut second = workload(fixed(2));
    (first.priority, second.priority) = (0, 10);
    let mut plan = plan;
    plan.kinds[0].bounds = (0, 1);
    let mut driver = Driver::new(plan, vec![first, second]);
    driver.run(200);
    let of = |service: u16| {
        driver
            .pods
            .values()
            .filter(|pod| pod.id.service == service && pod.ready.is_some())
            .count()
    };
    assert_eq!((of(0), of(1)), (2, 2));
}

#[test]
fn a_container_that_is_killed_again_and_again_waits_longer_each_time() {
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(fixed(1))]);
    driver.run(10);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let (&number, pod) = driver.pods.iter().next().unwrap();
        let old = pod.id;
        driver.platform.crashes(old, driver.now);
        driver.end(number);
        driver.next += 1;
        let new = InstanceId {
            number: driver.next,
            slot: driver.next as u32,
            ..old
        };
        driver.platform.replaced(old, new, driver.now);
        driver.pods.insert(
            new.number,
            Instance {
                id: new,
                ready: None,
                due: None,
                ends: None,
            },
        );
        let killed = driver.now;
        while driver.ready() == 0 {
            let second = driver.now.since(SimTime::ZERO).0.div_ceil(1_000_000_000) + 1;
            driver.run(second);
        }
        // A second of start.
        waits.push(driver.now.since(killed).0 / 1_000_000_000 - 1);
    }
    assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300]);
    assert_eq!(driver.state.pods, 1);
}

/// Four pods that take 9 s to start, a quarter more and a quarter less. One more is created and one old one goes at once, and
/// one more is created for it; with both ready after 9 s two old ones go and two are created, and 9 s later the last one
/// goes.
#[test]
fn a_rolling_update_of_a_slow_starter_takes_its_time_in_turns() {
    let plan = cluster(vec![kind("n", 16, 1, 0.2)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(fixed(4))]);
    driver.start = s(9);
    driver.platform.agenda.at(at(100), Due::Deploy(0));
    let mut ready = Vec::new();
    for second in 99..=125 {
        driver.run(second);
        let now = driver.ready();
        if ready.last().is_none_or(|&(_, last)| last != now) {
            ready.push((second, now));
        }
    }
    assert_eq!(ready, [(99, 4), (100, 3), (118, 4)]);
    assert!(
        driver
            .pods
            .values()
            .all(|pod| driver.platform.pods.revision(pod.id.number) == 1)
    );
}

/// A node of four cores full of pods of priority 0; two of priority 10 come at 100 s. Two of the others have to go, and come
/// back as pods that wait.
#[test]
fn pods_of_higher_priority_take_the_place_of_others() {
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
    let first = workload(fixed(4));
    let mut second = workload(scheduled(0, &[(100, 2)]));
    second.priority = 10;
    let mut driver = Driver::new(plan, vec![first, second]);
    let ready = |driver: &Driver, service: u16| {
        let own = driver.pods.values().filter(|pod| pod.id.service == service);
        own.filter(|pod| pod.ready.is_some()).count()
    };
    driver.run(99);
    assert_eq!((ready(&driver, 0), ready(&driver, 1)), (4, 0));
    driver.run(110);
    assert_eq!((ready(&driver, 0), ready(&driver, 1)), (2, 2));
    assert_eq!((driver.pods.len(), driver.state.pending), (6, 2));
}

/// 8 GiB for three pods of 3 GiB that ask for one: the kubelet ends one of the lower priority, and its successor, as often as
/// it looks. Two of them have room.
#[test]
fn a_node_without_memory_ends_pods_of_low_priority() {
    let uses = plan::PodMemory {
        requested: f64::from(1 << 30),
        at_one: 3.0 * f64::from(1 << 30),
        growth: 0.0,
    };
    let created = |replicas: u32| {
        let nodes = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
        let mut low = workload(fixed(replicas));
        let mut high = workload(fixed(1));
        (low.memory, high.memory, high.priority) = (Some(uses), Some(uses), 10);
        let mut driver = Driver::new(nodes, vec![low, high]);
        driver.run(65);
        let important = driver.pods.values().find(|pod| pod.id.service == 1).unwrap();
        assert_eq!(important.id.number, u64::from(replicas) + 1);
        driver.next
    };
    // Looks are 10 s apart from within the first 10 s on: six or seven until 65 s.
    assert!((3 + 6..=3 + 7).contains(&created(2)));
    assert_eq!(created(1), 2);
}
