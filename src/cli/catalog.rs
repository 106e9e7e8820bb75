//! `catalog`: what is built in, with provenance and dates.

use clap::{Args, Subcommand};

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use crate::model::catalog::FRAMEWORKS;
use crate::model::{framework, profile};
use crate::report::frameworks::{self, Entry};
use crate::report::table::Style;

/// Flags of `catalog`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast catalog frameworks")]
pub struct CatalogArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Frameworks and what was measured of each
    #[command(after_help = "Example:\n  coldcast catalog frameworks --format csv")]
    Frameworks {
        /// How the answer is printed; csv and json have a row for every measured CPU size
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
}

/// `coldcast catalog`
pub fn run(args: &CatalogArgs, quiet: bool) -> Outcome {
    let What::Frameworks { format } = args.what;
    let mut entries = Vec::with_capacity(FRAMEWORKS.len());
    for (name, description, measured) in FRAMEWORKS {
        let broken = |problem: String| Failure::Input(anyhow::anyhow!("built-in framework {name}: {problem}"));
        entries.push(Entry {
            framework: framework::parse(description).map_err(broken)?,
            profile: profile::parse(measured).map_err(broken)?,
        });
    }
    match format {
        Format::Table => print(frameworks::table(&entries, Style::Plain))?,
        Format::Markdown => print(frameworks::table(&entries, Style::Markdown))?,
        Format::Json => print(frameworks::json(&entries))?,
        Format::Csv => print(frameworks::csv(&entries))?,
    }
    if !quiet && matches!(format, Format::Table | Format::Markdown) {
        say("\nMeasured with containers at 1 vCPU, process-cold; median [95% interval]. Other sizes: --format csv.");
        for entry in &entries {
            let p = &entry.profile.provenance;
            say(format_args!(
                "- {}: {} on {}, {} cores, kernel {}",
                entry.profile.name, p.started, p.host_cpu, p.host_cores, p.kernel
            ));
        }
    }
    Ok(())
}
