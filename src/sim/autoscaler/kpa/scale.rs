//! From the decision to replicas: bounds, the way to zero, and whether the activator is on the path.
//!
//! Source: `scaler.go` for bounds and zero, `kpa.go` for mode and activity, both in pkg/reconciler/autoscaling/kpa. A
//! revision without a route has no least scale: `ScaleBounds` in pkg/apis/autoscaling/v1alpha1.

use super::decide::KpaDecision;
use crate::units::{SimDuration, SimTime};

/// A revision that does not come up is given up so long after its progress deadline. Source: `scaler.go`.
const ACTIVATION_BUFFER: SimDuration = SimDuration::from_secs(30);
/// Time between two probes for the activator. Source: `scaler.go`.
const PROBE_PERIOD: SimDuration = SimDuration::from_secs(1);
/// Time until the next reconcile of a revision that became inactive with the activator already on the path. Source:
/// `scaler.go`.
const SECOND_LOOK: SimDuration = SimDuration::from_secs(3);

/// Bounds of a revision and rules of the way to zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KpaRules {
    /// `min-scale`: fewest pods, as long as a route leads to them; 0 allows none.
    pub min_scale: u32,
    /// `max-scale`: most pods; 0 for no bound.
    pub max_scale: u32,
    /// `initial-scale`: pods of a new revision.
    pub initial_scale: u32,
    /// `enable-scale-to-zero`.
    pub scale_to_zero: bool,
    /// `stable-window`: the least time for which a revision is active.
    pub stable_window: SimDuration,
    /// `scale-to-zero-grace-period`: least time with the activator on the path before the last pod goes.
    pub grace: SimDuration,
    /// `scale-to-zero-pod-retention-period`: least time for which the last pod of an inactive revision stays.
    pub retention: SimDuration,
    /// `progress-deadline`: a revision may take so long to come up, and 30 s.
    pub progress_deadline: SimDuration,
    /// Target burst capacity as in the decider's settings. With -1 there is no probe of the activator on the path.
    pub target_burst_capacity: f64,
}

impl Default for KpaRules {
    fn default() -> Self {
        Self {
            min_scale: 0,
            max_scale: 0,
            initial_scale: 1,
            scale_to_zero: true,
            stable_window: SimDuration::from_secs(60),
            grace: SimDuration::from_secs(30),
            retention: SimDuration::ZERO,
            progress_deadline: SimDuration::from_secs(600),
            target_burst_capacity: 211.0,
        }
    }
}

/// The condition `Active` of a revision's autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Unknown: pods are wanted and not enough of them are ready.
    Activating,
    /// True: enough of them are.
    Active,
    /// False: none are wanted.
    Inactive,
}

/// The destination of the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServeMode {
    /// To the pods; to the activator as long as none is ready.
    Serve,
    /// To the activator.
    Proxy,
}

/// The status of a revision between two reconciles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionStatus {
    /// Its activity.
    pub activity: Activity,
    /// Since when.
    pub activity_since: SimTime,
    /// The destination of its route.
    pub mode: ServeMode,
    /// Since when.
    pub mode_since: SimTime,
    /// True once its initial scale has been ready.
    pub initialised: bool,
}

impl RevisionStatus {
    /// The status of a new revision.
    pub fn new(now: SimTime) -> Self {
        Self {
            activity: Activity::Activating,
            activity_since: now,
            mode: ServeMode::Proxy,
            mode_since: now,
            initialised: false,
        }
    }
}

/// The input of a reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionView {
    /// When.
    pub now: SimTime,
    /// Its ready pods.
    pub ready: u32,
    /// True if a route leads to it.
    pub reachable: bool,
    /// True if a probe along its route reaches the activator.
    pub activator_answers: bool,
    /// The status after the last reconcile.
    pub status: RevisionStatus,
}

/// The result of a reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionOutcome {
    /// Replicas from now on; `None`: as many as there are.
    pub replicas: Option<u32>,
    /// The new status.
    pub status: RevisionStatus,
    /// Time until the next reconcile even if nothing happens.
    pub look_again: Option<SimDuration>,
}

/// The change of the pods.
struct Step {
    /// Replicas from now on; `None`: as many as there are.
    replicas: Option<u32>,
    /// Pods that are wanted, if that is known.
    wanted: Option<u32>,
    /// Time until the next reconcile.
    look_again: Option<SimDuration>,
}

impl Step {
    fn set(replicas: u32) -> Self {
        Self {
            replicas: Some(replicas),
            wanted: Some(replicas),
            look_again: None,
        }
    }

