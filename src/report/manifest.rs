//! `manifest.json`: what was run, so that it can be run again. Only the object `run` differs between two runs of the same
//! version, inputs and seed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Report;
use crate::assumption::Assumption;
use crate::scenario::Plan;
use crate::scenario::load::hex;
use crate::study::Study;
use crate::trace::{ImportReport, TraceError, embedded};

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
#[non_exhaustive]
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
    /// The document or measurement behind an assumption and when it was read, by assumption; those without are choices.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
    /// How often the measured profiles were drawn anew, for what the measurement leaves open; 0 without.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub measurement_draws: u32,
    /// Requests simulated in all replications of all variants, warm-up included.
    pub simulated_requests: u64,
    /// The part that differs between two runs.
    pub run: Run,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The part that differs between two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
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

/// An input that cannot be read again for its hash.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// No trace of this name is built in.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A file of the traffic cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl ManifestError {
    /// Returns ways to fix it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Trace(error) => error.hints(),
            Self::Read { .. } => vec!["keep the files of the traffic in place until the results are written".into()],
        }
    }
}

impl Manifest {
    /// The account of a study of these plans, in their order. The object `run` is left empty: fill it if you know what the run took.
    ///
    /// # Errors
    /// A traffic file that cannot be read any more, so that it has no hash.
    ///
    /// # Panics
    /// If there is no plan, a plan has no variant, or the study is empty.
    pub fn of(plans: &[&Plan], study: &Study) -> Result<Self, ManifestError> {
        let variants = || plans.iter().flat_map(|plan| &plan.variants);
        let assumptions: BTreeSet<&Assumption> = plans.iter().flat_map(|plan| &plan.assumptions).collect();
        Ok(Self {
            schema: 1,
            version: env!("CARGO_PKG_VERSION").into(),
            seed: plans[0].variants[0].seed,
            replications: study.variants[0].all().replications,
            scenarios: plans
                .iter()
                .map(|plan| (plan.variants[0].scenario.clone(), plan.scenario_sha256.clone()))
                .collect(),
            profiles: plans.iter().flat_map(|plan| plan.profile_sha256.clone()).collect(),
            prices: variants()
                .filter_map(|variant| variant.pricing.as_ref())
                .map(|pricing| (pricing.list.id.clone(), pricing.list.sha256.clone()))
                .collect(),
            traces: traces(plans)?,
            imports: imports(study),
            sources: assumptions
                .iter()
                .filter_map(|one| Some((one.to_string(), one.support()?)))
                .collect(),
            assumptions: assumptions.into_iter().map(Assumption::to_string).collect(),
            measurement_draws: study.measurement_draws(),
            simulated_requests: study.simulated(),
            run: Run::default(),
        })
    }

    /// The assumptions in order, each with what supports it.
    pub fn supported(&self) -> impl Iterator<Item = String> {
        self.assumptions
            .iter()
            .map(|assumption| match self.sources.get(assumption) {
                Some(source) => format!("{assumption} [{source}]"),
                None => assumption.clone(),
            })
    }

    /// The file.
    pub fn json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("plain data");
        text.push(b'\n');
        text
    }
}

/// SHA-256 of each trace file, by path.
fn traces(plans: &[&Plan]) -> Result<BTreeMap<String, String>, ManifestError> {
    let variants = plans.iter().flat_map(|plan| &plan.variants);
    let mut traces = BTreeMap::new();
    for (variant, service) in variants.flat_map(|v| v.services.iter().map(move |s| (v, s))) {
        let Some(path) = service.traffic.path() else {
            continue;
        };
        let embedded = embedded::find(path)?;
        let file = variant.base.join(path);
        let name = if embedded.is_some() {
            path.to_string()
        } else {
            file.display().to_string()
        };
        if let Entry::Vacant(vacant) = traces.entry(name) {
            vacant.insert(match embedded {
                Some(embedded) => hex(&Sha256::digest(embedded.bytes)),
                None => hash_path(&file).map_err(|source| ManifestError::Read { path: file, source })?,
            });
        }
    }
    Ok(traces)
}

/// The reports of the import of each trace, with notes on generated traffic, by scenario and service.
fn imports(study: &Study) -> BTreeMap<String, ImportReport> {
    let mut imports = BTreeMap::new();
    for variant in &study.variants {
        let scenario = variant.scenario();
        let told = |import: &ImportReport| import.lines > 0 || !import.notes.is_empty();
        for (service, import) in variant.imports.iter().filter(|(_, import)| told(import)) {
            let name = if service == scenario {
                service.clone()
            } else {
                format!("{scenario}/{service}")
            };
            imports.insert(name, import.clone());
        }
    }
    imports
}

/// SHA-256 of a file, or of all files of a folder in order of their names.
fn hash_path(path: &Path) -> io::Result<String> {
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        files = std::fs::read_dir(path)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<io::Result<_>>()?;
        files.retain(|file| file.is_file());
        files.sort();
    }
    let mut hash = Sha256::new();
    for file in files {
        let mut file = File::open(file)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match io::Read::read(&mut file, &mut buffer)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
    }
    Ok(hex(&hash.finalize()))
}
