//! The whole loop against timelines derived by hand: a driver takes the part of the world, so that every instant is known.

use std::collections::BTreeMap;

use super::*;
use crate::model::dist::Dist;
use crate::sim::autoscaler::{hpa, keda};
use crate::sim::platform::control::{Amount, ClusterState, Control, InstanceId, Load, NodeChange, Order, Sight};
use crate::sim::platform::{FleetView, Platform};

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(seconds)
}

fn s(seconds: u64) -> SimDuration {
    SimDuration::from_secs(seconds)
}

fn amount(cpu: u64, memory: u64) -> Amount {
    Amount { cpu, memory }
}

/// Four cores and 8 GiB of which pods can have all, at some dollars an hour.
fn kind(name: &str, cores: u64, count: u32, usd: f64) -> NodeKind {
    NodeKind {
        name: name.into(),
        meter: format!("ec2.{name}"),
        spot: false,
        allocatable: amount(1_000 * cores, 2_048 * cores),
        max_pods: 110,
        network_bytes_per_s: 1e8,
        usd_per_hour: Some(usd),
        count,
        bounds: (0, 100),
    }
}

fn workload(scaling: Scaling) -> WorkloadPlan {
    WorkloadPlan {
        requests: amount(1_000, 1_024),
        image: None,
        priority: 0,
        budget: None,
        memory: None,
        scaling,
    }
}

fn fixed(replicas: u32) -> Scaling {
    Scaling::Fixed {
        replicas,
        schedule: Vec::new(),
    }
}

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

/// A pod of the driver.
#[derive(Debug, Clone, Copy)]
struct Instance {
    id: InstanceId,
    ready: Option<SimTime>,
    /// Ready since then, or going to be.
    due: Option<SimTime>,
    /// When it ends, where that is known.
    ends: Option<SimTime>,
}

/// The world's part.
struct Driver {
    platform: Kubernetes,
    pods: BTreeMap<u64, Instance>,
    next: u64,
    /// Time from the order to start until a pod is up.
    start: SimDuration,
    /// Requests per second in each service, from some second on.
    rate: Vec<(u64, f64)>,
    nodes: BTreeMap<u16, i64>,
    /// Second, and pods that are there then, at each change.
    log: Vec<(u64, usize)>,
    node_log: Vec<(f64, i64)>,
    state: ClusterState,
    now: SimTime,
}

struct Eyes<'a> {
    rate: &'a [(u64, f64)],
    now: SimTime,
}

impl Sight for Eyes<'_> {
    fn cpu(&mut self, _: InstanceId) -> u128 {
        0
    }

    fn in_flight(&self, _: InstanceId) -> u32 {
        1
    }

    fn load(&mut self, _: u16) -> Load {
        let mut arrivals = 0.0;
        for (i, &(from, rate)) in self.rate.iter().enumerate() {
            let until = self.rate.get(i + 1).map_or(self.now, |next| at(next.0).min(self.now));
            arrivals += rate * until.max(at(from)).since(at(from)).as_secs_f64();
        }
        Load {
            arrivals: arrivals as u64,
            ..Load::default()
        }
    }
}

impl Driver {
    fn new(cluster: ClusterPlan, workloads: Vec<WorkloadPlan>) -> Self {
        let services = workloads.len() as u16;
        let spec = Spec {
            readiness_period: SimDuration::ZERO,
            plan: Plan { cluster, workloads },
            ..Spec::default()
        };
        let mut driver = Self {
            platform: Kubernetes::new(spec, Draws::new(1, 0)),
            pods: BTreeMap::new(),
            next: 0,
            start: s(1),
            rate: Vec::new(),
            nodes: BTreeMap::new(),
            log: Vec::new(),
            node_log: Vec::new(),
            state: ClusterState::default(),
            now: SimTime::ZERO,
        };
        for service in 0..services {
            (0..Control::replicas(&driver.platform, service)).for_each(|_| driver.create(service, true));
        }
        driver
    }

    fn create(&mut self, service: u16, initial: bool) {
        self.next += 1;
        let id = InstanceId {
            number: self.next,
            slot: self.next as u32,
            service,
            function: 0,
        };
        let up = self.platform.created(id, self.now, initial);
        if up {
            self.platform.ready(id, self.now);
        }
        let ready = up.then_some(self.now);
        let pod = Instance {
            id,
            ready,
            due: None,
            ends: None,
        };
        self.pods.insert(self.next, pod);
    }

