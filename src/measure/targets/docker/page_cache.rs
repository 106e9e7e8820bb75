//! The eviction of an image's files from the kernel's page cache, so that the next start reads them from the disk.
//!
//! Only these files are evicted: dropping all caches would hit the whole machine. Directory entries, the engine's own
//! programs, and pages that a running process maps stay in memory.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, PosixFadviseAdvice, posix_fadvise};

use super::engine::Engine;
use crate::measure::error::MeasureError;

/// The folders of the layers of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFiles {
    folders: Vec<PathBuf>,
}

impl LayerFiles {
    /// Finds the layers of image `id`. Needs root, an engine on this machine and the storage driver overlay2.
    pub async fn of_image(engine: &Engine, id: &str) -> Result<Self, MeasureError> {
        let image = engine
            .docker
            .inspect_image(id)
            .await
            .map_err(|source| MeasureError::Engine {
                doing: format!("inspect the image {id}"),
                source,
            })?;
        let driver = image.graph_driver.ok_or_else(|| MeasureError::DiskCold {
            reason: "the engine does not say where its layers are".into(),
        })?;
        if driver.name != "overlay2" {
            return Err(MeasureError::DiskCold {
                reason: format!("the engine's storage driver is {}", driver.name),
            });
        }
        let folders = ["UpperDir", "LowerDir"].iter().filter_map(|key| driver.data.get(*key));
        let folders: Vec<PathBuf> = folders.flat_map(|paths| paths.split(':')).map(PathBuf::from).collect();
        for folder in &folders {
            fs::read_dir(folder).map_err(|error| MeasureError::DiskCold {
                reason: format!("{}: {error}", folder.display()),
            })?;
        }
        Ok(Self { folders })
    }

    /// Writes dirty pages to the disk, then drops the pages of the files. Returns the bytes of all files. Blocks.
    ///
    /// # Errors
    /// If a file cannot be opened or dropped.
    pub fn evict(&self) -> io::Result<u64> {
        self.folders.iter().try_for_each(|folder| settle(folder))?;
        self.folders.iter().map(|folder| evict_below(folder)).sum()
    }
}

/// Writes the dirty pages of the file system of `folder` to the disk, so that this does not happen during the next start.
/// Blocks.
///
/// # Errors
/// If the folder cannot be opened, or the disk fails.
pub fn settle(folder: &Path) -> io::Result<()> {
    Ok(nix::unistd::syncfs(File::open(folder)?)?)
}

fn evict_below(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // The type of the entry itself: links are not followed.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            bytes += evict_below(&entry.path())?;
        } else if kind.is_file() {
            bytes += evict(&entry.path())?;
        }
    }
    Ok(bytes)
}

fn evict(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NOATIME).bits())
        .open(path)?;
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(file.metadata()?.len())
}

/// The bytes that the kernel has read from the disk for process `pid`; `None` if it does not tell this user.
pub fn read_from_disk(pid: i64) -> Option<u64> {
    parse_io(&fs::read_to_string(format!("/proc/{pid}/io")).ok()?)
}

fn parse_io(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("read_bytes: ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 4 << 20;

    /// The bytes that the kernel reads from the disk while this thread reads the file.
    fn fetched_by_reading(path: &Path) -> u64 {
        let fetched = || parse_io(&fs::read_to_string("/proc/thread-self/io").unwrap()).unwrap();
        let before = fetched();
        assert_eq!(fs::read(path).unwrap().len() as u64, SIZE);
        fetched() - before
    }

    #[test]
    fn evicted_files_come_from_the_disk_and_others_do_not() {
        // Beside the test program: the folder for temporary files may be in memory, where nothing can be evicted.
        let beside = std::env::current_exe().unwrap();
        let folder = tempfile::tempdir_in(beside.parent().unwrap()).unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let (file, outside) = (inner.join("file"), folder.path().join("outside"));
        fs::write(&file, vec![7; SIZE as usize]).unwrap();
        fs::write(&outside, vec![8; SIZE as usize]).unwrap();
        // A link out of the layers is not followed.
        std::os::unix::fs::symlink(&outside, inner.join("link")).unwrap();

        let layers = LayerFiles {
            folders: vec![folder.path().join("a")],
        };
        assert_eq!(layers.evict().unwrap(), SIZE);
        let (again, other) = (fetched_by_reading(&file), fetched_by_reading(&outside));
        assert!(again >= SIZE, "only {again} bytes of {SIZE} came from the disk");
        assert_eq!(other, 0);
        assert_eq!(fetched_by_reading(&file), 0);
    }

    #[test]
    fn the_kernels_count_is_read() {
        assert_eq!(parse_io("rchar: 1\nread_bytes: 4096\nwrite_bytes: 0\n"), Some(4096));
        assert_eq!(parse_io("rchar: 1\n"), None);
    }
}
