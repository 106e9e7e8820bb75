//! Timelines of nodes that come and go, worked out by hand.

use super::*;

/// Nodes of four cores, one pod of one core on each core. Eight pods from second 100 on need one more node: the next scan, at
/// most 10 s later, launches it, and it is ready 60 s after that.
#[test]
fn cluster_autoscaler_adds_a_node_and_takes_it_away_when_it_is_not_needed() {
    let scaling = scheduled(4, &[(100, 8), (1_000, 4)]);
    let spec = ClusterAutoscalerPlan::default();
    let mut small = kind("n", 4, 1, 0.2);
    small.bounds = (1, 10);
    let plan = cluster(vec![small], 60, Provisioning::ClusterAutoscaler(spec));
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
    driver.run(99);
    assert_eq!((driver.node_log.clone(), driver.ready()), (vec![(0.0, 1)], 4));
    driver.run(110);
    assert_eq!(driver.node_log.len(), 2);
    let launched = driver.node_log[1].0;
    assert!(launched > 100.0 && launched <= 110.0, "{launched}");
    assert_eq!((driver.ready(), driver.state.pending), (4, 4));
    driver.run(172);
    assert_eq!((driver.ready(), driver.state.pending, driver.state.nodes), (8, 0, 2));
    // From 1,000 s on there are four pods, and which ones go is a matter of ranks: those of the newer node were ready for a
    // shorter time, so it is empty. Ten minutes later, at a scan, it goes.
    driver.run(1_599);
    assert_eq!(driver.node_log.len(), 2);
    driver.run(1_625);
    assert_eq!(driver.node_log.len(), 3, "{:?}", driver.node_log);
    assert_eq!((driver.state.nodes, driver.ready()), (1, 4));
}

#[test]
fn cluster_autoscaler_takes_the_kind_with_the_least_waste_and_stops_at_its_bound() {
    let mut large = kind("large", 16, 0, 0.8);
    let mut small = kind("small", 4, 0, 0.2);
    (large.bounds, small.bounds) = ((0, 5), (0, 1));
    let spec = ClusterAutoscalerPlan::default();
    let plan = cluster(vec![large, small], 60, Provisioning::ClusterAutoscaler(spec));
    let mut driver = Driver::new(plan, vec![workload(fixed(4))]);
    driver.run(100);
    assert_eq!(driver.nodes, BTreeMap::from([(1, 1)]));
    assert_eq!(driver.ready(), 4);
    // A pod more: only the large kind may grow.
    driver.platform.workloads[0].replicas = 5;
    let mut orders = Vec::new();
    driver.platform.reconcile(0, driver.now, &mut orders);
    orders.into_iter().for_each(|order| driver.obey(order));
    driver.run(200);
    assert_eq!(driver.nodes, BTreeMap::from([(0, 1), (1, 1)]));
}

/// Pods that come together are one batch, which closes after a second without more; the cheapest kind that holds all six is
/// the one of eight cores. When four go, the two that stay fit onto a node of two cores, which is cheaper: it is made first,
/// and the old one goes when it is ready.
#[test]
fn karpenter_makes_the_cheapest_node_and_consolidates_after_a_peak() {
    let scaling = scheduled(0, &[(100, 6), (1_000, 2)]);
    let kinds = vec![
        kind("two", 2, 0, 0.1),
        kind("eight", 8, 0, 0.38),
        kind("sixteen", 16, 0, 0.8),
    ];
    let plan = cluster(kinds, 40, Provisioning::Karpenter(KarpenterPlan::default()));
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
    driver.run(142);
    assert_eq!(driver.node_log, [(101.0, 1)]);
    assert_eq!(driver.nodes, BTreeMap::from([(1, 1)]));
    // Ready after 40 s, pods a second after that.
    assert_eq!(driver.ready(), 6);
    driver.run(999);
    assert_eq!(driver.node_log.len(), 1);
    driver.run(1_100);
    // A look at most 10 s later, the second look 15 s after that, 40 s of boot.
    let [.., (made, two), (gone, one)] = driver.node_log[..] else {
        panic!("{:?}", driver.node_log)
    };
    assert_eq!((two, one), (2, 1));
    assert!((1_015.0..=1_025.0).contains(&made), "{:?}", driver.node_log);
    assert_eq!(gone, made + 40.0);
    assert_eq!(driver.nodes, BTreeMap::from([(0, 1), (1, 0)]));
    assert_eq!(driver.ready(), 2);
}

