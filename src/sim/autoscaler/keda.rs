//! KEDA in front of an autoscaler: it takes a workload from zero to its first replicas and back, and leaves what lies between
//! to the HorizontalPodAutoscaler, whose fewest replicas are then at least one.
//!
//! Source: kedacore/keda, pkg/scaling/executor/scale_scaledobjects.go, and the ScaledObject reference for the defaults.

use crate::units::{SimDuration, SimTime};

/// `ScaledObjectSpec`, as far as it is about zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
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

/// What holds while a metric cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// After so many failures one after the other.
    pub failure_threshold: u32,
    /// So many replicas.
    pub replicas: u32,
}

impl Default for Spec {
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

impl Spec {
    /// Fewest replicas of the autoscaler behind it.
    pub fn hpa_min(&self) -> u32 {
        self.min_replicas.max(1)
    }
}

/// A scaled object and what is remembered of it.
#[derive(Debug, Clone)]
pub struct Keda {
    spec: Spec,
    created: SimTime,
    last_active: Option<SimTime>,
    failures: u32,
}

impl Keda {
    /// A scaled object that is created now.
    pub fn new(spec: Spec, created: SimTime) -> Self {
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
        let cooled = match self.last_active {
            Some(last) => last + spec.cooldown_period < now,
            None => self.created + spec.initial_cooldown_period < now,
        };
        (current > idle && cooled).then_some(idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// Polls every 30 s, by hand: activity from 60 to 120 s, then none. The last activity is at 120 s, so 420 s is not yet
    /// past the 300 s and 450 s is.
    #[test]
    fn from_zero_to_one_and_back_after_the_cooldown() {
        let mut keda = Keda::new(Spec::default(), at(0));
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
        let spec = Spec {
            activation_threshold: 5.0,
            min_replicas: 2,
            ..Spec::default()
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
            Spec {
                fallback,
                ..Spec::default()
            },
            at(0),
        );
        let polls = [1, 2, 3, 4].map(|poll| keda.poll(1, &[None], at(30 * poll)));
        assert_eq!(polls, [None, None, Some(4), Some(4)]);
        let mut plain = Keda::new(Spec::default(), at(0));
        assert_eq!(plain.poll(1, &[None], at(3_000)), None);
    }

    #[test]
    fn idle_replicas_take_the_place_of_zero() {
        let spec = Spec {
            min_replicas: 3,
            idle_replicas: Some(1),
            ..Spec::default()
        };
        let mut keda = Keda::new(spec, at(0));
        assert_eq!(keda.poll(1, &[Some(2.0)], at(30)), Some(3));
        assert_eq!(keda.poll(3, &[Some(0.0)], at(330)), None);
        assert_eq!(keda.poll(3, &[Some(0.0)], at(360)), Some(1));
    }
}
