//! The preparation of an app that runs as a process: its programs, a private copy of its sources, and the commands that
//! prepare the copy.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::wait::WaitStatus;

use super::child::{Armed, how};
use super::marks;
use crate::measure::assemble::Image;
use crate::measure::error::MeasureError;
use crate::measure::lock;
use crate::measure::programs::on_path;
use crate::measure::progress::Progress;
use crate::measure::sources;
use crate::measure::sources::digest;
use crate::measure::subject::Subject;
use crate::model::framework::ProcessRecipe;
use crate::model::profile::ImageFacts;

/// The longest time that a program may take to print its release.
const SAYS_RELEASE: Duration = Duration::from_secs(10);

/// An app that can be started as a process.
#[derive(Debug)]
pub struct App {
    /// The private copy of its sources, in which it starts.
    folder: PathBuf,
    /// The program and its arguments.
    words: Vec<String>,
}

/// The folders of a run.
#[derive(Debug)]
pub struct Folders {
    run: String,
    /// The folder that contains all others.
    whole: PathBuf,
}

impl Folders {
    /// Creates the folders.
    ///
    /// # Errors
    /// If a folder cannot be created.
    pub fn new(run: &str) -> Result<Self, MeasureError> {
        let whole = marks::make_folder(run).map_err(|(path, source)| MeasureError::Io { path, source })?;
        let folders = Self {
            run: run.to_string(),
            whole,
        };
        for folder in [folders.home(), folders.temporary()] {
            fs::create_dir(&folder).map_err(MeasureError::io(&folder))?;
        }
        Ok(folders)
    }

    /// The home folder of the apps.
    fn home(&self) -> PathBuf {
        self.whole.join("home")
    }

    /// The folder for temporary files of apps and of the commands that prepare them.
    fn temporary(&self) -> PathBuf {
        self.whole.join("tmp")
    }

    /// The private copy of one app's sources. It lies one level deeper, because an app may have the name of another folder.
    fn of_app(&self, name: &str) -> PathBuf {
        self.whole.join("apps").join(name)
    }
}

impl App {
    /// The program, for messages.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The command that starts the server on `port`. It gets only `PATH` of this process's environment: other variables may be
    /// secret, and would change the measurement.
    pub fn command(&self, folders: &Folders, port: u16) -> Command {
        let (program, arguments) = match self.words.split_first() {
            Some((program, arguments)) => (program.as_str(), arguments),
            None => ("", [].as_slice()),
        };
        // A program with a slash belongs to the app; others are found on the path.
        let program = match program.contains('/') {
            true => self.folder.join(program).into_os_string(),
            false => program.into(),
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", path())
            .env("HOME", folders.home())
            .env("TMPDIR", folders.temporary())
            .env("LANG", "C.UTF-8")
            .env("PORT", port.to_string())
            .envs(marks::environment(&folders.run));
        command
    }
}

fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/local/bin:/usr/bin:/bin").into())
}

/// Prepares a subject to run as a process, and returns the facts about it.
pub async fn deploy(folders: &Folders, subject: &Subject, progress: &Progress) -> Result<(Image, App), MeasureError> {
    let name = subject.name();
    let Subject::Framework { framework, folder } = subject else {
        return Err(MeasureError::OnlyContainers { name: name.into() });
    };
    let Some(recipe) = &framework.process else {
        return Err(MeasureError::OnlyContainers { name: name.into() });
    };
    let runtime = programs(folders, name, recipe).await?;
    let mut notes = vec!["image: unpacked_bytes is the prepared folder, without the language's runtime".to_string()];
    if let Some(runtime) = &runtime {
        let other = format!(
            "runs with {runtime} of this machine; the image has {}",
            framework.runtime
        );
        progress.say(&format!("{name} {other}"));
        notes.push(other);
    }
    let sources = framework.image.sources(folder);
    let copy = folders.of_app(name);
    progress.now(format!("{name}: copying the sources"));
    let sources_digest = copied(&sources, &copy).map_err(MeasureError::io(&sources))?;
    for line in &recipe.prepare {
        progress.now(format!("{name}: {line}"));
        prepare(folders, name, &copy, line).await?;
    }
    let unpacked_bytes = bytes_below(&copy).map_err(MeasureError::io(&copy))?;
    let facts = ImageFacts {
        compressed_bytes: None,
        compressed_estimated: false,
        unpacked_bytes: Some(unpacked_bytes),
        layers: 0,
        packages: lock::packages(&sources, &framework.lock_files),
        direct_packages: lock::direct_packages(&sources, &framework.lock_files),
        os_packages: None,
        scan: None,
        pulls: Vec::new(),
    };
    let image = Image {
        id: digest(format!("{sources_digest} {}", runtime.as_deref().unwrap_or_default()).as_bytes()),
        notes,
        runtime,
        bases: std::collections::BTreeMap::new(),
        facts,
    };
    let app = App {
        folder: copy,
        words: recipe.command.clone(),
    };
    Ok((image, app))
}

