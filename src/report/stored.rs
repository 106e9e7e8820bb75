//! `study.json`: all that reports are made from, so that `coldcast report` can make them again; and its reader. The use of the
//! replications is in `meters.csv` and `hours.csv`, and the inputs are in `manifest.json`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Report;
use super::cells::harmless;
use super::manifest::Manifest;
use crate::cost::stored::Stored;
use crate::cost::{hours, stored};
use crate::study::{Study, VariantResult};

/// The version of the format.
const SCHEMA: u32 = 1;

/// `study.json`.
#[derive(Debug)]
pub struct StudyFile;

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    study: &'a Study,
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

#[derive(Deserialize)]
struct Read {
    study: Study,
}

impl Report for StudyFile {
    fn name(&self) -> &str {
        "study.json"
    }

    fn doc(&self) -> &str {
        "Everything that the other files are made from, for `coldcast report`. Its format may change between versions."
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let written = Written { schema: SCHEMA, study };
        let mut text = serde_json::to_vec(&written).expect("plain data");
        text.push(b'\n');
        Some(text)
    }
}

/// A stored result that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// A file is missing or cannot be read.
    #[error("cannot read {path}: {what}")]
    Read {
        /// The file.
        path: String,
        /// Who writes it.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is not what this version writes.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// The problem.
        problem: String,
    },
}

/// Opens a file of a stored result; `what` says who writes it.
fn open(folder: &Path, name: &str, what: &'static str) -> Result<(String, File), StoredError> {
    let path: PathBuf = folder.join(name);
    let shown = path.display().to_string();
    match File::open(&path) {
        Ok(file) => Ok((shown, file)),
        Err(source) => Err(StoredError::Read {
            path: shown,
            what,
            source,
        }),
    }
}

/// Reads the use of the variants in a folder, by the hour where that is asked for.
///
/// # Errors
/// A file is missing or does not fit.
pub fn use_of(folder: &Path, by_hour: bool) -> Result<Vec<Stored>, StoredError> {
    let content = |path: &str| {
        let path = path.to_string();
        // The problem names the file itself.
        move |problem: String| StoredError::Content {
            problem: problem
                .strip_prefix(&format!("{path}:"))
                .unwrap_or(&problem)
                .trim_start()
                .to_string(),
            path,
        }
    };
    let what = "`simulate` and `compare` write it with --out where the scenario has prices";
    let (path, file) = open(folder, "meters.csv", what)?;
    let mut stored = stored::read(&path, file).map_err(content(&path))?;
    if by_hour {
        let (path, file) = open(folder, "hours.csv", "commitments are drawn on by the hour")?;
        hours::read(&path, file, &mut stored).map_err(content(&path))?;
    }
    Ok(stored)
}

fn json<T: for<'de> Deserialize<'de>>(path: &str, text: &[u8]) -> Result<T, StoredError> {
    serde_json::from_slice(text).map_err(|error| StoredError::Content {
        path: path.to_string(),
        problem: format!("{error}; it is not what this version writes"),
    })
}

/// Reads a study and its manifest.
///
/// # Errors
/// A file is missing, of another version, or damaged.
pub fn load(folder: &Path) -> Result<(Study, Manifest), StoredError> {
    let read = |name: &str, what: &'static str| -> Result<(String, Vec<u8>), StoredError> {
        let path = folder.join(name);
        let shown = path.display().to_string();
        let text = fs::read(&path).map_err(|source| StoredError::Read {
            path: shown.clone(),
            what,
            source,
        })?;
        Ok((shown, text))
    };
    let what = "`simulate` and `compare` write it with --out";
    let (path, text) = read("study.json", what)?;
    let Schema { schema } = json(&path, &text)?;
    if schema != SCHEMA {
        return Err(StoredError::Content {
            path,
            problem: format!("its format is number {schema} and this version reads {SCHEMA}: run the scenario again"),
        });
    }
    let Read { mut study } = json(&path, &text)?;
    let (path, text) = read("manifest.json", what)?;
    let manifest = json(&path, &text)?;
    if study.variants.iter().any(|variant| variant.billing.is_some()) {
        let stored = use_of(folder, true)?;
        for variant in &mut study.variants {
            variant.metered = metered(variant, &stored);
        }
    }
    Ok((study, manifest))
}

/// The use of a variant, in the order of its services.
fn metered(variant: &VariantResult, stored: &[Stored]) -> Vec<stored::ReplicationUsage> {
    let written = |name: &str| harmless(name.to_string());
    let is_own =
        |stored: &&Stored| stored.scenario == written(variant.scenario()) && stored.variant == written(variant.name());
    let Some(own) = stored.iter().find(is_own) else {
        return Vec::new();
    };
    let places = variant.bills.iter().map(|(service, _)| {
        let service = written(service);
        own.services.iter().position(|name| *name == service)
    });
    let places: Vec<Option<usize>> = places.collect();
    let arranged = |by_service: &[BTreeMap<String, Decimal>]| -> Vec<BTreeMap<String, Decimal>> {
        let of = |place: &Option<usize>| place.map(|place| by_service[place].clone()).unwrap_or_default();
        places.iter().map(of).collect()
    };
    let replications = own.replications.iter().map(|metered| stored::ReplicationUsage {
        window: metered.window,
        by_service: arranged(&metered.by_service),
        hours: metered
            .hours
            .iter()
            .map(|hour| stored::Hour {
                from: hour.from,
                length: hour.length,
                by_service: arranged(&hour.by_service),
            })
            .collect(),
    });
    replications.collect()
}