    /// No pods are wanted, and those that exist stay for now.
    fn hold(look_again: SimDuration) -> Self {
        Self {
            replicas: None,
            wanted: Some(0),
            look_again: Some(look_again),
        }
    }

    /// The revision starts, or nothing is known of it.
    fn wait(look_again: Option<SimDuration>) -> Self {
        Self {
            replicas: None,
            wanted: None,
            look_again,
        }
    }
}

/// Returns the destination of a route for the number of wanted pods.
pub fn mode(wanted: u32, excess_burst_capacity: i64) -> ServeMode {
    if wanted > 0 && excess_burst_capacity >= 0 {
        ServeMode::Serve
    } else {
        ServeMode::Proxy
    }
}

/// Decides about a revision. `decision` is the last valid one of its decider, `None` before the first.
pub fn reconcile(rules: &KpaRules, decision: Option<KpaDecision>, view: &RevisionView) -> RevisionOutcome {
    let status = view.status;
    let (least, most) = bounds(rules, view);
    let step = match decision.map(|decision| decision.replicas) {
        None if status.activity != Activity::Activating => Step::wait(None),
        wanted => match bounded(wanted.unwrap_or(0), least, most) {
            0 => to_zero(rules, view),
            some => Step::set(some),
        },
    };
    let mode = match (step.wanted, decision) {
        (Some(wanted), Some(decision)) => mode(wanted, decision.excess_burst_capacity),
        _ => ServeMode::Proxy,
    };
    let enough = enough_pods(rules, view);
    let activity = activity(step.wanted, view.ready, enough, status.activity);
    let since = |same: bool, since: SimTime| if same { since } else { view.now };
    RevisionOutcome {
        replicas: step.replicas,
        status: RevisionStatus {
            activity,
            activity_since: since(activity == status.activity, status.activity_since),
            mode,
            mode_since: since(mode == status.mode, status.mode_since),
            initialised: status.initialised || view.ready >= enough,
        },
        look_again: step.look_again,
    }
}

/// Fewest pods, 0 without a route.
fn least_scale(rules: &KpaRules, view: &RevisionView) -> u32 {
    if view.reachable { rules.min_scale } else { 0 }
}

/// Fewest and most pods, 0 for no bound. An initial scale of 1 is no bound: a pod that comes up is left alone as it is.
fn bounds(rules: &KpaRules, view: &RevisionView) -> (u32, u32) {
    let least = least_scale(rules, view);
    if rules.initial_scale > 1 && !view.status.initialised {
        (least.max(rules.initial_scale), rules.max_scale)
    } else {
        (least, rules.max_scale)
    }
}

/// The lower bound comes first, so an initial scale may be above the upper one.
fn bounded(wanted: u32, least: u32, most: u32) -> u32 {
    if wanted < least {
        least
    } else if most != 0 && wanted > most {
        most
    } else {
        wanted
    }
}

/// Ready pods from which on a revision is active.
fn enough_pods(rules: &KpaRules, view: &RevisionView) -> u32 {
    let initial = match view.status.initialised {
        true => 1,
        false => rules.initial_scale,
    };
    least_scale(rules, view).max(initial)
}

/// Activity when `wanted` pods are wanted, `ready` are ready and `enough` would be enough.
fn activity(wanted: Option<u32>, ready: u32, enough: u32, before: Activity) -> Activity {
    if wanted == Some(0) || enough == 0 {
        Activity::Inactive
    } else if wanted.is_none() && before == Activity::Inactive {
        before
    } else if ready < enough {
        Activity::Activating
    } else {
        Activity::Active
    }
}

/// The change when no pods are wanted.
fn to_zero(rules: &KpaRules, view: &RevisionView) -> Step {
    if !rules.scale_to_zero {
        return Step::set(1);
    }
    let status = view.status;
    let lasts = view.now.since(status.activity_since);
    match status.activity {
        Activity::Activating => {
            let deadline = rules.progress_deadline.saturating_add(ACTIVATION_BUFFER);
            if lasts >= deadline {
                Step::set(0)
            } else {
                Step::wait(Some(deadline - lasts))
            }
        }
        // The rest of the stable window is left to one pod.
        Activity::Active if lasts < rules.stable_window => Step {
            look_again: Some(rules.stable_window - lasts),
            ..Step::set(1)
        },
        Activity::Active => Step::hold(match status.mode {
            ServeMode::Proxy => SECOND_LOOK,
            ServeMode::Serve => PROBE_PERIOD,
        }),
        Activity::Inactive => last_pod(rules, view, lasts),
    }
}

