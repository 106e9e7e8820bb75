//! The time that a measurement will take.

use std::time::Duration;

use crate::measure::config::{Config, WarmKind};
use crate::measure::panel;
use crate::measure::subject::Subject;
use crate::measure::warm::pace::{InDepth, Pace};
use crate::measure::warm::rounds::Rule;
use crate::measure::warm::routes::Routes;
use crate::measure::warm::{Parts, rates};
use crate::model::profile::{self, CpuMode, FrameworkProfile, Settling, WarmRun};
use crate::stats::order;
use crate::units::MilliCpu;

/// The time to create, inspect and remove a container, without the start itself. Seen with Docker 20.10 on two cores.
const AROUND_A_START: Duration = Duration::from_millis(250);
/// The CPU time of a start that was not measured before.
const ASSUMED_CPU: Duration = Duration::from_millis(1500);
/// The CPU limit until the health route has answered, with boosted init.
const BOOST: MilliCpu = MilliCpu(2000);
/// The time in which the engine sets the limit after that, and the CPU time of the first request.
const LIMIT_UPDATE: Duration = Duration::from_millis(120);
const FIRST_REQUEST_CPU: Duration = Duration::from_millis(25);
/// The time of the first start of a subject besides the start itself: the check of the HTTP contract, and the load that finds
/// the cost of a request.
const FIRST_START: Duration = Duration::from_secs(3);
/// The time around one load of a closed or open loop: opening and closing its connections.
const AROUND_A_LOAD: Duration = Duration::from_millis(12);
/// The milliseconds of a request with one in flight at one vCPU, where they were not measured.
const ASSUMED_REQUEST_MS: f64 = 0.4;
/// The trials of the search for the highest stable rate, where they were not measured.
const ASSUMED_TRIALS: u32 = 13;
/// The closed loops of the parts of a warm run about parallelism, long and short, where they were not measured.
const ASSUMED_LOOPS: (u32, u32) = (14, 7);

/// The estimate for one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The name of the profile.
    pub name: String,
    /// The number of configurations.
    pub configs: usize,
    /// The number of cold starts.
    pub starts: u32,
    /// The time of all cold starts, the first one included, which does not count.
    pub cold: Duration,
    /// The number of warm runs.
    pub warm_runs: usize,
    /// The time of all warm runs.
    pub warm: Duration,
    /// The day of the profile whose medians were used; `None` if the times are assumed.
    pub measured: Option<String>,
}

/// Estimates the time for `subject` in these configurations. Builds of images are not part of it.
pub fn estimate(subject: &Subject, configs: &[Config], quick: bool) -> Estimate {
    let expected = Expected::of(subject, configs, quick);
    let largest = configs.iter().max_by_key(|config| config.limits);
    let first = largest.map_or(Duration::ZERO, |config| expected.start(config) + FIRST_START);
    let warm = |config: &&Config| config.warm_run != WarmKind::None;
    Estimate {
        name: subject.name().to_string(),
        configs: configs.len(),
        starts: configs.iter().map(|config| config.samples).sum(),
        cold: configs
            .iter()
            .map(|config| expected.start(config) * config.samples)
            .sum::<Duration>()
            + first,
        warm_runs: configs.iter().filter(warm).count(),
        warm: configs.iter().map(|config| expected.warm(config)).sum(),
        measured: expected.profile.map(|profile| profile.measured_on().to_string()),
    }
}

/// The expected times of the parts of a subject's measurement.
#[derive(Debug)]
pub struct Expected<'a> {
    subject: &'a Subject,
    configs: &'a [Config],
    profile: Option<FrameworkProfile>,
    quick: bool,
}

impl<'a> Expected<'a> {
    /// The times by the profile in the folder of the subject, if there is one.
    pub fn of(subject: &'a Subject, configs: &'a [Config], quick: bool) -> Self {
        let profile = match subject {
            Subject::Framework { folder, .. } => std::fs::read_to_string(folder.join("profile.json")).ok(),
            Subject::Image { .. } => None,
        };
        Self {
            subject,
            configs,
            profile: profile.and_then(|text| profile::parse(&text).ok()),
            quick,
        }
    }

    /// The time of one start, with the work around it.
    pub fn start(&self, config: &Config) -> Duration {
        start(self.profile.as_ref(), config) + AROUND_A_START
    }

