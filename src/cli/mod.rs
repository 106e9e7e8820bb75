//! The command line: one file per verb. Data goes to stdout, talk to stderr.

pub mod catalog;
pub mod check;
pub mod exit;
pub mod measure;
pub mod output;
pub mod study;
pub mod trace;

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
    /// Simulates traffic: latency, SLO, instances, monthly bill
    Simulate(study::SimulateArgs),
    /// Compares variants on the same traffic and luck, with intervals
    Compare(study::CompareArgs),
    /// Validates a scenario and everything it names, and runs nothing
    Check(check::CheckArgs),
    /// What is built in, with provenance and dates
    Catalog(catalog::CatalogArgs),
    /// Looks at traffic or makes some up
    Trace(trace::TraceArgs),
}

/// Runs the command line.
pub fn run(cli: &Cli) -> Outcome {
    match &cli.verb {
        Verb::Measure(args) => measure::run(args, &cli.common),
        Verb::Simulate(args) => study::simulate(args, &cli.common),
        Verb::Compare(args) => study::compare(args, &cli.common),
        Verb::Check(args) => check::run(args, cli.common.quiet),
        Verb::Catalog(args) => catalog::run(args, cli.common.quiet),
        Verb::Trace(args) => trace::run(args, cli.common.quiet),
    }
}
