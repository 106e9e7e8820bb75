//! Trials: a user's own image whose first start failed is started again with a looser confinement, to see which rule of it
//! is the cause. No trial has more rights than `docker run` gives, and none has a network to the outside.
//!
//! The first trial has a writable root file system and the usual capabilities of the engine. If it gets no further, the
//! confinement is not to blame. If it does, more trials find out what the image needs at least, as long as the time lasts.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::engine::{ContainerSpec, Engine};
use super::network::Network;
use super::start::{self, Before, Start};
use crate::measure::config::Limits;
use crate::measure::options::{Capability, ContainerOptions, Tmpfs};
use crate::measure::probe::Endpoint;
use crate::measure::start::trouble::give_up::GiveUpAfter;
use crate::measure::start::trouble::log::{Cause, cause};
use crate::measure::start::{Failed, Outcome};
use crate::measure::subject::Subject;
use crate::model::profile::{CpuMode, FailureKind};

/// The time after which no further trial begins.
const BUDGET: Duration = Duration::from_secs(11);
/// The longest time of one trial.
const EACH: Duration = Duration::from_secs(20);
/// The largest number of capabilities that are found one by one.
const MOST_CAPABILITIES: usize = 8;
/// The largest number of folders in memory that a remedy names.
const MOST_FOLDERS: usize = 4;
/// The capabilities that the engine gives a container by default (Moby 20.10 to 28, `oci/caps/defaults.go`).
const USUAL: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The place of the trials.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub engine: &'a Engine,
    pub run: &'a str,
    pub image: &'a str,
    pub network: &'a Network,
    pub limits: Limits,
}

/// How far a start got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The program ended, or the engine refused it.
    Ended,
    /// The program runs and gives no right answer.
    Runs,
    /// A right answer came.
    Ready,
}

/// The outcome of a trial.
#[derive(Debug, Clone)]
struct Seen {
    stage: Stage,
    reason: String,
    hints: Vec<String>,
    log: Vec<String>,
    /// The paths that it changed, if it became ready.
    changed: Vec<String>,
}

impl Seen {
    fn of(failed: &Failed) -> Self {
        let stage = if failed.kind == FailureKind::Timeout {
            Stage::Runs
        } else {
            Stage::Ended
        };
        Self {
            stage,
            reason: failed.reason.clone(),
            hints: failed.hints.clone(),
            log: failed.log.clone(),
            changed: Vec::new(),
        }
    }

    /// Returns true if this start got further than another one with less rights.
    fn got_further_than(&self, other: &Self) -> bool {
        let confined = matches!(cause(&other.log), Some(Cause::ReadOnly(_) | Cause::Denied(_)));
        self.stage > other.stage || (self.stage == other.stage && confined && self.reason != other.reason)
    }

    /// Returns true if both got equally far.
    fn is_like(&self, other: &Self) -> bool {
        self.stage == other.stage && (self.stage == Stage::Ready || self.reason == other.reason)
    }
}

/// The rights that a trial adds.
#[derive(Debug, Clone, Default)]
struct Rights {
    writable: bool,
    tmpfs: Vec<String>,
    capabilities: Vec<String>,
}

impl Rights {
    fn on(&self, own: &ContainerOptions) -> ContainerOptions {
        let mut options = own.clone();
        options.writable |= self.writable;
        options
            .tmpfs
            .extend(self.tmpfs.iter().filter_map(|path| path.parse::<Tmpfs>().ok()));
        options.cap_add.extend(
            self.capabilities
                .iter()
                .filter_map(|name| name.parse::<Capability>().ok()),
        );
        options.cap_add.sort();
        options.cap_add.dedup();
        options
    }

    /// The flags that give them.
    fn flags(&self) -> String {
        let mut flags: Vec<String> = self.writable.then(|| "--writable".to_string()).into_iter().collect();
        flags.extend(self.tmpfs.iter().map(|path| format!("--tmpfs {path}")));
        if !self.capabilities.is_empty() {
            flags.push(format!("--cap-add {}", self.capabilities.join(",")));
        }
        flags.join(" ")
    }
}

