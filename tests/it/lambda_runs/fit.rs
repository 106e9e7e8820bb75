//! From a log of requests with the environment that served each to the laws by which environments end.
//!
//! Lambda takes the environment that was used last. So the first request that finds all environments used more recently busy looks at
//! an idle one: it is alive and serves, or it is passed over and is dead. Such inspections are current-status data, whose likelihood is
//! averaged over a grid (Groeneboom and Wellner, Information Bounds and Nonparametric Maximum Likelihood Estimation, 1992).

use std::collections::{BTreeMap, BTreeSet};

/// A request: when Lambda decided about it and when it ended, in seconds, its environment, and whether it waited for a start.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub decided: f64,
    pub ended: f64,
    pub environment: usize,
    pub waited: bool,
    /// True if the log says that it is the first one of its environment.
    pub first: bool,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    pub name: String,
    pub uses: Vec<Use>,
    pub median_s: f64,
}

/// The laws.
#[derive(Debug, Clone, Copy)]
pub struct Laws {
    /// Seconds of silence of the function.
    pub silent: f64,
    /// Seconds for which a spare environment is idle.
    pub spare: f64,
    /// Early ends an idle hour.
    pub early: f64,
    /// Minutes.
    pub age: (f64, f64),
    /// Share of those that end by age or early.
    pub replaced: f64,
}

/// A client that waits longer than this between its call and the handler has waited for a start, in milliseconds.
const START_MS: f64 = 120.0;
/// Minutes below which nothing ends by age.
const YOUNG: f64 = 105.0;

impl Run {
    pub fn read(name: &str, text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|other| other == name).unwrap();
        let [client, start, end, id, cold] =
            ["client_start_time", "start_time", "end_time", "exist_id", "is_cold"].map(column);
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
        let number = |row: &csv::StringRecord, at: usize| row[at].parse::<f64>().unwrap();
        // The clocks of client and function differ by the median of warm requests.
        let offset = |row: &csv::StringRecord| number(row, start) - 1e3 * number(row, client);
        let mut offsets: Vec<f64> = rows.iter().map(offset).collect();
        offsets.sort_by(f64::total_cmp);
        let warm = offsets[offsets.len() / 2];
        let mut environments: BTreeMap<String, usize> = BTreeMap::new();
        let uses = rows.iter().map(|row| {
            let next = environments.len();
            Use {
                decided: number(row, client) + warm / 1e3,
                ended: number(row, end) / 1e3,
                environment: *environments.entry(row[id].to_string()).or_insert(next),
                waited: offset(row) > START_MS,
                first: &row[cold] == "True",
            }
        });
        let mut uses: Vec<Use> = uses.collect();
        uses.sort_by(|a, b| a.decided.total_cmp(&b.decided));
        let mut times: Vec<f64> = rows
            .iter()
            .map(|row| (number(row, end) - number(row, start)) / 1e3)
            .collect();
        times.sort_by(f64::total_cmp);
        Self {
            name: name.into(),
            median_s: times[times.len() / 2],
            uses,
        }
    }

    /// Seconds since the first request.
    pub fn arrivals(&self) -> impl Iterator<Item = f64> {
        let first = self.uses[0].decided;
        self.uses.iter().map(move |one| one.decided - first)
    }

    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.uses.len() as f64 / self.arrivals().last().unwrap()
    }

    pub fn first_uses(&self) -> usize {
        self.uses.iter().filter(|one| one.first).count()
    }

    /// The environments that were there before the first request.
    pub fn initial(&self) -> u32 {
        let all: BTreeSet<usize> = self.uses.iter().map(|one| one.environment).collect();
        (all.len() - self.first_uses()) as u32
    }
}

/// An idle environment that was looked at.
#[derive(Debug, Clone, Copy)]
struct Inspection {
    /// Seconds since its last request, and since the last request to the function.
    idle: f64,
    silence: f64,
    /// Minutes since its first use: at its last request, and now.
    used_at: f64,
    age: f64,
    alive: bool,
}

impl Inspection {
    fn is_silent(&self) -> bool {
        self.silence > 0.999 * self.idle
    }
}

