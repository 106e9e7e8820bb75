//! The Docker engine: connection, containers, logs. Every container has the same confinement, and the label of its run.
//!
//! coldcast talks to the socket of the engine, so that the phases are those of the engine, without a shell in between.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, ContainerState, ContainerUpdateBody, EndpointIpamConfig, EndpointSettings, HealthConfig,
    HostConfig, HostConfigLogConfig, NetworkConnectRequest, NetworkingConfig, SystemInfo,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptions, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;

use super::network::Network;
use crate::measure::config::Limits;
use crate::measure::env::EnvVar;
use crate::measure::error::MeasureError;
use crate::measure::escape;
use crate::measure::options::{ContainerOptions, Tmpfs};
use crate::units::MilliCpu;

/// The label of everything that a measurement makes. Its value is the id of the run.
pub const RUN_LABEL: &str = "coldcast.run";
/// The label with the identity of the process that made it ([`crate::measure::host::own_identity`]).
pub const OWNER_LABEL: &str = "coldcast.owner";
/// The CFS quota period in microseconds: the default of the engine.
pub const CPU_PERIOD_US: u64 = 100_000;
/// The longest time that the engine may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// The largest number of processes and threads of a container: a bound for a program that forks without end.
const PIDS: i64 = 4096;
/// The number of log lines kept of a container that failed.
const LOG_LINES: &str = "50";

/// A connection to the engine.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The client.
    pub docker: Docker,
    /// The facts about the engine.
    pub info: SystemInfo,
}

/// A container to be created.
#[derive(Debug, Clone, Copy)]
pub struct ContainerSpec<'a> {
    /// The name.
    pub name: &'a str,
    /// The run to which it belongs.
    pub run: &'a str,
    /// The id or the reference of the image.
    pub image: &'a str,
    /// The limits.
    pub limits: Limits,
    /// The network, with the address of the container.
    pub network: &'a Network,
    /// The settings of a user's own image.
    pub options: &'a ContainerOptions,
}

/// The address of the engine: `DOCKER_HOST`, or the default socket.
pub fn host() -> String {
    std::env::var("DOCKER_HOST")
        .ok()
        .filter(|h| !h.is_empty())
        .unwrap_or_else(|| "unix:///var/run/docker.sock".into())
}

/// Returns true if an address belongs to another machine.
fn is_remote(host: &str) -> bool {
    match host.split_once("://") {
        Some(("unix" | "npipe", _)) => false,
        Some((_, rest)) => {
            let name = rest.trim_start_matches('[');
            !["localhost", "127.", "::1"].iter().any(|local| name.starts_with(local))
        }
        None => false,
    }
}

impl Engine {
    /// Connects to the engine at `DOCKER_HOST` or the default socket. `force` allows an engine on another machine.
    pub async fn connect(force: bool) -> Result<Self, MeasureError> {
        let host = host();
        if is_remote(&host) && !force {
            return Err(MeasureError::Remote { host });
        }
        let refused = |error: bollard::errors::Error| {
            if is_denied(&error) {
                MeasureError::Denied { host: host.clone() }
            } else {
                MeasureError::NoEngine {
                    host: host.clone(),
                    reason: root_cause(&error),
                }
            }
        };
        let docker = Docker::connect_with_defaults()
            .map_err(refused)?
            .with_timeout(ANSWER_TIMEOUT);
        let docker = docker.negotiate_version().await.map_err(refused)?;
        let info = docker.info().await.map_err(refused)?;
        Ok(Self { docker, info })
    }

    /// Creates a container, and returns its id.
    pub async fn create(&self, spec: &ContainerSpec<'_>) -> Result<String, bollard::errors::Error> {
        let options = CreateContainerOptionsBuilder::default().name(spec.name).build();
        let id = self.docker.create_container(Some(options), body(spec)).await?.id;
        if let Some(network) = &spec.options.network {
            let request = NetworkConnectRequest {
                container: id.clone(),
                endpoint_config: None,
            };
            if let Err(error) = self.docker.connect_network(network, request).await {
                let _ = self.remove(&id).await;
                return Err(error);
            }
        }
        Ok(id)
    }

    /// Starts a container.
    pub async fn start(&self, id: &str) -> Result<(), bollard::errors::Error> {
        self.docker.start_container(id, None).await
    }

    /// Sets the CPU limit of a running container.
    pub async fn limit_cpu(&self, id: &str, cpu: MilliCpu) -> Result<(), bollard::errors::Error> {
        let update = ContainerUpdateBody {
            cpu_period: Some(CPU_PERIOD_US as i64),
            cpu_quota: Some(cpu_quota_us(cpu)),
            ..Default::default()
        };
        self.docker.update_container(id, update).await
    }

    /// Confines a running container to one CPU.
    pub async fn confine(&self, id: &str, cpu: usize) -> Result<(), bollard::errors::Error> {
        let update = ContainerUpdateBody {
            cpuset_cpus: Some(cpu.to_string()),
            ..Default::default()
        };
        self.docker.update_container(id, update).await
    }

