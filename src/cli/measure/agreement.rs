//! `coldcast measure agreement`: compares two measurements of the same frameworks.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{Format, print};
use crate::model::profile::{self, FrameworkProfile};
use crate::report::agreement::{self, COLUMNS, Compared};
use crate::report::table::Style;
use crate::report::{cells, frameworks};

/// The flags of `measure agreement`.
#[derive(Debug, Args)]
pub struct AgreementArgs {
    /// First measurement: a profile.json, or a folder with <NAME>/profile.json
    first: PathBuf,
    /// Second measurement
    second: PathBuf,
    /// Format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Compares the sizes that both contain.
pub fn run(args: &AgreementArgs) -> Outcome {
    let (first, second) = (profiles(&args.first)?, profiles(&args.second)?);
    let compared: Vec<Compared> = first
        .iter()
        .filter_map(|a| Some((a, second.iter().find(|b| b.name == a.name)?)))
        .flat_map(|(a, b)| agreement::between(a, b))
        .collect();
    if compared.is_empty() {
        return Err(Failure::Input(anyhow::anyhow!(
            "{} and {} have no framework and size in common",
            args.first.display(),
            args.second.display()
        )));
    }
    match args.format {
        Format::Table => print(agreement::table(&compared, Style::Plain)),
        Format::Markdown => print(agreement::table(&compared, Style::Markdown)),
        Format::Json => print(frameworks::objects(
            "agreement",
            &COLUMNS,
            agreement::rows(&compared).into_iter(),
        )),
        Format::Csv => print(cells::csv(&COLUMNS, agreement::rows(&compared))),
    }
}

/// The profile of a file, or all profiles of a folder in order of their names.
fn profiles(path: &Path) -> Result<Vec<FrameworkProfile>, Failure> {
    let read = |path: &Path| -> Result<FrameworkProfile, Failure> {
        let bad = |reason: String| Failure::Input(anyhow::anyhow!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        profile::parse(&text).map_err(bad)
    };
    if path.is_file() {
        return Ok(vec![read(path)?]);
    }
    let listed =
        std::fs::read_dir(path).map_err(|error| Failure::Input(anyhow::anyhow!("{}: {error}", path.display())))?;
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path().join("profile.json")))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}
