//! Knative's autoscaler at work on one workload.

use crate::sim::autoscaler::kpa::{
    BUCKET, BucketWindow, Decider, Decision, Metric, Observed, Rules, Spec, Status, View, Weighting, panic_window,
    reconcile,
};
use crate::sim::platform::control::Load;
use crate::units::{SimDuration, SimTime};

/// What it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KpaPlan {
    /// The decider's settings.
    pub spec: Spec,
    /// Bounds, and the way to zero.
    pub rules: Rules,
    /// What is measured.
    pub metric: Metric,
    /// `panic-window-percentage`
    pub panic_window_percentage: f64,
}

/// It, and what it remembers.
#[derive(Debug)]
pub(super) struct Kpa {
    plan: KpaPlan,
    decider: Decider,
    decision: Option<Decision>,
    status: Status,
    stable: BucketWindow,
    panic: BucketWindow,
    last: Load,
}

impl Kpa {
    pub(super) fn new(plan: KpaPlan) -> Self {
        let window = |length| BucketWindow::new(length, BUCKET, Weighting::Linear);
        let stable = plan.spec.stable_window;
        Self {
            plan,
            decider: Decider::new(plan.spec, Some(plan.rules.initial_scale), SimTime::ZERO),
            decision: None,
            status: Status::new(SimTime::ZERO),
            stable: window(stable),
            panic: window(panic_window(stable, plan.panic_window_percentage)),
            last: Load::default(),
        }
    }

    /// Time between two readings.
    pub(super) fn resolution() -> SimDuration {
        BUCKET
    }

    /// Takes the reading of the last second. A workload without pods and without requests tells nothing.
    pub(super) fn scrape(&mut self, now: SimTime, load: Load, pods: u32) {
        let last = std::mem::replace(&mut self.last, load);
        let value = match self.plan.metric {
            Metric::Concurrency => {
                let area = load.in_flight + load.waiting - last.in_flight - last.waiting;
                area as f64 / BUCKET.0 as f64
            }
            Metric::Rps => (load.arrivals - last.arrivals) as f64,
        };
        if value > 0.0 || pods > 0 {
            self.record(now, value);
        }
    }

    fn record(&mut self, now: SimTime, value: f64) {
        self.stable.record(now, value);
        self.panic.record(now, value);
    }

    /// A request has come and there is no pod for it: the activator says so at once.
    pub(super) fn poke(&mut self, now: SimTime) {
        self.record(now, 1.0);
    }

    /// Decides: how many pods there should be, with so many ready now; `None`: as many as there are.
    pub(super) fn decide(&mut self, now: SimTime, ready: u32) -> Option<u32> {
        let observed = self.stable.average(now).zip(self.panic.average(now));
        let observed = observed.map(|(stable, panic)| Observed { stable, panic });
        if let Some(decision) = self.decider.decide(now, Some(ready), observed) {
            self.decision = Some(decision);
        }
        let view = View {
            now,
            ready,
            reachable: true,
            activator_answers: true,
            status: self.status,
        };
        let outcome = reconcile(&self.plan.rules, self.decision, &view);
        self.status = outcome.status;
        outcome.replicas
    }
}
