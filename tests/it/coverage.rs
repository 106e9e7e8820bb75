//! Do 95% intervals hold the truth in 95 of 100 cases? A framework whose distributions are known is measured many times over, each time
//! with thirty starts in ten blocks; each of these profiles is projected as a user would, and it is counted how often the interval of
//! simulation and measurement together holds what the framework itself gives.

use coldcast::model::profile::Redraw;
use coldcast::rng::{Draws, Purpose, Stream};
use coldcast::scenario::plan::plan_redrawn;
use coldcast::stats::normal;
use coldcast::{Metric, Options, Progress, Study};
use serde_json::{Value, json};
use tempfile::TempDir;

/// So often is the framework measured.
const TRIALS: u64 = 400;
/// A figure of a start or a request: lognormal, the deviation of blocks apart from that within a block.
struct Law {
    median: f64,
    between: f64,
    within: f64,
}

const BOOT: Law = Law {
    median: 300.0,
    between: 0.05,
    within: 0.15,
};
const SERVICE: Law = Law {
    median: 20.0,
    between: 0.06,
    within: 0.10,
};

/// Normal numbers in order.
struct Numbers {
    stream: Stream,
    next: u64,
}

impl Numbers {
    fn new(trial: u64) -> Self {
        Self {
            stream: Draws::new(17, trial).stream(Purpose::Service, 0),
            next: 0,
        }
    }

    fn normal(&mut self) -> f64 {
        self.next += 1;
        normal::quantile(self.stream.uniform(self.next))
    }

    /// `each` values in each of `blocks`.
    fn values(&mut self, law: &Law, blocks: usize, each: usize) -> Vec<Vec<f64>> {
        let mut block = || {
            let shift = law.between * self.normal();
            (0..each)
                .map(|_| law.median * (shift + law.within * self.normal()).exp())
                .collect()
        };
        (0..blocks).map(|_| block()).collect()
    }
}

/// A measurement of the framework with so many blocks of three starts, and twice as many batches of requests.
fn measured(trial: u64, blocks: usize) -> Value {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/synthetic-profile.json");
    let mut profile: Value = serde_json::from_str(&std::fs::read_to_string(data).unwrap()).unwrap();
    let mut numbers = Numbers::new(trial);
    let starts = numbers.values(&BOOT, blocks, 3);
    let requests = numbers.values(&SERVICE, 2 * blocks, 10);
    let run = &mut profile["runs"][1];
    let sample = run["cold"][0].clone();
    let starts = starts.iter().enumerate().flat_map(|(b, block)| {
        let sample = &sample;
        block.iter().map(move |&boot| {
            let mut start = sample.clone();
            start["block"] = json!(b);
            start["boot_ms"] = json!(boot);
            start["total_ms"] = json!(boot + 41.0);
            start
        })
    });
    run["cold"] = starts.collect();
    let mean = |batch: &Vec<f64>| batch.iter().sum::<f64>() / batch.len() as f64;
    let cpu: Vec<f64> = requests.iter().map(mean).collect();
    for route in ["healthz", "json", "items"] {
        // The round trip of 1 ms is taken off.
        let times: Vec<f64> = requests.iter().flatten().map(|ms| ms + 1.0).collect();
        run["warm"]["routes"][route] = json!({ "service_time_ms": times, "cpu_ms": cpu, "cpu_batch": 10 });
    }
    profile["runs"] = json!([run]);
    profile
}

/// A quiet function: a quarter of its requests finds no environment.
fn scenario(profile: &str, seed: u64, replications: u32) -> String {
    format!(
        "schema = 1\nname = \"coverage\"\nseed = {seed}\nreplications = {replications}\nhorizon = \"1d\"\nframeworks = [\"{profile}\"]\n\
         [traffic.poisson]\nrate = \"0.002/s\"\n[platform.lambda]\nmemory = \"1769Mi\"\n[prices]\nlist = \"aws-us-east-1\"\n"
    )
}

fn study(text: &str, draws: u64, folder: &TempDir) -> Study {
    let loaded = coldcast::from_text(&text.replace("FOLDER", &folder.path().display().to_string())).unwrap();
    let mut options = Options::default();
    options.threads = Some(1);
    let plan = coldcast::plan(&loaded).unwrap();
    let mut study = coldcast::run(&plan.variants, options.clone(), &Progress::default()).unwrap();
    let draw = |number: u64| {
        let redraw = Redraw {
            seed: loaded.scenario.seed,
            number,
        };
        let mut plan = plan_redrawn(&loaded, redraw).unwrap();
        plan.variants[0].replications = 1.into();
        coldcast::run(&plan.variants, options.clone(), &Progress::default()).unwrap()
    };
    let drawn: Vec<Study> = (0..draws).map(draw).collect();
    study.add_measurement(&drawn);
    study
}

#[test]
fn ninety_five_of_a_hundred_intervals_hold_the_truth() {
    let folder = TempDir::new().unwrap();
    let write = |trial: u64, blocks: usize| {
        let name = format!("measured-{trial}.json");
        std::fs::write(folder.path().join(&name), measured(trial, blocks).to_string()).unwrap();
        format!("FOLDER/{name}")
    };
    let metrics = [Metric::MonthlyCost, Metric::LatencyP50, Metric::ColdStartRatio];
    let whole = study(&scenario(&write(TRIALS, 1_000), 1, 1_000), 0, &folder);
    let truth = metrics.map(|metric| whole.variants[0].all().float(metric).unwrap());
    let judged = |trial: u64| -> [bool; 3] {
        let study = study(&scenario(&write(trial, 10), 1_000 + trial, 10), 12, &folder);
        let values = &study.variants[0].all().values;
        let mut truth = truth.iter();
        metrics.map(|metric| {
            let (low, high) = values[&metric].both(metric).unwrap();
            (low..=high).contains(truth.next().unwrap())
        })
    };
    // Threads of their own, as each study has a pool of its own.
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let part = &|k: u64| (k..TRIALS).step_by(threads as usize).map(&judged).collect::<Vec<_>>();
    let held: Vec<[bool; 3]> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|k| scope.spawn(move || part(k))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    let share = |k: usize| held.iter().filter(|held| held[k]).count() as f64 / TRIALS as f64;
    for (k, metric) in metrics.into_iter().enumerate() {
        let share = share(k);
        assert!((0.93..=0.97).contains(&share), "{}: {share}", metric.name());
    }
}
