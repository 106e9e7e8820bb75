//! The panel of a machine: all frameworks at one size, interleaved, within half an hour. Panels link machines: the ratio of each
//! framework between two panels, and from these the factor between two machines ([`linked`]).
//!
//! A panel keeps raw samples. A profile carries the figures of its machine's panel only ([`PanelLink`]), so that two profiles can
//! be brought to one machine without any other file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::profile::{BlockReading, QuietMachine, StartFailure, Verdict};
use crate::stats::link::{self, Logged, Variances};
use crate::stats::order;

pub mod linked;

/// The version of the panel format that this program reads and writes.
pub const SCHEMA: u32 = 1;
/// The number of bursts at the end of an instance's load whose median counts: the two windows by which it has settled.
const PLATEAU: usize = 8;

/// The measurements of all frameworks on one machine at 1 vCPU and 512 MiB: `panel.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// The version of this format: 1.
    pub schema: u32,
    /// The version of coldcast that measured.
    pub tool_version: String,
    /// The command line that repeats the measurement.
    pub command: String,
    /// The seed of the random order.
    pub seed: u64,
    /// The start of the measurement, RFC 3339 in UTC.
    pub started: String,
    /// The end of the measurement, RFC 3339 in UTC.
    pub finished: String,
    /// The machine.
    pub machine: PanelMachine,
    /// The figures of the machine at rest; `null` if there were none.
    #[serde(default)]
    pub quiet_machine: Option<QuietMachine>,
    /// The state of the machine before each block, in the order of measurement.
    pub blocks: Vec<BlockReading>,
    /// Notes for readers.
    pub notes: Vec<String>,
    /// The frameworks in order of their names.
    pub frameworks: Vec<PanelFramework>,
}

/// The machine of a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelMachine {
    /// A digest that tells this machine from others of the same model.
    pub digest: String,
    /// The CPU model.
    pub cpu: String,
    /// The number of logical CPUs.
    pub cores: u32,
    /// The memory in MiB.
    pub memory_mib: u64,
    /// The kernel release.
    pub kernel: String,
    /// The version of the container engine.
    pub engine_version: String,
    /// The storage driver of the engine.
    pub storage_driver: String,
    /// The version of control groups.
    pub cgroup_version: String,
}

impl std::fmt::Display for PanelMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cpu, cores, kernel, .. } = self;
        let short = self.digest.get(..6).unwrap_or(&self.digest);
        write!(f, "{cpu}, {cores} cores, kernel {kernel} ({short})")
    }
}

/// One framework of a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelFramework {
    /// The name.
    pub name: String,
    /// The release of the framework. Only equal releases are compared.
    pub version: String,
    /// The content digest of the image.
    pub image_id: String,
    /// The process-cold starts in the order of measurement.
    pub cold: Vec<PanelStart>,
    /// The loads on warm instances, one for each instance.
    pub requests: Vec<PanelRequests>,
    /// The starts and loads without a sample.
    pub failures: Vec<StartFailure>,
}

impl PanelFramework {
    /// Returns the cold starts that count.
    pub fn counted(&self) -> impl Iterator<Item = &PanelStart> {
        self.cold.iter().filter(|start| start.verdict == Verdict::Counted)
    }
}

/// One cold start of a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelStart {
    /// The number of the block, from 0.
    pub block: u32,
    /// The position within the session, from 0.
    pub order: u32,
    /// From the create call to the first correct answer, in milliseconds.
    pub total_ms: f64,
    /// The CPU time of the container until then, in milliseconds; `null` if unknown.
    pub cpu_ms: Option<f64>,
    /// The decision if the sample counts, from the noise alone.
    pub verdict: Verdict,
}

/// The load on one warm instance of a panel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelRequests {
    /// The CPU time per request of `/json` in milliseconds, burst by burst.
    pub json_cpu_ms: Vec<f64>,
    /// The same of `/items`; the bursts of both take turns.
    pub items_cpu_ms: Vec<f64>,
    /// True if both had come to rest before the time was up.
    pub settled: bool,
}

/// A quantity of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// The wall time of a cold start.
    ColdStart,
    /// The CPU time of a cold start.
    CpuToReady,
    /// The CPU time of a request to `/json`.
    JsonCpu,
    /// The CPU time of a request to `/items`.
    ItemsCpu,
}

impl Quantity {
    /// All quantities in order.
    pub const ALL: [Self; 4] = [Self::ColdStart, Self::CpuToReady, Self::JsonCpu, Self::ItemsCpu];

    /// Returns the name that files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ColdStart => "cold-start",
            Self::CpuToReady => "cpu-to-ready",
            Self::JsonCpu => "json-cpu",
            Self::ItemsCpu => "items-cpu",
        }
    }

    /// Returns the way in which variances are estimated. There are a dozen starts of each framework, and two warm instances.
    pub fn variances(self) -> Variances {
        match self {
            Self::ColdStart | Self::CpuToReady => Variances::Own,
            Self::JsonCpu | Self::ItemsCpu => Variances::Pooled,
        }
    }
}

