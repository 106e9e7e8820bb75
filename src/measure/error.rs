//! What can keep a measurement from happening, and what to do about it. A start that fails is no error but a result.

use std::path::PathBuf;

/// Why measuring was not possible.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Nothing answers at the engine's address.
    #[error("no Docker engine answers at {host}: {reason}")]
    NoEngine {
        /// The engine's address.
        host: String,
        /// What the attempt met.
        reason: String,
    },
    /// The engine is there but refuses this user.
    #[error("permission denied on the Docker engine at {host}")]
    Denied {
        /// The engine's address.
        host: String,
    },
    /// The engine runs on another machine.
    #[error("the Docker engine at {host} is on another machine")]
    Remote {
        /// The engine's address.
        host: String,
    },
    /// The engine refused or failed.
    #[error("the Docker engine could not {doing}: {source}")]
    Engine {
        /// What was asked of it.
        doing: String,
        /// Its answer.
        source: bollard::errors::Error,
    },
    /// Too little disk left.
    #[error("the disk that holds {} is {used_percent:.0} % full", path.display())]
    DiskFull {
        /// The engine's data folder.
        path: PathBuf,
        /// Used share in per cent.
        used_percent: f64,
    },
    /// No such folder.
    #[error("there is no framework `{name}` in {}", models.display())]
    UnknownFramework {
        /// The name given.
        name: String,
        /// The folder searched.
        models: PathBuf,
        /// What is there.
        known: Vec<String>,
    },
    /// `framework.toml` is wrong.
    #[error("{}: {reason}", path.display())]
    BadFramework {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A flag has a value that cannot be used.
    #[error("{0}")]
    BadRequest(String),
    /// Samples of an earlier run cannot be gone on with.
    #[error("cannot resume {}: {reason}", path.display())]
    NoResume {
        /// The file of samples.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The image could not be built.
    #[error("the image of {name} could not be built: {reason}")]
    Build {
        /// The framework.
        name: String,
        /// The engine's last words.
        reason: String,
        /// Official base images that are not on this machine.
        missing_bases: Vec<String>,
    },
    /// A program that an app needs to run as a process is not there.
    #[error("{name} needs the program `{program}`, which is not on PATH")]
    MissingProgram {
        /// The framework.
        name: String,
        /// The program.
        program: String,
    },
    /// A framework without a way to run as a process.
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
        /// What happened, with its last words.
        reason: String,
    },
    /// Page caches of the image's files cannot be emptied.
    #[error("disk-cold starts are not possible here: {reason}")]
    DiskCold {
        /// Why not.
        reason: String,
    },
    /// The registry for pulls does not answer, or not as it should.
    #[error("the registry at {address}: {reason}")]
    Registry {
        /// Host and port.
        address: String,
        /// What happened.
        reason: String,
    },
    /// No configuration gave a single sample.
    #[error("{name} gave no sample: {reason}")]
    NothingMeasured {
        /// The framework or image.
        name: String,
        /// The last failure.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// The engine left no room for a network.
    #[error("no free subnet for the measurement's network: {0}")]
    NoSubnet(String),
    /// Stopped by a signal before anything was measured.
    #[error("stopped by a signal")]
    Stopped,
    /// Stopped by a signal.
    #[error("stopped by a signal")]
    Interrupted {
        /// Where the samples taken so far are.
        kept: PathBuf,
    },
}

impl MeasureError {
    /// What to do about it, one remedy each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NoEngine { .. } => vec![
                "install Docker and start it (`sudo systemctl start docker`, or `sudo dockerd`)".into(),
                "if it listens elsewhere, say where: DOCKER_HOST=unix:///path/to/docker.sock".into(),
            ],
            Self::Denied { .. } => {
                vec![
                    "run as root, or join the group `docker` (`sudo usermod -aG docker $USER`, then log in again)"
                        .into(),
                ]
            }
            Self::Remote { .. } => vec![
                "run coldcast on that machine: it probes containers at their own address".into(),
                "add --force if their addresses can be reached from here".into(),
            ],
            Self::DiskFull { .. } => {
                vec!["free some space (`docker system df`, `docker image prune`), or add --force".into()]
            }
            Self::UnknownFramework { name, known, .. } => match nearest(name, known) {
                Some(near) => vec![format!("did you mean `{near}`?")],
                None if known.is_empty() => vec!["name the folder that holds the frameworks with --models".into()],
                None => vec![format!("there are: {}", known.join(", "))],
            },
            Self::Build { missing_bases, .. } if !missing_bases.is_empty() => vec![
                format!("not on this machine: {}", missing_bases.join(", ")),
                "give the engine access to an image registry, or make local stand-ins with `.ci/base-images`".into(),
                "or name a local image: --base OFFICIAL=LOCAL".into(),
            ],
            Self::MissingProgram { name, program } => vec![
                format!("install `{program}`, or add its folder to PATH"),
                format!("or measure the image, which has it: `coldcast measure docker {name}`"),
            ],
            Self::OnlyContainers { name } => vec![format!("measure its image: `coldcast measure docker {name}`")],
            Self::DiskCold { .. } => vec![
                "run as root beside an engine on this machine that keeps images with overlay2 (`docker info`)".into(),
            ],
            Self::Registry { .. } => vec![
                "start one: `docker run -d -p 127.0.0.1:5000:5000 -e REGISTRY_STORAGE_DELETE_ENABLED=true registry:2`, or Debian's package docker-registry \
                 without its `auth` section"
                    .into(),
            ],
            Self::NoResume { .. } => vec!["without --resume the run starts anew; the samples are kept under another name".into()],
            Self::Interrupted { kept } => vec![
                format!("the samples taken so far are in {}", kept.display()),
                "go on with them: the same command with --resume".into(),
            ],
            Self::NoSubnet(_) => vec!["remove unused networks: `docker network prune`".into()],
            Self::BadFramework { .. }
            | Self::BadRequest(_)
            | Self::Engine { .. }
            | Self::Build { .. }
            | Self::NothingMeasured { .. }
            | Self::Stopped
            | Self::Prepare { .. }
            | Self::Io { .. } => Vec::new(),
        }
    }

    /// True when what was typed or a file is wrong, false when the surroundings are.
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

    /// True when one subject cannot be measured and others can.
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
