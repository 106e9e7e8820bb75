//! `report`: rebuilds the reports of a stored result, without simulating.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use super::study::{dollars, remarks, written};
use crate::report::{self, answer, stored};

/// Flags of `report`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast report result --format markdown")]
pub struct ReportArgs {
    /// Folder that `simulate` or `compare` wrote with --out
    folder: PathBuf,
    /// Write the reports into this folder [default: the folder of the result]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The cost of a move from the first variant to another, in US dollars: shows after how many months it has paid back
    #[arg(long, value_name = "USD", value_parser = dollars)]
    migration_cost: Option<f64>,
    /// Print all assumptions, not only the three that matter most
    #[arg(long)]
    assumptions: bool,
    /// Format of the printed answer
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    pricing: PricingFlags,
}

/// Flags of `reprice`, which `report` once had.
#[derive(Debug, Args)]
struct PricingFlags {
    #[arg(long, hide = true)]
    prices: Option<String>,
    #[arg(long, hide = true)]
    set_price: Vec<String>,
    #[arg(long, hide = true)]
    discount: Vec<String>,
    #[arg(long, hide = true)]
    free_tier: bool,
    #[arg(long, hide = true)]
    month: Option<String>,
    #[arg(long, hide = true)]
    commitments: Option<String>,
    #[arg(long, hide = true)]
    lines: bool,
}

impl PricingFlags {
    fn is_given(&self) -> bool {
        self.prices.is_some()
            || !self.set_price.is_empty()
            || !self.discount.is_empty()
            || self.free_tier
            || self.month.is_some()
            || self.commitments.is_some()
            || self.lines
    }
}

/// `coldcast report`
pub fn run(args: &ReportArgs, quiet: bool) -> Outcome {
    let folder = args.folder.display();
    if args.pricing.is_given() {
        return Err(Failure::Input(anyhow::anyhow!(
            "`report` rebuilds the files of a stored result; to price it with another list, write `coldcast reprice {folder} --prices {}`",
            args.pricing.prices.as_deref().unwrap_or("LIST")
        )));
    }
    let (study, manifest) = stored::load(&args.folder).map_err(Failure::input)?;
    let out = args.out.as_ref().unwrap_or(&args.folder);
    report::write_files(out, report::REPORTS, &study, &manifest).map_err(Failure::output)?;
    let asked = answer::Asked {
        differences: study.variants.len() > 1,
        migration_usd: args.migration_cost,
    };
    print(written(&study, asked, args.format))?;
    if !quiet {
        remarks(&manifest, args.assumptions);
        say(format_args!("wrote {}", out.display()));
    }
    Ok(())
}
