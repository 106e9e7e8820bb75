//! The documents of vendors about their platforms, as whole runs: the document, the input, the expected output.

use coldcast::sim::fact::{Fact, Finished, Outcome, Reject};
use coldcast::sim::observe::Observer;
use coldcast::sim::platform::{PlatformKind, azure_functions, cloud_run, lambda};
use coldcast::units::SimTime;

use crate::common::platform_run::{observed, seconds};

/// Everything that a test may want to know.
#[derive(Default)]
struct Log {
    finished: Vec<Finished>,
    /// Arrival, end and reason.
    rejected: Vec<(f64, f64, Reject)>,
    /// Arrival, end and outcome of calls.
    ended: Vec<(f64, f64, Result<Outcome, Reject>)>,
    /// Time and instances at each sample: integrals of instances.
    instances: Vec<(f64, i128)>,
}

impl Observer for Log {
    fn observe(&mut self, fact: &Fact) {
        let at = |t: SimTime| t.0 as f64 / 1e9;
        match *fact {
            Fact::Finished(request) => self.finished.push(request),
            Fact::Rejected {
                arrived,
                at: end,
                reason,
                ..
            } => self.rejected.push((at(arrived), at(end), reason)),
            Fact::Ended(call) => {
                let how = call.rejected.map_or(Ok(call.outcome), Err);
                self.ended.push((at(call.arrived), at(call.at), how));
            }
            Fact::Sampled { at: now, area, .. } => {
                self.instances.push((at(now), area.starting + area.busy + area.idle));
            }
            _ => {}
        }
    }
}

/// Simulates requests with the service time `service` at these times on a platform where a cold start takes `init`.
fn simulate(platform: &dyn PlatformKind, arrivals: &[f64], service: f64, init: f64, horizon: f64) -> Log {
    let mut log = Log::default();
    observed(platform, arrivals, [service, init, horizon], false, &mut log);
    log
}

fn lambda(text: &str) -> lambda::LambdaSpec {
    toml::from_str(&format!("memory = '1769Mi'\ntimeout = '900s'\n{text}")).expect("a Lambda platform")
}

/// Developer Guide, "Lambda function scaling": 1,000 environments at once and 1,000 more every 10 s for each function. A step
/// from nothing to 5,000 requests in flight is throttled until then: at time t there are 1,000 + 100 t environments.
#[test]
fn lambda_throttles_a_step_until_it_has_scaled() {
    let arrivals: Vec<f64> = (0..300_000).map(|k| f64::from(k) / 5_000.0).collect();
    let spec = lambda("account-concurrency = 10000");
    // A second each, on environments that start at once.
    let log = simulate(&spec, &arrivals, 1.0, 0.0, 61.0);
    assert!(log.rejected.iter().all(|r| r.2 == Reject::ScalingRate));
    for (ten, expected) in [35_000.0, 25_000.0, 15_000.0, 5_000.0, 0.0, 0.0]
        .into_iter()
        .enumerate()
    {
        let (from, to) = (10.0 * ten as f64, 10.0 * (ten + 1) as f64);
        let throttled = log.rejected.iter().filter(|r| from <= r.0 && r.0 < to).count() as f64;
        assert!(
            (throttled - expected).abs() <= 500.0,
            "from {from} s: {throttled} instead of {expected}"
        );
    }
}

/// The same guide, "Lambda quotas": 10 requests per second for each unit of concurrency, which binds for short requests.
#[test]
fn lambda_limits_requests_per_second_to_ten_times_the_concurrency() {
    let arrivals: Vec<f64> = (0..60_000).map(|k| f64::from(k) / 20_000.0).collect();
    let log = simulate(&lambda(""), &arrivals, 0.01, 0.0, 4.0);
    assert!(log.rejected.iter().all(|r| r.2 == Reject::RequestRate));
    // 10,000 at once and 10,000 a second of 20,000 a second.
    let served = log.finished.len() as f64;
    assert!((served - 40_000.0).abs() <= 100.0, "{served}");
}

/// "Configuring provisioned concurrency": what exceeds it runs on demand, with a cold start, or is throttled where all that
/// is reserved is provisioned.
#[test]
fn lambda_spills_over_from_provisioned_environments() {
    let burst = [100.0; 15];
    let spills = lambda("[provisioned-concurrency]\nconcurrency = 10");
    let log = simulate(&spills, &burst, 1.0, 2.0, 200.0);
    let on_provisioned = log.finished.iter().filter(|request| request.provisioned).count();
    let cold = log.finished.iter().filter(|request| request.cold).count();
    assert_eq!((log.finished.len(), on_provisioned, cold), (15, 10, 5));
    let full = lambda("reserved-concurrency = 10\n[provisioned-concurrency]\nconcurrency = 10");
    let log = simulate(&full, &burst, 1.0, 2.0, 200.0);
    assert_eq!(log.finished.len(), 10);
    assert_eq!(log.rejected, [(100.0, 100.0, Reject::Concurrency); 5]);
}

