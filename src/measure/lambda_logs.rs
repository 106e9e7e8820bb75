//! The profile of a function of the user's own, from the logs that AWS Lambda wrote of it. Nothing is deployed.
//!
//! Logs say how long invocations took, which of them came after a start, what the start took and what was billed. They do not say how
//! much of a duration was CPU time, nor how long a request waited for its environment; both stay unknown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::MeasureError;
use crate::model::profile::{FrameworkProfile, FunctionRun, FunctionStart, ImageFacts, Provenance, SCHEMA, StartCause};
use crate::trace::read::lambda::{Export, Invocation, Start, invocations};
use crate::units::MemoryMib;

/// The question to the logs.
#[derive(Debug, Clone, Default)]
pub struct Asked<'a> {
    /// The name of the profile.
    pub name: &'a str,
    /// The function, where logs are of several: the end of its log group.
    pub function: Option<&'a str>,
    /// The instruction set on which the function ran, where the user knows.
    pub architecture: Option<&'a str>,
    /// The command line that repeats the import.
    pub command: &'a str,
}

/// A profile with what was read.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The profile.
    pub profile: FrameworkProfile,
    /// Sentences about what was read and left out.
    pub remarks: Vec<String>,
}

/// Makes the profile from the exports of files, each with its name.
///
/// # Errors
/// Logs of several functions, and logs without an invocation that has ended.
pub fn import(asked: &Asked<'_>, files: &[(String, Export)]) -> Result<Imported, MeasureError> {
    let mut remarks = Vec::new();
    for (file, export) in files.iter().filter(|(_, export)| export.cut_off) {
        remarks.push(format!(
            "{file} ends in the middle of a message; {} messages before it were read",
            export.events.len()
        ));
    }
    let mut all = merged(files);
    all.retain(|one| {
        asked
            .function
            .is_none_or(|name| one.group.as_deref().is_some_and(|group| is_of(group, name)))
    });
    let groups: BTreeSet<&str> = all
        .iter()
        .filter_map(|one| one.group.as_deref())
        .map(function_of)
        .collect();
    if groups.len() > 1 {
        let names: Vec<&str> = groups.into_iter().collect();
        return Err(MeasureError::BadRequest(format!(
            "the logs are of {} functions: {}; name one with --function",
            names.len(),
            names.join(", ")
        )));
    }
    if all.is_empty() {
        return Err(MeasureError::BadRequest(match asked.function {
            Some(name) => format!("the logs hold no invocation of the function `{name}` that has ended"),
            None => "no invocation has ended in the logs: they hold no REPORT".into(),
        }));
    }
    let emulated = all.iter().any(|one| one.emulated);
    let mut by_memory: BTreeMap<MemoryMib, Vec<&Invocation>> = BTreeMap::new();
    let mut unsized_ = 0;
    for one in &all {
        match one.report.memory_mb {
            Some(memory) if memory >= 1.0 => by_memory.entry(MemoryMib(memory.round() as u32)).or_default().push(one),
            _ => unsized_ += 1,
        }
    }
    if unsized_ > 0 {
        remarks.push(format!(
            "{unsized_} of {} reports do not say the memory of the function and were left out",
            all.len()
        ));
    }
    let doubts: BTreeSet<&str> = all
        .iter()
        .flat_map(|one| &one.report.doubts)
        .map(String::as_str)
        .collect();
    if let Some(first) = doubts.first() {
        remarks.push(format!(
            "{} fields of reports contradict themselves or are cut off, such as {first}; they count as unknown",
            doubts.len()
        ));
    }
    let functions: Vec<FunctionRun> = by_memory
        .into_iter()
        .map(|(memory, all)| run(memory, asked.architecture, &all))
        .collect();
    let times: Vec<i64> = all.iter().filter_map(|one| one.begun_us).collect();
    let moment = |us: Option<&i64>| {
        us.and_then(|us| Timestamp::from_microsecond(*us).ok())
            .map(|at| at.to_string())
    };
    let now = || Timestamp::now().to_string();
    if times.is_empty() {
        remarks.push("the logs have no times: the profile has the day of the import as its day".into());
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut notes = vec![format!(
        "Imported from logs: {} invocations in {}.",
        all.len(),
        names.join(", ")
    )];
    notes.extend(remarks.iter().cloned());
    let profile = FrameworkProfile {
        schema: SCHEMA,
        name: asked.name.to_string(),
        framework_version: None,
        runtime: None,
        provenance: Provenance {
            tool_version: env!("CARGO_PKG_VERSION").into(),
            started: moment(times.iter().min()).unwrap_or_else(now),
            finished: moment(times.iter().max()).unwrap_or_else(now),
            command: asked.command.to_string(),
            backend: if emulated { "lambda-emulator" } else { "lambda-logs" }.into(),
            cold_mode: String::new(),
            cpu_mode: String::new(),
            host_cpu: "AWS Lambda".into(),
            architecture: asked.architecture.map(str::to_string),
            host_cores: None,
            host_memory_mib: None,
            kernel: "unknown".into(),
            engine_version: "none".into(),
            storage_driver: "none".into(),
            cgroup_version: "none".into(),
            cpu_period_us: None,
            image_id: "unknown".into(),
            base_images: BTreeMap::new(),
            seed: 0,
            blocks: 0,
            repeated_blocks: 0,
            probe_interval_ms: 0.0,
            clock: "the times of the log".into(),
            prober_cpu_share: None,
            notes,
        },
        image: ImageFacts::default(),
        contract: None,
        quick: false,
        cold_proven: None,
        options: Default::default(),
        blocks: Vec::new(),
        quiet_machine: None,
        panel: None,
        runs: Vec::new(),
        functions,
    };
    Ok(Imported { profile, remarks })
}

/// The invocations of all files, each once: exports overlap.
fn merged(files: &[(String, Export)]) -> Vec<Invocation> {
    let mut events: Vec<_> = files
        .iter()
        .flat_map(|(_, export)| export.events.iter().cloned())
        .collect();
    if events.iter().all(|event| event.at_us.is_some()) {
        events.sort_by_key(|event| event.at_us);
    }
    let mut seen = BTreeSet::new();
    let mut all = invocations(&events);
    // A retry has the id of the first attempt, but never its end and its duration as well.
    all.retain(|one| {
        let key = (
            one.report.request_id.clone(),
            one.ended_us,
            one.report.duration_ms.map(f64::to_bits),
        );
        key.0.is_none() || seen.insert(key)
    });
    all
}

/// `/aws/lambda/checkout` is of `checkout`; Logs Insights writes the number of the account before it.
fn function_of(group: &str) -> &str {
    group.rsplit('/').next().unwrap_or(group)
}

fn is_of(group: &str, function: &str) -> bool {
    group == function || function_of(group) == function
}

fn run(memory: MemoryMib, architecture: Option<&str>, all: &[&Invocation]) -> FunctionRun {
    let went_well = |one: &&&Invocation| one.report.status.is_none() && one.report.error_type.is_none();
    let start = |one: &&Invocation| -> Option<FunctionStart> {
        let (init_ms, restore_ms, again, ahead) = match one.start {
            Start::Warm => return None,
            Start::Init { ms, again, ahead } => (ms, None, again, ahead),
            Start::Restore { ms } => (None, ms, false, false),
        };
        Some(FunctionStart {
            cause: StartCause::Logged,
            init_ms,
            restore_ms,
            duration_ms: one.report.duration_ms?,
            billed_ms: one.report.billed_ms,
            wall_ms: None,
            environment_ms: None,
            again,
            ahead,
        })
    };
    let warm = all.iter().filter(went_well).filter(|one| !one.start.is_first());
    FunctionRun {
        memory,
        architecture: architecture.map(str::to_string),
        starts: all.iter().filter(went_well).filter_map(start).collect(),
        warm_ms: warm.filter_map(|one| one.report.duration_ms).collect(),
        max_memory_mb: all.iter().filter_map(|one| one.report.max_memory_mb).reduce(f64::max),
        failed: all.iter().filter(|one| !went_well(one)).count() as u64,
        idle: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::read::lambda::export;

    const LOG: &str = "2026-03-02T10:00:00.000Z 2026/03/02/[1]a INIT_START Runtime Version: x\n\
        2026-03-02T10:00:00.400Z 2026/03/02/[1]a START RequestId: r-1 Version: 1\n\
        2026-03-02T10:00:00.430Z 2026/03/02/[1]a REPORT RequestId: r-1\tDuration: 30.00 ms\tBilled Duration: 430 ms\tMemory Size: 512 MB\tMax \
        Memory Used: 84 MB\tInit Duration: 399.00 ms\n\
        2026-03-02T10:00:01.000Z 2026/03/02/[1]a REPORT RequestId: r-2\tDuration: 10.00 ms\tBilled Duration: 10 ms\tMemory Size: 512 MB\tMax \
        Memory Used: 90 MB\n\
        2026-03-02T10:00:04.000Z 2026/03/02/[1]a REPORT RequestId: r-3\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 512 MB\t\
        Max Memory Used: 90 MB\tStatus: timeout\n\
        2026-03-02T10:00:05.000Z 2026/03/02/[1]a REPORT RequestId: r-4\tDuration: 11.00 ms\n";

    fn files(texts: &[&str]) -> Vec<(String, Export)> {
        let read = |(k, text): (usize, &&str)| (format!("f{k}"), export::read("f", text.as_bytes()).unwrap());
        texts.iter().enumerate().map(read).collect()
    }

    fn asked() -> Asked<'static> {
        Asked {
            name: "shop",
            ..Asked::default()
        }
    }

    #[test]
    fn samples_are_those_that_ended_well() {
        let imported = import(&asked(), &files(&[LOG])).unwrap();
        let [run] = &imported.profile.functions[..] else {
            panic!()
        };
        assert_eq!(
            (run.memory, &run.warm_ms[..], run.failed),
            (MemoryMib(512), &[10.0][..], 1)
        );
        assert_eq!(run.max_memory_mb, Some(90.0));
        let [start] = &run.starts[..] else { panic!() };
        assert_eq!(
            (start.init_ms, start.duration_ms, start.billed_ms),
            (Some(399.0), 30.0, Some(430.0))
        );
        assert_eq!(imported.profile.measured_on(), "2026-03-02");
        assert_eq!(
            imported.remarks,
            ["1 of 4 reports do not say the memory of the function and were left out"]
        );
        // What was written is read again.
        let text = serde_json::to_string(&imported.profile).unwrap();
        assert_eq!(crate::model::profile::parse(&text).unwrap(), imported.profile);
    }

    #[test]
    fn files_that_overlap_count_once() {
        let once = import(&asked(), &files(&[LOG])).unwrap().profile.functions;
        assert_eq!(import(&asked(), &files(&[LOG, LOG])).unwrap().profile.functions, once);
    }

    #[test]
    fn logs_of_several_functions_need_a_name() {
        let record = |group: &str, id: &str| {
            format!(
                r#"{{"logGroup":"/aws/lambda/{group}","logStream":"s","logEvents":[{{"timestamp":1600000000005,"message":"REPORT RequestId: {id}\tDuration: 5.00 ms\tMemory Size: 128 MB"}}]}}"#
            )
        };
        let both = files(&[&record("cart", "a"), &record("shop", "b")]);
        let error = import(&asked(), &both).unwrap_err().to_string();
        assert!(error.contains("2 functions: cart, shop"), "{error}");
        let one = Asked {
            function: Some("cart"),
            ..asked()
        };
        assert_eq!(import(&one, &both).unwrap().profile.functions[0].warm_ms.len(), 1);
        let none = Asked {
            function: Some("till"),
            ..asked()
        };
        assert!(
            import(&none, &both)
                .unwrap_err()
                .to_string()
                .contains("no invocation of the function `till`")
        );
    }
}
