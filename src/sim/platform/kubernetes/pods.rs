//! Pods and their state.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::rng::{Draws, Purpose, Stream};
use crate::sim::autoscaler::metrics::{PodMetrics, PodPhase, PodStatus, Sample};
use crate::sim::autoscaler::series::Series;
use crate::sim::platform::control::{InstanceId, Sight};
use crate::units::{SimDuration, SimTime};

/// Wait before the second restart of a container; it doubles each time. Source: "Pod Lifecycle": the first restart is
/// immediate, then 10 s, 20 s and so on up to 300 s.
const BACK_OFF: SimDuration = SimDuration::from_secs(10);
const LONGEST_BACK_OFF: SimDuration = SimDuration::from_secs(300);
/// A container that ran for this time restarts without a wait.
const RECOVERED: SimDuration = SimDuration::from_secs(600);

/// A pod.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    /// Its instance.
    pub(super) id: InstanceId,
    created: SimTime,
    priority: i32,
    revision: u32,
    /// Its node.
    pub(super) node: Option<u32>,
    /// Time until it has a machine of its own, if that is not over when it is created.
    pub(super) launch: SimDuration,
    /// Start of its container, in the past or future.
    pub(super) started: Option<SimTime>,
    /// Since when it has been ready.
    pub(super) ready: Option<SimTime>,
    /// True if it is being deleted.
    pub(super) deleting: bool,
    /// True if its node has failed: its CPU cannot be read.
    pub(super) lost: bool,
    /// True while its container is being killed.
    crashing: bool,
    /// Recent crashes.
    crashes: u32,
    /// Its share of the node's CPU in thousandths of a core; `None`: up to its limit.
    pub(super) cpu_share: Option<u64>,
    cpu: Series,
    /// Breaks ties.
    uid: u64,
}

impl Pod {
    fn is_running(&self, now: SimTime) -> bool {
        self.started.is_some_and(|started| started <= now)
    }
}

/// All pods.
#[derive(Debug)]
pub(super) struct Pods {
    all: BTreeMap<u64, Pod>,
    /// Pods that wait for a node, in the order of the scheduling queue.
    waiting: BTreeSet<(Reverse<i32>, u64)>,
    stream: Stream,
}