/// Looks for the rule of the confinement that made a first start fail.
pub async fn explain(
    place: &Place<'_>,
    subject: &Subject,
    own: &ContainerOptions,
    number: u32,
    failed: Failed,
) -> Failed {
    if !is_worth_it(&failed) {
        return failed;
    }
    let mut trials = Trials {
        place,
        subject,
        own,
        number,
        until: Instant::now() + BUDGET,
    };
    let usual: Vec<String> = USUAL.map(str::to_string).into();
    let first = Rights {
        writable: true,
        capabilities: usual.clone(),
        ..Rights::default()
    };
    let before = Seen::of(&failed);
    let Some(best) = trials.start(&first).await else {
        return failed;
    };
    if !best.got_further_than(&before) {
        return unconfined(failed);
    }
    let needed = trials.needed(first, &best).await;
    let folders = trials.folders(&needed, &best).await;
    told(failed, &best, &needed, folders.as_ref())
}

/// Returns true if the confinement may be the cause of a failure.
fn is_worth_it(failed: &Failed) -> bool {
    match (failed.kind, cause(&failed.log)) {
        (FailureKind::Exited | FailureKind::Timeout, Some(Cause::ReadOnly(_) | Cause::Denied(_))) => true,
        (FailureKind::Exited, None) => !failed.reason.starts_with("exited with code 0 "),
        _ => false,
    }
}

fn unconfined(mut failed: Failed) -> Failed {
    let denied = matches!(cause(&failed.log), Some(Cause::ReadOnly(_) | Cause::Denied(_)));
    if denied {
        failed.hints.clear();
    }
    failed.hints.push(
        "it fails in the same way with a writable root file system and the engine's usual capabilities: the confinement is not the \
         cause"
            .into(),
    );
    failed
}

/// The failure with the rules that it broke.
fn told(failed: Failed, best: &Seen, needed: &Rights, folders: Option<&Rights>) -> Failed {
    let mut rules = Vec::new();
    if needed.writable {
        let written: Vec<&str> = folders
            .map(|folders| folders.tmpfs.iter().map(String::as_str).collect())
            .unwrap_or_default();
        let what = if written.is_empty() {
            String::new()
        } else {
            format!(", and it writes {}", written.join(", "))
        };
        rules.push(format!("the root file system is read-only{what}"));
    }
    if !needed.capabilities.is_empty() {
        rules.push(if needed.capabilities == USUAL {
            "it has no capabilities, and it needs some of those that the engine usually gives".into()
        } else {
            let names = needed.capabilities.join(", ");
            format!("it has no capabilities, and it needs {names}")
        });
    }
    let flags = needed.flags();
    let then = match best.stage {
        Stage::Ready => "it starts".to_string(),
        _ => format!("it gets further: {}", best.reason),
    };
    let mut hints: Vec<String> = folders
        .map(|folders| format!("with {} it starts", folders.flags()))
        .into_iter()
        .collect();
    hints.push(format!("with {flags} {then}"));
    hints.extend(best.hints.iter().cloned());
    Failed {
        reason: format!("{}. The confinement is the cause: {}", failed.reason, rules.join("; ")),
        hints,
        ..failed
    }
}

struct Trials<'a> {
    place: &'a Place<'a>,
    subject: &'a Subject,
    own: &'a ContainerOptions,
    number: u32,
    until: Instant,
}

