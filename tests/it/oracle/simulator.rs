//! A simulator that is obviously right rather than fast: no calendar, no heap, no links between instances. Before every
//! step it looks at all possible events and takes the first.
//!
//! The order at one instant:
//! 1. Completions, in the order in which requests came to their instances.
//! 2. Requests that have had their CPU time.
//! 3. Readiness and expiry, by age of the instance.
//! 4. Timeouts of waiting requests.
//! 5. Arrivals.

mod life;

use std::collections::BTreeMap;

use coldcast::model::dist::Dist;
use coldcast::rng::{Draws, Purpose};
use coldcast::sim::platform::scale_per_request::{Clock, Overflow};
use coldcast::sim::pool::Routing;
use coldcast::sim::setup::Inside;

use life::on_cpu;

/// Nanoseconds. The tests mostly use whole seconds, so that many events happen at once.
pub type Time = u64;

/// Sessions of each function with sticky sessions.
pub const SESSIONS: u32 = 3;

/// More than any count here; its square fits.
const LARGE: u64 = 1 << 30;

#[derive(Debug, Clone)]
pub struct Rules {
    pub routing: Routing,
    pub clock: Clock,
    pub keep_alive: Time,
    pub concurrency: usize,
    pub max_instances: Option<usize>,
    pub overflow: Overflow,
    pub queue_timeout: Option<Time>,
    pub cold: Cold,
    /// The inside of an instance that requests share, with CPU time and wait of each request; `None`: they take the time of
    /// the trace.
    pub inside: Option<(Inside, Dist, Dist)>,
    /// Extra time of later requests of an instance by position, as ends and times; if there is any, all requests take
    /// the service time of `initial` instead of the trace's.
    pub curve: Vec<(u32, Time)>,
    /// With more requests in flight an instance is killed.
    pub most_in_flight: Option<usize>,
    /// The idle instances of `initial` never end, are restarted when killed, and no others are started.
    pub fixed: bool,
    /// Idle and busy instances of each function at its start, and the service time of the requests of the latter.
    pub initial: (usize, usize, Time),
    /// Start and end of the counted time; `None`: the end is the last arrival.
    pub window: (Time, Option<Time>),
    pub seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub enum Cold {
    Response(Time),
    Start(Time),
}

#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub at: Time,
    pub function: usize,
    pub service: Time,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Function, index, arrived, started, finished, instance, cold.
    pub served: Vec<(usize, u64, Time, Time, Time, u64, bool)>,
    /// Function, index, arrived, started, failed, instance, cold.
    pub failed: Vec<(usize, u64, Time, Time, Time, u64, bool)>,
    /// Function, arrived.
    pub rejected: Vec<(usize, Time)>,
    /// Function, arrived, timeout in the queue.
    pub gave_up: Vec<(usize, Time, Time)>,
    /// Function, instance, created, stopped.
    pub stopped: Vec<(usize, u64, Time, Time)>,
    /// Time spent starting, busy, idle by instances, and waiting by requests.
    pub area: [u64; 4],
    pub peak: usize,
    pub created: usize,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    function: usize,
    /// Number of arrivals before it in the whole run.
    number: u64,
    /// `None`: part of the initial state.
    index: Option<u64>,
    arrived: Time,
    service: Time,
    started: Time,
    cold: bool,
    /// Sequence number of its coming to the instance.
    came: u64,
    /// If requests share the inside of an instance: CPU time and wait.
    cpu: Time,
    wait: Time,
}

#[derive(Debug)]
struct Instance {
    function: usize,
    ordinal: u64,
    created: Time,
    /// The time at which a starting instance is ready, if that is not the end of its first request.
    starting: bool,
    ready: Time,
    /// Time of its end, sequence number of its coming to the instance, and the request.
    running: Vec<(Time, u64, Request)>,
    joined: Vec<Request>,
    /// If requests share the inside of an instance: requests that wait for a worker, requests that wait for their turn, and
    /// requests on the CPU with the CPU time that they still need, in milli-CPU-nanoseconds, and the time of that count.
    accepted: Vec<Request>,
    turn: Vec<Request>,
    burning: Vec<(i128, Request)>,
    since: Time,
    /// Time of its end if it stays idle.
    expires: Time,
    used: u64,
    /// Requests after its first.
    later: u32,
    gone: bool,
}

