//! `check`: validate a scenario with everything it names, and run nothing.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Failure, Outcome};
use super::output::{print, say};
use crate::rng::Draws;
use crate::scenario::{self, plan};
use crate::study::StudyError;
use crate::study::precision::Precision;
use crate::trace::Open;
use crate::units::SimTime;

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast check --set slo.latency=200ms")]
pub struct CheckArgs {
    /// Scenario file [default: the built-in thousand functions on AWS Lambda]
    scenario: Option<PathBuf>,
    /// Change a value of the scenario, such as seed=9 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
}

/// `coldcast check`
pub fn run(args: &CheckArgs, quiet: bool) -> Outcome {
    let loaded = scenario::load(args.scenario.as_deref(), &args.sets).map_err(Failure::input)?;
    let plan = plan::plan(&loaded).map_err(Failure::input)?;
    let mut read = Vec::new();
    for variant in &plan.variants {
        Precision::of(&variant.replications)
            .map_err(StudyError::from)
            .map_err(Failure::input)?;
        for (entity, service) in variant.services.iter().enumerate() {
            // Traces are opened and the whole file is read, so that a bad line deep inside is found here.
            let open = Open {
                base: &variant.base,
                draws: Draws::new(variant.seed, 0),
                entity: entity as u64,
                horizon: variant.horizon,
            };
            let mut opened = service.traffic.open(&open).map_err(Failure::input)?;
            // All variants share one trace, which is read once.
            if service.traffic.path().is_none() || read.contains(&&service.traffic) {
                continue;
            }
            read.push(&service.traffic);
            let mut arrivals = Vec::new();
            let mut last = SimTime::ZERO;
            while opened.source.refill(&mut arrivals).map_err(Failure::input)? {
                last = arrivals.last().map_or(last, |arrival| arrival.at);
                arrivals.clear();
            }
            if !quiet {
                for sentence in opened.source.report().sentences() {
                    say(format_args!("traffic of {}: {sentence}", service.name));
                }
            }
            let length = opened.horizon.unwrap_or(last.since(SimTime::ZERO));
            if variant.services.len() == 1 && length <= variant.warm_up {
                let warm_up = variant.warm_up;
                return Err(Failure::input(StudyError::ShorterThanWarmUp { length, warm_up }));
            }
        }
    }
    let names: Vec<&str> = plan.variants.iter().map(|variant| variant.name.as_str()).collect();
    print(format!("{} is valid: {}\n", loaded.name, names.join(", ")))?;
    if !quiet {
        for assumption in &plan.assumptions {
            say(format_args!("- {assumption}"));
        }
    }
    Ok(())
}