/// A figure of a panel; in files a list of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 3]", into = "[f64; 3]")]
pub struct Figure {
    /// The value in milliseconds: the geometric mean, without the outer fifths of cold starts.
    pub ms: f64,
    /// The standard error of its natural logarithm.
    pub error: f64,
    /// The degrees of freedom of that error.
    pub freedom: f64,
}

impl From<[f64; 3]> for Figure {
    fn from([ms, error, freedom]: [f64; 3]) -> Self {
        Self { ms, error, freedom }
    }
}

impl From<Figure> for [f64; 3] {
    fn from(figure: Figure) -> Self {
        [figure.ms, figure.error, figure.freedom]
    }
}

impl Figure {
    fn new(logged: Logged) -> Self {
        let digits = |value: f64, scale: f64| (value * scale).round() / scale;
        Self {
            // Six digits, whatever the size.
            ms: format!("{:.5e}", logged.log.exp()).parse().unwrap_or_default(),
            error: digits(logged.variance.sqrt(), 1e6),
            freedom: digits(logged.freedom, 1e2),
        }
    }

    fn logged(self) -> Logged {
        Logged {
            log: self.ms.ln(),
            variance: self.error.powi(2).max(1e-9),
            freedom: self.freedom,
        }
    }

    fn is_plausible(self) -> bool {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        positive(self.ms) && self.error.is_finite() && self.error >= 0.0 && positive(self.freedom)
    }
}

/// The figures of a panel, as a profile carries them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelLink {
    /// The id of the panel: 16 hexadecimal digits of the digest of its content.
    pub id: String,
    /// The start of the panel, RFC 3339 in UTC.
    pub measured: String,
    /// The machine.
    pub machine: PanelMachine,
    /// The figures of each framework.
    pub frameworks: BTreeMap<String, PanelFigures>,
}

/// The figures of one framework of a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelFigures {
    /// The release of the framework.
    pub version: String,
    /// Each figure: the value in milliseconds, the standard error of its logarithm, the degrees of freedom of the error.
    pub figures: BTreeMap<Quantity, Figure>,
}

impl PanelLink {
    /// Returns the day of the panel, such as `2026-11-30`.
    pub fn day(&self) -> &str {
        self.measured.split('T').next().unwrap_or_default()
    }

    /// Returns true if no figure is impossible.
    pub fn is_plausible(&self) -> bool {
        let mut figures = self.frameworks.values().flat_map(|one| one.figures.values());
        figures.all(|figure| figure.is_plausible())
    }
}

/// Parses a panel.
///
/// # Errors
/// A sentence that says what is wrong, with the position in the text.
pub fn parse(text: &str) -> Result<Panel, String> {
    let panel: Panel = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match panel.schema {
        SCHEMA => Ok(panel),
        other => Err(format!("its schema is {other}; this version reads {SCHEMA}")),
    }
}

