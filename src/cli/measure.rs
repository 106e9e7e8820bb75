//! `coldcast measure`: measures frameworks on a real machine and writes their profiles.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Common;
use super::exit::{Failure, Outcome};
use super::output::print;
use crate::measure;
use crate::measure::config::{self, Config, Limits, Plan, WarmKind};
use crate::measure::{
    Backend, ContainerOptions, MeasureError, Measurement, Progress, Registry, Subject, Unmeasured, host_cores,
};
use crate::model::panel::PanelLink;
use crate::model::profile::{ColdMode, CpuMode};
use crate::units::{MemoryMib, MilliCpu, SimDuration};

mod agreement;
mod cleanup;
mod contract;
mod import_lambda_logs;
#[cfg(feature = "lambda")]
mod lambda;
mod link;
mod noise;
mod own_image;
mod panel;
mod plan;
mod process;
mod table;

use own_image::OwnImageArgs;

/// The cold starts of each configuration in a quick measurement.
const QUICK_SAMPLES: u32 = 5;

/// Measures frameworks on this machine and writes their profiles
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast measure docker gin --quick --out measured")]
pub struct MeasureArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Measures containers on a Docker engine of this machine
    ///
    /// Builds the image of each framework, starts it many times at each CPU limit, and loads one warm instance of each.
    /// Writes <OUT>/<NAME>/profile.json with every sample. Containers have no network access. They are removed at the
    /// end, also after Ctrl-C.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure docker gin --quick --out measured")]
    Docker(Box<DockerArgs>),
    /// Measures processes of this machine, without containers
    ///
    /// Starts each app as its framework.toml says, in a private copy of its sources and pinned to whole CPUs. Takes the
    /// same samples as `measure docker`. Needs Linux, and the tools of the language on PATH. There is no confinement:
    /// package managers and apps run with your rights, and apps listen on all addresses of this machine. Writes
    /// <OUT>/<NAME>/profile.json. Everything else is removed at the end, also after Ctrl-C.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure process flask --quick")]
    Process(Box<process::ProcessArgs>),
    /// Measures all frameworks at 1 vCPU and 512Mi within half an hour: the panel of this machine
    ///
    /// Takes a dozen cold starts of each framework in blocks, and a short load on two warm instances. Writes <OUT>/panel.json.
    /// Every measuring stretch begins with a panel: profiles carry its figures, and machines are linked by their panels.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure panel --frameworks gin,express,flask --out measured/panel")]
    Panel(panel::PanelArgs),
    /// Links two machines by their panels: the factor of each quantity with its interval, and a test if one factor is enough
    #[command(after_help = "Example:\n  coldcast measure link measured/panel/panel.json measured/panel/panel.json")]
    Link(link::LinkArgs),
    /// Prints the plan of `measure docker` with the same arguments, or of `measure panel`, and the time that it takes
    #[command(after_help = "Example:\n  coldcast measure plan --all")]
    Plan(Box<PlanArgs>),
    /// Checks the image of each framework against the HTTP contract
    ///
    /// Builds and starts each image as a measurement does, and checks the answers of every route. `measure docker` does
    /// the same before it measures.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure contract gin")]
    Contract(contract::ContractArgs),
    /// Measures on AWS Lambda itself: deploys images, forces cold starts, and reads what the platform reports
    ///
    /// Prints what would be created, called and paid, and creates nothing without --yes. Everything that is made has the prefix
    /// coldcast- and a tag, and is removed at the end, also after Ctrl-C; `measure lambda cleanup` removes what was left after a kill.
    /// Credentials, region and endpoint are those of the usual AWS settings. Writes <OUT>/<NAME>/profile.json.
    #[cfg(feature = "lambda")]
    #[command(verbatim_doc_comment)]
    #[command(
        after_help = "Example:\n  coldcast measure lambda express gin --memory 512,1024,1769 --architecture arm64 -n 50 --dry-run"
    )]
    Lambda(Box<lambda::LambdaArgs>),
    /// Makes the profile of a function of your own from its logs on AWS Lambda, without deploying anything
    ///
    /// Reads what CloudWatch, its console, Logs Insights, a log subscription or the Telemetry API give, plain or gzip, such as that of
    /// `aws logs filter-log-events --log-group-name /aws/lambda/checkout --output json > checkout.json`. Writes
    /// <OUT>/<NAME>/profile.json with every start and every duration. How much of a duration is CPU time is not in logs and stays
    /// unknown, so the profile is for the platform `lambda` with the memory that the function had.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure import-lambda-logs checkout.json --name checkout")]
    ImportLambdaLogs(import_lambda_logs::ImportArgs),
    /// Compares two measurements of the same frameworks: medians of the cold start, size by size
    #[command(after_help = "Example:\n  coldcast measure agreement models/frameworks models/frameworks")]
    Agreement(agreement::AgreementArgs),
    /// Shows how quiet this machine is, and renews the figures against which noise is judged
    ///
    /// Every measurement times fixed work before each block, and calls a block noisy if the work takes longer than the machine at
    /// rest allows. The figures of the machine at rest are kept in the state folder of the user (XDG_STATE_HOME, or
    /// ~/.local/state). They are taken by the first measurement that finds the machine idle. Fails with exit code 1 if the
    /// machine is noisy now.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure noise")]
    Noise(noise::NoiseArgs),
    /// Removes the remains of interrupted runs from the Docker engine and from this machine
    ///
    /// Finds containers and networks by their label, pulled images by their name, processes by a variable in their
    /// environment, and folders by their name. Shows them, and removes those of runs that have ended. Touches nothing
    /// else.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure cleanup --yes")]
    Cleanup(cleanup::CleanupArgs),
}

