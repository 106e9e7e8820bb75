//! Single-node consolidation: one candidate after the other.

use super::super::Kubernetes;
use super::command::Command;
use super::consolidation::compute_consolidation;
use crate::units::SimTime;

/// The commands for single candidates, in the order of `sorted`.
pub(super) fn compute_commands(platform: &Kubernetes, sorted: &[u32], now: SimTime) -> impl Iterator<Item = Command> {
    sorted.iter().filter_map(move |&node| {
        let replacements = compute_consolidation(platform, &[node])?;
        Some(Command::validated(vec![node], replacements, now))
    })
}
