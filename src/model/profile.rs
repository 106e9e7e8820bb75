//! The measured profile of a framework: `models/frameworks/<name>/profile.json`, the file in which measurement and
//! simulation meet. Every sample is kept; summaries are computed when the file is read.
//!
//! Field names carry units: `_ms` for milliseconds of wall time or CPU time, `_bytes` for bytes. An unknown value is `null`,
//! never 0.

mod block;
mod cold;
mod function;
mod image;
mod options;
mod rates;
pub mod resample;
mod scale;
mod settling;
mod warm;
mod work;

pub use block::{BlockReading, QuietMachine, Spread};
pub use cold::{ColdMode, ColdSample, CpuMode, FailureKind, StartFailure, Verdict};
pub use function::{FunctionRun, FunctionStart, IdleLook, StartCause};
pub use image::{ImageFacts, LayerPull, Pull, Scan};
pub use options::ContainerOptions;
pub use rates::{CPU_5MS, JSON, RateRun, ResponsePoint};
pub use resample::Redraw;
pub use settling::{Settling, SettlingEnd};
pub use warm::{CLIENT_TOO_SLOW, MemoryReading, Plateau, RouteRun, StableRate, Trial, WarmRun};
pub use work::WorkSize;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::cpu_check;
use crate::model::panel::PanelLink;
use crate::units::{MemoryMib, MilliCpu};

/// The version of the profile format that this program writes.
pub const SCHEMA: u32 = 2;
/// The versions that this program reads. Version 1 has no work in sizes, no rates and no settling.
const READ: [u32; 2] = [1, SCHEMA];

/// All measurements of one image on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameworkProfile {
    /// The version of this format: 2; version 1 is read as well.
    pub schema: u32,
    /// The name of the framework, which is also the name of its folder, such as `express`.
    pub name: String,
    /// The release of the framework, such as `5.1.0`; `null` for an image of the user.
    pub framework_version: Option<String>,
    /// The language runtime in the image, such as `Node.js 24.2.0`; without an image, the versions that the programs of the
    /// host print.
    pub runtime: Option<String>,
    /// The place, time and method of the measurement.
    pub provenance: Provenance,
    /// The size and the content of the image.
    pub image: ImageFacts,
    /// The check of the HTTP contract before the measurement; `null` for an image of the user, which need not meet the
    /// contract.
    #[serde(default)]
    pub contract: Option<ContractCheck>,
    /// True if the measurement was a quick one, with few samples and short loads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quick: bool,
    /// True if every cold start was shown to be cold: a new process answered its first request. `null` in schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_proven: Option<bool>,
    /// The flags that changed the container of a user's own image.
    #[serde(default, skip_serializing_if = "ContainerOptions::is_usual")]
    pub options: ContainerOptions,
    /// The state of the machine before each block, in the order of measurement.
    #[serde(default)]
    pub blocks: Vec<BlockReading>,
    /// The figures of the machine at rest against which the blocks were judged; `null` if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_machine: Option<QuietMachine>,
    /// The figures of the panel of the machine, by which this profile is brought to another machine; `null` if the machine had
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<PanelLink>,
    /// One entry for each pair of CPU limit and memory limit, sorted by both.
    pub runs: Vec<MeasuredConfig>,
    /// One entry for each memory size of a function that ran on AWS Lambda, sorted by memory; none of other measurements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<FunctionRun>,
}

/// Parses a profile.
///
/// # Errors
/// A sentence that says what is wrong, with the position in the text; or with the CPU and memory of the run that contradicts
/// itself (see [`crate::model::cpu_check`]).
pub fn parse(text: &str) -> Result<FrameworkProfile, String> {
    let profile: FrameworkProfile = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !READ.contains(&profile.schema) {
        return Err(format!(
            "its schema is {}; this version reads {} to {SCHEMA}",
            profile.schema, READ[0]
        ));
    }
    // Version 1 did not wait until CPU time per request had settled.
    let contradiction = match profile.schema {
        1 => None,
        _ => profile.runs.iter().find_map(MeasuredConfig::contradiction),
    };
    contradiction.map_or(Ok(profile), Err)
}

