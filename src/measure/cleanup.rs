//! The remains of interrupted runs, after `kill -9`, a crash, or a restart of the engine: finds and removes them.

use std::collections::BTreeMap;

use crate::measure::error::MeasureError;
use crate::measure::targets::docker::engine::Engine;
use crate::measure::targets::{docker, process};

/// The remains of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftover {
    /// True if the process that made them still runs on this machine.
    pub alive: bool,
    /// The containers, by name and state.
    pub containers: Vec<String>,
    /// The networks, by name.
    pub networks: Vec<String>,
    /// The pulled images, by name.
    pub images: Vec<String>,
    /// The processes of this machine, by number and name.
    pub processes: Vec<String>,
    /// The folders of this machine.
    pub folders: Vec<String>,
}

impl Leftover {
    /// One line for each thing that is left.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let kinds = [
            ("container", &self.containers),
            ("network", &self.networks),
            ("image", &self.images),
            ("process", &self.processes),
            ("folder", &self.folders),
        ];
        kinds
            .into_iter()
            .flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}")))
    }

    /// Adds the remains of the same run at another place.
    fn add(&mut self, other: Self) {
        self.alive |= other.alive;
        self.containers.extend(other.containers);
        self.networks.extend(other.networks);
        self.images.extend(other.images);
        self.processes.extend(other.processes);
        self.folders.extend(other.folders);
    }
}

/// Finds and removes the remains of runs on this machine and on its Docker engine.
#[derive(Debug)]
pub struct Cleaner {
    engine: Option<Engine>,
}

impl Cleaner {
    /// Connects to the Docker engine. If no engine answers or it refuses, returns the reason as well, and cleans up processes
    /// only. `force` allows an engine on another machine.
    ///
    /// # Errors
    /// If the engine is on another machine, or fails.
    pub async fn connect(force: bool) -> Result<(Self, Option<MeasureError>), MeasureError> {
        match Engine::connect(force).await {
            Ok(engine) => Ok((Self { engine: Some(engine) }, None)),
            Err(error @ (MeasureError::NoEngine { .. } | MeasureError::Denied { .. })) => {
                Ok((Self { engine: None }, Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// The remains of all runs, by run.
    ///
    /// # Errors
    /// If the engine does not answer.
    pub async fn found(&self) -> Result<BTreeMap<String, Leftover>, MeasureError> {
        let mut found = process::leftovers();
        if let Some(engine) = &self.engine {
            for (run, left) in docker::leftovers::on_engine(engine).await? {
                found.entry(run).or_default().add(left);
            }
        }
        Ok(found)
    }

    /// Removes the remains of a run.
    ///
    /// # Errors
    /// A description of what is left.
    pub async fn remove(&self, run: &str) -> Result<(), String> {
        let mut left = process::sweep(run).await;
        if let Some(engine) = &self.engine {
            left = left.or(docker::sweep::sweep(engine, run).await);
        }
        left.map_or(Ok(()), Err)
    }
}
