//! The files of samples and profiles. Each sample is appended at once to `<out>/raw/<name>.jsonl`, as a line of JSON, so that an
//! interrupted run loses nothing and can be resumed. At the end the profile is written whole. It contains all samples, and
//! the file of samples is removed.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::measure::error::MeasureError;
use crate::model::panel::PanelRequests;
use crate::model::profile::{
    BlockReading, ColdMode, ColdSample, ContainerOptions, CpuMode, Pull, StartFailure, WarmRun,
};
use crate::units::{MemoryMib, MilliCpu};

mod compact;
mod profiles;

pub use profiles::{finished, write_json, write_profile};

/// The format of the file; there is only one so far.
const SCHEMA: u32 = 1;

/// The circumstances of samples. They must be the same for samples of one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The format of the file.
    pub schema: u32,
    /// The version of coldcast.
    pub tool_version: String,
    /// The command line, which contains every setting.
    pub command: String,
    /// The id of the image.
    pub image_id: String,
    /// The settings of the container of a user's own image.
    #[serde(default, skip_serializing_if = "ContainerOptions::is_usual")]
    pub options: ContainerOptions,
    /// The model of the host's CPU.
    pub host_cpu: String,
    /// The release of the kernel.
    pub kernel: String,
    /// The version of the container engine.
    pub engine_version: String,
    /// The start of the run, RFC 3339 in UTC. A resumed run keeps the first one.
    pub started: String,
}

impl Header {
    /// A header with the current format.
    pub fn new(command: &str, image_id: &str, engine_version: &str, started: &str) -> Self {
        Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            command: command.into(),
            image_id: image_id.into(),
            options: ContainerOptions::default(),
            host_cpu: super::host::cpu_model(),
            kernel: super::host::kernel(),
            engine_version: engine_version.into(),
            started: started.into(),
        }
    }

    /// The differences to the header of a file, except for the start.
    fn differences(&self, file: &Self) -> Vec<String> {
        let pairs = [
            ("coldcast", &self.tool_version, &file.tool_version),
            ("command", &self.command, &file.command),
            ("image", &self.image_id, &file.image_id),
            ("host CPU", &self.host_cpu, &file.host_cpu),
            ("kernel", &self.kernel, &file.kernel),
            ("engine", &self.engine_version, &file.engine_version),
        ];
        let differ = pairs.into_iter().filter(|(_, here, there)| here != there);
        let mut differences: Vec<String> = differ
            .map(|(what, here, there)| format!("{what}: now `{here}`, then `{there}`"))
            .collect();
        if self.options != file.options {
            differences.push("options: a value of --env or --header, or another flag of the container, differs".into());
        }
        differences
    }
}

/// The configuration of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The CPU limit.
    pub cpu: MilliCpu,
    /// The memory limit.
    pub memory: MemoryMib,
    /// The sense in which the start is cold.
    pub cold_mode: ColdMode,
    /// The time at which the CPU limit begins to hold.
    pub cpu_mode: CpuMode,
}

/// A cold start, with details that the profile keeps in summary only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cold {
    /// The sample. Its spin ratio and verdict are set at the end.
    pub sample: ColdSample,
    /// The milliseconds of the CPU spin before its block.
    pub spin_ms: f64,
    /// The milliseconds of the walk through memory before its block.
    #[serde(default)]
    pub walk_ms: Option<f64>,
    /// The contention before its block.
    #[serde(default)]
    pub contention: Option<f64>,
    /// The noise before its block; above 1 the machine was noisy.
    #[serde(default)]
    pub noise: Option<f64>,
    /// The milliseconds for which the CPU limit stopped it.
    pub throttled_ms: Option<f64>,
    /// The bytes that the first process read from the disk until it was ready.
    pub disk_read: Option<f64>,
}

/// A sample of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// A cold start.
    Cold(Cold),
    /// A start that failed.
    Failed(StartFailure),
    /// A warm run with remarks.
    Warm {
        /// The run.
        run: Box<WarmRun>,
        /// The remarks.
        notes: Vec<String>,
    },
    /// A warm run that contradicts itself. It is kept here and does not become part of a profile; `--resume` takes another one.
    RefusedWarm {
        /// The run.
        run: Box<WarmRun>,
        /// The contradiction.
        reason: String,
    },
    /// The load on one instance of a panel.
    Requests(PanelRequests),
    /// A warm run that failed.
    NoWarm(StartFailure),
    /// The pull of a node-cold start.
    Pull(Pull),
}

/// The cost of a block of cold starts to the process that took them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProberUse {
    /// The wall time in milliseconds.
    pub wall_ms: f64,
    /// The CPU time in milliseconds; `None` if unknown.
    pub cpu_ms: Option<f64>,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Run(Header),
    Resumed(String),
    Block(BlockReading),
    Prober(ProberUse),
    Sample(Key, Taken),
}

