//! Assembles profiles from the samples of a session, with remarks for readers.

use std::collections::{BTreeMap, BTreeSet};

use crate::measure::load::round3;
use crate::measure::slot::Slot;
use crate::measure::store::Cold;
use crate::measure::subject::{OwnImage, Subject};
use crate::measure::warning::Warning;
use crate::measure::{Measurement, host, noise, options, probe};
use crate::model::cpu_check;
use crate::model::profile::{
    BlockReading, ColdSample, ContractCheck, FrameworkProfile, ImageFacts, MeasuredConfig, Provenance, QuietMachine,
    SCHEMA, Verdict,
};
use crate::stats::order;

/// The facts about a whole session.
#[derive(Debug)]
pub struct Circumstances {
    /// The start, RFC 3339 in UTC.
    pub started: String,
    /// The end, RFC 3339 in UTC.
    pub finished: String,
    /// The CPU time of this process over wall time, during cold starts.
    pub prober_cpu_share: Option<f64>,
    /// The remarks about the session.
    pub notes: Vec<String>,
}

/// The facts about the place where instances run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backing {
    /// The name of the backend, as in `measure <backend>`.
    pub backend: String,
    /// The version of the container engine.
    pub engine_version: String,
    /// The storage driver of the engine.
    pub storage_driver: String,
    /// The version of control groups, `1` or `2`.
    pub cgroup_version: String,
    /// The CFS quota period in microseconds; `None` if no quota limits the CPU.
    pub cpu_period_us: Option<u64>,
    /// The clock of all durations.
    pub clock: String,
}

/// The image of one subject, or the folder in which it starts.
#[derive(Debug)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// The language runtime.
    pub runtime: Option<String>,
    /// The official base images, each with the image that was used.
    pub bases: BTreeMap<String, String>,
    /// Its size and contents.
    pub facts: ImageFacts,
    /// The remarks about it.
    pub notes: Vec<String>,
}

/// The samples of one subject.
#[derive(Debug)]
pub struct Taken<'a> {
    /// Its configurations.
    pub slots: Vec<Slot>,
    /// The warnings about its starts.
    pub warnings: Vec<Warning>,
    /// The check of the HTTP contract.
    pub contract: Option<ContractCheck>,
    /// The readings of the machine before each block of the session.
    pub blocks: &'a [BlockReading],
    /// The figures of the machine at rest.
    pub quiet_machine: Option<&'a QuietMachine>,
}

/// Assembles the profile of one subject.
pub fn profile(
    measurement: &Measurement,
    backing: &Backing,
    subject: &Subject,
    image: Image,
    taken: Taken<'_>,
    circumstances: &Circumstances,
) -> FrameworkProfile {
    let Taken {
        slots,
        warnings,
        contract,
        blocks,
        quiet_machine,
    } = taken;
    let mut notes = circumstances.notes.clone();
    notes.extend(image.notes);
    notes.extend(subject_notes(measurement, subject, &slots));
    notes.extend(warnings.iter().map(ToString::to_string));
    let modes = |name: fn(&Slot) -> &'static str| {
        let mut names: Vec<&str> = slots.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let cold_mode = modes(|slot| slot.config.cold_mode.name());
    let cpu_mode = modes(|slot| slot.config.cpu_mode.name());
    let framework_version = match subject {
        Subject::Framework { framework, .. } => Some(framework.version.clone()),
        Subject::Image(_) => None,
    };
    let repeated_blocks = repeated(&slots);
    let proven = |cold: &Cold| cold.sample.process_id.is_some();
    let cold_proven = slots.iter().flat_map(|slot| &slot.cold).all(proven);
    let mut runs: Vec<MeasuredConfig> = slots.into_iter().map(|slot| config(slot, quiet_machine)).collect();
    runs.sort_by_key(|run| (run.cpu, run.memory, run.cold_mode, run.cpu_mode));
    FrameworkProfile {
        schema: SCHEMA,
        name: subject.name().to_string(),
        framework_version,
        runtime: image.runtime,
        provenance: Provenance {
            tool_version: env!("CARGO_PKG_VERSION").into(),
            started: circumstances.started.clone(),
            finished: circumstances.finished.clone(),
            command: measurement.command.clone(),
            backend: backing.backend.clone(),
            cold_mode,
            cpu_mode,
            host_cpu: host::cpu_model(),
            architecture: Some(std::env::consts::ARCH.to_string()),
            host_cores: Some(host::cores()),
            host_memory_mib: Some(host::memory_mib()),
            kernel: host::kernel(),
            engine_version: backing.engine_version.clone(),
            storage_driver: backing.storage_driver.clone(),
            cgroup_version: backing.cgroup_version.clone(),
            cpu_period_us: backing.cpu_period_us,
            image_id: image.id,
            base_images: image.bases,
            seed: measurement.seed,
            blocks: measurement.blocks() + repeated_blocks,
            repeated_blocks,
            probe_interval_ms: probe::SHORTEST_INTERVAL.as_secs_f64() * 1e3,
            clock: backing.clock.clone(),
            prober_cpu_share: circumstances.prober_cpu_share.map(round3),
            notes,
        },
        image: image.facts,
        contract,
        quick: measurement.quick,
        cold_proven: Some(cold_proven),
        options: options::of(measurement, subject),
        blocks: blocks.to_vec(),
        quiet_machine: quiet_machine.cloned(),
        panel: measurement.panel.clone(),
        runs,
        functions: Vec::new(),
    }
}

