//! `coldcast measure link`: the factor between two machines, by their panels.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{Format, print};
use crate::model::panel::{self, PanelLink, linked};
use crate::report::cells;
use crate::report::frameworks::objects;
use crate::report::linked::{COLUMNS, RATIO_COLUMNS, ratio_rows, rows, table};
use crate::report::table::Style;

/// The flags of `measure link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// First panel: a panel.json
    first: PathBuf,
    /// Second panel
    second: PathBuf,
    /// Print the ratio of each framework in place of the factors (with CSV and JSON; the table has both)
    #[arg(long)]
    ratios: bool,
    /// Format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Links two panels and prints the factors.
pub fn run(args: &LinkArgs) -> Outcome {
    let (first, second) = (read(&args.first)?, read(&args.second)?);
    let linked = linked::between(&first, &second);
    if linked.is_empty() {
        return Err(Failure::Input(anyhow::anyhow!(
            "{} and {} have no framework of the same release in common",
            args.first.display(),
            args.second.display()
        )));
    }
    let (name, columns, rows): (_, &[&str], _) = match args.ratios {
        true => ("ratios", &RATIO_COLUMNS, ratio_rows(&linked)),
        false => ("link", &COLUMNS, rows(&linked)),
    };
    match args.format {
        Format::Table => print(table(&first, &second, &linked, Style::Plain)),
        Format::Markdown => print(table(&first, &second, &linked, Style::Markdown)),
        Format::Json => print(objects(name, columns, rows.into_iter())),
        Format::Csv => print(cells::csv(columns, rows)),
    }
}

fn read(path: &Path) -> Result<PanelLink, Failure> {
    let bad = |reason: String| Failure::Input(anyhow::anyhow!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    Ok(panel::parse(&text).map_err(bad)?.link())
}
