//! The framework's overhead of a request beside its work. A busy server pays the least; one that has had nothing to do is woken,
//! and others have filled its caches meanwhile (`model::overhead`, the gap law). After real work the caches are cold as well.
//!
//! The laws were measured under one CPU limit, on `/json` and on `/cpu?ms=5`. Other CPU sizes have them in proportion to what
//! `/healthz` costs there. Between no work and 5 ms the laws are mixed in proportion to the work; more work is as 5 ms.

use std::collections::BTreeMap;

use super::EMPTY_ROUTE;
use crate::assumption::{Assumption, Topic};
use crate::model::overhead;
use crate::model::profile::{FrameworkProfile, MeasuredConfig, RouteRun, WarmRun};
use crate::sim::setup::IdleCost;
use crate::stats::gap_law::GapLaw;
use crate::units::SimDuration;

/// The work of `/cpu?ms=5` in milliseconds.
const WORK_MS: f64 = 5.0;
/// The misfit of a law from which it is told.
const TOLD: f64 = 0.15;

/// The overhead of a request, in milliseconds of CPU time at one vCPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Overhead {
    /// The cost on a busy server beyond that of an empty handler, because work has filled the caches.
    pub(super) after_work_ms: f64,
    /// The further cost after a long gap.
    idle_ms: f64,
    /// The time constant in seconds.
    tau: f64,
    /// The largest distance of the laws from what was measured, as a share.
    misfit: f64,
}

impl Overhead {
    /// The overhead beside a handler with `work_ms` of CPU time, on an instance whose routes take `cpu_ms`; `None` if it was not
    /// measured at several rates.
    pub(super) fn of(profile: &FrameworkProfile, cpu_ms: &BTreeMap<String, f64>, work_ms: f64) -> Option<Self> {
        let (run, warm) = measured_at_rates(profile)?;
        let vcpu = run.cpu.as_vcpu();
        let empty = overhead::of_json(warm, vcpu)?;
        let worked = overhead::after_work(warm, vcpu);
        let there = warm
            .routes
            .get(EMPTY_ROUTE)
            .map(RouteRun::cpu_per_request)
            .and_then(mean);
        let here = cpu_ms.get(EMPTY_ROUTE).copied();
        let scale = here.zip(there).map_or(1.0, |(here, there)| here / there);
        let share = (work_ms / WORK_MS).clamp(0.0, 1.0);
        let mix = |of: fn(&GapLaw) -> f64, less: f64| {
            let (empty, worked) = (of(&empty), worked.as_ref().map(|law| of(law) - less));
            empty + share * (worked.unwrap_or(empty) - empty)
        };
        Some(Self {
            after_work_ms: scale * (mix(|law| law.busy, WORK_MS) - empty.busy).max(0.0),
            idle_ms: scale * mix(|law| law.wake, 0.0).max(0.0),
            tau: mix(|law| law.tau, 0.0),
            misfit: worked.map_or(empty.misfit, |law| law.misfit.max(empty.misfit)),
        })
    }

    /// The cost of a gap on an instance, stretched by `1 / share` where one request has that share of a core.
    pub(super) fn idle_cost(&self, share: f64) -> Option<IdleCost> {
        let most = SimDuration::from_millis_f64(self.idle_ms / share);
        (most > SimDuration::ZERO && self.tau > 0.0).then(|| IdleCost {
            most,
            tau: SimDuration::from_millis_f64(1e3 * self.tau),
        })
    }

    /// The assumption behind it.
    pub(super) fn assumption(&self, name: &str) -> Assumption {
        let text = format!(
            "a request to {name} costs up to {:.2} ms more CPU if the instance had nothing to do before it (time constant {:.1} ms), and \
             {:.2} ms more after real work than under load without work, as measured at several rates; the law misses them by at most {:.0}%",
            self.idle_ms,
            1e3 * self.tau,
            self.after_work_ms,
            100.0 * self.misfit
        );
        match self.misfit > TOLD {
            true => Topic::Work.large(text),
            false => Topic::Work.small(text),
        }
    }
}

