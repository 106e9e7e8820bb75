//! A measured framework as an instance of the simulator, with everything that is assumed on the way.

use std::collections::BTreeMap;

use super::memory::Room;
use super::overhead::{self, Overhead};
use super::units::Units;
use super::work::{Handler, HandlerTime};
use super::{EMPTY_ROUTE, Law, Sized, Wanted, at_size, concurrency, function, quality};
use crate::assumption::{Assumption, Topic};
use crate::cost::meter::MemoryLine;
use crate::model::dist::Dist;
use crate::model::profile::{FrameworkProfile, MeasuredConfig, Redraw};
use crate::scenario::file::instance::{InstanceSpec, without_cpu};
use crate::scenario::file::work::{CpuSpec, Work};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::sim::platform::{PlatformKind, Shape};
use crate::sim::setup::{CodeWarmUpCurve, ColdModel, IdleCost, Inside, ServiceTime};
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// An instance of a framework.
pub(in crate::scenario) struct Instance {
    /// Service time of a warm request.
    pub(in crate::scenario) warm: ServiceTime,
    /// The extra cost of its first requests.
    pub(in crate::scenario) code_warm_up: Option<CodeWarmUpCurve>,
    /// The further cost of a request to an instance that has had nothing to do.
    pub(in crate::scenario) idle_cost: Option<IdleCost>,
    /// Its starts.
    pub(in crate::scenario) cold: ColdModel,
    /// The most requests in flight for which it has memory; `None`: any number.
    pub(in crate::scenario) most_in_flight: Option<u32>,
    /// The resources that its requests share; `None`: nothing.
    pub(in crate::scenario) inside: Option<Inside>,
    /// Its memory by requests in flight, where that was measured.
    pub(in crate::scenario) memory: Option<MemoryLine>,
    /// Bytes of its image, compressed and unpacked, where that was measured.
    pub(in crate::scenario) image: Option<(u64, u64)>,
    /// The origin of its figures: `measured 2026-11-23`, or `inline`.
    pub(in crate::scenario) source: String,
}

/// The question to a measured framework.
pub(in crate::scenario) struct Measured<'a> {
    /// The platform.
    pub(in crate::scenario) platform: &'a dyn PlatformKind,
    /// The resources and limits of each instance of the service.
    pub(in crate::scenario) shape: &'a Shape,
    /// True if a CPU size between measured ones will do.
    pub(in crate::scenario) interpolate: bool,
    /// The resources that requests share inside an instance, if the scenario says so.
    pub(in crate::scenario) inside: Option<InstanceSpec>,
    /// The handler's own work.
    pub(in crate::scenario) work: Option<&'a Work>,
    /// The profile of the framework that the work is compared with, where it is.
    pub(in crate::scenario) like: Option<&'a FrameworkProfile>,
    /// The draw of measurements; `None`: as measured.
    pub(in crate::scenario) redraw: Option<Redraw>,
    /// Files that distributions name.
    pub(in crate::scenario) files: Files<'a>,
}

impl Measured<'_> {
    /// The share of a core that one request can have: a handler runs on one thread and gains nothing above one vCPU.
    fn share(&self) -> f64 {
        self.shape.cpu.as_vcpu().min(1.0)
    }
}

/// An instance of a measured framework.
///
/// # Errors
/// A sentence that says what was not measured or does not fit, and the way out.
pub(in crate::scenario) fn instance(
    profile: &FrameworkProfile,
    asked: &Measured<'_>,
) -> Result<Found<Instance>, String> {
    if let Some(found) = function::instance(profile, asked)? {
        return Ok(found);
    }
    let name = &profile.name;
    let sized = at_size(
        profile,
        &Wanted {
            cpu: asked.shape.cpu,
            memory: asked.shape.memory,
            interpolate: asked.interpolate,
            boosted: asked.platform.boosts_start(),
            memory_for: &|cpu| asked.platform.memory_for(cpu),
        },
    )?;
    let mut findings = Findings::default();
    let most_in_flight = findings.take(memory(profile, &sized, asked.shape)?);
    let shared = findings.take(shared(profile, asked));
    if let Some(law) = &sized.law {
        findings.assume_all(interpolated(name, law, asked, shared.is_some()));
    }
    findings.assume_all(measured_how(profile, &sized, asked.platform));
    findings.assume_all(doubts(profile, asked.shape.cpu, sized.law.as_ref()));
    // Where requests share the CPU, the engine stretches their CPU time.
    let share = if shared.is_some() { 1.0 } else { asked.share() };
    let handler = Handler {
        framework: name,
        units: Units::on(profile, &sized.cpu_ms),
        like: asked.like.map(|other| (Units::measured(profile), other)),
        redraw: asked.redraw,
        share,
        files: asked.files,
    };
    let HandlerTime { cpu, wait, cpu_ms } = findings.take(handler.time(asked.work)?);
    let beside = Overhead::of(profile, &sized.cpu_ms, cpu_ms);
    findings.assume(beside.map_or_else(|| overhead::unknown(name), |beside| beside.assumption(name)));
    let after_work_ms = beside.map_or(0.0, |beside| beside.after_work_ms);
    let mut overhead = longer(
        sized.overhead,
        SimDuration::from_millis_f64(after_work_ms / asked.share()),
    );
    let mut inside = None;
    if let Some(shared) = shared {
        let overhead_ms = sized.cpu_ms.get(EMPTY_ROUTE).copied().unwrap_or(0.0);
        let overhead_cpu = SimDuration::from_millis_f64(overhead_ms + after_work_ms);
        overhead = without_cpu(&overhead, overhead_cpu.scale(1.0 / asked.share()));
        inside = Some(shared.inside(asked.shape, overhead_cpu));
    }
    let instance = Instance {
        warm: ServiceTime::Parts { overhead, cpu, wait },
        code_warm_up: sized.code_warm_up.curve(),
        idle_cost: beside.and_then(|beside| beside.idle_cost(share)),
        cold: ColdModel::Measured(sized.cold.into()),
        most_in_flight,
        inside,
        memory: sized.memory.line(),
        image: profile.image.compressed_bytes.zip(profile.image.unpacked_bytes),
        source: format!("measured {}", profile.measured_on()),
    };
    Ok((instance, findings))
}

