//! This machine as a source of readings.

use std::time::{Duration, Instant};

use super::busy::{BusyProcess, busiest};
use super::calibration::{REST_LOAD, REST_PRESSURE, limits};
use super::{Calibration, Kept, Readings, State, Timed, Work, is_better, noise, steal_share};
use crate::measure::host;
use crate::measure::load::round3;
use crate::model::profile::{BlockReading, QuietMachine};

/// The number of readings before a block, until one is quiet. The last one counts. The engine may still be removing the
/// instance of the block before, which is no noise of the machine.
const TRIES: usize = 4;
/// The pause between two of them.
const PAUSE: Duration = Duration::from_millis(400);
/// The longest time for which the work of this process itself is waited out.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// This machine.
#[derive(Debug)]
pub struct Machine {
    work: Work,
    /// The figures at rest. Without them contention alone tells noise.
    quiet: Option<QuietMachine>,
    state: Option<State>,
    /// The reason for which a kept file was not believed.
    unbelieved: Option<String>,
    /// The stolen and all CPU ticks at the last reading.
    ticks: Option<(u64, u64)>,
    /// True if the machine was quiet before this process began to work.
    was_quiet: bool,
}

/// The outcome of a look at the machine before a measurement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    /// Remarks.
    pub remarks: Vec<String>,
    /// The trouble and its remedy, if the machine is noisy.
    pub trouble: Option<String>,
    /// The load average over the last minute, before this process did anything.
    pub load: Option<f64>,
}

impl Machine {
    /// This machine, with the figures that the user's state folder holds of it.
    pub fn here() -> Self {
        Self::with_state(State::of_user())
    }

    /// This machine, with the figures in `state`.
    pub fn with_state(state: Option<State>) -> Self {
        let (quiet, unbelieved) = match state.as_ref().map_or(Kept::Nothing, State::figures) {
            Kept::Figures(figures) => (Some(figures), None),
            Kept::Nothing => (None, None),
            Kept::Unbelieved(reason) => (None, Some(reason)),
        };
        let work = quiet.as_ref().map(|quiet| Work { rounds: quiet.rounds });
        Self {
            work: work.unwrap_or_else(Work::for_this_machine),
            quiet,
            state,
            unbelieved,
            ticks: host::steal_and_total(),
            was_quiet: false,
        }
    }

    /// Times the fixed work now.
    pub fn time(&self) -> Timed {
        self.work.time()
    }

    /// The figures at rest.
    pub fn figures(&self) -> Option<&QuietMachine> {
        self.quiet.as_ref()
    }

    /// The path of the file that keeps them.
    pub fn file(&self) -> Option<std::path::PathBuf> {
        self.state.as_ref().map(|state| state.path("noise"))
    }

    /// The noise of a reading.
    pub fn noise_of(&self, timed: &Timed) -> f64 {
        noise(
            self.quiet.as_ref(),
            timed.spin_ms,
            Some(timed.walk_ms),
            Some(timed.contention),
        )
    }

    /// Takes a calibration, uses it if it is better than the figures so far, and keeps it then. Returns it with a remark about
    /// what became of it.
    pub fn calibrate(&mut self) -> (Calibration, String) {
        let calibration = Calibration::take(self.work);
        let better = self
            .quiet
            .as_ref()
            .is_none_or(|kept| is_better(&calibration.figures, kept));
        let remark = match (better, calibration.unrest.as_slice()) {
            (false, []) => "the figures that were kept are at least as good, and stay".to_string(),
            (false, signs) => format!(
                "the machine is not at rest ({}); the figures that were kept stay",
                signs.join("; ")
            ),
            (true, signs) => {
                self.quiet = Some(calibration.figures.clone());
                let kept = match self
                    .state
                    .as_ref()
                    .map(|state| state.keep_figures(&calibration.figures))
                {
                    Some(Ok(path)) => format!("kept in {}", path.display()),
                    Some(Err(error)) => format!("not kept: {error}"),
                    None => "not kept: neither XDG_STATE_HOME nor HOME names a folder".into(),
                };
                match signs {
                    [] => kept,
                    signs => format!(
                        "{kept} until there are better ones, for the machine is not at rest ({})",
                        signs.join("; ")
                    ),
                }
            }
        };
        (calibration, remark)
    }

    /// The trouble of a noisy reading in words, and what to do about it.
    pub fn trouble(&self, timed: &Timed) -> String {
        let mut signs = vec![format!(
            "a computation of {:.1} ms of CPU time took {:.1} ms",
            timed.spin_cpu_ms, timed.spin_ms
        )];
        if let Some(quiet) = &self.quiet {
            let (spin, walk) = limits(quiet);
            signs.push(format!(
                "at rest it takes {:.1} ms, and at most {spin:.1}; a walk through memory took {:.1} ms, and takes {:.1} at rest, \
                 and at most {walk:.1}",
                quiet.spin_ms.median, timed.walk_ms, quiet.walk_ms.median
            ));
        }
        signs.push(surroundings());
        let processes = busiest();
        let named: Vec<String> = processes.iter().map(BusyProcess::to_string).collect();
        let remedy = match named.as_slice() {
            [] => "No process of this machine shows why, so other virtual machines on the host are the likely cause: wait, or use \
                   another machine"
                .to_string(),
            named => format!("The busiest processes: {}. Stop them, or wait for their end", named.join(", ")),
        };
        format!("the machine is busy: {}. {remedy}", signs.join("; "))
    }
}

