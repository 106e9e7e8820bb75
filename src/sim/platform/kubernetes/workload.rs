//! A workload: how many pods its autoscaler wants, and what that looks at.

use super::kpa::Kpa;
use super::plan::{Count, EcsMetric, Image, MetricTarget, Metrics, PodMemory, Scaling, WorkloadPlan};
use super::pods::Pods;
use super::series::Series;
use crate::sim::autoscaler::ecs::{Proposal, Scaler, together};
use crate::sim::autoscaler::hpa::{self, Hpa, Measured, NoProposal};
use crate::sim::autoscaler::keda::Keda;
use crate::sim::autoscaler::kpa::TICK;
use crate::sim::cluster::node::PodShape;
use crate::sim::platform::control::Load;
use crate::units::{SimDuration, SimTime};

/// Over which the metrics of an ECS service are means, and how often its alarms look.
const MINUTE: SimDuration = SimDuration::from_secs(60);

/// A workload at work.
#[derive(Debug)]
pub(super) struct Workload {
    plan: WorkloadPlan,
    /// Pods that are wanted.
    pub(super) replicas: u32,
    /// How many new versions there have been.
    pub(super) revision: u32,
    hpa: Option<Hpa>,
    keda: Option<Keda>,
    kpa: Option<Kpa>,
    ecs: Vec<(Scaler, EcsMetric)>,
    /// Pods that have been asked for and have no machine yet.
    pub(super) launching: u32,
    arrivals: Series,
    in_flight: Series,
    /// Requests that waited at the last look.
    queued: u32,
}

impl Workload {
    pub(super) fn new(plan: WorkloadPlan) -> Self {
        let ecs = match &plan.scaling {
            Scaling::Ecs { policies, .. } => policies
                .iter()
                .map(|(policy, metric)| (Scaler::new(policy.clone()), *metric))
                .collect(),
            _ => Vec::new(),
        };
        let kpa = match &plan.scaling {
            Scaling::Kpa(plan) => Some(Kpa::new(*plan)),
            _ => None,
        };
        let (replicas, hpa, keda) = match &plan.scaling {
            Scaling::Kpa(plan) => (plan.rules.initial_scale.max(plan.rules.min_scale), None, None),
            Scaling::Fixed { replicas, .. } | Scaling::Ecs { replicas, .. } => (*replicas, None, None),
            Scaling::Hpa { replicas, spec, .. } => (*replicas, Some(Hpa::new(spec.clone())), None),
            Scaling::Keda {
                replicas, keda, spec, ..
            } => (
                *replicas,
                Some(Hpa::new(spec.clone())),
                Some(Keda::new(keda.clone(), SimTime::ZERO)),
            ),
        };
        Self {
            plan,
            replicas,
            revision: 0,
            hpa,
            keda,
            kpa,
            ecs,
            launching: 0,
            arrivals: Series::default(),
            in_flight: Series::default(),
            queued: 0,
        }
    }

    /// What one of its pods asks of a node.
    pub(super) fn shape(&self, service: u16) -> PodShape {
        let requests = self.plan.requests;
        PodShape {
            priority: self.plan.priority,
            images: self.image(self.revision).iter().map(|image| image.number).collect(),
            ..PodShape::new(Some(requests.cpu), Some(requests.memory << 20), u32::from(service))
        }
    }

    /// Its priority.
    pub(super) fn priority(&self) -> i32 {
        self.plan.priority
    }

    /// How many of its pods evictions have to leave.
    pub(super) fn budget(&self) -> Option<Count> {
        self.plan.budget
    }

    /// Memory that one of its pods uses, where that may be more than it requests.
    pub(super) fn memory(&self) -> Option<PodMemory> {
        self.plan.memory
    }

    /// The image of a revision. That of a new one shares nothing with those before.
    pub(super) fn image(&self, revision: u32) -> Option<Image> {
        self.plan.image.map(|image| Image {
            number: image.number + (revision << 16),
            ..image
        })
    }

    /// What is measured, where anything is.
    pub(super) fn metrics(&self) -> Option<&Metrics> {
        match &self.plan.scaling {
            Scaling::Fixed { .. } | Scaling::Kpa(_) | Scaling::Ecs { .. } => None,
            Scaling::Hpa { metrics, .. } | Scaling::Keda { metrics, .. } => Some(metrics),
        }
    }

