//! The resources that requests share inside an instance of a measured framework if the scenario does not say, and the order in which
//! they are served.

use crate::assumption::{Assumption, Topic};
use crate::model::concurrency::{self, DetectedConcurrency};
use crate::model::discipline::{self, Discipline};
use crate::model::profile::{FrameworkProfile, WarmRun};
use crate::scenario::file::instance::{InstanceSpec, Model};
use crate::units::MilliCpu;

/// The distance of the response times of the chosen order of service from the measured ones from which it is told first.
const MISFIT_TOLD: f64 = 0.15;
/// More than one core.
const SEVERAL: f64 = 1.5;

/// The model that a profile shows at a CPU size, and what it was chosen by; `None` if the loops were not run.
///
/// How many waiting requests are worked on at a time comes from the nearest measured size, as servers choose their
/// workers by the CPUs they see; whether handlers use several cores from all sizes, as it shows only where there are
/// several.
pub(super) fn of(profile: &FrameworkProfile, cpu: MilliCpu) -> Option<(InstanceSpec, Vec<Assumption>)> {
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
    let discipline = order_of_service(profile, cpu);
    let spec = InstanceSpec {
        model,
        workers,
        processes: None,
        cfs_period: None,
        discipline: discipline.as_ref().map(|found| found.order.into()),
    };
    let tried = warm.parallel_io.last().map_or(0, |pair| pair.0);
    let label = DetectedConcurrency { cores, ..found }.label();
    let workers = workers.map_or(String::new(), |workers| format!(" with {workers} workers"));
    let mut assumptions = vec![
        Topic::Concurrency.large(format!(
            "{}: requests inside an instance share it by the model `{}`{workers}, as measured at {} vCPU with up to {tried} at a \
             time ({label})",
            profile.name,
            model.name(),
            at.as_vcpu()
        )),
    ];
    assumptions.extend(discipline.map(|found| served(&profile.name, cpu, &found)));
    Some((spec, assumptions))
}

/// The order of service that the response curve measured nearest to a CPU size shows; `None` without a curve.
fn order_of_service(profile: &FrameworkProfile, cpu: MilliCpu) -> Option<Discipline> {
    let warm = profile
        .runs
        .iter()
        .filter_map(|run| Some((run.cpu, run.warm.as_ref()?)));
    let (_, warm) = warm
        .filter(|(_, warm)| !warm.responses.is_empty())
        .min_by_key(|(at, _)| at.0.abs_diff(cpu.0))?;
    discipline::choose(warm)
}

/// The assumption behind an order of service.
fn served(name: &str, cpu: MilliCpu, found: &Discipline) -> Assumption {
    let alike = match found.alike.is_empty() {
        true => String::new(),
        false => format!("; not told apart from: {}", found.alike.join("; ")),
    };
    let several = match cpu.0 > 1000 {
        true => "; it was measured on one core, and turns are not modelled on several",
        false => "",
    };
    let text = format!(
        "requests that meet at {name} are served {}, which its response times under load show best (they differ by {:.0}%){alike}{several}",
        found.name,
        100.0 * found.misfit
    );
    match found.misfit > MISFIT_TOLD {
        true => Topic::Concurrency.large(text),
        false => Topic::Concurrency.small(text),
    }
}
