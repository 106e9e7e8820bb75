//! Shares of the CPU by hand, and what being told an end must not change.

use super::*;

fn ms(ms: u64) -> SimDuration {
    SimDuration(ms * 1_000_000)
}

fn at(t: u64) -> SimTime {
    SimTime(t * 1_000_000)
}

/// A request that waits for 7 ms after its CPU time.
fn job(place: u32, cpu: SimDuration) -> Job {
    Job {
        place,
        order: place.into(),
        cpu,
        wait: ms(7),
        queue: 0,
    }
}

/// Runs jobs (arrival, CPU time in milliseconds, ascending) to their ends and returns these in milliseconds.
fn ends(limit: CpuLimit, jobs: &[(u64, u64)]) -> Vec<f64> {
    let mut cpu = Cpu::new(limit, SimTime::ZERO);
    let mut ends = vec![0.0; jobs.len()];
    let mut coming = jobs.iter().enumerate().peekable();
    loop {
        let next = cpu.next_done();
        match coming.peek() {
            Some((i, (arrival, work))) if at(*arrival) < next => {
                cpu.add(at(*arrival), job(*i as u32, ms(*work)));
                coming.next();
            }
            _ if next == SimTime::NEVER => return ends,
            _ => {
                let done = cpu.take_done(next).expect("its time has come");
                ends[done.place as usize] = next.0 as f64 / 1e6;
            }
        }
    }
}

fn limit(quota: u32, cores: u32, period: Option<u64>) -> CpuLimit {
    CpuLimit {
        quota: MilliCpu(quota),
        cores,
        period: period.map(ms),
    }
}

#[test]
fn two_requests_share_a_core() {
    assert_eq!(ends(limit(1000, 4, None), &[(0, 10), (5, 10)]), [15.0, 20.0]);
    assert_eq!(ends(limit(2000, 4, None), &[(0, 10), (5, 10)]), [10.0, 15.0]);
    assert_eq!(ends(limit(4000, 1, None), &[(0, 10), (5, 10)]), [15.0, 20.0]);
    assert_eq!(ends(limit(500, 1, None), &[(0, 10), (100, 10)]), [20.0, 120.0]);
}

#[test]
fn no_request_runs_on_more_than_one_core() {
    assert_eq!(ends(limit(4000, 4, None), &[(0, 30)]), [30.0]);
    let three = ends(limit(1500, 4, None), &[(0, 10), (0, 10), (0, 10)]);
    assert!(three.iter().all(|end| (end - 20.0).abs() < 1e-5), "{three:?}");
}

/// The kernel's rule for one thread: whole periods for every used-up quota, and the remainder.
#[test]
fn a_quota_stops_everything_until_the_next_period() {
    let quarter = limit(250, 1, Some(100));
    for (work, wall) in [(10, 10.0), (25, 25.0), (26, 101.0), (60, 210.0), (100, 325.0)] {
        assert_eq!(ends(quarter, &[(0, work)]), [wall], "{work} ms");
    }
    // Four threads burn a quota of one core in 25 ms.
    let four = ends(limit(1000, 4, Some(100)), &[(0, 30), (0, 30), (0, 30), (0, 30)]);
    assert_eq!(four, [105.0; 4]);
    // Idle periods give a fresh quota and save nothing up.
    assert_eq!(ends(quarter, &[(0, 25), (310, 30)]), [25.0, 405.0]);
    // Arriving late in a period leaves less than the quota.
    assert_eq!(ends(quarter, &[(90, 30)]), [120.0]);
}