    /// Time between two readings, and between two looks of the autoscaler; `None` without one.
    pub(super) fn periods(&self) -> Option<(SimDuration, SimDuration)> {
        match &self.plan.scaling {
            Scaling::Kpa(_) => Some((Kpa::resolution(), TICK)),
            Scaling::Ecs { policies, .. } => (!policies.is_empty()).then_some((MINUTE, MINUTE)),
            _ => self.metrics().map(|metrics| (metrics.resolution, metrics.sync)),
        }
    }

    /// Whether readings are taken at the instants at which the autoscaler looks.
    pub(super) fn reads_when_it_looks(&self) -> bool {
        matches!(self.plan.scaling, Scaling::Ecs { .. })
    }

    /// How old a reading of a pod's CPU may be that somebody asks for; `None` if nobody does.
    pub(super) fn looks_back(&self) -> Option<SimDuration> {
        match &self.plan.scaling {
            Scaling::Ecs { .. } => Some(MINUTE),
            _ => self
                .metrics()
                .map(|metrics| metrics.window + metrics.lag + metrics.resolution),
        }
    }

    /// How often KEDA looks, where it does.
    pub(super) fn polls(&self) -> Option<SimDuration> {
        match &self.plan.scaling {
            Scaling::Keda { keda, .. } => Some(keda.polling_interval),
            _ => None,
        }
    }

    /// When the clock changes its pods.
    pub(super) fn scheduled(&self) -> Vec<SimDuration> {
        match &self.plan.scaling {
            Scaling::Fixed { schedule, .. } => schedule.iter().map(|(at, _)| *at).collect(),
            _ => Vec::new(),
        }
    }

    /// The clock changes its pods.
    pub(super) fn at_schedule(&mut self, now: SimTime) {
        if let Scaling::Fixed { schedule, .. } = &self.plan.scaling {
            let reached = schedule.iter().rfind(|(at, _)| SimTime::ZERO + *at <= now);
            self.replicas = reached.map_or(self.replicas, |(_, replicas)| *replicas);
        }
    }

    /// Takes a reading of what it has had to do.
    pub(super) fn sample(&mut self, now: SimTime, load: Load, pods: &Pods, service: u16) {
        if let Some(kpa) = &mut self.kpa {
            return kpa.scrape(now, load, pods.ready(service));
        }
        if self.ecs.is_empty() {
            self.note(now, load);
        } else {
            self.arrivals.push(now, i128::from(load.arrivals), MINUTE);
        }
    }

    /// A request has come and there is no pod.
    pub(super) fn poke(&mut self, now: SimTime) {
        if let Some(kpa) = self.kpa.as_mut().filter(|_| self.replicas == 0) {
            kpa.poke(now);
            self.replicas = kpa.decide(now, 0).unwrap_or(self.replicas);
        }
    }

    fn note(&mut self, now: SimTime, load: Load) {
        let Some(metrics) = self.metrics() else { return };
        let back = metrics.window + metrics.lag + metrics.resolution;
        self.arrivals.push(now, i128::from(load.arrivals), back);
        self.in_flight.push(now, load.in_flight, back);
        self.queued = load.queued;
    }

    /// What there is of a metric for all pods together, in thousandths; `None` if that is not known, or it is one of pods.
    fn total(&self, target: MetricTarget, now: SimTime) -> Option<i64> {
        let metrics = self.metrics()?;
        let growth = |series: &Series| series.growth(now, metrics.lag, metrics.window);
        match target {
            MetricTarget::Cpu(_) => None,
            MetricTarget::InFlight(_) => {
                let mean = growth(&self.in_flight)?.rate();
                Some(((mean + f64::from(self.queued)) * 1e3).round() as i64)
            }
            MetricTarget::Rate(_) => Some((growth(&self.arrivals)?.rate() * 1e12).round() as i64),
        }
    }

