//! Facts about an image: size on disk, size as a registry would hold it, layers, packages.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;

use super::docker::Engine;
use super::error::MeasureError;
use super::lock;
use crate::model::profile::ImageFacts;

/// Level of compression that registries' clients use.
const GZIP_LEVEL: u32 = 6;

/// Looks at image `id`. `folder` and `lock_files` are where packages are counted. The compressed size is estimated by
/// compressing what `docker save` gives, since a local image has none; `estimate` false leaves it unknown.
pub async fn facts(
    engine: &Engine,
    id: &str,
    folder: Option<&Path>,
    lock_files: &[String],
    estimate: bool,
) -> Result<ImageFacts, MeasureError> {
    let image = engine
        .docker
        .inspect_image(id)
        .await
        .map_err(|source| MeasureError::Engine {
            doing: format!("inspect the image {id}"),
            source,
        })?;
    let compressed_bytes = if estimate { compressed(engine, id).await? } else { None };
    Ok(ImageFacts {
        compressed_bytes,
        compressed_estimated: compressed_bytes.is_some(),
        unpacked_bytes: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        layers: image
            .root_fs
            .and_then(|fs| fs.layers)
            .map_or(0, |layers| layers.len() as u32),
        packages: folder.and_then(|folder| lock::packages(folder, lock_files)),
        direct_packages: None,
        os_packages: None,
        scan: None,
        pulls: Vec::new(),
    })
}

async fn compressed(engine: &Engine, id: &str) -> Result<Option<u64>, MeasureError> {
    let mut encoder = GzEncoder::new(Counter(0), Compression::new(GZIP_LEVEL));
    let mut chunks = engine.docker.export_image(id);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|source| MeasureError::Engine {
            doing: format!("save the image {id}"),
            source,
        })?;
        if encoder.write_all(&chunk).is_err() {
            return Ok(None);
        }
    }
    Ok(encoder.finish().ok().map(|counter| counter.0))
}

/// Counts bytes and forgets them.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
