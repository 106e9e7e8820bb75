//! Helpers of the tests: a folder in which the real program runs, and its output.

pub mod odd;
pub mod platform_run;
mod skip;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub use skip::skip;

/// A request each second and the same time for each, so that every figure can be worked out by hand.
pub const SHOP: &str = r#"schema = 1
name = "shop"
seed = 7
replications = 2
horizon = "10m"
frameworks = ["steady"]

[traffic.constant]
gap = "1s"

[slo]
latency = "300ms"
objective = 0.99

[platform.lambda]
memory = "512Mi"

[prices]
list = "aws-us-east-1"

[profile.steady]
service-time = "100ms"
cold-start = "400ms"
"#;

/// Two services on one account, with random times.
pub const MULTI: &str = r#"schema = 1
name = "mall"
seed = 3
replications = 3
horizon = "20m"
warm-up = "1m"

[traffic.poisson]
rate = "5/s"

[slo]
latency = "300ms"
objective = 0.99

[platform.lambda]
memory = "512Mi"
reserved-concurrency = 3

[prices]
list = "aws-us-east-1"

[[service]]
name = "checkout"
framework = "quick"

[[service]]
name = "search"
framework = "slow"
slo = { latency = "1s", objective = 0.9 }

[profile.quick]
service-time = { exponential = { mean = "50ms" } }
cold-start = { lognormal = { median = "300ms", p99 = "900ms" } }

[profile.slow]
service-time = { exponential = { mean = "300ms" } }
cold-start = "400ms"
"#;

/// Two candidates on the same traffic, with random times.
pub const PAIR: &str = r#"schema = 1
name = "pair"
seed = 5
replications = 4
horizon = "10m"
warm-up = "30s"
frameworks = ["quick", "slow"]

[traffic.poisson]
rate = "8/s"

[slo]
latency = "300ms"
objective = 0.99

[platform.lambda]
memory = "1Gi"
architecture = "arm64"

[prices]
list = "aws-us-east-1"
free-tier = true

[profile.quick]
service-time = { exponential = { mean = "50ms" } }
cold-start = { lognormal = { median = "300ms", p99 = "900ms" } }

[profile.slow]
service-time = { exponential = { mean = "300ms" } }
cold-start = "400ms"
"#;

/// Requests from a file, as the speed harness has them.
pub const EVENTS: &str = r#"schema = 1
name = "events"
replications = 1
frameworks = ["quick"]

[traffic.csv]
path = "events.csv"
time-column = "arrival_s"
function-column = "func"
duration-column = "duration_s"

[platform.scale-per-request]

[profile.quick]
service-time = "50ms"
cold-start = "400ms"
"#;

/// A folder with scenarios, gone when dropped.
pub struct Sandbox {
    folder: TempDir,
}

/// The outcome of a command.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// A folder with `shop.toml`, `mall.toml`, `pair.toml` and `events.toml`.
    pub fn new() -> Self {
        let sandbox = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, text) in [
            ("shop.toml", SHOP),
            ("mall.toml", MULTI),
            ("pair.toml", PAIR),
            ("events.toml", EVENTS),
        ] {
            sandbox.write(name, text);
        }
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names in the folder or in a folder of it.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `coldcast` with the words of a line; a word may stand in single quotes.
    pub fn run(&self, line: &str) -> Ran {
        self.finish(Command::new(program()).args(words(line)))
    }

    /// Runs a line of shell in which `coldcast` is the program.
    pub fn shell(&self, script: &str) -> Ran {
        let script = format!("coldcast() {{ \"$COLDCAST\" \"$@\"; }}\n{script}");
        self.finish(Command::new("bash").args(["-c", &script]).env("COLDCAST", program()))
    }

    fn finish(&self, command: &mut Command) -> Ran {
        let output = command.current_dir(self.folder.path()).output().unwrap();
        self.ran(&output)
    }

    fn ran(&self, output: &Output) -> Ran {
        let folder = self.folder.path().display().to_string();
        let text = |bytes: &[u8]| timeless(&String::from_utf8_lossy(bytes).replace(&folder, "[DIR]"));
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_coldcast"))
}

/// The words of a command line; single quotes hold a word together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The text without what differs between two runs (the line on speed) and what grows with the project (lists of all
/// that is known).
fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let (start, rest) = match () {
            () if line.starts_with("simulated ") => line.split_once(" in ").unwrap_or((line, "")),
            () if line.starts_with("unknown ") => line.split_once(" expected ").unwrap_or((line, "")),
            () => line.split_once(" known are ").unwrap_or((line, "")),
        };
        match rest.rsplit_once("; ") {
            _ if rest.is_empty() => start.trim_end().to_string(),
            Some((_, after)) => format!("{start} [...]; {after}"),
            None => format!("{start} [...]"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Ran {
    /// The program did what it was asked for.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "exit {code}")?,
            None => write!(f, "killed")?,
        }
        if !self.stdout.is_empty() {
            write!(f, "\n--- stdout\n{}", self.stdout)?;
        }
        if !self.stderr.is_empty() {
            write!(f, "\n--- stderr\n{}", self.stderr)?;
        }
        Ok(())
    }
}

/// A CSV file as rows of cells by column.
pub fn table(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        let cells = header.iter().map(str::to_string).zip(record.iter().map(str::to_string));
        cells.collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}
