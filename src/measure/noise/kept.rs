//! The state of coldcast on this machine, kept between runs in the user's state folder: the figures of the machine at rest, and
//! those of its newest panel.
//!
//! The folder is `$XDG_STATE_HOME/coldcast`, or `~/.local/state/coldcast`. Files in it are named by the machine, and say to
//! which machine they belong: a home folder may be shared by several machines.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::measure::host;
use crate::model::profile::QuietMachine;

/// The version of the file.
const SCHEMA: u32 = 1;

/// The marks by which a machine is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineKey {
    /// The CPU model.
    pub cpu: String,
    /// The number of logical CPUs that this process may use.
    pub cores: u32,
    /// The kernel release.
    pub kernel: String,
    /// A digest of the machine's id, the facts above and the build of coldcast, 16 hexadecimal digits. The id itself is private
    /// and is not kept.
    pub digest: String,
}

impl MachineKey {
    /// This machine.
    pub fn here() -> Self {
        let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        Self::new(host::cpu_model(), host::cores(), host::kernel(), id.trim())
    }

    fn new(cpu: String, cores: u32, kernel: String, id: &str) -> Self {
        // The fixed work of another build is other work. The number changes with the work itself.
        let build = (env!("CARGO_PKG_VERSION"), cfg!(debug_assertions), 2);
        let digest = short_digest(&format!("coldcast\n{build:?}\n{id}\n{cpu}\n{cores}\n{kernel}"));
        Self {
            cpu,
            cores,
            kernel,
            digest,
        }
    }
}

/// The digest that tells this machine from others, whatever its kernel and the build of coldcast: 16 hexadecimal digits.
pub fn machine_digest() -> String {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    short_digest(&format!(
        "machine\n{}\n{}\n{}",
        id.trim(),
        host::cpu_model(),
        host::cores()
    ))
}

fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    folder: PathBuf,
    key: MachineKey,
}

/// The file of the figures of a machine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    schema: u32,
    machine: MachineKey,
    figures: QuietMachine,
}

/// The figures that were kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// None.
    Nothing,
    /// Figures of this machine.
    Figures(QuietMachine),
    /// A file that is not believed, with the reason.
    Unbelieved(String),
}

impl State {
    /// The state folder of this user; `None` if the environment names neither it nor a home folder.
    pub fn of_user() -> Option<Self> {
        let absolute = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let folder = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
        Some(Self::at(folder.join("coldcast"), MachineKey::here()))
    }

    /// The state of the machine `key` in `folder`.
    pub fn at(folder: impl Into<PathBuf>, key: MachineKey) -> Self {
        Self {
            folder: folder.into(),
            key,
        }
    }

    /// The path of a file about this machine.
    pub fn path(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("{kind}-{}.json", self.key.digest))
    }

    /// The figures of this machine at rest.
    pub fn figures(&self) -> Kept {
        let path = self.path("noise");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Kept::Nothing,
            Err(error) => return Kept::Unbelieved(format!("{}: {error}", path.display())),
        };
        match self.believed(&text) {
            Ok(figures) => Kept::Figures(figures),
            Err(reason) => Kept::Unbelieved(format!("{}: {reason}", path.display())),
        }
    }

    /// The figures in the text of a file, if it is whole and about this machine.
    fn believed(&self, text: &str) -> Result<QuietMachine, String> {
        let file: Figures = serde_json::from_str(text).map_err(|error| format!("it is damaged: {error}"))?;
        if file.schema != SCHEMA {
            return Err(format!("its schema is {}; this version reads {SCHEMA}", file.schema));
        }
        if file.machine != self.key {
            return Err(format!(
                "it is about another machine ({})",
                file.machine.cpu.escape_debug()
            ));
        }
        if !file.figures.is_plausible() {
            return Err("its figures are impossible".into());
        }
        Ok(file.figures)
    }

    /// Keeps figures of this machine, in place of those that were kept.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_figures(&self, figures: &QuietMachine) -> std::io::Result<PathBuf> {
        self.keep(
            "noise",
            &Figures {
                schema: SCHEMA,
                machine: self.key.clone(),
                figures: figures.clone(),
            },
        )
    }

    /// Writes a file about this machine, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep<T: Serialize>(&self, kind: &str, content: &T) -> std::io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(kind);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let text = serde_json::to_string_pretty(content).map_err(std::io::Error::other)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.persist(&path)?;
        Ok(path)
    }

    /// Reads a file about this machine; `None` if there is none or it is damaged.
    pub fn read<T: DeserializeOwned>(&self, kind: &str) -> Option<T> {
        serde_json::from_str(&fs::read_to_string(self.path(kind)).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::Spread;

    fn key(cpu: &str) -> MachineKey {
        MachineKey::new(cpu.into(), 2, "6.18".into(), "1d")
    }

    fn figures() -> QuietMachine {
        QuietMachine {
            at: "2026-11-30T20:00:00Z".into(),
            rounds: 9_000_000,
            readings: 40,
            spin_ms: Spread {
                median: 20.0,
                p90: 20.4,
            },
            walk_ms: Spread {
                median: 50.0,
                p90: 52.0,
            },
            contention: Spread { median: 0.0, p90: 0.01 },
            quiet: true,
        }
    }

    #[test]
    fn figures_come_back_and_nothing_else_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path().join("coldcast"), key("A"));
        assert_eq!(state.figures(), Kept::Nothing);
        let path = state.keep_figures(&figures()).unwrap();
        assert_eq!(state.figures(), Kept::Figures(figures()));
        let text = fs::read_to_string(&path).unwrap();
        let unbelieved = |text: &str, reason: &str| {
            fs::write(&path, text).unwrap();
            match state.figures() {
                Kept::Unbelieved(why) => assert!(why.contains(reason) && why.contains("noise-"), "{why}"),
                other => panic!("{other:?}"),
            }
        };
        unbelieved(&text[..text.len() / 2], "it is damaged");
        unbelieved(&text.replace("\"rounds\"", "\"wheels\""), "it is damaged");
        unbelieved(&text.replace("\"schema\": 1", "\"schema\": 7"), "its schema is 7");
        unbelieved(&text.replace("\"cpu\": \"A\"", "\"cpu\": \"B\""), "another machine (B)");
        unbelieved(&text.replace("20.4", "2.0"), "impossible");
        unbelieved(&text.replace("20.0", "0.0"), "impossible");
    }

    #[test]
    fn machines_that_share_a_home_have_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (State::at(folder.path(), key("A")), State::at(folder.path(), key("B")));
        one.keep_figures(&figures()).unwrap();
        assert_eq!(other.figures(), Kept::Nothing);
        assert_ne!(one.path("noise"), other.path("noise"));
        let elsewhere = MachineKey::new("A".into(), 2, "6.18".into(), "1e");
        assert_ne!(elsewhere.digest, key("A").digest, "the machine's id counts");
    }
}
