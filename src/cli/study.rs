//! `simulate` and `compare`: run a scenario's variants and print the answer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};

use super::Common;
use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use crate::model::profile::Redraw;
use crate::report::manifest::{Manifest, ManifestError, Run};
use crate::report::table::Style;
use crate::report::{self, answer, json, summary};
use crate::scenario::file::replications::{self, LIMITS, RelativeError};
use crate::scenario::{self, Plan, Replications, Variant, plan};
use crate::study::precision::{self, Precision, PrecisionError};
use crate::study::row::ALL;
use crate::study::{Metric, Options, Study, StudyError, marginal};
use crate::trace::{OnBadLine, Placement};
use crate::units::SimDuration;

pub mod break_even;
mod explain;
mod gates;
mod manifest;
mod measured;
mod watch;

use manifest::{command_line, cpu_seconds, peak_resident_bytes};

/// Flags of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast simulate --set slo.latency=200ms --out result")]
pub struct SimulateArgs {
    /// Scenario file [default: the built-in thousand functions on AWS Lambda]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    flags: StudyFlags,
}

/// Flags of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast compare --frameworks express,gin --format markdown")]
pub struct CompareArgs {
    /// Scenario file [default: the built-in thousand functions on AWS Lambda]
    scenario: Option<PathBuf>,
    /// Further scenario files, compared with the first
    others: Vec<PathBuf>,
    /// Candidates in place of the scenario's; the first is what the others are compared with
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    frameworks: Vec<String>,
    /// The one-time cost of moving from the first variant to another in US dollars; shows the months until it has paid
    /// back
    #[arg(long, value_name = "USD", value_parser = dollars)]
    migration_cost: Option<f64>,
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
    /// Write the results as CSV, FOCUS, XLSX, JSON and Markdown into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write more into it, of the first replication: every request (requests.parquet), or every function where they share
    /// nothing (functions.csv)
    #[arg(long, value_enum, value_delimiter = ',', requires = "out", value_name = "WHAT")]
    record: Vec<Record>,
    /// Run every variant with the arrivals of a bin placed uniformly, in clusters, and all at its start: the range that a
    /// trace of counts leaves open
    #[arg(long)]
    placement_bracket: bool,
    /// Run everything again with a tenth more traffic: what the next million requests cost
    #[arg(long)]
    marginal: bool,
    /// Say more about why the SLO was missed: what-if runs everything again with one thing switched off at a time (starts, images, the
    /// CPU limit, the platform's limits, retries)
    #[arg(long, value_enum, value_name = "HOW")]
    explain: Option<explain::Explain>,
    /// How often measured profiles are drawn anew from their samples, for what the measurement leaves open; 0: not at all
    /// [default: 12]
    #[arg(long, value_name = "N")]
    measurement_draws: Option<u32>,
    /// The rule for lines of the trace that cannot be read, in place of the setting in the scenario
    #[arg(long, value_enum, value_name = "RULE")]
    on_bad_line: Option<BadLine>,
    /// Replicate until the intervals are this narrow, in place of what the scenario says in `replications`, such as 2%
    #[arg(long, value_name = "PERCENT")]
    precision: Option<RelativeError>,
    /// The metrics whose intervals must be that narrow: columns of summary.csv [default: the scenario's, or
    /// monthly_cost_usd,latency_p99_ms]
    #[arg(long, value_name = "METRIC,...", value_delimiter = ',')]
    precision_of: Vec<Metric>,
    /// The most replications, if there is a precision to reach [default: the scenario's, or 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(i64::from(*LIMITS.start())..=i64::from(*LIMITS.end())))]
    most_replications: Option<u32>,
    /// Print all assumptions, not only the three that matter most
    #[arg(long)]
    assumptions: bool,
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
    Functions,
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
    let asked = Inputs {
        scenario: args.scenario.as_deref(),
        others: &[],
        frameworks: &[],
        sets: &args.flags.sets,
        on_bad_line: args.flags.on_bad_line,
        times: 1.0,
    };
    answer(&asked, &args.flags, common, answer::Asked::default())
}

/// `coldcast compare`
pub fn compare(args: &CompareArgs, common: &Common) -> Outcome {
    let asked = Inputs {
        scenario: args.scenario.as_deref(),
        others: &args.others,
        frameworks: &args.frameworks,
        sets: &args.flags.sets,
        on_bad_line: args.flags.on_bad_line,
        times: 1.0,
    };
    let shown = answer::Asked {
        differences: true,
        migration_usd: args.migration_cost,
    };
    answer(&asked, &args.flags, common, shown)
}

