//! `simulate` and `compare`: run a scenario's variants and print the answer.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
use super::output::{Format, print, say};
use crate::report::manifest::{Manifest, Run};
use crate::report::{self, json, summary, table};
use crate::scenario::load::hex;
use crate::scenario::{self, Plan, Variant, plan};
use crate::study::{self, Options, Progress, Study};
use crate::trace::{ImportReport, OnBadLine, embedded};

/// Flags of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast simulate --set slo.latency=200ms --out result")]
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
    #[arg(long, value_name = "USD", value_parser = dollars)]
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
    if let (Some(first), Some(second)) = (&args.scenario, &args.second) {
        plans.push(resolve_with(Some(second), &flags_sets, args.flags.on_bad_line)?);
        tell_apart(&mut plans, [first, second])?;
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

/// Puts the scenario's name in front of the variants' names, or its path where both scenarios have the same name.
fn tell_apart(plans: &mut [Plan], paths: [&Path; 2]) -> Outcome {
    let names: Vec<String> = plans.iter().map(|plan| plan.variants[0].scenario.clone()).collect();
    if paths[0] == paths[1] {
        let path = paths[0].display();
        return Err(Failure::Input(anyhow::anyhow!(
            "both scenarios are {path}: name two files"
        )));
    }
    for ((plan, name), path) in plans.iter_mut().zip(&names).zip(paths) {
        let label = if names[0] == names[1] {
            path.display().to_string()
        } else {
            name.clone()
        };
        for variant in &mut plan.variants {
            variant.name = if variant.name == variant.scenario {
                label.clone()
            } else {
                format!("{label}/{}", variant.name)
            };
            variant.scenario.clone_from(&label);
        }
    }
    Ok(())
}

fn dollars(text: &str) -> Result<f64, String> {
    let usd: f64 = text
        .parse()
        .map_err(|_| "write an amount in dollars, such as 250".to_string())?;
    if usd.is_finite() && usd >= 0.0 {
        Ok(usd)
    } else {
        Err("an amount is finite and not negative".into())
    }
}

/// A gate that nothing can be held against would always be open.
fn check_gates(variants: &[Variant], flags: &StudyFlags) -> Outcome {
    let fails = |gate: &str, missing: &str| {
        Err(Failure::Input(anyhow::anyhow!(
            "{gate} has nothing to check: {missing}"
        )))
    };
    for variant in variants {
        if flags.fail_on == Some(FailOn::Slo) && variant.services.iter().all(|service| service.slo.is_none()) {
            return fails("--fail-on slo", "the scenario has no [slo]");
        }
        if flags.max_monthly_usd.is_some() && variant.pricing.is_none() {
            return fails(
                "--max-monthly-usd",
                "the scenario has no [prices], or none for its platform",
            );
        }
    }
    Ok(())
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
    check_gates(&variants, flags)?;
    if let Some(out) = &flags.out {
        std::fs::create_dir_all(out).map_err(|e| Failure::output(report::atomic::WriteError::new(out, e)))?;
    }
    let options = Options {
        threads: common.threads.map(usize::from),
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
        report::write_files(out, &study, &manifest).map_err(Failure::output)?;
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
        remarks(&manifest, flags.out.as_deref());
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
        let embedded = embedded::find(path).map_err(Failure::input)?;
        let file = variant.base.join(path);
        let name = if embedded.is_some() {
            path.to_string()
        } else {
            file.display().to_string()
        };
        if let Entry::Vacant(vacant) = traces.entry(name) {
            vacant.insert(match embedded {
                Some(embedded) => hex(&Sha256::digest(embedded.bytes)),
                None => hash_path(&file).map_err(Failure::environment)?,
            });
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
        imports: imports(study),
        assumptions,
        simulated_requests: study.simulated(),
        run: Run::default(),
    })
}

/// What was read of each trace, by scenario and service.
fn imports(study: &Study) -> BTreeMap<String, ImportReport> {
    let mut imports = BTreeMap::new();
    for variant in &study.variants {
        let scenario = &variant.rows[0].scenario;
        for (service, import) in variant.imports.iter().filter(|(_, import)| import.lines > 0) {
            let name = if service == scenario {
                service.clone()
            } else {
                format!("{scenario}/{service}")
            };
            imports.insert(name, import.clone());
        }
    }
    imports
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
    report::frame::write_requests(out, study).map_err(Failure::output)
}

#[cfg(not(feature = "polars"))]
fn write_requests(_: &Path, _: &Study) -> Outcome {
    Err(Failure::Environment(anyhow::anyhow!(
        "this coldcast was built without polars and cannot write requests.parquet; build it with --features polars"
    )))
}

fn remarks(manifest: &Manifest, out: Option<&Path>) {
    for (service, import) in &manifest.imports {
        for sentence in import.sentences() {
            say(format_args!("traffic of {service}: {sentence}"));
        }
    }
    say(match manifest.replications {
        1 => "\nOne replication gives no intervals.".to_string(),
        n => format!("\n± is half the 95% interval of the mean over {n} replications."),
    });
    if !manifest.assumptions.is_empty() {
        say("Assumptions:");
    }
    for assumption in &manifest.assumptions {
        say(format_args!("- {assumption}"));
    }
    if let Some(out) = out {
        say(format_args!("wrote {}", out.display()));
    }
    let Run {
        wall_s,
        cpu_s,
        peak_resident_bytes,
        ..
    } = manifest.run;
    let rate = manifest.simulated_requests as f64 / cpu_s.max(1e-3) / 1e6;
    let peak = peak_resident_bytes.map_or("unknown".into(), |bytes| format!("{:.0} MiB", bytes as f64 / 1048576.0));
    say(format_args!(
        "simulated {} requests in {cpu_s:.2} CPU s ({wall_s:.2} s wall), {rate:.2} M requests per CPU s, peak RSS {peak}",
        manifest.simulated_requests
    ));
}

fn gates(study: &Study, flags: &StudyFlags) -> Outcome {
    let mut failed = Vec::new();
    for variant in &study.variants {
        let (all, services) = variant
            .rows
            .split_first()
            .unwrap_or_else(|| unreachable!("a variant has a row"));
        // Where there are several services, the promise is each one's own.
        let promises = if services.is_empty() {
            &variant.rows[..1]
        } else {
            services
        };
        for row in promises.iter().filter(|row| row.slo_met == Some(false)) {
            if flags.fail_on == Some(FailOn::Slo) {
                let of = if services.is_empty() {
                    String::new()
                } else {
                    format!(" for {}", row.service)
                };
                failed.push(format!("{} misses its SLO{of}", row.variant));
            }
        }
        let cost = all.values.get("monthly_cost_usd").map(|value| value.float());
        if let (Some(limit), Some(cost)) = (flags.max_monthly_usd, cost)
            && cost > limit
        {
            failed.push(format!(
                "{} costs {cost:.2} dollars a month, above {limit:.2}",
                all.variant
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
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,%+@".contains(c);
    let words = std::env::args_os().skip(1).map(|word| {
        let word = word.to_string_lossy();
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    let words: Vec<String> = std::iter::once("coldcast".to_string()).chain(words).collect();
    words.join(" ")
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
