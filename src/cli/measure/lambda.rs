//! `coldcast measure lambda`: measures on AWS Lambda itself.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use super::{all_measured, failure, own_image};
use crate::cli::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{print, say};
use crate::measure::lambda::api::Api;
use crate::measure::lambda::plan::{Prices, dollars, plan};
use crate::measure::lambda::{Cause, LambdaSubject, Request, Source, TIMEOUT, cleanup, policy, run as measure};
use crate::measure::{MeasureError, Progress, Subject};
use crate::model::framework::Framework;
use crate::model::price::PriceList;
use crate::model::profile::{self, ColdMode, CpuMode};
use crate::model::{catalog, price};
use crate::report::framework_functions;
use crate::report::table::Style;
use crate::stats::order;
use crate::units::{MemoryMib, MilliCpu, SimDuration};

/// The port of frameworks inside a function: Lambda uses 9001 and 3000, its emulator 8080.
const PORT: u16 = 8081;

/// The flags of `measure lambda`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct LambdaArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    measure: MeasureArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Prints the least permissions that a measurement needs, as an IAM policy
    #[command(after_help = "Example:\n  coldcast measure lambda policy")]
    Policy {
        /// The role of the functions, which the policy lets be passed on
        #[arg(long, value_name = "ARN")]
        role: Option<String>,
    },
    /// Removes what runs have left on AWS
    ///
    /// Finds functions and repositories by the names and tags of runs, and by the journals in --out. Shows them, and removes them with
    /// --yes. A run that is still going on loses its functions.
    #[command(verbatim_doc_comment)]
    #[command(after_help = "Example:\n  coldcast measure lambda cleanup --run 1f2e3d4c --yes")]
    Cleanup {
        /// Only what this run has left
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Remove it
        #[arg(long)]
        yes: bool,
        /// The region [default: that of the AWS settings]
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Folder of the journals
        #[arg(long, value_name = "DIR", default_value = "measured")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
struct MeasureArgs {
    /// Frameworks to measure, by their folders in --models; their images are built and pushed to ECR
    #[arg(value_name = "FRAMEWORK")]
    frameworks: Vec<String>,
    /// An image in ECR with a web server and the Lambda Web Adapter, and the name of its profile (repeatable)
    #[arg(long, value_name = "NAME=URI", value_parser = named)]
    image_uri: Vec<(String, String)>,
    /// A zip archive for a managed runtime, and the name of its profile
    #[arg(long, value_name = "NAME=FILE", value_parser = named, requires_all = ["runtime", "handler"])]
    zip: Option<(String, String)>,
    /// The managed runtime of the archive, such as nodejs22.x
    #[arg(long, value_name = "RUNTIME", requires = "zip")]
    runtime: Option<String>,
    /// The handler of the archive, such as run.sh with the web adapter as a layer
    #[arg(long, value_name = "HANDLER", requires = "zip")]
    handler: Option<String>,
    /// A layer of the archive, such as the web adapter (repeatable)
    #[arg(long, value_name = "ARN", requires = "zip")]
    layer: Vec<String>,
    /// The port of your own server
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    port: u16,
    /// The path of your own server that answers once it is ready
    #[arg(long, value_name = "PATH", default_value = "/healthz")]
    path: String,
    /// Memory of the functions, in MB or with a unit
    #[arg(long, value_name = "SIZE", value_delimiter = ',', default_value = "1769", value_parser = memory)]
    memory: Vec<MemoryMib>,
    /// The instruction set of the functions
    #[arg(long, value_name = "SET", value_parser = ["x86_64", "arm64"], default_value = "x86_64")]
    architecture: String,
    /// Cold starts of each framework at each memory, by each cause
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    samples: u32,
    /// How starts are forced: nonce (a change of the configuration), version (a new version), burst (invocations at the same time)
    #[arg(long, value_name = "CAUSE", value_delimiter = ',', default_value = "nonce")]
    cause: Vec<Cause>,
    /// Invocations at the same time of one burst
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    burst: u32,
    /// Warm invocations after each start
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    warm: u32,
    /// Restore versions from snapshots; only for an archive, and with the cause `version`
    #[arg(long, requires = "zip")]
    snap_start: bool,
    /// Leave each function silent for these times, and see whether its environment is still there
    #[arg(long, value_name = "TIME", value_delimiter = ',')]
    probe_idle: Vec<SimDuration>,
    /// The role that the functions assume
    #[arg(long, value_name = "ARN", required_unless_present = "dry_run")]
    role: Option<String>,
    /// The region [default: that of the AWS settings]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Print what would be created, called and paid, and create nothing
    #[arg(long)]
    dry_run: bool,
    /// Create what the plan says, without a question
    #[arg(long)]
    yes: bool,
    /// Stop before the run can cost more than this
    #[arg(long, value_name = "USD")]
    max_usd: Option<Decimal>,
    /// Continue an interrupted run, whose number it printed
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,
    /// Seed of the random order
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder of the frameworks
    #[arg(long, value_name = "DIR", default_value = "models/frameworks")]
    models: PathBuf,
    /// Folder for <NAME>/profile.json
    #[arg(long, value_name = "DIR", default_value = "measured")]
    out: PathBuf,
}

/// `NAME=VALUE`
fn named(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((own_image::name(name)?, value.to_string()))
}

/// A number of MB, as Lambda has it, or a size with its unit.
fn memory(text: &str) -> Result<MemoryMib, String> {
    let size = match text.parse() {
        Ok(mb) => MemoryMib(mb),
        Err(_) => text.parse::<MemoryMib>().map_err(|error| error.to_string())?,
    };
    match (128..=10_240).contains(&size.0) {
        true => Ok(size),
        false => Err("Lambda offers 128 to 10240 MB".into()),
    }
}

/// Plans, and measures if the user says so.
pub fn run(args: &LambdaArgs, common: &Common) -> Outcome {
    match &args.what {
        Some(What::Policy { role }) => {
            let text = serde_json::to_string_pretty(&policy::policy(role.as_deref())).expect("plain data");
            print(text + "\n")
        }
        Some(What::Cleanup { run, yes, region, out }) => {
            runtime()?.block_on(clean(run.as_deref(), *yes, region.as_deref(), out))
        }
        None => take(&args.measure, common),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    built.map_err(Failure::environment)
}

fn take(args: &MeasureArgs, common: &Common) -> Outcome {
    let request = request(args).map_err(failure)?;
    let prices = prices(args)?;
    let plan = plan(&request, &prices);
    let region = args.region.clone().or_else(|| std::env::var("AWS_REGION").ok());
    let text = plan.text(region.as_deref().unwrap_or("the region of the AWS settings"));
    if args.dry_run {
        return print(text);
    }
    if !common.quiet || !args.yes {
        say(text.trim_end());
    }
    if !args.yes {
        return Err(Failure::Input(anyhow::anyhow!(
            "nothing was created: add --yes to create what the plan says, or --dry-run to see the plan alone"
        )));
    }
    let mut progress = Progress::new(common.quiet, std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let runtime = runtime()?;
    let finished = runtime.block_on(async {
        let api = Api::connect(args.region.as_deref(), TIMEOUT).await?;
        measure::run(&api, &request, &prices, args.resume.as_deref(), &mut progress).await
    });
    runtime.shutdown_background();
    let finished = finished.map_err(failure)?;
    for (profile, path) in &finished.profiles {
        print(framework_functions::table(profile, Style::Plain))?;
        for run in profile.functions.iter().filter(|run| !run.idle.is_empty()) {
            let looks = |alive: bool| {
                run.idle
                    .iter()
                    .filter(move |look| look.alive == alive)
                    .map(|look| look.gap_s)
            };
            let (longest, shortest) = (
                looks(true).fold(0.0, f64::max),
                looks(false).fold(f64::INFINITY, f64::min),
            );
            progress.say(&format!(
                "{}: environments survived a silence of {longest} s{}",
                profile.name,
                match shortest.is_finite() {
                    true => format!(", and were gone after {shortest} s"),
                    false => String::new(),
                }
            ));
        }
        progress.say(&format!("wrote {}", path.display()));
    }
    progress.say(&format!("about {} dollars were spent", dollars(finished.spent)));
    all_measured(finished.unmeasured)
}

fn prices(args: &MeasureArgs) -> Result<Prices, Failure> {
    let own = args.region.as_deref().map(|region| format!("aws-{region}"));
    let known = |name: &String| price::PriceList::ids().iter().any(|id| id.starts_with(name.as_str()));
    let name = own.filter(known).unwrap_or_else(|| "aws-us-east-1".into());
    let list = PriceList::find(&name).map_err(Failure::input)?;
    Prices::of(&list, args.architecture == "arm64").map_err(Failure::input)
}

fn request(args: &MeasureArgs) -> Result<Request, MeasureError> {
    let bad = |text: String| Err(MeasureError::BadRequest(text));
    let mut subjects = Vec::new();
    if !args.frameworks.is_empty() {
        for subject in crate::measure::frameworks(&args.models, &args.frameworks)? {
            if let Subject::Framework { framework, folder } = subject {
                subjects.push(of_framework(framework, folder));
            }
        }
        if args.architecture == "arm64" && std::env::consts::ARCH != "aarch64" && !args.dry_run {
            return bad(format!(
                "images of frameworks are built for the instruction set of this machine, {}: give an image for arm64 with --image-uri",
                std::env::consts::ARCH
            ));
        }
    }
    let own = |name: &str, source: Source| LambdaSubject {
        name: name.to_string(),
        path: args.path.clone(),
        port: args.port,
        source,
        expected_start_s: expected_start_s(name),
    };
    subjects.extend(
        args.image_uri
            .iter()
            .map(|(name, uri)| own(name, Source::Image(uri.clone()))),
    );
    if let (Some((name, file)), Some(runtime), Some(handler)) = (&args.zip, &args.runtime, &args.handler) {
        let source = Source::Zip {
            file: file.into(),
            runtime: runtime.clone(),
            handler: handler.clone(),
            layers: args.layer.clone(),
        };
        subjects.push(own(name, source));
    }
    if subjects.is_empty() {
        return bad("name frameworks, or give --image-uri NAME=URI or --zip NAME=FILE".into());
    }
    if args.snap_start && args.cause != [Cause::Version] {
        return bad("--snap-start restores versions: add --cause version".into());
    }
    let mut words = vec!["coldcast measure lambda".to_string()];
    words.extend(subjects.iter().map(|subject| subject.name.clone()));
    let sizes: Vec<String> = args.memory.iter().map(|size| size.0.to_string()).collect();
    let causes: Vec<&str> = args.cause.iter().map(|cause| cause.name()).collect();
    words.push(format!(
        "--memory {} --architecture {} -n {} --cause {} --warm {} --seed {}",
        sizes.join(","),
        args.architecture,
        args.samples,
        causes.join(","),
        args.warm,
        args.seed
    ));
    let mut gaps: Vec<Duration> = args.probe_idle.iter().map(|gap| Duration::from_nanos(gap.0)).collect();
    gaps.sort();
    Ok(Request {
        subjects,
        memory: args.memory.clone(),
        arm: args.architecture == "arm64",
        samples: args.samples,
        causes: args.cause.clone(),
        burst: args.burst,
        warm: args.warm,
        role: args.role.clone().unwrap_or_default(),
        timeout: TIMEOUT,
        snap_start: args.snap_start,
        idle_gaps: gaps,
        max_usd: args.max_usd,
        out: args.out.clone(),
        seed: args.seed,
        command: words.join(" "),
    })
}

fn of_framework(framework: Box<Framework>, folder: PathBuf) -> LambdaSubject {
    LambdaSubject {
        name: framework.name.clone(),
        path: "/healthz".into(),
        port: PORT,
        expected_start_s: expected_start_s(&framework.name),
        source: Source::Framework { framework, folder },
    }
}

/// The median of the measured starts in containers at 1 vCPU, without the container itself.
fn expected_start_s(name: &str) -> Option<f64> {
    let profile = profile::parse(catalog::profile(name)?).ok()?;
    let run = profile.runs.iter().find(|run| {
        (run.cpu, run.cold_mode, run.cpu_mode) == (MilliCpu(1_000), ColdMode::ProcessCold, CpuMode::Flat)
    })?;
    let starts = order::sorted(
        run.counted()
            .map(|sample| (sample.boot_ms + sample.first_response_ms) / 1e3),
    );
    order::quantile(&starts, 0.5)
}

async fn clean(run: Option<&str>, yes: bool, region: Option<&str>, out: &std::path::Path) -> Outcome {
    let cloud = |error: crate::measure::lambda::failed::Failed| failure(error.into());
    let api = Api::connect(region, TIMEOUT).await.map_err(cloud)?;
    let cleanup::Found {
        by_run: mut found,
        not_looked,
    } = cleanup::found(&api, out).await.map_err(failure)?;
    if let Some(error) = not_looked {
        say(format_args!("repositories of images were not looked at: {error}"));
    }
    if let Some(run) = run {
        found.retain(|id, _| id == run);
    }
    if found.is_empty() {
        say(format_args!(
            "nothing of {} is left in {}",
            run.unwrap_or("any run"),
            api.region()
        ));
        return Ok(());
    }
    for (run, things) in &found {
        say(format_args!("run {run} left:"));
        things
            .iter()
            .for_each(|thing| say(format_args!("    {}", thing.label())));
    }
    if !yes {
        return Err(Failure::Input(anyhow::anyhow!(
            "nothing was removed: add --yes to remove all of it"
        )));
    }
    for (run, things) in &found {
        let mut journal = crate::measure::lambda::journal::Journal::open(out, run).map_err(failure)?;
        for thing in things {
            cleanup::remove(&api, thing).await.map_err(cloud)?;
            journal.gone(thing).map_err(failure)?;
            say(format_args!("removed {}", thing.label()));
        }
        if journal.left().map_err(failure)?.is_empty() {
            journal.discard();
        }
    }
    Ok(())
}
