//! The order in which a server with one core serves requests that meet, and the latencies that follow from it. Arrivals are
//! Poisson, and every request needs the same CPU time.
//!
//! A small queue is simulated in which the core turns on two levels: the kernel gives it to the worker processes in turn, and
//! each worker gives it to its own requests in turn. No closed form covers that: the quantiles of M/D/1 are known for
//! first-come-first-served, but not for sharing, and not for workers with connections of their own. The closed forms that
//! exist are the tests.

use std::collections::VecDeque;

use super::order;
use crate::rng::{Draws, Purpose};

/// The number of simulated requests. The 99th percentile at a load of 85% then has an error of some 5%.
const REQUESTS: usize = 40_000;
/// The requests at the beginning that do not count.
const WARM_UP: usize = 2_000;

/// An order of service on one core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// The number of workers. Each request belongs to one of them at random, as connections are pinned to workers.
    pub workers: u32,
    /// The number of requests that a worker serves at a time; `None` for all of them.
    pub at_a_time: Option<u32>,
    /// The CPU time after which the core goes to the next worker, in milliseconds.
    pub slice_ms: f64,
    /// The CPU time after which a worker turns to its next request, in milliseconds.
    pub turn_ms: f64,
}

impl Order {
    /// First come, first served: one request at a time.
    pub const FIFO: Self = Self {
        workers: 1,
        at_a_time: Some(1),
        slice_ms: f64::INFINITY,
        turn_ms: f64::INFINITY,
    };
    /// Processor sharing: all requests at a time, in short turns.
    pub const SHARING: Self = Self {
        at_a_time: None,
        turn_ms: 0.5,
        ..Self::FIFO
    };

    /// Returns the latencies in milliseconds, ascending, of requests that need `cpu_ms` each and arrive at `rate` per second.
    /// Equal seeds give equal arrivals whatever the order. The load must be below 1.
    pub fn latencies(&self, rate: f64, cpu_ms: f64, seed: u64) -> Vec<f64> {
        let draws = Draws::new(seed, 0);
        let (gaps, dealt) = (draws.stream(Purpose::Arrival, 0), draws.stream(Purpose::Order, 0));
        let mut arrival = 0.0;
        let arrivals = (0..REQUESTS as u64).map(|k| {
            arrival -= gaps.uniform(k).ln() * 1e3 / rate;
            let worker = (dealt.uniform(k) * f64::from(self.workers)) as usize;
            let left_ms = cpu_ms;
            (worker, Job { arrival, left_ms })
        });
        let latencies = Core::new(*self).run(arrivals);
        order::sorted(latencies.into_iter().skip(WARM_UP))
    }
}

/// A request.
#[derive(Debug, Clone, Copy)]
struct Job {
    arrival: f64,
    left_ms: f64,
}

/// A worker with its requests.
#[derive(Debug, Clone, Default)]
struct Worker {
    waiting: VecDeque<Job>,
    /// The requests that are served; the first one is next.
    serving: VecDeque<Job>,
    /// True if the worker wants the core.
    ready: bool,
}

/// The core with its workers.
struct Core {
    order: Order,
    workers: Vec<Worker>,
    /// The workers that want the core; the first one has it next.
    ring: VecDeque<usize>,
    now: f64,
}

impl Core {
    fn new(order: Order) -> Self {
        Self {
            order,
            workers: vec![Worker::default(); order.workers as usize],
            ring: VecDeque::new(),
            now: 0.0,
        }
    }

    /// The latencies of all requests, in the order of their ends.
    fn run(&mut self, mut arrivals: impl Iterator<Item = (usize, Job)>) -> Vec<f64> {
        let mut latencies = Vec::new();
        let mut coming = arrivals.next();
        loop {
            let Some(worker) = self.ring.pop_front() else {
                let Some((worker, job)) = coming else { return latencies };
                self.now = job.arrival;
                self.admit(worker, job);
                coming = arrivals.next();
                continue;
            };
            let mut slice = self.order.slice_ms;
            while slice > 0.0
                && let Some(job) = self.workers[worker].serving.front_mut()
            {
                let run = job.left_ms.min(self.order.turn_ms).min(slice);
                self.now += run;
                slice -= run;
                job.left_ms -= run;
                let job = *job;
                while let Some((other, new)) = coming.filter(|(_, new)| new.arrival <= self.now) {
                    self.admit(other, new);
                    coming = arrivals.next();
                }
                if job.left_ms <= 1e-9 {
                    latencies.push(self.now - job.arrival);
                    self.workers[worker].serving.pop_front();
                    self.begin(worker);
                } else if run == self.order.turn_ms {
                    self.workers[worker].serving.rotate_left(1);
                }
            }
            self.workers[worker].ready = false;
            self.begin(worker);
        }
    }

