//! The part of a profile about the flags that changed the container of a user's own image.

use serde::{Deserialize, Serialize};

/// The settings of the container that differ from the usual confinement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerOptions {
    /// The names of the environment variables. Values are never stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

impl ContainerOptions {
    /// Returns true if no flag changed the container.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
