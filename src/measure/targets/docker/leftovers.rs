//! The remains of runs on the engine.

use std::collections::{BTreeMap, HashMap};

use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder};

use super::engine::{Engine, OWNER_LABEL, RUN_LABEL};
use super::registry::REPOSITORY;
use crate::measure::cleanup::Leftover;
use crate::measure::error::MeasureError;
use crate::measure::host;

/// Everything on the engine with the label or the name of a run, by run.
///
/// # Errors
/// If the engine does not answer.
pub async fn on_engine(engine: &Engine) -> Result<BTreeMap<String, Leftover>, MeasureError> {
    let failed = |source| MeasureError::Engine {
        doing: "list what runs have left".into(),
        source,
    };
    let filters = HashMap::from([("label", vec![RUN_LABEL.to_string()])]);
    let mut runs: BTreeMap<String, Leftover> = BTreeMap::new();
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters)
        .build();
    for container in engine.docker.list_containers(Some(options)).await.map_err(failed)? {
        let labels = container.labels.unwrap_or_default();
        let Some(run) = labels.get(RUN_LABEL) else { continue };
        let found = runs.entry(run.clone()).or_default();
        found.alive |= labels.get(OWNER_LABEL).is_some_and(|owner| host::is_alive(owner));
        let names = container.names.unwrap_or_default();
        let name = names.first().map_or("unnamed", |name| name.trim_start_matches('/'));
        let state = container.status.unwrap_or_default();
        found.containers.push(format!("{name} ({state})"));
    }
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    for network in engine.docker.list_networks(Some(options)).await.map_err(failed)? {
        let labels = network.labels.unwrap_or_default();
        let Some(run) = labels.get(RUN_LABEL) else { continue };
        let found = runs.entry(run.clone()).or_default();
        found.alive |= labels.get(OWNER_LABEL).is_some_and(|owner| host::is_alive(owner));
        found.networks.push(network.name.unwrap_or_default());
    }
    let options = ListImagesOptionsBuilder::default().build();
    let images = engine.docker.list_images(Some(options)).await.map_err(failed)?;
    for name in images.into_iter().flat_map(|image| image.repo_tags) {
        if let Some(run) = run_of_image(&name) {
            runs.entry(run.to_string()).or_default().images.push(name);
        }
    }
    Ok(runs)
}

/// The run that pulled an image of this name; `None` if no run did.
fn run_of_image(name: &str) -> Option<&str> {
    let (_, tag) = name.split_once(&format!("/{REPOSITORY}:"))?;
    tag.split_once('-').map(|(run, _)| run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulled_images_name_their_run() {
        assert_eq!(run_of_image("127.0.0.1:5000/coldcast-run:ab12-gin-2"), Some("ab12"));
        assert_eq!(run_of_image("coldcast/gin:1.12.0"), None);
    }
}