#[derive(Debug, Args)]
struct PlanArgs {
    /// Plan the panel: `measure panel` of the named frameworks, or of all
    #[arg(long)]
    for_panel: bool,
    #[command(flatten)]
    docker: DockerArgs,
}

#[derive(Debug, Args)]
struct DockerArgs {
    /// Frameworks to measure, by their folders in --models [default: all]
    #[arg(value_name = "FRAMEWORK", conflicts_with = "image")]
    frameworks: Vec<String>,
    /// Measure all folders of --models
    #[arg(long, conflicts_with_all = ["frameworks", "image"])]
    all: bool,
    /// CPU limits, in vCPUs [default: 0.25,0.5,1,2 at 512Mi; with --quick 1]
    #[arg(long, value_name = "VCPU", value_delimiter = ',')]
    cpu: Vec<MilliCpu>,
    /// Memory limits, each at every CPU limit; swap is off [default: 512Mi, and 128Mi,256Mi,1Gi,1769Mi,3008Mi at 1 vCPU]
    #[arg(long, value_name = "SIZE", value_delimiter = ',')]
    memory: Vec<MemoryMib>,
    /// A named plan in place of CPU, memory and modes: usual (the default), lambda (the sizes of AWS Lambda from 128Mi to
    /// 3008Mi with boosted init), full (both)
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["cpu", "memory", "cold_mode", "cpu_mode"])]
    plan: Option<Plan>,
    /// Cold starts of each configuration [default: 60 at 1 vCPU and 512Mi, 30 at other CPU limits, 15 at other memory limits, 20 with boosted init; with --quick 5]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    samples: Option<u32>,
    /// The sense in which starts are cold: process-cold (new container), disk-cold (image not in the page cache; needs
    /// root), node-cold (image pulled first; needs --registry)
    #[arg(long, value_name = "MODE", value_delimiter = ',', default_value = "process-cold")]
    cold_mode: Vec<ColdMode>,
    /// The time from which the CPU limit holds: flat (always), boosted-init (two vCPUs until the app is ready)
    #[arg(long, value_name = "MODE", value_delimiter = ',', default_value = "flat")]
    cpu_mode: Vec<CpuMode>,
    /// A registry on this machine for measuring pulls, such as 127.0.0.1:5000
    #[arg(long, value_name = "ADDRESS")]
    registry: Option<Registry>,
    #[command(flatten)]
    shared: Shared,
    /// Folder for <NAME>/profile.json [default: --models; with --quick or --image ./measured]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Use a local image in place of an official base image; repeatable
    #[arg(long, value_name = "OFFICIAL=LOCAL", value_parser = base)]
    base: Vec<(String, String)>,
    /// Let profiles carry the figures of this panel.json [default: the newest panel of this machine, if it is of the last day]
    #[arg(long, value_name = "FILE")]
    panel: Option<PathBuf>,
    /// Measure even if the disk is nearly full or the engine is on another machine
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    own: OwnImageArgs,
}

