//! The laws of Lambda's environments against real runs: parameters from all runs but one, the first uses of that one predicted.
//!
//! The data are not shipped: five runs of 2020 (Mahmoudi and Khazaei, github.com/pacslab/serverless-performance-modeling, MIT), one CSV
//! file each. `COLDCAST_LAMBDA_RUNS` names their folder; without the folder there is nothing to test.

mod fit;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use coldcast::model::arrival::Arrival;
use coldcast::model::dist::Dist;
use coldcast::rng::{Draws, Purpose};
use coldcast::sim::engine::{Feed, run};
use coldcast::sim::observe::recorder::Recorder;
use coldcast::sim::platform::{PlatformKind, lambda};
use coldcast::sim::setup::{ColdModel, ServiceSetup, ServiceTime, Setup};
use coldcast::units::{PerSecond, SimDuration, SimTime};

use fit::{Laws, Run};

/// The replications of each prediction.
const REPLICATIONS: u64 = 40;

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("COLDCAST_LAMBDA_RUNS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/traces/real/aws_lambda_experiments");
    named.or_else(|| Some(beside())).filter(|folder| folder.is_dir())
}

fn runs(folder: &PathBuf) -> Vec<Run> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.to_string_lossy().ends_with(".csv.gz"));
    files.sort();
    let read = |path: &PathBuf| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        Run::read(&path.file_name().unwrap().to_string_lossy(), &text)
    };
    files.iter().map(read).collect()
}

fn platform(laws: &Laws) -> lambda::LambdaSpec {
    let seconds = SimDuration::from_secs_f64;
    let mut spec: lambda::LambdaSpec =
        toml::from_str("memory = '128Mi'\ntimeout = '60s'\naccount-limits = false").unwrap();
    let spread = |mean: f64, sd: f64| lambda::Spread {
        mean: seconds(mean),
        sd: seconds(sd),
    };
    spec.idle_timeout.silent = Some(spread(laws.silent, 8.0));
    spec.idle_timeout.spare = Some(spread(laws.spare, 115.0));
    spec.max_age = lambda::MaxAge {
        min: seconds(60.0 * laws.age.0),
        max: seconds(60.0 * laws.age.1),
    };
    spec.early_end = PerSecond(laws.early / 3600.0);
    spec.replaced_ahead = laws.replaced;
    spec
}

/// The share of first uses among these arrivals, in the mean over replications.
fn first_uses(laws: &Laws, of: &Run, replay: bool) -> f64 {
    let spec = platform(laws);
    let shares = (0..REPLICATIONS).map(|replication| {
        let draws = Draws::new(7, replication);
        let warm = ServiceTime::Whole(Dist::Constant(SimDuration::from_secs_f64(of.median_s)));
        let cold = ColdModel::Start(Dist::Constant(SimDuration::from_millis(350)));
        let mut service = ServiceSetup::new(warm, cold, spec.shape());
        service.shape.initial.idle = of.initial();
        let setup = Setup::new(vec![service], spec.build(draws, &["f"]));
        let gaps = draws.stream(Purpose::Arrival, 0);
        let mut at = 0.0;
        let arrivals: Vec<Arrival> = match replay {
            true => of
                .arrivals()
                .map(|s| Arrival::new(SimTime::ZERO + SimDuration::from_secs_f64(s)))
                .collect(),
            false => (0..of.uses.len() as u64)
                .map(|k| {
                    at -= gaps.uniform(k).ln() / of.rate();
                    Arrival::new(SimTime::ZERO + SimDuration::from_secs_f64(at))
                })
                .collect(),
        };
        let mut arrivals = Some(arrivals);
        let feed: Feed<'_> = Box::new(|out| {
            out.extend(arrivals.take().into_iter().flatten());
            false
        });
        let mut recorder = Recorder::new(SimDuration::ZERO, &[SimDuration::MAX]);
        run(setup, vec![feed], draws, &mut recorder);
        let record = recorder.into_records().remove(0);
        record.first_uses as f64 / record.requests as f64
    });
    shares.sum::<f64>() / REPLICATIONS as f64
}

#[test]
fn each_run_is_predicted_from_the_others() {
    let Some(folder) = folder() else {
        eprintln!("the real runs of Lambda are not there");
        return;
    };
    let runs = runs(&folder);
    assert!(runs.len() >= 5, "{} runs", runs.len());
    let (mut replayed, mut from_rate) = (Vec::new(), Vec::new());
    for (k, of) in runs.iter().enumerate() {
        let others: Vec<&Run> = runs
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != k)
            .map(|(_, run)| run)
            .collect();
        let laws = Laws::fit(&others);
        let real = of.first_uses() as f64 / of.uses.len() as f64;
        let error = |replay: bool| first_uses(&laws, of, replay) / real - 1.0;
        let (a, b) = (error(true), error(false));
        println!(
            "{}: {} first uses ({:.2}%), {laws:?}; replay {:+.1}%, rate alone {:+.1}%",
            of.name,
            of.first_uses(),
            100.0 * real,
            100.0 * a,
            100.0 * b
        );
        replayed.push(a.abs());
        from_rate.push(b.abs());
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    let (replayed, from_rate) = (mean(&replayed), mean(&from_rate));
    println!(
        "mean error {:.1}% by replay, {:.1}% from the rate alone",
        100.0 * replayed,
        100.0 * from_rate
    );
    // From the rate alone a perfect model would miss a run by 7%, as it has some forty first uses. The goal is 12%.
    assert!(replayed <= 0.07 && from_rate <= 0.13, "{replayed} {from_rate}");
}

/// The defaults of the platform are those of all runs together.
#[test]
fn the_defaults_are_fitted_to_all_runs() {
    let Some(folder) = folder() else {
        eprintln!("the real runs of Lambda are not there");
        return;
    };
    let runs = runs(&folder);
    let laws = Laws::fit(&runs.iter().collect::<Vec<_>>());
    println!("{laws:?}");
    let near =
        |found: f64, used: f64, within: f64| assert!((found - used).abs() <= within, "{found} and {used}: {laws:?}");
    near(laws.silent, 632.0, 9.0);
    near(laws.spare, 1443.0, 100.0);
    near(laws.early, 0.21, 0.09);
    near(laws.age.1, 124.0, 2.0);
    near(laws.replaced, 0.69, 0.12);
}
