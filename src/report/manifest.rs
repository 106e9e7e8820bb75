//! `manifest.json`: what was run, so that it can be run again. Only the object `run` differs between two runs of the same
//! version, inputs and seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::study::Study;
use crate::trace::ImportReport;

/// `manifest.json`.
#[derive(Debug)]
pub struct ManifestFile;

impl Report for ManifestFile {
    fn name(&self) -> &str {
        "manifest.json"
    }

    fn doc(&self) -> &str {
        "The inputs with their hashes, the assumptions, and the command. Only the object `run` differs between two runs of the same \
         version, inputs and seed."
    }

    fn write(&self, _: &Study, manifest: &Manifest) -> Option<Vec<u8>> {
        Some(manifest.json())
    }
}

/// The account of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format: 1.
    pub schema: u32,
    /// Version of coldcast.
    pub version: String,
    /// Seed.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
    /// SHA-256 of each scenario text after `--set`, by name.
    pub scenarios: BTreeMap<String, String>,
    /// SHA-256 of each measured profile, by framework.
    pub profiles: BTreeMap<String, String>,
    /// SHA-256 of each price list, by id.
    pub prices: BTreeMap<String, String>,
    /// SHA-256 of each trace file, by path.
    pub traces: BTreeMap<String, String>,
    /// The reports of the import of each trace in the first replication, by service.
    pub imports: BTreeMap<String, ImportReport>,
    /// Choices that the answer depends on, one line each, the one that can move it most first.
    pub assumptions: Vec<String>,
    /// Requests simulated in all replications of all variants, warm-up included.
    pub simulated_requests: u64,
    /// The part that differs between two runs.
    pub run: Run,
}

/// The part that differs between two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Command line.
    pub command: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// Wall time in seconds.
    pub wall_s: f64,
    /// CPU time in seconds.
    pub cpu_s: f64,
    /// Most resident memory in bytes; `null` where the system does not say.
    pub peak_resident_bytes: Option<u64>,
}

impl Manifest {
    /// The file.
    pub fn json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("plain data");
        text.push(b'\n');
        text
    }
}