    fn end(&mut self, number: u64) {
        if let Some(pod) = self.pods.remove(&number) {
            self.platform.ended(pod.id, self.now);
        }
    }

    /// Runs until a second, that second included.
    fn run(&mut self, until: u64) {
        loop {
            let due = self
                .pods
                .values()
                .flat_map(|pod| [pod.due, pod.ends])
                .flatten()
                .min()
                .unwrap_or(SimTime::NEVER);
            let next = self.platform.next().max(self.now).min(due);
            if next > at(until) {
                self.now = at(until);
                return;
            }
            self.now = next;
            let over: Vec<u64> = self
                .pods
                .iter()
                .filter(|(_, pod)| pod.ends == Some(next))
                .map(|(n, _)| *n)
                .collect();
            over.into_iter().for_each(|number| self.end(number));
            let up: Vec<u64> = self
                .pods
                .iter()
                .filter(|(_, pod)| pod.due == Some(next))
                .map(|(n, _)| *n)
                .collect();
            for number in up {
                let pod = self.pods.get_mut(&number).unwrap();
                (pod.due, pod.ready) = (None, Some(next));
                let id = pod.id;
                self.platform.ready(id, next);
            }
            if self.platform.next() > self.now {
                continue;
            }
            let mut orders = Vec::new();
            let mut eyes = Eyes {
                rate: &self.rate,
                now: self.now,
            };
            self.platform.act(self.now, &mut eyes, &mut orders);
            for order in orders {
                self.obey(order);
            }
            let second = self.now.as_secs_f64().floor() as u64;
            let count = self.pods.len();
            if self.log.last().is_none_or(|&(_, last)| last != count) {
                self.log.push((second, count));
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Create { service, count } => (0..count).for_each(|_| self.create(service, false)),
            Order::Start { instance, after, .. } => {
                let due = self.now + after + self.start;
                if let Some(pod) = self.pods.get_mut(&instance.number) {
                    pod.due = Some(due);
                }
            }
            Order::Drain { instance, at_least, .. } if at_least > SimDuration::ZERO => {
                let ends = self.now + at_least;
                if let Some(pod) = self.pods.get_mut(&instance.number) {
                    pod.ends = Some(ends);
                }
            }
            Order::Drain { instance, .. } | Order::Kill { instance } => self.end(instance.number),
            Order::Lose { instance } => {
                if let Some(pod) = self.pods.get_mut(&instance.number) {
                    (pod.ready, pod.due) = (None, None);
                }
            }
            Order::Node { kind, change } => {
                let change = if change == NodeChange::Comes { 1 } else { -1 };
                *self.nodes.entry(kind).or_default() += change;
                let all = self.nodes.values().sum();
                self.node_log.push((self.now.as_secs_f64(), all));
            }
            Order::Tell(state) => self.state = state,
        }
    }

    fn ready(&self) -> usize {
        self.pods.values().filter(|pod| pod.ready.is_some()).count()
    }
}

fn cluster(kinds: Vec<NodeKind>, boot: u64, provisioning: Provisioning) -> ClusterPlan {
    ClusterPlan {
        kinds,
        boot: Dist::Constant(s(boot)),
        provisioning,
        ..ClusterPlan::default()
    }
}

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
    let scaling = Scaling::Fixed {
        replicas: 1,
        schedule: vec![(s(100), 3), (s(200), 2)],
    };
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
    driver.run(300);
    assert_eq!(driver.log, [(0, 1), (100, 3), (200, 2)]);
}

