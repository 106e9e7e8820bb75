//! Knative's pod autoscaler of one workload.

use super::{
    BUCKET, BucketWindow, Decider, KpaDecision, KpaMetric, KpaRules, KpaSettings, Observed, RevisionStatus,
    RevisionView, TICK, Weighting, panic_window, reconcile,
};
use crate::sim::autoscaler::{Autoscaler, AutoscalerPlan, Periods, Timing, WorkloadView};
use crate::sim::platform::control::Load;
use crate::units::SimTime;

/// The settings of Knative's pod autoscaler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KpaPlan {
    /// The decider's settings.
    pub spec: KpaSettings,
    /// Bounds, and the way to zero.
    pub rules: KpaRules,
    /// The metric.
    pub metric: KpaMetric,
    /// `panic-window-percentage`
    pub panic_window_percentage: f64,
}

impl AutoscalerPlan for KpaPlan {
    fn initial_replicas(&self) -> u32 {
        self.rules.initial_scale.max(self.rules.min_scale)
    }

    fn start(&self) -> Box<dyn Autoscaler> {
        let window = |length| BucketWindow::new(length, BUCKET, Weighting::Linear);
        let stable = self.spec.stable_window;
        Box::new(KpaScaler {
            plan: *self,
            decider: Decider::new(self.spec, Some(self.rules.initial_scale), SimTime::ZERO),
            decision: None,
            status: RevisionStatus::new(SimTime::ZERO),
            stable: window(stable),
            panic: window(panic_window(stable, self.panic_window_percentage)),
            last: Load::default(),
        })
    }
}

/// The autoscaler and its memory.
#[derive(Debug)]
struct KpaScaler {
    plan: KpaPlan,
    decider: Decider,
    decision: Option<KpaDecision>,
    status: RevisionStatus,
    stable: BucketWindow,
    panic: BucketWindow,
    /// The load at the last reading.
    last: Load,
}

impl KpaScaler {
    fn record(&mut self, now: SimTime, value: f64) {
        self.stable.record(now, value);
        self.panic.record(now, value);
    }

    /// Decides with `ready` pods ready; `None`: as many pods as there are.
    fn replicas(&mut self, now: SimTime, ready: u32) -> Option<u32> {
        let observed = self.stable.average(now).zip(self.panic.average(now));
        let observed = observed.map(|(stable, panic)| Observed { stable, panic });
        if let Some(decision) = self.decider.decide(now, Some(ready), observed) {
            self.decision = Some(decision);
        }
        let view = RevisionView {
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

impl Autoscaler for KpaScaler {
    fn timing(&self) -> Timing {
        Timing {
            periods: Some(Periods {
                read: BUCKET,
                decide: TICK,
                in_step: false,
            }),
            ..Timing::default()
        }
    }

    /// Takes the reading of the last second. A workload without pods and without requests reports nothing.
    fn read(&mut self, view: &WorkloadView<'_>) {
        let load = view.load;
        let last = std::mem::replace(&mut self.last, load);
        let value = match self.plan.metric {
            KpaMetric::Concurrency => {
                let area = load.in_flight + load.waiting - last.in_flight - last.waiting;
                area as f64 / BUCKET.0 as f64
            }
            KpaMetric::Rps => (load.arrivals - last.arrivals) as f64,
        };
        if value > 0.0 || view.pods.ready() > 0 {
            self.record(view.now, value);
        }
    }

    fn decide(&mut self, view: &WorkloadView<'_>) -> u32 {
        self.replicas(view.now, view.pods.ready()).unwrap_or(view.replicas)
    }

    /// The activator reports the request at once.
    fn request_without_pod(&mut self, view: &WorkloadView<'_>) -> u32 {
        self.record(view.now, 1.0);
        self.replicas(view.now, 0).unwrap_or(view.replicas)
    }
}