impl Trials<'_> {
    /// Starts the image with these rights; `None` if the time is over.
    async fn start(&mut self, rights: &Rights) -> Option<Seen> {
        if Instant::now() >= self.until {
            return None;
        }
        let Place {
            engine,
            run,
            image,
            network,
            limits,
        } = *self.place;
        let name = format!("coldcast-{run}-{}", self.number);
        self.number += 1;
        let endpoint = Endpoint {
            address: SocketAddr::from((network.container, self.subject.port())),
            path: self.subject.path().to_string(),
            headers: self.subject.headers(),
            expect: self.subject.expect(),
        };
        let options = rights.on(self.own);
        let start = Start {
            container: ContainerSpec {
                name: &name,
                run,
                image,
                limits,
                network,
                options: &options,
            },
            endpoint: &endpoint,
            ready_timeout: EACH,
            before: Before::Nothing,
            cpu_mode: CpuMode::Flat,
            workload: &self.subject.routes().main(),
            work_port: self.subject.port(),
            give_up_after: GiveUpAfter::TRIAL,
        };
        Some(match start::cold_start(engine, &start).await {
            Outcome::Failed(failed) => Seen::of(&failed),
            Outcome::Up(up) => {
                let changed = engine.changed_paths(&up.id).await;
                drop(up.ready);
                // A container that stays is found by its label at the end.
                let _ = engine.remove(&up.id).await;
                Seen {
                    stage: Stage::Ready,
                    reason: String::new(),
                    hints: Vec::new(),
                    log: Vec::new(),
                    changed,
                }
            }
        })
    }

    /// The least rights with which the image gets as far as with `all`; `all` itself if the time does not suffice.
    async fn needed(&mut self, all: Rights, best: &Seen) -> Rights {
        let writable = Rights {
            writable: true,
            ..Rights::default()
        };
        let Some(mut seen) = self.start(&writable).await else {
            return all;
        };
        if seen.is_like(best) {
            return writable;
        }
        let capable = Rights {
            writable: false,
            ..all.clone()
        };
        let Some(without_root) = self.start(&capable).await else {
            return all;
        };
        let mut rights = Rights {
            writable: !without_root.is_like(best),
            ..Rights::default()
        };
        if !rights.writable {
            let Some(bare) = self.start(&rights).await else {
                return capable;
            };
            seen = bare;
        }
        // The log names one capability after the other.
        while rights.capabilities.len() < MOST_CAPABILITIES {
            match cause(&seen.log) {
                Some(Cause::Denied(Some(name))) if !rights.capabilities.iter().any(|known| known == name) => {
                    rights.capabilities.push(name.into());
                }
                _ => break,
            }
            match self.start(&rights).await {
                Some(now) if now.is_like(best) => return rights,
                Some(now) => seen = now,
                None => break,
            }
        }
        Rights {
            writable: rights.writable,
            ..all
        }
    }

    /// Folders in memory that make a writable root unnecessary; `None` if there is no such short list.
    async fn folders(&mut self, needed: &Rights, best: &Seen) -> Option<Rights> {
        let folders = folders_of(&best.changed);
        if !needed.writable || folders.is_empty() || folders.len() > MOST_FOLDERS {
            return None;
        }
        let rights = Rights {
            writable: false,
            tmpfs: folders,
            capabilities: needed.capabilities.clone(),
        };
        let seen = self.start(&rights).await?;
        seen.is_like(best).then_some(rights)
    }
}

