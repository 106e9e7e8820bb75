//! The removal of everything that a run has made on the engine. It goes by the label of the run, and never touches anything
//! without the label.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};

use super::engine::{Engine, RUN_LABEL};
use super::fresh_copy;
use super::registry::REPOSITORY;

/// The longest time that the removal may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Removes the containers, pulled images and networks of a run. Returns a description of what is left; `None` when all is gone.
pub async fn sweep(engine: &Engine, run: &str) -> Option<String> {
    match tokio::time::timeout(LIMIT, remove_all(engine, run)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the engine did not finish within {} s", LIMIT.as_secs())),
    }
}

/// The command that does by hand what [`sweep`] does.
pub fn by_hand(run: &str) -> String {
    let filter = format!("--filter label={RUN_LABEL}={run}");
    format!(
        "docker ps -aq {filter} | xargs -r docker rm -f -v; \
         docker images --filter reference='*/{REPOSITORY}:{run}-*' --format '{{{{.Repository}}}}:{{{{.Tag}}}}' | \
         xargs -r docker rmi; docker network ls -q {filter} | xargs -r docker network rm"
    )
}

fn labelled(label: &str) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", vec![label.to_string()])])
}

async fn remove_all(engine: &Engine, run: &str) -> Result<(), bollard::errors::Error> {
    let filters = labelled(&format!("{RUN_LABEL}={run}"));
    // A creation that was under way may still complete. So the list must be empty twice in a row.
    let mut empty = 0;
    while empty < 2 {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let containers = engine.docker.list_containers(Some(options)).await?;
        empty = if containers.is_empty() { empty + 1 } else { 0 };
        for id in containers.into_iter().filter_map(|container| container.id) {
            match engine.remove(&id).await {
                // It is gone already, or being removed.
                Err(bollard::errors::Error::DockerResponseServerError {
                    status_code: 404 | 409, ..
                }) => {}
                gone => gone?,
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    fresh_copy::sweep(engine, run).await?;
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    for network in engine
        .docker
        .list_networks(Some(options))
        .await?
        .into_iter()
        .filter_map(|network| network.id)
    {
        engine.docker.remove_network(&network).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_the_run_and_nothing_wider() {
        let command = by_hand("ab12");
        assert_eq!(command.matches("label=coldcast.run=ab12").count(), 2);
        assert!(command.contains("reference='*/coldcast-run:ab12-*' --format '{{.Repository}}:{{.Tag}}'"));
        assert!(!command.contains("prune"));
    }
}
