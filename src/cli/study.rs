//! `simulate` and `compare`: run a scenario's variants and print the answer.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use sha2::{Digest, Sha256};

use super::Common;
use super::exit::{Failure, Outcome};
use super::output::{Format, print};
use crate::report::manifest::{Manifest, Run};
use crate::report::{self, json, summary, table};
use crate::scenario::load::hex;
use crate::scenario::{self, Plan, Variant, plan};
use crate::study::{self, Options, Progress, Study};
use crate::trace::{OnBadLine, embedded};

/// Flags of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast simulate --set platform.lambda.memory=885Mi --out result")]
pub struct SimulateArgs {
    /// Scenario file [default: the built-in web shop on AWS Lambda]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    flags: StudyFlags,
}

/// Flags of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast compare --frameworks express,gin --format markdown")]
pub struct CompareArgs {
    /// Scenario file [default: the built-in web shop on AWS Lambda]
    scenario: Option<PathBuf>,
    /// Second scenario file, compared with the first
    second: Option<PathBuf>,
    /// Candidates in place of the scenario's; the first is what the others are compared with
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    frameworks: Vec<String>,
    #[command(flatten)]
    flags: StudyFlags,
}

/// Flags of both.
#[derive(Debug, Args)]
struct StudyFlags {
    /// Change a value of the scenario, such as seed=9 or service.checkout.framework=gin (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Write summary.csv, costs.csv, timeline.csv and manifest.json into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write more into it: every request of the first replication (requests.parquet)
    #[arg(long, value_enum, value_delimiter = ',', requires = "out", value_name = "WHAT")]
    record: Vec<Record>,
    /// What to do on a line of the trace that cannot be read, in place of the scenario's setting
    #[arg(long, value_enum, value_name = "RULE")]
    on_bad_line: Option<BadLine>,
    /// End with exit code 1 if a variant misses its SLO
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    /// End with exit code 1 if a variant's monthly bill is above this many dollars
    #[arg(long, value_name = "USD")]
    max_monthly_usd: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Record {
    Requests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BadLine {
    Fail,
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Slo,
}

/// `coldcast simulate`
pub fn simulate(args: &SimulateArgs, common: &Common) -> Outcome {
    let plan = resolve(args.scenario.as_deref(), &args.flags)?;
    answer(vec![plan], &args.flags, common, false)
}

/// `coldcast compare`
pub fn compare(args: &CompareArgs, common: &Common) -> Outcome {
    let mut flags_sets = args.flags.sets.clone();
    if !args.frameworks.is_empty() {
        let quoted: Vec<String> = args.frameworks.iter().map(|name| format!("{name:?}")).collect();
        flags_sets.push(format!("frameworks=[{}]", quoted.join(", ")));
    }
    let mut plans = vec![resolve_with(
        args.scenario.as_deref(),
        &flags_sets,
        args.flags.on_bad_line,
    )?];
    if let Some(second) = &args.second {
        plans.push(resolve_with(Some(second), &flags_sets, args.flags.on_bad_line)?);
        for plan in &mut plans {
            for variant in &mut plan.variants {
                if variant.name != variant.scenario {
                    variant.name = format!("{}/{}", variant.scenario, variant.name);
                }
            }
        }
        let (a, b) = (&plans[0].variants[0], &plans[1].variants[0]);
        if (a.seed, a.replications) != (b.seed, b.replications) {
            return Err(Failure::Input(anyhow::anyhow!(
                "the two scenarios have seeds {} and {}, {} and {} replications: a paired comparison needs the same luck; \
                 add --set seed={} --set replications={}",
                a.seed,
                b.seed,
                a.replications,
                b.replications,
                a.seed,
                a.replications
            )));
        }
    }
    answer(plans, &args.flags, common, true)
}

fn resolve(path: Option<&Path>, flags: &StudyFlags) -> Result<Plan, Failure> {
    resolve_with(path, &flags.sets, flags.on_bad_line)
}

fn resolve_with(path: Option<&Path>, sets: &[String], on_bad_line: Option<BadLine>) -> Result<Plan, Failure> {
    let loaded = scenario::load(path, sets).map_err(Failure::input)?;
    let mut plan = plan::plan(&loaded).map_err(Failure::input)?;
    if let Some(rule) = on_bad_line {
        let rule = match rule {
            BadLine::Fail => OnBadLine::Fail,
            BadLine::Skip => OnBadLine::Skip,
        };
        for service in plan.variants.iter_mut().flat_map(|variant| &mut variant.services) {
            service.traffic.set_on_bad_line(rule);
        }
    }
    Ok(plan)
}

fn answer(plans: Vec<Plan>, flags: &StudyFlags, common: &Common, compared: bool) -> Outcome {
    let started = jiff::Timestamp::now();
    let (clock, cpu) = (Instant::now(), cpu_seconds());
    let variants: Vec<Variant> = plans.iter().flat_map(|plan| plan.variants.iter().cloned()).collect();
    if let Some(out) = &flags.out {
        std::fs::create_dir_all(out).map_err(|e| Failure::environment(report::atomic::WriteError::new(out, e)))?;
    }
    let options = Options {
        threads: common.threads,
        record_requests: flags.record.contains(&Record::Requests),
    };
    let study = watched(&variants, options, common.quiet)?;
    let mut manifest = manifest(&plans, &study)?;
    manifest.run = Run {
        command: command_line(),
        started: started.to_string(),
        wall_s: clock.elapsed().as_secs_f64(),
        cpu_s: cpu_seconds() - cpu,
        peak_resident_bytes: peak_resident_bytes(),
    };
    if let Some(out) = &flags.out {
        report::write_files(out, &study, &manifest).map_err(Failure::environment)?;
        if options.record_requests {
            write_requests(out, &study)?;
        }
    }
    match flags.format {
        Format::Table => print(text(&study, table::Style::Plain, compared))?,
        Format::Markdown => print(text(&study, table::Style::Markdown, compared))?,
        Format::Json => print(json::json(&study, compared))?,
        Format::Csv => print(summary::csv(&study))?,
    }
    if !common.quiet {
        remarks(&study, &manifest, flags.out.as_deref());
    }
    gates(&study, flags)
}

fn text(study: &Study, style: table::Style, compared: bool) -> String {
    let mut text = table::summary(study, style);
    let differences = if compared {
        table::differences(study, style)
    } else {
        String::new()
    };
    if !differences.is_empty() {
        text.push('\n');
        text.push_str(&differences);
    }
    text
}

/// Runs the study while a progress bar shows how far it is.
fn watched(variants: &[Variant], options: Options, quiet: bool) -> Result<Study, Failure> {
    let progress = Progress::default();
    let total: u64 = variants.iter().map(|variant| u64::from(variant.replications)).sum();
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} replications, {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (finished, waiting) = std::sync::mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        let (progress, bar) = (&progress, &bar);
        scope.spawn(move || {
            while waiting.recv_timeout(Duration::from_millis(200)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let millions = progress.requests.load(Ordering::Relaxed) as f64 / 1e6;
                bar.set_message(format!("{millions:.1} million requests"));
                bar.set_position(progress.done.load(Ordering::Relaxed));
            }
        });
        let result = study::run(variants, options, progress);
        drop(finished);
        result
    });
    bar.finish_and_clear();
    result.map_err(Failure::input)
}