/// A measured overhead with the same time added to each value.
fn longer(overhead: Dist, by: SimDuration) -> Dist {
    match overhead {
        Dist::Empirical(values) => Dist::Empirical(values.iter().map(|value| *value + by).collect()),
        other => other,
    }
}

/// The assumptions that come with the way in which a framework was measured.
fn measured_how(profile: &FrameworkProfile, sized: &Sized, platform: &dyn PlatformKind) -> Vec<Assumption> {
    let name = &profile.name;
    let mut assumptions = vec![
        Topic::Work.small(
            "an empty handler costs what /healthz was measured to take with one request in flight, without the network round \
             trip",
        ),
        Topic::ColdStart.note("a cold start is one measured start with its phases together"),
        sized.code_warm_up.assumption(name),
    ];
    if profile.runs.iter().any(MeasuredConfig::is_cpu_alone) {
        assumptions.push(Topic::Work.large(format!(
            "CPU time per request of {name} was measured with one request at a time, which costs more than under load"
        )));
    }
    assumptions.extend(quality::assumptions(profile));
    if profile.is_of_processes() {
        assumptions.push(Topic::ColdStart.large(format!(
            "{name} was measured as processes, without containers: creating an environment is not in its cold starts, \
             which are lower bounds"
        )));
        assumptions.push(Topic::ColdStart.note(format!(
            "the measured time of {name} from process start to listening socket stands for initialisation"
        )));
    } else {
        assumptions.extend(platform.profile_assumptions(name, sized.starts));
    }
    assumptions
}

/// The reasons to doubt the CPU time per request of the sizes that were used.
fn doubts(profile: &FrameworkProfile, cpu: MilliCpu, law: Option<&Law>) -> Vec<Assumption> {
    let used = |run: &&MeasuredConfig| law.map_or(run.cpu == cpu, |law| law.sizes.contains(&run.cpu));
    let doubts = profile.runs.iter().filter(used).flat_map(|run| {
        let place = format!("{} at {} vCPU", profile.name, run.cpu.as_vcpu());
        run.doubts()
            .into_iter()
            .map(move |doubt| Topic::Work.large(format!("{place}: {doubt}")))
    });
    doubts.collect()
}

/// Returns the resources that requests share inside an instance: as the scenario says, or as measured if an instance
/// has several requests at a time; `None`: nothing.
fn shared(profile: &FrameworkProfile, asked: &Measured<'_>) -> Found<Option<InstanceSpec>> {
    let mut findings = Findings::default();
    let chosen = match asked.inside {
        Some(inside) => Some(inside),
        None if asked.shape.concurrency <= 1 => None,
        None => {
            let measured = concurrency::of(profile, asked.shape.cpu);
            if measured.is_none() {
                findings.assume(Topic::Concurrency.factor(format!(
                    "{}: requests inside an instance take their own time, however many there are: what they share was not \
                     measured; [instance] says it",
                    profile.name
                )));
            }
            measured.map(|(inside, assumptions)| {
                findings.assume_all(assumptions);
                findings.assume_all(inside.assumptions());
                inside
            })
        }
    };
    (chosen.filter(InstanceSpec::shares), findings)
}

