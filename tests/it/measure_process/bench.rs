//! A bench for one odd server that runs as a process: its folder, and the remains of its runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};

use coldcast::model::profile::FrameworkProfile;

use crate::common::odd::{APP, coldcast, framework_toml, name_of, wait_until};
use crate::common::skip;

/// A folder of frameworks with one odd server. One test at a time has it, because the tests measure times.
pub struct Bench {
    folder: tempfile::TempDir,
    fault: &'static str,
    _turn: MutexGuard<'static, ()>,
}

/// Prepares the server with this fault; `None` if it cannot run here.
pub fn bench(fault: &'static str) -> Option<Bench> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        return skip("there is no python3");
    }
    let bench = Bench {
        folder: tempfile::tempdir().unwrap(),
        fault,
        _turn: turn,
    };
    std::fs::create_dir(bench.temporary()).unwrap();
    bench.add(
        &name_of(fault),
        "requires = [\"python3\"]\nprepare = [\"sh -c 'echo ready > prepared'\"]",
    );
    Some(bench)
}

impl Bench {
    /// Adds a framework whose `[process]` table begins with these lines.
    pub fn add(&self, name: &str, process: &str) {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("app.py"), APP).unwrap();
        let fault = name.strip_prefix("odd-").unwrap();
        let process = format!("[process]\n{process}\ncommand = [\"python3\", \"app.py\", \"{fault}\"]");
        std::fs::write(folder.join("framework.toml"), framework_toml(fault, "", &process)).unwrap();
    }

    /// Rewrites the framework so that it has no `[process]` table.
    pub fn forbid_processes(&self) {
        let path = self.folder.path().join(name_of(self.fault)).join("framework.toml");
        std::fs::write(path, framework_toml(self.fault, "", "")).unwrap();
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn raw(&self) -> PathBuf {
        self.out().join(format!("raw/{}.jsonl", name_of(self.fault)))
    }

    /// The folder for temporary files of this bench, which tells its processes from others.
    pub fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = coldcast();
        command.args(["measure", "process"]).args(arguments);
        command
            .args(["--quick", "--models"])
            .arg(self.folder.path())
            .arg("--out")
            .arg(self.out())
            .env("TMPDIR", self.temporary())
            .env("TOKEN", "s3cret")
            .env("DOCKER_HOST", "unix:///nonexistent");
        command
    }

    /// Measures the odd server.
    pub fn measure(&self, arguments: &[&str]) -> Output {
        self.command(&[&[name_of(self.fault).as_str()], arguments].concat())
            .output()
            .unwrap()
    }

    /// Cleans up, without a Docker engine.
    pub fn cleanup(&self, arguments: &[&str]) -> Output {
        let mut command = coldcast();
        command
            .args(["measure", "cleanup"])
            .args(arguments)
            .env("TMPDIR", self.temporary())
            .env("DOCKER_HOST", "unix:///nonexistent")
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    pub fn profile(&self) -> FrameworkProfile {
        self.profile_of(&name_of(self.fault))
    }

    pub fn profile_of(&self, name: &str) -> FrameworkProfile {
        serde_json::from_slice(&std::fs::read(self.profile_path(name)).unwrap()).unwrap()
    }

    pub fn profile_path(&self, name: &str) -> PathBuf {
        self.out().join(name).join("profile.json")
    }

    /// The processes of runs of this bench.
    pub fn processes(&self) -> Vec<String> {
        let mark = format!(
            "TMPDIR={}/coldcast-run-",
            self.temporary().canonicalize().unwrap().display()
        );
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let ours = entries.filter(|entry| {
            let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let mut pairs = environ.split(|&byte| byte == 0);
            pairs.any(|pair| pair.starts_with(mark.as_bytes()))
        });
        ours.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    /// The ids of runs of this bench whose folders are there.
    pub fn runs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.temporary()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter_map(|name| Some(name.strip_prefix("coldcast-run-")?.to_string()))
            .collect()
    }

    /// Asserts that nothing of this test is left.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert_eq!(self.processes(), Vec::<String>::new());
        assert_eq!(std::fs::read_dir(self.temporary()).unwrap().count(), 0);
    }

    /// Starts a measurement of twelve starts and kills it after the third, so that it can clean up nothing.
    pub fn killed(&self) -> String {
        let mut child = self
            .command(&[&name_of(self.fault), "--samples", "12"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let samples = || text(&self.raw()).matches("boot_ms").count();
        let settled = |pid: &String| self.fault != "stubborn" || ignores_sigterm(pid);
        wait_until(|| samples() >= 3 && self.processes().iter().any(settled));
        child.kill().unwrap();
        child.wait().unwrap();
        text(&self.raw())
    }
}

fn ignores_sigterm(pid: &str) -> bool {
    let status = text(Path::new(&format!("/proc/{pid}/status")));
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << 14) != 0)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
