//! Nodes of a cluster: each is billed from its launch to its end, regardless of the pods on it.
//!
//! Sources: Amazon EC2 pricing (instances are billed by the second); Amazon EC2 User Guide, "Billing for interrupted Spot
//! Instances" (an instance that Amazon EC2 takes back within its first hour is free); Amazon EKS pricing (a cluster is billed by
//! the hour). The minimum of a minute is not applied. The share of a service is a choice: between two samples it is the mean of
//! its shares of the CPU and of the memory that all pods request.

#[cfg(test)]
mod tests;

use jiff::civil::Date;

use super::units::hours;
use super::{Billing, ClusterPart, Counts, MeteredService, Quantities, Tally};
use crate::assumption::{Assumption, Topic};
use crate::model::price::{PriceError, PriceList};
use crate::sim::fact::Fact;
use crate::sim::gauge::Gauge;
use crate::sim::observe::Observer;
use crate::sim::platform::billed_by::NodeTime;
use crate::sim::platform::control::NodeChange;
use crate::units::{SimDuration, SimTime};

/// The rules by which the time of nodes becomes billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub struct NodesMeterSpec {
    /// Meters by kind of node.
    kinds: Vec<String>,
    /// The meter of the cluster's control plane.
    control_plane: String,
    /// True if the cloud may take some of the nodes back.
    spot: bool,
    /// Notes of the price list on the control plane.
    notes: Vec<String>,
}

/// A spot node that the cloud takes back within this time is not billed.
const FIRST_HOUR: SimDuration = SimDuration::from_secs(3_600);

/// Billed quantities of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodesUsage {
    /// Time of nodes by kind, in node-nanoseconds.
    nodes: Vec<u128>,
    /// Time of the cluster in nanoseconds.
    cluster: u128,
}

impl Tally for NodesUsage {
    fn add(&mut self, other: &Self) {
        if self.nodes.len() < other.nodes.len() {
            self.nodes.resize(other.nodes.len(), 0);
        }
        for (own, other) in self.nodes.iter_mut().zip(&other.nodes) {
            *own += other;
        }
        self.cluster += other.cluster;
    }
}

impl Billing for NodesMeterSpec {
    type Facts<'a> = NodeTime<'a>;
    type Usage = NodesUsage;
    type Meter = NodesMeter;

    fn new(facts: &NodeTime<'_>, list: &PriceList, _: Option<Date>) -> Result<Option<Self>, PriceError> {
        let tiers = list.price(facts.control_plane).map_or(&[][..], |price| &price.tiers);
        Ok(Some(Self {
            kinds: facts.kinds.iter().map(|kind| kind.name.to_string()).collect(),
            control_plane: facts.control_plane.to_string(),
            spot: facts.kinds.iter().any(|kind| kind.spot),
            notes: tiers.iter().filter_map(|tier| tier.note.clone()).collect(),
        }))
    }

    fn meters(&self) -> Vec<&str> {
        self.kinds
            .iter()
            .chain([&self.control_plane])
            .map(String::as_str)
            .collect()
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let mut assumptions = vec![
            Topic::Price.large("nodes are billed from launch to end at on-demand prices, and the cluster by the hour"),
            Topic::Price
                .small("disks of nodes are not in the bill, and load balancers and traffic only if [extras] has them"),
            Topic::Price
                .note("a service pays its share of all nodes: the mean of its shares of the requested CPU and memory"),
        ];
        assumptions.extend(self.notes.iter().map(|note| Topic::Price.small(note.as_str())));
        if self.spot {
            assumptions.push(Topic::Price.large("spot nodes are billed at one mean price for all times and zones"));
            assumptions.push(
                Topic::Price
                    .small("a spot node that the cloud takes back within its first hour is not billed")
                    .source(
                        "Amazon EC2 User Guide, \"Billing for interrupted Spot Instances\"",
                        "2026",
                    ),
            );
        }
        assumptions
    }

    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> NodesMeter {
        let requests: Vec<_> = services.iter().map(|service| service.requests).collect();
        NodesMeter::new(self.kinds.len(), warm_up, &requests)
    }

    fn quantities(&self, usage: &NodesUsage) -> Quantities {
        let hours = |ns: u128| hours(ns).normalize();
        let nodes = self.kinds.iter().enumerate().map(|(i, meter)| {
            let ns = usage.nodes.get(i).copied().unwrap_or(0);
            (meter.clone(), hours(ns))
        });
        nodes
            .chain([(self.control_plane.clone(), hours(usage.cluster))])
            .collect()
    }

    fn cluster_part(&self, meter: &str) -> Option<ClusterPart> {
        if self.control_plane == meter {
            Some(ClusterPart::ControlPlane)
        } else {
            self.kinds
                .iter()
                .any(|kind| kind == meter)
                .then_some(ClusterPart::Nodes)
        }
    }
}

/// An observer that counts the time of nodes between the end of the warm-up and the last sample, which the run takes at its end.
#[derive(Debug)]
pub struct NodesMeter {
    warm_up: SimTime,
    /// Existing nodes, by kind.
    nodes: Vec<Gauge>,
    /// Integral up to the last charge of services, by kind; `None` before the end of the warm-up.
    charged: Option<Vec<i128>>,
    /// Integral at the last sample, by kind.
    now: Vec<i128>,
    /// Free time in node-nanoseconds by kind: until now, until the last sample, and until the last charge of services.
    free: [Vec<i128>; 3],
    last: SimTime,
    /// The time of the last charge of services.
    since: SimTime,
    /// The pods of each service.
    services: Vec<Part>,
    /// The charges of each service.
    parts: Vec<Charged>,
}