/// Which scenarios are to be run, and what is changed in them.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a> {
    scenario: Option<&'a Path>,
    /// Compared with the first.
    others: &'a [PathBuf],
    /// In place of the scenario's, if there are any.
    frameworks: &'a [String],
    sets: &'a [String],
    on_bad_line: Option<BadLine>,
    /// How many times their traffic.
    times: f64,
}

/// The plans of the scenarios that were asked for, which can be compared in pairs.
fn plans(asked: &Inputs<'_>) -> Result<Vec<Plan>, Failure> {
    plans_with(asked, None)
}

/// The draw of measurements for a seed.
type Draw<'a> = &'a dyn Fn(u64) -> Redraw;

/// The same on measurements that are drawn anew, if there is a `draw`.
fn plans_with(asked: &Inputs<'_>, draw: Option<Draw<'_>>) -> Result<Vec<Plan>, Failure> {
    let mut sets = asked.sets.to_vec();
    if !asked.frameworks.is_empty() {
        let here = |name: &String| format!("{:?}", found_from(asked.scenario, name));
        let quoted: Vec<String> = asked.frameworks.iter().map(here).collect();
        sets.push(format!("frameworks=[{}]", quoted.join(", ")));
    }
    let mut plans = vec![plan_of(asked.scenario, &sets, asked, draw)?];
    for other in asked.others {
        plans.push(plan_of(Some(other), &sets, asked, draw)?);
    }
    if let Some(first) = asked.scenario.filter(|_| !asked.others.is_empty()) {
        let others = asked.others.iter().map(PathBuf::as_path);
        let paths: Vec<&Path> = std::iter::once(first).chain(others).collect();
        tell_apart(&mut plans, &paths)?;
        let a = &plans[0].variants[0];
        for b in plans[1..].iter().map(|plan| &plan.variants[0]) {
            if (a.seed, &a.replications) != (b.seed, &b.replications) {
                let set = match &a.replications {
                    Replications::Count(count) => format!("replications={count}"),
                    until => format!("'replications={until}'"),
                };
                return Err(Failure::Input(anyhow::anyhow!(
                    "the two scenarios have the `seed` {} and {}, and the `replications` {} and {}: a paired comparison needs the same \
                     random numbers; add --set seed={} --set {set}",
                    a.seed,
                    b.seed,
                    a.replications,
                    b.replications,
                    a.seed,
                )));
            }
        }
    }
    Ok(plans)
}

/// A profile named on the command line, as the scenario is to name it: relative to the folder of the scenario if it is there,
/// and else relative to the current folder, with its whole path. Anything that is no such file stays as it is.
fn found_from(scenario: Option<&Path>, name: &str) -> String {
    let below_scenario = scenario.and_then(Path::parent).map(|folder| folder.join(name));
    let is_there = below_scenario.is_none_or(|path| path.is_file());
    match Path::new(name).canonicalize() {
        Ok(whole) if !is_there && whole.is_file() => whole.display().to_string(),
        _ => name.to_string(),
    }
}