    /// The time of the warm run with its start; zero without one.
    pub fn warm(&self, config: &Config) -> Duration {
        if config.warm_run == WarmKind::None {
            return Duration::ZERO;
        }
        if config.warm_run == WarmKind::Panel {
            let framework = match self.subject {
                Subject::Framework { framework, .. } => Some(&**framework),
                Subject::Image { .. } => None,
            };
            return panel::expected_warm(framework, self.start(config));
        }
        let parts = Parts::of(config, self.subject, self.configs, self.quick);
        let runs = self.profile.iter().flat_map(|profile| &profile.runs);
        let known = runs
            .filter_map(|run| Some((run.cpu, run.warm.as_ref()?)))
            .min_by_key(|(cpu, _)| cpu.0.abs_diff(config.limits.cpu.0));
        let warm = Warm {
            parts,
            routes: self.subject.routes(),
            vcpu: config.limits.cpu.as_vcpu(),
            known: known.map(|(cpu, warm)| (cpu.as_vcpu(), warm)),
            quick: self.quick,
        };
        self.start(config) + warm.time()
    }
}

/// A warm run that is to come, with a measured one at `known` vCPUs.
struct Warm<'a> {
    parts: Parts,
    routes: Routes,
    vcpu: f64,
    known: Option<(f64, &'a WarmRun)>,
    quick: bool,
}

impl Warm<'_> {
    fn time(&self) -> Duration {
        let Parts { pace, in_depth, long } = self.parts;
        let mut time = Duration::from_secs_f64(pace.curve_seconds) + pace.rest + self.one_by_one() + self.bursts();
        if self.routes == Routes::Contract {
            let assumed = if long.is_some() {
                ASSUMED_LOOPS.0
            } else {
                ASSUMED_LOOPS.1
            };
            let loops = |warm: &WarmRun| (warm.parallel_io.len() + warm.parallel_cpu.len()) as u32;
            let loops = self.known.map_or(assumed, |(_, warm)| loops(warm).clamp(2, assumed));
            time += (pace.closed + AROUND_A_LOAD) * loops;
        }
        if let Some(depth) = in_depth {
            time += self.work(depth) + self.rates(depth);
        }
        if let Some(long) = long {
            let trials = self.known.and_then(|(_, warm)| warm.stable_rate.as_ref());
            let trials = trials.map_or(ASSUMED_TRIALS, |stable| stable.trials.len() as u32);
            time += long.trial * trials + long.settle + long.plateau * 4 + long.afterwards;
        }
        time
    }

    /// The loads with one request in flight: those that warm the routes, and those that count.
    fn one_by_one(&self) -> Duration {
        let Pace {
            route_warm_up,
            route_warm_up_time,
            route_requests,
            route_time,
            ..
        } = self.parts.pace;
        let routes = self.routes.all().len() as f64;
        let measured = self.known.and_then(|(vcpu, warm)| {
            let times = warm.routes.values().flat_map(|route| &route.service_time_ms);
            let median = order::median(&order::sorted(times.copied()))?;
            Some(median * (vcpu / self.vcpu).max(1.0))
        });
        let each = measured.unwrap_or(ASSUMED_REQUEST_MS / self.vcpu.min(1.0)) / 1e3 * routes;
        let up_to = |requests: usize, longest: Duration| {
            Duration::from_secs_f64((requests as f64 * each).min(longest.as_secs_f64()))
        };
        up_to(route_warm_up, route_warm_up_time) + up_to(route_requests, route_time * routes as u32)
    }

    /// The bursts, until they settle: as long as in the profile, or the least that is possible.
    fn bursts(&self) -> Duration {
        let Pace { settle, burst, .. } = self.parts.pace;
        let least = (burst + AROUND_A_LOAD) * (settle.fewest * self.routes.all().len()) as u32;
        let settling = self.known.and_then(|(_, warm)| warm.settling.as_ref());
        self.as_long_as(settling, least, settle) + self.parts.pace.sustained
    }

    fn work(&self, depth: InDepth) -> Duration {
        let sizes: usize = self.routes.kinds().iter().map(|kind| kind.sizes.len()).sum();
        let least = (depth.batch + AROUND_A_LOAD) * (depth.work.fewest * sizes) as u32;
        let settling = self.known.and_then(|(_, warm)| warm.work_settling.as_ref());
        self.as_long_as(settling.filter(|_| sizes > 0), least, depth.work)
    }

    /// The time that it took to settle, between the least and the longest. A quick measurement has other rounds than that of a
    /// profile.
    fn as_long_as(&self, settling: Option<&Settling>, least: Duration, rule: Rule) -> Duration {
        let took = settling.filter(|_| !self.quick).map(|settling| settling.seconds);
        took.map_or(least, Duration::from_secs_f64)
            .clamp(least, least.max(rule.longest))
    }

    fn rates(&self, depth: InDepth) -> Duration {
        let burns = self.routes == Routes::Contract;
        let (pilot, burn) = if burns {
            (depth.pilot, depth.burn_visit)
        } else {
            Default::default()
        };
        let around = AROUND_A_LOAD * 2 * if burns { 2 } else { 1 };
        pilot + depth.visits * (depth.rest + rates::RATES * (depth.json_visit + burn + around))
    }
}

