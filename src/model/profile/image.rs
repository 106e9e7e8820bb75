//! The part of a profile about the image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The size and the content of an image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// The size of the compressed layers in a registry; `null` if unknown.
    pub compressed_bytes: Option<u64>,
    /// True if `compressed_bytes` was estimated by compressing the saved image with gzip -6.
    pub compressed_estimated: bool,
    /// The size on disk; without an image (backend `process`), the size of the prepared folder. `null` if unknown.
    pub unpacked_bytes: Option<u64>,
    /// The number of file system layers.
    pub layers: u32,
    /// The number of packages in the lock files, direct and transitive. A Maven build names only direct ones, so the jars in the
    /// `lib` folder of the image are counted for it. `null` if unknown.
    pub packages: Option<u32>,
    /// The number of direct dependencies of the app; `null` if unknown.
    #[serde(default)]
    pub direct_packages: Option<u32>,
    /// The number of operating system packages in the image (dpkg or apk); `null` if the image has no such package list.
    #[serde(default)]
    pub os_packages: Option<u32>,
    /// The result of a scanner on PATH; `null` without a scanner.
    #[serde(default)]
    pub scan: Option<Scan>,
    /// The pulls from a registry on this machine, layer by layer; empty if the image was not pulled.
    #[serde(default)]
    pub pulls: Vec<Pull>,
}

/// The result of scanning the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// The name and the version of the scanner.
    pub scanner: String,
    /// The date of its database; `null` if unknown.
    pub database_date: Option<String>,
    /// The number of packages in its bill of materials.
    pub packages: Option<u32>,
    /// The number of known vulnerabilities by severity in lower case, each counted once for every affected package; `null` if
    /// the scanner does not look for them or has no database.
    pub vulnerabilities: Option<BTreeMap<String, u32>>,
}

/// One pull of the image from a registry on this machine, without a network in between. Layers that were present already
/// have no times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// From the pull call to its end.
    pub total_ms: f64,
    /// The layers in the order of the image.
    pub layers: Vec<LayerPull>,
}

/// One layer of a pull. Layers are downloaded in parallel and unpacked one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPull {
    /// The size in the registry.
    pub compressed_bytes: u64,
    /// From the first reported bytes to the end of the download; `null` if the engine did not report it.
    pub download_ms: Option<f64>,
    /// From the reported start of unpacking to its end; `null` if the engine did not report it.
    pub unpack_ms: Option<f64>,
}
