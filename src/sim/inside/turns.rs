//! A core that its requests have in turns, on two levels: the kernel gives it to the worker processes in turn, and each worker
//! gives it to its own requests in turn. Workers keep their connections, so the requests of a busy worker wait although another
//! one is idle.
//!
//! Integer arithmetic as in `super::cpu`: CPU time is counted in milli-CPU-nanoseconds. A turn that ends in between is
//! worked off when somebody looks, so a turn costs no event.

use std::collections::VecDeque;

use crate::sim::inside::cpu::{CpuLimit, Job, Released};
use crate::units::{SimDuration, SimTime};

/// One core.
const CORE: u64 = 1_000;
/// The most turns that are looked ahead for the next request that is done. A timer may be early, but not late.
const LOOK_AHEAD: u32 = 256;

/// The order in which a server with one core serves requests that meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discipline {
    /// The number of worker processes with connections of their own, at least 1. Each request belongs to one of them at random.
    pub queues: u32,
    /// The number of requests that a worker serves at a time; the others wait in order of arrival. `None`: all of them.
    pub at_a_time: Option<u32>,
    /// The CPU time after which the core goes to the next worker; above 0.
    pub slice: SimDuration,
    /// The CPU time after which a worker turns to its next request; above 0.
    pub turn: SimDuration,
}

/// A request with the CPU time that it still needs.
#[derive(Debug, Clone, Copy)]
struct Task {
    /// In milli-CPU-nanoseconds.
    left: u64,
    job: Job,
}

/// The workers at work: whose turn it is, and how much of the turn is left.
#[derive(Debug, Default)]
struct AtWork {
    /// The requests that each worker serves; the first one has its turn.
    serving: Vec<VecDeque<Task>>,
    /// The CPU time left of the turn of each worker's first request.
    turn_left: Vec<u64>,
    /// The workers that want the core; the first one has it.
    ring: VecDeque<usize>,
    /// The CPU time left of its slice.
    slice_left: u64,
}

/// The core of one instance.
#[derive(Debug)]
pub(crate) struct Turns {
    discipline: Discipline,
    /// Milli-CPU.
    rate: u64,
    /// By worker: the requests that it does not serve yet, oldest first.
    waiting: Vec<VecDeque<Task>>,
    work: AtWork,
    /// The copy that the look ahead works on.
    ahead: AtWork,
    /// Requests that have had their CPU time and were not taken yet.
    done: VecDeque<Released>,
    at: SimTime,
    /// CPU time used so far.
    used: u128,
}

impl AtWork {
    fn new(queues: usize, discipline: &Discipline) -> Self {
        Self {
            serving: vec![VecDeque::new(); queues],
            turn_left: vec![discipline.turn.0 * CORE; queues],
            ring: VecDeque::new(),
            slice_left: discipline.slice.0 * CORE,
        }
    }

    fn copy(&mut self, from: &Self) {
        for (to, from) in self.serving.iter_mut().zip(&from.serving) {
            to.clone_from(from);
        }
        self.turn_left.clone_from(&from.turn_left);
        self.ring.clone_from(&from.ring);
        self.slice_left = from.slice_left;
    }

    /// Lets the request whose turn it is run for `budget` at most. Returns the worker, the CPU time that it took, and the request
    /// if it is done with it. There must be a request.
    fn step(&mut self, discipline: &Discipline, budget: u64) -> (usize, u64, Option<Job>) {
        let worker = self.ring[0];
        let alone = self.ring.len() == 1 && self.serving[worker].len() == 1;
        let task = &mut self.serving[worker][0];
        let most = match alone {
            true => u64::MAX,
            false => self.turn_left[worker].min(self.slice_left),
        };
        let run = task.left.min(most).min(budget);
        task.left -= run;
        let (left, job) = (task.left, task.job);
        let (turn, slice) = (discipline.turn.0 * CORE, discipline.slice.0 * CORE);
        if alone {
            // Its turns go by although nobody waits for their ends.
            self.turn_left[worker] = turn - (turn - self.turn_left[worker] + run) % turn;
            self.slice_left = slice - (slice - self.slice_left + run) % slice;
        } else {
            self.turn_left[worker] -= run;
            self.slice_left -= run;
        }
        if left == 0 {
            self.serving[worker].pop_front();
            self.turn_left[worker] = turn;
        } else if self.turn_left[worker] == 0 {
            self.serving[worker].rotate_left(1);
            self.turn_left[worker] = turn;
        }
        (worker, run, (left == 0).then_some(job))
    }

