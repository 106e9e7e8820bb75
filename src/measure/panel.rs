//! The panel of a machine: the settings of its measurement, and the file that comes out of it.
//!
//! A panel is a measurement like others, with blocks, raw files and `--resume`. It differs in three ways: all frameworks are
//! measured at one size, the warm run is a short load on two instances ([`requests`]), and the outcome is one file for all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::measure::assemble::{self, Backing, Circumstances};
use crate::measure::config::{Config, REFERENCE, WarmKind};
use crate::measure::error::MeasureError;
use crate::measure::noise::{State, machine_digest};
use crate::measure::slot::Slot;
use crate::measure::store;
use crate::measure::subject::Subject;
use crate::measure::{Measurement, host};
use crate::model::framework::Framework;
use crate::model::panel::{self, Panel, PanelFramework, PanelLink, PanelMachine, PanelStart};
use crate::model::profile::{BlockReading, ColdMode, CpuMode, QuietMachine};

pub mod requests;

/// The number of cold starts of each framework.
pub const STARTS: u32 = 12;
/// The number of warm instances of each framework: their difference shows what one instance is worth.
pub const INSTANCES: usize = 2;
/// The age up to which a panel stands for the machine of a measurement.
const FRESH: Duration = Duration::from_secs(24 * 3600);
/// The number of frameworks from which a panel links machines well enough to be taken without being named.
const FULL: usize = 10;
/// The name of the kept copy of the newest panel in the state folder.
const KEPT: &str = "panel";

/// The only configuration of a panel.
pub fn config() -> Config {
    Config {
        limits: REFERENCE,
        cold_mode: ColdMode::ProcessCold,
        cpu_mode: CpuMode::Flat,
        samples: STARTS,
        warm_run: WarmKind::Panel,
    }
}

/// The time that the loads on one framework take, with the starts of their instances.
pub fn expected_warm(framework: Option<&Framework>, start: Duration) -> Duration {
    // A JIT compiler of a virtual machine needs the whole time until code has come to rest.
    let slow = framework.is_some_and(|framework| matches!(framework.language.as_str(), "Java" | "Kotlin" | "Scala"));
    let load = match slow {
        true => requests::LONGEST,
        false => requests::SHORTEST.mul_f64(1.25),
    };
    (load + start) * INSTANCES as u32
}

/// Collects the panel from the samples of a session.
pub fn collect(
    measurement: &Measurement,
    backing: &Backing,
    subjects: Vec<(&Subject, String, Vec<Slot>)>,
    blocks: &[BlockReading],
    quiet_machine: Option<&QuietMachine>,
    circumstances: &Circumstances,
) -> Panel {
    let mut notes = circumstances.notes.clone();
    let mut frameworks = Vec::new();
    for (subject, image_id, slots) in subjects {
        let Subject::Framework { framework, .. } = subject else {
            continue;
        };
        for slot in slots {
            let requests = slot.requests.clone();
            let measured = assemble::config(slot, quiet_machine);
            let unsettled = requests.iter().filter(|one| !one.settled).count();
            if unsettled > 0 {
                notes.push(format!(
                    "{}: CPU time per request had not come to rest on {unsettled} of {} instances after {} s",
                    framework.name,
                    requests.len(),
                    requests::LONGEST.as_secs()
                ));
            }
            let start = |sample: crate::model::profile::ColdSample| PanelStart {
                block: sample.block,
                order: sample.order,
                total_ms: sample.total_ms,
                cpu_ms: sample.cpu_ms,
                verdict: sample.verdict,
            };
            frameworks.push(PanelFramework {
                name: framework.name.clone(),
                version: framework.version.clone(),
                image_id: image_id.clone(),
                cold: measured.cold.into_iter().map(start).collect(),
                requests,
                failures: measured.failures,
            });
        }
    }
    frameworks.sort_by(|a, b| a.name.cmp(&b.name));
    Panel {
        schema: panel::SCHEMA,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        command: measurement.command.clone(),
        seed: measurement.seed,
        started: circumstances.started.clone(),
        finished: circumstances.finished.clone(),
        machine: machine(backing),
        quiet_machine: quiet_machine.cloned(),
        blocks: blocks.to_vec(),
        notes,
        frameworks,
    }
}

/// This machine with the engine.
fn machine(backing: &Backing) -> PanelMachine {
    PanelMachine {
        digest: machine_digest(),
        cpu: host::cpu_model(),
        cores: host::cores(),
        memory_mib: host::memory_mib(),
        kernel: host::kernel(),
        engine_version: backing.engine_version.clone(),
        storage_driver: backing.storage_driver.clone(),
        cgroup_version: backing.cgroup_version.clone(),
    }
}

