//! The replicas that one metric proposes. Whole numbers are thousandths of the metric's unit, and divisions that the
//! controller does in whole numbers are done so here.

use super::pods::{Groups, ReadinessRules, group};
use crate::sim::autoscaler::metrics::{PodPhase, PodStatus, Sample};
use crate::units::SimTime;

/// Deviations from the target that change nothing, as shares of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Above the target.
    pub up: f64,
    /// Below it.
    pub down: f64,
}

impl Default for Tolerance {
    /// `--horizontal-pod-autoscaler-tolerance`.
    fn default() -> Self {
        Self { up: 0.1, down: 0.1 }
    }
}

impl Tolerance {
    /// Returns true if a ratio of usage to target is near enough to 1, bounds included. NaN is not.
    fn holds(&self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// The proposal of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Replicas, before any limit.
    pub replicas: u32,
    /// The measured value: percent of the requests, or usage in thousandths.
    pub usage: i64,
    /// Mean usage of a measured pod in thousandths; for a resource only.
    pub average: i64,
}

/// The reason why a metric proposes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoProposal {
    /// There is no pod.
    #[error("there are no pods")]
    NoPods,
    /// A container has no request for the resource.
    #[error("a container has no request")]
    NoRequest,
    /// No pod was measured.
    #[error("no metrics returned")]
    NoMetrics,
    /// All measured pods are pods that do not count.
    #[error("no metrics of pods that count")]
    NoneCounts,
    /// The source of the metric failed.
    #[error("the metric cannot be read")]
    Failed,
}

/// Pods and their samples.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The pods.
    pub pods: &'a [PodStatus],
    /// The sample of each.
    pub samples: &'a [Option<Sample>],
    /// Rules for pods that have just started.
    pub rules: &'a ReadinessRules,
    /// The instant of the calculation.
    pub now: SimTime,
}

impl Measured<'_> {
    fn values(&self) -> Vec<Option<i64>> {
        self.samples.iter().map(|sample| Some((*sample)?.value)).collect()
    }
}

/// Usage over target of a set of pods.
struct Ratio {
    ratio: f64,
    usage: i64,
    average: i64,
}

fn replicas(number: f64) -> u32 {
    // NaN and negative numbers become 0.
    number.ceil().min(f64::from(i32::MAX)) as u32
}

/// The calculation that all metrics of pods share: missing pods are assumed to work against the change, pods that are not
/// ready to do nothing when it is upwards.
fn of_pods(
    groups: &Groups,
    values: &[Option<i64>],
    unknown: usize,
    current: u32,
    tolerance: Tolerance,
    (ratio_of, missing): (impl Fn(&[(usize, i64)]) -> Option<Ratio>, impl Fn(usize) -> i64),
) -> Result<Proposal, NoProposal> {
    let of = |i: usize| Some((i, values.get(i).copied().flatten()?));
    let mut counted: Vec<(usize, i64)> = groups.ready.iter().filter_map(|&i| of(i)).collect();
    let first = ratio_of(&counted).ok_or(NoProposal::NoneCounts)?;
    let proposal = |replicas| Proposal {
        replicas,
        usage: first.usage,
        average: first.average,
    };
    let ratio = first.ratio;
    let idle = !groups.unready.is_empty() && ratio > 1.0;
    if groups.missing.is_empty() && !idle {
        return Ok(proposal(if tolerance.holds(ratio) {
            current
        } else {
            replicas(ratio * groups.ready.len() as f64)
        }));
    }
    if ratio < 1.0 {
        counted.extend(groups.missing.iter().map(|&i| (i, missing(i))));
    } else if ratio > 1.0 {
        counted.extend(groups.missing.iter().map(|&i| (i, 0)));
    }
    if idle {
        counted.extend(groups.unready.iter().map(|&i| (i, 0)));
    }
    let again = ratio_of(&counted).ok_or(NoProposal::NoneCounts)?.ratio;
    if tolerance.holds(again) || (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0) {
        return Ok(proposal(current));
    }
    let wanted = replicas(again * (counted.len() + unknown) as f64);
    let against = (again < 1.0 && wanted > current) || (again > 1.0 && wanted < current);
    Ok(proposal(if against { current } else { wanted }))
}

