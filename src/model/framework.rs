//! The description of a framework: `models/frameworks/<name>/framework.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The content of a `framework.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Framework {
    /// The version of this format: 1.
    pub schema: u32,
    /// The name of the folder, such as `express`.
    pub name: String,
    /// The name as people write it, such as `Express`.
    pub title: String,
    /// The programming language.
    pub language: String,
    /// The language runtime in the image with its version.
    pub runtime: String,
    /// The release of the framework.
    pub version: String,
    /// The licence of the framework as an SPDX expression.
    pub licence: String,
    /// The home page of the framework.
    pub homepage: String,
    /// The production server and its processes, in one line.
    pub server: String,
    /// The lock files in the build context that pin every dependency.
    pub lock_files: Vec<String>,
    /// The recipe of the image.
    pub image: ImageRecipe,
    /// The recipe to run the same app without a container; `None` if there is none.
    pub process: Option<ProcessRecipe>,
    /// The declared concurrency of the server.
    pub concurrency: DeclaredConcurrency,
}

/// Reads a `framework.toml`.
///
/// # Errors
/// A sentence that says what is wrong, with the line.
pub fn parse(text: &str) -> Result<Framework, String> {
    let framework: Framework = toml::from_str(text).map_err(|error| error.to_string())?;
    match framework.schema {
        1 => Ok(framework),
        other => Err(format!("its schema is {other}; this version reads 1")),
    }
}

/// The recipe of an image.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageRecipe {
    /// The folder of the sources, relative to the folder of the framework; `None` if they are the same. A variant names the
    /// folder of the framework that it varies.
    pub context: Option<String>,
    /// The Dockerfile, relative to the folder of the sources.
    pub dockerfile: String,
    /// The port on which the server listens.
    pub port: u16,
    /// The official references of the base images, by the build argument of the Dockerfile that names each.
    pub bases: BTreeMap<String, String>,
}

impl ImageRecipe {
    /// Returns the folder of the sources for the `framework.toml` in `folder`.
    pub fn sources(&self, folder: &Path) -> PathBuf {
        match &self.context {
            Some(context) => folder.join(context),
            None => folder.to_path_buf(),
        }
    }
}

/// The recipe to run an app without a container, in a copy of the folder of its sources.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProcessRecipe {
    /// The programs that must be on PATH.
    pub requires: Vec<String>,
    /// The commands that prepare the app, run once: words and quotes without any other shell syntax.
    pub prepare: Vec<String>,
    /// The program and its arguments. The environment variable `PORT` is set.
    pub command: Vec<String>,
}

/// The declared concurrency of a server. Measurements check it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeclaredConcurrency {
    /// The concurrency model.
    pub model: ConcurrencyModel,
    /// One line of explanation for people.
    pub detail: String,
}

/// The way in which a server handles concurrent requests inside one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConcurrencyModel {
    /// One thread runs all handlers; waiting requests overlap.
    EventLoop,
    /// Many tasks run on several cores; waiting requests overlap.
    Coroutines,
    /// Each request has a thread of a pool.
    ThreadPool,
    /// Several processes run, each with one request at a time.
    Prefork,
    /// Several processes run, each with an event loop.
    PreforkEventLoop,
}

impl ConcurrencyModel {
    /// Returns the name that files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventLoop => "event-loop",
            Self::Coroutines => "coroutines",
            Self::ThreadPool => "thread-pool",
            Self::Prefork => "prefork",
            Self::PreforkEventLoop => "prefork-event-loop",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_framework_of_the_models_folder_can_be_read() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/frameworks");
        let mut read = 0;
        for entry in std::fs::read_dir(&models).unwrap() {
            let folder = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(folder.join("framework.toml")) else {
                continue;
            };
            let framework = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            assert!(folder.ends_with(&framework.name), "{}", framework.name);
            let sources = framework.image.sources(&folder);
            for file in framework.lock_files.iter().chain([&framework.image.dockerfile]) {
                assert!(sources.join(file).is_file(), "{}: no {file}", framework.name);
            }
            let dockerfile = std::fs::read_to_string(sources.join(&framework.image.dockerfile)).unwrap();
            for (argument, official) in &framework.image.bases {
                let line = format!("ARG {argument}={official}\n");
                assert!(
                    dockerfile.contains(&line),
                    "{}: Dockerfile lacks {line}",
                    framework.name
                );
            }
            read += 1;
        }
        assert!(read >= 4);
    }
}
