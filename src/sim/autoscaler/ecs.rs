//! Application Auto Scaling of an Amazon ECS service: target tracking and step scaling, minute by minute.
//!
//! Source: Amazon ECS Developer Guide, service auto scaling; Application Auto Scaling API reference. Not in the documents:
//! how many points the alarms of target tracking look at (3 of 3 and 15 of 15, from published alarms), the low threshold (90%
//! of the target, not confirmed), and the rounding of the capacity (up; the usual reading of "conservative").

use std::collections::VecDeque;

use super::series::Series;
use super::{Autoscaler, AutoscalerPlan, Periods, Timing, WorkloadView};
use crate::units::{SimDuration, SimTime};

/// Tasks that a policy may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EcsProposal {
    /// No change.
    Stay,
    /// More.
    Out(u32),
    /// Fewer.
    In(u32),
}

/// Target tracking.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetTracking {
    /// `TargetValue`, in the metric's unit for each task.
    pub target: f64,
    /// Points in a row above the target until it scales out.
    pub high_points: usize,
    /// Points in a row below the low threshold until it scales in.
    pub low_points: usize,
    /// The low threshold, as a share of the target.
    pub low_share: f64,
    /// `ScaleInCooldown`
    pub in_cooldown: SimDuration,
    /// `DisableScaleIn`
    pub disable_scale_in: bool,
}

impl Default for TargetTracking {
    fn default() -> Self {
        Self {
            target: 70.0,
            high_points: 3,
            low_points: 15,
            low_share: 0.9,
            in_cooldown: SimDuration::from_secs(300),
            disable_scale_in: false,
        }
    }
}

/// Step scaling: one alarm, and what happens by how far the metric is beyond its threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct StepScaling {
    /// The alarm's threshold.
    pub threshold: f64,
    /// True if the alarm is about values above the threshold, false for values below.
    pub above: bool,
    /// Points in a row beyond it.
    pub points: usize,
    /// Distances from the threshold from which on, and changes of the number of tasks, in order of distance.
    pub steps: Vec<(f64, i32)>,
    /// Time without a further step after one.
    pub cooldown: SimDuration,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub enum EcsPolicy {
    /// Target tracking.
    Target(TargetTracking),
    /// Step scaling.
    Step(StepScaling),
}

/// A policy with its state.
#[derive(Debug, Clone)]
pub struct PolicyState {
    policy: EcsPolicy,
    /// The last points, newest last.
    points: VecDeque<Option<f64>>,
    last_in: Option<SimTime>,
    last_step: Option<SimTime>,
}

impl PolicyState {
    /// A policy before its first minute.
    pub fn new(policy: EcsPolicy) -> Self {
        Self {
            policy,
            points: VecDeque::new(),
            last_in: None,
            last_step: None,
        }
    }

    fn all(&self, count: usize, beyond: impl Fn(f64) -> bool) -> bool {
        let newest = self.points.iter().rev().take(count);
        newest.clone().count() == count && newest.into_iter().all(|point| point.is_some_and(&beyond))
    }

    /// Takes the mean of the last minute; `None` if nothing was measured. `running` tasks had it, `desired` tasks are
    /// wanted. Returns the proposal of the policy.
    pub fn minute(&mut self, now: SimTime, point: Option<f64>, running: u32, desired: u32) -> EcsProposal {
        self.points.push_back(point);
        let keep = match &self.policy {
            EcsPolicy::Target(tracking) => tracking.high_points.max(tracking.low_points),
            EcsPolicy::Step(step) => step.points,
        };
        while self.points.len() > keep.max(1) {
            self.points.pop_front();
        }
        let Some(value) = point else { return EcsProposal::Stay };
        match &self.policy {
            EcsPolicy::Target(tracking) => self.track(tracking, now, value, running, desired),
            EcsPolicy::Step(step) => self.step(step, now, value, desired),
        }
    }

    fn track(&self, tracking: &TargetTracking, now: SimTime, value: f64, running: u32, desired: u32) -> EcsProposal {
        let target = tracking.target;
        let wanted = (f64::from(running) * value / target).ceil() as u32;
        if running == 0 && desired == 0 {
            // One point is enough where there is no task.
            return if value > 0.0 {
                EcsProposal::Out(1)
            } else {
                EcsProposal::Stay
            };
        }
        if self.all(tracking.high_points, |point| point > target) {
            return if wanted > desired {
                EcsProposal::Out(wanted)
            } else {
                EcsProposal::Stay
            };
        }
        let low = tracking.low_share * target;
        let cooling = self.last_in.is_some_and(|last| last + tracking.in_cooldown > now);
        let may = !tracking.disable_scale_in && !cooling;
        if may && wanted < desired && self.all(tracking.low_points, |point| point < low) {
            return EcsProposal::In(wanted);
        }
        EcsProposal::Stay
    }