/// The proposal for a resource's use as a percentage of the requests: `Resource` or `ContainerResource` with a utilisation
/// target. `requests[i]` is the request of pod `i` over the measured containers; `unknown` further samples belong to pods
/// that are not in the list; `cpu` is true for CPU.
///
/// # Errors
/// If a pod has no request, or nothing that counts was measured.
pub fn utilisation(
    measured: &Measured<'_>,
    requests: &[Option<i64>],
    (target_percent, cpu, unknown): (i64, bool, usize),
    current: u32,
    tolerance: Tolerance,
) -> Result<Proposal, NoProposal> {
    let Measured {
        pods,
        samples,
        rules,
        now,
    } = *measured;
    if pods.is_empty() {
        return Err(NoProposal::NoPods);
    }
    let requests: Option<Vec<i64>> = (0..pods.len()).map(|i| requests.get(i).copied().flatten()).collect();
    let requests = requests.ok_or(NoProposal::NoRequest)?;
    if samples.iter().all(Option::is_none) && unknown == 0 {
        return Err(NoProposal::NoMetrics);
    }
    let groups = group(pods, samples, cpu, rules, now);
    let ratio = |counted: &[(usize, i64)]| {
        let usage: i128 = counted.iter().map(|&(_, value)| i128::from(value)).sum();
        let requested: i128 = counted.iter().map(|&(i, _)| i128::from(requests[i])).sum();
        if requested == 0 {
            return None;
        }
        // A whole percentage before the ratio.
        let percent = (usage * 100 / requested) as i64;
        Some(Ratio {
            ratio: percent as f64 / target_percent as f64,
            usage: percent,
            average: (usage / counted.len() as i128) as i64,
        })
    };
    let full = target_percent.max(100);
    let missing = |i: usize| requests[i] * full / 100;
    of_pods(
        &groups,
        &measured.values(),
        unknown,
        current,
        tolerance,
        (ratio, missing),
    )
}

/// The proposal for the mean of a metric of pods: `Pods` with an AverageValue target, in thousandths.
///
/// # Errors
/// If nothing that counts was measured.
pub fn pods_average(
    measured: &Measured<'_>,
    target: i64,
    current: u32,
    tolerance: Tolerance,
) -> Result<Proposal, NoProposal> {
    let Measured {
        pods,
        samples,
        rules,
        now,
    } = *measured;
    if pods.is_empty() {
        return Err(NoProposal::NoPods);
    }
    if samples.iter().all(Option::is_none) {
        return Err(NoProposal::NoMetrics);
    }
    let groups = group(pods, samples, false, rules, now);
    let ratio = |counted: &[(usize, i64)]| {
        if counted.is_empty() {
            return None;
        }
        let sum: i128 = counted.iter().map(|&(_, value)| i128::from(value)).sum();
        let usage = (sum / counted.len() as i128) as i64;
        Some(Ratio {
            ratio: usage as f64 / target as f64,
            usage,
            average: usage,
        })
    };
    of_pods(&groups, &measured.values(), 0, current, tolerance, (ratio, |_| target))
}

/// Pods that are running and ready.
pub fn ready_and_running(pods: &[PodStatus]) -> u32 {
    let counts = |pod: &&PodStatus| pod.phase == PodPhase::Running && pod.ready.is_some_and(|(ready, _)| ready);
    pods.iter().filter(counts).count() as u32
}

fn sum(values: &[i64]) -> i64 {
    let sum: i128 = values.iter().map(|&value| i128::from(value)).sum();
    sum.min(i128::from(i64::MAX)) as i64
}

/// The proposal for a metric that is not one of pods: `Object` or `External` with a Value target. Values are added up.
pub fn value(values: &[i64], target: i64, current: u32, ready: u32, tolerance: Tolerance) -> Proposal {
    let usage = sum(values);
    let ratio = usage as f64 / target as f64;
    let replicas = match current {
        0 => replicas(ratio),
        _ if tolerance.holds(ratio) => current,
        _ => replicas(ratio * f64::from(ready)),
    };
    Proposal {
        replicas,
        usage,
        average: usage,
    }
}

