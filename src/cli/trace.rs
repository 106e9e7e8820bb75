//! `coldcast trace`: describes traces and generates synthetic ones.

mod inspect;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::exit::{Failure, Outcome};
use super::output::{print, say, stopped};
use crate::trace::generate;
use crate::trace::synthetic::{Synthetic, WriteError};
use crate::units::{PerSecond, SimDuration};

/// Describes a trace or generates a synthetic one
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast trace inspect embedded:web-shop-week")]
pub struct TraceArgs {
    #[command(subcommand)]
    verb: TraceVerb,
}

#[derive(Debug, Subcommand)]
enum TraceVerb {
    Inspect(inspect::InspectArgs),
    #[command(subcommand)]
    Generate(GenerateVerb),
}

/// Generates a synthetic trace
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  coldcast trace generate web-shop --seed 1 --out web-shop-week.csv")]
enum GenerateVerb {
    WebShop(WebShopArgs),
    Poisson(PoissonArgs),
}

/// Generates a week of a web shop in requests per minute, with a flash sale on Friday
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast trace generate web-shop --seed 1 --out web-shop-week.csv")]
struct WebShopArgs {
    /// The seed of the random numbers; 1 gives the built-in week
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Generates Poisson arrivals of many functions, one row per request: func,arrival_s,duration_s
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  coldcast trace generate poisson --rate 50/s --horizon 1h --functions 100 --out events.csv"
)]
struct PoissonArgs {
    /// The arrival rate of all functions together
    #[arg(long, value_name = "RATE")]
    rate: PerSecond,
    /// The length of the trace
    #[arg(long, value_name = "DURATION", required_unless_present = "requests")]
    horizon: Option<SimDuration>,
    /// The largest number of rows
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
    /// The number of functions
    #[arg(long, value_name = "N", default_value_t = 1)]
    functions: u32,
    /// The exponent of Zipf's law of popularity; 0 makes all functions equally popular
    #[arg(long, value_name = "S", default_value_t = 1.1)]
    zipf: f64,
    /// The mean service time of a request (log-normal)
    #[arg(long, value_name = "DURATION", default_value = "900ms")]
    duration_mean: SimDuration,
    /// The standard deviation of the service times divided by their mean
    #[arg(long, value_name = "CV", default_value_t = 1.0)]
    duration_cv: f64,
    /// The seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &TraceArgs, quiet: bool) -> Outcome {
    let talk = |text: String| {
        if !quiet {
            say(text);
        }
    };
    match &args.verb {
        TraceVerb::Inspect(args) => {
            let found = args.inspect().map_err(Failure::input)?;
            found.report.sentences().into_iter().for_each(talk);
            let text = args.print(&found)?;
            print(text + "\n")
        }
        TraceVerb::Generate(GenerateVerb::WebShop(args)) => {
            let text = generate::web_shop_csv(args.seed);
            let rows = write(args.out.as_deref(), |out| {
                out.write_all(text.as_bytes())?;
                Ok(generate::WEEK as u64)
            })?;
            announce(args.out.as_deref(), rows, talk);
            Ok(())
        }
        TraceVerb::Generate(GenerateVerb::Poisson(args)) => {
            let rows = write(args.out.as_deref(), |out| args.synthetic().write(out))?;
            announce(args.out.as_deref(), rows, talk);
            Ok(())
        }
    }
}

impl PoissonArgs {
    fn synthetic(&self) -> Synthetic {
        Synthetic {
            rate: self.rate,
            horizon: self.horizon.unwrap_or(SimDuration::MAX),
            requests: self.requests,
            functions: self.functions,
            zipf: self.zipf,
            duration_mean: self.duration_mean,
            duration_cv: self.duration_cv,
            seed: self.seed,
        }
    }
}

/// Writes to a temporary file and renames it, so that a file is complete or absent; without a path, writes to standard output.
/// Returns the number of rows.
fn write(path: Option<&Path>, fill: impl FnOnce(&mut dyn Write) -> Result<u64, WriteError>) -> Result<u64, Failure> {
    let Some(path) = path else {
        let mut out = BufWriter::new(io::stdout().lock());
        let filled = fill(&mut out).and_then(|rows| Ok(out.flush().map(|()| rows)?));
        // A reader that closed the pipe needs no more rows.
        return filled.or_else(|error| match error {
            WriteError::Io(error) => stopped(error).map(|()| 0),
            error => Err(failure(error, Path::new("standard output"))),
        });
    };
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let attempt = || {
        let mut out = BufWriter::with_capacity(1 << 18, File::create(&temporary)?);
        let rows = fill(&mut out)?;
        out.flush()?;
        std::fs::rename(&temporary, path)?;
        Ok(rows)
    };
    attempt().map_err(|e| {
        // If this fails too, the first error is still the one to report.
        let _ = std::fs::remove_file(&temporary);
        failure(e, path)
    })
}

fn failure(error: WriteError, path: &Path) -> Failure {
    match error {
        WriteError::Settings(e) => Failure::input(e),
        WriteError::Io(_) if path.is_dir() => {
            Failure::Input(anyhow!("cannot write {}: this is a folder", path.display()))
        }
        WriteError::Io(e) => Failure::Environment(anyhow!(e).context(format!("cannot write {}", path.display()))),
    }
}

fn announce(path: Option<&Path>, rows: u64, talk: impl Fn(String)) {
    if let Some(path) = path {
        talk(format!("wrote {rows} rows to {}", path.display()));
    }
}