    /// Gives the core to the next worker if the first one has nothing to do or its slice is over.
    fn pass_on(&mut self, discipline: &Discipline) {
        let Some(&worker) = self.ring.front() else { return };
        if self.serving[worker].is_empty() {
            self.ring.pop_front();
        } else if self.slice_left == 0 {
            self.ring.rotate_left(1);
        } else {
            return;
        }
        self.slice_left = discipline.slice.0 * CORE;
    }
}

impl Turns {
    /// An idle core with the CPU of `limit`, of which one core at most is used.
    pub(crate) fn new(discipline: Discipline, limit: CpuLimit, now: SimTime) -> Self {
        let queues = discipline.queues.max(1) as usize;
        Self {
            discipline,
            rate: rate(limit),
            waiting: vec![VecDeque::new(); queues],
            work: AtWork::new(queues, &discipline),
            ahead: AtWork::new(queues, &discipline),
            done: VecDeque::new(),
            at: now,
            used: 0,
        }
    }

    /// CPU time used until now, in milli-CPU-nanoseconds.
    pub(crate) fn used(&mut self, now: SimTime) -> u128 {
        self.advance(now);
        self.used
    }

    /// Sets another limit from now on.
    pub(crate) fn limit(&mut self, now: SimTime, limit: CpuLimit) {
        self.advance(now);
        self.rate = rate(limit);
    }

    /// The places of the requests that need CPU.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> {
        let tasks = self.waiting.iter().chain(&self.work.serving).flatten();
        tasks.map(|task| task.job.place)
    }

    /// Adds a request to the worker that has its connection.
    pub(crate) fn add(&mut self, now: SimTime, job: Job) {
        self.advance(now);
        let worker = job.queue as usize % self.waiting.len();
        let left = job.cpu.0.saturating_mul(CORE);
        if left == 0 {
            return self.done.push_back(released(job));
        }
        self.waiting[worker].push_back(Task { left, job });
        self.begin(worker);
    }

    /// Lets a worker begin with what it may serve, and queue for the core if it does not yet.
    fn begin(&mut self, worker: usize) {
        let most = self.discipline.at_a_time.map_or(usize::MAX, |most| most as usize);
        let serving = &mut self.work.serving[worker];
        while serving.len() < most
            && let Some(task) = self.waiting[worker].pop_front()
        {
            serving.push_back(task);
        }
        if !serving.is_empty() && !self.work.ring.contains(&worker) {
            self.work.ring.push_back(worker);
        }
    }

    /// The time at which the next request will have had its CPU time if nothing changes, or an earlier one; never without
    /// requests.
    pub(crate) fn next_done(&mut self) -> SimTime {
        if !self.done.is_empty() {
            return self.at;
        }
        if self.work.ring.is_empty() {
            return SimTime::NEVER;
        }
        self.ahead.copy(&self.work);
        let mut needs = 0u64;
        for _ in 0..LOOK_AHEAD {
            let (_, run, done) = self.ahead.step(&self.discipline, u64::MAX);
            needs = needs.saturating_add(run);
            if done.is_some() {
                break;
            }
            self.ahead.pass_on(&self.discipline);
        }
        self.at + SimDuration(needs.div_ceil(self.rate))
    }

    /// Takes a request that has had its CPU time by `now`.
    pub(crate) fn take_done(&mut self, now: SimTime) -> Option<Released> {
        self.advance(now);
        self.done.pop_front()
    }

    /// Takes out the request at `place`. Returns true if it needed CPU.
    pub(crate) fn cancel(&mut self, now: SimTime, place: u32) -> bool {
        self.advance(now);
        for worker in 0..self.waiting.len() {
            let here = |task: &Task| task.job.place == place;
            if let Some(position) = self.waiting[worker].iter().position(here) {
                self.waiting[worker].remove(position);
                return true;
            }
            if let Some(position) = self.work.serving[worker].iter().position(here) {
                self.work.serving[worker].remove(position);
                if position == 0 {
                    self.work.turn_left[worker] = self.discipline.turn.0 * CORE;
                }
                self.begin(worker);
                if self.work.serving[worker].is_empty() {
                    let had_core = self.work.ring.front() == Some(&worker);
                    self.work.ring.retain(|other| *other != worker);
                    if had_core {
                        self.work.slice_left = self.discipline.slice.0 * CORE;
                    }
                }
                return true;
            }
        }
        false
    }

    fn advance(&mut self, now: SimTime) {
        let mut budget = now.since(self.at).0.saturating_mul(self.rate);
        self.at = now;
        while budget > 0 && !self.work.ring.is_empty() {
            let (worker, run, done) = self.work.step(&self.discipline, budget);
            budget -= run;
            self.used += u128::from(run);
            if let Some(job) = done {
                self.done.push_back(released(job));
                self.begin(worker);
            }
            self.work.pass_on(&self.discipline);
        }
    }
}

