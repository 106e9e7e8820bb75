//! The profile from the samples.

use std::collections::BTreeMap;

use super::plan::BURST_HOLD_S;
use super::sample::{Cause, Sample, Verdict};
use super::{LambdaSubject, Request, Source};
use crate::model::profile::{FrameworkProfile, FunctionRun, FunctionStart, IdleLook, ImageFacts, Provenance, SCHEMA};
use crate::stats::order;
use crate::units::MemoryMib;

/// The profile of a subject. There is a sample at least.
pub fn assemble(
    request: &Request,
    subject: &LambdaSubject,
    samples: &[&Sample],
    idle: &[IdleLook],
    region: &str,
    emulator: bool,
) -> FrameworkProfile {
    let emulated = emulator || samples.iter().any(|sample| sample.emulated);
    let mut by_memory: BTreeMap<MemoryMib, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_memory.entry(sample.place.memory).or_default().push(sample);
    }
    let architecture = if request.arm { "arm64" } else { "x86_64" };
    let hold_ms = match subject.source {
        Source::Framework { .. } => 1e3 * BURST_HOLD_S,
        _ => 0.0,
    };
    let mut functions: Vec<FunctionRun> = by_memory
        .into_iter()
        .filter(|(_, samples)| samples.iter().any(|sample| sample.verdict.is_sample()))
        .map(|(memory, samples)| run(memory, architecture, &samples, hold_ms))
        .collect();
    // Silence was looked at with the first memory.
    if let Some(first) = functions.iter_mut().find(|run| run.memory == request.memory[0]) {
        first.idle = idle.to_vec();
    }
    let times = || samples.iter().map(|sample| sample.at.clone());
    let mut notes = Vec::new();
    if emulated {
        notes.push("Measured on an emulator of AWS Lambda: the times are those of this machine.".to_string());
    }
    notes.extend(left_out(samples));
    let framework = match &subject.source {
        Source::Framework { framework, .. } => Some(framework),
        _ => None,
    };
    FrameworkProfile {
        schema: SCHEMA,
        name: subject.name.clone(),
        framework_version: framework.map(|framework| framework.version.clone()),
        runtime: framework.map(|framework| framework.runtime.clone()),
        provenance: Provenance {
            tool_version: env!("CARGO_PKG_VERSION").into(),
            started: times().min().unwrap_or_default(),
            finished: times().max().unwrap_or_default(),
            command: request.command.clone(),
            backend: if emulated { "lambda-emulator" } else { "lambda" }.into(),
            cold_mode: String::new(),
            cpu_mode: String::new(),
            host_cpu: match emulated {
                true => "an emulator of AWS Lambda".into(),
                false => format!("AWS Lambda in {region}"),
            },
            architecture: Some(if request.arm { "aarch64" } else { "x86_64" }.into()),
            host_cores: None,
            host_memory_mib: None,
            kernel: "unknown".into(),
            engine_version: "none".into(),
            storage_driver: "none".into(),
            cgroup_version: "none".into(),
            cpu_period_us: None,
            image_id: "unknown".into(),
            base_images: BTreeMap::new(),
            seed: request.seed,
            blocks: 0,
            repeated_blocks: 0,
            probe_interval_ms: 0.0,
            clock: "the platform's reports, and CLOCK_MONOTONIC of the caller".into(),
            prober_cpu_share: None,
            notes,
        },
        image: ImageFacts::default(),
        contract: None,
        quick: false,
        cold_proven: Some(
            samples
                .iter()
                .filter(|sample| sample.verdict.is_sample())
                .all(|sample| sample.process_id.is_some()),
        ),
        options: Default::default(),
        blocks: Vec::new(),
        quiet_machine: None,
        panel: None,
        runs: Vec::new(),
        functions,
    }
}

/// A sentence for each reason why invocations are not among the samples.
fn left_out(samples: &[&Sample]) -> Vec<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for sample in samples {
        let reason = match &sample.verdict {
            Verdict::Warm => "a process that had answered before".to_string(),
            Verdict::Throttled => "throttled".to_string(),
            Verdict::Unusable(reason) => reason.clone(),
            _ => continue,
        };
        *reasons.entry(reason).or_default() += 1;
    }
    let sentence = |(reason, count): (String, usize)| format!("Left out, {count} of {}: {reason}.", samples.len());
    reasons.into_iter().map(sentence).collect()
}

