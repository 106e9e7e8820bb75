//! The samples of a measurement on Lambda. Each goes to disk at once, so that an interrupted run loses none.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::call::Called;
use crate::measure::MeasureError;
use crate::model::profile::StartCause;
use crate::units::MemoryMib;

/// A start that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The name of the subject.
    pub subject: String,
    /// The memory of the function.
    pub memory: MemoryMib,
    /// How the start comes about.
    pub cause: Cause,
    /// The number of the start among those alike.
    pub number: u32,
}

/// How starts are forced, in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A change of the configuration ends all environments.
    Nonce,
    /// A new version has none.
    Version,
    /// Invocations at the same time need one each.
    Burst,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 3] = [Self::Nonce, Self::Version, Self::Burst];

    /// The name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nonce => "nonce",
            Self::Version => "version",
            Self::Burst => "burst",
        }
    }
}

impl std::str::FromStr for Cause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|cause| cause.name() == text);
        found.ok_or_else(|| "write nonce, version or burst".into())
    }
}

impl From<Cause> for StartCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Nonce => Self::Nonce,
            Cause::Version => Self::Version,
            Cause::Burst => Self::Burst,
        }
    }
}

/// The verdict on an invocation that should have been a cold start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A start that the caller waited for.
    Counted,
    /// A start that took longer than Lambda allows, and ran again inside the invocation.
    InitRestarted,
    /// An environment that was made ready ahead: the caller waited less than its initialisation took.
    Ahead,
    /// A process that had answered before.
    Warm,
    /// There was no environment for it.
    Throttled,
    /// It has no place among the samples, for this reason.
    Unusable(String),
}

impl Verdict {
    /// True if it is among the samples of starts.
    pub fn is_sample(&self) -> bool {
        matches!(self, Self::Counted | Self::InitRestarted | Self::Ahead)
    }
}

/// A start with the warm invocations after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Which start it is.
    pub place: Place,
    /// When it was taken, RFC 3339 in UTC.
    pub at: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The wall time of the caller in milliseconds; `null` if there was no answer.
    pub wall_ms: Option<f64>,
    /// The initialisation in milliseconds.
    pub init_ms: Option<f64>,
    /// The restore from a snapshot in milliseconds.
    pub restore_ms: Option<f64>,
    /// The duration of the invocation in milliseconds.
    pub duration_ms: Option<f64>,
    /// The time that was billed in milliseconds.
    pub billed_ms: Option<f64>,
    /// The most memory in MB.
    pub max_memory_mb: Option<f64>,
    /// The process that answered.
    pub process_id: Option<String>,
    /// True if an emulator answered.
    pub emulated: bool,
    /// Wall time and duration of the warm invocations after it, in milliseconds.
    pub warm: Vec<[f64; 2]>,
    /// Seconds since the version was published; `null` for other starts.
    pub version_age_s: Option<f64>,
}

/// Judges an invocation that should have been a start. `seen` holds the processes that have answered.
pub fn judge(called: &Called, seen: &BTreeSet<String>) -> Verdict {
    let unusable = |reason: String| Verdict::Unusable(reason);
    if let Some(error) = &called.error {
        return unusable(format!("the function failed: {error}"));
    }
    match called.status {
        Some(200..=299) => {}
        Some(status) => return unusable(format!("the app answered with status {status}")),
        None => return unusable("the answer is none of a web app".into()),
    }
    if let Some(process) = &called.process_id {
        // The web adapter asks once whether the app is ready, which the app counts.
        if seen.contains(process) || !matches!(called.request_count, Some(1 | 2)) {
            return Verdict::Warm;
        }
    }
    let Some(report) = &called.report else {
        return unusable("the tail of the log does not hold the REPORT: keep the log of the app quiet".into());
    };
    let Some(duration_ms) = called.duration_ms() else {
        return unusable("the REPORT was cut off".into());
    };
    if called.initialised_again() {
        return Verdict::InitRestarted;
    }
    let Some(start_ms) = report.restore_ms.or(called.init_ms()) else {
        return match called.process_id {
            Some(_) => unusable("the REPORT of a first request has no time of initialisation".into()),
            // The platform alone says whether it was a start.
            None => Verdict::Warm,
        };
    };
    // Nobody can have waited for less than it took; clocks differ by less than a millisecond.
    match called.wall_ms + 1.0 < start_ms + duration_ms {
        true => Verdict::Ahead,
        false => Verdict::Counted,
    }
}

/// The file of samples.
#[derive(Debug)]
pub struct Samples {
    path: PathBuf,
    file: File,
}

