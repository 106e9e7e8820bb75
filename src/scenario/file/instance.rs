//! `[instance]`: what the requests inside one instance share.

use serde::Deserialize;

use super::discipline::{DisciplineSpec, Served};
use crate::assumption::{Assumption, Topic};
use crate::model::dist::Dist;
use crate::sim::platform::Shape;
use crate::sim::setup::{CpuLimit, Inside};
use crate::units::SimDuration;

/// `[instance]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstanceSpec {
    /// How the server handles concurrent requests.
    pub model: Model,
    /// Requests that are worked on at a time, waits included: workers or threads.
    pub workers: Option<u32>,
    /// Processes with an event loop each.
    pub processes: Option<u32>,
    /// Period of the CPU quota; default: a smooth limit.
    pub cfs_period: Option<SimDuration>,
    /// The order of service of requests that meet; default: that of the model.
    pub discipline: Option<DisciplineSpec>,
}

/// How a server handles concurrent requests inside one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// They share nothing: each takes its own time, however many there are.
    Independent,
    /// One thread runs all handlers: a request holds the CPU until it waits.
    EventLoop,
    /// Several processes, an event loop in each.
    PreforkEventLoop,
    /// Many tasks share the cores; waits overlap.
    Coroutines,
    /// A pool of threads that share the cores, one request on each.
    ThreadPool,
    /// A pool of threads of which one at a time computes.
    LockedThreads,
    /// Worker processes that share the cores, one request in each.
    Prefork,
}

impl Model {
    /// The name as scenarios write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::EventLoop => "event-loop",
            Self::PreforkEventLoop => "prefork-event-loop",
            Self::Coroutines => "coroutines",
            Self::ThreadPool => "thread-pool",
            Self::LockedThreads => "locked-threads",
            Self::Prefork => "prefork",
        }
    }
}

impl InstanceSpec {
    /// Everything that is wrong with it on a platform of this shape.
    pub fn problems(&self, shape: &Shape) -> Vec<String> {
        let mut problems = Vec::new();
        if shape.concurrency <= 1 && self.shares() {
            problems.push(
                "[instance] has nothing to share: give the platform a `concurrency` above 1 where it has that key; without \
                 it an instance serves one request at a time"
                    .into(),
            );
        }
        let (pool, loops) = (self.is_pool(), self.model == Model::PreforkEventLoop);
        for (key, value, wanted) in [("workers", self.workers, pool), ("processes", self.processes, loops)] {
            match value {
                Some(0) => problems.push(format!("`instance.{key}` must be at least 1")),
                None if wanted => problems.push(format!("`instance.{key}` is missing: say how many")),
                Some(_) if !wanted => problems.push(format!("`instance.{key}` has no meaning with this model")),
                _ => {}
            }
        }
        if self.cfs_period.is_some() && !self.shares() {
            problems.push("`instance.cfs-period` has no meaning with this model".into());
        }
        problems.extend(self.discipline.and_then(|discipline| discipline.problem()));
        if self.discipline.is_some() && !self.shares() {
            problems.push("`instance.discipline` has no meaning with this model".into());
        }
        if self.discipline.is_some() && self.cfs_period.is_some() {
            problems.push(
                "give either `instance.discipline` or `instance.cfs-period`: turns are served under a smooth limit"
                    .into(),
            );
        }
        if self.cfs_period == Some(SimDuration::ZERO) {
            problems.push("`instance.cfs-period` must be above 0; Linux has 100ms".into());
        }
        problems
    }

    fn is_pool(&self) -> bool {
        matches!(self.model, Model::ThreadPool | Model::LockedThreads | Model::Prefork)
    }

    /// Returns true if requests share resources.
    pub fn shares(&self) -> bool {
        self.model != Model::Independent
    }

