//! The part of a profile about the panel of its measuring stretch.

use serde::{Deserialize, Serialize};

/// The panel that was measured at the beginning of the same stretch on the same machine. Panels link machines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelLink {
    /// The time at which the panel began, RFC 3339 in UTC.
    pub started: String,
}
