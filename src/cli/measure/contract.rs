//! `coldcast measure contract`: checks apps against the HTTP contract.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::net::ToSocketAddrs;
use std::path::PathBuf;

use clap::Args;

use super::failure;
use crate::cli::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::print;
use crate::measure::{Progress, Verdict, check_images, contract, frameworks};

/// The flags of `measure contract`.
#[derive(Debug, Args)]
pub struct ContractArgs {
    /// Frameworks to check, by their folders in --models [default: all]
    #[arg(value_name = "FRAMEWORK")]
    frameworks: Vec<String>,
    /// Check all folders of --models
    #[arg(long, conflicts_with = "frameworks")]
    all: bool,
    /// Check an app that is running, in place of images
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["frameworks", "all"])]
    address: Option<String>,
    /// Folder of the frameworks
    #[arg(long, value_name = "DIR", default_value = "models/frameworks")]
    models: PathBuf,
    /// Use a local image in place of an official base image; repeatable
    #[arg(long, value_name = "OFFICIAL=LOCAL", value_parser = super::base)]
    base: Vec<(String, String)>,
    /// Allow an engine on another machine
    #[arg(long)]
    force: bool,
}

/// Checks and prints a line for each route. Fails with exit code 1 if an answer differs, and with 3 if an app could not be asked.
pub fn run(args: &ContractArgs, common: &Common) -> Outcome {
    let verdicts = match &args.address {
        Some(address) => vec![(address.clone(), at(address)?)],
        None => images(args, common)?,
    };
    let mut text = String::new();
    let (mut breaks, mut unasked) = (Vec::new(), Vec::new());
    for (name, verdict) in &verdicts {
        tell(&mut text, name, verdict);
        match verdict {
            Err(_) => unasked.push(name.as_str()),
            Ok(routes) if contract::differences(routes).is_some() => breaks.push(name.as_str()),
            Ok(_) => {}
        }
    }
    print(text)?;
    if !breaks.is_empty() {
        return Err(Failure::Gate(format!(
            "these apps do not meet the HTTP contract of models/frameworks/README.md: {}",
            breaks.join(", ")
        )));
    }
    if !unasked.is_empty() {
        return Err(Failure::Environment(anyhow::anyhow!(
            "could not be checked: {}",
            unasked.join(", ")
        )));
    }
    Ok(())
}

/// Writes the result for one app.
fn tell(text: &mut String, name: &str, verdict: &Verdict) {
    let _ = writeln!(text, "{name}");
    let routes = match verdict {
        Err(reason) => {
            let _ = writeln!(text, "  FAIL  {reason}");
            return;
        }
        Ok(routes) => routes,
    };
    for checked in routes {
        let _ = match &checked.difference {
            None => writeln!(text, "  ok    {:<15}  {:>2} requests", checked.route, checked.right),
            Some(difference) => writeln!(text, "  FAIL  {:<15}  {difference}", checked.route),
        };
    }
}

fn at(address: &str) -> Result<Verdict, Failure> {
    let bad = |reason: String| Failure::Input(anyhow::anyhow!("--address {address}: {reason}; write HOST:PORT"));
    let found = address.to_socket_addrs().map_err(|error| bad(error.to_string()))?;
    let address = found.into_iter().next().ok_or_else(|| bad("no address".into()))?;
    Ok(Ok(contract::check_at(address)))
}

fn images(args: &ContractArgs, common: &Common) -> Result<Vec<(String, Verdict)>, Failure> {
    let subjects = frameworks(&args.models, &args.frameworks).map_err(failure)?;
    let bases: BTreeMap<String, String> = args.base.iter().cloned().collect();
    let progress = Progress::new(common.quiet, std::io::stderr().is_terminal());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::environment)?;
    let verdicts = runtime.block_on(check_images(&subjects, &bases, args.force, &progress));
    runtime.shutdown_background();
    verdicts.map_err(failure)
}
