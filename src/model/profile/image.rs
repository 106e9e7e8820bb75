//! The part of a profile about the image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Facts about the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// Bytes of the layers as a registry would hold them; `null` when not known.
    pub compressed_bytes: Option<u64>,
    /// True when `compressed_bytes` was estimated by compressing the saved image with gzip -6.
    pub compressed_estimated: bool,
    /// Bytes on disk; of the prepared folder where there is no image (backend `process`).
    pub unpacked_bytes: u64,
    /// Number of file system layers.
    pub layers: u32,
    /// Packages named by the lock files, direct and transitive; jars in the image's `lib` folder where the build file is
    /// Maven's, which names only the direct ones; `null` when not known.
    pub packages: Option<u32>,
    /// Packages that the app itself asks for; `null` when not known.
    #[serde(default)]
    pub direct_packages: Option<u32>,
    /// Packages of the operating system in the image (dpkg or apk); `null` when it has no such package list.
    #[serde(default)]
    pub os_packages: Option<u32>,
    /// What a scanner on PATH found; `null` without one.
    #[serde(default)]
    pub scan: Option<Scan>,
    /// Pulls from a registry on this machine, layers apart; empty when none was made.
    #[serde(default)]
    pub pulls: Vec<Pull>,
}

/// What a scanner found in the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// Name and version of the scanner.
    pub scanner: String,
    /// Date of its database; `null` when it has none or does not say.
    pub database_date: Option<String>,
    /// Packages in its bill of materials.
    pub packages: Option<u32>,
    /// Known vulnerabilities by severity, lower case, counted once for each package they are in; `null` when it does not
    /// look for them or has no database.
    pub vulnerabilities: Option<BTreeMap<String, u32>>,
}

/// One pull of the image from a registry on this machine, so without any network in between. Layers that were present
/// have no times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Pull call to its end.
    pub total_ms: f64,
    /// Layers in the order of the image.
    pub layers: Vec<LayerPull>,
}

/// One layer of a pull. Downloads run side by side, unpacking one layer after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPull {
    /// Bytes as the registry holds them.
    pub compressed_bytes: u64,
    /// First bytes announced to download complete; `null` if the engine did not say.
    pub download_ms: Option<f64>,
    /// Begin of unpacking announced to its end; `null` if the engine did not say.
    pub unpack_ms: Option<f64>,
}