    /// The state of a container, and its hardware address.
    pub async fn state(&self, id: &str) -> Result<(ContainerState, Option<String>), bollard::errors::Error> {
        let inspected = self
            .docker
            .inspect_container(id, None::<InspectContainerOptions>)
            .await?;
        let mac = inspected
            .network_settings
            .and_then(|settings| settings.networks)
            .and_then(|networks| networks.into_values().find_map(|endpoint| endpoint.mac_address));
        Ok((inspected.state.unwrap_or_default(), mac))
    }

    /// Waits until a container has stopped.
    pub async fn ended(&self, id: &str) {
        let mut answers = self.docker.wait_container(id, None::<WaitContainerOptions>);
        while let Some(Ok(_)) = answers.next().await {}
    }

    /// The number of running containers; `None` if the engine does not tell.
    pub async fn running_containers(&self) -> Option<u64> {
        let running = self.docker.list_containers(None::<ListContainersOptions>).await.ok()?;
        Some(running.len() as u64)
    }

    /// The last lines that a container wrote, escaped.
    pub async fn last_log_lines(&self, id: &str) -> Vec<String> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail(LOG_LINES)
            .build();
        let mut chunks = self.docker.logs(id, Some(options));
        let mut text = String::new();
        while let Some(Ok(chunk)) = chunks.next().await {
            text.push_str(&String::from_utf8_lossy(chunk.as_ref()));
        }
        text.lines().map(|line| escape::line(line, escape::LINE)).collect()
    }

    /// The paths that a container has changed in its root file system, without the folders above them.
    pub async fn changed_paths(&self, id: &str) -> Vec<String> {
        let changes = self
            .docker
            .container_changes(id)
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        let paths: Vec<String> = changes.into_iter().map(|change| change.path).collect();
        let is_folder = |path: &String| paths.iter().any(|other| other.starts_with(&format!("{path}/")));
        paths.iter().filter(|path| !is_folder(path)).cloned().collect()
    }

    /// Kills and removes a container, with its anonymous volumes.
    pub async fn remove(&self, id: &str) -> Result<(), bollard::errors::Error> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        self.docker.remove_container(id, Some(options)).await
    }
}

/// The CFS quota in microseconds per period.
fn cpu_quota_us(cpu: MilliCpu) -> i64 {
    i64::from(cpu.0) * CPU_PERIOD_US as i64 / 1000
}

/// The labels of everything that this process makes for a run.
pub fn labels(run: &str) -> HashMap<String, String> {
    HashMap::from([
        (RUN_LABEL.to_string(), run.to_string()),
        (OWNER_LABEL.to_string(), super::host::own_identity()),
    ])
}

/// The settings of a container: no capabilities, no new privileges, read-only root, no route out, no published port, hard
/// limits, and no health check of the image, which would work on the CPU that is measured. The options of a user's own image
/// loosen them.
fn body(spec: &ContainerSpec<'_>) -> ContainerCreateBody {
    let text = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs.iter().map(|&(k, v)| (k.to_string(), v.to_string())).collect()
    };
    let memory = i64::from(spec.limits.memory.0) << 20;
    let address: Ipv4Addr = spec.network.container;
    let options = spec.options;
    let mut tmpfs = text(&[("/tmp", "rw,size=64m,mode=1777")]);
    tmpfs.extend(
        options
            .tmpfs
            .iter()
            .map(|Tmpfs { path, mib }| (path.clone(), format!("rw,exec,size={mib}m,mode=1777"))),
    );
    let endpoint = EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(address.to_string()),
            ..Default::default()
        }),
        mac_address: Some(spec.network.container_mac()),
        ..Default::default()
    };
    ContainerCreateBody {
        image: Some(spec.image.to_string()),
        env: Some(options.env.iter().map(EnvVar::pair).collect()),
        user: options.user.clone(),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".into()]),
            ..Default::default()
        }),
        labels: Some(labels(spec.run)),
        host_config: Some(HostConfig {
            cap_drop: Some(vec!["ALL".into()]),
            cap_add: Some(
                options
                    .cap_add
                    .iter()
                    .map(|capability| capability.name().to_string())
                    .collect::<Vec<_>>(),
            )
            .filter(|added| !added.is_empty()),
            security_opt: Some(vec!["no-new-privileges".into()]),
            readonly_rootfs: Some(!options.writable),
            tmpfs: Some(tmpfs),
            memory: Some(memory),
            memory_swap: Some(memory),
            cpu_period: Some(CPU_PERIOD_US as i64),
            cpu_quota: Some(cpu_quota_us(spec.limits.cpu)),
            pids_limit: Some(PIDS),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".into()),
                config: Some(text(&[("max-size", "1m")])),
            }),
            network_mode: Some(spec.network.name.clone()),
            ..Default::default()
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(spec.network.name.clone(), endpoint)])),
        }),
        ..Default::default()
    }
}

/// The innermost message in the chain of an error.
pub fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::PermissionDenied
        {
            return true;
        }
        link = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_machines_are_remote() {
        for (host, remote) in [
            ("unix:///var/run/docker.sock", false),
            ("tcp://127.0.0.1:2375", false),
            ("tcp://localhost:2375", false),
            ("tcp://10.0.0.5:2375", true),
            ("ssh://me@build", true),
        ] {
            assert_eq!(is_remote(host), remote, "{host}");
        }
    }
}
