//! The classes of pods in a calculation: `groupPods`.

use crate::sim::autoscaler::metrics::{PodPhase, PodStatus, Sample};
use crate::units::{SimDuration, SimTime};

/// Times after the start of a pod in which its CPU does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadinessRules {
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization: SimDuration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub initial_readiness: SimDuration,
}

impl Default for ReadinessRules {
    fn default() -> Self {
        Self {
            cpu_initialization: SimDuration::from_secs(300),
            initial_readiness: SimDuration::from_secs(30),
        }
    }
}

/// Positions of pods by class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// Pods that count.
    pub ready: Vec<usize>,
    /// Pods that are not ready.
    pub unready: Vec<usize>,
    /// Pods without a sample.
    pub missing: Vec<usize>,
    /// Pods that are being deleted or have ended.
    pub ignored: Vec<usize>,
}

/// Sorts pods into classes. `samples[i]` is that of `pods[i]`; `cpu` says whether CPU is measured, for which readiness
/// counts.
pub fn group(
    pods: &[PodStatus],
    samples: &[Option<Sample>],
    cpu: bool,
    rules: &ReadinessRules,
    now: SimTime,
) -> Groups {
    let mut groups = Groups::default();
    for (i, pod) in pods.iter().enumerate() {
        let sample = samples.get(i).copied().flatten();
        let class = match (pod.phase, sample) {
            _ if pod.deleting => &mut groups.ignored,
            (PodPhase::Ended, _) => &mut groups.ignored,
            (PodPhase::Pending, _) => &mut groups.unready,
            (PodPhase::Running, None) => &mut groups.missing,
            (PodPhase::Running, Some(sample)) if cpu && !cpu_counts(pod, &sample, rules, now) => &mut groups.unready,
            (PodPhase::Running, Some(_)) => &mut groups.ready,
        };
        class.push(i);
    }
    groups
}

/// Returns true if the CPU of a running pod says something about its load.
fn cpu_counts(pod: &PodStatus, sample: &Sample, rules: &ReadinessRules, now: SimTime) -> bool {
    let (Some((ready, changed)), Some(started)) = (pod.ready, pod.started) else {
        return false;
    };
    if started + rules.cpu_initialization > now {
        ready && sample.at >= changed + sample.window
    } else {
        // It was ready before, so that its load is the reason why it is not.
        ready || started + rules.initial_readiness <= changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    /// A pod that started at 1,000 s, with the rules of 300 and 30 s.
    #[test]
    fn cpu_of_a_pod_counts_from_its_first_full_window_on() {
        // Ready since, looked at, sample of 60 s taken at: does it count?
        for (ready, now, sample, counts) in [
            ((true, 1_010), 1_069, 1_069, false),
            ((true, 1_010), 1_070, 1_070, true),
            ((true, 1_010), 1_100, 1_069, false),
            ((false, 1_000), 1_100, 1_100, false),
            // The period is over at 1,300 s.
            ((true, 1_290), 1_299, 1_299, false),
            ((true, 1_290), 1_300, 1_300, true),
            // Never ready: its condition has not changed since it started.
            ((false, 1_000), 1_400, 1_400, false),
            ((false, 1_029), 1_400, 1_400, false),
            ((false, 1_030), 1_400, 1_400, true),
            ((false, 1_390), 1_400, 1_400, true),
        ] {
            let pod = PodStatus {
                phase: PodPhase::Running,
                deleting: false,
                ready: Some((ready.0, at(ready.1))),
                started: Some(at(1_000)),
            };
            let sample = Sample {
                value: 1,
                at: at(sample),
                window: SimDuration::from_secs(60),
            };
            let groups = group(&[pod], &[Some(sample)], true, &ReadinessRules::default(), at(now));
            assert_eq!(groups.ready.len() == 1, counts, "{ready:?} {now}");
            assert_eq!(groups.unready.len() == 1, !counts, "{ready:?} {now}");
            // Other metrics do not ask.
            let groups = group(&[pod], &[Some(sample)], false, &ReadinessRules::default(), at(now));
            assert_eq!(groups.ready.len(), 1);
        }
    }
}