/// "Execution environment lifecycle": an initialisation beyond 10 s is aborted and run again within the first invocation;
/// provisioned concurrency and SnapStart have other limits.
#[test]
fn lambda_runs_a_long_initialisation_again() {
    let log = simulate(&lambda(""), &[5.0], 1.0, 12.0, 100.0);
    let request = log.finished[0];
    assert_eq!(request.init, seconds(10.0));
    assert_eq!(request.started, SimTime::ZERO + seconds(15.0));
    assert_eq!(request.finished, SimTime::ZERO + seconds(15.0 + 12.0 + 1.0));
    let log = simulate(&lambda(""), &[5.0], 1.0, 10.0, 100.0);
    assert_eq!(log.finished[0].finished, SimTime::ZERO + seconds(16.0));
}

/// A warmer keeps so many environments: a burst of as many requests finds them warm.
#[test]
fn a_warmer_keeps_environments_warm() {
    let burst = [1_250.0; 5];
    let cold = |spec: &lambda::LambdaSpec| {
        let log = simulate(spec, &burst, 1.0, 2.0, 2_000.0);
        let users = log
            .finished
            .iter()
            .filter(|request| request.arrived.0 == 1_250_000_000_000);
        users.filter(|request| request.cold).count()
    };
    assert_eq!(cold(&lambda("")), 5);
    assert_eq!(cold(&lambda("warmer = { every = '4m', environments = 3 }")), 2);
    assert_eq!(cold(&lambda("warmer = { every = '4m', environments = 5 }")), 0);
}

/// "Asynchronous invocation": two retries after errors, the first after a minute, the second two minutes later; throttled
/// events come again after 1 s and longer and longer until their greatest age.
#[test]
fn lambda_repeats_asynchronous_invocations() {
    // A function that always runs into its timeout.
    let mut failing = lambda("asynchronous = {}");
    failing.timeout = seconds(3.0);
    let log = simulate(&failing, &[10.0], 5.0, 0.0, 1_000.0);
    let ends: Vec<SimTime> = log.finished.iter().map(|attempt| attempt.finished).collect();
    assert_eq!(ends, [13.0, 76.0, 199.0].map(|s| SimTime::ZERO + seconds(s)));
    assert_eq!(log.ended, [(10.0, 199.0, Ok(Outcome::TimedOut))]);
    // A second event while the only environment allowed is busy for a minute: at 10, 11, 13, 17, 25, 41 and 73 s.
    let narrow = lambda("reserved-concurrency = 1\nasynchronous = {}");
    let log = simulate(&narrow, &[9.0, 10.0], 60.0, 0.0, 1_000.0);
    assert_eq!(log.rejected.len(), 6);
    assert_eq!(
        log.ended,
        [
            (9.0, 69.0, Ok(Outcome::Completed)),
            (10.0, 133.0, Ok(Outcome::Completed))
        ]
    );
    let young = lambda("reserved-concurrency = 1\nasynchronous = { maximum-event-age = '60s' }");
    let log = simulate(&young, &[9.0, 10.0], 60.0, 0.0, 1_000.0);
    assert_eq!(log.ended[0], (10.0, 41.0, Err(Reject::Concurrency)));
}

/// Cloud Run, "About instance autoscaling": a request waits for a slot 3.5 times the mean start, at least 10 s; then it is
/// turned away.
#[test]
fn cloud_run_turns_away_what_has_waited_too_long() {
    let spec = |text: &str| -> cloud_run::CloudRunSpec { toml::from_str(text).expect("a platform") };
    let one = spec("concurrency = 1\nmax-instances = 1");
    // Served from 2 s on; the second waits from 5 s on, and a start of 2 s is not known to be longer than 10 s.
    let log = simulate(&one, &[0.0, 5.0], 100.0, 2.0, 200.0);
    assert_eq!(log.rejected, [(5.0, 15.0, Reject::Pending)]);
    // After a start of 6 s a request may wait for 21 s.
    let log = simulate(&one, &[0.0, 10.0], 100.0, 6.0, 200.0);
    assert_eq!(log.rejected, [(10.0, 31.0, Reject::Pending)]);
    // With room for another instance it waits for that one.
    let two = spec("concurrency = 1\nmax-instances = 2");
    let log = simulate(&two, &[0.0, 10.0], 100.0, 6.0, 200.0);
    assert!(log.rejected.is_empty());
    assert_eq!(log.finished[1].started, SimTime::ZERO + seconds(16.0));
}

/// Azure Functions, "Event-driven scaling": at most one new instance per second for HTTP triggers.
#[test]
fn azure_adds_one_instance_a_second() {
    // 40,000 requests at once that take five minutes.
    let spec = azure_functions::AzureFunctionsSpec::default();
    let log = simulate(&spec, &vec![1.0; 20_000], 280.0, 0.0, 60.0);
    let mut before = 0;
    for (second, area) in log.instances.iter().filter(|(second, _)| (3.0..=60.0).contains(second)) {
        let instances = (area - before) as f64 / 1e9;
        // One at 1 s, and one more in each second after it.
        if *second > 3.0 {
            assert!((instances - (second - 1.0)).abs() <= 1.0, "{instances} at {second} s");
        }
        before = *area;
    }
}
