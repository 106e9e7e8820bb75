//! `coldcast measure` in a program that cannot measure: it says what is missing.

use anyhow::anyhow;
use clap::Args;

use super::Common;
use super::exit::{Failure, Outcome};

/// Measures frameworks for real (not in this program: it was built without the feature `measure`, or not for Linux)
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct MeasureArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

/// `coldcast measure`
///
/// # Errors
/// Always: the environment lacks what measuring needs.
pub fn run(_: &MeasureArgs, _: &Common) -> Outcome {
    Err(Failure::Environment(if cfg!(target_os = "linux") {
        anyhow!("this coldcast was built without the feature `measure`; build it with --features measure")
    } else {
        anyhow!("coldcast measures on Linux only; profiles that were measured there can be used here")
    }))
}
