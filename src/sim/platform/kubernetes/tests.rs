//! The whole loop against timelines derived by hand: a driver takes the part of the world, so that every instant is known.

mod autoscalers;
mod nodes;
mod pods;

use std::collections::BTreeMap;

use super::*;
use crate::model::dist::Dist;
use crate::sim::autoscaler::SharedPlan;
use crate::sim::autoscaler::fixed::FixedPlan;
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

fn workload(autoscaler: SharedPlan) -> WorkloadPlan {
    WorkloadPlan {
        requests: amount(1_000, 1_024),
        cpu_limit: 1_000,
        image: None,
        priority: 0,
        budget: None,
        memory: None,
        autoscaler,
    }
}

fn fixed(replicas: u32) -> SharedPlan {
    scheduled(replicas, &[])
}

/// A number of pods, and others from some seconds on.
fn scheduled(replicas: u32, schedule: &[(u64, u32)]) -> SharedPlan {
    let schedule = schedule.iter().map(|&(second, replicas)| (s(second), replicas));
    SharedPlan::new(FixedPlan {
        replicas,
        schedule: schedule.collect(),
    })
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

    fn demand(&mut self, _: InstanceId) -> u64 {
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
        let template = PodTemplate {
            readiness_period: SimDuration::ZERO,
            ..PodTemplate::default()
        };
        let plan = Plan { cluster, workloads };
        let mut driver = Self {
            platform: Kubernetes::new(template, plan, Draws::new(1, 0)),
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
            Order::Limit { .. } => {}
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
