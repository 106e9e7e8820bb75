//! The decision: from window averages to a number of pods, with panic mode, limits of change, activation scale, scale-down
//! delay and excess burst capacity.
//!
//! Source: pkg/autoscaler/scaling/autoscaler.go; the length of the panic window: pkg/reconciler/autoscaling/resources.

use super::window::{BUCKET, MaxWindow};
use crate::units::{SimDuration, SimTime};

/// Time between two decisions, and length of a bucket of the scale-down delay.
pub const TICK: SimDuration = SimDuration::from_secs(2);

/// The settings of a decider. Targets, capacities and observed values are in the metric's unit: concurrent requests, or
/// requests per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KpaSettings {
    /// Target for each pod, above 0.
    pub target: f64,
    /// Capacity of a pod.
    pub total: f64,
    /// Target burst capacity: 0 for none, below 0 for no limit.
    pub target_burst_capacity: f64,
    /// Panic begins when the panic window asks for so many times the ready pods.
    pub panic_threshold: f64,
    /// At most so many times the ready pods at the next decision, rounded up.
    pub max_scale_up_rate: f64,
    /// At least the ready pods divided by this at the next decision, rounded down. Above 0.
    pub max_scale_down_rate: f64,
    /// The stable window. Panic lasts for as long after the threshold was last reached.
    pub stable_window: SimDuration,
    /// True if a route leads to the revision. Without a route it may shrink at once.
    pub reachable: bool,
    /// Pods as soon as there is any load; up to 1 for no such rule.
    pub activation_scale: u32,
    /// A smaller number holds only after so long; zero for at once.
    pub scale_down_delay: SimDuration,
}

impl Default for KpaSettings {
    /// Knative's defaults, for a metric of concurrency without a limit: 70 of 100.
    fn default() -> Self {
        Self {
            target: 70.0,
            total: 100.0,
            target_burst_capacity: 211.0,
            panic_threshold: 2.0,
            max_scale_up_rate: 1000.0,
            max_scale_down_rate: 2.0,
            stable_window: SimDuration::from_secs(60),
            reachable: true,
            activation_scale: 1,
            scale_down_delay: SimDuration::ZERO,
        }
    }
}

/// Length of the panic window: a share of the stable window in percent, in whole seconds and at least one.
pub fn panic_window(stable_window: SimDuration, percentage: f64) -> SimDuration {
    let seconds = (stable_window.as_secs_f64() * percentage / 100.0).round();
    SimDuration::from_secs_f64(seconds).max(BUCKET)
}

/// Averages of the metric over all pods of a revision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// Over the stable window.
    pub stable: f64,
    /// Over the panic window.
    pub panic: f64,
}

/// The decision of a decider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KpaDecision {
    /// Pods that it wants, before any bounds.
    pub replicas: u32,
    /// Load that the ready pods could take beyond that of now and the target burst capacity. Below zero, the activator
    /// stays on the path.
    pub excess_burst_capacity: i64,
}

/// The decider of a revision and what it remembers.
#[derive(Debug, Clone)]
pub struct Decider {
    spec: KpaSettings,
    panic_since: Option<SimTime>,
    max_panic_pods: u32,
    /// Decisions of the scale-down delay, if there is one.
    delayed: Option<MaxWindow>,
}

impl Decider {
    /// A decider for a revision with so many ready pods; `None` if they cannot be counted. With more than one it starts in
    /// panic, so as not to shrink before it has seen enough.
    pub fn new(spec: KpaSettings, ready: Option<u32>, now: SimTime) -> Self {
        let ready = ready.unwrap_or(0);
        let mut decider = Self {
            spec,
            panic_since: (ready > 1).then_some(now),
            max_panic_pods: ready,
            delayed: None,
        };
        decider.update(spec);
        decider
    }

    /// Goes on with another spec.
    pub fn update(&mut self, spec: KpaSettings) {
        self.spec = spec;
        let delay = spec.scale_down_delay;
        self.delayed = match self.delayed.take() {
            _ if delay == SimDuration::ZERO => None,
            Some(mut delayed) => {
                delayed.resize(delay);
                Some(delayed)
            }
            None => Some(MaxWindow::new(delay, TICK)),
        };
    }

    /// Puts it into panic since a time, or out of it, with the most pods that panic has asked for.
    pub fn restore(&mut self, panic_since: Option<SimTime>, max_panic_pods: u32) {
        self.panic_since = panic_since;
        self.max_panic_pods = max_panic_pods;
    }

    /// When the panic threshold was last reached, or the decider created; `None` out of panic.
    pub fn panic_since(&self) -> Option<SimTime> {
        self.panic_since
    }

    /// Most pods of this panic, below which it does not go.
    pub fn max_panic_pods(&self) -> u32 {
        self.max_panic_pods
    }

    /// Decides. `None`, and no change, if the ready pods cannot be counted or nothing was ever measured.
    pub fn decide(&mut self, now: SimTime, ready: Option<u32>, observed: Option<Observed>) -> Option<KpaDecision> {
        let spec = self.spec;
        let (Some(ready), Some(observed)) = (ready, observed) else {
            return None;
        };
        let counted = f64::from(ready.max(1));
        let for_stable = (observed.stable / spec.target).ceil();
        let for_panic = (observed.panic / spec.target).ceil();
        self.panic_or_calm(now, for_panic / counted >= spec.panic_threshold);

        let mut replicas = wanted(&spec, for_stable, counted);
        if self.panic_since.is_some() {
            let most = replicas.max(wanted(&spec, for_panic, counted));
            self.max_panic_pods = self.max_panic_pods.max(most);
            replicas = self.max_panic_pods;
        }
        if spec.reachable
            && let Some(delayed) = &mut self.delayed
        {
            delayed.record(now, replicas);
            replicas = delayed.max();
        }
        Some(KpaDecision {
            replicas,
            excess_burst_capacity: excess_burst_capacity(&spec, ready, observed.panic),
        })
    }

