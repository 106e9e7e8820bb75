//! An engine that dies in the middle of a measurement and comes back: the remains of the run are found by their label. The test has
//! an engine of its own, so that it touches no other containers.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::common::odd::{assert_says, coldcast, interrupt, wait_until};
use crate::common::skip;
use crate::measure_docker::app::BASE;
use crate::measure_docker::bench::{bench, write_framework};

/// The bridge of the test's engine, and its address.
const BRIDGE: &str = "ccowntest";
const ADDRESS: &str = "10.218.0.1/24";

/// Runs `ip`; returns true on success.
fn ip(arguments: &[&str]) -> bool {
    Command::new("ip")
        .args(arguments)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

struct OwnEngine {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl OwnEngine {
    /// Starts an engine with the base image of the shared engine; `None` if it cannot run here.
    fn start(base: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return skip("an engine of its own needs root");
        }
        ip(&["link", "delete", BRIDGE]);
        let bridge = ip(&["link", "add", BRIDGE, "type", "bridge"])
            && ip(&["address", "add", ADDRESS, "dev", BRIDGE])
            && ip(&["link", "set", BRIDGE, "up"]);
        if !bridge {
            return skip("no bridge can be made (Debian: apt-get install iproute2)");
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

    /// Everything with the label of a run.
    fn left(&self) -> String {
        let list = |arguments: &[&str]| String::from_utf8(self.docker(arguments).stdout).unwrap();
        let label = "label=coldcast.run";
        list(&["ps", "-aq", "--filter", label]) + &list(&["network", "ls", "-q", "--filter", label])
    }

    /// Kills the engine and starts it again.
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
        ip(&["link", "delete", BRIDGE]);
        self.tidy();
    }
}

impl OwnEngine {
    /// Removes what outlives the engine if the test fails halfway: processes that name its folder, and mounts in it.
    fn tidy(&self) {
        let folder = self.folder.path().display().to_string();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
                continue;
            };
            let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&words).contains(&folder) {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
            }
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for place in places.filter(|place| place.starts_with(&folder)) {
            let _ = Command::new("umount").args(["-l", place]).status();
        }
    }
}

fn daemon(folder: &Path) -> Option<Child> {
    let at = |name: &str| folder.join(name).display().to_string();
    // Files of processes that were killed: where nobody reaps the dead, their numbers look alive.
    for file in ["docker.pid", "exec/containerd/containerd.pid"] {
        let _ = std::fs::remove_file(folder.join(file));
    }
    Command::new("dockerd")
        // An engine without its own bridge would remove the default one, which belongs to the machine's engine.
        .args(["--bridge", BRIDGE, "--iptables=false", "--log-level=error"])
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
fn nothing_stays_of_a_run_whose_engine_was_restarted() {
    // Holds the turn of the shared engine, which lends its base image.
    let Some(shared) = bench("orphan") else { return };
    let Some(base) = base(&shared) else { return };
    let Some(mut engine) = OwnEngine::start(&base) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    write_framework(folder.path(), "orphan");
    let raw = folder.path().join("out/raw/odd-orphan.jsonl");
    let samples = || {
        std::fs::read_to_string(&raw)
            .unwrap_or_default()
            .matches("boot_ms")
            .count()
    };
    let host = engine.host();
    let start = || {
        let mut command = coldcast();
        command.args(["measure", "docker", "odd-orphan", "--quick", "--samples", "1000"]);
        command.arg("--models").arg(folder.path());
        command.arg("--out").arg(folder.path().join("out"));
        command.env("DOCKER_HOST", &host);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };

    // The run continues when the engine is back, and removes everything at its end.
    let run = start();
    wait_until(|| samples() >= 2 && engine.left().lines().count() == 2);
    engine.restart();
    let before = samples();
    wait_until(|| samples() >= before + 2);
    interrupt(&run);
    assert_says(&run.wait_with_output().unwrap(), 3, &["stopped by a signal"]);
    assert_eq!(engine.left(), "");

    // The remains of a killed run on a killed engine are found by their label.
    let mut run = start();
    wait_until(|| samples() >= 2 && engine.left().lines().count() == 2);
    run.kill().unwrap();
    run.wait().unwrap();
    engine.restart();
    assert_ne!(engine.left(), "");
    let cleanup = || {
        let mut command = coldcast();
        command.args(["measure", "cleanup", "--yes"]);
        command.env("DOCKER_HOST", &host).output().unwrap()
    };
    assert_says(&cleanup(), 0, &["which has ended, left", "removed what run"]);
    assert_eq!(engine.left(), "");
    assert_says(&cleanup(), 0, &["nothing to remove"]);
}

/// The base image on the shared engine: the official one or its stand-in.
pub fn base(shared: &crate::measure_docker::bench::Bench) -> Option<String> {
    let found = Command::new("docker")
        .args(["images", "--format", "{{.Repository}}:{{.Tag}}"])
        .args(["--filter", &format!("label=coldcast.base-for={BASE}")])
        .output();
    let Ok(found) = found else {
        return skip("no program docker");
    };
    let found = String::from_utf8(found.stdout).unwrap();
    let stand_in = found.lines().find(|name| name.starts_with("coldcast-base/"));
    let official = || shared.runtime.block_on(shared.docker.inspect_image(BASE)).is_ok();
    match stand_in {
        Some(name) => Some(name.to_string()),
        None if official() => Some(BASE.to_string()),
        None => skip("no base image"),
    }
}