/// The inspections of a run, and for each first use whether an environment that ended early or by age was its reason, and whether it
/// waited.
fn inspect(run: &Run) -> (Vec<Inspection>, Vec<(bool, bool)>) {
    let mut last_use: BTreeMap<usize, usize> = BTreeMap::new();
    run.uses
        .iter()
        .enumerate()
        .for_each(|(k, one)| _ = last_use.insert(one.environment, k));
    // First use and last end of each environment that may be alive.
    let mut known: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    let (mut inspections, mut firsts) = (Vec::new(), Vec::new());
    let mut function_ended = f64::NEG_INFINITY;
    for (k, one) in run.uses.iter().enumerate() {
        let now = one.decided;
        let mut idle: Vec<(usize, f64, f64)> = known
            .iter()
            .filter(|(_, (_, ended))| *ended <= now)
            .map(|(id, (first, ended))| (*id, *first, *ended))
            .collect();
        idle.sort_by(|a, b| b.2.total_cmp(&a.2));
        let mut dead: Vec<Inspection> = Vec::new();
        for (id, first, ended) in idle {
            let alive = id == one.environment;
            let inspection = Inspection {
                idle: now - ended,
                silence: now - function_ended,
                used_at: (ended - first) / 60.0,
                age: (now - first) / 60.0,
                alive,
            };
            if alive {
                inspections.push(inspection);
                break;
            }
            // One that is used later was only not released yet.
            if last_use[&id] < k {
                inspections.push(inspection);
                dead.push(inspection);
                known.remove(&id);
            }
        }
        let (first, is_new) = match known.get(&one.environment) {
            Some((first, _)) => (*first, false),
            None => (now, true),
        };
        if is_new && k > 0 {
            let worn = |inspection: &Inspection| inspection.age > YOUNG || !expired(inspection);
            let by_wear = dead.first().is_some_and(worn);
            if !dead.is_empty() {
                firsts.push((by_wear, one.waited));
            }
        }
        known.insert(one.environment, (first, one.ended));
        function_ended = function_ended.max(one.ended);
    }
    (inspections, firsts)
}

/// True if its idle time explains the end.
fn expired(inspection: &Inspection) -> bool {
    match inspection.is_silent() {
        true => inspection.idle > 600.0,
        false => inspection.idle > 1_200.0,
    }
}

/// The probability of a normal variable above `z`, by the approximation of Abramowitz and Stegun 7.1.26.
fn above(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let tail = 0.5
        * t
        * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))))
        * (-x * x).exp();
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// The mean of a grid's points, weighted by their likelihood, whose logarithm is given: the posterior mean of equal chances before. With
/// forty ends the likelihood is flat or has two tops, between which its largest value jumps if one run is left out.
fn mean<const N: usize>(grid: impl Iterator<Item = [f64; N]>, likelihood: impl Fn([f64; N]) -> f64) -> [f64; N] {
    let points: Vec<([f64; N], f64)> = grid.map(|point| (point, likelihood(point))).collect();
    let largest = points.iter().map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
    let weight = |log: f64| (log - largest).exp();
    let all: f64 = points.iter().map(|(_, log)| weight(*log)).sum();
    std::array::from_fn(|k| points.iter().map(|(point, log)| point[k] * weight(*log)).sum::<f64>() / all)
}

fn log(p: f64) -> f64 {
    p.max(1e-9).ln()
}

impl Laws {
    pub fn fit(runs: &[&Run]) -> Self {
        let (mut inspections, mut firsts) = (Vec::new(), Vec::new());
        for run in runs {
            let (some, more) = inspect(run);
            inspections.extend(some);
            firsts.extend(more);
        }
        let young: Vec<&Inspection> = inspections.iter().filter(|one| one.age < YOUNG).collect();
        // Ends that no idle time explains, over the idle time of environments that were younger than any age at which they end.
        let early = young.iter().filter(|one| !one.alive && !expired(one)).count() as f64;
        let hours: f64 = young
            .iter()
            .map(|one| if one.alive { one.idle } else { 0.5 * one.idle.min(600.0) })
            .sum::<f64>()
            / 3600.0;
        let early = early / hours;
        let expiry = |silent: bool, sd: f64, from: u32, to: u32| {
            let of = |mean: f64| {
                let each = young.iter().filter(|one| one.is_silent() == silent).map(|one| {
                    let alive = above((one.idle - mean) / sd) * (-early * one.idle / 3600.0).exp();
                    log(if one.alive { alive } else { 1.0 - alive })
                });
                each.sum::<f64>()
            };
            mean((from..=to).map(|s| [f64::from(s)]), |[s]| of(s))[0]
        };
        let survives = |(low, high): (f64, f64), age: f64| ((high - age) / (high - low)).clamp(0.0, 1.0);
        // Old ones whose idle time would not have ended them.
        let old: Vec<&Inspection> = inspections
            .iter()
            .filter(|one| one.age > 95.0 && !expired(one))
            .collect();
        let ages = |age: (f64, f64)| {
            let each = old.iter().map(|one| {
                let (before, now) = (survives(age, one.used_at), survives(age, one.age));
                let alive = if before > 0.0 {
                    now / before * (-early * one.idle / 3600.0).exp()
                } else {
                    0.0
                };
                log(if one.alive { alive } else { 1.0 - alive })
            });
            each.sum::<f64>()
        };
        let pairs =
            (200..=240).flat_map(|low| (236..=256).map(move |high| (f64::from(low) / 2.0, f64::from(high) / 2.0)));
        let pairs = pairs.filter(|(low, high)| low < high);
        let [low, high] = mean(pairs.map(|(low, high)| [low, high]), |[low, high]| ages((low, high)));
        let age = (low, high);
        let worn: Vec<bool> = firsts
            .iter()
            .filter(|(worn, _)| *worn)
            .map(|(_, waited)| *waited)
            .collect();
        Self {
            silent: expiry(true, 8.0, 560, 720),
            spare: expiry(false, 115.0, 1_100, 1_900),
            early,
            age,
            replaced: worn.iter().filter(|waited| !**waited).count() as f64 / worn.len().max(1) as f64,
        }
    }
}
