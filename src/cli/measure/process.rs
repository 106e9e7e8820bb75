//! `coldcast measure process`: the same measurement without containers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::Shared;
use crate::measure::config::{self, Config, WarmKind};
use crate::measure::docker::Limits;
use crate::measure::error::MeasureError;
use crate::measure::subject::{self, Subject};
use crate::measure::targets::process::check_cpu;
use crate::measure::{Backend, Request, host};
use crate::model::profile::{ColdMode, CpuMode};
use crate::units::{MemoryMib, MilliCpu};

/// Flags of `measure process`.
#[derive(Debug, Args)]
pub struct ProcessArgs {
    /// Folders of --models to measure [default: all that run without a container]
    #[arg(value_name = "FRAMEWORK")]
    frameworks: Vec<String>,
    /// All folders of --models that run without a container, as if none were named
    #[arg(long, conflicts_with = "frameworks")]
    all: bool,
    /// CPUs that each process is pinned to: whole ones, up to as many as the machine has
    #[arg(long, value_name = "CPUS", value_delimiter = ',', default_value = "1")]
    cpu: Vec<MilliCpu>,
    /// Cold starts of each configuration [default: 60 on 1 CPU, 30 elsewhere; with --quick 5]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    samples: Option<u32>,
    #[command(flatten)]
    shared: Shared,
    /// Where <NAME>/profile.json goes
    #[arg(long, value_name = "DIR", default_value = "measured")]
    out: PathBuf,
}

/// What the flags mean, and the frameworks that are left out as they run in containers only.
pub fn request(args: &ProcessArgs) -> Result<(Request, Vec<String>), MeasureError> {
    for &cpu in &args.cpu {
        check_cpu(cpu).map_err(MeasureError::BadRequest)?;
    }
    let mut subjects = subject::frameworks(&args.shared.models, &args.frameworks)?;
    let mut left_out = Vec::new();
    if let Some(name) = subjects.iter().find(|subject| !runs(subject)).map(Subject::name) {
        if !args.frameworks.is_empty() {
            return Err(MeasureError::OnlyContainers { name: name.into() });
        }
        let (fit, unfit) = subjects.into_iter().partition(runs);
        subjects = fit;
        left_out = Vec::from_iter(unfit.iter().map(|subject: &Subject| subject.name().to_string()));
    }
    if subjects.is_empty() {
        return Err(MeasureError::BadRequest(format!(
            "no framework of {} runs without a container",
            args.shared.models.display()
        )));
    }
    let request = Request {
        backend: Backend::Process,
        configs: configs(args),
        seed: args.shared.seed,
        patience: args.shared.patience(),
        out: args.out.clone(),
        bases: BTreeMap::new(),
        registry: None,
        env: Vec::new(),
        resume: args.shared.resume,
        quick: args.shared.quick,
        force: false,
        command: command(args, &subjects),
        subjects,
    };
    Ok((request, left_out))
}

fn runs(subject: &Subject) -> bool {
    match subject {
        Subject::Framework { framework, .. } => framework.process.is_some(),
        Subject::Image { .. } => false,
    }
}

/// One way of starting for each number of CPUs. One CPU gets what the reference size gets with containers.
fn configs(args: &ProcessArgs) -> Vec<Config> {
    let mut cpus = args.cpu.clone();
    cpus.sort_unstable();
    cpus.dedup();
    let memory = MemoryMib(u32::try_from(host::memory_mib()).unwrap_or(u32::MAX));
    let config = |cpu: MilliCpu| {
        let is_reference = cpu == config::REFERENCE.cpu;
        let (usual, warm_run) = match (args.shared.quick, is_reference) {
            (true, _) => (5, WarmKind::Short),
            (false, true) => (config::REFERENCE_SAMPLES, WarmKind::Long),
            (false, false) => (config::OTHER_SAMPLES, WarmKind::Short),
        };
        Config {
            limits: Limits { cpu, memory },
            cold_mode: ColdMode::ProcessCold,
            cpu_mode: CpuMode::Flat,
            samples: args.samples.unwrap_or(usual),
            warm_run,
        }
    };
    cpus.into_iter().map(config).collect()
}

/// The command line that repeats the measurement on another machine, without paths of this one.
fn command(args: &ProcessArgs, subjects: &[Subject]) -> String {
    let mut words: Vec<String> = vec!["coldcast measure process".into()];
    words.extend(subjects.iter().map(|subject| subject.name().to_string()));
    let cpus: Vec<String> = args.cpu.iter().map(|cpu| cpu.as_vcpu().to_string()).collect();
    words.push(format!("--cpu {}", cpus.join(",")));
    if let Some(samples) = args.samples {
        words.push(format!("--samples {samples}"));
    }
    words.extend(args.shared.words());
    words.join(" ")
}