#[derive(Default)]
struct Simulator {
    now: Time,
    /// End of the counted time.
    until: Time,
    sequence: u64,
    instances: Vec<Instance>,
    /// By function: instances with a free slot, arrivals and instances so far, requests in the queue, random picks, and the
    /// instance after the one that was routed to last.
    free: Vec<Vec<usize>>,
    arrived: Vec<u64>,
    created: Vec<u64>,
    queue: Vec<Vec<Request>>,
    picks: Vec<u64>,
    turns: Vec<u64>,
    /// By function and session: the instance that had the last request.
    pins: BTreeMap<(usize, u64), usize>,
    out: Outcome,
}

enum Step {
    Done(usize, usize),
    Cpu(usize),
    Ready(usize),
    Expire(usize),
    GiveUp(usize),
    Arrive(Arrival),
}

const NEVER: Time = Time::MAX;

pub fn simulate(rules: &Rules, trace: &[Arrival]) -> Outcome {
    let mut sim = Simulator::default();
    let last = trace.last().map_or(0, |a| a.at);
    let (from, until) = (rules.window.0, rules.window.1.unwrap_or(last));
    let in_time = |a: &&Arrival| rules.window.1.is_none_or(|end| a.at < end);
    let mut arrivals = trace.iter().filter(in_time).copied().peekable();
    sim.until = until;
    let mut warm = false;
    sim.function(rules, 0);
    loop {
        let mut steps: Vec<(Time, u8, u64, Step)> = Vec::new();
        for (i, instance) in sim.instances.iter().enumerate().filter(|(_, i)| !i.gone) {
            for (k, (end, sequence, _)) in instance.running.iter().enumerate() {
                steps.push((*end, 0, *sequence, Step::Done(i, k)));
            }
            if let Some((inside, ..)) = &rules.inside
                && let Some(end) = instance.next_off_cpu(inside)
            {
                steps.push((end, 1, i as u64, Step::Cpu(i)));
            }
            if instance.starting && instance.ready < NEVER {
                steps.push((instance.ready, 2, i as u64, Step::Ready(i)));
            }
            if instance.idle() {
                steps.push((instance.expires, 3, i as u64, Step::Expire(i)));
            }
        }
        for (function, queue) in sim.queue.iter().enumerate() {
            if let (Some(first), Some(timeout)) = (queue.first(), rules.queue_timeout) {
                steps.push((first.arrived + timeout, 4, first.number, Step::GiveUp(function)));
            }
        }
        if let Some(arrival) = arrivals.peek() {
            steps.push((arrival.at, 5, 0, Step::Arrive(*arrival)));
        }
        let unfinished =
            sim.queue.iter().any(|queue| !queue.is_empty()) || sim.instances.iter().any(|i| i.in_flight() > 0);
        let first = steps.into_iter().min_by_key(|s| (s.0, s.1, s.2));
        // Without requests instances still end until the counted time does.
        let over = first.as_ref().is_none_or(|step| step.0 > until);
        if arrivals.peek().is_none() && !unfinished && over {
            sim.pass(until.max(sim.now), from, until, &mut warm);
            return sim.out;
        }
        let (at, _, _, step) = first.expect("an unfinished request has an end");
        sim.pass(at, from, until, &mut warm);
        match step {
            Step::Done(i, k) => sim.done(rules, i, k),
            Step::Cpu(i) => sim.off_cpu(rules, i),
            Step::Ready(i) => sim.up(rules, i),
            Step::Expire(i) => sim.stop(i),
            Step::GiveUp(function) => {
                let request = sim.queue[function].remove(0);
                sim.out.gave_up.push((function, request.arrived, at));
            }
            Step::Arrive(arrival) => {
                arrivals.next();
                sim.arrive(rules, arrival);
            }
        }
    }
}

impl Instance {
    fn in_flight(&self) -> usize {
        self.worked_on() + self.accepted.len() + self.joined.len()
    }

    fn worked_on(&self) -> usize {
        self.running.len() + self.turn.len() + self.burning.len()
    }

    /// Milli-CPU of all requests on the CPU together, over how many it is shared: at most one core for each.
    fn speed(&self, inside: &Inside) -> (i128, i128) {
        let n = self.burning.len() as i128;
        let capacity = i128::from(inside.cpu.quota.0).min(1000 * i128::from(inside.cpu.cores));
        if capacity >= 1000 * n { (1000, 1) } else { (capacity, n) }
    }

    /// The time at which the first request will have had its CPU time.
    fn next_off_cpu(&self, inside: &Inside) -> Option<Time> {
        let least = self.burning.iter().map(|burning| burning.0).min()?.max(0);
        let (rate, share) = self.speed(inside);
        let time = (least * share + rate - 1) / rate;
        Some(self.since + time as Time)
    }