fn manifest(plans: &[Plan], study: &Study) -> Result<Manifest, Failure> {
    let first = &plans[0].variants[0];
    let mut traces = BTreeMap::new();
    let variants = || plans.iter().flat_map(|plan| &plan.variants);
    for (variant, service) in variants().flat_map(|v| v.services.iter().map(move |s| (v, s))) {
        let Some(path) = service.traffic.path() else {
            continue;
        };
        if !traces.contains_key(path) {
            let sha256 = match embedded::find(path).map_err(Failure::input)? {
                Some(embedded) => hex(&Sha256::digest(embedded.bytes)),
                None => hash_path(&variant.base.join(path)).map_err(Failure::environment)?,
            };
            traces.insert(path.to_string(), sha256);
        }
    }
    let mut assumptions: Vec<String> = plans.iter().flat_map(|plan| plan.assumptions.iter().cloned()).collect();
    assumptions.sort();
    assumptions.dedup();
    Ok(Manifest {
        schema: 1,
        version: env!("CARGO_PKG_VERSION").into(),
        seed: first.seed,
        replications: first.replications,
        scenarios: plans
            .iter()
            .map(|p| (p.variants[0].scenario.clone(), p.scenario_sha256.clone()))
            .collect(),
        profiles: plans.iter().flat_map(|plan| plan.profile_sha256.clone()).collect(),
        prices: variants()
            .filter_map(|v| v.pricing.as_ref())
            .map(|p| (p.list.id.clone(), p.list.sha256.clone()))
            .collect(),
        traces,
        assumptions,
        simulated_requests: study.simulated(),
        run: Run::default(),
    })
}

