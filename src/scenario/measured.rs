//! From a measured profile to what the simulator needs at one CPU size: the overhead of an empty request, the CPU time of
//! each route, and whole cold starts.
//!
//! Sizes that were not measured are an error, or interpolated between the two neighbours when the scenario allows it, in
//! the reciprocal of the CPU: a start or a request is mostly CPU time divided by CPU share. Nothing is extrapolated.

use std::collections::BTreeMap;

use crate::model::dist::Dist;
use crate::model::profile::{FrameworkProfile, MeasuredConfig, WarmRun};
use crate::sim::platform::lambda::MB_PER_VCPU;
use crate::sim::setup::ColdStart;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// The route whose handler does nothing: what it costs is the framework's overhead.
pub const EMPTY_ROUTE: &str = "healthz";

/// A profile at one CPU size.
#[derive(Debug, Clone, PartialEq)]
pub struct Sized {
    /// Service time of a warm request with an empty handler, network round trip taken off.
    pub overhead: Dist,
    /// Mean CPU time of a request in milliseconds, by route.
    pub cpu_ms: BTreeMap<String, f64>,
    /// Measured cold starts, each with its phases together.
    pub cold: Vec<ColdStart>,
    /// Memory limit under which it was measured.
    pub memory: MemoryMib,
    /// Highest anonymous memory seen under load, in bytes.
    pub peak_anon_bytes: Option<u64>,
    /// Set if the size lies between two measured ones.
    pub between: Option<(MilliCpu, MilliCpu)>,
}

/// The profile at `cpu`.
///
/// # Errors
/// A sentence that names the measured sizes and the way out.
pub fn at_size(profile: &FrameworkProfile, cpu: MilliCpu, interpolate: bool) -> Result<Sized, String> {
    let usable = profile.runs.iter().filter_map(exact);
    let mut sizes: Vec<(MilliCpu, Sized)> = usable.collect();
    sizes.sort_by_key(|(cpu, _)| *cpu);
    sizes.dedup_by_key(|(cpu, _)| *cpu);
    if let Some((_, sized)) = sizes.iter().find(|(measured, _)| *measured == cpu) {
        return Ok(sized.clone());
    }
    let listed: Vec<String> = sizes.iter().map(|(cpu, _)| describe(*cpu)).collect();
    let listed = listed.join(", ");
    let neighbours = sizes.windows(2).find(|pair| pair[0].0 < cpu && cpu < pair[1].0);
    match neighbours {
        Some([(low, below), (high, above)]) if interpolate => Ok(between(cpu, (*low, below), (*high, above))),
        Some(_) => Err(format!(
            "{} was not measured at {} vCPU; measured: {listed}. Choose one of these, or set `interpolate = true` to \
             interpolate between two of them",
            profile.name,
            cpu.as_vcpu()
        )),
        None if sizes.is_empty() => Err(format!("the profile of {} holds no complete measurement", profile.name)),
        None => Err(format!(
            "{} was not measured at {} vCPU, which lies outside what was measured: {listed}. Choose one of these; \
             nothing is extrapolated",
            profile.name,
            cpu.as_vcpu()
        )),
    }
}

/// `1000m vCPU (1769Mi on Lambda)`
fn describe(cpu: MilliCpu) -> String {
    let lambda = (cpu.as_vcpu() * f64::from(MB_PER_VCPU)).round() as u32;
    format!("{} vCPU ({} on Lambda)", cpu.as_vcpu(), MemoryMib(lambda))
}

fn exact(run: &MeasuredConfig) -> Option<(MilliCpu, Sized)> {
    let warm = run.warm.as_ref()?;
    let cold: Vec<ColdStart> = run
        .cold
        .iter()
        .map(|s| cold_start(s.create_ms + s.start_ms, s.boot_ms, s.first_response_ms, warm))
        .collect();
    let sized = Sized {
        overhead: overhead(warm)?,
        cpu_ms: warm
            .routes
            .iter()
            .map(|(name, route)| (name, route.cpu_per_request()))
            .filter(|(_, cpu)| !cpu.is_empty())
            .map(|(name, cpu)| (name.clone(), cpu.iter().sum::<f64>() / cpu.len() as f64))
            .collect(),
        cold,
        memory: run.memory,
        peak_anon_bytes: warm.peak_anon_bytes,
        between: None,
    };
    (!sized.cold.is_empty()).then_some((run.cpu, sized))
}

fn cold_start(sandbox_ms: f64, boot_ms: f64, first_ms: f64, warm: &WarmRun) -> ColdStart {
    ColdStart {
        sandbox: SimDuration::from_millis_f64(sandbox_ms),
        init: SimDuration::from_millis_f64(boot_ms),
        first_request: SimDuration::from_millis_f64(first_ms - warm.round_trip_ms),
    }
}

fn overhead(warm: &WarmRun) -> Option<Dist> {
    let times = &warm.routes.get(EMPTY_ROUTE)?.service_time_ms;
    let net = times
        .iter()
        .map(|ms| SimDuration::from_millis_f64(ms - warm.round_trip_ms));
    Dist::empirical(net.collect())
}

/// Interpolates in the reciprocal of the CPU. Starts and overheads are paired by rank of their total.
fn between(cpu: MilliCpu, (low, below): (MilliCpu, &Sized), (high, above): (MilliCpu, &Sized)) -> Sized {
    let reciprocal = |cpu: MilliCpu| 1.0 / cpu.as_vcpu();
    let weight = (reciprocal(low) - reciprocal(cpu)) / (reciprocal(low) - reciprocal(high));
    let mix = |a: f64, b: f64| a + (b - a) * weight;
    let mix_time = |a: SimDuration, b: SimDuration| SimDuration(mix(a.0 as f64, b.0 as f64).round() as u64);
    let total = |c: &ColdStart| c.sandbox + c.init + c.first_request;
    let ranked = |cold: &[ColdStart]| {
        let mut cold = cold.to_vec();
        cold.sort_by_key(total);
        cold
    };
    let (a, b) = (ranked(&below.cold), ranked(&above.cold));
    let count = a.len().min(b.len());
    let at_rank = |cold: &[ColdStart], i: usize| cold[(2 * i + 1) * cold.len() / (2 * count)];
    let cold = (0..count).map(|i| {
        let (a, b) = (at_rank(&a, i), at_rank(&b, i));
        ColdStart {
            sandbox: mix_time(a.sandbox, b.sandbox),
            init: mix_time(a.init, b.init),
            first_request: mix_time(a.first_request, b.first_request),
        }
    });
    let overhead = match (&below.overhead, &above.overhead) {
        (Dist::Empirical(a), Dist::Empirical(b)) => {
            let count = a.len().min(b.len());
            let rank = |len: usize, i: usize| (2 * i + 1) * len / (2 * count);
            Dist::empirical(
                (0..count)
                    .map(|i| mix_time(a[rank(a.len(), i)], b[rank(b.len(), i)]))
                    .collect(),
            )
        }
        _ => None,
    };
    let cpu_ms = below
        .cpu_ms
        .iter()
        .filter_map(|(route, a)| Some((route.clone(), mix(*a, *above.cpu_ms.get(route)?))));
    Sized {
        overhead: overhead.unwrap_or_else(|| below.overhead.clone()),
        cpu_ms: cpu_ms.collect(),
        cold: cold.collect(),
        memory: below.memory.min(above.memory),
        peak_anon_bytes: below.peak_anon_bytes.max(above.peak_anon_bytes),
        between: Some((low, high)),
    }
}
