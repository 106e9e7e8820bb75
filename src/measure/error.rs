//! The reasons why a measurement is not possible, with remedies. A start that fails is a result, and not an error.

use std::path::PathBuf;

/// The reason why a measurement is not possible.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// No engine answers at the address.
    #[error("no Docker engine answers at {host}: {reason}")]
    NoEngine {
        /// The address of the engine.
        host: String,
        /// The outcome of the attempt.
        reason: String,
    },
    /// The engine refuses this user.
    #[error("permission denied on the Docker engine at {host}")]
    Denied {
        /// The address of the engine.
        host: String,
    },
    /// The engine runs on another machine.
    #[error("the Docker engine at {host} is on another machine")]
    Remote {
        /// The address of the engine.
        host: String,
    },
    /// AWS refused or failed.
    #[error("{reason}")]
    Cloud {
        /// The call and its answer.
        reason: String,
        /// The remedies.
        hints: Vec<String>,
    },
    /// The engine refused or failed.
    #[error("the Docker engine could not {doing}: {source}")]
    Engine {
        /// The request to the engine.
        doing: String,
        /// Its answer.
        source: bollard::errors::Error,
    },
    /// The disk is nearly full.
    #[error("the disk that holds {} is {used_percent:.0} % full", path.display())]
    DiskFull {
        /// The data folder of the engine.
        path: PathBuf,
        /// The used share in per cent.
        used_percent: f64,
    },
    /// The folder of models has no such framework.
    #[error("there is no framework `{name}` in {}", models.display())]
    UnknownFramework {
        /// The name that was asked for.
        name: String,
        /// The folder of models.
        models: PathBuf,
        /// The frameworks in it.
        known: Vec<String>,
    },
    /// `framework.toml` is invalid.
    #[error("{}: {reason}", path.display())]
    BadFramework {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The value of a flag cannot be used.
    #[error("{0}")]
    BadRequest(String),
    /// The samples of an interrupted run cannot be used.
    #[error("cannot resume {}: {reason}", path.display())]
    NoResume {
        /// The file of samples.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The image could not be built.
    #[error("the image of {name} could not be built: {reason}")]
    Build {
        /// The framework.
        name: String,
        /// The error of the engine, and the last lines of its output.
        reason: String,
        /// The official base images that are not on this machine.
        missing_bases: Vec<String>,
    },
    /// A program that an app needs to run as a process is missing.
    #[error("{name} needs the program `{program}`, which is not on PATH")]
    MissingProgram {
        /// The framework.
        name: String,
        /// The program.
        program: String,
    },
    /// The framework cannot run as a process.
    #[error("{name} runs in containers only: its framework.toml has no [process] table")]
    OnlyContainers {
        /// The framework.
        name: String,
    },
    /// A command that prepares an app failed.
    #[error("{name} could not be prepared: `{command}`: {reason}")]
    Prepare {
        /// The framework.
        name: String,
        /// The command.
        command: String,
        /// The way in which it failed, with its last lines.
        reason: String,
    },
    /// The files of the image cannot be evicted from the page cache.
    #[error("disk-cold starts are not possible here: {reason}")]
    DiskCold {
        /// The reason.
        reason: String,
    },
    /// The registry for pulls fails.
    #[error("the registry at {address}: {reason}")]
    Registry {
        /// The host and the port.
        address: String,
        /// The reason.
        reason: String,
    },
    /// No configuration gave a sample.
    #[error("{name} gave no sample: {reason}")]
    NothingMeasured {
        /// The framework or image.
        name: String,
        /// The last failure.
        reason: String,
        /// The remedies, one line each.
        hints: Vec<String>,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// No subnet is free for a network.
    #[error("no free subnet for the measurement's network: {0}")]
    NoSubnet(String),
    /// A signal stopped the check of a contract.
    #[error("stopped by a signal")]
    Stopped,
    /// A signal stopped the measurement.
    #[error("stopped by a signal")]
    Interrupted {
        /// The folder of the samples taken so far; `None` if there are none.
        kept: Option<PathBuf>,
    },
}

impl MeasureError {
    /// The remedies, one line each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NoEngine { .. } => vec![
                "install Docker and start it (`sudo systemctl start docker`, or `sudo dockerd`)".into(),
                "if it listens at another address, name it: DOCKER_HOST=unix:///path/to/docker.sock".into(),
            ],
            Self::Denied { .. } => {
                vec![
                    "run as root, or join the group `docker` (`sudo usermod -aG docker $USER`, then log in again)"
                        .into(),
                ]
            }
            Self::Remote { .. } => vec![
                "run coldcast on that machine: it connects to the addresses of the containers".into(),
                "or add --force if this machine can reach these addresses".into(),
            ],
            Self::DiskFull { .. } => {
                vec!["free some space (`docker system df`, `docker image prune`), or add --force".into()]
            }
            Self::UnknownFramework { name, known, .. } => match nearest(name, known) {
                Some(near) => vec![format!("did you mean `{near}`?")],
                None if known.is_empty() => vec!["name the folder that holds the frameworks with --models".into()],
                None => vec![format!("known frameworks: {}", known.join(", "))],
            },
            Self::Build { missing_bases, .. } if !missing_bases.is_empty() => vec![
                format!("not on this machine: {}", missing_bases.join(", ")),
                "give the engine access to an image registry, or make local stand-ins with `.ci/base-images`".into(),
                "or name a local image: --base OFFICIAL=LOCAL".into(),
            ],
            Self::MissingProgram { name, program } => vec![
                format!("install `{program}`, or add its folder to PATH"),
                format!("or measure the image, which contains it: `coldcast measure docker {name}`"),
            ],
            Self::OnlyContainers { name } => vec![format!("measure its image: `coldcast measure docker {name}`")],
            Self::DiskCold { .. } => vec![
                "run as root, with an engine on this machine that uses the storage driver overlay2 (see `docker info`)".into(),
            ],
            Self::Registry { .. } => vec![
                "start one: `docker run -d -p 127.0.0.1:5000:5000 -e REGISTRY_STORAGE_DELETE_ENABLED=true registry:2`, or Debian's package docker-registry \
                 without its `auth` section"
                    .into(),
            ],
            Self::NoResume { .. } => vec!["leave out --resume to start a new run; the samples are kept under another name".into()],
            Self::Interrupted { kept: Some(kept) } => vec![
                format!("the samples taken so far are in {}", kept.display()),
                "to continue, run the same command with --resume".into(),
            ],
            Self::Interrupted { kept: None } => vec!["no sample was taken yet".into()],
            Self::NothingMeasured { hints, .. } | Self::Cloud { hints, .. } => hints.clone(),
            Self::NoSubnet(_) => vec!["remove unused networks: `docker network prune`".into()],
            Self::BadFramework { .. }
            | Self::BadRequest(_)
            | Self::Engine { .. }
            | Self::Build { .. }
            | Self::Stopped
            | Self::Prepare { .. }
            | Self::Io { .. } => Vec::new(),
        }
    }

    /// Returns true if the command line or a file is wrong, and false if the environment is.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::UnknownFramework { .. }
                | Self::BadFramework { .. }
                | Self::BadRequest(_)
                | Self::NoResume { .. }
                | Self::OnlyContainers { .. }
        )
    }

    /// Returns true if one subject cannot be measured while others can.
    pub fn is_of_one_subject(&self) -> bool {
        matches!(
            self,
            Self::Build { .. } | Self::MissingProgram { .. } | Self::OnlyContainers { .. } | Self::Prepare { .. }
        )
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }
}

fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= 3)
        .min()
        .map(|(_, candidate)| candidate)
}