impl Pods {
    pub(super) fn new(draws: Draws) -> Self {
        Self {
            all: BTreeMap::new(),
            waiting: BTreeSet::new(),
            stream: draws.stream(Purpose::Placement, 1),
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<&Pod> {
        self.all.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Pod> {
        self.all.get_mut(&number)
    }

    /// Adds a pod, which waits for a node.
    pub(super) fn create(&mut self, id: InstanceId, (priority, revision): (i32, u32), now: SimTime) {
        let pod = Pod {
            id,
            created: now,
            priority,
            revision,
            node: None,
            launch: SimDuration::ZERO,
            started: None,
            ready: None,
            cpu_share: None,
            deleting: false,
            lost: false,
            crashing: false,
            crashes: 0,
            cpu: Series::default(),
            uid: self.stream.bits(id.number),
        };
        self.all.insert(id.number, pod);
        self.waiting.insert((Reverse(priority), id.number));
    }

    /// Numbers of the pods that wait for a node, in the order of the scheduling queue.
    pub(super) fn waiting(&self) -> Vec<u64> {
        self.waiting.iter().map(|(_, number)| *number).collect()
    }

    /// Notes that a pod has a node.
    pub(super) fn placed(&mut self, number: u64) {
        if let Some(pod) = self.all.get(&number) {
            self.waiting.remove(&(Reverse(pod.priority), number));
        }
    }

    /// Marks a pod as being deleted; `None` if it was already.
    pub(super) fn delete(&mut self, number: u64) -> Option<InstanceId> {
        let pod = self.all.get_mut(&number).filter(|pod| !pod.deleting)?;
        pod.deleting = true;
        self.waiting.remove(&(Reverse(pod.priority), number));
        Some(pod.id)
    }

    /// Removes a pod that has ended; `None` if only its container was killed and it stays.
    pub(super) fn remove(&mut self, number: u64) -> Option<Pod> {
        if self.all.get(&number).is_none_or(|pod| pod.crashing) {
            return None;
        }
        let pod = self.all.remove(&number)?;
        self.waiting.remove(&(Reverse(pod.priority), number));
        Some(pod)
    }

    /// Notes that the container of a pod is being killed.
    pub(super) fn crashes(&mut self, number: u64) {
        if let Some(pod) = self.all.get_mut(&number) {
            pod.crashing = true;
        }
    }

    /// Gives a pod whose container was killed its new instance. Returns its node, and the wait until it starts.
    pub(super) fn replaced(&mut self, old: InstanceId, new: InstanceId, now: SimTime) -> Option<(u32, SimDuration)> {
        let mut pod = self.all.remove(&old.number)?;
        if pod.ready.is_some_and(|ready| ready + RECOVERED <= now) {
            pod.crashes = 0;
        }
        let wait = match pod.crashes {
            0 => SimDuration::ZERO,
            n => SimDuration(BACK_OFF.0 << (n - 1).min(10)).min(LONGEST_BACK_OFF),
        };
        pod.crashes += 1;
        let node = pod.node;
        let again = Pod {
            id: new,
            started: None,
            ready: None,
            crashing: false,
            cpu: Series::default(),
            ..pod
        };
        self.all.insert(new.number, again);
        node.map(|node| (node, wait))
    }

    /// Numbers of the pods of a service that are not being deleted.
    pub(super) fn active(&self, service: u16) -> Vec<u64> {
        let active = self
            .all
            .iter()
            .filter(|(_, pod)| pod.id.service == service && !pod.deleting);
        active.map(|(number, _)| *number).collect()
    }

    /// Pods of a service that are ready and not being deleted.
    pub(super) fn ready(&self, service: u16) -> u32 {
        let ready = |pod: &&Pod| pod.id.service == service && pod.ready.is_some() && !pod.deleting;
        self.all.values().filter(ready).count() as u32
    }

    /// Pods of a service and a revision that are not being deleted.
    pub(super) fn current(&self, service: u16, revision: u32) -> usize {
        let current = |pod: &&Pod| pod.id.service == service && pod.revision == revision && !pod.deleting;
        self.all.values().filter(current).count()
    }

    /// The revision of a pod.
    pub(super) fn revision(&self, number: u64) -> u32 {
        self.all.get(&number).map_or(0, |pod| pod.revision)
    }

    /// Splits pods into those that are ready and the others.
    pub(super) fn by_readiness(&self, pods: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let ready = |number: &&u64| self.all.get(number).is_some_and(|pod| pod.ready.is_some());
        pods.iter().partition(ready)
    }

    /// Number of pods without a node, and with one.
    pub(super) fn counts(&self) -> (u32, u32) {
        let waiting = self.waiting.len();
        (waiting as u32, (self.all.len() - waiting) as u32)
    }

    /// The `count` of these pods that go first. Source: `ActivePodsWithRanks` in pkg/controller/controller_utils.go, with
    /// logarithmic ages: without a node, not running, not ready, with more of the same workload on the node, ready for a
    /// shorter time, restarted more often, younger.
    pub(super) fn victims(&self, active: &[u64], count: usize, now: SimTime) -> Vec<u64> {
        let mut on_node: BTreeMap<u32, u32> = BTreeMap::new();
        let pods: Vec<&Pod> = active.iter().filter_map(|number| self.all.get(number)).collect();
        for node in pods.iter().filter_map(|pod| pod.node) {
            *on_node.entry(node).or_default() += 1;
        }
        let age = |since: Option<SimTime>| {
            let lasts = since.map_or(0, |since| now.since(since).0);
            lasts.checked_ilog2().map_or(-1, i64::from)
        };
        let mut ranked: Vec<_> = pods
            .into_iter()
            .map(|pod| {
                let crowd = pod.node.and_then(|node| on_node.get(&node)).copied().unwrap_or(0);
                let rank = (
                    pod.node.is_some(),
                    pod.is_running(now),
                    pod.ready.is_some(),
                    Reverse(crowd),
                    age(pod.ready),
                    Reverse(pod.crashes),
                    age(Some(pod.created)),
                    pod.uid,
                );
                (rank, pod.id.number)
            })
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().take(count).map(|(_, number)| number).collect()
    }

    /// Takes a reading of the CPU time of the pods of a service whose container runs: those that still start use CPU as well.
    pub(super) fn sample(&mut self, service: u16, now: SimTime, back: SimDuration, sight: &mut dyn Sight) {
        let runs = |pod: &&mut Pod| pod.id.service == service && pod.is_running(now) && !pod.lost;
        for pod in self.all.values_mut().filter(runs) {
            pod.cpu.push(now, sight.cpu(pod.id) as i128, back);
        }
    }

    /// The pods of a service.
    pub(super) fn own(&self, service: u16, now: SimTime) -> OwnPods<'_> {
        OwnPods {
            pods: self,
            service,
            now,
        }
    }
}

/// The pods of one service, for its autoscaler.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnPods<'a> {
    pods: &'a Pods,
    service: u16,
    now: SimTime,
}

impl PodMetrics for OwnPods<'_> {
    fn ready(&self) -> u32 {
        self.pods.ready(self.service)
    }

    fn mean_cpu(&self, window: SimDuration) -> Option<f64> {
        let own = self
            .pods
            .all
            .values()
            .filter(|pod| pod.id.service == self.service && pod.ready.is_some() && !pod.lost);
        let rates = own.filter_map(|pod| Some(pod.cpu.growth(self.now, SimDuration::ZERO, window)?.rate()));
        let rates: Vec<f64> = rates.collect();
        (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
    }

    fn cpu(&self, lag: SimDuration, window: SimDuration) -> (Vec<PodStatus>, Vec<Option<Sample>>) {
        let own = self.pods.all.values().filter(|pod| pod.id.service == self.service);
        own.map(|pod| {
            let running = pod.is_running(self.now);
            let since = pod.ready.or(pod.started).unwrap_or(pod.created);
            let status = PodStatus {
                phase: if running { PodPhase::Running } else { PodPhase::Pending },
                deleting: pod.deleting,
                ready: Some((pod.ready.is_some(), since)),
                started: pod.started.filter(|_| running),
            };
            let growth = pod.cpu.growth(self.now, lag, window).filter(|_| !pod.lost);
            let sample = growth.map(|growth| Sample {
                value: growth.rate().round() as i64,
                at: growth.at,
                window: growth.over,
            });
            (status, sample)
        })
        .unzip()
    }
}
