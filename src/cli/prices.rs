//! `prices`: newer price lists from what providers publish.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
#[cfg(feature = "fetch")]
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say, shown};
use crate::model::price::PriceList;
use crate::model::price::offers::{self, OfferFile};
use crate::report::atomic::{Staged, WriteError};

/// Flags of `prices`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast prices refresh --help")]
pub struct PricesArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Writes a list with the prices of files that the provider publishes in place of the built-in ones
    #[command(after_help = "Example:\n  coldcast prices refresh aws --help")]
    Refresh(RefreshArgs),
}

#[derive(Debug, Args)]
struct RefreshArgs {
    #[command(subcommand)]
    provider: Provider,
}

#[derive(Debug, Subcommand)]
enum Provider {
    /// From the Price List Bulk API of AWS: the index.json of each service for the list's region
    #[command(after_help = "Example:\n  coldcast prices refresh aws --help")]
    Aws(AwsArgs),
}

#[derive(Debug, Args)]
struct AwsArgs {
    /// Offer files of services for the list's region (index.json of the Price List Bulk API): paths, or addresses to fetch them
    /// from, which begin with https://
    #[arg(required = true, value_name = "FILE|URL")]
    files: Vec<String>,
    /// Built-in list whose prices are replaced
    #[arg(long, value_name = "NAME", default_value = "aws-us-east-1")]
    list: String,
    /// Where the new list goes
    #[arg(long, value_name = "FILE.toml")]
    out: PathBuf,
    /// How the changes are printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// `coldcast prices`
pub fn run(args: &PricesArgs, quiet: bool) -> Outcome {
    let What::Refresh(args) = &args.what;
    let Provider::Aws(args) = &args.provider;
    let problem = |problem: String| Failure::Input(anyhow!(problem));
    if args.out.extension().is_none_or(|extension| extension != "toml") {
        return Err(problem(format!(
            "--out {}: a price list is a file that ends in .toml",
            args.out.display()
        )));
    }
    let list = PriceList::find(&args.list).map_err(Failure::input)?;
    if list.provider != "aws" || args.list.ends_with(".toml") {
        return Err(problem(format!("--list {}: name a built-in list of AWS", args.list)));
    }
    let files: Vec<OfferFile> = args
        .files
        .iter()
        .map(|from| read(from, quiet))
        .collect::<Result<_, _>>()?;
    let refreshed = offers::refresh(&list, &files).map_err(problem)?;
    if refreshed.read == 0 {
        return Err(problem(
            "the files have no price of the list: are they of the services and the region that it is for?".into(),
        ));
    }
    write(&args.out, refreshed.text.as_bytes()).map_err(Failure::output)?;
    let rows = refreshed.changes.iter().map(|change| {
        let [before, after] = change.usd.clone();
        vec![change.meter.clone(), change.from.clone(), before, after]
    });
    print(shown(
        args.format,
        "changes",
        &["meter", "tier_from", "usd_before", "usd_after"],
        rows.collect(),
        1,
    ))?;
    if !quiet {
        say(format_args!(
            "\n{} prices read, {} of them changed; wrote {} as {}",
            refreshed.read,
            refreshed.changes.len(),
            args.out.display(),
            refreshed.id
        ));
        for (meter, reason) in &refreshed.kept {
            say(format_args!("kept {meter}: {reason}"));
        }
    }
    Ok(())
}

/// Writes a file, or leaves what is there.
fn write(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut staged = Staged::new(folder.unwrap_or(Path::new(".")))?;
    staged.add(&name, content)?;
    staged.commit()
}

/// How long a server may take until it accepts a connection, and until it begins to answer.
#[cfg(feature = "fetch")]
const TIMEOUT: Duration = Duration::from_secs(30);

fn read(from: &str, quiet: bool) -> Result<OfferFile, Failure> {
    let file: Box<dyn Read> = if from.starts_with("https://") || from.starts_with("http://") {
        if !quiet {
            say(format_args!("fetching {from}"));
        }
        Box::new(fetch(from)?)
    } else {
        let file = File::open(from)
            .map_err(|error| Failure::input(anyhow::Error::new(error).context(format!("cannot read {from}"))))?;
        Box::new(file)
    };
    // The files of large services have hundreds of megabytes: they are read as they come.
    OfferFile::read(from, BufReader::new(file)).map_err(|problem| Failure::Input(anyhow!(problem)))
}

#[cfg(not(feature = "fetch"))]
fn fetch(address: &str) -> Result<std::io::Empty, Failure> {
    Err(Failure::Environment(anyhow!(
        "cannot fetch {address}: this coldcast was built without the feature `fetch`; build it with --features fetch, \
         or fetch the file by other means and give its path"
    )))
}

#[cfg(feature = "fetch")]
fn fetch(address: &str) -> Result<impl Read + use<>, Failure> {
    let request = ureq::get(address)
        .config()
        .timeout_connect(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .build();
    let answer = request.call().map_err(|error| {
        Failure::Environment(anyhow!(
            "cannot fetch {address}: {error}; a file that was fetched elsewhere can be given by its path"
        ))
    })?;
    Ok(answer.into_body().into_reader())
}
