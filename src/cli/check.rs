//! `check`: validate a scenario with everything it names, and run nothing.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Failure, Outcome};
use super::output::print;
use crate::rng::Draws;
use crate::scenario::{self, plan};
use crate::trace::Open;

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast check --set platform.lambda.memory=885Mi")]
pub struct CheckArgs {
    /// Scenario file [default: the built-in web shop on AWS Lambda]
    scenario: Option<PathBuf>,
    /// Change a value of the scenario, such as seed=9 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
}

/// `coldcast check`
pub fn run(args: &CheckArgs, quiet: bool) -> Outcome {
    let loaded = scenario::load(args.scenario.as_deref(), &args.sets).map_err(Failure::input)?;
    let plan = plan::plan(&loaded).map_err(Failure::input)?;
    for variant in &plan.variants {
        for (entity, service) in variant.services.iter().enumerate() {
            // Traces are opened and the whole file is read, so that a bad line deep inside is found here.
            let open = Open {
                base: &variant.base,
                draws: Draws::new(variant.seed, 0),
                entity: entity as u64,
                horizon: variant.horizon,
            };
            let mut opened = service.traffic.open(&open).map_err(Failure::input)?;
            if service.traffic.path().is_some() {
                let mut arrivals = Vec::new();
                while opened.source.refill(&mut arrivals).map_err(Failure::input)? {
                    arrivals.clear();
                }
            }
        }
    }
    let names: Vec<&str> = plan.variants.iter().map(|variant| variant.name.as_str()).collect();
    print(format!("{} is valid: {}\n", loaded.name, names.join(", ")))?;
    if !quiet {
        for assumption in &plan.assumptions {
            eprintln!("- {assumption}");
        }
    }
    Ok(())
}