#[test]
fn karpenter_removes_an_empty_node() {
    let scaling = scheduled(2, &[(500, 0)]);
    let spec = KarpenterPlan {
        consolidate_after: s(30),
        ..KarpenterPlan::default()
    };
    let plan = cluster(vec![kind("two", 2, 1, 0.1)], 40, Provisioning::Karpenter(spec));
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
    driver.run(600);
    let gone = driver.node_log.last().unwrap();
    // 30 s of calm, a look at most 10 s later, the second look 15 s after that.
    assert!(
        (545.0..=556.0).contains(&gone.0) && gone.1 == 0,
        "{:?}",
        driver.node_log
    );
}

/// A group of one spot node that is taken back after 1,000 s, with 120 s of notice. With the notice its two pods go, and
/// another node is launched, which is ready 60 s later; pods take a second. The first one stays until it is taken.
#[test]
fn a_spot_node_goes_with_its_notice_and_another_one_takes_its_place() {
    let mut spot = kind("n", 4, 1, 0.1);
    spot.spot = true;
    let mut plan = cluster(vec![spot], 60, Provisioning::None);
    plan.failures.spot_lifetime = Some(Dist::Constant(s(1_000)));
    let mut driver = Driver::new(plan, vec![workload(fixed(2))]);
    driver.run(999);
    assert_eq!((driver.ready(), driver.node_log.len()), (2, 1));
    driver.run(1_060);
    assert_eq!((driver.ready(), driver.pods.len()), (0, 2));
    driver.run(1_061);
    assert_eq!(driver.ready(), 2);
    driver.run(2_100);
    let expected = [(0.0, 1), (1_000.0, 2), (1_120.0, 1), (2_060.0, 2)];
    assert_eq!(driver.node_log, expected);
}

/// Karpenter ends the node as soon as it is empty, and makes one for the pods that wait: batch 1 s, boot 40 s, start 1 s.
#[test]
fn karpenter_drains_a_spot_node_with_its_notice() {
    let mut spot = kind("n", 4, 1, 0.1);
    spot.spot = true;
    let mut plan = cluster(vec![spot], 40, Provisioning::Karpenter(KarpenterPlan::default()));
    plan.failures.spot_lifetime = Some(Dist::Constant(s(1_000)));
    let mut driver = Driver::new(plan, vec![workload(fixed(2))]);
    driver.run(1_041);
    assert_eq!(driver.node_log, [(0.0, 1), (1_000.0, 0), (1_001.0, 1)]);
    assert_eq!(driver.ready(), 0);
    driver.run(1_042);
    assert_eq!(driver.ready(), 2);
}

/// A pod that outlives the notice is killed with its node.
#[test]
fn what_is_still_there_when_a_spot_node_is_taken_back_ends() {
    let mut spot = kind("n", 4, 1, 0.1);
    spot.spot = true;
    let mut plan = cluster(vec![spot], 60, Provisioning::None);
    plan.failures.spot_lifetime = Some(Dist::Constant(s(1_000)));
    let mut driver = Driver::new(plan, vec![workload(fixed(1))]);
    driver.platform.template.pre_stop = s(300);
    driver.platform.template.termination_grace = s(300);
    driver.run(1_119);
    // The old one, which is about to go, and the new one, on the new node.
    assert_eq!((driver.pods.len(), driver.ready()), (2, 2));
    driver.run(1_120);
    assert_eq!((driver.pods.len(), driver.ready()), (1, 1));
    assert_eq!(driver.node_log, [(0.0, 1), (1_000.0, 2), (1_120.0, 1)]);
}