/// The proposal for a metric that is not one of pods, as an average for each: `Object` or `External` with an AverageValue
/// target. `current` is the number of replicas in the scale's status.
pub fn average_value(values: &[i64], target: i64, current: u32, tolerance: Tolerance) -> Proposal {
    let usage = sum(values);
    // No replicas: infinite or not a number, which is outside.
    let ratio = usage as f64 / (target as f64 * f64::from(current));
    Proposal {
        replicas: if tolerance.holds(ratio) {
            current
        } else {
            replicas(usage as f64 / target as f64)
        },
        usage,
        average: match current {
            0 => 0,
            _ => (usage as f64 / f64::from(current)).ceil() as i64,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    const NOW: SimTime = SimTime(10_000_000_000_000);

    fn pod(phase: PodPhase, ready: bool) -> PodStatus {
        let long_ago = SimTime(1_000_000_000);
        PodStatus {
            phase,
            deleting: false,
            ready: Some((ready, long_ago)),
            started: Some(long_ago),
        }
    }

    fn sample(value: i64) -> Option<Sample> {
        Some(Sample {
            value,
            at: NOW,
            window: SimDuration::from_secs(60),
        })
    }

    fn propose(
        pods: &[PodStatus],
        samples: &[Option<Sample>],
        target: i64,
        current: u32,
    ) -> Result<Proposal, NoProposal> {
        let rules = ReadinessRules::default();
        let measured = Measured {
            pods,
            samples,
            rules: &rules,
            now: NOW,
        };
        let requests = vec![Some(1_000); pods.len()];
        utilisation(&measured, &requests, (target, true, 0), current, Tolerance::default())
    }

    #[test]
    fn percentages_are_cut_before_they_are_compared() {
        let pods = [pod(PodPhase::Running, true); 2];
        // 66.9% is 66: 66/60 is 1.1 and within tolerance; 67 is not.
        let at = |value| propose(&pods, &[sample(value), sample(value)], 60, 2).unwrap();
        assert_eq!((at(669).usage, at(669).replicas), (66, 2));
        assert_eq!((at(670).usage, at(670).replicas), (67, 3));
    }

    #[test]
    fn missing_pods_work_against_the_change() {
        let pods = [pod(PodPhase::Running, true); 4];
        // Two at 90% of a target of 60%: alone 1.5. With two that do nothing it is 45%, on the other side: no change.
        let up = propose(&pods, &[sample(900), sample(900), None, None], 60, 4).unwrap();
        assert_eq!(up.replicas, 4);
        // At 160% the mean of the four is 80%: 1.33 times 4.
        let up = propose(&pods, &[sample(1_600), sample(1_600), None, None], 60, 4).unwrap();
        assert_eq!((up.replicas, up.usage), (6, 160));
        // Two at 6%, the others taken to use all they asked for: 53%, which is within tolerance of 50%.
        let down = propose(&pods, &[sample(60), sample(60), None, None], 50, 4).unwrap();
        assert_eq!(down.replicas, 4);
    }

    #[test]
    fn without_numbers_there_is_no_proposal() {
        let running = [pod(PodPhase::Running, true)];
        assert_eq!(propose(&[], &[], 50, 1), Err(NoProposal::NoPods));
        assert_eq!(propose(&running, &[None], 50, 1), Err(NoProposal::NoMetrics));
        let pending = [pod(PodPhase::Pending, false)];
        assert_eq!(propose(&pending, &[sample(1)], 50, 1), Err(NoProposal::NoneCounts));
        let rules = ReadinessRules::default();
        let measured = Measured {
            pods: &running,
            samples: &[sample(1)],
            rules: &rules,
            now: NOW,
        };
        let no_request = utilisation(&measured, &[None], (50, true, 0), 1, Tolerance::default());
        assert_eq!(no_request, Err(NoProposal::NoRequest));
    }

    #[test]
    fn values_of_something_else_start_from_zero() {
        let none = Tolerance::default();
        assert_eq!(value(&[2_500], 1_000, 0, 0, none).replicas, 3);
        assert_eq!(value(&[2_500], 1_000, 2, 2, none).replicas, 5);
        assert_eq!(average_value(&[2_500], 1_000, 0, none).replicas, 3);
        assert_eq!(average_value(&[2_100], 1_000, 2, none).replicas, 2);
        assert_eq!(average_value(&[2_201], 1_000, 2, none).replicas, 3);
    }
}