/// The file of samples of one subject.
#[derive(Debug)]
pub struct RawFile {
    path: PathBuf,
    file: File,
}

/// The samples of an interrupted run.
#[derive(Debug)]
pub struct Earlier {
    /// Its header.
    pub header: Header,
    /// The times at which it was resumed.
    pub resumed: Vec<String>,
    /// The readings of the machine before each of its blocks.
    pub blocks: Vec<BlockReading>,
    /// The cost of its complete blocks.
    pub prober: Vec<ProberUse>,
    /// Its samples, in order.
    pub taken: Vec<(Key, Taken)>,
    /// True if its last line was cut off and dropped.
    pub torn: bool,
}

impl RawFile {
    /// Creates an empty file. Keeps the file of an interrupted run under another name, and returns that name.
    pub fn create(out: &Path, name: &str, run: &str, header: &Header) -> Result<(Self, Option<PathBuf>), MeasureError> {
        let path = path(out, name);
        let folder = out.join("raw");
        fs::create_dir_all(&folder).map_err(MeasureError::io(&folder))?;
        let mut kept = None;
        if path.exists() {
            let other = folder.join(format!("{name}.before-{run}.jsonl"));
            fs::rename(&path, &other).map_err(MeasureError::io(&path))?;
            kept = Some(other);
        }
        let mut raw = Self::open(path)?;
        raw.write(&Line::Run(header.clone()))?;
        Ok((raw, kept))
    }

    /// Opens the file of an interrupted run; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or if its samples were taken under other circumstances.
    pub fn resume(out: &Path, name: &str, header: &Header, now: &str) -> Result<Option<(Self, Earlier)>, MeasureError> {
        let path = path(out, name);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(MeasureError::io(&path))?;
        let bad = |line: usize, reason: String| MeasureError::NoResume {
            path: path.clone(),
            reason: format!("line {line}: {reason}"),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut earlier: Option<Earlier> = None;
        for (number, line) in text[..whole].lines().enumerate() {
            let line: Line = serde_json::from_str(line).map_err(|error| bad(number + 1, error.to_string()))?;
            match (line, &mut earlier) {
                (Line::Run(file), None) => {
                    let differences = header.differences(&file);
                    if !differences.is_empty() {
                        return Err(MeasureError::NoResume {
                            path,
                            reason: format!(
                                "its samples were taken under other circumstances ({})",
                                differences.join("; ")
                            ),
                        });
                    }
                    earlier = Some(Earlier {
                        header: file,
                        resumed: Vec::new(),
                        blocks: Vec::new(),
                        prober: Vec::new(),
                        taken: Vec::new(),
                        torn: whole < text.len(),
                    });
                }
                (Line::Resumed(at), Some(earlier)) => earlier.resumed.push(at),
                (Line::Block(reading), Some(earlier)) => earlier.blocks.push(reading),
                (Line::Prober(used), Some(earlier)) => earlier.prober.push(used),
                (Line::Sample(key, taken), Some(earlier)) => earlier.taken.push((key, taken)),
                _ => return Err(bad(number + 1, "the line is out of place".into())),
            }
        }
        let mut earlier = earlier.ok_or_else(|| bad(1, "the header is missing".into()))?;
        let mut raw = Self::open(path)?;
        raw.file.set_len(whole as u64).map_err(MeasureError::io(&raw.path))?;
        raw.write(&Line::Resumed(now.into()))?;
        earlier.resumed.push(now.into());
        Ok(Some((raw, earlier)))
    }

    fn open(path: PathBuf) -> Result<Self, MeasureError> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(MeasureError::io(&path))?;
        Ok(Self { path, file })
    }

    /// Appends the reading of the machine before a block.
    pub fn block(&mut self, reading: &BlockReading) -> Result<(), MeasureError> {
        self.write(&Line::Block(reading.clone()))
    }

    /// Appends the cost of a block. A block that several subjects share belongs in the file of one of them.
    pub fn prober(&mut self, used: ProberUse) -> Result<(), MeasureError> {
        self.write(&Line::Prober(used))
    }

    /// Appends a sample.
    pub fn append(&mut self, key: Key, taken: &Taken) -> Result<(), MeasureError> {
        self.write(&Line::Sample(key, taken.clone()))
    }

    fn write(&mut self, line: &Line) -> Result<(), MeasureError> {
        let line = serde_json::to_string(line).map_err(std::io::Error::other);
        line.and_then(|line| self.file.write_all(format!("{line}\n").as_bytes()))
            .map_err(MeasureError::io(&self.path))
    }

