//! A copy of an image that shares no layer with anything on this machine, so that a pull fetches and unpacks all of it.
//!
//! The engine knows a layer by its own content and the content of all layers below it. coldcast pushes the image once, and
//! then makes a second manifest in the registry: it names the same compressed layers, with one tiny layer below them. The
//! engine knows no layer of this copy, whatever other images contain its layers. The sizes, the number and the order of the
//! image's own layers stay the same. The image itself is not touched, and nothing has to be restored.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListImagesOptionsBuilder, PushImageOptionsBuilder, RemoveImageOptionsBuilder,
    TagImageOptionsBuilder,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::engine::{Engine, RUN_LABEL, root_cause};
use super::page_cache;
use super::pull::{LayerClock, Pulled};
use super::registry::{Manifest, REPOSITORY, Registry};
use crate::measure::error::MeasureError;
use crate::measure::sources::digest;

/// The one file of the extra layer. Its content is the id of the run.
const MARK: &str = ".coldcast-run";

/// A copy of an image in a registry on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshCopy {
    /// The reference.
    pub reference: String,
    /// The digest and the compressed bytes of the image's own layers, in order.
    layers: Vec<(String, u64)>,
    /// The digest of the extra layer.
    extra: String,
}

impl FreshCopy {
    /// Pushes the image `id`, and makes the copy. `name` is part of the tag.
    pub async fn publish(
        engine: &Engine,
        registry: &Registry,
        run: &str,
        name: &str,
        id: &str,
    ) -> Result<Self, MeasureError> {
        let doing = |doing: &str| {
            let doing = format!("{doing} {name}");
            |source| MeasureError::Engine { doing, source }
        };
        let image = engine
            .docker
            .inspect_image(id)
            .await
            .map_err(doing("inspect the image of"))?;
        // Removing the last name of an image removes the image.
        if image.repo_tags.unwrap_or_default().is_empty() {
            return Err(MeasureError::BadRequest(format!(
                "the image {id} has no name, and a push would remove it: run `docker tag {id} NAME` first"
            )));
        }
        let repository = format!("{}/{REPOSITORY}", registry.address);
        let tag = format!("{run}-{name}");
        let options = TagImageOptionsBuilder::default().repo(&repository).tag(&tag).build();
        engine
            .docker
            .tag_image(id, Some(options))
            .await
            .map_err(doing("tag the image of"))?;
        let pushed = push(engine, &repository, &tag).await;
        remove(engine, &format!("{repository}:{tag}"))
            .await
            .map_err(doing("untag the image of"))?;
        pushed.map_err(|reason| registry.error(format!("the image of {name} could not be pushed: {reason}")))?;

        let architecture = image.architecture.unwrap_or_else(|| "amd64".into());
        let manifest = registry.manifest(&tag, &architecture).await?;
        let layers = layers(&manifest.content).ok_or_else(|| registry.error("a manifest without layers"))?;
        let config = manifest.content["config"]["digest"].as_str().unwrap_or_default();
        let config: Value = serde_json::from_slice(&registry.blob(config).await?)
            .map_err(|error| registry.error(format!("the configuration of {name}: {error}")))?;
        let mark = Mark::new(run).map_err(|error| registry.error(error))?;
        let config = config_with(config, &mark, run).to_string().into_bytes();
        let content = manifest_with(manifest.content, &manifest.media_type, &mark, &config);
        let extra = registry.upload(mark.compressed).await?;
        registry.upload(config).await?;
        let copy = format!("{tag}-copy");
        let media_type = manifest.media_type;
        registry.tag(&copy, &Manifest { media_type, content }).await?;
        Ok(Self {
            reference: format!("{repository}:{copy}"),
            layers,
            extra,
        })
    }

    /// The bytes of the image's layers in the registry, compressed.
    pub fn compressed_bytes(&self) -> u64 {
        self.layers.iter().map(|&(_, bytes)| bytes).sum()
    }

    /// Removes the remains of an earlier pull, and pulls.
    ///
    /// # Errors
    /// The message of the engine.
    pub async fn pull(&self, engine: &Engine) -> Result<Pulled, String> {
        self.remove(engine).await?;
        let options = CreateImageOptionsBuilder::default().from_image(&self.reference).build();
        let mut clock = LayerClock::default();
        let began = Instant::now();
        let mut answers = engine.docker.create_image(Some(options), None, None);
        while let Some(answer) = answers.next().await {
            let info = answer.map_err(|error| root_cause(&error))?;
            if let Some(reason) = info.error_detail.and_then(|detail| detail.message) {
                return Err(reason);
            }
            if let (Some(id), Some(status)) = (&info.id, &info.status) {
                clock.note(id, status, Instant::now());
            }
        }
        Ok(Pulled::new(began, Instant::now(), &clock, &self.layers, &self.extra))
    }

    /// Removes the pulled copy from this machine, and waits until the disk has written everything.
    ///
    /// # Errors
    /// The message of the engine, such as while a container uses the copy.
    pub async fn remove(&self, engine: &Engine) -> Result<(), String> {
        remove(engine, &self.reference)
            .await
            .map_err(|error| root_cause(&error))?;
        if let Some(folder) = engine.info.docker_root_dir.clone() {
            // The folder of the engine may be invisible here; then its disk cannot be settled.
            let _ = tokio::task::spawn_blocking(move || page_cache::settle(Path::new(&folder))).await;
        }
        Ok(())
    }
}

