//! `coldcast measure cleanup`: removes what interrupted runs have left.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use super::failure;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::say;
use crate::measure::docker::Engine;
use crate::measure::{cleanup, leftovers};

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
    let engine = Engine::connect(args.force).await.map_err(failure)?;
    let mut found = leftovers::find(&engine).await.map_err(failure)?;
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
        if let Some(reason) = cleanup::sweep(&engine, run).await {
            return Err(Failure::Environment(anyhow::anyhow!(
                "not everything of run {run} could be removed: {reason}"
            )));
        }
        say(format_args!("removed what run {run} had left"));
    }
    Ok(())
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
