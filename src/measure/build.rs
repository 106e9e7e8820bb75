//! Builds a framework's image from its folder.
//!
//! The Dockerfile names official base images through build arguments. Each is taken from this machine if possible: the
//! one given with `--base`, the official image itself, or a local image that says it stands for it (label
//! `coldcast.base-for`). Otherwise the engine pulls the official one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bollard::query_parameters::{BuildImageOptionsBuilder, ListImagesOptionsBuilder};
use futures_util::StreamExt;

use super::docker::{Engine, root_cause};
use super::error::MeasureError;
use crate::model::framework::Framework;

/// Label of a local image that stands for an official base image: its value is the official reference.
const BASE_LABEL: &str = "coldcast.base-for";
/// Never part of a build: results, and what package managers leave behind.
const LEFT_OUT: [&str; 6] = ["profile.json", "raw", "node_modules", "target", ".git", "__pycache__"];
/// Lines of the build's output kept for an error message.
const LAST_LINES: usize = 25;

/// An image ready to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// The image's id.
    pub id: String,
    /// A name for it.
    pub reference: String,
    /// Official base references and what stood for them.
    pub bases: BTreeMap<String, String>,
}

/// What a build argument is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    official: String,
    used: String,
    /// False: the engine has to pull it.
    present: bool,
}

/// Builds the image of the framework whose sources are in `folder`. `given` are the replacements of `--base`.
pub async fn build(
    engine: &Engine,
    framework: &Framework,
    folder: &Path,
    given: &BTreeMap<String, String>,
    say: impl Fn(&str),
) -> Result<BuiltImage, MeasureError> {
    let mut arguments = HashMap::new();
    let mut bases = Vec::new();
    for (argument, official) in &framework.image.bases {
        let base = resolve(engine, official, given).await?;
        if base.used != base.official {
            say(&format!("{}: {} stands for {official}", framework.name, base.used));
        }
        arguments.insert(argument.clone(), base.used.clone());
        bases.push(base);
    }
    let tag = format!("coldcast/{}:{}", framework.name, framework.version);
    let options = BuildImageOptionsBuilder::default()
        .dockerfile(&framework.image.dockerfile)
        .t(&tag)
        .rm(true)
        .forcerm(true)
        .buildargs(&arguments)
        .build();
    let context = context(folder).map_err(MeasureError::io(folder))?;
    let mut output: Vec<String> = Vec::new();
    let mut failure = None;
    let mut answers = engine
        .docker
        .build_image(options, None, Some(bollard::body_full(bytes::Bytes::from(context))));
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(info) => {
                output.extend(info.stream.iter().flat_map(|text| text.lines()).map(str::to_string));
                failure = failure.or(info.error_detail.and_then(|detail| detail.message));
            }
            Err(error) => failure = Some(root_cause(&error)),
        }
    }
    if let Some(reason) = failure {
        let tail = output.split_off(output.len().saturating_sub(LAST_LINES));
        return Err(MeasureError::Build {
            name: framework.name.clone(),
            reason: format!("{reason}\n{}", tail.join("\n")),
            missing_bases: bases
                .into_iter()
                .filter(|base| !base.present)
                .map(|base| base.official)
                .collect(),
        });
    }
    let id = image_id(engine, &tag).await?.unwrap_or_else(|| tag.clone());
    let mut used = BTreeMap::new();
    for base in bases {
        let digest = image_id(engine, &base.used)
            .await?
            .unwrap_or_else(|| "digest unknown".into());
        used.insert(base.official, format!("{} ({digest})", base.used));
    }
    Ok(BuiltImage {
        id,
        reference: tag,
        bases: used,
    })
}

/// The id of a local image; `None` if there is no such image.
pub async fn image_id(engine: &Engine, reference: &str) -> Result<Option<String>, MeasureError> {
    match engine.docker.inspect_image(reference).await {
        Ok(image) => Ok(image.id),
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(source) => Err(MeasureError::Engine {
            doing: format!("inspect the image {reference}"),
            source,
        }),
    }
}

async fn resolve(engine: &Engine, official: &str, given: &BTreeMap<String, String>) -> Result<Base, MeasureError> {
    let base = |used: &str, present| Base {
        official: official.to_string(),
        used: used.to_string(),
        present,
    };
    if let Some(local) = given.get(official) {
        return Ok(base(local, image_id(engine, local).await?.is_some()));
    }
    if image_id(engine, official).await?.is_some() {
        return Ok(base(official, true));
    }
    Ok(match stand_in(engine, official).await? {
        Some(local) => base(&local, true),
        None => base(official, false),
    })
}

/// The newest local image that says it stands for an official one.
async fn stand_in(engine: &Engine, official: &str) -> Result<Option<String>, MeasureError> {
    let filters = HashMap::from([("label", vec![format!("{BASE_LABEL}={official}")])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    let mut images = engine
        .docker
        .list_images(Some(options))
        .await
        .map_err(|source| MeasureError::Engine {
            doing: "list its images".into(),
            source,
        })?;
    images.sort_by_key(|image| std::cmp::Reverse(image.created));
    // Images built on a stand-in inherit its label, and are no stand-ins.
    let name = official.split(':').next().unwrap_or(official);
    Ok(images.into_iter().flat_map(|image| image.repo_tags).find(|tag| {
        tag.rsplit_once(':')
            .is_some_and(|(repository, _)| repository.ends_with(name))
    }))
}

/// The folder as a tar stream.
pub(super) fn context(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
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
                archive.append_path_with_name(&path, relative)?;
            }
        }
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_leaves_results_out() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["Dockerfile", "src/main.go", "profile.json", "node_modules/a/index.js"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let bytes = context(folder.path()).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        names.sort();
        assert_eq!(names, ["Dockerfile", "src/main.go"]);
    }
}
