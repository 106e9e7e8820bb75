//! KEDA in front of an autoscaler: it takes a workload from zero to its first replicas and back, and leaves what lies between
//! to the HorizontalPodAutoscaler, whose fewest replicas are then at least one.
//!
//! Source: kedacore/keda, pkg/scaling/executor/scale_scaledobjects.go, and the ScaledObject reference for the defaults.

use super::hpa::metrics::{MetricReader, MetricTarget, Metrics};
use super::hpa::{Hpa, HpaSettings};
use super::{Autoscaler, AutoscalerPlan, Timing, WorkloadView};
use crate::units::{SimDuration, SimTime};

/// `ScaledObjectSpec`, as far as it is about zero.
#[derive(Debug, Clone, PartialEq)]
pub struct KedaSettings {
    /// `pollingInterval`.
    pub polling_interval: SimDuration,
    /// `cooldownPeriod`: time without activity before the step to zero.
    pub cooldown_period: SimDuration,
    /// `initialCooldownPeriod`: the same after creation, where there never was any activity.
    pub initial_cooldown_period: SimDuration,
    /// `minReplicaCount`.
    pub min_replicas: u32,
    /// `idleReplicaCount`; `None`: zero.
    pub idle_replicas: Option<u32>,
    /// `activationThreshold`: a metric above it is activity.
    pub activation_threshold: f64,
    /// `fallback`; `None`: an error changes nothing.
    pub fallback: Option<Fallback>,
}

/// Replicas while a metric cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// Failures in a row after which it holds.
    pub failure_threshold: u32,
    /// Replicas.
    pub replicas: u32,
}

impl Default for KedaSettings {
    fn default() -> Self {
        Self {
            polling_interval: SimDuration::from_secs(30),
            cooldown_period: SimDuration::from_secs(300),
            initial_cooldown_period: SimDuration::ZERO,
            min_replicas: 0,
            idle_replicas: None,
            activation_threshold: 0.0,
            fallback: None,
        }
    }
}

impl KedaSettings {
    /// Fewest replicas of the autoscaler behind it.
    pub fn hpa_min(&self) -> u32 {
        self.min_replicas.max(1)
    }
}

/// A scaled object and what is remembered of it.
#[derive(Debug, Clone)]
pub struct Keda {
    spec: KedaSettings,
    created: SimTime,
    last_active: Option<SimTime>,
    failures: u32,
}

impl Keda {
    /// A scaled object that is created now.
    pub fn new(spec: KedaSettings, created: SimTime) -> Self {
        Self {
            spec,
            created,
            last_active: None,
            failures: 0,
        }
    }

    /// Replicas that hold while metrics cannot be read, once that has failed often enough.
    pub fn fallback(&self) -> Option<u32> {
        let fallback = self.spec.fallback?;
        (self.failures >= fallback.failure_threshold).then_some(fallback.replicas)
    }

    /// Looks at the metrics of all triggers; `None` is one that cannot be read. Replicas from now on, where KEDA sets them;
    /// `None`: it leaves them as they are.
    pub fn poll(&mut self, current: u32, metrics: &[Option<f64>], now: SimTime) -> Option<u32> {
        let spec = &self.spec;
        let least = spec.min_replicas.max(1);
        let active = metrics
            .iter()
            .flatten()
            .any(|&metric| metric > spec.activation_threshold);
        let failed = metrics.iter().any(Option::is_none);
        self.failures = if failed { self.failures + 1 } else { 0 };
        if active {
            self.last_active = Some(now);
            let idling = current == 0 || (spec.idle_replicas.is_some() && current < spec.min_replicas);
            return idling.then_some(least);
        }
        if failed {
            let fallback = spec
                .fallback
                .filter(|fallback| self.failures >= fallback.failure_threshold)?;
            return (current < fallback.replicas).then_some(fallback.replicas);
        }
        let idle = spec.idle_replicas.unwrap_or(0);
        if spec.min_replicas > 0 && spec.idle_replicas.is_none() {
            return (0 < current && current < spec.min_replicas).then_some(spec.min_replicas);
        }
        // A period of 0 is over at once, also for a look at the instant of the creation.
        let over = |since: SimTime, period: SimDuration| period == SimDuration::ZERO || since + period < now;
        let cooled = match self.last_active {
            Some(last) => over(last, spec.cooldown_period),
            None => over(self.created, spec.initial_cooldown_period),
        };
        (current > idle && cooled).then_some(idle)
    }
}

/// The settings of a ScaledObject and of the HorizontalPodAutoscaler behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct KedaPlan {
    /// Pods at the start of the run.
    pub replicas: u32,
    /// The ScaledObject.
    pub keda: KedaSettings,
    /// Bounds and behaviour of the HorizontalPodAutoscaler.
    pub spec: HpaSettings,
    /// Metrics.
    pub metrics: Metrics,
}

