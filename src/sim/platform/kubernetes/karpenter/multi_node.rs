//! Multi-node consolidation: the longest run of candidates that can go together, found by binary search as upstream does.

use super::super::Kubernetes;
use super::command::Command;
use super::consolidation::compute_consolidation;
use crate::units::SimTime;

/// Most nodes that are consolidated together. Source: multi-node consolidation.
const MOST_TOGETHER: usize = 100;

/// The command for the first two or more of the `sorted` candidates, at most `budget`; `None` if no two can go.
pub(super) fn compute_command(platform: &Kubernetes, sorted: &[u32], budget: usize, now: SimTime) -> Option<Command> {
    let (mut low, mut high) = (2, sorted.len().min(budget).min(MOST_TOGETHER));
    let mut found = None;
    while low <= high {
        let middle = low.midpoint(high);
        match compute_consolidation(platform, &sorted[..middle]) {
            Some(replacements) => {
                found = Some(Command::validated(sorted[..middle].to_vec(), replacements, now));
                low = middle + 1;
            }
            None => high = middle - 1,
        }
    }
    found
}
