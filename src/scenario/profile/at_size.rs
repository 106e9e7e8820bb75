//! From a measured profile to what the simulator needs at one size of an instance: the overhead of an empty request, the CPU
//! time of each route, what not being warm costs, memory by requests in flight, and whole cold starts.
//!
//! CPU sizes that were not measured are an error, or interpolated within the measured range when the scenario allows it.
//! Nothing is extrapolated. Memory limits that were not measured take the times of the reference limit, except where an
//! instance was measured not to start.

use std::collections::BTreeMap;

use super::code_warm_up::CodeWarmUp;
use super::memory::InFlight;
use super::runs::{Point, Runs};
use super::{interpolate, out_of_memory};
use crate::model::dist::Dist;
use crate::model::profile::{CpuMode, FrameworkProfile, WarmRun};
use crate::sim::platform::Starts;
use crate::sim::setup::ColdStart;
use crate::stats::order;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// The CPU of an initialisation that has more than the limit. Source: `measure --cpu-mode boosted-init`.
const BOOST: MilliCpu = MilliCpu(2000);

/// The route whose handler does nothing: what it costs is the framework's overhead.
pub const EMPTY_ROUTE: &str = "healthz";

/// The question to a profile.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// CPU of an instance.
    pub cpu: MilliCpu,
    /// Memory of an instance; `None`: as measured.
    pub memory: Option<MemoryMib>,
    /// True if a CPU size between measured ones is acceptable.
    pub interpolate: bool,
    /// True if initialisation has more CPU than the limit; if it was not measured so, starts under the limit stand in.
    pub boosted: bool,
    /// The memory setting that buys a CPU size, where CPU follows from memory.
    pub memory_for: &'a dyn Fn(MilliCpu) -> Option<MemoryMib>,
}

/// A profile at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Sized {
    /// Service time of a warm request with an empty handler, network round trip taken off.
    pub overhead: Dist,
    /// Mean CPU time of a request in milliseconds, by route.
    pub cpu_ms: BTreeMap<String, f64>,
    /// The extra cost of the requests after the first.
    pub code_warm_up: CodeWarmUp,
    /// Memory by requests in flight.
    pub memory: InFlight,
    /// Memory limit of the warm instance.
    pub warm_memory: MemoryMib,
    /// Measured cold starts, each with its phases together.
    pub cold: Vec<ColdStart>,
    /// Memory limit of the cold starts.
    pub cold_memory: MemoryMib,
    /// The CPU that they had.
    pub starts: Starts,
    /// Set if the CPU size was not measured.
    pub law: Option<Law>,
}

/// How a size between measured ones came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// The measured sizes to which the law was fitted.
    pub sizes: Vec<MilliCpu>,
    /// The one whose vectors were scaled.
    pub nearest: MilliCpu,
    /// Largest distance of the law from a measured median, as a share of it, over the phases of a start.
    pub start_miss: f64,
    /// The same for an empty handler.
    pub overhead_miss: f64,
    /// The same for the CPU time of each route.
    pub cpu_misses: BTreeMap<String, f64>,
    /// The same for the warm-up in all; `None` where it was not scaled.
    pub warm_up_miss: Option<f64>,
}

/// The profile at the size that is wanted.
///
/// # Errors
/// A sentence that says what was measured, and the way out.
pub fn at_size(profile: &FrameworkProfile, wanted: &Wanted<'_>) -> Result<Sized, String> {
    out_of_memory::refuse(profile, wanted)?;
    let modes: &[CpuMode] = match wanted.boosted {
        true => &[CpuMode::BoostedInit, CpuMode::Flat],
        false => &[CpuMode::Flat],
    };
    let in_modes = modes.iter().filter_map(|&mode| Runs::new(profile, mode, wanted.memory));
    let in_modes: Vec<Runs<'_>> = in_modes.collect();
    let measured = |runs: &Runs<'_>| exact(&runs.at(wanted.cpu, wanted.memory)?, runs.cpu_mode);
    if let Some(sized) = in_modes.iter().find_map(measured) {
        return Ok(boosted(profile, wanted, sized));
    }
    if wanted.interpolate
        && let Some(sized) = in_modes.iter().find_map(|runs| interpolate::at(runs, wanted.cpu))
    {
        return Ok(boosted(profile, wanted, sized));
    }
    Err(not_measured(profile, wanted, &in_modes))
}

