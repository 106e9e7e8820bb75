//! The command line: one file per verb. Data goes to stdout, talk to stderr.
// Help texts are plain text: `<NAME>` in them is no HTML.
#![allow(rustdoc::invalid_html_tags)]

pub mod advise;
pub mod bill;
pub mod catalog;
pub mod check;
pub mod exit;
#[cfg(all(feature = "measure", target_os = "linux"))]
pub mod measure;
#[cfg(not(all(feature = "measure", target_os = "linux")))]
mod no_measure;
pub mod output;
pub mod prices;
pub mod pricing;
#[cfg(all(test, feature = "fetch", feature = "measure"))]
mod reference;
pub mod report;
pub mod reprice;
pub mod study;
pub mod trace;

use std::ffi::OsString;

use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use exit::Outcome;
#[cfg(not(all(feature = "measure", target_os = "linux")))]
use no_measure as measure;

/// Measures backend frameworks, simulates traffic and projects latency and monthly cost.
#[derive(Debug, Parser)]
#[command(name = "coldcast", version, about, max_term_width = 100)]
#[command(after_help = "Example:\n  coldcast compare --frameworks express,gin")]
pub struct Cli {
    /// Flags of every verb.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags of every verb.
#[derive(Debug, Args)]
pub struct Common {
    /// Print no progress and no remarks
    #[arg(long, global = true)]
    pub quiet: bool,
    /// When to colour help and errors of usage
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Worker threads; the results do not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Simulates traffic: latency, SLO, instances, monthly bill
    Simulate(study::SimulateArgs),
    /// Compares variants with the same traffic and random numbers, with intervals
    Compare(study::CompareArgs),
    /// At how much traffic another variant becomes the cheapest
    BreakEven(study::break_even::BreakEvenArgs),
    /// Rebuilds the reports of a stored result
    Report(report::ReportArgs),
    /// Prices a stored result anew, without simulating
    Reprice(reprice::RepriceArgs),
    /// How much to commit to: what a stored result costs by the level of a savings plan
    Advise(advise::AdviseArgs),
    /// Validates a scenario and everything it names, and runs nothing
    Check(check::CheckArgs),
    /// Prices a table of metered quantities
    Bill(bill::BillArgs),
    /// Newer price lists from what providers publish
    Prices(prices::PricesArgs),
    /// Shows the built-in data, with sources and dates
    Catalog(catalog::CatalogArgs),
    /// Looks at traffic or makes some up
    Trace(trace::TraceArgs),
    /// Measures frameworks for real and writes their profiles
    Measure(measure::MeasureArgs),
}

/// Reads the command line; prints help, version or what is wrong with it, and exits, where that is all there is to do.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Cli {
    let words: Vec<OsString> = words.into_iter().collect();
    // Help and errors are printed while the line is being read, so their colour must be known before.
    let command = Cli::command().color(color(&words));
    let cli = Cli::from_arg_matches(&command.get_matches_from(words));
    cli.unwrap_or_else(|error| error.exit())
}

/// The value of `--color`, if it has a valid one.
fn color(words: &[OsString]) -> ColorChoice {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let split = words.windows(2).find(|pair| pair[0] == "--color").map(|pair| &*pair[1]);
    let joined = || words.iter().find_map(|word| word.strip_prefix("--color="));
    let value = split.or_else(joined).unwrap_or_default();
    ColorChoice::from_str(value, false).unwrap_or_default()
}

/// Runs the command line.
pub fn run(cli: &Cli) -> Outcome {
    #[cfg(unix)]
    ignore_file_size_signal();
    match &cli.verb {
        Verb::Simulate(args) => study::simulate(args, &cli.common),
        Verb::Compare(args) => study::compare(args, &cli.common),
        Verb::BreakEven(args) => study::break_even::run(args, &cli.common),
        Verb::Report(args) => report::run(args, cli.common.quiet),
        Verb::Reprice(args) => reprice::run(args, cli.common.quiet),
        Verb::Advise(args) => advise::run(args, cli.common.quiet),
        Verb::Check(args) => check::run(args, cli.common.quiet),
        Verb::Bill(args) => bill::run(args, cli.common.quiet),
        Verb::Prices(args) => prices::run(args, cli.common.quiet),
        Verb::Catalog(args) => catalog::run(args, cli.common.quiet),
        Verb::Trace(args) => trace::run(args, cli.common.quiet),
        Verb::Measure(args) => measure::run(args, &cli.common),
    }
}

/// Makes a write beyond the limit for file sizes an error that can be told, not the end of the process.
#[cfg(unix)]
fn ignore_file_size_signal() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: no handler is installed, so none can run at a bad moment.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}