impl AutoscalerPlan for KedaPlan {
    fn initial_replicas(&self) -> u32 {
        self.replicas
    }

    fn needs_cpu(&self) -> bool {
        self.metrics.targets.iter().copied().any(MetricTarget::is_cpu)
    }

    fn start(&self) -> Box<dyn Autoscaler> {
        Box::new(KedaScaler {
            keda: Keda::new(self.keda.clone(), SimTime::ZERO),
            hpa: Hpa::new(self.spec.clone()),
            reader: MetricReader::new(self.metrics.clone()),
        })
    }
}

/// KEDA and the HorizontalPodAutoscaler of one workload.
#[derive(Debug)]
struct KedaScaler {
    keda: Keda,
    hpa: Hpa,
    reader: MetricReader,
}

impl Autoscaler for KedaScaler {
    fn timing(&self) -> Timing {
        Timing {
            activation: Some(self.keda.spec.polling_interval),
            ..self.reader.timing()
        }
    }

    fn read(&mut self, view: &WorkloadView<'_>) {
        self.reader.read(view);
    }

    fn decide(&mut self, view: &WorkloadView<'_>) -> u32 {
        self.reader.read(view);
        let proposals = || self.reader.proposals(view, self.keda.fallback());
        self.hpa.reconcile(view.replicas, view.now, proposals).replicas
    }

    fn activate(&mut self, view: &WorkloadView<'_>) -> u32 {
        self.reader.read(view);
        let reader = &self.reader;
        let out = reader.metrics.are_out(view.now);
        let triggers = reader.metrics.targets.iter().filter(|target| !target.is_cpu());
        let values: Vec<Option<f64>> = triggers
            .map(|&target| (!out).then(|| reader.total(target, view.now).unwrap_or(0) as f64 / 1e3))
            .collect();
        let replicas = self.keda.poll(view.replicas, &values, view.now);
        replicas.unwrap_or(view.replicas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    #[test]
    fn a_cooldown_of_zero_is_over_at_once() {
        let mut keda = Keda::new(KedaSettings::default(), at(0));
        assert_eq!(keda.poll(2, &[Some(0.0)], at(0)), Some(0));
    }

    /// Polls every 30 s, by hand: activity from 60 to 120 s, then none. The last activity is at 120 s, so 420 s is not yet
    /// past the 300 s and 450 s is.
    #[test]
    fn from_zero_to_one_and_back_after_the_cooldown() {
        let mut keda = Keda::new(KedaSettings::default(), at(0));
        let mut replicas = 0;
        let mut changes = Vec::new();
        for poll in 0..20 {
            let now = 30 * poll;
            let metric = if (60..=120).contains(&now) { 5.0 } else { 0.0 };
            if let Some(wanted) = keda.poll(replicas, &[Some(metric)], at(now)) {
                changes.push((now, wanted));
                replicas = wanted;
            }
        }
        assert_eq!(changes, [(60, 1), (450, 0)]);
    }

    #[test]
    fn activity_is_strictly_above_the_threshold() {
        let spec = KedaSettings {
            activation_threshold: 5.0,
            min_replicas: 2,
            ..KedaSettings::default()
        };
        let mut keda = Keda::new(spec, at(0));
        assert_eq!(keda.poll(0, &[Some(5.0)], at(30)), None);
        assert_eq!(keda.poll(0, &[Some(1.0), Some(5.1)], at(60)), Some(2));
        assert_eq!(keda.poll(1, &[Some(0.0)], at(90)), Some(2));
        assert_eq!(keda.poll(7, &[Some(0.0)], at(3_000)), None);
    }

    #[test]
    fn an_error_changes_nothing_until_the_fallback() {
        let fallback = Some(Fallback {
            failure_threshold: 3,
            replicas: 4,
        });
        let mut keda = Keda::new(
            KedaSettings {
                fallback,
                ..KedaSettings::default()
            },
            at(0),
        );
        let polls = [1, 2, 3, 4].map(|poll| keda.poll(1, &[None], at(30 * poll)));
        assert_eq!(polls, [None, None, Some(4), Some(4)]);
        let mut plain = Keda::new(KedaSettings::default(), at(0));
        assert_eq!(plain.poll(1, &[None], at(3_000)), None);
    }

    #[test]
    fn idle_replicas_take_the_place_of_zero() {
        let spec = KedaSettings {
            min_replicas: 3,
            idle_replicas: Some(1),
            ..KedaSettings::default()
        };
        let mut keda = Keda::new(spec, at(0));
        assert_eq!(keda.poll(1, &[Some(2.0)], at(30)), Some(3));
        assert_eq!(keda.poll(3, &[Some(0.0)], at(330)), None);
        assert_eq!(keda.poll(3, &[Some(0.0)], at(360)), Some(1));
    }
}