/// `hold_ms` is the time for which each invocation of a burst keeps its environment, which is no work.
fn run(memory: MemoryMib, architecture: &str, samples: &[&Sample], hold_ms: f64) -> FunctionRun {
    let warm = || samples.iter().flat_map(|sample| &sample.warm);
    let round_trips = order::sorted(warm().map(|[wall, duration]| wall - duration));
    let round_trip = order::quantile(&round_trips, 0.5);
    let start = |sample: &&&Sample| -> Option<FunctionStart> {
        let duration_ms = sample.duration_ms?;
        let ahead = sample.verdict == Verdict::Ahead;
        let start_ms = sample.restore_ms.or(sample.init_ms)?;
        let environment_ms = sample
            .wall_ms
            .zip(round_trip)
            .map(|(wall, round_trip)| wall - start_ms - duration_ms - round_trip)
            // An emulator has no time of its own for an environment, and nobody waits for one that was there.
            .filter(|ms| *ms > 0.0 && !ahead);
        Some(FunctionStart {
            cause: sample.place.cause.into(),
            init_ms: sample.init_ms.filter(|_| sample.restore_ms.is_none()),
            restore_ms: sample.restore_ms,
            duration_ms: match sample.place.cause {
                Cause::Burst => (duration_ms - hold_ms).max(0.0),
                _ => duration_ms,
            },
            billed_ms: sample.billed_ms,
            wall_ms: sample.wall_ms,
            environment_ms,
            again: sample.verdict == Verdict::InitRestarted,
            ahead,
        })
    };
    let counted = samples.iter().filter(|sample| sample.verdict.is_sample());
    FunctionRun {
        memory,
        architecture: Some(architecture.into()),
        starts: counted.filter_map(|sample| start(&sample)).collect(),
        warm_ms: warm().map(|[_, duration]| *duration).collect(),
        max_memory_mb: samples
            .iter()
            .filter_map(|sample| sample.max_memory_mb)
            .reduce(f64::max),
        failed: samples
            .iter()
            .filter(|sample| matches!(sample.verdict, Verdict::Unusable(_)))
            .count() as u64,
        idle: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::lambda::sample::Place;

    fn sample(number: u32, verdict: Verdict, wall_ms: f64) -> Sample {
        Sample {
            place: Place {
                subject: "mine".into(),
                memory: MemoryMib(512),
                cause: Cause::Nonce,
                number,
            },
            at: format!("2026-12-01T00:00:0{number}Z"),
            verdict,
            wall_ms: Some(wall_ms),
            init_ms: Some(400.0),
            restore_ms: None,
            duration_ms: Some(20.0),
            billed_ms: Some(420.0),
            max_memory_mb: Some(60.0),
            process_id: None,
            emulated: false,
            warm: vec![[45.0, 5.0], [46.0, 6.0]],
            version_age_s: None,
        }
    }

    #[test]
    fn the_time_of_an_environment_is_what_is_left_of_the_wall_time() {
        let request = Request {
            subjects: Vec::new(),
            memory: vec![MemoryMib(512)],
            arm: false,
            samples: 3,
            causes: vec![Cause::Nonce],
            burst: 1,
            warm: 2,
            role: String::new(),
            timeout: super::super::TIMEOUT,
            snap_start: false,
            idle_gaps: Vec::new(),
            max_usd: None,
            out: "measured".into(),
            seed: 1,
            command: "c".into(),
        };
        let subject = LambdaSubject {
            name: "mine".into(),
            path: "/healthz".into(),
            port: 8080,
            source: Source::Image("uri".into()),
            expected_start_s: None,
        };
        let samples = [
            sample(0, Verdict::Counted, 610.0),
            sample(1, Verdict::Ahead, 60.0),
            sample(2, Verdict::Unusable("status 502".into()), 1.0),
        ];
        let samples: Vec<&Sample> = samples.iter().collect();
        let looks = [IdleLook {
            gap_s: 300.0,
            alive: true,
        }];
        let profile = assemble(&request, &subject, &samples, &looks, "us-east-1", false);
        let [run] = &profile.functions[..] else { panic!() };
        // 610 - 400 - 20 - 40 of round trip.
        assert_eq!(run.starts[0].environment_ms, Some(150.0));
        assert_eq!((run.starts[1].environment_ms, run.starts[1].ahead), (None, true));
        assert_eq!(
            (run.starts.len(), run.failed, run.warm_ms.len(), run.idle.len()),
            (2, 1, 6, 1)
        );
        assert_eq!(profile.provenance.backend, "lambda");
        assert!(
            profile
                .provenance
                .notes
                .iter()
                .any(|note| note.contains("1 of 3: status 502"))
        );
        let on_emulator = assemble(&request, &subject, &samples, &[], "us-east-1", true);
        assert_eq!(on_emulator.provenance.backend, "lambda-emulator");
        let text = serde_json::to_string(&profile).unwrap();
        assert_eq!(crate::model::profile::parse(&text).unwrap(), profile);
    }
}