impl FrameworkProfile {
    /// Returns one line about the machine that measured.
    pub fn machine(&self) -> String {
        let p = &self.provenance;
        let (Some(cores), Some(memory)) = (p.host_cores, p.host_memory_mib) else {
            return p.host_cpu.clone();
        };
        format!(
            "{}, {cores} cores, {} GiB, kernel {}, {} {}",
            p.host_cpu,
            (memory + 512) / 1024,
            p.kernel,
            p.backend,
            p.engine_version
        )
    }

    /// Returns the day on which the measurement began, such as `2026-11-23`.
    pub fn measured_on(&self) -> &str {
        self.provenance.started.split('T').next().unwrap_or_default()
    }

    /// Returns true if processes of a host were measured, without containers and without a memory limit.
    pub fn is_of_processes(&self) -> bool {
        self.provenance.backend == "process"
    }
}

impl MeasuredConfig {
    /// Returns true if CPU time per request is known for one request at a time only. That time includes the cost of going to
    /// sleep and waking up.
    pub fn is_cpu_alone(&self) -> bool {
        let routes = self.warm.iter().flat_map(|warm| warm.routes.values());
        let mut measured = routes.filter(|route| !route.cpu_ms.is_empty()).peekable();
        measured.peek().is_some() && measured.all(|route| route.cpu_loaded_ms.is_empty())
    }

    /// Returns a sentence about a warm run that contradicts itself.
    fn contradiction(&self) -> Option<String> {
        let vcpu = self.cpu.as_vcpu();
        let reason = cpu_check::impossible(self.warm.as_ref()?, vcpu)?;
        Some(format!(
            "its warm run at {vcpu} vCPU, {}: {reason}. Measure it again",
            self.memory
        ))
    }

    /// Returns a sentence for each reason to doubt the CPU time per request of the warm run.
    pub fn doubts(&self) -> Vec<String> {
        let warm = self.warm.iter();
        warm.flat_map(|warm| cpu_check::doubts(warm, self.cpu.as_vcpu()))
            .collect()
    }

    /// Returns the cold starts that summaries and simulations use: all except those of noisy blocks, which were repeated.
    pub fn counted(&self) -> impl Iterator<Item = &ColdSample> {
        self.cold.iter().filter(|sample| sample.verdict == Verdict::Counted)
    }
}

/// The successful check of the HTTP contract before a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractCheck {
    /// The time of the check, RFC 3339 in UTC.
    pub at: String,
    /// The command that repeats the check.
    pub command: String,
    /// The number of routes of the contract.
    pub routes: u32,
    /// The number of requests that were sent. All were answered correctly.
    pub requests: u32,
}

/// The circumstances of a measurement that influence its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The version of coldcast that measured.
    pub tool_version: String,
    /// The start of the measurement, RFC 3339 in UTC.
    pub started: String,
    /// The end of the measurement, RFC 3339 in UTC.
    pub finished: String,
    /// The command line that repeats the measurement.
    pub command: String,
    /// The place where the app ran: `docker` (containers), `process` (processes of the host, without an engine), or `lambda-logs` (a
    /// function of the user's own on AWS Lambda, of which there are logs).
    pub backend: String,
    /// The kinds of cold starts in the runs, separated by commas.
    pub cold_mode: String,
    /// The modes of the CPU limit in the runs, separated by commas.
    pub cpu_mode: String,
    /// The CPU model of the host.
    pub host_cpu: String,
    /// The instruction set of the host, such as `x86_64` or `aarch64`; `null` in older profiles, which come from x86_64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The number of logical CPUs of the host; `null` if it is not known, as on AWS Lambda.
    pub host_cores: Option<u32>,
    /// The memory of the host in MiB; `null` if it is not known.
    pub host_memory_mib: Option<u64>,
    /// The kernel release.
    pub kernel: String,
    /// The version of the container engine; `none` without an engine.
    pub engine_version: String,
    /// The storage driver of the engine; `none` without an engine.
    pub storage_driver: String,
    /// The version of control groups, `1` or `2`; `none` without an engine.
    pub cgroup_version: String,
    /// The period of the CFS quota in microseconds; `null` if no quota limits the CPU.
    pub cpu_period_us: Option<u64>,
    /// The content digest of the measured image (image id); without an image, a digest of the sources and of the programs
    /// that they need.
    pub image_id: String,
    /// The base images: the references in the Dockerfile and the images that were used for them.
    pub base_images: BTreeMap<String, String>,
    /// The seed of the random order.
    pub seed: u64,
    /// The number of completed blocks, including those that were repeated because of noise.
    pub blocks: u32,
    /// The number of blocks that began on a noisy machine and were repeated.
    #[serde(default)]
    pub repeated_blocks: u32,
    /// The shortest interval between probes in milliseconds; 0 without probes. The interval grows to 0.25% of the elapsed time, and is at least
    /// 2 ms until the engine reports that the container runs.
    pub probe_interval_ms: f64,
    /// The clock of all durations.
    pub clock: String,
    /// The CPU time of the measuring process divided by wall time during cold starts, in cores; `null` if unknown.
    pub prober_cpu_share: Option<f64>,
    /// Notes for readers: warnings about noise, discarded starts, unknown values and the reason.
    pub notes: Vec<String>,
}