/// Removes the copies that a run has pulled, and the names that it has given for a push.
pub async fn sweep(engine: &Engine, run: &str) -> Result<(), bollard::errors::Error> {
    let options = ListImagesOptionsBuilder::default().build();
    let ours = format!("/{REPOSITORY}:{run}-");
    let images = engine.docker.list_images(Some(options)).await?;
    for name in images
        .into_iter()
        .flat_map(|image| image.repo_tags)
        .filter(|name| name.contains(&ours))
    {
        remove(engine, &name).await?;
    }
    Ok(())
}

/// Removes a reference, and its image if that was the last one. A reference that does not exist is no error.
async fn remove(engine: &Engine, reference: &str) -> Result<(), bollard::errors::Error> {
    let options = RemoveImageOptionsBuilder::default().build();
    match engine.docker.remove_image(reference, Some(options), None).await {
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        removed => removed.map(|_| ()),
    }
}

async fn push(engine: &Engine, repository: &str, tag: &str) -> Result<(), String> {
    let options = PushImageOptionsBuilder::default().tag(tag).build();
    // Engines refuse a push without credentials, even empty ones.
    let nobody = DockerCredentials::default();
    let mut answers = engine.docker.push_image(repository, Some(options), Some(nobody));
    while let Some(answer) = answers.next().await {
        let info = answer.map_err(|error| root_cause(&error))?;
        if let Some(reason) = info.error_detail.and_then(|detail| detail.message) {
            return Err(reason);
        }
    }
    Ok(())
}

/// The extra layer.
struct Mark {
    /// The digest of the layer before compression, by which the engine knows it.
    content_digest: String,
    compressed: Vec<u8>,
}

impl Mark {
    fn new(run: &str) -> std::io::Result<Self> {
        let mut header = tar::Header::new_ustar();
        header.set_size(run.len() as u64);
        header.set_mode(0o444);
        header.set_mtime(0);
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_data(&mut header, MARK, run.as_bytes())?;
        let layer = archive.into_inner()?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&layer)?;
        Ok(Self {
            content_digest: digest(&layer),
            compressed: encoder.finish()?,
        })
    }
}

/// The digest and the size of each layer in a manifest.
fn layers(manifest: &Value) -> Option<Vec<(String, u64)>> {
    let layers = manifest["layers"].as_array()?.iter();
    layers
        .map(|layer| Some((layer["digest"].as_str()?.to_string(), layer["size"].as_u64()?)))
        .collect()
}

/// The configuration of the copy: that of the image, with the extra layer below the others, and the label of the run.
fn config_with(mut config: Value, mark: &Mark, run: &str) -> Value {
    if let Some(layers) = config["rootfs"]["diff_ids"].as_array_mut() {
        layers.insert(0, json!(mark.content_digest));
    }
    if let Some(steps) = config["history"].as_array_mut() {
        steps.insert(
            0,
            json!({"created": "1970-01-01T00:00:00Z", "created_by": "coldcast: makes all layers new"}),
        );
    }
    if !config["config"]["Labels"].is_object() {
        config["config"]["Labels"] = json!({});
    }
    config["config"]["Labels"][RUN_LABEL] = json!(run);
    config
}

/// The manifest of the copy, for the configuration `config`.
fn manifest_with(mut manifest: Value, media_type: &str, mark: &Mark, config: &[u8]) -> Value {
    manifest["config"]["digest"] = json!(digest(config));
    manifest["config"]["size"] = json!(config.len());
    let kind = if media_type.contains("oci") {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    } else {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    };
    if let Some(layers) = manifest["layers"].as_array_mut() {
        let size = mark.compressed.len();
        layers.insert(
            0,
            json!({"mediaType": kind, "size": size, "digest": digest(&mark.compressed)}),
        );
    }
    manifest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_keeps_the_layers_and_gets_one_below() {
        let mark = Mark::new("ab12").unwrap();
        let config = json!({"config": {"Labels": null, "Cmd": ["x"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:a"]}, "history": [{}]});
        let config = config_with(config, &mark, "ab12");
        assert_eq!(config["rootfs"]["diff_ids"], json!([mark.content_digest, "sha256:a"]));
        assert_eq!(config["history"].as_array().unwrap().len(), 2);
        assert_eq!(
            config["config"],
            json!({"Labels": {"coldcast.run": "ab12"}, "Cmd": ["x"]})
        );

        let manifest = json!({"config": {"digest": "sha256:c", "size": 1}, "layers": [{"mediaType": "t", "size": 7, "digest": "sha256:z"}]});
        let text = config.to_string().into_bytes();
        let copy = manifest_with(
            manifest.clone(),
            "application/vnd.oci.image.manifest.v1+json",
            &mark,
            &text,
        );
        assert_eq!(copy["config"], json!({"digest": digest(&text), "size": text.len()}));
        assert_eq!(copy["layers"][1], manifest["layers"][0]);
        assert_eq!(
            copy["layers"][0]["mediaType"],
            "application/vnd.oci.image.layer.v1.tar+gzip"
        );
        assert_eq!(copy["layers"][0]["digest"], digest(&mark.compressed));
        assert_eq!(layers(&manifest), Some(vec![("sha256:z".into(), 7)]));
        assert_ne!(Mark::new("ab13").unwrap().content_digest, mark.content_digest);
    }
}
