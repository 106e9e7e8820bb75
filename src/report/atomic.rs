//! Files that are whole or absent: everything is written to temporary names in the folder first and then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct WriteError {
    path: String,
    source: io::Error,
}

impl WriteError {
    /// An error of the system about a file.
    pub fn new(path: &Path, source: io::Error) -> Self {
        Self {
            path: path.display().to_string(),
            source,
        }
    }

    /// Returns true if another path would do: this one names a file where a folder is needed, or the other way round.
    pub fn is_bad_path(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory
        )
    }

    /// Returns ways to fix it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space, or choose another folder with --out; no half-written file was left"
            }
            io::ErrorKind::FileTooLarge => {
                "raise the limit for the size of files (ulimit -f); no half-written file was left"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "choose a folder that you may write to with --out"
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "choose a folder with --out, not a file",
            io::ErrorKind::IsADirectory => "a folder has the name of a result file; choose another folder with --out",
            _ => return Vec::new(),
        };
        vec![hint.into()]
    }
}

/// Files waiting to get their names. Those that never do are removed.
#[derive(Debug)]
pub struct Staged {
    folder: PathBuf,
    files: Vec<(PathBuf, PathBuf)>,
}

impl Staged {
    /// Stages files for `folder`, which is made if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(folder: &Path) -> Result<Self, WriteError> {
        fs::create_dir_all(folder).map_err(|e| WriteError::new(folder, e))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            files: Vec::new(),
        })
    }

    /// Writes a file under a temporary name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let (temporary, path) = self.reserve(name);
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(content)?;
            file.sync_all()
        };
        write().map_err(|e| WriteError::new(&path, e))
    }

    /// A temporary name for somebody else to write to, and the name that it will get.
    pub fn reserve(&mut self, name: &str) -> (PathBuf, PathBuf) {
        let path = self.folder.join(name);
        let temporary = self.folder.join(format!(".{name}.{}.tmp", std::process::id()));
        self.files.push((temporary.clone(), path.clone()));
        (temporary, path)
    }

    /// Gives all files their names.
    ///
    /// # Errors
    /// A file cannot be renamed.
    pub fn commit(mut self) -> Result<(), WriteError> {
        // What is in the way of the last file is better found before the first gets its name.
        if let Some((_, path)) = self.files.iter().find(|(_, path)| path.is_dir()) {
            return Err(WriteError::new(path, io::ErrorKind::IsADirectory.into()));
        }
        for (temporary, path) in &self.files {
            fs::rename(temporary, path).map_err(|e| WriteError::new(path, e))?;
        }
        self.files.clear();
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for (temporary, _) in &self.files {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let names = || -> Vec<String> {
            let entries = fs::read_dir(folder.path()).unwrap();
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
        };
        let mut abandoned = Staged::new(folder.path()).unwrap();
        abandoned.add("a.csv", b"half").unwrap();
        assert!(!names().contains(&"a.csv".to_string()));
        drop(abandoned);
        assert!(names().is_empty());
        let mut staged = Staged::new(folder.path()).unwrap();
        staged.add("a.csv", b"whole").unwrap();
        staged.commit().unwrap();
        assert_eq!(names(), ["a.csv"]);
        // A folder in the way of one file keeps all from their names.
        fs::create_dir(folder.path().join("b.csv")).unwrap();
        let mut blocked = Staged::new(folder.path()).unwrap();
        blocked.add("a.csv", b"new").unwrap();
        blocked.add("b.csv", b"new").unwrap();
        assert!(blocked.commit().unwrap_err().is_bad_path());
        assert_eq!(fs::read(folder.path().join("a.csv")).unwrap(), b"whole");
        assert_eq!(names().len(), 2);
    }
}
