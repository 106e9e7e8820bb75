//! A function of AWS Lambda, as the platform itself reported its invocations: an instance without any knowledge of CPU time.

use super::{Instance, Measured};
use crate::assumption::{Assumption, Topic};
use crate::model::dist::Dist;
use crate::model::profile::{FrameworkProfile, FunctionRun, FunctionStart, StartCause};
use crate::scenario::findings::{Findings, Found};
use crate::sim::setup::{ColdModel, ColdStart, ServiceTime};
use crate::stats::order;
use crate::units::{MemoryMib, SimDuration};

/// The fewest starts that are not told.
const FEW: usize = 10;

/// The instance of a function; `None` if the profile has none.
///
/// # Errors
/// A sentence that says what the reports do not hold, and the way out.
pub(super) fn instance(profile: &FrameworkProfile, asked: &Measured<'_>) -> Result<Option<Found<Instance>>, String> {
    let name = &profile.name;
    if profile.functions.is_empty() {
        return Ok(None);
    }
    if asked.platform.environment().is_none() {
        return Err(format!(
            "the profile of {name} holds what AWS Lambda reported, which says nothing about CPU time or several requests at a time: \
             measure its image for this platform (`coldcast measure docker --image IMAGE --name {name}`)"
        ));
    }
    let run = of_size(profile, asked.shape.memory)?;
    let warm = order::sorted(run.warm_ms.iter().copied());
    let Some(median) = order::quantile(&warm, 0.5) else {
        return Err(format!(
            "the profile of {name} at {} has no invocation of a warm environment: give logs of a longer time",
            run.memory
        ));
    };
    // Starts at the same time are another distribution than starts one by one.
    let one_by_one = || run.waited().filter(|start| start.cause != StartCause::Burst);
    let used: Vec<&FunctionStart> = match one_by_one().next() {
        Some(_) => one_by_one().collect(),
        None => run.waited().collect(),
    };
    let starts: Vec<ColdStart> = used.iter().filter_map(|start| cold(start, median)).collect();
    let environments: Vec<SimDuration> = used
        .iter()
        .filter_map(|start| start.environment_ms.map(SimDuration::from_millis_f64))
        .collect();
    if starts.is_empty() {
        return Err(format!(
            "the profile of {name} at {} has no start whose time is known: give logs that hold starts (`Init Duration`)",
            run.memory
        ));
    }
    if run.restores() && asked.platform.restore().is_none() {
        return Err(format!(
            "environments of {name} were restored from snapshots: say so in the scenario (`snap-start`), or give logs without"
        ));
    }
    let mut findings = Findings::default();
    findings.assume_all(assumptions(profile, run, starts.len(), asked));
    let durations: Vec<SimDuration> = run.warm_ms.iter().map(|ms| SimDuration::from_millis_f64(*ms)).collect();
    let instance = Instance {
        warm: ServiceTime::Whole(Dist::Empirical(durations.into())),
        code_warm_up: None,
        idle_cost: None,
        // The time of an environment, where it was measured; else that of the platform.
        cold: match environments.is_empty() {
            true => ColdModel::Measured(starts.into()),
            false => ColdModel::Placed {
                environment: Dist::Empirical(environments.into()),
                starts: starts.into(),
            },
        },
        most_in_flight: None,
        inside: None,
        memory: None,
        image: None,
        source: format!("{} {}", how(profile), profile.measured_on()),
    };
    Ok(Some((instance, findings)))
}

fn how(profile: &FrameworkProfile) -> &'static str {
    match profile.provenance.backend.as_str() {
        "lambda-logs" => "logged",
        "lambda-emulator" => "emulated",
        _ => "measured on Lambda",
    }
}

fn of_size(profile: &FrameworkProfile, memory: Option<MemoryMib>) -> Result<&FunctionRun, String> {
    let found = profile.functions.iter().find(|run| Some(run.memory) == memory);
    found.ok_or_else(|| {
        let sizes: Vec<String> = profile.functions.iter().map(|run| run.memory.to_string()).collect();
        format!(
            "{} ran with {}, not with {}: what another size would do to its times is not known",
            profile.name,
            sizes.join(", "),
            memory.map_or_else(|| "an unknown memory".to_string(), |memory| memory.to_string())
        )
    })
}

/// A start with the further cost of its first request; `None` if its time is not known.
fn cold(start: &FunctionStart, warm_ms: f64) -> Option<ColdStart> {
    let init_ms = start.restore_ms.or(start.init_ms)?;
    Some(ColdStart {
        sandbox: SimDuration::ZERO,
        init: SimDuration::from_millis_f64(init_ms),
        first_request: SimDuration::from_millis_f64((start.duration_ms - warm_ms).max(0.0)),
        cpu: SimDuration::ZERO,
    })
}

fn assumptions(profile: &FrameworkProfile, run: &FunctionRun, starts: usize, asked: &Measured<'_>) -> Vec<Assumption> {
    let name = &profile.name;
    let origin = match profile.provenance.backend.as_str() {
        "lambda-logs" => format!(
            "{name} is a function of your own: durations and starts are those of its logs of {} to {}",
            profile.measured_on(),
            profile.provenance.finished.split('T').next().unwrap_or_default()
        ),
        "lambda-emulator" => format!(
            "{name} was measured on an emulator of AWS Lambda on {}: its times are those of this machine, not of Lambda",
            profile.measured_on()
        ),
        _ => format!("{name} was measured on AWS Lambda on {}", profile.measured_on()),
    };
    let mut assumptions = vec![
        Topic::Profile.large(format!(
            "{origin} ({} warm invocations and {starts} starts at {})",
            run.warm_ms.len(),
            run.memory
        )),
        Topic::Work.large(format!(
            "what of a request to {name} is CPU time is not known: its duration is taken as it is, and never shared"
        )),
    ];
    if starts < FEW {
        assumptions
            .push(Topic::ColdStart.factor(format!("there are only {starts} starts of {name} whose time is known")));
    }
    if run.failed > 0 {
        assumptions.push(Topic::Work.note(format!(
            "{} invocations of {name} failed or exceeded their timeout; the simulation has none that fail",
            run.failed
        )));
    }
    if asked.work.is_some() {
        assumptions.push(Topic::Work.note(format!(
            "[work] does not change `{name}`: its durations include its work"
        )));
    }
    assumptions
}