/// SHA-256 of a file, or of all files of a folder in order of their names.
fn hash_path(path: &Path) -> io::Result<String> {
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        files = std::fs::read_dir(path)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<io::Result<_>>()?;
        files.retain(|file| file.is_file());
        files.sort();
    }
    let mut hash = Sha256::new();
    for file in files {
        let mut file = File::open(file)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match io::Read::read(&mut file, &mut buffer)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
    }
    Ok(hex(&hash.finalize()))
}

#[cfg(feature = "polars")]
fn write_requests(out: &Path, study: &Study) -> Outcome {
    report::frame::write_requests(out, study).map_err(Failure::environment)
}

#[cfg(not(feature = "polars"))]
fn write_requests(_: &Path, _: &Study) -> Outcome {
    Err(Failure::Environment(anyhow::anyhow!(
        "this coldcast was built without polars and cannot write requests.parquet; build it with --features polars"
    )))
}

fn remarks(study: &Study, manifest: &Manifest, out: Option<&Path>) {
    for variant in study.variants.iter().take(1) {
        for (service, import) in &variant.imports {
            for sentence in import.sentences() {
                eprintln!("traffic of {service}: {sentence}");
            }
        }
    }
    eprintln!();
    eprintln!(
        "± is half the 95% interval of the mean over {} replications. Assumptions:",
        manifest.replications
    );
    for assumption in &manifest.assumptions {
        eprintln!("- {assumption}");
    }
    if let Some(out) = out {
        eprintln!("wrote {}", out.display());
    }
    let Run {
        wall_s,
        cpu_s,
        peak_resident_bytes,
        ..
    } = manifest.run;
    let rate = manifest.simulated_requests as f64 / cpu_s.max(1e-3) / 1e6;
    let peak = peak_resident_bytes.map_or("unknown".into(), |bytes| format!("{:.0} MiB", bytes as f64 / 1048576.0));
    eprintln!(
        "simulated {} requests in {cpu_s:.2} CPU s ({wall_s:.2} s wall), {rate:.2} M requests per CPU s, peak RSS {peak}",
        manifest.simulated_requests
    );
}

fn gates(study: &Study, flags: &StudyFlags) -> Outcome {
    let mut failed = Vec::new();
    for row in study.rows() {
        if flags.fail_on == Some(FailOn::Slo) && row.slo_met == Some(false) {
            failed.push(format!("{} ({}) misses its SLO", row.variant, row.service));
        }
        let cost = row.values.get("monthly_cost_usd").map(|value| value.float());
        if let (Some(limit), Some(cost)) = (flags.max_monthly_usd, cost)
            && cost > limit
        {
            failed.push(format!(
                "{} ({}) costs {cost:.2} dollars a month, above {limit:.2}",
                row.variant, row.service
            ));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::Gate(failed.join("; ")))
    }
}

fn command_line() -> String {
    let mut words = std::env::args();
    let program = words.next().map(|path| {
        PathBuf::from(path)
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
    });
    let program = program.flatten().unwrap_or_else(|| "coldcast".into());
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

fn cpu_seconds() -> f64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(f64::NAN, |usage| {
        (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
    })
}

fn peak_resident_bytes() -> Option<u64> {
    let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss();
    // Linux counts KiB, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(peak).ok().map(|peak| peak * unit)
}