    /// Returns the model for the simulator if requests share resources. `overhead_cpu` is the CPU time of the overhead
    /// of the framework.
    pub fn inside(&self, shape: &Shape, overhead_cpu: SimDuration) -> Inside {
        let whole_cores = shape.cpu.0.div_ceil(1000).max(1);
        let loops = self.processes.unwrap_or(1);
        let (turns, cores) = match self.model {
            Model::EventLoop => (Some(1), 1),
            Model::PreforkEventLoop => (Some(loops), loops),
            Model::LockedThreads => (None, 1),
            Model::Independent | Model::Coroutines | Model::ThreadPool | Model::Prefork => (None, whole_cores),
        };
        let (turns, discipline) = match self.discipline.map(|discipline| discipline.on(cores)) {
            None => (turns, None),
            Some(Served::InOrder(turns)) => (Some(turns), None),
            Some(Served::Shared) => (None, None),
            Some(Served::InTurns(discipline)) => (None, Some(discipline)),
        };
        Inside {
            workers: self.workers,
            turns,
            discipline,
            cpu: CpuLimit {
                quota: shape.cpu,
                cores,
                period: self.cfs_period,
            },
            overhead_cpu,
            boost: shape.boost.map(|boost| {
                let boosted = self.inside(
                    &Shape {
                        cpu: boost.cpu,
                        boost: None,
                        ..*shape
                    },
                    overhead_cpu,
                );
                (boosted.cpu, boost.lasts)
            }),
        }
    }

    /// In words, for the assumptions.
    pub fn assumptions(&self) -> Vec<Assumption> {
        if !self.shares() {
            return vec![
                Topic::Concurrency.factor("requests inside an instance take their own time, however many there are"),
            ];
        }
        vec![
            match self.discipline {
                None => Topic::Concurrency.large(
                    "inside an instance requests need the CPU first, which they share equally or which event loops hold in order of \
                     arrival, and wait afterwards",
                ),
                Some(_) => Topic::Concurrency.small("inside an instance requests need the CPU first, and wait afterwards"),
            },
            match self.cfs_period {
                None => Topic::Concurrency.small("the CPU limit of an instance is smooth"),
                Some(period) => Topic::Concurrency.note(format!("the CPU quota of an instance is given out every {period}, as Linux does")),
            },
        ]
    }
}

/// The overhead of an empty handler that is not CPU: what is left of each measured time.
pub fn without_cpu(overhead: &Dist, cpu_time: SimDuration) -> Dist {
    let rest = match overhead {
        Dist::Empirical(values) => Dist::empirical(values.iter().map(|value| value.saturating_sub(cpu_time)).collect()),
        _ => None,
    };
    rest.unwrap_or_else(|| overhead.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::platform::{PlatformKind, fixed};
    use crate::units::MilliCpu;

    fn shape(concurrency: u32, cpu: u32) -> Shape {
        let spec = fixed::FixedSpec {
            concurrency,
            cpu: MilliCpu(cpu),
            ..fixed::FixedSpec::default()
        };
        spec.shape()
    }

    fn spec(text: &str) -> InstanceSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn models_become_workers_turns_and_cores() {
        let of = |text: &str| {
            let inside = spec(text).inside(&shape(100, 1500), SimDuration::ZERO);
            (inside.workers, inside.turns, inside.cpu.cores)
        };
        assert_eq!(of("model = 'event-loop'"), (None, Some(1), 1));
        assert_eq!(of("model = 'prefork-event-loop'\nprocesses = 3"), (None, Some(3), 3));
        assert_eq!(of("model = 'coroutines'"), (None, None, 2));
        assert_eq!(of("model = 'thread-pool'\nworkers = 200"), (Some(200), None, 2));
        assert_eq!(of("model = 'locked-threads'\nworkers = 4"), (Some(4), None, 1));
        assert_eq!(of("model = 'prefork'\nworkers = 5"), (Some(5), None, 2));
    }

    #[test]
    fn what_has_no_meaning_is_a_problem() {
        let problems = |text: &str, concurrency| spec(text).problems(&shape(concurrency, 1000)).len();
        assert_eq!(problems("model = 'event-loop'", 100), 0);
        assert_eq!(problems("model = 'event-loop'", 1), 1);
        assert_eq!(problems("model = 'event-loop'\nworkers = 3", 100), 1);
        assert_eq!(problems("model = 'prefork'", 100), 1);
        assert_eq!(problems("model = 'prefork'\nworkers = 0", 100), 1);
        assert_eq!(
            problems("model = 'prefork-event-loop'\nprocesses = 2\ncfs-period = '0s'", 100),
            1
        );
    }
}
