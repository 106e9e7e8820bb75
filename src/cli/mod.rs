//! The command line: one file per verb. Data goes to stdout, talk to stderr.

pub mod exit;
pub mod measure;

use clap::{Args, ColorChoice, Parser, Subcommand};

use exit::Outcome;

/// Measures backend frameworks, simulates traffic and projects latency and monthly cost.
#[derive(Debug, Parser)]
#[command(name = "coldcast", version, about, max_term_width = 100)]
pub struct Cli {
    /// Flags of every verb.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags of every verb.
#[derive(Debug, Args)]
pub struct Common {
    /// Print no progress and no remarks
    #[arg(long, global = true)]
    pub quiet: bool,
    /// When to colour help and tables
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Worker threads; the results do not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Measures frameworks for real and writes their profiles
    Measure(measure::MeasureArgs),
}

/// Runs the command line.
pub fn run(cli: &Cli) -> Outcome {
    match &cli.verb {
        Verb::Measure(args) => measure::run(args, &cli.common),
    }
}