/// The folders of these files, without those below another one. None if a file lies in the root folder itself.
fn folders_of(changed: &[String]) -> Vec<String> {
    let mut folders: Vec<&str> = changed
        .iter()
        .map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    if folders.contains(&"") {
        return Vec::new();
    }
    let is_below = |folder: &&str| folders.iter().any(|other| folder.starts_with(&format!("{other}/")));
    folders
        .iter()
        .filter(|folder| !is_below(folder))
        .map(ToString::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: FailureKind, reason: &str, log: &str) -> Failed {
        Failed {
            log: vec![log.into()],
            ..Failed::new(kind, reason)
        }
    }

    #[test]
    fn only_what_the_confinement_may_have_caused_is_tried() {
        let of = |kind, reason: &str, log: &str| is_worth_it(&failed(kind, reason, log));
        let code = "exited with code 1 before it was ready";
        assert!(of(FailureKind::Exited, code, "Read-only file system: '/app/data'"));
        assert!(of(FailureKind::Exited, code, "something went wrong"));
        assert!(of(
            FailureKind::Timeout,
            "not ready",
            "[emerg] setuid(33) failed (1: Operation not permitted)"
        ));
        assert!(
            !of(FailureKind::Exited, code, "FATAL: SHOP_SECRET is not set"),
            "a setting is missing"
        );
        assert!(
            !of(FailureKind::Exited, "exited with code 0 before it was ready", "done"),
            "it went to the background"
        );
        assert!(!of(FailureKind::Timeout, "not ready", "waiting"));
        assert!(!of(FailureKind::OutOfMemory, "out of memory", ""));
    }

    #[test]
    fn a_start_that_gets_further_is_recognised() {
        let seen = |kind, reason: &str, log: &str| Seen::of(&failed(kind, reason, log));
        let ended = seen(FailureKind::Exited, "exited with code 1", "Read-only file system");
        let runs = seen(FailureKind::Timeout, "answered with status 404", "");
        let other_end = seen(FailureKind::Exited, "exited with code 0", "");
        assert!(runs.got_further_than(&ended) && other_end.got_further_than(&ended));
        assert!(!ended.got_further_than(&ended.clone()) && !ended.got_further_than(&runs));
        let crash = seen(FailureKind::Exited, "exited with code 1: \"at 12:00\"", "crash");
        assert!(!seen(FailureKind::Exited, "exited with code 1: \"at 12:01\"", "crash").got_further_than(&crash));
    }

    #[test]
    fn rules_and_flags_are_told() {
        let rights = Rights {
            writable: true,
            capabilities: vec!["CHOWN".into(), "SETUID".into()],
            ..Rights::default()
        };
        let folders = Rights {
            writable: false,
            tmpfs: vec!["/var/lib/x".into()],
            ..rights.clone()
        };
        let ready = Seen {
            stage: Stage::Ready,
            reason: String::new(),
            hints: vec![],
            log: vec![],
            changed: vec![],
        };
        let text = told(
            failed(FailureKind::Exited, "exited with code 1", ""),
            &ready,
            &rights,
            Some(&folders),
        );
        assert_eq!(
            text.reason,
            "exited with code 1. The confinement is the cause: the root file system is read-only, and it writes /var/lib/x; it has \
             no capabilities, and it needs CHOWN, SETUID"
        );
        let all = Rights {
            capabilities: USUAL.map(String::from).into(),
            ..Rights::default()
        };
        let unknown = told(
            failed(FailureKind::Exited, "exited with code 1", ""),
            &ready,
            &all,
            None,
        );
        assert!(
            unknown
                .reason
                .ends_with("it has no capabilities, and it needs some of those that the engine usually gives"),
            "{unknown:?}"
        );
        assert!(
            unknown.hints[0].starts_with("with --cap-add AUDIT_WRITE,CHOWN,"),
            "{unknown:?}"
        );
        assert_eq!(
            text.hints,
            [
                "with --tmpfs /var/lib/x --cap-add CHOWN,SETUID it starts",
                "with --writable --cap-add CHOWN,SETUID it starts"
            ]
        );
    }

    #[test]
    fn folders_are_those_of_the_changed_files() {
        let of = |paths: &[&str]| folders_of(&paths.iter().map(|path| (*path).to_string()).collect::<Vec<_>>());
        assert_eq!(
            of(&["/app/data/shop.db", "/app/data/wal/1", "/run/app.pid"]),
            ["/app/data", "/run"]
        );
        assert_eq!(of(&["/app.log"]), Vec::<String>::new());
        assert!(USUAL.iter().all(|name| name.parse::<Capability>().is_ok()));
    }
}