/// The load and the pressure in words.
fn surroundings() -> String {
    let load = host::load().map_or("unknown".into(), |load| load.to_string());
    let pressure = host::pressure("cpu").map_or(String::new(), |percent| {
        format!("; tasks waited for a CPU in {percent:.0}% of the last ten seconds")
    });
    format!("the load average is {load} on {} cores{pressure}", host::cores())
}

impl Readings for Machine {
    /// Load and pressures contain the measurement's own work in the block before.
    fn read(&mut self, block: u32, other_instances: Option<u64>) -> BlockReading {
        let mut timed = self.work.time();
        for _ in 1..TRIES {
            if self.noise_of(&timed) <= 1.0 {
                break;
            }
            std::thread::sleep(PAUSE);
            timed = self.work.time();
        }
        let now = host::steal_and_total();
        let steal_share = std::mem::replace(&mut self.ticks, now).zip(now).and_then(steal_share);
        BlockReading {
            block,
            load: host::load(),
            cpu_pressure: host::pressure("cpu"),
            memory_pressure: host::pressure("memory"),
            io_pressure: host::pressure("io"),
            steal_share: steal_share.map(round3),
            available_memory_mib: host::available_memory_mib(),
            cpu_mhz: host::cpu_mhz().map(round3),
            thermal_throttles: host::thermal_throttles(),
            other_containers: other_instances,
            spin_ms: round3(timed.spin_ms),
            spin_cpu_ms: Some(round3(timed.spin_cpu_ms)),
            contention: Some(round3(timed.contention)),
            walk_ms: Some(round3(timed.walk_ms)),
            noise: Some(round3(self.noise_of(&timed))),
        }
    }

    /// Takes a calibration if the machine has no figures of itself at rest, and is not visibly busy.
    fn look(&mut self) -> Looked {
        let load = host::load();
        let mut remarks: Vec<String> = self.unbelieved.take().into_iter().collect();
        for remark in &mut remarks {
            *remark = format!("the kept figures of this machine at rest are not used: {remark}");
        }
        let mut timed = self.work.time();
        let quiet_load = load.is_none_or(|load| load <= REST_LOAD * f64::from(host::cores()));
        let quiet_pressure = host::pressure("cpu").is_none_or(|percent| percent <= REST_PRESSURE);
        let contended = noise(None, timed.spin_ms, None, Some(timed.contention)) > 1.0;
        let never_quiet = self.quiet.as_ref().is_none_or(|quiet| !quiet.quiet);
        if never_quiet && !contended && quiet_load && quiet_pressure {
            let (_, remark) = self.calibrate();
            remarks.push(format!(
                "took the figures of this machine at rest, against which blocks are judged: {remark}"
            ));
            timed = self.work.time();
        } else if never_quiet {
            remarks.push(
                "this machine has not been seen at rest, so that slower cores or memory cannot be told from its usual state; \
                 `coldcast measure noise --renew` takes its figures when it is idle"
                    .into(),
            );
        }
        for _ in 1..TRIES {
            if self.noise_of(&timed) <= 1.0 {
                break;
            }
            std::thread::sleep(PAUSE);
            timed = self.work.time();
        }
        self.was_quiet = self.noise_of(&timed) <= 1.0;
        Looked {
            remarks,
            trouble: (!self.was_quiet).then(|| self.trouble(&timed)),
            load,
        }
    }

    /// Waits as long as the machine needs, if it was quiet before.
    fn rest(&mut self) -> Option<String> {
        let began = Instant::now();
        loop {
            let timed = self.work.time();
            if !self.was_quiet || self.noise_of(&timed) <= 1.0 {
                return None;
            }
            if began.elapsed() > LONGEST_REST {
                return Some(self.trouble(&timed));
            }
            std::thread::sleep(4 * PAUSE);
        }
    }

    fn quiet_machine(&self) -> Option<QuietMachine> {
        self.quiet.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_holds_what_the_machine_says() {
        let mut machine = Machine {
            work: Work { rounds: 100_000 },
            quiet: None,
            state: None,
            unbelieved: None,
            ticks: None,
            was_quiet: false,
        };
        let first = machine.read(3, Some(0));
        assert_eq!(
            (first.block, first.steal_share, first.other_containers),
            (3, None, Some(0))
        );
        assert!(first.available_memory_mib.is_some_and(|mib| mib > 0) && first.load.is_some());
        assert!(machine.ticks.is_some());
        assert!(first.spin_ms > 0.0 && first.walk_ms.is_some_and(|ms| ms > 1.0));
        assert!(first.noise.is_some() && first.contention.is_some() && first.spin_cpu_ms.is_some());
    }

    /// A file that is damaged is told once and replaced by the next calibration.
    #[test]
    fn a_damaged_file_is_told_and_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::at(folder.path(), crate::measure::noise::kept::MachineKey::here());
        std::fs::write(state.path("noise"), "{").unwrap();
        let mut machine = Machine::with_state(Some(state));
        assert_eq!(machine.figures(), None);
        let looked = machine.look();
        assert!(looked.remarks[0].contains("damaged"), "{looked:?}");
        assert!(machine.look().remarks.iter().all(|remark| !remark.contains("damaged")));
    }

    #[test]
    fn trouble_names_the_symptom_and_the_remedy() {
        let machine = Machine::with_state(None);
        let timed = Timed {
            spin_ms: 40.2,
            spin_cpu_ms: 20.1,
            contention: 0.5,
            walk_ms: 90.0,
        };
        let text = machine.trouble(&timed);
        assert!(
            text.starts_with("the machine is busy: a computation of 20.1 ms of CPU time took 40.2 ms"),
            "{text}"
        );
        assert!(text.contains("load average") && text.contains("wait"), "{text}");
    }
}
