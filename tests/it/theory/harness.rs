//! Poisson arrivals into one service, replications of a run, and the counts of its observers.

use coldcast::model::arrival::Arrival;
use coldcast::model::dist::{Dist, DistSpec};
use coldcast::rng::{Draws, Purpose};
use coldcast::sim::engine::{Feed, run};
use coldcast::sim::fact::Fact;
use coldcast::sim::observe::Observer;
use coldcast::sim::observe::recorder::{Recorder, ServiceRecord};
use coldcast::sim::observe::run_stats::RunStats;
use coldcast::sim::platform::PlatformKind;
use coldcast::sim::setup::{Client, ColdModel, Inside, ServiceSetup, ServiceTime, Setup};
use coldcast::stats::interval::estimate;
use coldcast::units::{SimDuration, SimTime};

/// A distribution as a scenario writes it.
pub fn dist(text: &str) -> Dist {
    #[derive(serde::Deserialize)]
    struct Row {
        dist: DistSpec,
    }
    let row: Row = toml::from_str(&format!("dist = {text}")).expect("a distribution");
    row.dist.prepare(None).expect("valid parameters")
}

/// Poisson arrivals and their service times.
pub struct Load {
    /// Arrivals per second.
    pub rate: f64,
    pub service: Dist,
    pub cold: ColdModel,
    /// A wait after the service, without CPU.
    pub wait: Option<Dist>,
    /// The inside of an instance that requests share.
    pub inside: Option<Inside>,
    /// A closed loop of users, which replaces the Poisson arrivals.
    pub client: Option<Client>,
    /// Simulated seconds of the warm-up, and in all.
    pub seconds: (f64, f64),
}

impl Load {
    /// A load for which the start of an instance takes no time.
    pub fn warm(rate: f64, service: &str, seconds: (f64, f64)) -> Self {
        Self {
            rate,
            service: dist(service),
            cold: ColdModel::Start(Dist::Constant(SimDuration::ZERO)),
            wait: None,
            inside: None,
            client: None,
            seconds,
        }
    }
}

/// One replication.
pub struct Run {
    /// Seconds after the warm-up.
    pub seconds: f64,
    pub stats: RunStats,
    pub record: ServiceRecord,
    pub seen: Seen,
}

/// The tests' own counts, over requests that arrive after the warm-up.
#[derive(Default)]
pub struct Seen {
    warm_up: SimTime,
    end: SimTime,
    /// Requests that found no free instance, and the sum of all waits in seconds.
    pub waited: u64,
    pub wait: f64,
    /// Nanoseconds that requests spent in the system between the warm-up and the end.
    inside: i128,
    /// Requests in the system now, and moments of that number as arrivals see it.
    present: i64,
    pub arrivals: u64,
    pub present_sum: f64,
    pub present_squares: f64,
}

impl Observer for Seen {
    fn observe(&mut self, fact: &Fact) {
        match *fact {
            Fact::Arrived { at, .. } => {
                if at >= self.warm_up {
                    self.arrivals += 1;
                    self.present_sum += self.present as f64;
                    self.present_squares += (self.present * self.present) as f64;
                }
                self.present += 1;
            }
            Fact::Rejected { .. } => self.present -= 1,
            Fact::Finished(request) => {
                self.present -= 1;
                let (from, to) = (request.arrived.max(self.warm_up), request.finished.min(self.end));
                self.inside += i128::from(to.since(from).0);
                if request.arrived >= self.warm_up {
                    let wait = request.started.since(request.arrived);
                    self.waited += u64::from(wait > SimDuration::ZERO);
                    self.wait += wait.as_secs_f64();
                }
            }
            _ => {}
        }
    }
}