/// The time of a start at the nearest measured CPU limit, in proportion to the limits; at least a quarter of a second. With
/// boosted init a start has two vCPUs, and then comes the first request under the limit.
fn start(profile: Option<&FrameworkProfile>, config: &Config) -> Duration {
    let (cpu, afterwards) = match config.cpu_mode {
        CpuMode::Flat => (config.limits.cpu, Duration::ZERO),
        CpuMode::BoostedInit => (
            config.limits.cpu.max(BOOST),
            LIMIT_UPDATE + FIRST_REQUEST_CPU.div_f64(config.limits.cpu.as_vcpu().min(1.0)),
        ),
    };
    let runs = profile.map(|profile| profile.runs.as_slice()).unwrap_or_default();
    let nearest = runs
        .iter()
        .filter(|run| run.cpu_mode == CpuMode::Flat && run.counted().next().is_some())
        .min_by_key(|run| run.cpu.0.abs_diff(cpu.0));
    let measured = nearest.and_then(|run| {
        let median = order::median(&order::sorted(run.counted().map(|sample| sample.total_ms)))?;
        Some(Duration::from_secs_f64(median / 1e3).mul_f64(run.cpu.as_vcpu() / cpu.as_vcpu()))
    });
    let start = measured.unwrap_or_else(|| ASSUMED_CPU.div_f64(cpu.as_vcpu().min(1.0)));
    start.max(Duration::from_millis(250)) + afterwards
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::config::{Plan, REFERENCE};
    use crate::measure::subject::OwnImage;
    use crate::model::profile::{ColdMode, SettlingEnd};

    fn config(warm_run: WarmKind) -> Config {
        Config {
            limits: REFERENCE,
            cold_mode: ColdMode::ProcessCold,
            cpu_mode: CpuMode::Flat,
            samples: 5,
            warm_run,
        }
    }

    fn warm<'a>(kind: WarmKind, quick: bool, known: Option<&'a WarmRun>) -> Warm<'a> {
        let subject = Subject::Image(OwnImage::new("a", "a", 80, "/"));
        let config = config(kind);
        Warm {
            parts: Parts::of(&config, &subject, &[config], quick),
            routes: Routes::Contract,
            vcpu: 1.0,
            known: known.map(|warm| (1.0, warm)),
            quick,
        }
    }

    #[test]
    fn each_part_has_its_time() {
        let seconds = |kind, quick| warm(kind, quick, None).time().as_secs();
        // 12 curve, 3 rest, 8 + 2 one by one, 16 + 3 bursts, 11 loops.
        assert!(
            (51..=59).contains(&seconds(WarmKind::Short, false)),
            "{}",
            seconds(WarmKind::Short, false)
        );
        // The same, with 21 loops, 41 work in sizes, 190 rates, 260 search, 150 plateaus.
        assert!(
            (660..=740).contains(&seconds(WarmKind::Long, false)),
            "{}",
            seconds(WarmKind::Long, false)
        );
        let quick = seconds(WarmKind::Short, true);
        assert!((15..=45).contains(&quick), "{quick}");
    }

    #[test]
    fn a_runtime_that_settled_late_is_expected_to_do_so_again() {
        let mut known = crate::measure::warm::tests::empty();
        let assumed = warm(WarmKind::Short, false, None).bursts();
        known.settling = Some(Settling {
            rounds: 100,
            counted_from: 76,
            seconds: 66.0,
            end: SettlingEnd::Settled,
        });
        assert_eq!(
            warm(WarmKind::Short, false, Some(&known)).bursts(),
            Duration::from_secs(69)
        );
        assert!(assumed < Duration::from_secs(23));
        assert!(warm(WarmKind::Short, true, Some(&known)).bursts() < Duration::from_secs(10));
    }

    #[test]
    fn a_boosted_start_does_not_wait_for_its_limit() {
        let at = |cpu_mode: CpuMode| Config {
            cpu_mode,
            limits: Plan::Lambda.configs(None)[0].limits,
            ..config(WarmKind::None)
        };
        let (flat, boosted) = (start(None, &at(CpuMode::Flat)), start(None, &at(CpuMode::BoostedInit)));
        assert!(
            flat > Duration::from_secs(20) && boosted < Duration::from_secs(3),
            "{flat:?}, {boosted:?}"
        );
    }

    #[test]
    fn the_first_start_is_part_of_the_plan() {
        let subject = Subject::Image(OwnImage::new("a", "a", 80, "/"));
        let configs = Plan::Usual.configs(Some(1));
        let expected = Expected::of(&subject, &configs, false);
        let starts: Duration = configs.iter().map(|config| expected.start(config)).sum();
        assert!(estimate(&subject, &configs, false).cold > starts + FIRST_START);
    }
}
