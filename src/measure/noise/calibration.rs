//! A calibration: readings of the machine over some seconds, the figures that follow from them, and the rule that tells if the
//! machine was at rest meanwhile.

use std::time::Duration;

use super::{SPREADS, Timed, Work, steal_share};
use crate::measure::host;
use crate::measure::run::now;
use crate::model::profile::{QuietMachine, Spread};
use crate::stats::order;

/// The number of readings. Each takes about 0.2 s, so a calibration takes about 8 s.
pub const READINGS: usize = 40;
/// The pause between two readings.
const PAUSE: Duration = Duration::from_millis(20);
/// The contention up to which the machine is at rest, as the 90th percentile of the readings.
const REST_CONTENTION: f64 = 0.05;
/// The distance of the 90th percentile of the computation from its median up to which the machine is at rest, as a share.
const REST_SPIN: f64 = 0.10;
/// The same for the walk, which varies more on virtual machines.
const REST_WALK: f64 = 0.25;
/// The load average per core up to which the machine is at rest.
pub const REST_LOAD: f64 = 0.5;
/// The per cent of ten seconds in which tasks may wait for a CPU.
pub const REST_PRESSURE: f64 = 20.0;
/// The share of CPU time that the hypervisor may take.
const REST_STEAL: f64 = 0.02;
/// A calibration is better than another one if the fixed work took less than this share of its time.
const BETTER: f64 = 0.97;

/// The outcome of a calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The figures.
    pub figures: QuietMachine,
    /// The signs that the machine was not at rest; empty if it was.
    pub unrest: Vec<String>,
}

/// The state of the machine around a calibration, as far as the kernel tells.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Surroundings {
    /// The load average per core before the first reading.
    pub load_per_core: Option<f64>,
    /// The per cent of the ten seconds before the first reading in which tasks waited for a CPU.
    pub pressure: Option<f64>,
    /// The share of CPU time that was stolen meanwhile.
    pub steal: Option<f64>,
}

impl Calibration {
    /// Takes a calibration of this machine.
    pub fn take(work: Work) -> Self {
        let load_per_core = host::load().map(|load| load / f64::from(host::cores()));
        let (pressure, ticks) = (host::pressure("cpu"), host::steal_and_total());
        let readings: Vec<Timed> = (0..READINGS)
            .map(|_| {
                std::thread::sleep(PAUSE);
                work.time()
            })
            .collect();
        let around = Surroundings {
            load_per_core,
            pressure,
            steal: ticks.zip(host::steal_and_total()).and_then(steal_share),
        };
        of_readings(work, &readings, around)
    }
}

/// The calibration that follows from readings.
pub fn of_readings(work: Work, readings: &[Timed], around: Surroundings) -> Calibration {
    let spread = |of: fn(&Timed) -> f64| {
        let sorted = order::sorted(readings.iter().map(of));
        Spread {
            median: order::median(&sorted).unwrap_or_default(),
            p90: order::quantile(&sorted, 0.9).unwrap_or_default(),
        }
        .rounded()
    };
    let mut figures = QuietMachine {
        at: now(),
        rounds: work.rounds,
        readings: readings.len() as u32,
        spin_ms: spread(|one| one.spin_ms),
        walk_ms: spread(|one| one.walk_ms),
        contention: spread(|one| one.contention),
        quiet: false,
    };
    let unrest = unrest(&figures, around);
    figures.quiet = unrest.is_empty();
    Calibration { figures, unrest }
}

/// The signs that the machine was not at rest.
fn unrest(figures: &QuietMachine, around: Surroundings) -> Vec<String> {
    let percent = |share: f64| format!("{:.0}%", 100.0 * share);
    let wide = |spread: Spread, most: f64| Some(spread.spread() / spread.median).filter(|share| *share > most);
    let above = |value: Option<f64>, most: f64| value.filter(|value| *value > most);
    let signs = [
        above(Some(figures.contention.p90), REST_CONTENTION)
            .map(|share| format!("other programs took {} of the computation's time", percent(share))),
        wide(figures.spin_ms, REST_SPIN).map(|share| format!("the computation varied by {}", percent(share))),
        wide(figures.walk_ms, REST_WALK).map(|share| format!("the walk through memory varied by {}", percent(share))),
        above(around.load_per_core, REST_LOAD).map(|load| format!("the load average was {load:.1} per core")),
        above(around.pressure, REST_PRESSURE).map(|share| format!("tasks waited for a CPU in {share:.0}% of the time")),
        above(around.steal, REST_STEAL).map(|share| format!("the hypervisor took {} of the CPU time", percent(share))),
    ];
    signs.into_iter().flatten().collect()
}

/// Returns true if `new` figures replace the `kept` ones: those of a machine at rest replace others, and of two alike the
/// clearly quicker ones count. Figures of different work cannot be compared by their times.
pub fn is_better(new: &QuietMachine, kept: &QuietMachine) -> bool {
    if new.quiet != kept.quiet {
        return new.quiet;
    }
    let time = |figures: &QuietMachine| (figures.spin_ms.median * figures.walk_ms.median).sqrt();
    new.rounds == kept.rounds && time(new) < BETTER * time(kept)
}