/// Writes `<out>/panel.json`. Puts a copy of the figures of a full panel into `state`, where measurements of the next day find
/// them.
///
/// # Errors
/// If the file cannot be written. A copy that cannot be kept is no error.
pub fn write(out: &Path, panel: &Panel, state: Option<State>) -> Result<PathBuf, MeasureError> {
    let path = store::write_json(out, "panel.json", panel)?;
    if let Some(state) = state.filter(|_| panel.frameworks.len() >= FULL) {
        let _ = state.keep(KEPT, &panel.link());
    }
    Ok(path)
}

/// The panel that the same command has written already; `None` if there is none.
pub fn finished(out: &Path, command: &str) -> Option<Panel> {
    let text = std::fs::read_to_string(out.join("panel.json")).ok()?;
    panel::parse(&text).ok().filter(|panel| panel.command == command)
}

/// Reads the figures of a panel for the profiles of a measurement on this machine.
///
/// # Errors
/// If the file cannot be read, or the panel is of another machine.
pub fn link_of_file(path: &Path) -> Result<PanelLink, MeasureError> {
    let bad = |reason: String| MeasureError::BadRequest(format!("--panel {}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(MeasureError::io(path))?;
    let panel = panel::parse(&text).map_err(bad)?;
    if panel.machine.digest != machine_digest() {
        return Err(bad(format!(
            "it was measured on another machine ({}); `coldcast measure panel` measures one on this machine",
            panel.machine
        )));
    }
    Ok(panel.link())
}

/// The newest full panel of this machine; `None` if none was measured here.
pub fn kept_link() -> Option<PanelLink> {
    let link: PanelLink = State::of_user()?.read(KEPT)?;
    (link.machine.digest == machine_digest() && link.is_plausible()).then_some(link)
}

/// Returns true if a panel is so young that it stands for the machine as it is now.
pub fn is_fresh(link: &PanelLink) -> bool {
    let measured: Option<jiff::Timestamp> = link.measured.parse().ok();
    let age = measured.map(|measured| jiff::Timestamp::now().duration_since(measured));
    age.is_some_and(|age| age.unsigned_abs() <= FRESH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::panel::tests::panel as made_up;

    #[test]
    fn a_panel_of_another_machine_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panel.json");
        let write = |digest: &str| {
            let panel = made_up(1, digest, &["gin", "flask"], 1.0, 0.02);
            std::fs::write(&path, serde_json::to_string(&panel).unwrap()).unwrap();
            panel.id()
        };
        write("0000111122223333");
        let error = link_of_file(&path).unwrap_err().to_string();
        assert!(
            error.contains("another machine") && error.contains("Model, 2 cores"),
            "{error}"
        );
        let id = write(&machine_digest());
        assert_eq!(link_of_file(&path).unwrap().id, id);
        std::fs::write(&path, "{}").unwrap();
        assert!(link_of_file(&path).unwrap_err().to_string().contains("missing field"));
    }

    #[test]
    fn a_panel_is_fresh_for_a_day() {
        let mut link = made_up(1, "aa", &["gin"], 1.0, 0.02).link();
        let hours_ago = |hours: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string();
        for (hours, fresh) in [(0, true), (23, true), (25, false), (24 * 400, false)] {
            link.measured = hours_ago(hours);
            assert_eq!(is_fresh(&link), fresh, "{hours} hours");
        }
        link.measured = "yesterday".into();
        assert!(!is_fresh(&link));
    }

    #[test]
    fn a_small_panel_is_not_kept_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let state = || State::at(folder.path().join("state"), crate::measure::noise::MachineKey::here());
        let names: Vec<String> = (0..FULL).map(|k| format!("f{k}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        write(folder.path(), &made_up(1, "aa", &names[1..], 1.0, 0.02), Some(state())).unwrap();
        assert_eq!(state().read::<PanelLink>(KEPT), None);
        let full = made_up(1, "aa", &names, 1.0, 0.02);
        write(folder.path(), &full, Some(state())).unwrap();
        assert_eq!(state().read::<PanelLink>(KEPT), Some(full.link()));
        assert_eq!(finished(folder.path(), &full.command), Some(full));
        assert_eq!(finished(folder.path(), "another command"), None);
    }

    #[test]
    fn a_jit_compiler_gets_its_time_in_the_plan() {
        let text = |name: &str| {
            let found = crate::model::catalog::FRAMEWORKS
                .iter()
                .find(|(known, ..)| *known == name);
            crate::model::framework::parse(found.unwrap().1).unwrap()
        };
        let second = Duration::from_secs(1);
        let [gin, quarkus] = ["gin", "quarkus"].map(|name| expected_warm(Some(&text(name)), second));
        assert!(
            gin < Duration::from_secs(20) && quarkus > Duration::from_secs(40),
            "{gin:?} {quarkus:?}"
        );
    }
}
