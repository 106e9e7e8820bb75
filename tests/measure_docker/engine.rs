//! An engine that dies in the middle of a measurement and comes back: what the run has left is found by its label. The
//! engine is one of the test's own, so that no other test and nobody's containers are touched.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::app::BASE;
use crate::bench::{bench, write_framework};
use crate::odd::{assert_says, coldcast, has_lines, skip, wait_until};

struct OwnEngine {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl OwnEngine {
    /// Starts one that holds the base image of the shared engine; `None` where it cannot run.
    fn start(base: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return skip("an engine of its own needs root");
        }
        let folder = tempfile::tempdir().unwrap();
        let Some(daemon) = daemon(folder.path()) else {
            return skip("no program dockerd");
        };
        let engine = Self { folder, daemon };
        wait_until(|| engine.docker(&["info"]).status.success());
        let mut saved = Command::new("docker")
            .args(["save", base])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let loaded = engine
            .command(&["load", "-q"])
            .stdin(saved.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(saved.wait().unwrap().success() && loaded.status.success(), "{loaded:?}");
        Some(engine)
    }

    fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(["-H", &self.host()]).args(arguments);
        command
    }

    fn docker(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What carries the label of a run.
    fn left(&self) -> String {
        let list = |arguments: &[&str]| String::from_utf8(self.docker(arguments).stdout).unwrap();
        let label = "label=coldcast.run";
        list(&["ps", "-aq", "--filter", label]) + &list(&["network", "ls", "-q", "--filter", label])
    }

    /// Kills it at once and starts it again.
    fn restart(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
        self.daemon = daemon(self.folder.path()).unwrap();
        wait_until(|| self.docker(&["info"]).status.success());
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.daemon.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.daemon.wait();
        // An engine that ends in order unmounts what it has mounted; its folder goes with the test.
    }
}

fn daemon(folder: &Path) -> Option<Child> {
    let at = |name: &str| folder.join(name).display().to_string();
    // The file of a process that was killed.
    let _ = std::fs::remove_file(folder.join("docker.pid"));
    Command::new("dockerd")
        .args(["--bridge=none", "--iptables=false", "--log-level=error"])
        .args(["--data-root", &at("data"), "--exec-root", &at("exec")])
        .args([
            "--pidfile",
            &at("docker.pid"),
            "-H",
            &format!("unix://{}", at("docker.sock")),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

#[test]
fn what_a_run_left_on_an_engine_that_died_is_found_when_it_is_back() {
    // Holds the turn of the shared engine, which lends its base image.
    let Some(shared) = bench("orphan") else { return };
    let Some(base) = base(&shared) else { return };
    let Some(mut engine) = OwnEngine::start(&base) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    write_framework(folder.path(), "orphan");
    let out = folder.path().join("out");
    let mut command = coldcast();
    command
        .args(["measure", "docker", "odd-orphan", "--quick", "--samples", "1000"])
        .arg("--models")
        .arg(folder.path())
        .arg("--out")
        .arg(&out)
        .env("DOCKER_HOST", engine.host())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    wait_until(|| has_lines(&out.join("raw/odd-orphan.jsonl")) && engine.left().lines().count() == 2);
    engine.restart();
    let output = run.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let cleanup = || {
        let mut command = coldcast();
        command
            .args(["measure", "cleanup", "--yes"])
            .env("DOCKER_HOST", engine.host());
        command.output().unwrap()
    };
    let first = cleanup();
    assert_eq!(
        first.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    assert_eq!(engine.left(), "", "{}", String::from_utf8_lossy(&first.stderr));
    assert_says(&cleanup(), 0, &["nothing to remove"]);
    assert!(has_lines(&out.join("raw/odd-orphan.jsonl")), "samples are kept");
}

/// The base image on the shared engine: the official one or its stand-in.
fn base(shared: &crate::bench::Bench) -> Option<String> {
    let found = Command::new("docker")
        .args(["images", "--format", "{{.Repository}}:{{.Tag}}"])
        .args(["--filter", &format!("label=coldcast.base-for={BASE}")])
        .output();
    let Ok(found) = found else {
        return skip("no program docker");
    };
    let found = String::from_utf8(found.stdout).unwrap();
    let stand_in = found.lines().find(|name| name.starts_with("coldcast-base/"));
    let official = || {
        shared
            .runtime
            .block_on(shared.engine.docker.inspect_image(BASE))
            .is_ok()
    };
    match stand_in {
        Some(name) => Some(name.to_string()),
        None if official() => Some(BASE.to_string()),
        None => skip("no base image"),
    }
}
