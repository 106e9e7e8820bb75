//! The files of an image, read through a container that is created and never started.

use std::path::{Component, Path};

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder};
use futures_util::StreamExt;

use super::super::engine::{Engine, labels};
use crate::measure::error::MeasureError;

/// The files with the list of packages of apk, the older one last.
const APK: [&str; 2] = ["/usr/lib/apk/db/installed", "/lib/apk/db/installed"];
/// The file with the list of packages of dpkg.
const DPKG: &str = "/var/lib/dpkg/status";
/// The folder with one such list for each package, in images built without dpkg.
const DPKG_PARTS: &str = "/var/lib/dpkg/status.d";

/// The files of an image.
pub struct Contents {
    container: String,
}

/// A file of the image: its path as the archive gives it, and its bytes.
type File = (std::path::PathBuf, Vec<u8>);

impl Contents {
    /// Creates the container.
    pub async fn open(engine: &Engine, image: &str, run: &str) -> Result<Self, MeasureError> {
        let body = ContainerCreateBody {
            image: Some(image.to_string()),
            // An image without a command cannot become a container. This command never runs.
            cmd: Some(vec!["true".into()]),
            labels: Some(labels(run)),
            host_config: Some(HostConfig {
                cap_drop: Some(vec!["ALL".into()]),
                security_opt: Some(vec!["no-new-privileges".into()]),
                readonly_rootfs: Some(true),
                network_mode: Some("none".into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let options = CreateContainerOptionsBuilder::default().build();
        match engine.docker.create_container(Some(options), body).await {
            Ok(created) => Ok(Self { container: created.id }),
            Err(source) => Err(MeasureError::Engine {
                doing: format!("create a container of {image}"),
                source,
            }),
        }
    }

    /// Removes the container. A container that stays is found by its label at the end.
    pub async fn close(self, engine: &Engine) {
        let _ = engine.remove(&self.container).await;
    }

    /// Counts the packages installed by dpkg or apk; `None` if the image has no list of either.
    pub async fn os_packages(&self, engine: &Engine) -> Option<u32> {
        if let Some(files) = self.files(engine, DPKG).await {
            return files.first().map(|(_, list)| installed_by_dpkg(list));
        }
        if let Some(files) = self.files(engine, DPKG_PARTS).await {
            let parts = files
                .iter()
                .filter(|(path, _)| path.extension().is_none_or(|e| e != "md5sums"));
            return u32::try_from(parts.count()).ok();
        }
        for place in APK {
            if let Some(files) = self.files(engine, place).await {
                return files.first().map(|(_, list)| installed_by_apk(list));
            }
        }
        None
    }

    /// Counts the jars below a folder named `lib` or `libs` in the working directory; `None` if there are none.
    pub async fn jars(&self, engine: &Engine, working_dir: &str) -> Option<u32> {
        if matches!(working_dir, "" | "/") {
            return None;
        }
        let files = self.files(engine, working_dir).await?;
        let number = files.iter().filter(|(path, _)| is_library(path)).count();
        u32::try_from(number).ok().filter(|&number| number > 0)
    }

    /// The regular files at or below `path`; `None` if there is no such path.
    async fn files(&self, engine: &Engine, path: &str) -> Option<Vec<File>> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut chunks = engine.docker.download_from_container(&self.container, Some(options));
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.ok()?);
        }
        regular_files(&bytes).ok()
    }
}

fn regular_files(archive: &[u8]) -> std::io::Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes)?;
            files.push((entry.path()?.into_owned(), bytes));
        }
    }
    Ok(files)
}

fn is_library(path: &Path) -> bool {
    let in_lib = path.parent().is_some_and(|folder| {
        folder
            .components()
            .any(|part| matches!(part, Component::Normal(name) if name == "lib" || name == "libs"))
    });
    in_lib && path.extension().is_some_and(|extension| extension == "jar")
}

/// Counts the paragraphs with a status line such as `install ok installed`.
fn installed_by_dpkg(list: &[u8]) -> u32 {
    count_lines(list, |line| line.starts_with("Status:") && line.ends_with(" installed"))
}

/// Counts the paragraphs, each of which has one line `P:<name>`.
fn installed_by_apk(list: &[u8]) -> u32 {
    count_lines(list, |line| line.starts_with("P:"))
}

fn count_lines(list: &[u8], counts: impl Fn(&str) -> bool) -> u32 {
    let text = String::from_utf8_lossy(list);
    u32::try_from(text.lines().filter(|line| counts(line)).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_packages_are_counted() {
        let dpkg = "Package: a\nStatus: install ok installed\nDescription: x\n Status: no\n\n\
                    Package: b\nStatus: deinstall ok config-files\n\nPackage: c\nStatus: hold ok installed\n\n\
                    Package: d\nStatus: install ok half-installed\n";
        assert_eq!(installed_by_dpkg(dpkg.as_bytes()), 2);
        let apk = "C:Q1abc=\nP:musl\nV:1.2.5-r9\nF:lib\nR:ld-musl.so\n\nC:Q1def=\nP:busybox\nV:1\n";
        assert_eq!(installed_by_apk(apk.as_bytes()), 2);
    }

    #[test]
    fn libraries_are_jars_below_a_lib_folder() {
        for (path, library) in [
            ("app/lib/spring-core-7.jar", true),
            ("quarkus-app/lib/main/io.quarkus.arc.jar", true),
            ("app/libs/a.jar", true),
            ("app/app.jar", false),
            ("quarkus-app/quarkus/generated-bytecode.jar", false),
            ("app/lib/readme.txt", false),
            ("lib.jar", false),
        ] {
            assert_eq!(is_library(Path::new(path)), library, "{path}");
        }
    }

    #[test]
    fn archives_give_their_regular_files() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        archive.append_data(&mut header, "status.d/base", &b"ab"[..]).unwrap();
        let mut folder = tar::Header::new_gnu();
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_size(0);
        archive.append_data(&mut folder, "status.d/more", &b""[..]).unwrap();
        let files = regular_files(&archive.into_inner().unwrap()).unwrap();
        assert_eq!(files, [("status.d/base".into(), b"ab".to_vec())]);
    }
}
