//! The part of a profile about the settings of an image of the user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The settings with which an image of the user was measured. They change what was measured: two profiles are comparable if
/// their settings are alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContainerOptions {
    /// The environment variables by name, each with the first 16 bits of the SHA-256 of `NAME=VALUE` in hexadecimal digits.
    /// These tell two values apart and are too short to guess a value from.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The headers of each request by name, each with such a digest of `NAME: VALUE`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The port of the health route, if it is not that of the other routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_port: Option<u16>,
    /// The folders in memory that can be written to, `/tmp` apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<String>,
    /// True if the root file system can be written to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub writable: bool,
    /// The capabilities that were not dropped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cap_add: Vec<String>,
    /// The user, if it is not that of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The network to which the container was connected as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

impl ContainerOptions {
    /// Returns true if there is no setting.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