    fn admit(&mut self, worker: usize, job: Job) {
        self.workers[worker].waiting.push_back(job);
        self.begin(worker);
    }

    /// Lets a worker begin with what it may serve, and queue for the core if it does not.
    fn begin(&mut self, worker: usize) {
        let most = self.order.at_a_time.map_or(usize::MAX, |most| most as usize);
        let this = &mut self.workers[worker];
        while this.serving.len() < most
            && let Some(job) = this.waiting.pop_front()
        {
            this.serving.push_back(job);
        }
        if !this.ready && !this.serving.is_empty() {
            this.ready = true;
            self.ring.push_back(worker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The probability that a request waits at most `t` in M/D/1 (Erlang 1909; Gross and others, Fundamentals of Queueing Theory,
    /// section 5.1.5).
    fn waits_at_most(t: f64, rate: f64, service: f64) -> f64 {
        let mut factorial = 1.0;
        let terms = (0..=(t / service) as u32).map(|k| {
            factorial *= f64::from(k.max(1));
            let x = rate * (f64::from(k) * service - t);
            x.powi(k as i32) / factorial * (-x).exp()
        });
        (1.0 - rate * service) * terms.sum::<f64>()
    }

    #[test]
    fn first_come_first_served_is_m_d_1() {
        for (load, tolerance) in [(0.5, 0.02), (0.8, 0.05)] {
            let rate = load / 5.0;
            let latencies = Order::FIFO.latencies(rate * 1e3, 5.0, 1);
            let expected = 5.0 + load * 5.0 / (2.0 * (1.0 - load));
            assert!(
                (mean(&latencies) / expected - 1.0).abs() < tolerance,
                "{} and {expected}",
                mean(&latencies)
            );
            for q in [0.5, 0.9, 0.99] {
                let waited = order::quantile(&latencies, q).unwrap() - 5.0;
                assert!(
                    (waits_at_most(waited, rate, 5.0) - q).abs() < 0.02,
                    "{q} at load {load}: {waited} ms"
                );
            }
        }
    }

    /// The mean under processor sharing depends on the load only (Kleinrock, Queueing Systems II, section 4.4).
    #[test]
    fn sharing_has_the_mean_of_processor_sharing() {
        for load in [0.5, 0.8] {
            let latencies = Order::SHARING.latencies(load * 200.0, 5.0, 2);
            let expected = 5.0 / (1.0 - load);
            assert!(
                (mean(&latencies) / expected - 1.0).abs() < 0.06,
                "{} and {expected}",
                mean(&latencies)
            );
        }
    }

    #[test]
    fn slices_of_the_kernel_change_nothing_for_one_worker() {
        let sliced = Order {
            slice_ms: 3.0,
            ..Order::FIFO
        };
        let (sliced, fifo) = (sliced.latencies(100.0, 5.0, 3), Order::FIFO.latencies(100.0, 5.0, 3));
        let same = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
        assert_eq!(sliced.len(), REQUESTS - WARM_UP);
        assert!(sliced.iter().zip(&fifo).all(same));
    }

    /// Work is conserved: the core is never idle while a request waits, so orders differ in who waits and not in how much work
    /// is left. With equal work the mean is least for first-come-first-served.
    #[test]
    fn workers_of_their_own_have_the_longest_tail() {
        let p99 = |order: Order| order::quantile(&order.latencies(160.0, 5.3, 4), 0.99).unwrap();
        let workers = Order {
            workers: 2,
            slice_ms: 3.0,
            ..Order::SHARING
        };
        let (fifo, sharing, workers) = (p99(Order::FIFO), p99(Order::SHARING), p99(workers));
        assert!(
            1.3 * fifo < sharing && sharing < workers,
            "{fifo}, {sharing}, {workers}"
        );
    }
}