/// The releases of the programs that an app needs; `None` if it needs no program.
async fn programs(folders: &Folders, name: &str, recipe: &ProcessRecipe) -> Result<Option<String>, MeasureError> {
    let mut releases = Vec::new();
    for program in &recipe.requires {
        if on_path(program, &path()).is_none() {
            return Err(MeasureError::MissingProgram {
                name: name.into(),
                program: program.clone(),
            });
        }
        releases.push(release(folders, program).await);
    }
    Ok((!releases.is_empty()).then(|| releases.join(", ")))
}

/// The first line that a program prints about its release, such as `node v20.20.2` or `Python 3.11.7`.
async fn release(folders: &Folders, program: &str) -> String {
    let mut command = Command::new(program);
    command
        .arg(if program == "go" { "version" } else { "--version" })
        .current_dir(&folders.whole)
        .envs(marks::environment(&folders.run));
    let said = async {
        let child = Armed::new(command, None, false).ok()?.spawn().await.ok()?;
        let status = tokio::time::timeout(SAYS_RELEASE, child.end().wait()).await.ok()?;
        let lines = child.log().last_lines().await;
        child.stop().await;
        let line = lines.first()?.trim().to_string();
        (matches!(status, WaitStatus::Exited(_, 0)) && !line.is_empty()).then_some(line)
    };
    match said.await {
        Some(line) if line.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{program} {line}")
        }
        Some(line) => line,
        None => format!("{program} of an unknown release"),
    }
}

/// Copies the sources, without the remains of builds and measurements. Returns the digest of the copy.
fn copied(sources: &Path, to: &Path) -> io::Result<String> {
    let archive = sources::archive(sources)?;
    fs::create_dir_all(to)?;
    tar::Archive::new(archive.as_slice()).unpack(to)?;
    Ok(digest(&archive))
}

/// Runs one command that prepares an app. The command gets the environment of this process, because package managers need their
/// registries, proxies and caches. Its output is shown only if it fails.
async fn prepare(folders: &Folders, name: &str, copy: &Path, line: &str) -> Result<(), MeasureError> {
    let failed = |reason: String| MeasureError::Prepare {
        name: name.into(),
        command: line.into(),
        reason,
    };
    let words = shlex::split(line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| failed("it has no words, or a quote that is not closed".into()))?;
    let program = match words[0].contains('/') {
        true => copy.join(&words[0]).into_os_string(),
        false => words[0].as_str().into(),
    };
    let mut command = Command::new(program);
    command
        .args(&words[1..])
        .current_dir(copy)
        .env("TMPDIR", folders.temporary())
        .envs(marks::environment(&folders.run));
    let started = async { Armed::new(command, None, false)?.spawn().await };
    let child = started.await.map_err(|error| failed(error.to_string()))?;
    let status = child.end().wait().await;
    let lines = child.log().last_lines().await;
    child.stop().await;
    if status_is_success(status) {
        return Ok(());
    }
    Err(failed(format!("it {}\n{}", how(status), lines.join("\n"))))
}

fn status_is_success(status: WaitStatus) -> bool {
    matches!(status, WaitStatus::Exited(_, 0))
}

/// The bytes of all files below a folder; links are not followed.
fn bytes_below(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()? {
            kind if kind.is_dir() => bytes_below(&entry.path())?,
            kind if kind.is_file() => entry.metadata()?.len(),
            _ => 0,
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_sees_nothing_of_our_environment_but_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders {
            run: "ab12".into(),
            whole: folder.path().into(),
        };
        let app = App {
            folder: folders.of_app("gin"),
            words: vec!["./server".into(), "--fast".into()],
        };
        let command = app.command(&folders, 4711);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
        let expected = [
            "COLDCAST_OWNER",
            "COLDCAST_RUN",
            "HOME",
            "LANG",
            "PATH",
            "PORT",
            "TMPDIR",
        ];
        assert_eq!(names, expected);
        assert_eq!(command.get_program(), folder.path().join("apps/gin/./server"));
        assert_eq!(
            command.get_current_dir(),
            Some(folder.path().join("apps/gin").as_path())
        );
    }

    #[test]
    fn copies_leave_out_what_builds_left_and_tell_sources_apart() {
        let folder = tempfile::tempdir().unwrap();
        let sources = folder.path().join("sources");
        for path in ["app.py", "lib/a.py", "node_modules/x/index.js", "profile.json"] {
            let path = sources.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "one").unwrap();
        }
        let copy = folder.path().join("copy");
        let digest = copied(&sources, &copy).unwrap();
        assert_eq!(bytes_below(&copy).unwrap(), 6);
        assert!(copy.join("lib/a.py").is_file() && !copy.join("node_modules").exists());
        assert_eq!(copied(&sources, &folder.path().join("again")).unwrap(), digest);
        fs::write(sources.join("lib/a.py"), "two").unwrap();
        assert_ne!(copied(&sources, &folder.path().join("other")).unwrap(), digest);
    }
}
