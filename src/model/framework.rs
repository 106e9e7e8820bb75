//! A framework as described by its folder: `models/frameworks/<name>/framework.toml`.

use std::collections::BTreeMap;

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
    /// Lock files in the folder that pin every dependency.
    pub lock_files: Vec<String>,
    /// How the image is built.
    pub image: ImageRecipe,
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
    /// Dockerfile, relative to the folder.
    pub dockerfile: String,
    /// Port on which the server listens.
    pub port: u16,
    /// Dockerfile build argument and the official base image reference it stands for.
    pub bases: BTreeMap<String, String>,
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
