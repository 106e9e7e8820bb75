//! `break-even`: at how much traffic another variant becomes the cheapest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::{Draw, Inputs, measured, plans, plans_with, say_assumptions, watch};
use crate::assumption::Assumption;
use crate::cli::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{Format, print, say};
use crate::report::break_even::{csv, json, text};
use crate::report::table::Style;
use crate::scenario::{Plan, Variant};
use crate::study::Options;
use crate::study::break_even::{Level, factors, scan};

/// Flags of `break-even`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast break-even --frameworks express,gin --from 0.5 --to 2 --points 3")]
pub struct BreakEvenArgs {
    /// Scenario file [default: the built-in thousand functions on AWS Lambda]
    scenario: Option<PathBuf>,
    /// Further scenario files, such as the same traffic on other platforms
    others: Vec<PathBuf>,
    /// Candidates in place of the scenario's
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    frameworks: Vec<String>,
    /// Change a value of every scenario, such as seed=9 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Least traffic, in times the scenario's
    #[arg(long, value_name = "TIMES", default_value = "0.1", value_parser = factor)]
    from: f64,
    /// Most traffic, in times the scenario's
    #[arg(long, value_name = "TIMES", default_value = "10", value_parser = factor)]
    to: f64,
    /// Levels of traffic that are looked at first; what changes between two of them is then narrowed down to 2%
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(2..=1000))]
    points: u32,
    /// How often measured profiles are drawn anew from their samples, for what the measurement leaves open; 0: not at all
    /// [default: 12]
    #[arg(long, value_name = "N")]
    measurement_draws: Option<u32>,
    /// Print all assumptions, not only the three that matter most
    #[arg(long)]
    assumptions: bool,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text
        .parse()
        .ok()
        .filter(|factor: &f64| factor.is_finite() && *factor > 0.0);
    factor.ok_or_else(|| "write how many times the traffic, such as 0.5".into())
}

/// `coldcast break-even`
pub fn run(args: &BreakEvenArgs, common: &Common) -> Outcome {
    if args.from >= args.to {
        return Err(Failure::Input(anyhow!(
            "--from {} is not below --to {}: give the least and the most traffic",
            args.from,
            args.to
        )));
    }
    let asked = |times: f64| Inputs {
        scenario: args.scenario.as_deref(),
        others: &args.others,
        frameworks: &args.frameworks,
        sets: &args.sets,
        on_bad_line: None,
        times,
    };
    let base = plans(&asked(1.0))?;
    let variants: usize = base.iter().map(|plan| plan.variants.len()).sum();
    if variants < 2 {
        return Err(Failure::Input(anyhow!(
            "there is one variant only: name two frameworks (--frameworks express,gin) or two scenario files"
        )));
    }
    let measured_profiles = base.iter().any(|plan| !plan.profile_sha256.is_empty());
    let options = Options {
        threads: common.threads.map(usize::from),
        ..Options::default()
    };
    let found = scan(&factors(args.from, args.to, args.points), |times| {
        let variants =
            |plans: Vec<Plan>| -> Vec<Variant> { plans.into_iter().flat_map(|plan| plan.variants).collect() };
        let mut study = watch::watched(&variants(plans(&asked(times))?), &options, common.quiet)?;
        if measured_profiles {
            let redrawn = |draw: Draw<'_>| Ok(variants(plans_with(&asked(times), Some(draw))?));
            measured::add(&mut study, args.measurement_draws, redrawn, common)?;
        }
        study.decide();
        let level = Level::of(times, &study).map_err(Failure::input)?;
        if !common.quiet {
            say(format_args!(
                "{times:.4} times the traffic: {}",
                level
                    .leader()
                    .map_or("no variant keeps its SLO".to_string(), |leader| format!(
                        "{leader} is the cheapest"
                    ))
            ));
        }
        Ok(level)
    })?;
    match args.format {
        Format::Table => print(text(&found, Style::Plain))?,
        Format::Markdown => print(text(&found, Style::Markdown))?,
        Format::Json => print(json(&found))?,
        Format::Csv => print(csv(&found))?,
    }
    if !common.quiet {
        say(
            "\nThe cheapest is the one with the lowest mean monthly bill among those that do not miss their SLO. The first ± is half the \
             95% interval of the mean over replications, the second one of what the samples of the measured profiles leave open; the lead \
             has one for both.",
        );
        let assumptions: BTreeSet<&Assumption> = base.iter().flat_map(|plan| &plan.assumptions).collect();
        let assumptions: Vec<String> = assumptions.into_iter().map(Assumption::to_string).collect();
        say_assumptions(&assumptions, args.assumptions);
    }
    Ok(())
}