impl Samples {
    /// Opens the file of a run and returns what it holds; an unfinished last line is cut off.
    ///
    /// # Errors
    /// The file cannot be read or written, or is no file of samples.
    pub fn open(out: &Path, run: &str) -> Result<(Self, Vec<Sample>), MeasureError> {
        let folder = out.join("raw");
        fs::create_dir_all(&folder).map_err(MeasureError::io(&folder))?;
        let path = folder.join(format!("lambda-{run}.jsonl"));
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(MeasureError::io(&path))?,
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut samples = Vec::new();
        for (number, line) in text[..whole].lines().enumerate() {
            let sample = serde_json::from_str(line).map_err(|error| MeasureError::NoResume {
                path: path.clone(),
                reason: format!("line {} is no sample: {error}", number + 1),
            })?;
            samples.push(sample);
        }
        let open = || -> std::io::Result<File> {
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.set_len(whole as u64)?;
            Ok(file)
        };
        let file = open().map_err(MeasureError::io(&path))?;
        Ok((Self { path, file }, samples))
    }

    /// Appends a sample and sees that it is on disk.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append(&mut self, sample: &Sample) -> Result<(), MeasureError> {
        let mut line = serde_json::to_vec(sample)
            .map_err(std::io::Error::other)
            .map_err(MeasureError::io(&self.path))?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.map_err(MeasureError::io(&self.path))
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file: the profiles hold its samples.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::read::lambda::{InitReport, Report};

    fn first() -> Called {
        Called {
            wall_ms: 700.0,
            report: Some(Report {
                duration_ms: Some(5.0),
                init_ms: Some(400.0),
                ..Report::default()
            }),
            status: Some(200),
            process_id: Some("a".into()),
            request_count: Some(1),
            ..Called::default()
        }
    }

    #[test]
    fn only_a_new_process_whose_start_was_waited_for_counts() {
        let none = BTreeSet::new();
        let with = |change: fn(&mut Called)| {
            let mut called = first();
            change(&mut called);
            judge(&called, &none)
        };
        assert_eq!(with(|_| {}), Verdict::Counted);
        assert_eq!(with(|c| c.wall_ms = 60.0), Verdict::Ahead);
        assert_eq!(with(|c| c.request_count = Some(2)), Verdict::Counted);
        assert_eq!(with(|c| c.request_count = Some(3)), Verdict::Warm);
        assert_eq!(judge(&first(), &BTreeSet::from(["a".to_string()])), Verdict::Warm);
        let again = |c: &mut Called| {
            c.inits.push(InitReport {
                status: Some("timeout".into()),
                ..InitReport::default()
            });
        };
        assert_eq!(with(again), Verdict::InitRestarted);
        let unusable = |change: fn(&mut Called), part: &str| match with(change) {
            Verdict::Unusable(reason) => assert!(reason.contains(part), "{reason}"),
            other => panic!("{other:?}"),
        };
        unusable(|c| c.report = None, "does not hold the REPORT");
        unusable(
            |c| {
                c.report = Some(Report {
                    duration_ms: Some(5.0),
                    ..Report::default()
                })
            },
            "no time of initialisation",
        );
        unusable(|c| c.error = Some("Runtime.ExitError".into()), "Runtime.ExitError");
        unusable(|c| c.status = Some(502), "status 502");
        // An app that does not name its process: the platform's word counts.
        assert_eq!(with(|c| c.process_id = None), Verdict::Counted);
        let without = |c: &mut Called| {
            c.process_id = None;
            c.report = Some(Report {
                duration_ms: Some(5.0),
                ..Report::default()
            });
        };
        assert_eq!(with(without), Verdict::Warm);
    }

    #[test]
    fn what_is_on_disk_is_found_again_without_half_a_line() {
        let out = tempfile::tempdir().unwrap();
        let sample = Sample {
            place: Place {
                subject: "gin".into(),
                memory: MemoryMib(512),
                cause: Cause::Nonce,
                number: 3,
            },
            at: "2026-12-01T00:00:00Z".into(),
            verdict: Verdict::Unusable("x".into()),
            wall_ms: Some(1.5),
            init_ms: None,
            restore_ms: None,
            duration_ms: None,
            billed_ms: None,
            max_memory_mb: None,
            process_id: None,
            emulated: false,
            warm: vec![[1.0, 0.5]],
            version_age_s: None,
        };
        let (mut samples, found) = Samples::open(out.path(), "1f").unwrap();
        assert!(found.is_empty());
        samples.append(&sample).unwrap();
        let path = samples.path().to_path_buf();
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"place\"")
            .unwrap();
        let (mut samples, found) = Samples::open(out.path(), "1f").unwrap();
        assert_eq!(found, std::slice::from_ref(&sample));
        samples.append(&sample).unwrap();
        assert_eq!(Samples::open(out.path(), "1f").unwrap().1.len(), 2);
        fs::write(&path, "{}\n").unwrap();
        assert!(matches!(
            Samples::open(out.path(), "1f"),
            Err(MeasureError::NoResume { .. })
        ));
    }
}
