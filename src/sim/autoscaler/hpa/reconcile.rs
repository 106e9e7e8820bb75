//! One reconcile of a workload: from the proposals of all metrics to a number of replicas.

use super::behavior::Behavior;
use super::limits::{Condition, Limited, ScaleEvent, limited, rate_limited};
use super::proposal::NoProposal;
use super::stabilise::{Recommendation, stabilised, stabilised_with_behavior};
use crate::units::{SimDuration, SimTime};

/// `HorizontalPodAutoscalerSpec`, as far as it does not speak of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HpaSettings {
    /// `minReplicas`; 0 lets it scale to zero and back, with a metric of something else than pods.
    pub min: u32,
    /// `maxReplicas`.
    pub max: u32,
    /// `behavior`; `None`: as it was before there was any.
    pub behavior: Option<Behavior>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, where there is no `behavior`.
    pub downscale_stabilization: SimDuration,
}

impl Default for HpaSettings {
    fn default() -> Self {
        Self {
            min: 1,
            max: 10,
            behavior: None,
            downscale_stabilization: SimDuration::from_secs(300),
        }
    }
}

/// The decision of one reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HpaDecision {
    /// Replicas from now on.
    pub replicas: u32,
    /// The rule that decided about them; `None` if the metrics were not asked, or proposed nothing.
    pub condition: Option<Condition>,
}

/// An autoscaler and its memory.
#[derive(Debug, Clone)]
pub struct Hpa {
    spec: HpaSettings,
    log: Vec<Recommendation>,
    ups: Vec<ScaleEvent>,
    downs: Vec<ScaleEvent>,
    /// True after the first reconcile.
    seen: bool,
    /// True if the autoscaler itself scaled to zero.
    zeroed: bool,
}

impl Hpa {
    /// An autoscaler before its first reconcile.
    pub fn new(spec: HpaSettings) -> Self {
        Self {
            spec,
            log: Vec::new(),
            ups: Vec::new(),
            downs: Vec::new(),
            seen: false,
            zeroed: false,
        }
    }

    /// Decides about a workload with `current` replicas. `metrics` returns the proposal of each metric, and is not called
    /// where the bounds decide.
    pub fn reconcile(
        &mut self,
        current: u32,
        now: SimTime,
        metrics: impl FnOnce() -> Vec<Result<u32, NoProposal>>,
    ) -> HpaDecision {
        if !self.seen {
            self.seen = true;
            self.log.push(Recommendation {
                at: now,
                replicas: current,
            });
        }
        let (min, max) = (self.spec.min, self.spec.max);
        let unasked = |replicas| HpaDecision {
            replicas,
            condition: None,
        };
        let decision = if current == 0 && !(min == 0 && self.zeroed) {
            // The workload was switched off, and not by the autoscaler.
            unasked(0)
        } else if current > max {
            unasked(max)
        } else if current < min {
            unasked(min)
        } else {
            match highest(&metrics(), current) {
                None => unasked(current),
                Some(proposed) => {
                    let Limited { replicas, condition } = self.allowed(proposed, current, now);
                    HpaDecision {
                        replicas,
                        condition: Some(condition),
                    }
                }
            }
        };
        self.zeroed = decision.replicas == 0 && (self.zeroed || current > 0);
        self.note(current, decision.replicas, now);
        decision
    }

    fn allowed(&mut self, proposed: u32, current: u32, now: SimTime) -> Limited {
        let bounds = (self.spec.min, self.spec.max);
        match &self.spec.behavior {
            None => {
                let window = self.spec.downscale_stabilization;
                limited(stabilised(&mut self.log, proposed, window, now), current, bounds)
            }
            Some(behavior) => {
                let windows = (behavior.up.window, behavior.down.window);
                let desired = stabilised_with_behavior(&mut self.log, proposed, current, windows, now);
                rate_limited(desired, current, bounds, behavior, (&self.ups, &self.downs), now)
            }
        }
    }

    /// Keeps a change as long as a policy needs it.
    fn note(&mut self, current: u32, replicas: u32, now: SimTime) {
        let Some(behavior) = &self.spec.behavior else { return };
        let change = replicas.abs_diff(current);
        if change == 0 {
            return;
        }
        let longest = behavior.up.longest().max(behavior.down.longest());
        let events = if replicas > current {
            &mut self.ups
        } else {
            &mut self.downs
        };
        events.retain(|event| event.at + longest > now);
        events.push(ScaleEvent { at: now, change });
    }
}

