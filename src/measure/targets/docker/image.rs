//! Facts about an image: size on disk, size in a registry, layers, packages, findings of scanners, pulls.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;

use super::engine::Engine;
use super::fresh_copy::FreshCopy;
use super::scan;
use crate::measure::error::MeasureError;
use crate::measure::lock;
use crate::model::profile::{ImageFacts, Pull};
use crate::stats::order;

mod contents;

use contents::Contents;

/// The level of compression that clients of registries use.
const GZIP_LEVEL: u32 = 6;

/// An image to look at, with the means.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The id.
    pub id: &'a str,
    /// The name, for scanners.
    pub reference: &'a str,
    /// The run to which the container for looking inside belongs.
    pub run: &'a str,
    /// The folder of manifests and lock files.
    pub folder: Option<&'a Path>,
    /// The names of the lock files.
    pub lock_files: &'a [String],
    /// The copy in a registry.
    pub copy: Option<&'a FreshCopy>,
    /// True for few pulls, no scan, and no estimate of the compressed size.
    pub quick: bool,
}

/// Looks at an image. Returns remarks as well.
///
/// The compressed size is that in the registry. A local image has none; without a registry it is estimated, by compressing the
/// output of `docker save`.
pub async fn facts(engine: &Engine, look: Look<'_>) -> Result<(ImageFacts, Vec<String>), MeasureError> {
    let image = engine
        .docker
        .inspect_image(look.id)
        .await
        .map_err(|source| MeasureError::Engine {
            doing: format!("inspect the image {}", look.id),
            source,
        })?;
    let mut notes = Vec::new();
    let compressed_bytes = match look.copy {
        Some(copy) => Some(copy.compressed_bytes()),
        None if look.quick => None,
        None => compressed(engine, look.id).await?,
    };
    let contents = Contents::open(engine, look.id, look.run).await?;
    let inside = contents.os_packages(engine).await;
    let mut packages = look.folder.and_then(|folder| lock::packages(folder, look.lock_files));
    let by_maven = look.lock_files.iter().any(|name| name.ends_with("pom.xml"));
    if packages.is_none() && by_maven {
        let working_dir = image.config.and_then(|config| config.working_dir).unwrap_or_default();
        packages = contents.jars(engine, &working_dir).await;
        if packages.is_some() {
            notes.push("packages: jars in the image's lib folder, as pom.xml names only the direct ones".into());
        }
    }
    contents.close(engine).await;
    let (scan, scan_notes) = if look.quick {
        (None, Vec::new())
    } else {
        scanned(look.reference.to_string()).await
    };
    notes.extend(scan_notes);
    let (pulls, pull_notes) = match look.copy {
        Some(copy) => pulls(engine, copy, if look.quick { 2 } else { 5 }).await,
        None => (Vec::new(), Vec::new()),
    };
    notes.extend(pull_notes);
    let facts = ImageFacts {
        compressed_bytes,
        compressed_estimated: compressed_bytes.is_some() && look.copy.is_none(),
        unpacked_bytes: image.size.and_then(|size| u64::try_from(size).ok()),
        layers: image
            .root_fs
            .and_then(|fs| fs.layers)
            .map_or(0, |layers| layers.len() as u32),
        packages,
        direct_packages: look
            .folder
            .and_then(|folder| lock::direct_packages(folder, look.lock_files)),
        os_packages: inside,
        scan,
        pulls,
    };
    Ok((facts, notes))
}

async fn scanned(reference: String) -> (Option<crate::model::profile::Scan>, Vec<String>) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let scan = tokio::task::spawn_blocking(move || scan::scan(&reference, &path)).await;
    scan.unwrap_or_else(|error| (None, vec![format!("the scan failed: {error}")]))
}

/// Pulls the copy `count` times. Returns remarks as well.
async fn pulls(engine: &Engine, copy: &FreshCopy, count: usize) -> (Vec<Pull>, Vec<String>) {
    let mut notes = Vec::new();
    let mut pulls = Vec::new();
    let mut extra = Vec::new();
    for _ in 0..count {
        match copy.pull(engine).await {
            Ok(pulled) => {
                notes.extend(pulled.note());
                extra.extend(pulled.extra_ms);
                pulls.push(pulled.pull);
            }
            Err(reason) => notes.push(format!("a pull failed: {reason}")),
        }
    }
    if let Err(reason) = copy.remove(engine).await {
        notes.push(format!("the pulled copy could not be removed: {reason}"));
    }
    notes.dedup();
    let extra = order::median(&order::sorted(extra)).map_or_else(String::new, |ms| format!(", {ms:.0} ms (median)"));
    notes.push(format!(
        "pulls: from a registry on this machine, so without a network and on the same cores; under another name, with a \
         first layer of a few bytes more, so that no layer could be reused; unpacking that one is in total_ms only{extra}"
    ));
    (pulls, notes)
}

/// The compressed size in bytes, estimated; `None` if it cannot be.
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

/// A writer that counts bytes and drops them.
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