/// The flags of every backend.
#[derive(Debug, Args)]
struct Shared {
    /// Seed of the random order
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder of the frameworks
    #[arg(long, value_name = "DIR", default_value = "models/frameworks")]
    models: PathBuf,
    /// Continue with the samples of an interrupted run of the same command
    #[arg(long)]
    resume: bool,
    /// Take few samples and short loads, about a minute per framework; not for publication
    #[arg(long)]
    quick: bool,
    /// Longest time that a start may take [default: 120s, and less if the app shows no sign of becoming ready]
    #[arg(long, value_name = "TIME")]
    ready_timeout: Option<SimDuration>,
}

impl Shared {
    fn ready_timeout(&self) -> Duration {
        self.ready_timeout
            .map_or(measure::READY_TIMEOUT, |time| Duration::from_nanos(time.0))
    }

    /// The flags that change the result.
    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("--seed {}", self.seed)];
        if self.quick {
            words.push("--quick".into());
        }
        words
    }
}

/// Measures and prints a table. Fails if a subject gave no sample.
pub fn run(args: &MeasureArgs, common: &Common) -> Outcome {
    let (mut measurement, left_out) = match &args.what {
        What::Docker(args) => (request(args).map_err(failure)?, Vec::new()),
        What::Process(args) => process::request(args).map_err(failure)?,
        What::Panel(args) => return panel::run(args, common),
        What::Link(args) => return link::run(args),
        What::Plan(args) => return print(plan::table(&planned(args).map_err(failure)?)),
        What::Contract(args) => return contract::run(args, common),
        #[cfg(feature = "lambda")]
        What::Lambda(args) => return lambda::run(args, common),
        What::ImportLambdaLogs(args) => return import_lambda_logs::run(args, common),
        What::Agreement(args) => return agreement::run(args),
        What::Noise(args) => return noise::run(args),
        What::Cleanup(args) => return cleanup::run(args),
    };
    let mut progress = Progress::new(common.quiet, std::io::stderr().is_terminal());
    if !left_out.is_empty() {
        progress.say(&format!(
            "left out, because they run in containers only (`coldcast measure docker`): {}",
            left_out.join(", ")
        ));
    }
    if let What::Docker(args) = &args.what {
        measurement.panel = panel_of(args, &progress).map_err(failure)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::environment)?;
    let outcome = runtime.block_on(measure::run(&measurement, &mut progress));
    // A thread may still poll a container that is gone; it is not waited for.
    runtime.shutdown_background();
    let finished = outcome.map_err(failure)?;
    let profiles: Vec<_> = finished.profiles.iter().map(|(profile, _)| profile).collect();
    if !profiles.is_empty() {
        let _ = writeln!(std::io::stdout(), "{}", table::summary(&profiles));
    }
    for (_, path) in &finished.profiles {
        progress.say(&format!("wrote {}", path.display()));
    }
    all_measured(finished.unmeasured)
}

/// Fails if a subject gave no sample.
fn all_measured(unmeasured: Vec<Unmeasured>) -> Outcome {
    let mut unmeasured = unmeasured.into_iter();
    match unmeasured.next() {
        None => Ok(()),
        Some(Unmeasured { name, reason, hints }) => {
            let others = unmeasured.map(|other| format!("\n  and {}: {}", other.name, other.reason));
            let reason = reason + &others.collect::<String>();
            Err(failure(MeasureError::NothingMeasured { name, reason, hints }))
        }
    }
}

fn failure(error: MeasureError) -> Failure {
    if error.is_input() {
        Failure::input(error)
    } else {
        Failure::environment(error)
    }
}

/// The measurement to be planned.
fn planned(args: &PlanArgs) -> Result<Measurement, MeasureError> {
    if args.for_panel {
        let shared = &args.docker.shared;
        return Ok(panel::measurement(
            &shared.models,
            &args.docker.frameworks,
            args.docker.all,
            shared.seed,
            "measured/panel".as_ref(),
        )?
        .0);
    }
    request(&args.docker)
}