/// The most requests in flight for which an instance has memory; `None`: any number.
fn memory(profile: &FrameworkProfile, sized: &Sized, shape: &Shape) -> Result<Found<Option<u32>>, String> {
    let name = &profile.name;
    let mut findings = Findings::default();
    let limit = shape.memory.unwrap_or(sized.warm_memory);
    let concurrency = shape.concurrency;
    let room = sized.memory.room(limit, concurrency);
    let room = room.map_err(|problem| format!("{name} needs more memory than {limit}: {problem}"))?;
    if profile.is_of_processes() {
        findings.assume(Topic::Memory.small(format!(
            "{name} was measured as processes of a host, without a memory limit; under {limit} the same times are assumed"
        )));
    } else {
        findings.assume_all(under_limits(limit, sized));
    }
    if concurrency <= 1 {
        return Ok((None, findings));
    }
    let mib = |bytes: Option<f64>| bytes.unwrap_or_default() / 1_048_576.0;
    let line = format!(
        "{:.1} MiB of anonymous memory with one request in flight and {:.3} MiB for each further one, measured up to {}",
        mib(sized.memory.at_one),
        mib(sized.memory.growth),
        sized.memory.seen
    );
    let (most, assumption) = match room {
        Room::Enough => (
            None,
            Topic::Memory.note(format!(
                "{name}: under {limit} an instance has memory for all {concurrency} requests at a time ({line})"
            )),
        ),
        Room::AtMost(most) => (
            Some(most),
            Topic::Memory.factor(format!(
                "{name}: under {limit} an instance with more than {most} requests in flight is killed ({line})"
            )),
        ),
        Room::Unknown => (
            None,
            Topic::Memory.large(format!(
                "{name}: no instance is killed for want of memory: its growth with requests in flight was not measured, or lies \
                 within noise"
            )),
        ),
    };
    findings.assume(assumption);
    Ok((most, findings))
}

/// How a size between measured ones came about. Of the routes those that are used are told.
fn interpolated(name: &str, law: &Law, asked: &Measured<'_>, shares: bool) -> Vec<Assumption> {
    let percent = |share: f64| format!("{:.0}%", 100.0 * share);
    let mut misses = vec![
        format!("{} in a phase of a start", percent(law.start_miss)),
        format!("{} in an empty handler", percent(law.overhead_miss)),
    ];
    let mut routes: BTreeMap<&str, f64> = BTreeMap::new();
    let mut used = |route: &str| routes.extend(law.cpu_misses.get_key_value(route).map(|(k, v)| (k.as_str(), *v)));
    if shares {
        used(EMPTY_ROUTE);
    }
    if let Some(CpuSpec::Units(_)) = asked.work.and_then(|work| work.cpu.as_ref()) {
        used("items");
    }
    misses.extend(
        routes
            .iter()
            .map(|(route, miss)| format!("{} in the CPU time of /{route}", percent(*miss))),
    );
    misses.extend(law.warm_up_miss.map(|miss| format!("{} in the warm-up", percent(miss))));
    let sizes: Vec<String> = law.sizes.iter().map(|cpu| cpu.as_vcpu().to_string()).collect();
    let (cpu, nearest) = (asked.shape.cpu.as_vcpu(), law.nearest.as_vcpu());
    let same = if law.warm_up_miss.is_some() {
        "memory is"
    } else {
        "memory and warm-up are"
    };
    vec![
        Topic::Profile.large(format!(
            "{name} at {cpu} vCPU is interpolated from {} vCPU: times follow the law T = a + b/cpu, which misses the measured \
             medians by at most {}",
            sizes.join(", "),
            misses.join(", "),
        )),
        Topic::Profile.small(format!(
            "{name} at {cpu} vCPU has the starts that were measured at {nearest} vCPU, scaled by that law; its {same} as measured \
             there"
        )),
    ]
}

/// Under which memory limits was measured what is used at `memory`, unless it was all measured there.
fn under_limits(memory: MemoryMib, sized: &Sized) -> Option<Assumption> {
    let (cold, warm) = (sized.cold_memory, sized.warm_memory);
    if cold == memory && warm == memory {
        None
    } else if cold == warm {
        Some(Topic::Memory.small(format!(
            "profiles were measured under a memory limit of {cold}; at {memory} the same times are assumed"
        )))
    } else {
        Some(Topic::Memory.small(format!(
            "cold starts were measured under a memory limit of {cold}, warm requests under {warm}; at {memory} the same times are \
             assumed"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::{self, Settling, SettlingEnd};

    #[test]
    fn a_runtime_that_did_not_settle_is_told_at_the_sizes_that_are_used() {
        let mut profile = profile::parse(include_str!("../../../tests/data/synthetic-profile.json")).unwrap();
        let with_warm = |run: &&mut MeasuredConfig| run.warm.is_some();
        let run = profile.runs.iter_mut().find(with_warm).unwrap();
        let cpu = run.cpu;
        run.warm.as_mut().unwrap().settling = Some(Settling {
            rounds: 200,
            counted_from: 176,
            seconds: 120.0,
            end: SettlingEnd::TimeUp,
        });
        let told = doubts(&profile, cpu, None);
        let text = told[0].text.as_str();
        assert!(
            told.len() == 1 && text.contains("had not settled after 120 s"),
            "{text}"
        );
        assert!(doubts(&profile, MilliCpu(cpu.0 + 1), None).is_empty());
    }
}