/// The change of the last pod of a revision that has been inactive for `inactive`.
fn last_pod(rules: &KpaRules, view: &RevisionView, inactive: SimDuration) -> Step {
    let status = view.status;
    let retention = match view.reachable {
        true => rules.retention,
        false => SimDuration::ZERO,
    };
    let proxied = match status.mode {
        ServeMode::Proxy => view.now.since(status.mode_since),
        ServeMode::Serve => SimDuration::ZERO,
    };
    let always_proxied = rules.target_burst_capacity < 0.0;
    if !always_proxied && !view.activator_answers {
        Step::hold(PROBE_PERIOD)
    } else if inactive >= rules.grace.max(retention) {
        Step::set(0)
    } else if inactive < retention {
        Step::hold(retention - inactive)
    } else if proxied < rules.grace {
        Step::hold(rules.grace - proxied)
    } else {
        Step::set(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BUCKET, BucketWindow, Decider, KpaSettings, Observed, Weighting, panic_window};
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    fn wants(replicas: u32) -> Option<KpaDecision> {
        Some(KpaDecision {
            replicas,
            excess_burst_capacity: 0,
        })
    }

    fn view(second: u64, ready: u32, status: RevisionStatus) -> RevisionView {
        RevisionView {
            now: at(second),
            ready,
            reachable: true,
            activator_answers: true,
            status,
        }
    }

    fn active(activity_since: u64, mode: ServeMode) -> RevisionStatus {
        RevisionStatus {
            activity: Activity::Active,
            activity_since: at(activity_since),
            mode,
            mode_since: at(100),
            initialised: true,
        }
    }

    /// The second at which the last pod goes if no pods are wanted from second 1,060 on, with a reconcile every 2 s.
    /// `change` is applied to each view.
    fn gone(rules: &KpaRules, mut status: RevisionStatus, change: impl Fn(&mut RevisionView)) -> Option<u64> {
        for second in (1_060..3_000).step_by(2) {
            let mut view = view(second, 1, status);
            change(&mut view);
            let outcome = reconcile(rules, wants(0), &view);
            if outcome.replicas == Some(0) {
                return Some(second);
            }
            status = outcome.status;
        }
        None
    }

    #[test]
    fn the_last_pod_goes_after_grace_and_retention() {
        let rules = KpaRules::default();
        let retaining = |seconds| KpaRules {
            retention: SimDuration::from_secs(seconds),
            ..rules
        };
        let same = |_: &mut RevisionView| {};
        assert_eq!(gone(&rules, active(0, ServeMode::Serve), same), Some(1_090));
        // With the activator on the path all along, the next look is enough.
        assert_eq!(gone(&rules, active(0, ServeMode::Proxy), same), Some(1_062));
        assert_eq!(gone(&retaining(10), active(0, ServeMode::Proxy), same), Some(1_070));
        assert_eq!(gone(&retaining(120), active(0, ServeMode::Serve), same), Some(1_180));
        // Without a route nothing is retained.
        let unreachable = |view: &mut RevisionView| view.reachable = false;
        assert_eq!(
            gone(&retaining(120), active(0, ServeMode::Serve), unreachable),
            Some(1_090)
        );
        // The stable window has begun at 1,040 s and is waited for with one pod.
        assert_eq!(gone(&rules, active(1_040, ServeMode::Serve), same), Some(1_130));
    }

    #[test]
    fn the_last_pod_stays_until_a_probe_reaches_the_activator() {
        let silent = |view: &mut RevisionView| view.activator_answers = view.now >= at(1_500);
        let rules = KpaRules::default();
        assert_eq!(gone(&rules, active(0, ServeMode::Serve), silent), Some(1_500));
        let always = KpaRules {
            target_burst_capacity: -1.0,
            ..rules
        };
        assert_eq!(gone(&always, active(0, ServeMode::Serve), silent), Some(1_090));
        let never = KpaRules {
            scale_to_zero: false,
            ..rules
        };
        assert_eq!(gone(&never, active(0, ServeMode::Serve), silent), None);
    }

    /// One pod, three requests in flight until second 299.
    fn end_of_traffic(target_burst_capacity: f64) -> Option<u64> {
        let rules = KpaRules {
            target_burst_capacity,
            ..KpaRules::default()
        };
        let spec = KpaSettings {
            target_burst_capacity,
            ..KpaSettings::default()
        };
        let window = |length| BucketWindow::new(length, BUCKET, Weighting::Linear);
        let mut stable = window(spec.stable_window);
        let mut panic = window(panic_window(spec.stable_window, 10.0));
        let mut decider = Decider::new(spec, Some(1), at(0));
        let mut status = RevisionStatus::new(at(0));
        for second in 0..1_000 {
            let value = if second < 300 { 3.0 } else { 0.0 };
            stable.record(at(second), value);
            panic.record(at(second), value);
            if second % 2 == 1 {
                continue;
            }
            let observed = Observed {
                stable: stable.average(at(second)).unwrap(),
                panic: panic.average(at(second)).unwrap(),
            };
            let decision = decider.decide(at(second), Some(1), Some(observed));
            let outcome = reconcile(&rules, decision, &view(second, 1, status));
            if outcome.replicas == Some(0) {
                return Some(second);
            }
            status = outcome.status;
        }
        None
    }

    /// The average is zero at 359 s and seen at 360 s.
    #[test]
    fn idle_pods_live_for_a_stable_window_and_the_grace_period() {
        assert_eq!(end_of_traffic(0.0), Some(390));
        // A pod has not enough capacity for the burst, so the activator was on the path before.
        assert_eq!(end_of_traffic(211.0), Some(362));
    }

    #[test]
    fn a_revision_that_does_not_come_up_is_given_up() {
        let rules = KpaRules::default();
        let new = RevisionStatus::new(at(0));
        for (second, replicas, activity) in [
            (2, None, Activity::Activating),
            (629, None, Activity::Activating),
            (630, Some(0), Activity::Inactive),
        ] {
            for decision in [wants(0), None] {
                let outcome = reconcile(&rules, decision, &view(second, 0, new));
                let found = (outcome.replicas, outcome.status.activity);
                assert_eq!(found, (replicas, activity), "{second}");
            }
        }
    }

    #[test]
    fn the_initial_scale_is_a_bound_until_it_was_reached() {
        let rules = KpaRules {
            initial_scale: 3,
            max_scale: 2,
            ..KpaRules::default()
        };
        let first = reconcile(&rules, wants(1), &view(2, 2, RevisionStatus::new(at(0))));
        assert_eq!((first.replicas, first.status.activity), (Some(3), Activity::Activating));
        let second = reconcile(&rules, wants(1), &view(4, 3, first.status));
        assert_eq!((second.replicas, second.status.activity), (Some(3), Activity::Active));
        assert!(second.status.initialised);
        for (wanted, replicas) in [(0, 1), (1, 1), (2, 2), (9, 2)] {
            let outcome = reconcile(&rules, wants(wanted), &view(6, 3, second.status));
            assert_eq!(outcome.replicas, Some(replicas), "{wanted}");
        }
    }

    #[test]
    fn a_least_scale_holds_as_long_as_there_is_a_route() {
        let rules = KpaRules {
            min_scale: 2,
            ..KpaRules::default()
        };
        let mut view = view(1_000, 2, active(0, ServeMode::Serve));
        assert_eq!(reconcile(&rules, wants(0), &view).replicas, Some(2));
        view.reachable = false;
        let outcome = reconcile(&rules, wants(0), &view);
        assert_eq!((outcome.replicas, outcome.status.activity), (None, Activity::Inactive));
    }

    #[test]
    fn the_activator_leaves_the_path_of_wanted_pods_with_capacity_to_spare() {
        for (wanted, excess, expected) in [
            (1, 0, ServeMode::Serve),
            (1, -1, ServeMode::Proxy),
            (0, 0, ServeMode::Proxy),
            (0, 50, ServeMode::Proxy),
        ] {
            assert_eq!(mode(wanted, excess), expected, "{wanted} {excess}");
        }
    }

    #[test]
    fn activity_follows_what_is_wanted_and_what_is_ready() {
        use Activity::{Activating, Active, Inactive};
        for (wanted, ready, before, after) in [
            (Some(0), 2, Active, Inactive),
            (Some(1), 1, Inactive, Activating),
            (Some(1), 2, Activating, Active),
            (None, 2, Inactive, Inactive),
            (None, 2, Activating, Active),
            (None, 1, Active, Activating),
        ] {
            assert_eq!(activity(wanted, ready, 2, before), after, "{wanted:?} {ready}");
        }
        // An initial scale of zero.
        assert_eq!(activity(None, 0, 0, Activating), Inactive);
    }
}