/// The assumption of a profile that was not measured at several rates.
pub(super) fn unknown(name: &str) -> Assumption {
    Topic::Work.large(format!(
        "the overhead of {name} is that of a busy server: it was not measured at several rates. A server that has slept costs several \
         times as much for each request"
    ))
}

fn measured_at_rates(profile: &FrameworkProfile) -> Option<(&MeasuredConfig, &WarmRun)> {
    let runs = profile.runs.iter().filter_map(|run| Some((run, run.warm.as_ref()?)));
    runs.filter(|(_, warm)| !warm.rates.is_empty())
        .min_by_key(|(run, _)| run.cpu.0.abs_diff(1000))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::{self, CPU_5MS, JSON, RateRun};

    /// The profile of a made-up framework with the CPU time per request of a real Gin at four rates, without work and after 5 ms.
    fn profile() -> FrameworkProfile {
        let mut profile = profile::parse(include_str!("../../../tests/data/synthetic-profile.json")).unwrap();
        let reference = profile.runs.iter_mut().filter(|run| run.warm.is_some());
        let warm = reference
            .min_by_key(|run| run.cpu.0.abs_diff(1000))
            .unwrap()
            .warm
            .as_mut()
            .unwrap();
        for route in warm.routes.values_mut() {
            route.cpu_loaded_ms = vec![0.022; 12];
        }
        let run = |route: &str, rate: f64, cpu_ms: f64| RateRun {
            route: route.into(),
            rate,
            seconds: 12.0,
            requests: (12.0 * rate) as u64,
            errors: 0,
            cpu_ms: vec![cpu_ms; 4],
            latency_ms: vec![],
            latency_mean_ms: None,
            late_share: 0.0,
        };
        warm.rates = [(10.0, 0.251), (60.0, 0.226), (250.0, 0.162), (1000.0, 0.085)]
            .map(|(rate, cpu_ms)| run(JSON, rate, cpu_ms))
            .into();
        warm.rates.extend(
            [(10.0, 6.0), (60.0, 5.81), (120.0, 5.40), (160.0, 5.29)].map(|(rate, cpu_ms)| run(CPU_5MS, rate, cpu_ms)),
        );
        profile
    }

    #[test]
    fn overhead_grows_with_work_and_with_the_gap() {
        let profile = profile();
        let at = |work_ms: f64| Overhead::of(&profile, &BTreeMap::new(), work_ms).unwrap();
        let (empty, some, much, more) = (at(0.0), at(2.5), at(5.0), at(50.0));
        assert_eq!((empty.after_work_ms, much), (0.0, more));
        assert!((0.15..0.3).contains(&empty.idle_ms), "{empty:?}");
        assert!(
            0.0 < some.after_work_ms && some.after_work_ms < much.after_work_ms && much.after_work_ms < 0.4,
            "{much:?}"
        );
        let cost = empty.idle_cost(0.5).unwrap();
        assert!((cost.most.as_millis_f64() - 2.0 * empty.idle_ms).abs() < 1e-5);
        assert!(empty.assumption("gin").text.contains("gin costs up to 0.2"));
    }

    #[test]
    fn other_sizes_have_it_in_proportion() {
        let profile = profile();
        let slow = BTreeMap::from([(EMPTY_ROUTE.to_string(), 0.044)]);
        let (here, there) = (
            Overhead::of(&profile, &slow, 0.0),
            Overhead::of(&profile, &BTreeMap::new(), 0.0),
        );
        assert!((here.unwrap().idle_ms / there.unwrap().idle_ms - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_profile_without_rates_has_no_law() {
        let profile = profile::parse(include_str!("../../../tests/data/synthetic-profile.json")).unwrap();
        assert_eq!(Overhead::of(&profile, &BTreeMap::new(), 0.0), None);
    }
}