/// Two nodes with two of four pods each. One fails at 100 s; 50 s later it is found out and another one is launched; 300 s
/// after that its pods are deleted and replaced.
#[test]
fn pods_of_a_node_that_fails_are_replaced_after_six_minutes() {
    let plan = cluster(vec![kind("n", 4, 2, 0.2)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(fixed(4))]);
    driver.platform.agenda.at(at(100), Due::Fails(0));
    driver.run(99);
    assert_eq!(driver.ready(), 4);
    driver.run(449);
    assert_eq!((driver.ready(), driver.pods.len()), (2, 4));
    assert_eq!(driver.node_log, [(0.0, 1), (0.0, 2), (150.0, 3)]);
    driver.run(451);
    assert_eq!((driver.ready(), driver.pods.len()), (4, 4));
    assert_eq!(driver.node_log.last(), Some(&(450.0, 2)));
}

/// A node with four pods expires at 100 s. Its budget lets one go, and the next ones only when four are ready again: the new
/// node is asked for at 101 s and ready at 141 s, the pod a second later. Evictions are tried each 10 s.
#[test]
fn a_disruption_budget_slows_a_drain_down() {
    let spec = KarpenterPlan {
        expire_after: s(100),
        ..KarpenterPlan::default()
    };
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 40, Provisioning::Karpenter(spec));
    let mut pods = workload(fixed(4));
    pods.budget = Some(DisruptionBudget::MaxUnavailable(PodCount::Percent(25)));
    let mut driver = Driver::new(plan, vec![pods]);
    let mut ready = Vec::new();
    for second in 99..=180 {
        driver.run(second);
        let now = driver.ready();
        if ready.last().is_none_or(|&(_, last)| last != now) {
            ready.push((second, now));
        }
    }
    let expected = [
        (99, 4),
        (100, 3),
        (142, 4),
        (150, 3),
        (151, 4),
        (160, 3),
        (161, 4),
        (170, 3),
        (171, 4),
    ];
    assert_eq!(ready, expected);
    assert_eq!(driver.node_log, [(0.0, 1), (101.0, 2), (170.0, 1)]);
}

/// The node class changes at 100 s. At the next look, at most 10 s later, a node is launched for the pods of the old one,
/// which goes when that is ready; the new one has not drifted.
#[test]
fn a_node_that_has_drifted_is_replaced_first() {
    let spec = KarpenterPlan {
        drifts: vec![s(100)],
        ..KarpenterPlan::default()
    };
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 40, Provisioning::Karpenter(spec));
    let mut driver = Driver::new(plan, vec![workload(fixed(2))]);
    driver.run(1_000);
    let [_, (made, two), (gone, one)] = driver.node_log[..] else {
        panic!("{:?}", driver.node_log)
    };
    assert!((100.0..=110.0).contains(&made), "{:?}", driver.node_log);
    assert!(
        two == 2 && one == 1 && (gone - made - 40.0).abs() < 1e-6,
        "{:?}",
        driver.node_log
    );
    assert_eq!(driver.ready(), 2);
}

/// Two pods on a node of eight cores for 0.38 dollars would fit onto one for 0.30. That saves a fifth of what nodes cost at
/// the price of disrupting all of them, which is no balance.
#[test]
fn a_balanced_policy_leaves_small_savings_alone() {
    let nodes_made = |consolidation_policy| {
        let scaling = scheduled(0, &[(100, 6), (1_000, 2)]);
        let kinds = vec![kind("two", 2, 0, 0.3), kind("eight", 8, 0, 0.38)];
        let spec = KarpenterPlan {
            consolidation_policy,
            ..KarpenterPlan::default()
        };
        let plan = cluster(kinds, 40, Provisioning::Karpenter(spec));
        let mut driver = Driver::new(plan, vec![workload(scaling)]);
        driver.run(1_200);
        driver.node_log.len()
    };
    assert_eq!(nodes_made(karpenter::ConsolidationPolicy::WhenEmptyOrUnderutilized), 3);
    assert_eq!(nodes_made(karpenter::ConsolidationPolicy::Balanced), 1);
}