/// 100 requests per second from second 60 on, ten for each pod, without `behavior`: replicas double, at least to four, with
/// each look: 4, 8, 10. The first look after the rate has been there for a while sees it. After the end of the traffic the
/// highest recommendation of the last 300 s holds.
#[test]
fn the_autoscaler_doubles_on_a_step_and_comes_down_after_five_minutes() {
    let scaling = Scaling::Hpa {
        replicas: 1,
        spec: hpa::Spec {
            min: 1,
            max: 20,
            ..hpa::Spec::default()
        },
        metrics: metrics(vec![MetricTarget::Rate(10_000)]),
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
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
    let scaling = Scaling::Keda {
        replicas: 0,
        keda: keda::Spec::default(),
        spec: hpa::Spec {
            min: 1,
            max: 100,
            ..hpa::Spec::default()
        },
        metrics: metrics(vec![MetricTarget::Rate(10_000)]),
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
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

/// Nodes of four cores, one pod of one core on each core. Eight pods from second 100 on need one more node: the next scan, at
/// most 10 s later, launches it, and it is ready 60 s after that.
#[test]
fn cluster_autoscaler_adds_a_node_and_takes_it_away_when_it_is_not_needed() {
    let scaling = Scaling::Fixed {
        replicas: 4,
        schedule: vec![(s(100), 8), (s(1_000), 4)],
    };
    let spec = ClusterAutoscalerSpec::default();
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
    let spec = ClusterAutoscalerSpec::default();
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
    let scaling = Scaling::Fixed {
        replicas: 0,
        schedule: vec![(s(100), 6), (s(1_000), 2)],
    };
    let kinds = vec![
        kind("two", 2, 0, 0.1),
        kind("eight", 8, 0, 0.38),
        kind("sixteen", 16, 0, 0.8),
    ];
    let plan = cluster(kinds, 40, Provisioning::Karpenter(KarpenterSpec::default()));
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
    let scaling = Scaling::Fixed {
        replicas: 2,
        schedule: vec![(s(500), 0)],
    };
    let spec = KarpenterSpec {
        consolidate_after: s(30),
        ..KarpenterSpec::default()
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

/// 200 MB over a network of 100 MB/s, 500 MB unpacked at 100 MB/s: seven seconds on a node that never had the image.
#[test]
fn a_new_node_has_no_images() {
    let image = Image {
        number: 0,
        compressed: 200_000_000,
        unpacked: 500_000_000,
    };
    let scaling = Scaling::Fixed {
        replicas: 4,
        schedule: vec![(s(100), 5), (s(300), 6)],
    };
    let spec = KarpenterSpec::default();
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
        Provisioning::Karpenter(KarpenterSpec::default()),
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
/// one more is created for it; with both ready after 9 s two old ones go and two are created, and 9 s later the last one goes.
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

/// Knative with a target of 10 requests per second for each pod, by hand. From zero with the first request; a rate of 100/s
/// is ten times the one ready pod's, more than twice, so it panics and asks for ten pods within the panic window of 6 s. The
/// traffic ends at 300 s: it panics for 60 s after the threshold was reached last, and then at most halves with each look,
/// to zero when the stable average is, and 30 s of grace have passed.
#[test]
fn knative_panics_on_a_step_and_returns_to_zero() {
    let target = crate::sim::autoscaler::kpa::Spec {
        target: 10.0,
        total: 10.0,
        target_burst_capacity: 0.0,
        ..crate::sim::autoscaler::kpa::Spec::default()
    };
    let plan = KpaPlan {
        spec: target,
        rules: crate::sim::autoscaler::kpa::Rules {
            initial_scale: 0,
            target_burst_capacity: 0.0,
            ..crate::sim::autoscaler::kpa::Rules::default()
        },
        metric: crate::sim::autoscaler::kpa::Metric::Rps,
        panic_window_percentage: 10.0,
    };
    let nodes = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(nodes, vec![workload(Scaling::Kpa(plan))]);
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

/// A node of four cores full of pods of priority 0; two of priority 10 come at 100 s. Two of the others have to go, and come
/// back as pods that wait.
#[test]
fn pods_of_higher_priority_take_the_place_of_others() {
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 60, Provisioning::None);
    let first = workload(fixed(4));
    let mut second = workload(Scaling::Fixed {
        replicas: 0,
        schedule: vec![(s(100), 2)],
    });
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

/// A group of one spot node that is taken back after 1,000 s, with 120 s of notice. With the notice its two pods go, and another
/// node is launched, which is ready 60 s later; pods take a second. The first one stays until it is taken.
#[test]
fn a_spot_node_goes_with_its_notice_and_another_one_takes_its_place() {
    let mut spot = kind("n", 4, 1, 0.1);
    spot.spot = true;
    let mut plan = cluster(vec![spot], 60, Provisioning::None);
    plan.fates.spot_lifetime = Some(Dist::Constant(s(1_000)));
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
    let mut plan = cluster(vec![spot], 40, Provisioning::Karpenter(KarpenterSpec::default()));
    plan.fates.spot_lifetime = Some(Dist::Constant(s(1_000)));
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
    plan.fates.spot_lifetime = Some(Dist::Constant(s(1_000)));
    let mut driver = Driver::new(plan, vec![workload(fixed(1))]);
    driver.platform.spec.pre_stop = s(300);
    driver.platform.spec.termination_grace = s(300);
    driver.run(1_119);
    // The old one, which is about to go, and the new one, on the new node.
    assert_eq!((driver.pods.len(), driver.ready()), (2, 2));
    driver.run(1_120);
    assert_eq!((driver.pods.len(), driver.ready()), (1, 1));
    assert_eq!(driver.node_log, [(0.0, 1), (1_000.0, 2), (1_120.0, 1)]);
}

/// Two nodes with two of four pods each. One fails at 100 s; 50 s later it is found out and another one is launched; 300 s after
/// that its pods are deleted and replaced.
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
    let spec = KarpenterSpec {
        expire_after: s(100),
        ..KarpenterSpec::default()
    };
    let plan = cluster(vec![kind("n", 4, 1, 0.2)], 40, Provisioning::Karpenter(spec));
    let mut pods = workload(fixed(4));
    pods.budget = Some(Count::Missing(PodCount::Percent(25)));
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

/// The node class changes at 100 s. At the next look, at most 10 s later, a node is launched for the pods of the old one, which
/// goes when that is ready; the new one has not drifted.
#[test]
fn a_node_that_has_drifted_is_replaced_first() {
    let spec = KarpenterSpec {
        drifts: vec![s(100)],
        ..KarpenterSpec::default()
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

/// Two pods on a node of eight cores for 0.38 dollars would fit onto one for 0.30. That saves a fifth of what nodes cost at the
/// price of disrupting all of them, which is no balance.
#[test]
fn a_balanced_policy_leaves_small_savings_alone() {
    let nodes_made = |consolidation_policy| {
        let scaling = Scaling::Fixed {
            replicas: 0,
            schedule: vec![(s(100), 6), (s(1_000), 2)],
        };
        let kinds = vec![kind("two", 2, 0, 0.3), kind("eight", 8, 0, 0.38)];
        let spec = KarpenterSpec {
            consolidation_policy,
            ..KarpenterSpec::default()
        };
        let plan = cluster(kinds, 40, Provisioning::Karpenter(spec));
        let mut driver = Driver::new(plan, vec![workload(scaling)]);
        driver.run(1_200);
        driver.node_log.len()
    };
    assert_eq!(nodes_made(karpenter::Policy::WhenEmptyOrUnderutilized), 3);
    assert_eq!(nodes_made(karpenter::Policy::Balanced), 1);
}

/// 8 GiB for three pods of 3 GiB that ask for one: the kubelet ends one of the lower priority, and its successor, as often as it
/// looks. Two of them have room.
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

/// Three pods are right for 30 requests per second. Metrics cannot be read from 200 to 400 s: KEDA's looks at 203, 233 and 263 s
/// fail, and the third one has six pods. Afterwards the highest recommendation of the last 300 s holds, which is that of 389 s.
#[test]
fn keda_falls_back_while_metrics_cannot_be_read() {
    let mut out = metrics(vec![MetricTarget::Rate(10_000)]);
    out.outages = vec![(s(200), s(400))];
    let scaling = Scaling::Keda {
        replicas: 3,
        keda: keda::Spec {
            fallback: Some(keda::Fallback {
                failure_threshold: 3,
                replicas: 6,
            }),
            ..keda::Spec::default()
        },
        spec: hpa::Spec {
            min: 1,
            max: 100,
            ..hpa::Spec::default()
        },
        metrics: out,
    };
    let plan = cluster(vec![kind("n", 32, 1, 1.0)], 60, Provisioning::None);
    let mut driver = Driver::new(plan, vec![workload(scaling)]);
    driver.rate = vec![(0, 30.0)];
    driver.run(1_000);
    let pods: Vec<usize> = driver.log.iter().map(|(_, pods)| *pods).collect();
    assert_eq!(pods, [3, 6, 3], "{:?}", driver.log);
    let times: Vec<u64> = driver.log.iter().map(|(second, _)| *second).collect();
    assert_eq!(times[1..], [263, 704], "{times:?}");
}