/// Runs replication `replication` and checks the laws that hold in every run.
fn once(load: &Load, platform: &dyn PlatformKind, seed: u64, replication: u64) -> Run {
    assert_eq!(platform.problems(), Vec::<String>::new());
    let draws = Draws::new(seed, replication);
    let (warm_up, end) = (
        SimDuration::from_secs_f64(load.seconds.0),
        SimDuration::from_secs_f64(load.seconds.1),
    );
    let warm = match &load.wait {
        None => ServiceTime::Whole(load.service.clone()),
        Some(wait) => ServiceTime::Parts {
            overhead: Dist::Constant(SimDuration::ZERO),
            cpu: load.service.clone(),
            wait: wait.clone(),
        },
    };
    let mut service = ServiceSetup::new(warm, load.cold.clone(), platform.shape());
    service.inside = load.inside;
    service.client.clone_from(&load.client);
    let mut setup = Setup::new(vec![service], platform.build(draws, &["f"]));
    setup.warm_up = warm_up;
    setup.horizon = Some(end);
    setup.sample_every = end;
    let stream = draws.stream(Purpose::Arrival, 0);
    let (mut k, mut at) = (0, SimTime::ZERO);
    let users = load.client.as_ref().is_some_and(|client| client.users.is_some());
    let feed: Feed<'_> = Box::new(|out| {
        if users {
            return false;
        }
        for _ in 0..4096 {
            at = at + SimDuration::from_secs_f64(-stream.uniform(k).ln() / load.rate);
            k += 1;
            out.push(Arrival::new(at));
        }
        at < SimTime::ZERO + end
    });
    let seen = Seen {
        warm_up: SimTime::ZERO + warm_up,
        end: SimTime::ZERO + end,
        ..Seen::default()
    };
    let mut watched = (Recorder::new(warm_up, &[SimDuration::MAX]), seen);
    let stats = run(setup, vec![feed], draws, &mut watched);
    let (recorder, seen) = watched;
    let record = recorder.into_records().remove(0);
    let seconds = load.seconds.1 - load.seconds.0;

    let rejected: u64 = record.rejected.values().sum();
    assert_eq!(record.requests, record.completed + rejected + record.timed_out);
    assert_eq!(record.requests, seen.arrivals);
    // Little's law twice. Exactly: the integral of the number in the system is the time that requests spent there.
    let area = stats.services[0].area;
    let inside = seen.inside;
    if platform.shape().concurrency == 1 {
        let integrals = area.starting + area.busy + area.queued;
        assert_eq!(integrals, inside, "integrals and requests disagree");
    }
    // As it is commonly used: L = lambda W, except for requests that straddle the ends of the window.
    let (l, w) = (
        inside as f64 * 1e-9 / seconds,
        record.latency.mean().unwrap_or(0.0) * 1e-9,
    );
    let lambda = record.completed as f64 / seconds;
    assert!(
        (l / (lambda * w) - 1.0).abs() < 0.01,
        "L = {l}, lambda W = {}",
        lambda * w
    );
    Run {
        seconds,
        stats,
        record,
        seen,
    }
}

/// Independent replications on two threads, in order.
pub fn replicate(load: &Load, platform: &(dyn PlatformKind + Sync), seed: u64, replications: u64) -> Vec<Run> {
    let part = |first: u64| -> Vec<Run> {
        let numbers = (first..replications).step_by(2);
        numbers.map(|r| once(load, platform, seed, r)).collect()
    };
    let (even, odd) = std::thread::scope(|scope| {
        let odd = scope.spawn(|| part(1));
        (part(0), odd.join().expect("a replication"))
    });
    even.into_iter().chain(odd).collect()
}

/// Checks that the interval of the replications holds the theoretical value and is narrow.
pub fn check(what: &str, theory: f64, runs: &[Run], measure: impl Fn(&Run) -> f64) {
    let values: Vec<f64> = runs.iter().map(measure).collect();
    let estimate = estimate(&values).expect("finite values");
    let (low, high) = estimate.interval.expect("several replications");
    println!(
        "{what}: theory {theory:.6}, simulated {:.6} [{low:.6}, {high:.6}]",
        estimate.mean
    );
    assert!(estimate.contains(theory), "{what}: {theory} is outside [{low}, {high}]");
    let half = estimate.half_width().expect("several replications");
    assert!(half <= 0.02 * theory, "{what}: {half} is more than 2% of {theory}");
}