    /// KEDA looks.
    pub(super) fn poll(&mut self, now: SimTime, load: Load) {
        self.note(now, load);
        let targets = self
            .metrics()
            .map(|metrics| metrics.targets.clone())
            .unwrap_or_default();
        let out = self.metrics().is_some_and(|metrics| metrics.are_out(now));
        let values: Vec<Option<f64>> = targets
            .into_iter()
            .filter(|target| !matches!(target, MetricTarget::Cpu(_)))
            .map(|target| (!out).then(|| self.total(target, now).unwrap_or(0) as f64 / 1e3))
            .collect();
        if let Some(keda) = &mut self.keda
            && let Some(replicas) = keda.poll(self.replicas, &values, now)
        {
            self.replicas = replicas;
        }
    }

    /// The autoscaler looks.
    pub(super) fn sync(&mut self, now: SimTime, load: Load, pods: &Pods, service: u16) {
        if let Some(kpa) = &mut self.kpa {
            self.replicas = kpa.decide(now, pods.ready(service)).unwrap_or(self.replicas);
            return;
        }
        if let Scaling::Ecs { bounds, .. } = self.plan.scaling {
            return self.minute(now, pods, service, bounds);
        }
        self.note(now, load);
        let Some(mut hpa) = self.hpa.take() else { return };
        let current = self.replicas;
        let decision = hpa.reconcile(current, now, || {
            let targets = self
                .metrics()
                .map(|metrics| metrics.targets.as_slice())
                .unwrap_or_default();
            targets
                .iter()
                .map(|&target| self.proposal(target, now, pods, service))
                .collect()
        });
        self.replicas = decision.replicas;
        self.hpa = Some(hpa);
    }

    /// The policies of an ECS service look at the last minute.
    fn minute(&mut self, now: SimTime, pods: &Pods, service: u16, (least, most): (u32, u32)) {
        let running = pods.ready(service);
        let requests = self.arrivals.growth(now, SimDuration::ZERO, MINUTE);
        let cpu = pods.mean_cpu(service, now, MINUTE);
        let desired = self.replicas;
        let mut proposals = Vec::new();
        for (scaler, metric) in &mut self.ecs {
            let point = match metric {
                EcsMetric::Cpu => cpu.map(|used| 100.0 * used / self.plan.requests.cpu as f64),
                EcsMetric::RequestsPerTarget => requests.map(|growth| growth.by as f64 / f64::from(running.max(1))),
            };
            proposals.push(scaler.minute(now, point, running, desired));
        }
        let proposal = together(&proposals);
        let (Proposal::Out(tasks) | Proposal::In(tasks)) = proposal else {
            return;
        };
        self.replicas = tasks.clamp(least, most);
        if self.replicas != desired {
            self.ecs.iter_mut().for_each(|(scaler, _)| scaler.done(now, proposal));
        }
    }

    fn proposal(&self, target: MetricTarget, now: SimTime, pods: &Pods, service: u16) -> Result<u32, NoProposal> {
        let metrics = self.metrics().ok_or(NoProposal::NoMetrics)?;
        let current = self.replicas;
        let out = metrics.are_out(now);
        match target {
            MetricTarget::Cpu(_) if out => Err(NoProposal::NoMetrics),
            // KEDA tells what stands for the metric as often as it failed often enough.
            MetricTarget::InFlight(each) | MetricTarget::Rate(each) if out => {
                let stands = self
                    .keda
                    .as_ref()
                    .and_then(Keda::fallback)
                    .ok_or(NoProposal::NoMetrics)?;
                let total = each * i64::from(stands);
                Ok(hpa::average_value(&[total], each, current, metrics.tolerance).replicas)
            }
            MetricTarget::Cpu(percent) => {
                let (pods, samples) = pods.seen(service, now, metrics);
                let requests = vec![Some(self.plan.requests.cpu as i64); pods.len()];
                let measured = Measured {
                    pods: &pods,
                    samples: &samples,
                    rules: &metrics.readiness,
                    now,
                };
                let proposal = hpa::utilisation(&measured, &requests, (percent, true, 0), current, metrics.tolerance)?;
                Ok(proposal.replicas)
            }
            MetricTarget::InFlight(each) | MetricTarget::Rate(each) => {
                let total = self.total(target, now).ok_or(NoProposal::NoMetrics)?;
                Ok(hpa::average_value(&[total], each, current, metrics.tolerance).replicas)
            }
        }
    }
}