    /// Gives the requests on the CPU their share until `now`, rounded down.
    fn burn(&mut self, inside: &Inside, now: Time) {
        let (rate, share) = self.speed(inside);
        for burning in &mut self.burning {
            burning.0 -= i128::from(now - self.since) * rate / share;
        }
        self.since = now;
    }

    fn idle(&self) -> bool {
        !self.gone && !self.starting && self.in_flight() == 0
    }
}

impl Simulator {
    fn alive(&self) -> usize {
        self.instances.iter().filter(|i| !i.gone).count()
    }

    fn pass(&mut self, at: Time, from: Time, until: Time, warm: &mut bool) {
        assert!(at >= self.now);
        let counted = at.clamp(from, until) - self.now.clamp(from, until);
        for instance in self.instances.iter().filter(|i| !i.gone) {
            let waits = instance.starting && instance.running.is_empty();
            self.out.area[if waits { 0 } else { 1 + usize::from(instance.idle()) }] += counted;
        }
        self.out.area[3] += counted * self.queue.iter().map(Vec::len).sum::<usize>() as u64;
        if !*warm && at >= from {
            *warm = true;
            self.out.peak = self.alive();
        }
        self.now = at;
    }

    fn function(&mut self, rules: &Rules, function: usize) {
        while self.free.len() <= function {
            let new = self.free.len();
            self.free.push(Vec::new());
            self.arrived.push(0);
            self.created.push(0);
            self.queue.push(Vec::new());
            self.picks.push(0);
            self.turns.push(0);
            let (idle, busy, service) = rules.initial;
            for k in 0..idle + busy {
                let i = self.create(rules, new, false, NEVER);
                if k < busy {
                    let (cpu, wait) = work(rules, new, Time::MAX - k as u64);
                    let request = Request {
                        function: new,
                        number: 0,
                        index: None,
                        arrived: self.now,
                        service,
                        started: self.now,
                        cold: false,
                        came: 0,
                        cpu,
                        wait,
                    };
                    self.serve(rules, i, request, service);
                }
                self.settle(rules, i);
            }
        }
    }

    fn create(&mut self, rules: &Rules, function: usize, starting: bool, ready: Time) -> usize {
        self.instances.push(Instance {
            function,
            ordinal: self.created[function],
            created: self.now,
            starting,
            ready,
            running: Vec::new(),
            joined: Vec::new(),
            accepted: Vec::new(),
            turn: Vec::new(),
            burning: Vec::new(),
            since: self.now,
            expires: NEVER,
            used: 0,
            later: 0,
            gone: false,
        });
        self.created[function] += 1;
        if self.now >= rules.window.0 && self.now <= self.until {
            self.out.created += 1;
            self.out.peak = self.out.peak.max(self.alive());
        }
        self.instances.len() - 1
    }

    fn arrive(&mut self, rules: &Rules, arrival: Arrival) {
        let f = arrival.function;
        self.function(rules, f);
        let index = self.arrived[f];
        self.arrived[f] += 1;
        let (cpu, wait) = work(rules, f, index);
        let request = Request {
            cpu,
            wait,
            function: f,
            number: self.arrived.iter().sum(),
            index: Some(index),
            arrived: self.now,
            service: if rules.curve.is_empty() {
                arrival.service
            } else {
                rules.initial.2
            },
            started: self.now,
            cold: false,
            came: 0,
        };
        let joinable = |i: &Instance| {
            !rules.fixed && !i.gone && i.function == f && i.starting && i.in_flight() < rules.concurrency
        };
        let siblings = self.instances.iter().filter(|i| !i.gone && i.function == f);
        let full = rules.max_instances.is_some_and(|max| siblings.count() >= max);
        if let Some(i) = self.route(rules, f, index) {
            self.serve(rules, i, request, request.service);
            self.mark_used(i);
            if self.instances[i].in_flight() < rules.concurrency {
                self.free[f].push(i);
            }
            self.kill_if_too_many(rules, i);
        } else if let Some(i) = self.instances.iter().position(joinable) {
            self.instances[i].joined.push(request);
        } else if !full {
            self.start(rules, request);
        } else if rules.overflow == Overflow::Wait {
            self.queue[f].push(request);
        } else {
            self.out.rejected.push((f, self.now));
        }
    }

