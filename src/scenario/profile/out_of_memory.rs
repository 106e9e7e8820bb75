//! Memory limits under which a framework was measured not to start.

use super::Wanted;
use crate::model::profile::{ColdMode, FailureKind, FrameworkProfile, MeasuredConfig};

/// Refuses memory at or below a limit under which every start failed for want of memory, unless starts under no more than
/// that memory were measured at the very CPU: a framework may start more processes the more CPU it has.
pub(super) fn refuse(profile: &FrameworkProfile, wanted: &Wanted<'_>) -> Result<(), String> {
    let Some(memory) = wanted.memory else {
        return Ok(());
    };
    let runs = || profile.runs.iter().filter(|run| run.cold_mode == ColdMode::ProcessCold);
    let starts_here = |run: &MeasuredConfig| run.cpu == wanted.cpu && run.memory <= memory && !run.cold.is_empty();
    let Some(failed) = runs().find(|run| run.memory >= memory && never_starts(run)) else {
        return Ok(());
    };
    if runs().any(starts_here) {
        return Ok(());
    }
    let enough = runs()
        .filter(|run| run.memory > failed.memory && !run.cold.is_empty())
        .map(|run| run.memory)
        .min();
    Err(format!(
        "{} does not start with {memory}: under a memory limit of {} all {} starts were measured to fail, out of memory, at {} \
         vCPU. {}",
        profile.name,
        failed.memory,
        failed.failures.len(),
        failed.cpu.as_vcpu(),
        match enough {
            Some(enough) =>
                format!("Choose at least {enough}, the smallest limit under which it was measured to start"),
            None => "Choose more; it was measured to start under no limit above that".into(),
        }
    ))
}

/// Returns true if no start succeeded and memory was the reason. Starts that exited or timed out beside starts that
/// were killed count as failures of memory; failures of the engine do not count.
fn never_starts(run: &MeasuredConfig) -> bool {
    let out_of_memory = run
        .failures
        .iter()
        .any(|failure| failure.kind == FailureKind::OutOfMemory);
    let came_up = |kind| matches!(kind, FailureKind::NotCold | FailureKind::Dropped);
    run.cold.is_empty() && out_of_memory && !run.failures.iter().any(|failure| came_up(failure.kind))
}
