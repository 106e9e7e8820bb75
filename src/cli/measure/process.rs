//! `coldcast measure process`: the same measurement without containers.

use std::path::PathBuf;

use clap::Args;

use super::Shared;
use crate::measure::config::{self, Config, WarmKind};
use crate::measure::{Backend, MeasureError, Measurement, Subject, frameworks, process_limits};
use crate::model::profile::{ColdMode, CpuMode};
use crate::units::MilliCpu;

/// The flags of `measure process`.
#[derive(Debug, Args)]
pub struct ProcessArgs {
    /// Frameworks to measure, by their folders in --models [default: all that run without a container]
    #[arg(value_name = "FRAMEWORK")]
    frameworks: Vec<String>,
    /// Measure all folders of --models that run without a container
    #[arg(long, conflicts_with = "frameworks")]
    all: bool,
    /// Whole CPUs to which each process is pinned, at most those of the machine
    #[arg(long, value_name = "CPUS", value_delimiter = ',', default_value = "1")]
    cpu: Vec<MilliCpu>,
    /// Cold starts of each configuration [default: 60 on 1 CPU, 30 elsewhere; with --quick 5]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    samples: Option<u32>,
    #[command(flatten)]
    shared: Shared,
    /// Folder for <NAME>/profile.json
    #[arg(long, value_name = "DIR", default_value = "measured")]
    out: PathBuf,
}

/// The measurement that the flags ask for, and the frameworks that are left out because they run in containers only.
pub fn request(args: &ProcessArgs) -> Result<(Measurement, Vec<String>), MeasureError> {
    let configs = configs(args)?;
    let mut subjects = frameworks(&args.shared.models, &args.frameworks)?;
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
    let measurement = Measurement {
        seed: args.shared.seed,
        ready_timeout: args.shared.ready_timeout(),
        resume: args.shared.resume,
        quick: args.shared.quick,
        command: command(args, &subjects),
        ..Measurement::new(Backend::Process, subjects, configs, &args.out)
    };
    Ok((measurement, left_out))
}

fn runs(subject: &Subject) -> bool {
    match subject {
        Subject::Framework { framework, .. } => framework.process.is_some(),
        Subject::Image { .. } => false,
    }
}

/// One configuration for each number of CPUs. One CPU gets the samples and the warm run of the reference size in containers.
fn configs(args: &ProcessArgs) -> Result<Vec<Config>, MeasureError> {
    let config = |cpu: MilliCpu| {
        let is_reference = cpu == config::REFERENCE.cpu;
        let (usual, warm_run) = match (args.shared.quick, is_reference) {
            (true, _) => (5, WarmKind::Short),
            (false, true) => (config::REFERENCE_SAMPLES, WarmKind::Long),
            (false, false) => (config::OTHER_SAMPLES, WarmKind::Short),
        };
        Ok(Config {
            limits: process_limits(cpu).map_err(MeasureError::BadRequest)?,
            cold_mode: ColdMode::ProcessCold,
            cpu_mode: CpuMode::Flat,
            samples: args.samples.unwrap_or(usual),
            warm_run,
        })
    };
    let mut configs = args
        .cpu
        .iter()
        .map(|&cpu| config(cpu))
        .collect::<Result<Vec<_>, MeasureError>>()?;
    configs.sort_unstable();
    configs.dedup();
    Ok(configs)
}

/// The command line that repeats the measurement on another machine, without paths of this machine.
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
