//! Measures deliberately odd servers on a real Docker engine. Skipped with a message where there is no engine or no
//! Python base image; with COLDCAST_REQUIRE_DOCKER=1 that is a failure.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, RemoveImageOptions,
};
use coldcast::measure::docker::{Engine, RUN_LABEL};
use coldcast::model::profile::FrameworkProfile;

const BASE: &str = "python:3.13-slim-trixie";

/// One server, many vices; the vice is its argument.
const APP: &str = r#"
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

vice = sys.argv[1]
if vice == "dies":
    print("cannot find my settings", flush=True)
    sys.exit(3)
if vice == "silent":
    time.sleep(600)
if vice == "hungry":
    ballast = b"x" * (200 << 20)
began = time.monotonic()
count = 0

class Server(ThreadingHTTPServer):
    request_queue_size = 128

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def answer(self):
        global count
        count += 1
        self.rfile.read(int(self.headers.get("content-length", 0)))
        late = vice == "late" and time.monotonic() < began + 1
        if self.path == "/ping":
            self.send_response(204)
            self.end_headers()
            return
        if self.path.startswith("/io"):
            time.sleep(0.1)
        body = b'{"status":"ok"}'
        self.send_response(503 if late else 200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-process-id", "1")
        self.send_header("x-request-count", str(count))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass

Server(("0.0.0.0", 8080), App).serve_forever()
"#;

/// The engine, held by one test at a time.
struct Bench {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
    folder: tempfile::TempDir,
    networks_before: Vec<String>,
    vice: &'static str,
    _turn: MutexGuard<'static, ()>,
}

/// Prepares the server with that vice; `None` where it cannot run.
fn bench(vice: &'static str) -> Option<Bench> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let engine = match runtime.block_on(Engine::connect(false)) {
        Ok(engine) => engine,
        Err(error) => return skip(&format!("no Docker engine ({error})")),
    };
    let filters = [("label".to_string(), vec![format!("coldcast.base-for={BASE}")])].into();
    let labelled = ListImagesOptionsBuilder::default().filters(&filters).build();
    let stand_in = runtime
        .block_on(engine.docker.list_images(Some(labelled)))
        .is_ok_and(|images| !images.is_empty());
    if !stand_in && runtime.block_on(engine.docker.inspect_image(BASE)).is_err() {
        return skip(&format!(
            "no base image ({BASE}, or a stand-in made by .ci/base-images)"
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let framework = folder.path().join(name_of(vice));
    std::fs::create_dir(&framework).unwrap();
    let write = |file: &str, text: &str| std::fs::write(framework.join(file), text).unwrap();
    write("app.py", APP);
    write(
        "Dockerfile",
        &format!(
            "ARG PYTHON_BASE={BASE}\nFROM ${{PYTHON_BASE}}\nCOPY app.py /\nUSER 65532:65532\n\
             ENTRYPOINT [\"python3\", \"/app.py\", \"{vice}\"]\n"
        ),
    );
    write(
        "framework.toml",
        &format!(
            r#"schema = 1
name = "{}"
title = "Odd"
language = "Python"
runtime = "CPython"
version = "1"
licence = "MIT"
homepage = "https://example.org"
server = "http.server"
lock-files = []
[image]
dockerfile = "Dockerfile"
port = 8080
[image.bases]
PYTHON_BASE = "{BASE}"
[concurrency]
model = "thread-pool"
detail = "a thread per connection"
"#,
            name_of(vice)
        ),
    );
    let mut bench = Bench {
        runtime,
        engine,
        folder,
        networks_before: Vec::new(),
        vice,
        _turn: turn,
    };
    bench.networks_before = bench.networks();
    Some(bench)
}

fn skip(why: &str) -> Option<Bench> {
    assert!(std::env::var("COLDCAST_REQUIRE_DOCKER").as_deref() != Ok("1"), "{why}");
    eprintln!("skipped: {why}");
    None
}

fn name_of(vice: &str) -> String {
    format!("odd-{vice}")
}

fn coldcast() -> Command {
    Command::new(env!("CARGO_BIN_EXE_coldcast"))
}

impl Bench {
    fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = coldcast();
        command.args(["measure", "docker"]).args(arguments);
        command
            .args(["--quick", "--models"])
            .arg(self.folder.path())
            .arg("--out")
            .arg(self.out());
        command
    }

    /// Measures the odd server.
    fn measure(&self, arguments: &[&str]) -> Output {
        self.command(&[&[name_of(self.vice).as_str()], arguments].concat())
            .output()
            .unwrap()
    }

    fn profile(&self, name: &str) -> FrameworkProfile {
        serde_json::from_slice(&std::fs::read(self.out().join(name).join("profile.json")).unwrap()).unwrap()
    }

    fn tag(&self) -> String {
        format!("coldcast/{}:1", name_of(self.vice))
    }

    fn containers(&self) -> Vec<String> {
        let filters = [
            ("ancestor".to_string(), vec![self.tag()]),
            ("label".to_string(), vec![RUN_LABEL.to_string()]),
        ]
        .into();
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let found = self.runtime.block_on(self.engine.docker.list_containers(Some(options)));
        // The engine refuses the filter as long as the image does not exist.
        found
            .unwrap_or_default()
            .into_iter()
            .filter_map(|container| container.id)
            .collect()
    }

    fn networks(&self) -> Vec<String> {
        let filters = [("label".to_string(), vec![RUN_LABEL.to_string()])].into();
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = self
            .runtime
            .block_on(self.engine.docker.list_networks(Some(options)))
            .unwrap();
        found.into_iter().filter_map(|network| network.id).collect()
    }

    /// Nothing that carries our label is left of what this test has made.
    fn assert_clean(&self) {
        assert_eq!(self.containers(), Vec::<String>::new());
        let new: Vec<_> = self
            .networks()
            .into_iter()
            .filter(|id| !self.networks_before.contains(id))
            .collect();
        assert_eq!(new, Vec::<String>::new());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(
            self.engine
                .docker
                .remove_image(&self.tag(), None::<RemoveImageOptions>, None),
        );
    }
}

#[track_caller]
fn assert_says(output: &Output, code: i32, texts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for text in texts {
        assert!(stderr.contains(text), "`{text}` is missing in:\n{stderr}");
    }
}

#[test]
fn a_503_is_not_ready() {
    let Some(bench) = bench("late") else { return };
    let output = bench.measure(&["--samples", "3"]);
    assert_says(&output, 0, &["wrote"]);
    let profile = bench.profile("odd-late");
    let run = &profile.runs[0];
    assert_eq!((run.cold.len(), run.failures.len()), (3, 0));
    for sample in &run.cold {
        assert!((900.0..2500.0).contains(&sample.first_response_ms), "{sample:?}");
        let sum = sample.create_ms + sample.start_ms + sample.boot_ms + sample.first_response_ms;
        assert!(
            (sum - sample.total_ms).abs() <= 2.0 + sample.total_ms / 400.0,
            "{sample:?}"
        );
    }
    let warm = run.warm.as_ref().unwrap();
    assert_eq!(warm.errors, 0);
    assert_eq!(
        warm.routes.keys().collect::<Vec<_>>(),
        ["echo", "healthz", "items", "json"]
    );
    let (clients, servers) = warm.parallel_io[2];
    assert_eq!(clients, 16);
    assert!(
        (8.0..=16.1).contains(&servers),
        "a thread per connection should serve 16 at once, not {servers}"
    );
    assert!(!bench.out().join("raw").exists(), "all samples are in the profile");
    bench.assert_clean();
}

#[test]
fn an_own_image_needs_no_contract() {
    let Some(bench) = bench("plain") else { return };
    assert_says(&bench.measure(&["--samples", "1"]), 0, &[]);
    let output = bench
        .command(&[
            "--image",
            &bench.tag(),
            "--port",
            "8080",
            "--path",
            "/ping",
            "--name",
            "mine",
            "--samples",
            "2",
        ])
        .output()
        .unwrap();
    assert_says(&output, 0, &["wrote"]);
    let profile = bench.profile("mine");
    assert_eq!(profile.runs[0].cold.len(), 2);
    assert!(profile.provenance.notes.iter().any(|note| note.contains("own image")));
    bench.assert_clean();
}

#[test]
fn a_container_that_dies_leaves_its_last_words() {
    let Some(bench) = bench("dies") else { return };
    let output = bench.measure(&["--samples", "1"]);
    assert_says(
        &output,
        3,
        &[
            "exited with code 3",
            "cannot find my settings",
            "odd-dies gave no sample",
        ],
    );
    bench.assert_clean();
}

#[test]
fn a_server_that_never_answers_is_a_timeout() {
    let Some(bench) = bench("silent") else { return };
    let output = bench.measure(&["--samples", "5", "--ready-timeout", "1s"]);
    assert_says(&output, 3, &["not ready within 1 s", "given up after 3 failures"]);
    bench.assert_clean();
}

#[test]
fn too_little_memory_is_a_result() {
    let Some(bench) = bench("hungry") else { return };
    let output = bench.measure(&["--samples", "2", "--memory", "64Mi,512Mi"]);
    assert_says(&output, 0, &["out of memory"]);
    let profile = bench.profile("odd-hungry");
    let counts: Vec<_> = profile
        .runs
        .iter()
        .map(|run| (run.memory.0, run.cold.len(), run.failures.is_empty()))
        .collect();
    assert_eq!(counts, [(64, 0, false), (512, 2, true)]);
    assert!(profile.runs[0].failures[0].reason.contains("out of memory"));
    bench.assert_clean();
}

#[test]
fn ctrl_c_removes_everything_and_keeps_the_samples() {
    let Some(bench) = bench("endless") else { return };
    let child = bench
        .command(&["odd-endless", "--samples", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let raw = bench.out().join("raw/odd-endless.jsonl");
    wait_until(|| !bench.containers().is_empty() && has_lines(&raw));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_says(&output, 3, &["stopped by a signal", "raw"]);
    assert!(has_lines(&raw));
    bench.assert_clean();
}

#[test]
fn no_engine_says_what_to_do() {
    let models = tempfile::tempdir().unwrap();
    let output = coldcast()
        .args([
            "measure", "docker", "--image", "x", "--port", "80", "--name", "x", "--models",
        ])
        .arg(models.path())
        .env("DOCKER_HOST", "unix:///nonexistent")
        .output()
        .unwrap();
    assert_says(
        &output,
        3,
        &[
            "no Docker engine answers at unix:///nonexistent",
            "hint:",
            "DOCKER_HOST",
        ],
    );
}

fn has_lines(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("boot_ms"))
}

fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(120), "waited in vain");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn interrupt(child: &Child) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
}