    /// Removes the file, and the folder if it is empty.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Removes the files of these subjects that hold no sample, and the folder if it is empty. Returns true if a file stays.
pub fn tidy<'a>(out: &Path, names: impl Iterator<Item = &'a str>) -> bool {
    let mut stays = false;
    for path in names.map(|name| path(out, name)).filter(|path| path.exists()) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let is_sample = |line: &str| matches!(serde_json::from_str(line), Ok(Line::Sample(..)));
        if text.lines().any(is_sample) {
            stays = true;
        } else {
            let _ = fs::remove_file(&path);
        }
    }
    let _ = fs::remove_dir(out.join("raw"));
    stays
}

fn path(out: &Path, name: &str) -> PathBuf {
    out.join("raw").join(format!("{name}.jsonl"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::FailureKind;

    fn header() -> Header {
        Header::new(
            "coldcast measure docker gin",
            "sha256:1",
            "20.10",
            "2026-11-24T10:00:00Z",
        )
    }

    fn failed(block: u32) -> Taken {
        Taken::Failed(StartFailure {
            block,
            kind: FailureKind::Exited,
            reason: "exited".into(),
        })
    }

    const KEY: Key = Key {
        cpu: MilliCpu(1000),
        memory: MemoryMib(512),
        cold_mode: ColdMode::ProcessCold,
        cpu_mode: CpuMode::Flat,
    };

    #[test]
    fn a_torn_last_line_is_dropped_and_the_others_come_back() {
        let out = tempfile::tempdir().unwrap();
        let (mut raw, kept) = RawFile::create(out.path(), "gin", "ab", &header()).unwrap();
        assert_eq!(kept, None);
        let reading = BlockReading {
            spin_ms: 20.1,
            ..BlockReading::default()
        };
        raw.block(&reading).unwrap();
        let used = ProberUse {
            wall_ms: 1_200.5,
            cpu_ms: Some(31.25),
        };
        raw.prober(used).unwrap();
        raw.append(KEY, &failed(0)).unwrap();
        raw.append(KEY, &failed(1)).unwrap();
        let path = path(out.path(), "gin");
        let length = fs::metadata(&path).unwrap().len();
        OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length - 5)
            .unwrap();

        let (mut raw, earlier) = RawFile::resume(out.path(), "gin", &header(), "later").unwrap().unwrap();
        assert!(earlier.torn);
        assert_eq!((earlier.taken, earlier.blocks), (vec![(KEY, failed(0))], vec![reading]));
        assert_eq!(earlier.prober, [used]);
        raw.append(KEY, &failed(2)).unwrap();
        let (_, earlier) = RawFile::resume(out.path(), "gin", &header(), "last").unwrap().unwrap();
        assert_eq!(
            (earlier.torn, earlier.resumed),
            (false, vec!["later".into(), "last".into()])
        );
        assert_eq!(earlier.taken, [(KEY, failed(0)), (KEY, failed(2))]);
        assert_eq!(earlier.header.started, "2026-11-24T10:00:00Z");
    }

    #[test]
    fn only_files_with_samples_stay() {
        let out = tempfile::tempdir().unwrap();
        let (mut gin, _) = RawFile::create(out.path(), "gin", "ab", &header()).unwrap();
        let (mut echo, _) = RawFile::create(out.path(), "echo", "ab", &header()).unwrap();
        echo.block(&BlockReading::default()).unwrap();
        gin.append(KEY, &failed(0)).unwrap();
        assert!(tidy(out.path(), ["gin", "echo", "none"].into_iter()));
        assert!(path(out.path(), "gin").exists() && !path(out.path(), "echo").exists());
        gin.discard();
        assert!(!tidy(out.path(), ["gin"].into_iter()));
        assert!(!out.path().join("raw").exists());
    }

    #[test]
    fn samples_of_other_circumstances_are_refused() {
        let out = tempfile::tempdir().unwrap();
        RawFile::create(out.path(), "gin", "ab", &header()).unwrap();
        let other = Header {
            image_id: "sha256:2".into(),
            ..header()
        };
        let error = RawFile::resume(out.path(), "gin", &other, "later")
            .unwrap_err()
            .to_string();
        assert!(error.contains("image: now `sha256:2`, then `sha256:1`"), "{error}");
        let other_value = Header {
            options: ContainerOptions {
                env: [("TOKEN".to_string(), "1f2e".to_string())].into(),
                ..ContainerOptions::default()
            },
            ..header()
        };
        let error = RawFile::resume(out.path(), "gin", &other_value, "later").unwrap_err();
        assert!(error.to_string().contains("a value of --env"), "{error}");
        assert!(RawFile::resume(out.path(), "echo", &other, "later").unwrap().is_none());
        let (_, kept) = RawFile::create(out.path(), "gin", "cd", &other).unwrap();
        assert!(kept.unwrap().ends_with("raw/gin.before-cd.jsonl"));
    }
}