/// The pods of a service.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// CPU request of a pod, in thousandths of a core.
    cpu: u64,
    /// Memory request of a pod, in MiB.
    memory: u64,
    /// Integral of the pods at the last charge.
    before: i128,
    /// Integral of the pods at the last sample.
    now: i128,
}

/// Node-nanoseconds by kind, and nanoseconds of the cluster. The former may be negative while a node turns out to be free.
#[derive(Debug, Clone)]
struct Charged {
    nodes: Vec<i128>,
    cluster: i128,
}

impl NodesMeter {
    /// Returns a meter for services whose pods request so much CPU and memory, on a cluster with so many kinds of nodes.
    fn new(kinds: usize, warm_up: SimDuration, requests: &[(u64, u64)]) -> Self {
        let none = vec![0; kinds];
        Self {
            warm_up: SimTime::ZERO + warm_up,
            nodes: vec![Gauge::default(); kinds],
            charged: None,
            now: none.clone(),
            free: [none.clone(), none.clone(), none.clone()],
            last: SimTime::ZERO,
            since: SimTime::ZERO + warm_up,
            services: requests
                .iter()
                .map(|&(cpu, memory)| Part {
                    cpu,
                    memory,
                    before: 0,
                    now: 0,
                })
                .collect(),
            parts: vec![
                Charged {
                    nodes: none,
                    cluster: 0
                };
                requests.len()
            ],
        }
    }

    /// Stores the integrals at the end of the warm-up before any later fact is counted.
    fn cut(&mut self, at: SimTime) {
        if self.charged.is_none() && at > self.warm_up {
            self.charged = Some(self.nodes.iter().map(|kind| kind.area(self.warm_up)).collect());
        }
    }

    /// Charges services for the nodes since the last sample, by the requests of their pods in that time.
    fn charge(&mut self) {
        if let Some(charged) = &mut self.charged {
            let shares = shares(&self.services);
            for (kind, (now, before)) in self.now.iter().zip(charged.iter()).enumerate() {
                let free = self.free[1][kind] - self.free[2][kind];
                for (part, share) in self.parts.iter_mut().zip(divide(now - before - free, &shares)) {
                    part.nodes[kind] += share;
                }
            }
            let cluster = i128::from(self.last.since(self.since.min(self.last)).0);
            for (part, share) in self.parts.iter_mut().zip(divide(cluster, &shares)) {
                part.cluster += share;
            }
            charged.clone_from(&self.now);
            let [_, sampled, until] = &mut self.free;
            until.clone_from(sampled);
            self.since = self.last;
        }
        for service in &mut self.services {
            service.before = service.now;
        }
    }
}

/// Divides a total by shares. The first part includes the rest from rounding, so that the sum is exact.
fn divide(total: i128, shares: &[f64]) -> Vec<i128> {
    let mut parts: Vec<i128> = shares
        .iter()
        .map(|share| (total as f64 * share).round() as i128)
        .collect();
    let others: i128 = parts.iter().skip(1).sum();
    if let Some(first) = parts.first_mut() {
        *first = total - others;
    }
    parts
}

/// The share of each service in the requests: the mean of its shares of CPU and memory.
fn shares(services: &[Part]) -> Vec<f64> {
    let pods = |part: &Part| (part.now - part.before).max(0) as f64;
    let sum = |of: fn(&Part) -> u64| services.iter().map(|part| pods(part) * of(part) as f64).sum::<f64>();
    let (cpu, memory) = (sum(|part| part.cpu), sum(|part| part.memory));
    let even = 1.0 / services.len().max(1) as f64;
    let share = |part: &Part| {
        let of = |asked: u64, all: f64| {
            if all > 0.0 {
                pods(part) * asked as f64 / all
            } else {
                even
            }
        };
        f64::midpoint(of(part.cpu, cpu), of(part.memory, memory))
    };
    services.iter().map(share).collect()
}

impl Counts for NodesMeter {
    type Usage = NodesUsage;

    fn usage(&self) -> Vec<NodesUsage> {
        let counted = |ns: i128| ns.max(0) as u128;
        let parts = self.parts.iter().map(|part| NodesUsage {
            nodes: part.nodes.iter().copied().map(counted).collect(),
            cluster: counted(part.cluster),
        });
        parts.collect()
    }
}

impl Observer for NodesMeter {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Node { kind, at, change } => {
                self.cut(at);
                let kind = kind as usize;
                match change {
                    NodeChange::Comes => return self.nodes[kind].up(at),
                    NodeChange::TakenBack { launched } if at < launched + FIRST_HOUR => {
                        let counted = at.max(self.warm_up).since(launched.max(self.warm_up));
                        self.free[0][kind] += i128::from(counted.0);
                    }
                    NodeChange::Goes | NodeChange::Failed | NodeChange::TakenBack { .. } => {}
                }
                self.nodes[kind].down(at);
            }
            Fact::Sampled { service, at, area } => {
                self.cut(at);
                let pods = area.starting + area.busy + area.idle;
                let part = &mut self.services[service as usize];
                part.now = pods;
                if service == 0 {
                    self.last = at;
                    self.now = self.nodes.iter().map(|kind| kind.area(at)).collect();
                    self.free[1] = self.free[0].clone();
                }
                if service as usize + 1 == self.services.len() {
                    self.charge();
                }
            }
            _ => {}
        }
    }
}
