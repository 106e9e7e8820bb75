//! A decision of the disruption controller.

use super::validation::DELAY;
use crate::units::SimTime;

/// Nodes that are to go, and the kinds of the nodes that replace them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) nodes: Vec<u32>,
    pub(super) replacements: Vec<u16>,
    /// When it is executed.
    pub(super) at: SimTime,
    /// True if consolidation is computed again before the command is executed.
    pub(super) validated: bool,
}

impl Command {
    /// A command of emptiness or consolidation, which is validated before it is executed.
    pub(super) fn validated(nodes: Vec<u32>, replacements: Vec<u16>, now: SimTime) -> Self {
        Self {
            nodes,
            replacements,
            at: now + DELAY,
            validated: true,
        }
    }

    /// A command that is executed at once.
    pub(super) fn immediate(nodes: Vec<u32>, replacements: Vec<u16>, now: SimTime) -> Self {
        Self {
            nodes,
            replacements,
            at: now,
            validated: false,
        }
    }
}
