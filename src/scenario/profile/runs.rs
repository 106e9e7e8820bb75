//! Which runs of a profile stand for a CPU size: a warm instance, and cold starts in one sense.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::EMPTY_ROUTE;
use super::code_warm_up::CodeWarmUp;
use crate::model::profile::{ColdMode, ColdSample, CpuMode, FrameworkProfile, MeasuredConfig, WarmRun};
use crate::sim::setup::ColdStart;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// The runs of a profile whose cold starts were taken in one sense: process-cold, and under one CPU mode.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    runs: &'a [MeasuredConfig],
    pub(super) cpu_mode: CpuMode,
    /// The memory limit under which the most CPU sizes have a warm run.
    reference: MemoryMib,
}

/// The measurements at one CPU size.
#[derive(Debug)]
pub(super) struct Point<'a> {
    pub(super) cpu: MilliCpu,
    pub(super) warm: &'a WarmRun,
    /// Memory limit of the warm instance.
    pub(super) warm_memory: MemoryMib,
    /// Requests of its warm-up curve that are part of a cold start already.
    skipped: usize,
    pub(super) cold: Vec<ColdStart>,
    /// Memory limit of the cold starts.
    pub(super) cold_memory: MemoryMib,
}

impl<'a> Runs<'a> {
    /// `None` if no instance was measured warm. Where several memory limits are even, the one of the scenario is the
    /// reference, or else the smallest.
    pub(super) fn new(profile: &'a FrameworkProfile, cpu_mode: CpuMode, memory: Option<MemoryMib>) -> Option<Self> {
        let mut sizes: BTreeMap<MemoryMib, Vec<MilliCpu>> = BTreeMap::new();
        for run in profile.runs.iter().filter(|run| usable_warm(run).is_some()) {
            let sizes = sizes.entry(run.memory).or_default();
            if !sizes.contains(&run.cpu) {
                sizes.push(run.cpu);
            }
        }
        let rank =
            |(limit, cpus): &(&MemoryMib, &Vec<MilliCpu>)| (cpus.len(), Some(**limit) == memory, Reverse(**limit));
        let (&reference, _) = sizes.iter().max_by_key(rank)?;
        Some(Self {
            runs: &profile.runs,
            cpu_mode,
            reference,
        })
    }

    /// CPU sizes that are complete, ascending.
    pub(super) fn sizes(&self) -> Vec<MilliCpu> {
        let mut sizes: Vec<MilliCpu> = self.runs.iter().map(|run| run.cpu).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes.retain(|&cpu| self.at(cpu, None).is_some());
        sizes
    }

    /// All that is complete under the reference memory limit, by ascending CPU.
    pub(super) fn at_reference(&self) -> Vec<Point<'a>> {
        let points = self.sizes().into_iter().filter_map(|cpu| self.at(cpu, None));
        points
            .filter(|point| [point.warm_memory, point.cold_memory] == [self.reference; 2])
            .collect()
    }

    /// The warm instance and the cold starts at `cpu`, each under `memory` if it was measured there, else under the
    /// reference memory limit or the one nearest to it.
    pub(super) fn at(&self, cpu: MilliCpu, memory: Option<MemoryMib>) -> Option<Point<'a>> {
        let distance = |run: &MeasuredConfig| (Some(run.memory) != memory, run.memory.0.abs_diff(self.reference.0));
        let here = || self.runs.iter().filter(|run| run.cpu == cpu);
        // A warm instance is the same however it was started; that of the same mode comes first nevertheless.
        let (warm_run, warm) = here()
            .filter_map(|run| Some((run, usable_warm(run)?)))
            .min_by_key(|(run, _)| (distance(run), run.cpu_mode != self.cpu_mode, run.cold_mode))?;
        here()
            .filter(|run| run.cold_mode == ColdMode::ProcessCold && run.cpu_mode == self.cpu_mode)
            .map(|run| (run, cold_starts(run, warm.round_trip_ms)))
            .filter(|(_, cold)| !cold.is_empty())
            .min_by_key(|(run, _)| distance(run))
            .map(|(run, cold)| Point {
                cpu,
                warm,
                warm_memory: warm_run.memory,
                // The first request of the workload ends a start with boosted init; elsewhere the curve begins with it.
                skipped: usize::from(run.cpu_mode == CpuMode::BoostedInit && warm_run.cpu_mode == CpuMode::Flat),
                cold,
                cold_memory: run.memory,
            })
    }
}

impl Point<'_> {
    /// Returns the extra cost of the requests after the first.
    pub(super) fn warm_up(&self) -> CodeWarmUp {
        CodeWarmUp::after(self.warm, self.skipped)
    }
}

/// The warm run, if it says what an empty handler costs.
fn usable_warm(run: &MeasuredConfig) -> Option<&WarmRun> {
    let warm = run.warm.as_ref()?;
    let empty = warm.routes.get(EMPTY_ROUTE)?;
    (!empty.service_time_ms.is_empty()).then_some(warm)
}

/// The counted starts, each with its phases together.
fn cold_starts(run: &MeasuredConfig, round_trip_ms: f64) -> Vec<ColdStart> {
    let start = |sample: &ColdSample| {
        // With boosted init the health route's first answer ends the initialisation, and the first request is measured
        // under the limit; else the health route's first answer is that of the first request.
        let (init_ms, first_ms) = match run.cpu_mode {
            CpuMode::Flat => (sample.boot_ms, sample.first_response_ms),
            CpuMode::BoostedInit => (sample.boot_ms + sample.first_response_ms, sample.first_request_ms?),
        };
        Some(ColdStart {
            sandbox: SimDuration::from_millis_f64(sample.create_ms + sample.start_ms),
            init: SimDuration::from_millis_f64(init_ms),
            first_request: SimDuration::from_millis_f64(first_ms - round_trip_ms),
            cpu: SimDuration::from_millis_f64(sample.cpu_ms.unwrap_or(0.0)),
        })
    };
    run.counted().filter_map(start).collect()
}
