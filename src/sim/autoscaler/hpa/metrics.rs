//! The metrics of a HorizontalPodAutoscaler, and the replicas that each asks for.

use super::pods::ReadinessRules;
use super::proposal::{Measured, NoProposal, Tolerance, average_value, utilisation};
use crate::sim::autoscaler::series::Series;
use crate::sim::autoscaler::{Periods, Timing, WorkloadView};
use crate::units::{SimDuration, SimTime};

/// The metrics, and how they are measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// The metrics and their targets for each pod.
    pub targets: Vec<MetricTarget>,
    /// Deviations from the target that change nothing.
    pub tolerance: Tolerance,
    /// Rules for the CPU of pods that have just started.
    pub readiness: ReadinessRules,
    /// Time between two decisions.
    pub sync: SimDuration,
    /// Time between two readings.
    pub resolution: SimDuration,
    /// Time over which a reading is a mean.
    pub window: SimDuration,
    /// Age of a reading before the autoscaler sees it.
    pub lag: SimDuration,
    /// Times since the start of the run from and until which no metric can be read.
    pub outages: Vec<(SimDuration, SimDuration)>,
}

/// The target of a metric for each pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricTarget {
    /// CPU in percent of what a pod requests.
    Cpu(i64),
    /// Requests in flight, in thousandths.
    InFlight(i64),
    /// Requests per second, in thousandths.
    Rate(i64),
}

impl MetricTarget {
    /// True for CPU, which only pods have.
    pub fn is_cpu(self) -> bool {
        matches!(self, Self::Cpu(_))
    }
}

impl Metrics {
    /// Returns true if no metric can be read now.
    pub(in crate::sim::autoscaler) fn are_out(&self, now: SimTime) -> bool {
        let out =
            |&(from, until): &(SimDuration, SimDuration)| SimTime::ZERO + from <= now && now < SimTime::ZERO + until;
        self.outages.iter().any(out)
    }

    /// Age up to which readings are kept.
    fn history(&self) -> SimDuration {
        self.window + self.lag + self.resolution
    }
}

/// The readings of a workload.
#[derive(Debug)]
pub(in crate::sim::autoscaler) struct MetricReader {
    pub(in crate::sim::autoscaler) metrics: Metrics,
    arrivals: Series,
    in_flight: Series,
    /// Requests that waited at the last reading.
    queued: u32,
}

impl MetricReader {
    /// A reader that has read nothing.
    pub(in crate::sim::autoscaler) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            arrivals: Series::default(),
            in_flight: Series::default(),
            queued: 0,
        }
    }

    pub(in crate::sim::autoscaler) fn timing(&self) -> Timing {
        Timing {
            periods: Some(Periods {
                read: self.metrics.resolution,
                decide: self.metrics.sync,
                in_step: false,
            }),
            cpu_history: Some(self.metrics.history()),
            ..Timing::default()
        }
    }

    /// Takes a reading of the load.
    pub(in crate::sim::autoscaler) fn read(&mut self, view: &WorkloadView<'_>) {
        let history = self.metrics.history();
        self.arrivals.push(view.now, i128::from(view.load.arrivals), history);
        self.in_flight.push(view.now, view.load.in_flight, history);
        self.queued = view.load.queued;
    }

    /// The metric of all pods together, in thousandths; `None` if it is not known, or is one of pods.
    pub(in crate::sim::autoscaler) fn total(&self, target: MetricTarget, now: SimTime) -> Option<i64> {
        let growth = |series: &Series| series.growth(now, self.metrics.lag, self.metrics.window);
        match target {
            MetricTarget::Cpu(_) => None,
            MetricTarget::InFlight(_) => {
                let mean = growth(&self.in_flight)?.rate();
                Some(((mean + f64::from(self.queued)) * 1e3).round() as i64)
            }
            MetricTarget::Rate(_) => Some((growth(&self.arrivals)?.rate() * 1e12).round() as i64),
        }
    }

    /// The replicas that each metric asks for. While metrics cannot be read, `fallback` replicas stand for each metric that
    /// is not one of pods, if given.
    pub(in crate::sim::autoscaler) fn proposals(
        &self,
        view: &WorkloadView<'_>,
        fallback: Option<u32>,
    ) -> Vec<Result<u32, NoProposal>> {
        let targets = self.metrics.targets.iter();
        targets.map(|&target| self.proposal(target, view, fallback)).collect()
    }

    fn proposal(
        &self,
        target: MetricTarget,
        view: &WorkloadView<'_>,
        fallback: Option<u32>,
    ) -> Result<u32, NoProposal> {
        let (metrics, current) = (&self.metrics, view.replicas);
        let out = metrics.are_out(view.now);
        match target {
            MetricTarget::Cpu(_) if out => Err(NoProposal::NoMetrics),
            // The source of the metric tells the fallback in its place.
            MetricTarget::InFlight(each) | MetricTarget::Rate(each) if out => {
                let total = each * i64::from(fallback.ok_or(NoProposal::NoMetrics)?);
                Ok(average_value(&[total], each, current, metrics.tolerance).replicas)
            }
            MetricTarget::Cpu(percent) => {
                let (pods, samples) = view.pods.cpu(metrics.lag, metrics.window);
                let requests = vec![Some(view.cpu_request as i64); pods.len()];
                let measured = Measured {
                    pods: &pods,
                    samples: &samples,
                    rules: &metrics.readiness,
                    now: view.now,
                };
                let proposal = utilisation(&measured, &requests, (percent, true, 0), current, metrics.tolerance)?;
                Ok(proposal.replicas)
            }
            MetricTarget::InFlight(each) | MetricTarget::Rate(each) => {
                let total = self.total(target, view.now).ok_or(NoProposal::NoMetrics)?;
                Ok(average_value(&[total], each, current, metrics.tolerance).replicas)
            }
        }
    }
}
