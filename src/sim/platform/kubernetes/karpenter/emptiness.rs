//! Emptiness: nodes without pods go, within the budget.

use super::super::Kubernetes;
use super::candidates::Candidates;
use super::command::Command;
use crate::units::SimTime;

/// The command that removes empty nodes; `None` without one.
pub(super) fn compute_command(platform: &Kubernetes, mut candidates: Candidates, now: SimTime) -> Option<Command> {
    let mut empty = std::mem::take(&mut candidates.nodes);
    empty.retain(|&node| platform.nodes.pods(node).is_empty() && candidates.take_spare(platform, node));
    empty.truncate(candidates.budget);
    (!empty.is_empty()).then(|| Command::validated(empty, Vec::new(), now))
}