/// The highest proposal; `None` if none may be followed. If some metrics fail, the others may not scale down.
fn highest(proposals: &[Result<u32, NoProposal>], current: u32) -> Option<u32> {
    let highest = proposals.iter().filter_map(|proposal| proposal.ok()).max()?;
    let failed = proposals.iter().any(Result::is_err);
    (!failed || highest >= current).then_some(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// Replicas at each look, every 15 s, when the metric asks for these.
    fn run(spec: HpaSettings, start: u32, asked: impl Fn(u64) -> u32, looks: u64) -> Vec<u32> {
        let mut hpa = Hpa::new(spec);
        let mut current = start;
        let looks = (0..looks).map(|look| {
            current = hpa.reconcile(current, at(15 * look), || vec![Ok(asked(look))]).replicas;
            current
        });
        looks.collect()
    }

    /// Default behaviour, by hand: 4 pods or 100% in 15 s. From 1: 5, 10, 20, 40; after the peak the window of 300 s holds
    /// the highest recommendation.
    #[test]
    fn a_step_doubles_every_fifteen_seconds_and_comes_down_after_five_minutes() {
        let spec = HpaSettings {
            max: 40,
            behavior: Some(Behavior::default()),
            ..HpaSettings::default()
        };
        let replicas = run(spec, 1, |look| if look < 6 { 100 } else { 3 }, 30);
        assert_eq!(replicas[..6], [5, 10, 20, 40, 40, 40]);
        // The last look that asked for many was at 75 s: newer than 300 s until 375 s, which is the 25th look.
        assert!(replicas[6..25].iter().all(|&n| n == 40), "{replicas:?}");
        assert_eq!(replicas[25], 3);
    }

    /// Without behaviour the number doubles at each look, at least to four.
    #[test]
    fn without_behavior_a_step_doubles_at_each_look() {
        let spec = HpaSettings {
            max: 40,
            ..HpaSettings::default()
        };
        let replicas = run(spec, 1, |look| if look < 6 { 100 } else { 3 }, 30);
        assert_eq!(replicas[..6], [4, 8, 16, 32, 40, 40]);
        // Not older than 300 s: until 375 s inclusive.
        assert_eq!((replicas[25], replicas[26]), (40, 3));
    }

    /// The first look notes the replicas that it finds as a recommendation of that instant.
    #[test]
    fn with_windows_of_zero_the_first_look_decides_at_once() {
        let mut behavior = Behavior::default();
        (behavior.up.window, behavior.down.window) = (SimDuration::ZERO, SimDuration::ZERO);
        for behavior in [None, Some(behavior)] {
            let spec = HpaSettings {
                behavior,
                downscale_stabilization: SimDuration::ZERO,
                ..HpaSettings::default()
            };
            let replicas = run(spec, 4, |look| if look == 0 { 1 } else { 2 }, 2);
            assert_eq!(replicas, [1, 2]);
        }
    }

    #[test]
    fn zero_is_left_again_only_by_whom_it_was_made() {
        let spec = HpaSettings {
            min: 0,
            max: 5,
            downscale_stabilization: SimDuration::ZERO,
            ..HpaSettings::default()
        };
        let mut hpa = Hpa::new(spec.clone());
        assert_eq!(hpa.reconcile(2, at(0), || vec![Ok(2)]).replicas, 2);
        assert_eq!(hpa.reconcile(2, at(15), || vec![Ok(0)]).replicas, 0);
        assert_eq!(hpa.reconcile(0, at(30), || vec![Ok(0)]).replicas, 0);
        assert_eq!(hpa.reconcile(0, at(45), || vec![Ok(3)]).replicas, 3);
        // The workload is switched off by hand.
        let mut hpa = Hpa::new(spec);
        assert_eq!(hpa.reconcile(2, at(0), || vec![Ok(2)]).replicas, 2);
        assert_eq!(hpa.reconcile(0, at(15), || vec![Ok(3)]).replicas, 0);
    }

    #[test]
    fn a_failing_metric_forbids_fewer_replicas() {
        let failed = Err(NoProposal::Failed);
        for (proposals, replicas) in [
            (vec![Ok(2), failed], 4),
            (vec![Ok(6), failed], 6),
            (vec![failed], 4),
            (vec![Ok(2), Ok(3)], 3),
        ] {
            let spec = HpaSettings {
                downscale_stabilization: SimDuration::ZERO,
                ..HpaSettings::default()
            };
            let mut hpa = Hpa::new(spec);
            let _ = hpa.reconcile(4, at(0), || vec![Ok(4)]);
            assert_eq!(
                hpa.reconcile(4, at(15), || proposals.clone()).replicas,
                replicas,
                "{proposals:?}"
            );
        }
    }
}
