//! The journal of what a run makes on AWS: written before each thing is made, so that it can be removed whatever happens.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::measure::MeasureError;

/// The beginning of the names of everything that is made.
pub const PREFIX: &str = "coldcast-";
/// The tag with the number of the run.
pub const TAG: &str = "coldcast-run";

/// A thing that is made on AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Thing {
    /// A function, with all its versions.
    Function {
        /// The region.
        region: String,
        /// The name.
        name: String,
    },
    /// A repository of images, with all images in it.
    Repository {
        /// The region.
        region: String,
        /// The name.
        name: String,
    },
}

impl Thing {
    /// The thing in words.
    pub fn label(&self) -> String {
        match self {
            Self::Function { region, name } => format!("function {name} in {region}"),
            Self::Repository { region, name } => format!("repository {name} in {region}"),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    /// It is about to be made.
    Makes(Thing),
    /// It was removed.
    Gone(Thing),
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of a run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(out: &Path, run: &str) -> Result<Self, MeasureError> {
        let folder = out.join("raw");
        fs::create_dir_all(&folder).map_err(MeasureError::io(&folder))?;
        let path = folder.join(format!("lambda-{run}.journal"));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(MeasureError::io(&path))?;
        Ok(Self { path, file })
    }

    /// Notes that a thing is about to be made, and sees that the note is on disk.
    ///
    /// # Errors
    /// The disk refuses; then nothing may be made.
    pub fn makes(&mut self, thing: &Thing) -> Result<(), MeasureError> {
        self.write(&Line::Makes(thing.clone()))
    }

    /// Notes that a thing was removed.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn gone(&mut self, thing: &Thing) -> Result<(), MeasureError> {
        self.write(&Line::Gone(thing.clone()))
    }

    fn write(&mut self, line: &Line) -> Result<(), MeasureError> {
        let mut text = serde_json::to_string(line)
            .map_err(std::io::Error::other)
            .map_err(MeasureError::io(&self.path))?;
        text.push('\n');
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        written.map_err(MeasureError::io(&self.path))
    }

    /// The things that were made and not removed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn left(&self) -> Result<Vec<Thing>, MeasureError> {
        left(&self.path)
    }

    /// Removes the journal of a run of which nothing is left.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The things that a journal says were made and not removed. An unfinished line counts as nothing: what it was about was not made.
fn left(path: &Path) -> Result<Vec<Thing>, MeasureError> {
    let text = fs::read_to_string(path).map_err(MeasureError::io(path))?;
    let mut left = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::Makes(thing) => left.insert(thing, true),
            Line::Gone(thing) => left.insert(thing, false),
        };
    }
    Ok(left
        .into_iter()
        .filter(|(_, is_left)| *is_left)
        .map(|(thing, _)| thing)
        .collect())
}

/// The journals in a folder of results: the runs, and what is left of each.
///
/// # Errors
/// A file cannot be read.
pub fn journals(out: &Path) -> Result<BTreeMap<String, (PathBuf, Vec<Thing>)>, MeasureError> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(out.join("raw")) else {
        return Ok(found);
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let run = name
            .strip_prefix("lambda-")
            .and_then(|name| name.strip_suffix(".journal"));
        if let Some(run) = run {
            found.insert(run.to_string(), (path.clone(), left(&path)?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_left_until_it_is_gone() {
        let out = tempfile::tempdir().unwrap();
        let function = |name: &str| Thing::Function {
            region: "eu-west-1".into(),
            name: name.into(),
        };
        let mut journal = Journal::open(out.path(), "1f").unwrap();
        for name in ["a", "b"] {
            journal.makes(&function(name)).unwrap();
        }
        journal.gone(&function("a")).unwrap();
        assert_eq!(journal.left().unwrap(), [function("b")]);
        // Killed in the middle of a line.
        journal.file.write_all(b"{\"makes\":{\"kind\":\"func").unwrap();
        assert_eq!(journals(out.path()).unwrap()["1f"].1, [function("b")]);
        journal.discard();
        assert!(journals(out.path()).unwrap().is_empty());
    }
}
