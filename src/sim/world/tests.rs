//! The life of instances by hand: seconds, one function, constant times.

mod causes;

use crate::model::arrival::Arrival;
use crate::model::dist::Dist;
use crate::rng::Draws;
use crate::sim::client::{Backoff, Budget, Client, Jitter, Retry, Rule, Users};
use crate::sim::engine::run;
use crate::sim::fact::{Fact, Outcome, Reject};
use crate::sim::observe::Observer;
use crate::sim::platform::{PlatformKind, Shape, fixed, scale_per_request};
use crate::sim::setup::{CodeWarmUpCurve, ColdModel, ColdStart, CpuLimit, Inside, ServiceSetup, ServiceTime, Setup};
use crate::units::{MilliCpu, SimDuration, SimTime};

/// Begin and end of each request in seconds, in order of their ends, and how it ended.
#[derive(Default)]
struct Ends(Vec<(u64, u64, Outcome)>);

impl Observer for Ends {
    fn observe(&mut self, fact: &Fact) {
        if let Fact::Finished(r) = fact {
            let second = |at: SimTime| at.0 / 1_000_000_000;
            self.0.push((second(r.started), second(r.finished), r.outcome));
        }
    }
}

fn seconds(s: u64) -> SimDuration {
    SimDuration::from_secs(s)
}

/// A request takes 10 s, a start 1 s and 2 s, its first request 3 s more in place of nothing.
fn ends(platform: &dyn PlatformKind, arrivals: &[u64], change: impl Fn(&mut ServiceSetup)) -> Vec<(u64, u64, Outcome)> {
    let mut seen = Ends::default();
    watch(platform, arrivals, None, change, &mut seen);
    seen.0
}

fn watch(
    platform: &dyn PlatformKind,
    arrivals: &[u64],
    horizon: Option<SimDuration>,
    change: impl Fn(&mut ServiceSetup),
    seen: &mut impl Observer,
) {
    let start = ColdStart {
        sandbox: seconds(1),
        init: seconds(2),
        first_request: seconds(3),
        cpu: SimDuration::ZERO,
    };
    let warm = ServiceTime::Parts {
        overhead: Dist::Constant(SimDuration::ZERO),
        cpu: Dist::Constant(seconds(10)),
        wait: Dist::Constant(SimDuration::ZERO),
    };
    let shape = Shape {
        timeout: None,
        init_limit: None,
        queue_timeout: None,
        ..platform.shape()
    };
    let mut service = ServiceSetup::new(warm, ColdModel::Measured([start].into()), shape);
    change(&mut service);
    let draws = Draws::new(1, 0);
    let setup = Setup {
        services: vec![service],
        platform: platform.build(draws, &["f"]),
        warm_up: SimDuration::ZERO,
        horizon,
        sample_every: seconds(60),
        tell_activity: false,
    };
    let mut arrivals = Some(arrivals.iter().map(|&at| Arrival {
        at: SimTime::ZERO + seconds(at),
        duration: None,
        function: 0,
    }));
    let feed = Box::new(move |out: &mut Vec<Arrival>| {
        out.extend(arrivals.take().into_iter().flatten());
        false
    });
    run(setup, vec![feed], draws, seen);
}