impl Panel {
    /// Returns the id: the first 16 hexadecimal digits of the SHA-256 digest of the content.
    pub fn id(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the figures, as a profile carries them.
    pub fn link(&self) -> PanelLink {
        let mut frameworks: BTreeMap<String, PanelFigures> = self
            .frameworks
            .iter()
            .map(|one| {
                let figures = PanelFigures {
                    version: one.version.clone(),
                    figures: BTreeMap::new(),
                };
                (one.name.clone(), figures)
            })
            .collect();
        for quantity in Quantity::ALL {
            for (one, logged) in self.frameworks.iter().zip(self.logged(quantity)) {
                if let (Some(logged), Some(figures)) = (logged, frameworks.get_mut(&one.name)) {
                    figures.figures.insert(quantity, Figure::new(logged));
                }
            }
        }
        PanelLink {
            id: self.id(),
            measured: self.started.clone(),
            machine: self.machine.clone(),
            frameworks,
        }
    }

    /// The logarithm of a quantity of each framework; `None` for one with too few samples.
    fn logged(&self, quantity: Quantity) -> Vec<Option<Logged>> {
        let starts = |of: fn(&PanelStart) -> Option<f64>| {
            let each = self
                .frameworks
                .iter()
                .map(move |one| link::trimmed(&one.counted().filter_map(of).collect::<Vec<f64>>()));
            each.collect()
        };
        let instances = |of: fn(&PanelRequests) -> &[f64]| {
            let each = self.frameworks.iter().map(|one| {
                let plateaus = one.requests.iter().filter_map(|requests| plateau(of(requests)));
                plateaus.collect::<Vec<f64>>()
            });
            link::pooled(&each.collect::<Vec<_>>())
        };
        match quantity {
            Quantity::ColdStart => starts(|start| Some(start.total_ms)),
            Quantity::CpuToReady => starts(|start| start.cpu_ms),
            Quantity::JsonCpu => instances(|requests| &requests.json_cpu_ms),
            Quantity::ItemsCpu => instances(|requests| &requests.items_cpu_ms),
        }
    }
}

/// The CPU time per request at the end of a load: the median of the last bursts; `None` with fewer.
fn plateau(bursts: &[f64]) -> Option<f64> {
    let last = bursts.len().checked_sub(PLATEAU)?;
    order::median(&order::sorted(bursts[last..].iter().copied()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::normal;

    /// A panel of a machine that takes `factor` times as long, with figures that vary by `noise`.
    pub fn panel(seed: u64, digest: &str, names: &[&str], factor: f64, noise: f64) -> Panel {
        let frameworks = names.iter().enumerate().map(|(k, name)| {
            let stream = Draws::new(seed, 0).stream(Purpose::Order, k as u64);
            let level = 50.0 * (k + 1) as f64 * factor;
            let value = |i: u64, level: f64| level * (noise * normal::quantile(stream.uniform(i))).exp();
            let instance = |i: u64| {
                let own = value(100 + i, 1.0);
                PanelRequests {
                    json_cpu_ms: vec![level / 1e3 * own; 10],
                    items_cpu_ms: vec![level / 5e2 * own; 10],
                    settled: true,
                }
            };
            PanelFramework {
                name: (*name).into(),
                version: "1.0".into(),
                image_id: "sha256:1".into(),
                cold: (0..12)
                    .map(|i| PanelStart {
                        block: i as u32,
                        order: i as u32,
                        total_ms: value(i, level),
                        cpu_ms: Some(value(20 + i, level / 2.0)),
                        verdict: Verdict::Counted,
                    })
                    .collect(),
                requests: (0..2).map(instance).collect(),
                failures: Vec::new(),
            }
        });
        Panel {
            schema: SCHEMA,
            tool_version: "0".into(),
            command: "coldcast measure panel".into(),
            seed,
            started: "2026-11-30T20:00:00Z".into(),
            finished: "2026-11-30T20:25:00Z".into(),
            machine: PanelMachine {
                digest: digest.into(),
                cpu: "Model".into(),
                cores: 2,
                memory_mib: 8192,
                kernel: "6.18".into(),
                engine_version: "20.10".into(),
                storage_driver: "overlay2".into(),
                cgroup_version: "1".into(),
            },
            quiet_machine: None,
            blocks: Vec::new(),
            notes: Vec::new(),
            frameworks: frameworks.collect(),
        }
    }

    #[test]
    fn a_panel_comes_back_and_unknown_keys_are_refused() {
        let panel = panel(1, "aa", &["one", "two"], 1.0, 0.05);
        let text = serde_json::to_string(&panel).unwrap();
        assert_eq!(parse(&text).unwrap(), panel);
        assert_eq!(parse(&text).unwrap().id(), panel.id());
        assert!(parse(&text.replacen("\"seed\"", "\"sead\"", 1)).is_err());
        let other = parse(&text.replacen("\"schema\":1", "\"schema\":2", 1)).unwrap_err();
        assert_eq!(other, "its schema is 2; this version reads 1");
    }

    #[test]
    fn a_profile_carries_figures_in_place_of_samples() {
        let mut panel = panel(1, "aa", &["one", "two"], 1.0, 0.05);
        // A repeated start does not count, and a framework with one instance has no pooled figure.
        panel.frameworks[0].cold[0].total_ms = 1e6;
        panel.frameworks[0].cold[0].verdict = Verdict::NoisyHost;
        panel.frameworks[1].requests.pop();
        let link = panel.link();
        assert!(link.is_plausible() && link.id.len() == 16 && link.day() == "2026-11-30");
        let one = &link.frameworks["one"].figures;
        assert!((one[&Quantity::ColdStart].ms / 50.0 - 1.0).abs() < 0.05, "{one:?}");
        assert_eq!(one[&Quantity::JsonCpu].freedom, 1.0);
        assert!(!link.frameworks["two"].figures.contains_key(&Quantity::ItemsCpu));
        let text = serde_json::to_string(&link).unwrap();
        assert!(text.contains("\"cold-start\":["), "{text}");
        assert_eq!(serde_json::from_str::<PanelLink>(&text).unwrap(), link);
    }

    #[test]
    fn the_end_of_a_load_counts() {
        let mut bursts = vec![9.0; 20];
        bursts.extend([1.0, 1.1, 1.0, 0.9, 1.0, 1.0, 0.9, 5.0]);
        assert_eq!((plateau(&bursts), plateau(&bursts[..5])), (Some(1.0), None));
    }
}