fn not_measured(profile: &FrameworkProfile, wanted: &Wanted<'_>, in_modes: &[Runs<'_>]) -> String {
    let (name, cpu) = (&profile.name, wanted.cpu);
    let sizes = in_modes
        .iter()
        .map(Runs::sizes)
        .max_by_key(Vec::len)
        .unwrap_or_default();
    let (Some(&smallest), Some(&largest)) = (sizes.first(), sizes.last()) else {
        return format!(
            "the profile of {name} holds no complete measurement: a warm instance and counted process-cold starts{}",
            if wanted.boosted { "" } else { " under a flat CPU limit" }
        );
    };
    let listed: Vec<String> = sizes.iter().map(|cpu| describe(*cpu, wanted)).collect();
    let listed = listed.join(", ");
    let not_at = format!("{name} was not measured at {} vCPU", cpu.as_vcpu());
    if cpu < smallest || cpu > largest {
        return format!(
            "{not_at}, which lies outside what was measured: {listed}. Choose one of these; nothing is extrapolated"
        );
    }
    if wanted.interpolate {
        return format!(
            "{not_at}, and no law can be fitted there, because what was measured has different memory limits: {listed}. \
             Choose one of these"
        );
    }
    format!(
        "{not_at}; measured: {listed}. Choose one of these, or set `interpolate = true` to interpolate between two of them"
    )
}

/// `1 vCPU (memory = 1769Mi)`, or `1 vCPU` where CPU is a setting of its own.
fn describe(cpu: MilliCpu, wanted: &Wanted<'_>) -> String {
    let memory = (wanted.memory_for)(cpu);
    let memory = memory.map_or(String::new(), |memory| format!(" (memory = {memory})"));
    format!("{} vCPU{memory}", cpu.as_vcpu())
}

/// The CPU of starts of this mode.
pub(super) fn with(cpu_mode: CpuMode) -> Starts {
    match cpu_mode {
        CpuMode::Flat => Starts::UnderLimit,
        CpuMode::BoostedInit => Starts::Boosted,
    }
}

/// Puts starts with two vCPUs in place of those under a lower limit, where initialisation has more CPU than the limit and was not
/// measured so. The first request has the limit: it is scaled by the medians of both sizes.
fn boosted(profile: &FrameworkProfile, wanted: &Wanted<'_>, sized: Sized) -> Sized {
    let is_slower = sized.starts == Starts::UnderLimit && wanted.cpu < BOOST;
    let runs = Runs::new(profile, CpuMode::Flat, wanted.memory).filter(|_| wanted.boosted && is_slower);
    let Some(fast) = runs.and_then(|runs| runs.at(BOOST, None)) else {
        return sized;
    };
    let first = |starts: &[ColdStart]| {
        order::median(&order::sorted(
            starts.iter().map(|start| start.first_request.as_millis_f64()),
        ))
    };
    let Some(factor) = first(&sized.cold)
        .zip(first(&fast.cold))
        .map(|(here, fast)| here / fast)
    else {
        return sized;
    };
    if !(factor.is_finite() && factor > 0.0) {
        return sized;
    }
    let cold = fast.cold.iter().map(|start| ColdStart {
        first_request: start.first_request.scale(factor),
        ..*start
    });
    Sized {
        cold: cold.collect(),
        cold_memory: fast.cold_memory,
        starts: Starts::WithTwoCpus,
        ..sized
    }
}

fn exact(point: &Point<'_>, cpu_mode: CpuMode) -> Option<Sized> {
    Some(Sized {
        overhead: overhead(point.warm)?,
        cpu_ms: cpu_ms(point.warm),
        code_warm_up: point.warm_up(),
        memory: InFlight::of(point.warm),
        warm_memory: point.warm_memory,
        cold: point.cold.clone(),
        cold_memory: point.cold_memory,
        starts: with(cpu_mode),
        law: None,
    })
}

/// Times of an empty handler in milliseconds, round trip taken off.
pub(super) fn empty_ms(warm: &WarmRun) -> impl Iterator<Item = f64> {
    let times = warm.routes.get(EMPTY_ROUTE).map(|route| &route.service_time_ms);
    times.into_iter().flatten().map(|ms| (ms - warm.round_trip_ms).max(0.0))
}

pub(super) fn overhead(warm: &WarmRun) -> Option<Dist> {
    Dist::empirical(empty_ms(warm).map(SimDuration::from_millis_f64).collect())
}

pub(super) fn cpu_ms(warm: &WarmRun) -> BTreeMap<String, f64> {
    let batches = warm.routes.iter().map(|(name, route)| (name, route.cpu_per_request()));
    let measured = batches.filter(|(_, cpu)| !cpu.is_empty());
    let mean = |cpu: &[f64]| cpu.iter().sum::<f64>() / cpu.len() as f64;
    measured.map(|(name, cpu)| (name.clone(), mean(cpu))).collect()
}
