//! Validation: a command is computed again before it is executed, and dropped if it is not right any more.

use super::super::Kubernetes;
use super::super::nodes::NodeState;
use super::command::Command;
use super::consolidation::compute_consolidation;
use crate::units::SimDuration;

/// Time from a decision to its validation. Source: consolidation's validation.
pub(super) const DELAY: SimDuration = SimDuration::from_secs(15);

/// The command if it still holds, with the replacements that it still needs. `None` if a node is not ready any more, or if
/// other replacements would be needed.
pub(super) fn validate(platform: &Kubernetes, command: Command) -> Option<Command> {
    let is_ready = |&node: &u32| platform.nodes.get(node).state == NodeState::Ready;
    if !command.nodes.iter().all(is_ready) {
        return None;
    }
    let replacements = if command.nodes.iter().all(|&node| platform.nodes.pods(node).is_empty()) {
        Vec::new()
    } else if command.validated {
        compute_consolidation(platform, &command.nodes)?
    } else {
        command.replacements.clone()
    };
    (replacements.is_empty() || replacements == command.replacements).then_some(Command {
        replacements,
        ..command
    })
}