    /// Begins, extends or ends panic.
    fn panic_or_calm(&mut self, now: SimTime, over_threshold: bool) {
        let lasts = self.spec.stable_window;
        if over_threshold {
            self.panic_since = Some(now);
        } else if self.panic_since.is_some_and(|since| since + lasts < now) {
            self.panic_since = None;
            self.max_panic_pods = 0;
        }
    }
}

/// Pods for one of the two windows: those that it asks for, as far as change is allowed, and the activation scale.
fn wanted(spec: &KpaSettings, asked: f64, ready: f64) -> u32 {
    let most = (spec.max_scale_up_rate * ready).ceil();
    let least = if spec.reachable {
        (ready / spec.max_scale_down_rate).floor()
    } else {
        0.0
    };
    // Where the two contradict each other the upper one holds.
    let allowed = asked.max(least);
    let allowed = allowed.min(most) as u32;
    if spec.activation_scale > 1 && asked > 0.0 {
        allowed.max(spec.activation_scale)
    } else {
        allowed
    }
}

/// Zero ready pods have no capacity, though limits of change count them as one.
fn excess_burst_capacity(spec: &KpaSettings, ready: u32, panic: f64) -> i64 {
    let burst = spec.target_burst_capacity;
    if burst == 0.0 {
        0
    } else if burst < 0.0 {
        -1
    } else {
        (f64::from(ready) * spec.total - burst - panic).floor() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn observed(stable: f64, panic: f64) -> Option<Observed> {
        Some(Observed { stable, panic })
    }

    fn pods(decision: Option<KpaDecision>) -> u32 {
        decision.expect("a decision").replicas
    }

    #[test]
    fn the_panic_window_is_whole_seconds() {
        for (stable, percentage, seconds) in [(60, 10.0, 6), (6, 10.0, 1), (6, 5.0, 1), (25, 10.0, 3)] {
            let stable = SimDuration::from_secs(stable);
            assert_eq!(panic_window(stable, percentage), SimDuration::from_secs(seconds));
        }
    }

    #[test]
    fn no_ready_pods_count_as_one_in_limits_and_as_none_in_burst_capacity() {
        let spec = KpaSettings {
            target: 1.0,
            total: 10.0,
            target_burst_capacity: 5.0,
            max_scale_up_rate: 4.0,
            ..KpaSettings::default()
        };
        for (ready, replicas, excess) in [(0, 4, -13), (1, 4, -3), (2, 8, 7), (3, 8, 17)] {
            let mut decider = Decider::new(spec, Some(0), at(0));
            let decision = decider.decide(at(2), Some(ready), observed(8.0, 8.0));
            let expected = KpaDecision {
                replicas,
                excess_burst_capacity: excess,
            };
            assert_eq!(decision, Some(expected), "{ready}");
        }
    }

    #[test]
    fn the_activation_scale_holds_for_the_window_that_saw_load() {
        let spec = KpaSettings {
            target: 10.0,
            activation_scale: 5,
            ..KpaSettings::default()
        };
        for (stable, panic, replicas) in [
            (0.0, 0.0, 0),
            (1.0, 0.0, 5),
            // One pod is no reason to panic, three are.
            (0.0, 3.0, 0),
            (0.0, 25.0, 5),
            (80.0, 80.0, 8),
        ] {
            let mut decider = Decider::new(spec, Some(0), at(0));
            let decision = decider.decide(at(2), Some(0), observed(stable, panic));
            assert_eq!(pods(decision), replicas, "{stable} {panic}");
        }
    }

    #[test]
    fn a_decider_of_many_pods_keeps_them_for_a_stable_window() {
        let mut decider = Decider::new(KpaSettings::default(), Some(8), at(10));
        for (second, replicas) in [(12, 8), (70, 8), (72, 4)] {
            let decision = decider.decide(at(second), Some(8), observed(0.0, 0.0));
            assert_eq!(pods(decision), replicas, "{second}");
        }
        assert_eq!((decider.panic_since(), decider.max_panic_pods()), (None, 0));
    }

    #[test]
    fn what_cannot_be_known_changes_nothing() {
        let mut decider = Decider::new(KpaSettings::default(), Some(8), at(0));
        assert_eq!(decider.decide(at(100), None, observed(0.0, 0.0)), None);
        assert_eq!(decider.decide(at(100), Some(8), None), None);
        assert_eq!((decider.panic_since(), decider.max_panic_pods()), (Some(at(0)), 8));
    }

    #[test]
    fn a_scale_down_delay_ends_with_its_window_or_with_the_route() {
        let spec = KpaSettings {
            target: 10.0,
            panic_threshold: 100.0,
            scale_down_delay: SimDuration::from_secs(30),
            ..KpaSettings::default()
        };
        let mut decider = Decider::new(spec, Some(1), at(0));
        assert_eq!(pods(decider.decide(at(2), Some(1), observed(40.0, 40.0))), 4);
        for (second, replicas) in [(4, 4), (31, 4), (32, 1)] {
            let decision = decider.decide(at(second), Some(1), observed(10.0, 10.0));
            assert_eq!(pods(decision), replicas, "{second}");
        }
        assert_eq!(pods(decider.decide(at(40), Some(1), observed(40.0, 40.0))), 4);
        decider.update(KpaSettings {
            reachable: false,
            ..spec
        });
        assert_eq!(pods(decider.decide(at(42), Some(1), observed(10.0, 10.0))), 1);
    }
}
