//! A framework as described by its folder: `models/frameworks/<name>/framework.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What `framework.toml` says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Framework {
    /// Version of this format: 1.
    pub schema: u32,
    /// Folder name, such as `express`.
    pub name: String,
    /// Name as people write it, such as `Express`.
    pub title: String,
    /// Programming language.
    pub language: String,
    /// Language runtime in the image with its version.
    pub runtime: String,
    /// The framework's release.
    pub version: String,
    /// The framework's licence as an SPDX expression.
    pub licence: String,
    /// The framework's home page.
    pub homepage: String,
    /// The production server and its processes.
    pub server: String,
    /// Lock files in the build context that pin every dependency.
    pub lock_files: Vec<String>,
    /// How the image is built.
    pub image: ImageRecipe,
    /// How the same app runs without a container; `None`: not known.
    pub process: Option<ProcessRecipe>,
    /// What the server is declared to do with concurrent requests.
    pub concurrency: DeclaredConcurrency,
}

/// Reads a `framework.toml`.
///
/// # Errors
/// What is wrong, with the line.
pub fn parse(text: &str) -> Result<Framework, String> {
    let framework: Framework = toml::from_str(text).map_err(|error| error.to_string())?;
    match framework.schema {
        1 => Ok(framework),
        other => Err(format!("its schema is {other}; this version reads 1")),
    }
}

/// How the image is built.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImageRecipe {
    /// Folder of the sources, relative to this one; `None`: this one. A variant names the framework it is one of.
    pub context: Option<String>,
    /// Dockerfile, relative to the folder of the sources.
    pub dockerfile: String,
    /// Port on which the server listens.
    pub port: u16,
    /// Dockerfile build argument and the official base image reference it stands for.
    pub bases: BTreeMap<String, String>,
}

impl ImageRecipe {
    /// Where the sources are, for the `framework.toml` in `folder`.
    pub fn sources(&self, folder: &Path) -> PathBuf {
        match &self.context {
            Some(context) => folder.join(context),
            None => folder.to_path_buf(),
        }
    }
}

/// How the app runs without a container, in a copy of the folder of its sources.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProcessRecipe {
    /// Programs that must be on PATH.
    pub requires: Vec<String>,
    /// Commands that run once before, as words and quotes without any other syntax of a shell.
    pub prepare: Vec<String>,
    /// Program and arguments; `PORT` is set.
    pub command: Vec<String>,
}

/// What the server is declared to do with concurrent requests; measurement checks it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeclaredConcurrency {
    /// The model.
    pub model: ConcurrencyModel,
    /// One line for people.
    pub detail: String,
}

/// How a server handles concurrent requests inside one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConcurrencyModel {
    /// One thread runs all handlers; waits overlap.
    EventLoop,
    /// Many tasks over several cores; waits overlap.
    Coroutines,
    /// One thread per request out of a pool.
    ThreadPool,
    /// Several processes, one request each.
    Prefork,
    /// Several processes with an event loop each.
    PreforkEventLoop,
}

impl ConcurrencyModel {
    /// The name as files write it.
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