/// Puts the scenario's name in front of the variants' names, or its path where scenarios have the same name.
fn tell_apart(plans: &mut [Plan], paths: &[&Path]) -> Outcome {
    let names: Vec<String> = plans.iter().map(|plan| plan.variants[0].scenario.clone()).collect();
    let mut seen = BTreeSet::new();
    if let Some(path) = paths.iter().find(|path| !seen.insert(**path)) {
        let path = path.display();
        return Err(Failure::Input(anyhow::anyhow!(
            "both scenarios are {path}: name two files"
        )));
    }
    let distinct: BTreeSet<&String> = names.iter().collect();
    let alike = distinct.len() < names.len();
    for ((plan, name), path) in plans.iter_mut().zip(&names).zip(paths) {
        let label = if alike {
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

impl StudyFlags {
    /// The precision to reach: that of the scenario, with what the flags say in place of its parts.
    fn precision(&self, replications: &Replications) -> Result<Option<Precision>, Failure> {
        let of_scenario = Precision::of(replications).map_err(unreachable)?;
        let Some(relative) = self
            .precision
            .map(|error| error.0)
            .or(of_scenario.as_ref().map(|own| own.relative))
        else {
            let lonely = match (self.precision_of.is_empty(), self.most_replications) {
                (false, _) => "--precision-of",
                (_, Some(_)) => "--most-replications",
                (true, None) => return Ok(None),
            };
            return Err(Failure::Input(anyhow::anyhow!(
                "{lonely} needs a precision to reach: add --precision 2%, or write `replications = {{ precision = \"2%\" }}` in the scenario"
            )));
        };
        let metrics = match (self.precision_of.as_slice(), &of_scenario) {
            ([], Some(own)) => own.metrics.clone(),
            ([], None) => precision::METRICS.to_vec(),
            (metrics, _) => metrics.to_vec(),
        };
        let most = self.most_replications.or(of_scenario.map(|own| own.most));
        let precision = Precision {
            relative,
            most: most.unwrap_or(replications::MOST),
            metrics,
        };
        precision.check().map_err(unreachable)?;
        Ok(Some(precision))
    }
}

/// A precision that no number of replications reaches.
fn unreachable(error: PrecisionError) -> Failure {
    Failure::input(StudyError::from(error))
}

/// An amount of dollars that a flag gives.
pub(super) fn dollars(text: &str) -> Result<f64, String> {
    let usd: f64 = text
        .parse()
        .map_err(|_| "write an amount in dollars, such as 250".to_string())?;
    if usd.is_finite() && usd >= 0.0 {
        Ok(usd)
    } else {
        Err("an amount is finite and not negative".into())
    }
}

fn plan_of(path: Option<&Path>, sets: &[String], asked: &Inputs<'_>, draw: Option<Draw<'_>>) -> Result<Plan, Failure> {
    let mut loaded = scenario::load(path, sets).map_err(Failure::input)?;
    loaded.scenario.traffic_factor *= asked.times;
    let planned = match draw {
        None => plan::plan(&loaded),
        Some(draw) => plan::plan_redrawn(&loaded, draw(loaded.scenario.seed)),
    };
    let mut plan = planned.map_err(Failure::input)?;
    if let Some(rule) = asked.on_bad_line {
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

/// The variants of all plans, each with every placement where that was asked for.
fn variants(plans: &[Plan], flags: &StudyFlags) -> Result<Vec<Variant>, Failure> {
    let variants: Vec<Variant> = plans.iter().flat_map(|plan| plan.variants.iter().cloned()).collect();
    if flags.placement_bracket {
        bracket(&variants)
    } else {
        Ok(variants)
    }
}

fn answer(asked: &Inputs<'_>, flags: &StudyFlags, common: &Common, shown: answer::Asked) -> Outcome {
    let plans = plans(asked)?;
    let started = jiff::Timestamp::now();
    let (clock, cpu) = (Instant::now(), cpu_seconds());
    let variants = variants(&plans, flags)?;
    gates::check(&variants, flags)?;
    let precision = flags.precision(&plans[0].variants[0].replications)?;
    if flags.record.contains(&Record::Requests) && !cfg!(feature = "parquet") {
        return Err(Failure::Environment(anyhow::anyhow!(
            "this coldcast was built without the feature `parquet` and cannot write requests.parquet; build it with --features parquet"
        )));
    }
    if let Some(out) = &flags.out {
        std::fs::create_dir_all(out).map_err(|e| Failure::output(report::atomic::WriteError::new(out, e)))?;
    }
    let options = Options {
        threads: common.threads.map(usize::from),
        precision,
        record_requests: flags.record.contains(&Record::Requests),
        record_functions: flags.record.contains(&Record::Functions),
    };
    let mut study = watch::watched(&variants, &options, common.quiet)?;
    if flags.marginal {
        let more = with_more(asked, flags, common, study.variants[0].all().replications)?;
        study.add_marginal(&more);
    }
    if plans.iter().any(|plan| !plan.profile_sha256.is_empty()) {
        let redrawn = |draw: Draw<'_>| self::variants(&plans_with(asked, Some(draw))?, flags);
        measured::add(&mut study, flags.measurement_draws, redrawn, common)?;
    }
    study.decide();
    say_what_was_not_counted(&study, &variants);
    if flags.explain == Some(explain::Explain::WhatIf) {
        explain::add_what_if(&mut study, &variants, common)?;
    }
    let mut manifest = Manifest::of(&plans.iter().collect::<Vec<_>>(), &study).map_err(|error| match error {
        ManifestError::Read { .. } => Failure::environment(error),
        _ => Failure::input(error),
    })?;
    manifest.run = Run {
        command: command_line(),
        started: started.to_string(),
        wall_s: clock.elapsed().as_secs_f64(),
        cpu_s: cpu_seconds() - cpu,
        peak_resident_bytes: peak_resident_bytes(),
    };
    if let Some(out) = &flags.out {
        report::write_files(out, report::REPORTS, &study, &manifest).map_err(Failure::output)?;
    }
    print(written(&study, shown, flags.format))?;
    if !common.quiet {
        remarks(&manifest, flags.assumptions);
        if let Some(precision) = &options.precision {
            say_precision(precision, &study);
        }
        if let Some(out) = &flags.out {
            say(format_args!("wrote {}", out.display()));
        }
        effort(&manifest);
    }
    gates::hold(&study, flags)
}

/// The answer in a format.
pub(super) fn written(study: &Study, shown: answer::Asked, format: Format) -> Vec<u8> {
    match format {
        Format::Table => answer::text(study, shown, Style::Plain).into_bytes(),
        Format::Markdown => answer::text(study, shown, Style::Markdown).into_bytes(),
        Format::Json => json::json(study, shown).into_bytes(),
        Format::Csv => summary::csv(study),
    }
}

/// The same with a little more traffic.
fn with_more(asked: &Inputs<'_>, flags: &StudyFlags, common: &Common, replications: u32) -> Result<Study, Failure> {
    let more = Inputs {
        times: asked.times * marginal::MORE,
        ..*asked
    };
    let options = Options {
        threads: common.threads.map(usize::from),
        ..Options::default()
    };
    let mut variants = variants(&plans(&more)?, flags)?;
    for variant in &mut variants {
        variant.replications = replications.into();
    }
    watch::watched(&variants, &options, common.quiet)
}

/// Each variant with each of the placements of the bracket.
fn bracket(variants: &[Variant]) -> Result<Vec<Variant>, Failure> {
    let mut all = Vec::new();
    for variant in variants {
        for placement in Placement::bracket() {
            let mut placed = variant.clone();
            placed.name = format!("{}, {}", variant.name, placement.name());
            let mut any = false;
            for service in &mut placed.services {
                any |= service.traffic.set_placement(placement);
            }
            if !any {
                return Err(Failure::Input(anyhow::anyhow!(
                    "--placement-bracket is about traffic of counts per bin (counts, azure-2019); this scenario has none"
                )));
            }
            all.push(placed);
        }
    }
    Ok(all)
}

/// Says what a result rests on.
pub(super) fn remarks(manifest: &Manifest, all_assumptions: bool) {
    for (service, import) in &manifest.imports {
        for sentence in import.sentences() {
            say(format_args!("traffic of {service}: {sentence}"));
        }
    }
    say(match manifest.replications {
        1 if manifest.measurement_draws > 0 => "\nOne replication gives no intervals of the simulation (±?); the second ± is what the samples of the measured profiles leave open."
            .to_string(),
        1 => "\nOne replication gives no intervals.".to_string(),
        n if manifest.measurement_draws > 0 => format!(
            "\nThe first ± is half the 95% interval of the mean over {n} replications (simulation), the second one of what the samples of the \
             measured profiles leave open (measurement). No interval holds the error of the model."
        ),
        n => format!("\n± is half the 95% interval of the mean over {n} replications."),
    });
    if all_assumptions {
        say_assumptions(&manifest.supported().collect::<Vec<_>>(), true);
    } else {
        say_assumptions(&manifest.assumptions, false);
    }
}

/// Says the assumptions, or the three that matter most. They are sorted by how much they can move the answer.
pub(super) fn say_assumptions(assumptions: &[String], all: bool) {
    const MOST: usize = 3;
    let rest = if all { 0 } else { assumptions.len().saturating_sub(MOST) };
    let shown = &assumptions[..assumptions.len() - rest];
    match (shown, rest) {
        ([], _) => {}
        (_, 0) => say("Assumptions:"),
        (..) => say(format_args!("The {} assumptions that matter most:", shown.len())),
    }
    for assumption in shown {
        say(format_args!("- {assumption}"));
    }
    if rest > 0 {
        say(format_args!(
            "{rest} more: add --assumptions, or see manifest.json of --out."
        ));
    }
}

/// Says of which services no request was counted, also where nothing else is said.
fn say_what_was_not_counted(study: &Study, variants: &[Variant]) {
    for row in study.rows().filter(|row| row.float(Metric::Requests) == Some(0.0)) {
        let of = match row.service == ALL {
            true => String::new(),
            false => format!(", service {}", row.service),
        };
        let warm_up = variants
            .iter()
            .find(|variant| variant.name == row.variant)
            .map_or(SimDuration::ZERO, |variant| variant.warm_up);
        let why = match warm_up > SimDuration::ZERO {
            true => format!("all came within the warm-up of {warm_up}, or none came"),
            false => "none came".to_string(),
        };
        say(format_args!(
            "warning: no request of {}{of} was counted: {why}",
            row.variant
        ));
    }
}

/// Says how narrow the intervals are.
fn say_precision(precision: &Precision, study: &Study) {
    let (percent, replications) = (100.0 * precision.relative, study.variants[0].all().replications);
    say(format_args!(
        "The intervals allow for looking at the replications up to {} times.",
        precision.looks().len()
    ));
    for (variant, metric) in precision.missed(study) {
        say(format_args!(
            "After {replications} replications {} of {variant} is not yet known to {percent}%: raise --most-replications.",
            metric.name()
        ));
    }
}

/// Says what the run took.
fn effort(manifest: &Manifest) {
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
