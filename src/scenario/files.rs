//! Files that a scenario names, read relative to its folder.

use std::path::{Path, PathBuf};

use crate::model::dist::{Dist, DistSpec};

/// The folder where the relative paths of a scenario start.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    base: &'a Path,
}

impl<'a> Files<'a> {
    /// Files below a folder.
    pub fn below(base: &'a Path) -> Self {
        Self { base }
    }

    /// The folder.
    pub fn folder(self) -> PathBuf {
        self.base.to_path_buf()
    }

    /// The path of a file.
    pub fn path(self, path: impl AsRef<Path>) -> PathBuf {
        self.base.join(path)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// A sentence with the path, if the file cannot be read.
    pub fn read(self, path: impl AsRef<Path>) -> Result<String, String> {
        let path = self.path(path);
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }

    /// The distribution of a key, with the samples of its file where it names one.
    ///
    /// # Errors
    /// A sentence with the key, if the file cannot be read or the parameters make no distribution.
    pub fn dist(self, key: &str, spec: &DistSpec) -> Result<Dist, String> {
        let text = spec.path().map(|path| self.read(path)).transpose()?;
        spec.prepare(text.as_deref())
            .map_err(|problem| format!("`{key}`: {problem}"))
    }
}
