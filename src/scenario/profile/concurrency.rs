//! The resources that requests share inside an instance of a measured framework if the scenario does not say.

use crate::assumption::{Assumption, Topic};
use crate::model::concurrency::{self, DetectedConcurrency};
use crate::model::profile::{FrameworkProfile, WarmRun};
use crate::scenario::file::instance::{InstanceSpec, Model};
use crate::units::MilliCpu;

/// More than one core.
const SEVERAL: f64 = 1.5;

/// The model that a profile shows at a CPU size, and what it was chosen by; `None` if the loops were not run.
///
/// How many waiting requests are worked on at a time comes from the nearest measured size, as servers choose their
/// workers by the CPUs they see; whether handlers use several cores from all sizes, as it shows only where there are
/// several.
pub(super) fn of(profile: &FrameworkProfile, cpu: MilliCpu) -> Option<(InstanceSpec, Assumption)> {
    let seen = profile.runs.iter().filter_map(|run| {
        let warm = run.warm.as_ref()?;
        Some((run.cpu, warm, concurrency::detect(warm)?))
    });
    let seen: Vec<(MilliCpu, &WarmRun, DetectedConcurrency)> = seen.collect();
    let cores = seen.iter().map(|(.., found)| found.cores).fold(0.0, f64::max);
    let &(at, warm, found) = seen.iter().min_by_key(|(at, ..)| at.0.abs_diff(cpu.0))?;
    let several = cores >= SEVERAL;
    let workers = found.waiting.map(|workers| (workers.round() as u32).max(1));
    let model = match (workers, several) {
        (None, false) => Model::EventLoop,
        (None, true) => Model::Coroutines,
        (Some(_), true) => Model::Prefork,
        (Some(_), false) => Model::LockedThreads,
    };
    let spec = InstanceSpec {
        model,
        workers,
        processes: None,
        cfs_period: None,
    };
    let tried = warm.parallel_io.last().map_or(0, |pair| pair.0);
    let label = DetectedConcurrency { cores, ..found }.label();
    let workers = workers.map_or(String::new(), |workers| format!(" with {workers} workers"));
    Some((
        spec,
        Topic::Concurrency.large(format!(
            "{}: requests inside an instance share it by the model `{}`{workers}, as measured at {} vCPU with up to {tried} at a \
             time ({label})",
            profile.name,
            model.name(),
            at.as_vcpu()
        )),
    ))
}
