//! The findings of scanners on PATH about an image: its packages, and known vulnerabilities. A scanner uses the database that
//! it has. No database is ever downloaded: a measurement would then depend on the day and on a network.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::measure::programs::on_path;
use crate::model::profile::Scan;

/// The longest time that a scanner may take for one image.
const SCAN_TIMEOUT: Duration = Duration::from_secs(300);

/// A scanner: the way to call it, and the way to read its output.
struct Scanner {
    name: &'static str,
    /// The arguments, with `IMAGE` in place of the image's reference.
    arguments: &'static [&'static str],
    /// The variables that keep it off the network.
    environment: &'static [(&'static str, &'static str)],
    read: fn(&Value) -> Option<Findings>,
    /// The arguments that print version and database, if the findings do not contain them.
    about: &'static [&'static str],
}

/// The findings of one scanner.
#[derive(Debug, Default, PartialEq)]
struct Findings {
    version: Option<String>,
    database_date: Option<String>,
    packages: Option<u32>,
    vulnerabilities: Option<BTreeMap<String, u32>>,
}

const SCANNERS: [Scanner; 3] = [
    Scanner {
        name: "trivy",
        arguments: &[
            "image",
            "--quiet",
            "--format",
            "json",
            "--list-all-pkgs",
            "--scanners",
            "vuln",
            "--image-src",
            "docker",
            "--skip-db-update",
            "--skip-java-db-update",
            "--offline-scan",
            "IMAGE",
        ],
        environment: &[
            ("TRIVY_SKIP_VERSION_CHECK", "true"),
            ("TRIVY_DISABLE_TELEMETRY", "true"),
        ],
        read: trivy,
        about: &["version", "--format", "json"],
    },
    Scanner {
        name: "grype",
        arguments: &["docker:IMAGE", "--output", "json", "--quiet"],
        // An old database is allowed: its date is recorded.
        environment: &[
            ("GRYPE_DB_AUTO_UPDATE", "false"),
            ("GRYPE_DB_VALIDATE_AGE", "false"),
            ("GRYPE_CHECK_FOR_APP_UPDATE", "false"),
        ],
        read: grype,
        about: &[],
    },
    Scanner {
        name: "syft",
        arguments: &["docker:IMAGE", "--output", "json", "--quiet"],
        environment: &[("SYFT_CHECK_FOR_APP_UPDATE", "false")],
        read: syft,
        about: &[],
    },
];

/// Scans a local image with the scanners in the folders of `path` (as in `PATH`). Takes packages from the first scanner that
/// lists them, and vulnerabilities from the first that has a database. Returns remarks as well. Blocks.
pub fn scan(image: &str, path: &OsStr) -> (Option<Scan>, Vec<String>) {
    let found: Vec<(&Scanner, PathBuf)> = SCANNERS
        .iter()
        .filter_map(|scanner| Some((scanner, on_path(scanner.name, path)?)))
        .collect();
    if found.is_empty() {
        let note = "no scanner on PATH (trivy, grype, syft): bill of materials and vulnerabilities are not known";
        return (None, vec![note.into()]);
    }
    let (mut scan, mut names, mut notes) = (None, Vec::new(), Vec::new());
    for (scanner, program) in found {
        let findings = match run(scanner, &program, image) {
            Ok(findings) => findings,
            Err(reason) => {
                notes.push(format!("{} is on PATH but gave no result: {reason}", scanner.name));
                continue;
            }
        };
        let sum = scan.get_or_insert_with(|| Scan {
            scanner: String::new(),
            database_date: None,
            packages: None,
            vulnerabilities: None,
        });
        let mut used = false;
        if sum.packages.is_none() && findings.packages.is_some() {
            sum.packages = findings.packages;
            used = true;
        }
        if sum.vulnerabilities.is_none() && findings.vulnerabilities.is_some() {
            sum.vulnerabilities = findings.vulnerabilities;
            sum.database_date = findings.database_date;
            used = true;
        }
        if used {
            names.push(match findings.version {
                Some(version) => format!("{} {version}", scanner.name),
                None => scanner.name.to_string(),
            });
        }
    }
    if let Some(sum) = &mut scan {
        sum.scanner = names.join(", ");
    }
    (scan, notes)
}

fn run(scanner: &Scanner, program: &Path, image: &str) -> Result<Findings, String> {
    let arguments = scanner
        .arguments
        .iter()
        .map(|argument| argument.replace("IMAGE", image))
        .collect();
    let output = answer(scanner, program, arguments)?;
    let mut findings = (scanner.read)(&output).ok_or("its output has another form than expected")?;
    if !scanner.about.is_empty() {
        let arguments = scanner.about.iter().map(ToString::to_string).collect();
        if let Ok(about) = answer(scanner, program, arguments) {
            findings.version = text(&about, "/Version");
            findings.database_date = text(&about, "/VulnerabilityDB/UpdatedAt");
        }
    }
    Ok(findings)
}

/// Runs a program, and reads the JSON that it writes.
fn answer(scanner: &Scanner, program: &Path, arguments: Vec<String>) -> Result<Value, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .envs(scanner.environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    // Both pipes are drained at once: a full pipe would block the scanner.
    let output = child.stdout.take().map(drain);
    let complaints = child.stderr.take().map(drain);
    let began = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if began.elapsed() > SCAN_TIMEOUT => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} s", SCAN_TIMEOUT.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    let whole =
        |pipe: Option<std::thread::JoinHandle<Vec<u8>>>| pipe.and_then(|pipe| pipe.join().ok()).unwrap_or_default();
    let (output, complaints) = (whole(output), whole(complaints));
    if !status.success() {
        let complaints = String::from_utf8_lossy(&complaints);
        let last = complaints
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("no message");
        return Err(format!("{status}: {}", last.trim()));
    }
    serde_json::from_slice(&output).map_err(|error| format!("its output is not JSON: {error}"))
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_string)
}

fn number(n: usize) -> Option<u32> {
    u32::try_from(n).ok()
}

/// Counts severities, in lower case.
fn by_severity<'a>(severities: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for severity in severities {
        *counts.entry(severity.to_lowercase()).or_default() += 1;
    }
    counts
}

/// Reads `Results[].Packages[]` and `Results[].Vulnerabilities[].Severity`. An image without packages has no results.
fn trivy(report: &Value) -> Option<Findings> {
    report.get("SchemaVersion")?;
    let results = || report["Results"].as_array().into_iter().flatten();
    let items = |key: &'static str| results().filter_map(move |result| result[key].as_array()).flatten();
    Some(Findings {
        packages: number(items("Packages").count()),
        vulnerabilities: Some(by_severity(
            items("Vulnerabilities").filter_map(|found| found["Severity"].as_str()),
        )),
        ..Findings::default()
    })
}

/// Reads `matches[].vulnerability.severity`. The date of the database is in `descriptor.db`, since version 0.88 in its `status`.
fn grype(report: &Value) -> Option<Findings> {
    let matches = report["matches"].as_array()?.iter();
    Some(Findings {
        version: text(report, "/descriptor/version"),
        database_date: text(report, "/descriptor/db/status/built").or_else(|| text(report, "/descriptor/db/built")),
        packages: None,
        vulnerabilities: Some(by_severity(
            matches.filter_map(|found| found.pointer("/vulnerability/severity")?.as_str()),
        )),
    })
}

/// Reads `artifacts[]`.
fn syft(report: &Value) -> Option<Findings> {
    Some(Findings {
        version: text(report, "/descriptor/version"),
        packages: number(report["artifacts"].as_array()?.len()),
        ..Findings::default()
    })
}

#[cfg(test)]
mod tests;
