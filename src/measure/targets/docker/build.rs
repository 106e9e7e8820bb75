//! The build of a framework's image from its folder.
//!
//! The Dockerfile names official base images through build arguments. The build prefers an image on this machine: the image of
//! `--base`, then the official image, then a local image whose label `coldcast.base-for` names the official one. Otherwise
//! the engine pulls the official image.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bollard::query_parameters::{BuildImageOptionsBuilder, ListImagesOptionsBuilder};
use futures_util::StreamExt;

use super::engine::{Engine, root_cause};
use super::stages::{Stages, remove_unnamed};
use crate::measure::error::MeasureError;
use crate::measure::escape;
use crate::measure::sources::archive;
use crate::model::framework::Framework;

/// The label of a local image that stands in for an official base image. Its value is the official reference.
const BASE_LABEL: &str = "coldcast.base-for";
/// The number of lines of output that an error message shows.
const LAST_LINES: usize = 25;

/// An image ready to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// The id of the image.
    pub id: String,
    /// The name of the image.
    pub reference: String,
    /// The official base images, each with the image that was used.
    pub bases: BTreeMap<String, String>,
}

/// The base image of a build argument.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    official: String,
    used: String,
    /// True if it is on this machine; otherwise the engine must pull it.
    present: bool,
}

/// Builds the image of the framework whose sources are in `folder`. `given` are the replacements of `--base`.
pub async fn build(
    engine: &Engine,
    framework: &Framework,
    folder: &Path,
    given: &BTreeMap<String, String>,
    say: impl Fn(&str),
    now: impl Fn(String),
) -> Result<BuiltImage, MeasureError> {
    let mut arguments = HashMap::new();
    let mut bases = Vec::new();
    for (argument, official) in &framework.image.bases {
        let base = resolve(engine, official, given).await?;
        if base.used != base.official {
            say(&format!("{}: {} stands in for {official}", framework.name, base.used));
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
    let context = archive(folder).map_err(MeasureError::io(folder))?;
    let mut output: Vec<String> = Vec::new();
    let mut failure = None;
    let mut stages = Stages::default();
    let before = image_id(engine, &tag).await?;
    let mut answers = engine
        .docker
        .build_image(options, None, Some(bollard::body_full(bytes::Bytes::from(context))));
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(info) => {
                for line in info.stream.iter().flat_map(|text| text.lines()) {
                    if let Some(step) = stages.read(line) {
                        now(format!(
                            "{}: building the image, {}",
                            framework.name,
                            escape::line(step, 100)
                        ));
                    }
                    output.push(line.to_string());
                }
                failure = failure.or(info.error_detail.and_then(|detail| detail.message));
            }
            Err(error) => failure = Some(root_cause(&error)),
        }
    }
    stages.name(engine, &framework.name, &framework.version).await;
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
    if let Some(before) = before.filter(|before| *before != id) {
        remove_unnamed(engine, &before).await;
    }
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

/// The image that is used for an official base image: itself, or the local image that stands in for it.
#[cfg(feature = "lambda")]
pub async fn base_for(engine: &Engine, official: &str) -> Result<String, MeasureError> {
    Ok(resolve(engine, official, &BTreeMap::new()).await?.used)
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

/// The newest local image that stands in for an official one.
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
    // Images built on a stand-in inherit its label and are no stand-ins themselves.
    let name = official.split(':').next().unwrap_or(official);
    // A stand-in has no registry in its name.
    let name = match name.split_once('/') {
        Some((registry, name)) if registry.contains('.') => name,
        _ => name,
    };
    Ok(images.into_iter().flat_map(|image| image.repo_tags).find(|tag| {
        tag.rsplit_once(':')
            .is_some_and(|(repository, _)| repository.ends_with(name))
    }))
}