    fn step(&self, step: &StepScaling, now: SimTime, value: f64, desired: u32) -> EcsProposal {
        let distance = |value: f64| {
            if step.above {
                value - step.threshold
            } else {
                step.threshold - value
            }
        };
        let cooling = self.last_step.is_some_and(|last| last + step.cooldown > now);
        if cooling || !self.all(step.points, |point| distance(point) > 0.0) {
            return EcsProposal::Stay;
        }
        let reached = step.steps.iter().rfind(|(from, _)| distance(value) >= *from);
        let change = reached.map_or(0, |(_, change)| *change);
        let wanted = (i64::from(desired) + i64::from(change)).clamp(0, i64::from(u32::MAX)) as u32;
        match wanted.cmp(&desired) {
            std::cmp::Ordering::Greater => EcsProposal::Out(wanted),
            std::cmp::Ordering::Less => EcsProposal::In(wanted),
            std::cmp::Ordering::Equal => EcsProposal::Stay,
        }
    }

    /// Notes that the service was scaled. A scale-out ends the wait after a scale-in.
    pub fn done(&mut self, now: SimTime, proposal: EcsProposal) {
        match proposal {
            EcsProposal::Stay => return,
            EcsProposal::Out(_) => self.last_in = None,
            EcsProposal::In(_) => self.last_in = Some(now),
        }
        self.last_step = Some(now);
    }
}

/// Combines the proposals of several policies: out if any says so, the largest; in only if all do, the smallest change.
pub fn together(proposals: &[EcsProposal]) -> EcsProposal {
    let out = proposals.iter().filter_map(|proposal| match proposal {
        EcsProposal::Out(tasks) => Some(*tasks),
        _ => None,
    });
    if let Some(tasks) = out.max() {
        return EcsProposal::Out(tasks);
    }
    let each = proposals.iter().map(|proposal| match proposal {
        EcsProposal::In(tasks) => Some(*tasks),
        _ => None,
    });
    let all: Option<Vec<u32>> = each.collect();
    all.and_then(|all| all.into_iter().max())
        .map_or(EcsProposal::Stay, EcsProposal::In)
}

/// Time over which the metrics of an ECS service are means, and between two looks of its alarms.
const MINUTE: SimDuration = SimDuration::from_secs(60);

/// The metric of a policy, as a mean over a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EcsMetric {
    /// `ECSServiceAverageCPUUtilization`, in percent.
    Cpu,
    /// `ALBRequestCountPerTarget`: requests in a minute for each task.
    RequestsPerTarget,
}

/// The settings of Application Auto Scaling for one service.
#[derive(Debug, Clone, PartialEq)]
pub struct EcsPlan {
    /// Tasks at the start of the run.
    pub tasks: u32,
    /// Fewest and most tasks.
    pub bounds: (u32, u32),
    /// Policies and the metric of each.
    pub policies: Vec<(EcsPolicy, EcsMetric)>,
}

impl AutoscalerPlan for EcsPlan {
    fn initial_replicas(&self) -> u32 {
        self.tasks
    }

    fn needs_cpu(&self) -> bool {
        self.policies.iter().any(|(_, metric)| *metric == EcsMetric::Cpu)
    }

    fn start(&self) -> Box<dyn Autoscaler> {
        let policies = self.policies.iter();
        Box::new(EcsScaler {
            bounds: self.bounds,
            policies: policies
                .map(|(policy, metric)| (PolicyState::new(policy.clone()), *metric))
                .collect(),
            arrivals: Series::default(),
        })
    }
}

/// Application Auto Scaling of one service.
#[derive(Debug)]
struct EcsScaler {
    bounds: (u32, u32),
    policies: Vec<(PolicyState, EcsMetric)>,
    arrivals: Series,
}

impl Autoscaler for EcsScaler {
    fn timing(&self) -> Timing {
        let periods = Periods {
            read: MINUTE,
            decide: MINUTE,
            in_step: true,
        };
        Timing {
            periods: (!self.policies.is_empty()).then_some(periods),
            cpu_history: Some(MINUTE),
            ..Timing::default()
        }
    }

    fn read(&mut self, view: &WorkloadView<'_>) {
        self.arrivals.push(view.now, i128::from(view.load.arrivals), MINUTE);
    }