    /// Starts an instance for a request.
    fn start(&mut self, rules: &Rules, request: Request) {
        let request = Request { cold: true, ..request };
        let f = request.function;
        match rules.cold {
            Cold::Response(time) => {
                let i = self.create(rules, f, true, NEVER);
                self.serve(rules, i, request, time);
            }
            Cold::Start(time) => {
                let i = self.create(rules, f, true, self.now + time);
                self.instances[i].joined.push(request);
            }
        }
    }

    /// Takes the instance that the routing rule names off the list of free ones.
    fn route(&mut self, rules: &Rules, function: usize, index: u64) -> Option<usize> {
        let free = &self.free[function];
        let by = |key: &dyn Fn(&Instance) -> u64| (0..free.len()).max_by_key(|&k| key(&self.instances[free[k]]));
        let k = match rules.routing {
            Routing::Newest => by(&|i| i.ordinal),
            Routing::Oldest => by(&|i| NEVER - i.ordinal),
            Routing::MostRecentlyUsed => by(&|i| i.used),
            Routing::LeastRecentlyUsed => by(&|i| NEVER - i.used),
            Routing::Sticky if self.pinned(rules, function, index).is_some() => self.pinned(rules, function, index),
            Routing::LeastOutstanding | Routing::Sticky => by(&|i| (LARGE - i.in_flight() as u64) * LARGE - i.used),
            Routing::MostLoaded => by(&|i| i.in_flight() as u64 * LARGE + i.used),
            Routing::RoundRobin => {
                let turn = self.turns[function];
                let later = (0..free.len()).filter(|&k| self.instances[free[k]].ordinal >= turn);
                let by_age = |&k: &usize| self.instances[free[k]].ordinal;
                later.min_by_key(by_age).or((0..free.len()).min_by_key(by_age))
            }
            Routing::Random | Routing::RandomOfTwo => self.random(rules, function),
        };
        let i = k.map(|k| self.free[function].swap_remove(k));
        if let Some(i) = i {
            self.pins.insert((function, session(rules, function, index)), i);
        }
        self.turns[function] = i.map_or(self.turns[function], |i| self.instances[i].ordinal + 1);
        i
    }

    /// The free instance that had the last request of the same session.
    fn pinned(&self, rules: &Rules, function: usize, index: u64) -> Option<usize> {
        let i = self.pins.get(&(function, session(rules, function, index)))?;
        self.free[function].iter().position(|free| free == i)
    }

    /// One of the free instances at random, or the less loaded one of two.
    fn random(&mut self, rules: &Rules, function: usize) -> Option<usize> {
        let draws = Draws::new(rules.seed, 0).stream(Purpose::Routing, function as u64);
        let mut pick = |n: usize| {
            let bits = draws.bits(self.picks[function]);
            self.picks[function] += 1;
            ((u128::from(bits) * n as u128) >> 64) as usize
        };
        let n = self.free[function].len();
        if n == 0 {
            return None;
        }
        if rules.routing == Routing::Random {
            return Some(pick(n));
        }
        if n == 1 {
            return Some(0);
        }
        let first = pick(n);
        let mut others: Vec<usize> = (0..n).collect();
        others.remove(first);
        let second = others[pick(n - 1)];
        let load = |k: usize| self.instances[self.free[function][k]].in_flight();
        Some(if load(second) < load(first) { second } else { first })
    }

    fn mark_used(&mut self, i: usize) {
        self.sequence += 1;
        self.instances[i].used = self.sequence;
    }

    fn serve(&mut self, rules: &Rules, i: usize, request: Request, time: Time) {
        self.sequence += 1;
        let extra = self.extra(rules, i, request);
        let request = Request {
            started: self.now,
            came: self.sequence,
            cpu: request.cpu + rules.inside.as_ref().map_or(0, |(inside, ..)| on_cpu(inside, extra)),
            ..request
        };
        let time = time + extra;
        let whole_response = request.cold && matches!(rules.cold, Cold::Response(_));
        if let (Some((inside, ..)), false) = (&rules.inside, whole_response) {
            self.instances[i].accepted.push(request);
            return self.take_up(inside, i);
        }
        self.sequence += 1;
        self.instances[i]
            .running
            .push((self.now + time, self.sequence, request));
    }

    /// Gives requests to free workers, and those whose turn it is to the CPU.
    fn take_up(&mut self, inside: &Inside, i: usize) {
        let (now, instance) = (self.now, &mut self.instances[i]);
        while !instance.accepted.is_empty()
            && inside
                .workers
                .is_none_or(|workers| instance.worked_on() < workers as usize)
        {
            let request = instance.accepted.remove(0);
            instance.turn.push(Request {
                started: now,
                ..request
            });
        }
        while !instance.turn.is_empty() && inside.turns.is_none_or(|turns| instance.burning.len() < turns as usize) {
            instance.burn(inside, now);
            let request = instance.turn.remove(0);
            instance.burning.push((i128::from(request.cpu) * 1000, request));
        }
    }

