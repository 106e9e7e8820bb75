//! The marks of a run, by which its processes and its folder are found again, also when the run itself is dead. A process is
//! marked by two variables in its environment, which descendants inherit. The folder is marked by its name and a file in it.
//! Nothing without these marks is ever touched.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::child::GRACE;
use crate::measure::cleanup::Leftover;
use crate::measure::host;
use crate::measure::usage::process_tree;

/// The variable with the run to which a process belongs.
const RUN: &str = "COLDCAST_RUN";
/// The variable with the identity of the process that started it.
const OWNER: &str = "COLDCAST_OWNER";
/// The beginning of a folder's name; the id of the run follows.
const FOLDER: &str = "coldcast-run-";
/// The file in the folder with the identity of the process that made it.
const OWNER_FILE: &str = "owner";
/// The time after the kill from which a process counts as stuck in the kernel.
const STUCK: Duration = Duration::from_secs(5);

/// The environment variables that mark a process of a run.
pub fn environment(run: &str) -> [(&'static str, String); 2] {
    [(RUN, run.to_string()), (OWNER, host::own_identity())]
}

/// Creates the folder of a run, which no other user may read.
///
/// # Errors
/// The folder that could not be created, and the reason.
pub fn make_folder(run: &str) -> Result<PathBuf, (PathBuf, io::Error)> {
    let base = std::env::temp_dir();
    let base = base.canonicalize().map_err(|error| (base, error))?;
    let folder = base.join(format!("{FOLDER}{run}"));
    let made = DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .and_then(|()| fs::write(folder.join(OWNER_FILE), host::own_identity()));
    made.map(|()| folder.clone()).map_err(|error| (folder, error))
}

/// A process with the mark of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marked {
    pid: Pid,
    run: String,
    owner: Option<String>,
    name: String,
}

/// All processes with the mark of a run that this user may read.
fn marked() -> impl Iterator<Item = Marked> {
    process_tree::all().filter_map(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let run = value(&environ, RUN)?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        Some(Marked {
            pid,
            run,
            owner: value(&environ, OWNER),
            name: name.trim().to_string(),
        })
    })
}

/// The value of a variable in an environment, as the kernel shows it.
fn value(environ: &[u8], name: &str) -> Option<String> {
    let mut pairs = environ.split(|&byte| byte == 0);
    let value = pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The remains of runs on this machine, by run.
pub fn leftovers() -> BTreeMap<String, Leftover> {
    let mut runs: BTreeMap<String, Leftover> = BTreeMap::new();
    for process in marked() {
        let found = runs.entry(process.run).or_default();
        found.alive |= process.owner.is_some_and(|owner| host::is_alive(&owner));
        found.processes.push(format!("{} ({})", process.pid, process.name));
    }
    for (run, folder) in folders() {
        let found = runs.entry(run).or_default();
        let owner = fs::read_to_string(folder.join(OWNER_FILE)).unwrap_or_default();
        found.alive |= host::is_alive(&owner);
        found.folders.push(folder.display().to_string());
    }
    runs
}

/// The folders of runs in the folder for temporary files. They are known by their name, the file in them, and their owner.
fn folders() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let ours = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let run = name.strip_prefix(FOLDER).filter(|run| is_id(run))?;
        let data = entry.metadata().ok()?;
        let ours = data.is_dir() && data.uid() == geteuid().as_raw() && entry.path().join(OWNER_FILE).is_file();
        ours.then(|| (run.to_string(), entry.path()))
    });
    ours.collect()
}

fn is_id(run: &str) -> bool {
    run.len() == 8 && run.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Stops the processes of a run, and removes its folder.
///
/// # Errors
/// A description of what is left.
pub async fn sweep(run: &str) -> Result<(), String> {
    end_all(|| {
        marked()
            .filter(|process| process.run == run)
            .map(|process| process.pid)
            .collect()
    })
    .await?;
    for (_, folder) in folders().into_iter().filter(|(of, _)| of == run) {
        remove(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

/// Removes a folder. The file that marks it goes last, so that an interrupted removal can be finished.
fn remove(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false if entry.file_name() == OWNER_FILE => {}
            false => fs::remove_file(entry.path())?,
        }
    }
    fs::remove_dir_all(folder)
}

/// Stops the rest of an instance: the processes in its session, and those that left it but carry the mark of the run.
///
/// # Errors
/// A description of what is left.
pub async fn end_strays(run: &str, session: Pid) -> Result<(), String> {
    end_all(|| {
        let mut found = process_tree::in_session(session);
        found.extend(marked().filter(|process| process.run == run).map(|process| process.pid));
        found
    })
    .await
}

/// Asks all processes that `find` finds to stop, and kills those that do not, until `find` finds none.
async fn end_all(find: impl Fn() -> Vec<Pid>) -> Result<(), String> {
    let began = Instant::now();
    let mut asked = Vec::new();
    loop {
        let found = find();
        if found.is_empty() {
            return Ok(());
        }
        for &pid in &found {
            if began.elapsed() > GRACE {
                let _ = kill(pid, Signal::SIGKILL);
            } else if !asked.contains(&pid) {
                let _ = kill(pid, Signal::SIGTERM);
                asked.push(pid);
            }
        }
        if began.elapsed() > GRACE + STUCK {
            let left: Vec<String> = found.iter().map(ToString::to_string).collect();
            return Err(format!("processes that do not end: {}", left.join(", ")));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_whole() {
        let environ = b"PATH=/bin\0XCOLDCAST_RUN=no\0COLDCAST_RUN=ab12\0COLDCAST_RUNNER=no\0COLDCAST_OWNER=7.9\0";
        assert_eq!(value(environ, RUN).as_deref(), Some("ab12"));
        assert_eq!(value(environ, OWNER).as_deref(), Some("7.9"));
        assert_eq!(value(b"", RUN), None);
    }

    #[test]
    fn only_ids_of_runs_name_folders() {
        assert!(is_id("0123abcd"));
        for other in ["", "ci.Xa92bc", "0123abc", "0123abcde", "0123abcg"] {
            assert!(!is_id(other), "{other}");
        }
    }
}
