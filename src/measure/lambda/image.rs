//! The image of a framework as an image of Lambda: the same app with the web adapter beside it, in a repository of the run in ECR.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::Tag;
use aws_smithy_types::base64;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::{
    BuildImageOptionsBuilder, PushImageOptionsBuilder, RemoveImageOptions, TagImageOptionsBuilder,
};
use futures_util::StreamExt;

use super::api::{Api, Code};
use super::failed::{Failed, Kind};
use super::journal::TAG;
use crate::measure::MeasureError;
use crate::measure::progress::Progress;
use crate::measure::targets::docker::build;
use crate::measure::targets::docker::engine::{Engine, root_cause};
use crate::model::framework::Framework;

/// The recipe that adds the adapter.
const DOCKERFILE: &str = include_str!("../../../models/lambda/Dockerfile");
/// The tag of the one image of a repository.
const NAME: &str = "measured";

/// Builds the image of a framework with the adapter, makes a repository and pushes the image. Returns the image by its digest.
///
/// # Errors
/// If the build, the repository or the push fails.
pub async fn push(
    api: &Api,
    repository: &str,
    run: &str,
    framework: &Framework,
    folder: &Path,
    progress: &Progress,
) -> Result<Code, MeasureError> {
    let engine = Engine::connect(false).await?;
    let say = |text: &str| progress.say(text);
    let now = |text: String| progress.now(text);
    let plain = build::build(&engine, framework, folder, &BTreeMap::new(), say, now).await?;
    let local = format!("coldcast/{}:{}-lambda", framework.name, framework.version);
    progress.step(format!("{}: adding the web adapter", framework.name));
    with_adapter(&engine, &framework.name, &plain.reference, &local).await?;
    let client = Client::new(&api.settings);
    let uri = create(&client, repository, run).await?;
    // An emulator names a host of Amazon, and means itself.
    let uri = api.local_host().map_or(uri, |host| format!("{host}/{repository}"));
    let credentials = login(&client).await?;
    progress.step(format!("{}: pushing the image", framework.name));
    let failed = |reason: String| MeasureError::Cloud {
        reason: format!("the image of {} could not be pushed to ECR: {reason}", framework.name),
        hints: Vec::new(),
    };
    let options = TagImageOptionsBuilder::default().repo(&uri).tag(NAME).build();
    let tagged = engine.docker.tag_image(&local, Some(options)).await;
    tagged.map_err(|error| failed(root_cause(&error)))?;
    let options = PushImageOptionsBuilder::default().tag(NAME).build();
    let mut answers = engine.docker.push_image(&uri, Some(options), Some(credentials));
    while let Some(answer) = answers.next().await {
        let info = answer.map_err(|error| failed(root_cause(&error)))?;
        if let Some(reason) = info.error_detail.and_then(|detail| detail.message) {
            return Err(failed(reason));
        }
    }
    let pushed = format!("{uri}:{NAME}");
    let image = engine.docker.inspect_image(&pushed).await;
    let image = image.map_err(|error| failed(root_cause(&error)))?;
    // The name in the repository is of no use here any more; the image keeps its own.
    let _ = engine
        .docker
        .remove_image(&pushed, None::<RemoveImageOptions>, None)
        .await;
    let digests = image.repo_digests.unwrap_or_default();
    let digest = digests.into_iter().find(|digest| digest.starts_with(&uri));
    digest
        .map(Code::Image)
        .ok_or_else(|| failed("the engine does not say its digest".into()))
}

async fn with_adapter(engine: &Engine, name: &str, plain: &str, tag: &str) -> Result<(), MeasureError> {
    let context = || -> std::io::Result<Vec<u8>> {
        let mut header = tar::Header::new_ustar();
        header.set_size(DOCKERFILE.len() as u64);
        header.set_mode(0o444);
        header.set_mtime(0);
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_data(&mut header, "Dockerfile", DOCKERFILE.as_bytes())?;
        archive.into_inner()
    };
    let context = context().map_err(MeasureError::io("Dockerfile"))?;
    // A local image may stand in for the published adapter.
    let official = DOCKERFILE.lines().find_map(|line| line.strip_prefix("ARG ADAPTER="));
    let adapter = build::base_for(engine, official.unwrap_or_default()).await?;
    let arguments = HashMap::from([("FRAMEWORK", plain), ("ADAPTER", &adapter)]);
    let options = BuildImageOptionsBuilder::default()
        .t(tag)
        .rm(true)
        .forcerm(true)
        .buildargs(&arguments)
        .build();
    let body = bollard::body_full(bytes::Bytes::from(context));
    let mut answers = engine.docker.build_image(options, None, Some(body));
    let failed = |reason: String| MeasureError::Build {
        name: format!("{name} with the web adapter"),
        reason,
        missing_bases: Vec::new(),
    };
    while let Some(answer) = answers.next().await {
        let info = answer.map_err(|error| failed(root_cause(&error)))?;
        if let Some(reason) = info.error_detail.and_then(|detail| detail.message) {
            return Err(failed(reason));
        }
    }
    Ok(())
}

/// Makes the repository and returns its address.
async fn create(client: &Client, name: &str, run: &str) -> Result<String, Failed> {
    let other = |reason: &str| Failed {
        kind: Kind::Other,
        action: "ecr:CreateRepository",
        reason: reason.to_string(),
    };
    let tag = Tag::builder().key(TAG).value(run).build();
    let tag = tag.map_err(|error| other(&error.to_string()))?;
    let answer = client.create_repository().repository_name(name).tags(tag).send().await;
    let answer = answer.map_err(|error| Failed::of("ecr:CreateRepository", error))?;
    let uri = answer.repository().and_then(|repository| repository.repository_uri());
    uri.map(str::to_string)
        .ok_or_else(|| other("the answer has no address"))
}

/// The credentials for a push.
async fn login(client: &Client) -> Result<DockerCredentials, Failed> {
    let answer = client.get_authorization_token().send().await;
    let answer = answer.map_err(|error| Failed::of("ecr:GetAuthorizationToken", error))?;
    let token = || -> Option<(String, Option<String>)> {
        let data = answer.authorization_data().first()?;
        let bytes = base64::decode(data.authorization_token()?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (_, password) = text.split_once(':')?;
        Some((password.to_string(), data.proxy_endpoint().map(str::to_string)))
    };
    let (password, server) = token().ok_or_else(|| Failed {
        kind: Kind::Other,
        action: "ecr:GetAuthorizationToken",
        reason: "the answer holds no token".into(),
    })?;
    Ok(DockerCredentials {
        username: Some("AWS".into()),
        password: Some(password),
        serveraddress: server,
        ..DockerCredentials::default()
    })
}

/// Deletes a repository with all its images; one that does not exist is fine.
///
/// # Errors
/// The call fails.
pub async fn delete(api: &Api, repository: &str) -> Result<(), Failed> {
    let answer = Client::new(&api.settings)
        .delete_repository()
        .repository_name(repository)
        .force(true)
        .send()
        .await;
    match answer.map_err(|error| Failed::of("ecr:DeleteRepository", error)) {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// The names of the repositories that begin so.
///
/// # Errors
/// The call fails.
pub async fn repositories(api: &Api, prefix: &str) -> Result<Vec<String>, Failed> {
    let mut pages = Client::new(&api.settings)
        .describe_repositories()
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    while let Some(repository) = pages.next().await {
        let repository = repository.map_err(|error| Failed::of("ecr:DescribeRepositories", error))?;
        found.extend(
            repository
                .repository_name()
                .filter(|name| name.starts_with(prefix))
                .map(str::to_string),
        );
    }
    Ok(found)
}