    /// Ends the CPU part of requests on an instance: they wait without CPU, or are done.
    fn off_cpu(&mut self, rules: &Rules, i: usize) {
        let Some((inside, ..)) = &rules.inside else { return };
        let mut off = Vec::new();
        loop {
            let instance = &mut self.instances[i];
            instance.burn(inside, self.now);
            let first = (0..instance.burning.len()).min_by_key(|&k| instance.burning[k].0);
            match first.filter(|&k| instance.burning[k].0 <= 0) {
                Some(k) => off.push(instance.burning.remove(k).1),
                None => break,
            }
            // The worker stays with the request.
            if !instance.turn.is_empty() {
                let next = instance.turn.remove(0);
                instance.burning.push((i128::from(next.cpu) * 1000, next));
            }
        }
        let first = self.instances[i].running.len();
        for request in &off {
            let end = self.now + request.wait;
            self.instances[i].running.push((end, request.came, *request));
        }
        let now_done: Vec<u64> = self.instances[i].running[first..]
            .iter()
            .filter(|row| row.2.wait == 0)
            .map(|row| row.1)
            .collect();
        for sequence in now_done {
            // The request is gone if its instance was killed in the meantime.
            if let Some(at) = self.instances[i].running.iter().position(|row| row.1 == sequence) {
                self.done(rules, i, at);
            }
        }
    }

    fn done(&mut self, rules: &Rules, i: usize, k: usize) {
        let instance = &mut self.instances[i];
        let (_, _, r) = instance.running.remove(k);
        if let Some(index) = r.index {
            let row = (
                r.function,
                index,
                r.arrived,
                r.started,
                self.now,
                instance.ordinal,
                r.cold,
            );
            self.out.served.push(row);
        }
        if instance.starting {
            self.up(rules, i);
        } else {
            if let Some((inside, ..)) = &rules.inside {
                self.take_up(inside, i);
            }
            self.settle(rules, i);
        }
    }

    fn up(&mut self, rules: &Rules, i: usize) {
        self.instances[i].starting = false;
        for request in std::mem::take(&mut self.instances[i].joined) {
            self.serve(rules, i, request, request.service);
        }
        if !self.kill_if_too_many(rules, i) {
            self.settle(rules, i);
        }
    }

    /// Serves the queue with the free slots of an instance, and ends the instance if its time is over.
    fn settle(&mut self, rules: &Rules, i: usize) {
        let f = self.instances[i].function;
        while self.instances[i].in_flight() < rules.concurrency && !self.queue[f].is_empty() {
            let request = self.queue[f].remove(0);
            self.serve(rules, i, request, request.service);
            if self.kill_if_too_many(rules, i) {
                return;
            }
        }
        self.mark_used(i);
        let instance = &mut self.instances[i];
        if instance.in_flight() < rules.concurrency && !self.free[f].contains(&i) {
            self.free[f].push(i);
        }
        if instance.idle() {
            instance.expires = match rules.clock {
                Clock::LastUse => self.now + rules.keep_alive,
                Clock::Creation => instance.created + rules.keep_alive,
                Clock::Never => NEVER,
            };
            if instance.expires <= self.now {
                self.stop(i);
            }
        }
    }

    fn stop(&mut self, i: usize) {
        let instance = &mut self.instances[i];
        instance.gone = true;
        let f = instance.function;
        self.out.stopped.push((f, instance.ordinal, instance.created, self.now));
        if let Some(k) = self.free[f].iter().position(|&free| free == i) {
            self.free[f].swap_remove(k);
        }
    }
}

/// The session of a request.
fn session(rules: &Rules, function: usize, index: u64) -> u64 {
    let stream = Draws::new(rules.seed, 0).stream(Purpose::Session, function as u64);
    ((u128::from(stream.bits(index)) * u128::from(SESSIONS)) >> 64) as u64
}

/// CPU time and wait of a request.
fn work(rules: &Rules, function: usize, index: u64) -> (Time, Time) {
    let Some((_, cpu, wait)) = &rules.inside else {
        return (0, 0);
    };
    let draws = Draws::new(rules.seed, 0);
    let stream = |purpose| draws.stream(purpose, function as u64);
    (
        cpu.at(stream(Purpose::Service), index).0,
        wait.at(stream(Purpose::Wait), index).0,
    )
}