/// The figures of the panel that profiles are to carry: those of --panel, or of the newest panel of this machine if it is of the last
/// day. Says so if there is none.
fn panel_of(args: &DockerArgs, progress: &Progress) -> Result<Option<PanelLink>, MeasureError> {
    if let Some(path) = &args.panel {
        let link = measure::panel_of_file(path)?;
        if !measure::is_fresh_panel(&link) {
            progress.say(&format!(
                "warning: the panel {} is of {}: a machine may change within a day. `coldcast measure panel` measures it anew",
                link.id, link.measured
            ));
        }
        return Ok(Some(link));
    }
    let kept = measure::kept_panel().filter(measure::is_fresh_panel);
    match &kept {
        Some(link) => progress.say(&format!("profiles carry the panel {} of {}", link.id, link.measured)),
        None if args.shared.quick => {}
        None => progress.say(
            "warning: this machine has no panel of the last day, so that its profiles cannot be brought to another machine. Run \
             `coldcast measure panel` first",
        ),
    }
    Ok(kept)
}

/// The measurement that the flags ask for.
fn request(args: &DockerArgs) -> Result<Measurement, MeasureError> {
    let mut subjects = Vec::new();
    match args.own.subject()? {
        Some(own) => subjects.push(own),
        None => subjects.extend(measure::frameworks(&args.shared.models, &args.frameworks)?),
    }
    let modes = Modes::new(args)?;
    let configs = match args.plan {
        Some(plan) => of_plan(plan, args),
        None => configs(&limits(args), &modes),
    };
    // The engine takes no limit below 0.01 vCPU or 6 MiB.
    let too_small = |config: &Config| config.limits.cpu.0 < 10 || config.limits.memory.0 < 6;
    if configs.iter().any(too_small) {
        return Err(MeasureError::BadRequest(
            "limits must be at least 0.01 vCPU and 6Mi".into(),
        ));
    }
    let options = args.own.options()?;
    check_cores(&configs, host_cores())?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None if args.shared.quick || args.own.image.is_some() => PathBuf::from("measured"),
        None => args.shared.models.clone(),
    };
    Ok(Measurement {
        seed: args.shared.seed,
        ready_timeout: args.shared.ready_timeout(),
        bases: args.base.iter().cloned().collect(),
        registry: args.registry.clone(),
        command: command(args, &subjects, &modes, &options),
        options,
        patient: args.shared.ready_timeout.is_some(),
        resume: args.shared.resume,
        quick: args.shared.quick,
        force: args.force,
        ..Measurement::new(Backend::Docker, subjects, configs, out)
    })
}

/// Refuses limits that this machine cannot keep: an instance with more vCPUs than there are would be measured with less.
fn check_cores(configs: &[Config], cores: u32) -> Result<(), MeasureError> {
    let most = configs.iter().map(|config| config.limits.cpu).max().unwrap_or_default();
    if most.0 > cores * 1000 {
        return Err(MeasureError::BadRequest(format!(
            "a limit of {} vCPU cannot be measured here: this machine has {cores}; name smaller ones with --cpu",
            most.as_vcpu()
        )));
    }
    if cores < 2 && configs.iter().any(|config| config.cpu_mode == CpuMode::BoostedInit) {
        return Err(MeasureError::BadRequest(
            "--cpu-mode boosted-init cannot be measured here: an app starts on two vCPUs, and this machine has one"
                .into(),
        ));
    }
    Ok(())
}

/// The cold modes and CPU modes, each once and in the order of their type.
struct Modes {
    cold: Vec<ColdMode>,
    cpu: Vec<CpuMode>,
}

impl Modes {
    fn new(args: &DockerArgs) -> Result<Self, MeasureError> {
        let cold: Vec<_> = ColdMode::ALL
            .into_iter()
            .filter(|mode| args.cold_mode.contains(mode))
            .collect();
        let cpu = CpuMode::ALL
            .into_iter()
            .filter(|mode| args.cpu_mode.contains(mode))
            .collect();
        if cold.contains(&ColdMode::NodeCold) && args.registry.is_none() {
            return Err(MeasureError::BadRequest(
                "--cold-mode node-cold needs a registry on this machine to pull from: --registry 127.0.0.1:PORT".into(),
            ));
        }
        Ok(Self { cold, cpu })
    }
}

