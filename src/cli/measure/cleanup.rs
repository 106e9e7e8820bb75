//! `coldcast measure cleanup`: removes the remains of interrupted runs.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use super::failure;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::say;
use crate::measure::cleanup::Cleaner;

/// The flags of `measure cleanup`.
#[derive(Debug, Args)]
pub struct CleanupArgs {
    /// Remove only the remains of this run, even if it is still running
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Remove without a question
    #[arg(long)]
    yes: bool,
    /// Allow an engine on another machine; coldcast cannot tell whether a run there is still running
    #[arg(long)]
    force: bool,
}

/// Shows the remains and removes them.
pub fn run(args: &CleanupArgs) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::environment)?;
    runtime.block_on(clean(args))
}

async fn clean(args: &CleanupArgs) -> Outcome {
    let (cleaner, no_engine) = Cleaner::connect(args.force).await.map_err(failure)?;
    if let Some(error) = no_engine {
        say(format_args!("looked at processes only, not at containers: {error}"));
    }
    let mut found = cleaner.found().await.map_err(failure)?;
    if let Some(run) = &args.run {
        found.retain(|id, _| id == run);
        if found.is_empty() {
            return Err(Failure::Input(anyhow::anyhow!("there are no remains of a run `{run}`")));
        }
    }
    for (run, left) in &found {
        let state = if left.alive { "is still running" } else { "has ended" };
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
        if let Err(reason) = cleaner.remove(run).await {
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
            "add --yes to remove them: there is no terminal for the question"
        )));
    }
    eprint!("remove the remains of {runs} of these runs? [y/N] ");
    std::io::stderr().flush().map_err(Failure::environment)?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(Failure::environment)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