#[test]
fn a_killed_instance_of_a_fixed_fleet_is_back_after_its_first_answer() {
    let fixed = fixed::FixedSpec {
        concurrency: 3,
        ..fixed::FixedSpec::default()
    };
    let seen = ends(&fixed, &[0, 4, 5, 20], |service| service.most_in_flight = Some(1));
    let expected = [
        (0, 4, Outcome::Failed),
        (4, 4, Outcome::Failed),
        // 1 s + 2 s + 3 s after the kill; the probe has paid for the first request.
        (10, 20, Outcome::Completed),
        (20, 30, Outcome::Completed),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn elsewhere_the_next_request_starts_a_new_instance() {
    let spec = scale_per_request::ScalePerRequestSpec {
        concurrency: 2,
        ..scale_per_request::ScalePerRequestSpec::default()
    };
    let killed = |arrivals: &[u64]| ends(&spec, arrivals, |service| service.most_in_flight = Some(1));
    let later = [(33, 46, Outcome::Completed), (50, 60, Outcome::Completed)];
    // Both wait for the same start, and come at once to an instance that has memory for one.
    let together = killed(&[0, 1, 30, 50]);
    assert_eq!(together[..2], [(3, 3, Outcome::Failed); 2]);
    assert_eq!(together[2..], later);
    let one_after_the_other = killed(&[0, 4, 30, 50]);
    assert_eq!(
        one_after_the_other[..2],
        [(3, 4, Outcome::Failed), (4, 4, Outcome::Failed)]
    );
    assert_eq!(one_after_the_other[2..], later);
}

#[test]
fn later_requests_cost_less_and_less_until_the_instance_initialises_again() {
    let spec = scale_per_request::ScalePerRequestSpec::default();
    let curve = CodeWarmUpCurve::new([(1, seconds(5)), (3, seconds(1))]);
    let warming = |service: &mut ServiceSetup| service.code_warm_up = curve.clone();
    let durations = |seen: &[(u64, u64, Outcome)]| seen.iter().map(|r| r.1 - r.0).collect::<Vec<_>>();
    let arrivals = [0, 50, 100, 150, 200, 250];
    assert_eq!(durations(&ends(&spec, &arrivals, warming)), [13, 15, 11, 11, 10, 10]);
    // Cut off after 14 s, the second request has its instance initialise again for 2 s, and be as cold as at first, so that
    // the third takes 2 s + 15 s and is cut off as well.
    let cut = ends(&spec, &arrivals[..3], |service| {
        warming(service);
        service.shape.timeout = Some(seconds(14));
    });
    let outcomes: Vec<Outcome> = cut.iter().map(|r| r.2).collect();
    assert_eq!(durations(&cut), [13, 14, 14]);
    assert_eq!(outcomes, [Outcome::Completed, Outcome::TimedOut, Outcome::TimedOut]);
}

/// Requests of some CPU time and a wait share one core of one instance and are cut off after 14 s of service.
#[test]
fn requests_that_share_an_instance_are_cut_off_one_by_one() {
    let fixed = fixed::FixedSpec {
        concurrency: 3,
        ..fixed::FixedSpec::default()
    };
    let shared = |arrivals: &[u64], cpu, wait, workers| {
        ends(&fixed, arrivals, |service| {
            service.shape.timeout = Some(seconds(14));
            service.inside = Some(Inside {
                workers,
                turns: None,
                discipline: None,
                cpu: CpuLimit {
                    quota: MilliCpu(1000),
                    cores: 1,
                    period: None,
                },
                overhead_cpu: SimDuration::ZERO,
                boost: None,
            });
            service.warm = ServiceTime::Parts {
                overhead: Dist::Constant(SimDuration::ZERO),
                cpu: Dist::Constant(seconds(cpu)),
                wait: Dist::Constant(seconds(wait)),
            };
        })
    };
    use Outcome::{Completed, TimedOut};
    // Alone for 5 s, then two at half the speed: at 14 s the first has had 9.5 of 10 s, at 19 s the second.
    let both = shared(&[0, 5, 30], 10, 0, None);
    assert_eq!(both, [(0, 14, TimedOut), (5, 19, TimedOut), (30, 40, Completed)]);
    // A request that is done at the very end of its time is done.
    let just = shared(&[0, 4], 9, 0, None);
    assert_eq!(just, [(0, 14, Completed), (4, 18, Completed)]);
    // While it waits, too: its pending completion disturbs no other request.
    let waiting = shared(&[0, 15, 40], 2, 20, None);
    assert_eq!(waiting, [(0, 14, TimedOut), (15, 29, TimedOut), (40, 54, TimedOut)]);
    // Waiting for a worker is not service.
    let workers = shared(&[0, 1, 2], 10, 0, Some(1));
    assert_eq!(workers, [(0, 10, Completed), (10, 20, Completed), (20, 30, Completed)]);
}

/// Attempts with their end; calls with their beginning, end and outcome, or the reason for the rejection of the last
/// attempt; retries.
#[derive(Default)]
struct Calls {
    ran: Ends,
    ended: Vec<(u64, u64, Result<Outcome, Reject>)>,
    lost_at: Vec<u64>,
}

impl Observer for Calls {
    fn observe(&mut self, fact: &Fact) {
        let second = |at: SimTime| at.0 / 1_000_000_000;
        self.ran.observe(fact);
        match fact {
            Fact::Ended(call) => {
                let how = call.rejected.map_or(Ok(call.outcome), Err);
                self.ended.push((second(call.arrived), second(call.at), how));
            }
            Fact::Retried { at, .. } => self.lost_at.push(second(*at)),
            _ => {}
        }
    }
}

/// Waits of 2, 4 and 8 s.
fn tries(most: u32) -> Retry {
    let rule = Some(Rule {
        most,
        backoff: Backoff {
            first: seconds(2),
            factor: 2.0,
            most: seconds(8),
            jitter: Jitter::None,
        },
    });
    Retry {
        rejected: rule,
        timed_out: rule,
        together: true,
        ..Retry::default()
    }
}

fn calls(platform: &dyn PlatformKind, arrivals: &[u64], client: &Client) -> Calls {
    let mut seen = Calls::default();
    let horizon = client.users.is_some().then_some(seconds(60));
    let change = |service: &mut ServiceSetup| service.client = Some(client.clone());
    watch(platform, arrivals, horizon, change, &mut seen);
    seen
}

#[test]
fn what_a_client_no_longer_waits_for_is_worked_on_all_the_same() {
    let client = Client {
        timeout: Some(seconds(4)),
        retry: tries(1),
        users: None,
        sessions: 0,
    };
    let seen = calls(&fixed::FixedSpec::default(), &[0], &client);
    // The second attempt waits for the first, is given up while it waits, and served later.
    assert_eq!(seen.ran.0, [(0, 10, Outcome::Completed), (10, 20, Outcome::Completed)]);
    assert_eq!(seen.ended, [(0, 10, Ok(Outcome::TimedOut))]);
    assert_eq!(seen.lost_at, [4]);
    // Without a retry the call ends with its client's timeout.
    let once = Client {
        retry: Retry::default(),
        ..client
    };
    assert_eq!(
        calls(&fixed::FixedSpec::default(), &[0], &once).ended,
        [(0, 4, Ok(Outcome::TimedOut))]
    );
}

#[test]
fn a_call_that_is_turned_away_comes_again() {
    let one = scale_per_request::ScalePerRequestSpec {
        max_instances: Some(1),
        ..scale_per_request::ScalePerRequestSpec::default()
    };
    let client = |most| Client {
        timeout: None,
        retry: tries(most),
        users: None,
        sessions: 0,
    };
    // The first call is served from 3 to 16; the second comes at 1, 3, 7, 15 and 23.
    let first = (0, 16, Ok(Outcome::Completed));
    let seen = calls(&one, &[0, 1], &client(3));
    assert_eq!(seen.ended, [(1, 15, Err(Reject::MaxInstances)), first]);
    let seen = calls(&one, &[0, 1], &client(4));
    assert_eq!(seen.ended, [first, (1, 33, Ok(Outcome::Completed))]);
    assert_eq!(seen.lost_at, [1, 3, 7, 15]);
    // A budget of one retry is used up by the first of two that need one.
    let mut poor = client(4);
    poor.retry.budget = Some(Budget { ratio: 0.0, burst: 1 });
    let seen = calls(&one, &[0, 1, 2], &poor);
    let lost = |made, at| (made, at, Err(Reject::MaxInstances));
    assert_eq!(seen.ended, [lost(2, 2), lost(1, 3), first]);
}

#[test]
fn users_ask_again_when_they_have_thought_about_the_answer() {
    let client = Client {
        timeout: None,
        retry: Retry::default(),
        users: Some(Users {
            count: 2,
            think: Dist::Constant(seconds(5)),
        }),
        sessions: 0,
    };
    let seen = calls(&fixed::FixedSpec::default(), &[], &client);
    // Their first calls come within the first five seconds, not both at their end. From then on each asks 5 s after its answer.
    let expected = [(3, 13), (4, 23), (18, 33), (28, 43), (38, 53), (48, 63), (58, 73)];
    let expected = expected.map(|(made, end)| (made, end, Ok(Outcome::Completed)));
    assert_eq!(seen.ended, expected);
}

/// Also without traffic an instance ends when its time has come, and costs nothing from then on.
#[test]
fn instances_end_after_the_last_request() {
    struct Idle(i128);
    impl Observer for Idle {
        fn observe(&mut self, fact: &Fact) {
            if let Fact::Sampled { area, .. } = fact {
                self.0 = area.idle;
            }
        }
    }
    let spec = scale_per_request::ScalePerRequestSpec {
        keep_alive: seconds(30),
        ..scale_per_request::ScalePerRequestSpec::default()
    };
    let mut idle = Idle(0);
    watch(&spec, &[0], Some(seconds(3_600)), |_| {}, &mut idle);
    assert_eq!(idle.0, 30 * 1_000_000_000);
}

/// A request that has the CPU to itself while there is more of it must still be slower afterwards.
#[test]
fn more_cpu_after_a_start_ends_in_the_middle_of_a_request() {
    let cpu = |quota| CpuLimit {
        quota: MilliCpu(quota),
        cores: 2,
        period: None,
    };
    let spec = scale_per_request::ScalePerRequestSpec {
        concurrency: 2,
        ..scale_per_request::ScalePerRequestSpec::default()
    };
    let seen = ends(&spec, &[0], |service| {
        service.warm = ServiceTime::Parts {
            overhead: Dist::Constant(SimDuration::ZERO),
            cpu: Dist::Constant(seconds(10)),
            wait: Dist::Constant(seconds(1)),
        };
        service.inside = Some(Inside {
            workers: None,
            turns: None,
            discipline: None,
            cpu: cpu(500),
            overhead_cpu: SimDuration::ZERO,
            boost: Some((cpu(2_000), seconds(5))),
        });
    });
    // Up at 3 s. Its 10 s of CPU time and 1.5 s for being the first: 5 s of them on a whole core until 8 s, the others on
    // half a core until 21 s, then it waits.
    assert_eq!(seen, [(3, 22, Outcome::Completed)]);
}
