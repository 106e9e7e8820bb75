//! The sources of an app as one archive, and digests of content.

use std::path::Path;

use sha2::{Digest, Sha256};

/// Names that are never part of the sources: results, and the remains of package managers.
const LEFT_OUT: [&str; 6] = ["profile.json", "raw", "node_modules", "target", ".git", "__pycache__"];

/// The files of a folder as a tar archive. The same files give the same bytes.
pub fn archive(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.mode(tar::HeaderMode::Deterministic);
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(current) = waiting.pop() {
        let mut entries = std::fs::read_dir(&current)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if path.is_dir() {
                waiting.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                tar.append_path_with_name(&path, relative)?;
            }
        }
    }
    tar.into_inner()
}

/// The SHA-256 digest of `bytes`, as `sha256:` and hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = "sha256:".to_string();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_leaves_results_out() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["Dockerfile", "src/main.go", "profile.json", "node_modules/a/index.js"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let bytes = archive(folder.path()).unwrap();
        let mut unpacked = tar::Archive::new(bytes.as_slice());
        let mut names: Vec<String> = unpacked
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        names.sort();
        assert_eq!(names, ["Dockerfile", "src/main.go"]);
    }

    #[test]
    fn digests_are_those_of_the_specification() {
        assert_eq!(
            digest(b"{}"),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }
}
