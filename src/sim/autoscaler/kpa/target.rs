//! The target and the capacity of a pod, the number of pods that are scraped, and the number of activators.
//!
//! Source: pkg/reconciler/autoscaling/resources/target.go, pkg/autoscaler/metrics/sample_size.go and
//! pkg/reconciler/autoscaling/kpa/kpa.go.

/// Least target of a pod. Source: `target.go`.
const LEAST_TARGET: f64 = 0.01;

/// All pods are scraped if they are no more than this. Source: `sample_size.go`.
const ASK_ALL: u32 = 3;
/// Square of the critical value of a normal distribution at 95% (1.96), times a variance of 100, over a squared margin of
/// error of 25. Source: `sample_size.go`.
const SAMPLE_FACTOR: f64 = 15.3664;

/// Fewest activators of a revision. Source: `kpa.go`.
const LEAST_ACTIVATORS: u32 = 2;

/// The metric of the autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KpaMetric {
    /// Requests in flight.
    #[default]
    Concurrency,
    /// Requests per second.
    Rps,
}

/// Defaults for revisions that say nothing. Utilisations are shares of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// `container-concurrency-target-default`: requests in flight that a pod without a limit can carry.
    pub concurrency: f64,
    /// `container-concurrency-target-percentage`: share of its concurrency that a pod should carry.
    pub concurrency_utilisation: f64,
    /// `requests-per-second-target-default`: requests per second that a pod can carry.
    pub rps: f64,
    /// Share of its requests per second that a pod should carry.
    pub rps_utilisation: f64,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            concurrency: 100.0,
            concurrency_utilisation: 0.7,
            rps: 200.0,
            rps_utilisation: 0.7,
        }
    }
}

/// The annotations of a revision about its target.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TargetSpec {
    /// `autoscaling.knative.dev/metric`.
    pub metric: KpaMetric,
    /// `containerConcurrency`: most requests in flight in a pod; 0 for no limit.
    pub container_concurrency: u32,
    /// `autoscaling.knative.dev/target`, in the metric's unit.
    pub target: Option<f64>,
    /// `autoscaling.knative.dev/target-utilization-percentage`, in percent.
    pub utilisation_percentage: Option<f64>,
}

/// The target and the capacity of a pod, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PodTarget {
    /// The target, at least 0.01.
    pub target: f64,
    /// The capacity.
    pub total: f64,
}

/// Returns the target and the capacity of a pod of a revision.
pub fn resolve(revision: &TargetSpec, defaults: &Defaults) -> PodTarget {
    let limit = match revision.container_concurrency {
        0 => None,
        limit => Some(f64::from(limit)),
    };
    let (total, utilisation) = match revision.metric {
        KpaMetric::Concurrency => {
            let total = match (revision.target, limit) {
                // There are never more in flight than the limit.
                (Some(target), Some(limit)) => target.min(limit),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => defaults.concurrency,
            };
            (total, defaults.concurrency_utilisation)
        }
        KpaMetric::Rps => (revision.target.unwrap_or(defaults.rps), defaults.rps_utilisation),
    };
    let utilisation = revision
        .utilisation_percentage
        .map_or(utilisation, |percentage| percentage / 100.0);
    PodTarget {
        target: (total * utilisation).max(LEAST_TARGET),
        total,
    }
}

/// Number of pods that are scraped for their metrics, of `pods`; their mean stands for all.
pub fn sample_size(pods: u32) -> u32 {
    if pods <= ASK_ALL {
        return pods;
    }
    let pods = f64::from(pods);
    (pods * SAMPLE_FACTOR / (pods + SAMPLE_FACTOR - 1.0)).ceil() as u32
}

/// Activators before a revision with so many ready pods. `total` is the capacity of a pod, `target_burst_capacity` that of
/// the [decider](super::KpaSettings), `capacity` that of an activator (`activator-capacity`, above 0): all in the metric's
/// unit.
pub fn activators(ready: u32, total: f64, target_burst_capacity: f64, capacity: f64) -> u32 {
    if target_burst_capacity == 0.0 {
        return LEAST_ACTIVATORS;
    }
    let load = f64::from(ready) * total + target_burst_capacity.max(0.0);
    LEAST_ACTIVATORS.max((load / capacity).ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_share_of_what_a_pod_can_carry() {
        let defaults = Defaults::default();
        // Metric, limit, target, utilisation in percent: target and total.
        for (metric, container_concurrency, target, utilisation_percentage, expected) in [
            (KpaMetric::Concurrency, 0, None, None, (70.0, 100.0)),
            (KpaMetric::Concurrency, 10, None, None, (7.0, 10.0)),
            (KpaMetric::Concurrency, 10, Some(50.0), None, (7.0, 10.0)),
            (KpaMetric::Concurrency, 10, Some(4.0), Some(50.0), (2.0, 4.0)),
            (KpaMetric::Concurrency, 0, Some(50.0), Some(100.0), (50.0, 50.0)),
            (KpaMetric::Concurrency, 0, Some(0.01), Some(1.0), (0.01, 0.01)),
            (KpaMetric::Rps, 0, None, None, (140.0, 200.0)),
            // The limit is one of concurrency.
            (KpaMetric::Rps, 10, Some(50.0), Some(80.0), (40.0, 50.0)),
        ] {
            let revision = TargetSpec {
                metric,
                container_concurrency,
                target,
                utilisation_percentage,
            };
            let found = resolve(&revision, &defaults);
            assert!((found.target - expected.0).abs() < 1e-9, "{revision:?}: {found:?}");
            assert_eq!(found.total, expected.1, "{revision:?}");
        }
    }

    #[test]
    fn a_sample_grows_slower_than_the_pods_and_ends_at_sixteen() {
        // 4 * 15.3664 / 18.3664 = 3.3; 20 * 15.3664 / 34.3664 = 8.9; 100 * 15.3664 / 114.3664 = 13.4
        for (pods, sample) in [(0, 0), (1, 1), (3, 3), (4, 4), (20, 9), (100, 14), (1_000_000, 16)] {
            assert_eq!(sample_size(pods), sample, "{pods}");
        }
    }

    #[test]
    fn activators_have_room_for_the_pods_and_the_burst() {
        for (ready, burst, expected) in [
            (0, 211.0, 3),
            (0, 100.0, 2),
            (9, 211.0, 12),
            (9, 0.0, 2),
            (9, -1.0, 9),
            (1, -1.0, 2),
        ] {
            assert_eq!(activators(ready, 100.0, burst, 100.0), expected, "{ready} {burst}");
        }
    }
}