#[test]
fn a_long_busy_period_does_not_overflow() {
    let mut cpu = Cpu::new(limit(1000, 2, None), SimTime::ZERO);
    let day = SimDuration::from_secs(86_400);
    cpu.add(SimTime::ZERO, job(0, SimDuration(day.0 * 20)));
    let mut now = SimTime::ZERO;
    for k in 1..=15 {
        now = now + day;
        cpu.add(now, job(k, ms(1)));
        let done = cpu.next_done();
        let released = Released {
            place: k,
            order: k.into(),
            wait: ms(7),
        };
        assert_eq!(cpu.take_done(done), Some(released));
        assert!(done.since(now).0 < 2_100_000);
    }
    assert_eq!(cpu.runnable(), 1);
}

#[test]
fn another_limit_holds_from_its_time_on() {
    let mut cpu = Cpu::new(limit(2000, 4, None), SimTime::ZERO);
    cpu.add(SimTime::ZERO, job(0, ms(30)));
    cpu.add(SimTime::ZERO, job(1, ms(30)));
    cpu.add(SimTime::ZERO, job(2, ms(10)));
    // Three share two cores for 9 ms, each has had 6; the one with 4 left needs 12 ms of one core.
    cpu.limit(at(9), limit(1000, 1, None));
    assert_eq!(cpu.next_done(), at(21));
    assert_eq!(cpu.used(at(21)), 30_000_000_000);
}

/// Runs random jobs, those that find the CPU idle told when they will be done if `told`: the ends of all, and the CPU time
/// used by the instants at which one comes.
fn told_or_not(limit: CpuLimit, told: bool) -> (Vec<SimTime>, Vec<u128>) {
    let stream = crate::rng::Draws::new(7, 1).stream(crate::rng::Purpose::Service, 3);
    let mut cpu = Cpu::new(limit, SimTime::ZERO);
    let mut ends = vec![SimTime::NEVER; 2_000];
    let mut used = Vec::new();
    let mut expected = None;
    let mut now = SimTime::ZERO;
    for place in 0..=2_000u64 {
        // The last one only waits for the others.
        let last = place == 2_000;
        now = match last {
            false => now + SimDuration(stream.bits(2 * place) % 9_000_000),
            true => SimTime(now.0 + 1_000_000_000_000),
        };
        while cpu.next_done() <= now {
            let at = cpu.next_done();
            let done = cpu.take_done(at).expect("its time has come");
            ends[done.place as usize] = at;
        }
        used.push(cpu.used(now));
        if let Some((at, place)) = expected.take_if(|(at, _)| *at <= now) {
            ends[place as usize] = at;
        }
        if last {
            break;
        }
        let new = job(place as u32, SimDuration(stream.bits(2 * place + 1) % 5_000_000));
        if told && let Some(until) = cpu.alone(now, new) {
            expected = Some((until, new.place));
            continue;
        }
        if let Some(alone) = cpu.has_alone(now) {
            assert_eq!(expected.take().map(|(_, place)| place), Some(alone));
            cpu.shares(alone);
        }
        cpu.add(now, new);
    }
    (ends, used)
}

#[test]
fn whether_a_request_was_told_its_end_changes_nothing() {
    for limit in [
        limit(1000, 1, None),
        limit(300, 2, None),
        limit(1500, 2, None),
        limit(7, 1, None),
        limit(250, 1, Some(100)),
    ] {
        let (ends, used) = told_or_not(limit, false);
        assert!(ends.iter().all(|end| *end < SimTime::NEVER));
        assert_eq!(told_or_not(limit, true), (ends, used), "{limit:?}");
    }
}

/// Work is conserved: while something is runnable, the CPU time handed out equals the limit times the time.
#[test]
fn a_busy_cpu_hands_out_all_it_has() {
    let jobs: Vec<(u64, u64)> = (0..200).map(|k| (k * 3, 5 + (k * 7) % 13)).collect();
    let work: u64 = jobs.iter().map(|job| job.1).sum();
    let last = |limit| ends(limit, &jobs).into_iter().fold(0.0, f64::max);
    assert!((last(limit(1000, 8, None)) - work as f64).abs() < 0.01);
    assert!((last(limit(2000, 1, None)) - work as f64).abs() < 0.01);
}
