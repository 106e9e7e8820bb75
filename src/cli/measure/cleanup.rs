//! `coldcast measure cleanup`: removes what interrupted runs have left.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use super::failure;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::say;
use crate::measure::docker::Engine;
use crate::measure::error::MeasureError;
use crate::measure::leftovers::{self, Leftover};
use crate::measure::{cleanup, targets};

/// Flags of `measure cleanup`.
#[derive(Debug, Args)]
pub struct CleanupArgs {
    /// Only what this run has left, even if it still goes on
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Remove without asking
    #[arg(long)]
    yes: bool,
    /// Clean up an engine on another machine; whether a run there still goes on cannot be told
    #[arg(long)]
    force: bool,
}

/// Shows and removes.
pub fn run(args: &CleanupArgs) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::environment)?;
    runtime.block_on(clean(args))
}

async fn clean(args: &CleanupArgs) -> Outcome {
    let mut found = targets::process::leftovers();
    let engine = match Engine::connect(args.force).await {
        Ok(engine) => Some(engine),
        Err(error @ (MeasureError::NoEngine { .. } | MeasureError::Denied { .. })) => {
            say(format_args!("looked at processes only, not at containers: {error}"));
            None
        }
        Err(error) => return Err(failure(error)),
    };
    if let Some(engine) = &engine {
        merge(&mut found, leftovers::on_engine(engine).await.map_err(failure)?);
    }
    if let Some(run) = &args.run {
        found.retain(|id, _| id == run);
        if found.is_empty() {
            return Err(Failure::Input(anyhow::anyhow!("nothing is left of a run `{run}`")));
        }
    }
    for (run, left) in &found {
        let state = if left.alive { "still goes on" } else { "has ended" };
        say(format_args!("run {run}, which {state}, left:"));
        left.lines().for_each(|line| say(format_args!("    {line}")));
    }
    let due: Vec<&String> = found
        .iter()
        .filter(|(_, left)| !left.alive || args.run.is_some())
        .map(|(run, _)| run)
        .collect();
    if due.is_empty() {
        say("nothing to remove");
        return Ok(());
    }
    if !args.yes && !agreed(due.len())? {
        say("nothing was removed");
        return Ok(());
    }
    for run in due {
        let mut left = targets::process::sweep(run).await;
        if let Some(engine) = &engine {
            left = left.or(cleanup::sweep(engine, run).await);
        }
        if let Some(reason) = left {
            return Err(Failure::Environment(anyhow::anyhow!(
                "not everything of run {run} could be removed: {reason}"
            )));
        }
        say(format_args!("removed what run {run} had left"));
    }
    Ok(())
}

/// A run may have left something in both places.
fn merge(found: &mut BTreeMap<String, Leftover>, others: BTreeMap<String, Leftover>) {
    for (run, other) in others {
        let left = found.entry(run).or_default();
        left.alive |= other.alive;
        left.containers.extend(other.containers);
        left.networks.extend(other.networks);
        left.images.extend(other.images);
    }
}

fn agreed(runs: usize) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::Input(anyhow::anyhow!(
            "add --yes to remove it: there is no terminal to ask on"
        )));
    }
    eprint!("remove what {runs} of these runs left? [y/N] ");
    std::io::stderr().flush().map_err(Failure::environment)?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(Failure::environment)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