fn released(Job { place, order, wait, .. }: Job) -> Released {
    Released { place, order, wait }
}

fn rate(limit: CpuLimit) -> u64 {
    u64::from(limit.quota.0).clamp(1, CORE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};
    use crate::stats::order;
    use crate::stats::service_order::Order;
    use crate::units::MilliCpu;

    const MS: u64 = 1_000_000;

    fn limit(quota: u32) -> CpuLimit {
        CpuLimit {
            quota: MilliCpu(quota),
            cores: 1,
            period: None,
        }
    }

    fn discipline(queues: u32, at_a_time: Option<u32>, slice: u64, turn: u64) -> Discipline {
        Discipline {
            queues,
            at_a_time,
            slice: SimDuration(slice * MS / 10),
            turn: SimDuration(turn * MS / 10),
        }
    }

    fn job(place: u32, queue: u32, cpu_ms: u64) -> Job {
        Job {
            place,
            order: u64::from(place),
            cpu: SimDuration(cpu_ms * MS),
            wait: SimDuration::ZERO,
            queue,
        }
    }

    /// Runs the core until it has nothing to do, by its own timers. Returns the place and the end in milliseconds of each request.
    fn run(turns: &mut Turns, arrivals: &[(u64, Job)]) -> Vec<(u32, f64)> {
        let mut ends = Vec::new();
        let mut coming = arrivals.iter().peekable();
        loop {
            let (next, arrival) = (
                turns.next_done(),
                coming.peek().map_or(SimTime::NEVER, |(at, _)| SimTime(*at)),
            );
            if next == SimTime::NEVER && arrival == SimTime::NEVER {
                return ends;
            }
            if arrival <= next {
                let (_, job) = coming.next().unwrap();
                turns.add(arrival, *job);
            } else {
                while let Some(released) = turns.take_done(next) {
                    ends.push((released.place, next.0 as f64 / MS as f64));
                }
            }
        }
    }

    #[test]
    fn turns_are_worked_off_by_hand() {
        // One worker, turns of 3 ms: A needs 5, B 2, C 4, all at 0. A 0-3, B 3-5, C 5-8, A 8-10, C 10-11.
        let mut turns = Turns::new(discipline(1, None, 30, 30), limit(1000), SimTime::ZERO);
        let together: Vec<(u64, Job)> = [(0, 5), (1, 2), (2, 4)]
            .map(|(place, cpu)| (0, job(place, 0, cpu)))
            .into();
        assert_eq!(run(&mut turns, &together), [(1, 5.0), (0, 10.0), (2, 11.0)]);
        assert_eq!(turns.used(SimTime(20 * MS)), u128::from(11 * MS * 1000));
        // The same under half a core takes twice as long.
        let mut turns = Turns::new(discipline(1, None, 30, 30), limit(500), SimTime::ZERO);
        assert_eq!(run(&mut turns, &together), [(1, 10.0), (0, 20.0), (2, 22.0)]);
        // Two workers, one request at a time, slices of 3 ms: worker 0 has A (5) and C (4), worker 1 has B (2).
        let mut turns = Turns::new(discipline(2, Some(1), 30, 1000), limit(1000), SimTime::ZERO);
        let pinned: Vec<(u64, Job)> = vec![(0, job(0, 0, 5)), (0, job(1, 1, 2)), (0, job(2, 0, 4))];
        assert_eq!(run(&mut turns, &pinned), [(1, 5.0), (0, 7.0), (2, 11.0)]);
    }

    #[test]
    fn a_request_that_is_taken_out_leaves_its_turn_to_the_next() {
        let mut turns = Turns::new(discipline(2, Some(1), 30, 1000), limit(1000), SimTime::ZERO);
        for one in [job(0, 0, 5), job(1, 0, 4), job(2, 1, 2)] {
            turns.add(SimTime::ZERO, one);
        }
        assert!(turns.cancel(SimTime(MS), 0) && !turns.cancel(SimTime(MS), 0));
        let mut left: Vec<u32> = turns.places().collect();
        left.sort_unstable();
        assert_eq!(left, [1, 2]);
        let ends = run(&mut turns, &[]);
        // Worker 0 goes on with its next request for the rest of its slice of 3 ms.
        assert_eq!(ends, [(2, 5.0), (1, 7.0)]);
    }

    /// Poisson arrivals of equal requests against the queue that profiles are compared with, which has its own code.
    #[test]
    fn latencies_are_those_of_the_orders_of_service() {
        for (order, discipline) in [
            (
                Order {
                    workers: 2,
                    at_a_time: None,
                    slice_ms: 3.0,
                    turn_ms: 0.5,
                },
                discipline(2, None, 30, 5),
            ),
            (
                Order {
                    workers: 4,
                    at_a_time: Some(1),
                    slice_ms: 3.0,
                    turn_ms: 0.5,
                },
                discipline(4, Some(1), 30, 5),
            ),
            (
                Order {
                    turn_ms: 5.0,
                    ..Order::SHARING
                },
                discipline(1, None, 1_000_000, 50),
            ),
        ] {
            let (rate, cpu_ms) = (150.0, 5.2);
            let expected = order.latencies(rate, cpu_ms, 1);
            let draws = Draws::new(1, 0);
            let (gaps, dealt) = (draws.stream(Purpose::Arrival, 0), draws.stream(Purpose::Order, 0));
            let mut at = 0.0;
            let arrivals = (0..20_000u64).map(|k| {
                at -= gaps.uniform(k).ln() * 1e9 / rate;
                let queue = (dealt.uniform(k) * f64::from(discipline.queues)) as u32;
                let cpu = SimDuration::from_millis_f64(cpu_ms);
                (
                    at as u64,
                    Job {
                        cpu,
                        ..job(k as u32, queue, 0)
                    },
                )
            });
            let arrivals: Vec<(u64, Job)> = arrivals.collect();
            let mut turns = Turns::new(discipline, limit(1000), SimTime::ZERO);
            let latencies = run(&mut turns, &arrivals)
                .into_iter()
                .map(|(place, end)| end - arrivals[place as usize].0 as f64 / MS as f64);
            let latencies = order::sorted(latencies);
            for q in [0.5, 0.95, 0.99] {
                let (found, expected) = (
                    order::quantile(&latencies, q).unwrap(),
                    order::quantile(&expected, q).unwrap(),
                );
                assert!(
                    (found / expected - 1.0).abs() < 0.08,
                    "{order:?}, {q}: {found} and {expected}"
                );
            }
        }
    }
}