/// The samples taken at one CPU limit and one memory limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredConfig {
    /// The CPU limit.
    pub cpu: MilliCpu,
    /// The memory limit, without swap; the memory of the host if there was no limit (backend `process`).
    pub memory: MemoryMib,
    /// The kind of cold start.
    #[serde(default)]
    pub cold_mode: ColdMode,
    /// The mode of the CPU limit.
    #[serde(default)]
    pub cpu_mode: CpuMode,
    /// The cold starts in the order of measurement.
    pub cold: Vec<ColdSample>,
    /// The starts without a sample, with the reason.
    pub failures: Vec<StartFailure>,
    /// The measurements of a warm instance; `null` if no instance became ready.
    pub warm: Option<WarmRun>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile of schema 1 as older versions wrote it.
    const OLD: &str = include_str!("../../tests/data/synthetic-profile.json");

    #[test]
    fn an_old_profile_is_read_and_gains_nothing_when_written() {
        let old = parse(OLD).unwrap();
        assert_eq!((old.schema, old.quick, old.cold_proven), (1, false, None));
        let written = serde_json::to_value(&old).unwrap();
        for key in ["quick", "cold_proven", "options", "panel"] {
            assert!(written.get(key).is_none(), "{key}");
        }
        let warm = written["runs"].as_array().unwrap().iter().map(|run| &run["warm"]);
        for warm in warm.filter(|warm| !warm.is_null()) {
            for key in [
                "settling",
                "work",
                "work_settling",
                "rates",
                "responses",
                "rates_idle_cpu_ms_per_s",
            ] {
                assert!(warm.get(key).is_none(), "{key}");
            }
        }
        assert_eq!(parse(&written.to_string()).unwrap(), old);
    }

    /// The profile with a CPU time per request on `json` that is impossible at its saturation rate.
    fn impossible(schema: u32) -> String {
        let mut profile = parse(OLD).unwrap();
        profile.schema = schema;
        let vcpu = profile.runs[0].cpu.as_vcpu();
        let warm = profile.runs[0].warm.as_mut().unwrap();
        warm.saturation_rps = Some(1000.0);
        let route = warm.routes.values().next().unwrap().clone();
        let cpu_loaded_ms = vec![2.0 * vcpu; 10];
        warm.routes.insert("json".into(), RouteRun { cpu_loaded_ms, ..route });
        serde_json::to_string(&profile).unwrap()
    }

    #[test]
    fn a_profile_that_contradicts_itself_is_refused_from_schema_2_on() {
        let error = parse(&impossible(2)).unwrap_err();
        assert!(
            error.starts_with("its warm run at ")
                && error.contains("exceeds the limit")
                && error.ends_with("Measure it again"),
            "{error}"
        );
        assert!(parse(&impossible(1)).is_ok());
    }

    #[test]
    fn a_profile_of_the_future_is_refused() {
        let future = OLD.replace("\"schema\": 1", "\"schema\": 3");
        assert_eq!(
            parse(&future).unwrap_err(),
            "its schema is 3; this version reads 1 to 2"
        );
    }
}