/// The limits, each with the number of samples and the kind of warm run. Named CPU limits and memory limits are combined.
fn limits(args: &DockerArgs) -> Vec<(Limits, u32, WarmKind)> {
    if args.cpu.is_empty() && args.memory.is_empty() && !args.shared.quick {
        let mut usual = config::usual();
        for (_, samples, _) in &mut usual {
            *samples = args.samples.unwrap_or(*samples);
        }
        return usual;
    }
    let or = |given: &[MilliCpu], usual: &[MilliCpu]| {
        if given.is_empty() {
            usual.to_vec()
        } else {
            given.to_vec()
        }
    };
    let usual: &[MilliCpu] = if args.shared.quick {
        &[config::REFERENCE.cpu]
    } else {
        &[MilliCpu(250), MilliCpu(500), MilliCpu(1000), MilliCpu(2000)]
    };
    let memories = if args.memory.is_empty() {
        vec![config::REFERENCE.memory]
    } else {
        args.memory.clone()
    };
    let mut limits: Vec<Limits> = or(&args.cpu, usual)
        .into_iter()
        .flat_map(|cpu| memories.iter().map(move |&memory| Limits { cpu, memory }))
        .collect();
    limits.sort_unstable();
    limits.dedup();
    let samples = args
        .samples
        .unwrap_or(if args.shared.quick { QUICK_SAMPLES } else { 30 });
    let kind = |limits| match limits == config::REFERENCE && !args.shared.quick {
        true => WarmKind::Long,
        false => WarmKind::Short,
    };
    limits
        .into_iter()
        .map(|limits| (limits, samples, kind(limits)))
        .collect()
}

/// The configurations of a named plan. A quick measurement takes few samples and no long warm run.
fn of_plan(plan: Plan, args: &DockerArgs) -> Vec<Config> {
    let quick = args.shared.quick;
    let mut configs = plan.configs(args.samples.or(quick.then_some(QUICK_SAMPLES)));
    for config in configs
        .iter_mut()
        .filter(|config| quick && config.warm_run == WarmKind::Long)
    {
        config.warm_run = WarmKind::Short;
    }
    configs
}

/// The plan in every mode. The cold mode makes no difference to a warm instance, so one mode has the warm run.
fn configs(plan: &[(Limits, u32, WarmKind)], modes: &Modes) -> Vec<Config> {
    let mut configs = Vec::new();
    for &(limits, samples, warm_run) in plan {
        for (first, &cold_mode) in modes.cold.iter().enumerate().map(|(i, mode)| (i == 0, mode)) {
            configs.extend(modes.cpu.iter().map(|&cpu_mode| Config {
                limits,
                cold_mode,
                cpu_mode,
                samples,
                warm_run: if first { warm_run } else { WarmKind::None },
            }));
        }
    }
    configs
}

/// The command line that repeats the measurement on another machine. It has no paths of this machine, and only the names of
/// environment variables and headers.
fn command(args: &DockerArgs, subjects: &[Subject], modes: &Modes, options: &ContainerOptions) -> String {
    let list = |items: Vec<String>| items.join(",");
    let mut words: Vec<String> = vec!["coldcast measure docker".into()];
    for subject in subjects {
        words.push(match subject {
            Subject::Framework { framework, .. } => framework.name.clone(),
            Subject::Image(own) => own_image::words(own),
        });
    }
    words.extend(options.words());
    if let Some(plan) = args.plan {
        words.push(format!("--plan {}", plan.name()));
    }
    if !args.cpu.is_empty() {
        let cpus = args.cpu.iter().map(|cpu| cpu.as_vcpu().to_string());
        words.push(format!("--cpu {}", list(cpus.collect())));
    }
    if !args.memory.is_empty() {
        let memories = args.memory.iter().map(ToString::to_string);
        words.push(format!("--memory {}", list(memories.collect())));
    }
    if modes.cold != [ColdMode::default()] {
        let names = modes.cold.iter().map(|mode| mode.name().to_string());
        words.push(format!("--cold-mode {}", list(names.collect())));
    }
    if modes.cpu != [CpuMode::default()] {
        let names = modes.cpu.iter().map(|mode| mode.name().to_string());
        words.push(format!("--cpu-mode {}", list(names.collect())));
    }
    if let Some(registry) = &args.registry {
        words.push(format!("--registry {}", registry.address));
    }
    if let Some(samples) = args.samples {
        words.push(format!("--samples {samples}"));
    }
    words.extend(args.shared.words());
    words.join(" ")
}

fn base(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(official, local)| !official.is_empty() && !local.is_empty())
        .map(|(official, local)| (official.to_string(), local.to_string()))
        .ok_or_else(|| "write OFFICIAL=LOCAL, such as node:26-trixie-slim=my/node:26".to_string())
}