    fn decide(&mut self, view: &WorkloadView<'_>) -> u32 {
        let WorkloadView { now, replicas, .. } = *view;
        let running = view.pods.ready();
        let requests = self.arrivals.growth(now, SimDuration::ZERO, MINUTE);
        let cpu = view.pods.mean_cpu(MINUTE);
        let policies = self.policies.iter_mut();
        let proposals = policies.map(|(scaler, metric)| {
            let point = match metric {
                EcsMetric::Cpu => cpu.map(|used| 100.0 * used / view.cpu_request as f64),
                EcsMetric::RequestsPerTarget => requests.map(|growth| growth.by as f64 / f64::from(running.max(1))),
            };
            scaler.minute(now, point, running, replicas)
        });
        let proposal = together(&proposals.collect::<Vec<_>>());
        let (EcsProposal::Out(tasks) | EcsProposal::In(tasks)) = proposal else {
            return replicas;
        };
        let tasks = tasks.clamp(self.bounds.0, self.bounds.1);
        if tasks != replicas {
            self.policies
                .iter_mut()
                .for_each(|(scaler, _)| scaler.done(now, proposal));
        }
        tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(60 * minute)
    }

    /// A target of 50%, four tasks. By hand: three minutes at 90% ask for ceil(4 x 90 / 50) = 8, and again each minute while
    /// eight tasks are still on their way; nothing is asked for above the target with as many as are wanted.
    #[test]
    fn three_minutes_above_the_target_scale_out() {
        let mut scaler = PolicyState::new(EcsPolicy::Target(TargetTracking {
            target: 50.0,
            ..TargetTracking::default()
        }));
        let mut desired = 4;
        let mut seen = Vec::new();
        for (k, (value, running)) in [(90.0, 4), (90.0, 4), (90.0, 4), (90.0, 4), (48.0, 8), (90.0, 8)]
            .into_iter()
            .enumerate()
        {
            let proposal = scaler.minute(minute(k as u64), Some(value), running, desired);
            if let EcsProposal::Out(tasks) = proposal {
                desired = tasks;
            }
            seen.push(proposal);
        }
        let stay = EcsProposal::Stay;
        assert_eq!(seen, [stay, stay, EcsProposal::Out(8), stay, stay, stay]);
    }

    /// Fifteen minutes below 45% scale in, then not again for five minutes; a missing point begins anew.
    #[test]
    fn fifteen_minutes_below_scale_in_at_most_every_five() {
        let mut scaler = PolicyState::new(EcsPolicy::Target(TargetTracking {
            target: 50.0,
            ..TargetTracking::default()
        }));
        let mut desired = 10;
        let mut changes = Vec::new();
        for k in 0..40 {
            let point = if k == 3 { None } else { Some(20.0) };
            let proposal = scaler.minute(minute(k), point, desired, desired);
            if let EcsProposal::In(tasks) = proposal {
                changes.push((k, tasks));
                desired = tasks;
                scaler.done(minute(k), proposal);
            }
        }
        // From the minute after the missing one: 4 to 18. 10 x 20 / 50 = 4, then 2, then 1.
        assert_eq!(changes, [(18, 4), (23, 2), (28, 1)]);
    }

    #[test]
    fn steps_grow_with_the_distance_and_wait_for_the_cooldown() {
        let step = StepScaling {
            threshold: 70.0,
            above: true,
            points: 2,
            steps: vec![(0.0, 1), (20.0, 3)],
            cooldown: SimDuration::from_secs(120),
        };
        let mut scaler = PolicyState::new(EcsPolicy::Step(step));
        let mut seen = Vec::new();
        for (k, value) in [75.0, 75.0, 95.0, 95.0, 60.0, 75.0].into_iter().enumerate() {
            let now = minute(k as u64);
            let proposal = scaler.minute(now, Some(value), 4, 4);
            scaler.done(now, proposal);
            seen.push(proposal);
        }
        let stay = EcsProposal::Stay;
        assert_eq!(seen, [stay, EcsProposal::Out(5), stay, EcsProposal::Out(7), stay, stay]);
    }

    #[test]
    fn one_policy_is_enough_to_grow_and_all_are_needed_to_shrink() {
        use EcsProposal::{In, Out, Stay};
        assert_eq!(together(&[In(2), Out(5), Out(7)]), Out(7));
        assert_eq!(together(&[In(2), Stay]), Stay);
        assert_eq!(together(&[In(2), In(3)]), In(3));
        assert_eq!(together(&[]), Stay);
    }
}