/// The limits of quiet readings, for people: the computation and the walk in milliseconds.
pub fn limits(figures: &QuietMachine) -> (f64, f64) {
    (
        figures.spin_ms.limit(super::SPIN_FLOOR, SPREADS),
        figures.walk_ms.limit(super::WALK_FLOOR, SPREADS),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::noise::noise;
    use crate::rng::{Draws, Purpose, Stream};
    use crate::stats::normal;

    const WORK: Work = Work { rounds: 1000 };
    const AT_REST: Surroundings = Surroundings {
        load_per_core: Some(0.1),
        pressure: Some(1.0),
        steal: Some(0.0),
    };

    /// A reading of a machine whose times vary by `jitter`, with the law of `z`.
    fn reading(stream: Stream, k: u64, jitter: (f64, f64), z: fn(f64) -> f64) -> Timed {
        let draw = |part: u64| z(stream.uniform(4 * k + part));
        Timed {
            spin_ms: 20.0 * (1.0 + jitter.0 * draw(0)),
            spin_cpu_ms: 20.0,
            contention: (0.005 * draw(1)).clamp(0.0, 1.0),
            walk_ms: 50.0 * (1.0 + jitter.1 * draw(2)),
        }
    }

    /// An idle machine has under 10% noisy blocks: for laws with light and heavy tails, and with the limits that each machine's
    /// own calibration of forty readings gives.
    #[test]
    fn an_idle_machine_has_few_noisy_blocks() {
        type Law = fn(f64) -> f64;
        let laws: [(&str, Law); 3] = [
            ("normal", normal::quantile),
            ("exponential", |u| -(1.0 - u).ln()),
            ("lognormal", |u| (0.8 * normal::quantile(u)).exp() - 1.0),
        ];
        for (name, law) in laws {
            for jitter in [(0.002, 0.02), (0.02, 0.08), (0.03, 0.10)] {
                let mut noisy = 0;
                let (machines, blocks) = (40, 100);
                for machine in 0..machines {
                    let stream = Draws::new(7, machine).stream(Purpose::Order, 0);
                    let readings: Vec<Timed> = (0..READINGS as u64).map(|k| reading(stream, k, jitter, law)).collect();
                    let figures = of_readings(WORK, &readings, AT_REST).figures;
                    let later = (1000..1000 + blocks).map(|k| reading(stream, k, jitter, law));
                    noisy += later
                        .filter(|one| noise(Some(&figures), one.spin_ms, Some(one.walk_ms), Some(one.contention)) > 1.0)
                        .count();
                }
                let share = noisy as f64 / (machines * blocks) as f64;
                assert!(share < 0.05, "{name}, jitter {jitter:?}: {share}");
            }
        }
    }

    /// A machine that becomes a quarter slower is noticed in nearly every block.
    #[test]
    fn a_slower_machine_is_noticed() {
        let stream = Draws::new(9, 0).stream(Purpose::Order, 0);
        let z: fn(f64) -> f64 = normal::quantile;
        let readings: Vec<Timed> = (0..READINGS as u64)
            .map(|k| reading(stream, k, (0.01, 0.04), z))
            .collect();
        let calibration = of_readings(WORK, &readings, AT_REST);
        assert_eq!(calibration.unrest, [""; 0]);
        let noticed = (1000..1100).filter(|&k| {
            let one = reading(stream, k, (0.01, 0.04), z);
            noise(
                Some(&calibration.figures),
                1.25 * one.spin_ms,
                Some(one.walk_ms),
                Some(one.contention),
            ) > 1.0
        });
        assert!(noticed.count() >= 99);
    }

    #[test]
    fn a_busy_machine_is_not_at_rest() {
        let steady = Timed {
            spin_ms: 40.0,
            spin_cpu_ms: 20.0,
            contention: 0.5,
            walk_ms: 100.0,
        };
        let busy = Surroundings {
            load_per_core: Some(1.2),
            pressure: Some(60.0),
            steal: Some(0.1),
        };
        let calibration = of_readings(WORK, &[steady; 40], busy);
        let signs = [
            "other programs took 50% of the computation's time",
            "the load average was 1.2 per core",
            "tasks waited for a CPU in 60% of the time",
            "the hypervisor took 10% of the CPU time",
        ];
        assert_eq!(calibration.unrest, signs);
        assert!(!calibration.figures.quiet);
    }

    #[test]
    fn quieter_figures_replace_worse_ones() {
        let figures = |quiet, spin| QuietMachine {
            at: String::new(),
            rounds: 5,
            readings: 40,
            spin_ms: Spread {
                median: spin,
                p90: spin,
            },
            walk_ms: Spread {
                median: 50.0,
                p90: 51.0,
            },
            contention: Spread { median: 0.0, p90: 0.0 },
            quiet,
        };
        assert!(is_better(&figures(true, 30.0), &figures(false, 20.0)));
        assert!(!is_better(&figures(false, 10.0), &figures(true, 20.0)));
        assert!(is_better(&figures(true, 18.0), &figures(true, 20.0)));
        assert!(
            !is_better(&figures(true, 19.9), &figures(true, 20.0)),
            "as good is not better"
        );
        let other_work = QuietMachine {
            rounds: 6,
            ..figures(true, 10.0)
        };
        assert!(!is_better(&other_work, &figures(true, 20.0)));
    }
}