/// The samples of one configuration, with verdicts.
pub fn config(slot: Slot, quiet: Option<&QuietMachine>) -> MeasuredConfig {
    let noise = |cold: &Cold| cold.noise.unwrap_or(0.0);
    // If a block was repeated, the quieter start counts; the later one if both were alike.
    let quieter = |cold: &Cold| {
        slot.cold.iter().any(|other| {
            let same_block = other.sample.block == cold.sample.block && other.sample.order != cold.sample.order;
            same_block && (noise(other), cold.sample.order) < (noise(cold), other.sample.order)
        })
    };
    let settled = |cold: &Cold| ColdSample {
        spin_ratio: round3(noise::slowdown(quiet, cold.spin_ms, cold.walk_ms, cold.contention)),
        verdict: if quieter(cold) {
            Verdict::NoisyHost
        } else {
            Verdict::Counted
        },
        ..cold.sample.clone()
    };
    let cold = slot.cold.iter().map(settled).collect();
    let mut failures = slot.failures;
    failures.extend(slot.no_warm);
    MeasuredConfig {
        cpu: slot.config.limits.cpu,
        memory: slot.config.limits.memory,
        cold_mode: slot.config.cold_mode,
        cpu_mode: slot.config.cpu_mode,
        cold,
        failures,
        warm: slot.warm,
    }
}

/// The number of blocks that were repeated.
fn repeated(slots: &[Slot]) -> u32 {
    let blocks: BTreeSet<u32> = slots
        .iter()
        .flat_map(|slot| &slot.cold)
        .map(|cold| cold.sample.block)
        .collect();
    let again = |block: &&u32| slots.iter().any(|slot| slot.starts_in(**block) > 1);
    blocks.iter().filter(again).count() as u32
}

/// The remarks about one subject.
fn subject_notes(measurement: &Measurement, subject: &Subject, slots: &[Slot]) -> Vec<String> {
    let mut notes = Vec::new();
    if measurement.quick {
        notes.push("quick run: few samples and short loads, not for publication".into());
    }
    if let Subject::Image(OwnImage { path, .. }) = subject {
        notes.push(format!(
            "own image: ready means a status from 200 to 299 on {path}; nothing proves that a start was cold; route `healthz` and \
             the saturation rate use {path}"
        ));
    }
    let mut throttled = Vec::new();
    for slot in slots {
        let label = format!("{} at {}", subject.name(), slot.config.label());
        notes.extend(slot.notes.iter().map(|note| format!("{label}: {note}")));
        let doubts = slot
            .warm
            .iter()
            .flat_map(|warm| cpu_check::doubts(warm, slot.config.limits.cpu.as_vcpu()));
        notes.extend(doubts.map(|doubt| format!("{label}: {doubt}")));
        if let Some(median) = order::median(&order::sorted(slot.cold.iter().filter_map(|cold| cold.throttled_ms))) {
            throttled.push(format!("{median:.0} ms at {}", slot.config.label()));
        }
        if let Some(median) = order::median(&order::sorted(slot.cold.iter().filter_map(|cold| cold.disk_read))) {
            notes.push(format!(
                "{label}: the first process read {:.1} MB from the disk until it was ready (median); the files of the image were \
                 evicted from the page cache, directory entries and the engine's own files were not",
                median / 1e6
            ));
        }
    }
    if !throttled.is_empty() {
        notes.push(format!(
            "time for which the CPU limit stopped a starting instance, summed over CPUs, median: {}",
            throttled.join("; ")
        ));
    }
    notes.dedup();
    notes
}

/// The remarks about every session, after those of its target.
pub fn session_notes(of_target: Vec<String>) -> Vec<String> {
    let mut notes = of_target;
    notes.extend([
        "service times: all routes take turns in batches of 50; before that, each gets up to 5000 requests within 10 s in all, which do \
         not count".to_string(),
        "CPU time per request with one request in flight (`cpu_ms`) includes the sleeping and waking of the server for each \
         request; `cpu_loaded_ms` was taken with 16 requests in flight, from the time at which it had settled"
            .to_string(),
        "warm-up curve: one connection, at most a tenth of the CPU limit; a late answer delays the next request, and the \
         delay counts"
            .to_string(),
    ]);
    notes
}
