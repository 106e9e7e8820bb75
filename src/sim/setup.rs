//! The setup of a run, resolved and checked: services, service times, horizon and warm-up.

use std::sync::Arc;

use crate::model::dist::Dist;
use crate::rng::{Draws, Purpose, Stream};
pub use crate::sim::client::Client;
pub use crate::sim::inside::Inside;
pub use crate::sim::inside::code_warm_up::CodeWarmUpCurve;
pub use crate::sim::inside::cpu::CpuLimit;
pub use crate::sim::inside::idle_cost::IdleCost;
pub use crate::sim::inside::turns::Discipline;
use crate::sim::platform::{Platform, Shape};
use crate::units::SimDuration;

/// A run before it starts.
#[non_exhaustive]
pub struct Setup {
    /// The services; traffic names them by position.
    pub services: Vec<ServiceSetup>,
    /// The platform that all services share.
    pub platform: Box<dyn Platform>,
    /// Requests that arrive earlier are served but not counted.
    pub warm_up: SimDuration,
    /// Requests that arrive at or after it are not taken; `None`: the run ends with the last arrival.
    pub horizon: Option<SimDuration>,
    /// Distance of the samples of the fleet's state that observers get.
    pub sample_every: SimDuration,
    /// True if observers learn the activity of each instance.
    pub tell_activity: bool,
}

impl Setup {
    /// A run without a warm-up that ends with the last arrival.
    pub fn new(services: Vec<ServiceSetup>, platform: Box<dyn Platform>) -> Self {
        Self {
            services,
            platform,
            warm_up: SimDuration::ZERO,
            horizon: None,
            sample_every: SimDuration::from_secs(10),
            tell_activity: false,
        }
    }
}

/// One service: a group of functions with the same code, each scaling on its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceSetup {
    /// Service time of a warm request.
    pub warm: ServiceTime,
    /// The resources that its requests share inside an instance; `None`: nothing, each request takes its own time.
    pub inside: Option<Inside>,
    /// The extra cost of the requests after the first one until an instance is warm; `None`: no extra cost. It does not
    /// apply to requests whose service time comes with the traffic.
    pub code_warm_up: Option<CodeWarmUpCurve>,
    /// The further cost of a request to an instance that has had nothing to do; `None`: no further cost. It does not apply to
    /// the first request of an instance, nor to requests whose service time comes with the traffic.
    pub idle_cost: Option<IdleCost>,
    /// The cost of a new instance for its first request.
    pub cold: ColdModel,
    /// The most requests in flight for which an instance has memory, at least 1: with one more it is killed and all of
    /// them fail. `None`: any number.
    pub most_in_flight: Option<u32>,
    /// The limits and rules that the platform gives each instance and each request.
    pub shape: Shape,
    /// The latency beyond which observers are told what a request spent its time on; `None`: never.
    pub explain_above: Option<SimDuration>,
    /// The behaviour of the clients; `None`: each sends a request once and waits for the answer.
    pub client: Option<Client>,
    /// Number of the random stream of its first function; the other functions have the numbers after it. `None`: by the
    /// service's position. With it, functions that are run one by one have the same random numbers as together.
    pub first_entity: Option<u64>,
}

impl ServiceSetup {
    /// A service whose requests share nothing, whose clients ask once, and whose instances never run out of memory.
    pub fn new(warm: ServiceTime, cold: ColdModel, shape: Shape) -> Self {
        Self {
            warm,
            inside: None,
            code_warm_up: None,
            idle_cost: None,
            cold,
            most_in_flight: None,
            shape,
            explain_above: None,
            client: None,
            first_entity: None,
        }
    }

    /// Returns true if a request with the drawn time `time` takes exactly that time on an unchanged instance.
    #[inline]
    pub(crate) fn as_drawn(&self, time: SimDuration) -> bool {
        self.code_warm_up.is_none() && self.shape.timeout.is_none_or(|timeout| time <= timeout)
    }
}

/// Instances of each function that exist at the start of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InitialState {
    /// Instances without a request.
    pub idle: u32,
    /// Instances with one request in service, whose time is drawn afresh; it counts as no arrival.
    pub busy: u32,
}

/// Service time of a warm request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ServiceTime {
    /// ServiceDraws whole from one distribution.
    Whole(Dist),
    /// The framework's overhead, the work's CPU time at the instance's share of CPU, and the work's waits, added up.
    Parts {
        /// The framework's own share, as measured at this CPU size; where requests share the CPU, its wait only.
        overhead: Dist,
        /// CPU part of the work, stretched to the instance's CPU already; where requests share the CPU, at one vCPU.
        cpu: Dist,
        /// Waiting part of the work.
        wait: Dist,
    },
}

/// The cost of a new instance for its first request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ColdModel {
    /// The whole response time of the first request, start included.
    Response(Dist),
    /// Time before the first request's service begins.
    Start(Dist),
    /// One measured start, drawn whole so that its phases stay together.
    Measured(Arc<[ColdStart]>),
    /// A place of the platform's own in place of the measured container, and then a measured start.
    Placed {
        /// Time until there is a place.
        environment: Dist,
        /// Measured starts, whose phases after the sandbox stay together.
        starts: Arc<[ColdStart]>,
    },
    /// A restore from a snapshot in place of a start.
    Restored {
        /// Creating the instance and fetching the snapshot.
        fetch: Dist,
        /// Resuming it, which counts as initialisation.
        resume: Dist,
        /// Measured starts, of which the overhead of the first request is taken; none: it is as any other.
        starts: Arc<[ColdStart]>,
    },
}

/// A measured cold start by phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColdStart {
    /// Creating and starting the sandbox, before the first instruction of the image.
    pub sandbox: SimDuration,
    /// From the start of the process to its listening socket.
    pub init: SimDuration,
    /// Overhead of the first request; replaces the warm overhead.
    pub first_request: SimDuration,
    /// CPU time from the start of the process until it is ready, as far as it is known.
    pub cpu: SimDuration,
}

/// The streams of random numbers of one function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FunctionStreams {
    service: Stream,
    wait: Stream,
    overhead: Stream,
    cold: Stream,
    connection: Stream,
}

impl FunctionStreams {
    pub(crate) fn new(draws: Draws, entity: u64) -> Self {
        Self {
            service: draws.stream(Purpose::Service, entity),
            wait: draws.stream(Purpose::Wait, entity),
            overhead: draws.stream(Purpose::Overhead, entity),
            cold: draws.stream(Purpose::ColdStart, entity),
            connection: draws.stream(Purpose::Connection, entity),
        }
    }

    /// The worker process, out of `queues`, that has the connection of request `index`.
    pub(crate) fn connection(&self, index: u64, queues: u32) -> u32 {
        ((u128::from(self.connection.bits(index)) * u128::from(queues)) >> 64) as u32
    }
}

impl ServiceTime {
    /// Service time of request `index`; `first` is the overhead of a first request in place of the warm one.
    #[inline]
    pub(crate) fn draw(&self, streams: &FunctionStreams, index: u64, first: Option<SimDuration>) -> SimDuration {
        match self {
            Self::Whole(dist) => {
                let time = dist.at(streams.service, index);
                first.map_or(time, |first| time + first)
            }
            Self::Parts { overhead, cpu, wait } => {
                let overhead = first.unwrap_or_else(|| overhead.at(streams.overhead, index));
                overhead + cpu.at(streams.service, index) + wait.at(streams.wait, index)
            }
        }
    }
}

impl ServiceTime {
    /// Adds to each of a row of times that of a request on a warm instance, from request `first` on: what [`Self::draw`]
    /// gives.
    pub(crate) fn add_block<const N: usize>(
        &self,
        streams: &FunctionStreams,
        first: u64,
        times: &mut [SimDuration; N],
    ) {
        match self {
            Self::Whole(dist) => dist.add_block(streams.service, first, times),
            Self::Parts { overhead, cpu, wait } => {
                overhead.add_block(streams.overhead, first, times);
                cpu.add_block(streams.service, first, times);
                wait.add_block(streams.wait, first, times);
            }
        }
    }

    /// Adds to each of two rows, of CPU times and of waits, those of a request on a warm instance whose requests share its
    /// CPU, from request `first` on: what [`Self::parts`] gives.
    pub(crate) fn add_parts<const N: usize>(
        &self,
        streams: &FunctionStreams,
        first: u64,
        inside: &Inside,
        [cpus, waits]: &mut [[SimDuration; N]; 2],
    ) {
        for cpu in cpus.iter_mut() {
            *cpu += inside.overhead_cpu;
        }
        match self {
            Self::Whole(dist) => dist.add_block(streams.service, first, cpus),
            Self::Parts { overhead, cpu, wait } => {
                cpu.add_block(streams.service, first, cpus);
                wait.add_block(streams.wait, first, waits);
                overhead.add_block(streams.overhead, first, waits);
            }
        }
    }

    /// The waiting part of request `index` on an instance of its own.
    pub(crate) fn wait(&self, streams: &FunctionStreams, index: u64) -> SimDuration {
        match self {
            Self::Whole(_) => SimDuration::ZERO,
            Self::Parts { wait, .. } => wait.at(streams.wait, index),
        }
    }

    /// CPU time and wait of request `index` on an instance whose requests share its CPU. CPU parts are times at one vCPU
    /// here. `first` is the overhead of a first request at the instance's speed, all of it CPU.
    pub(crate) fn parts(
        &self,
        streams: &FunctionStreams,
        index: u64,
        first: Option<SimDuration>,
        inside: &Inside,
    ) -> (SimDuration, SimDuration) {
        let first = first.map(|first| inside.cpu_of(first));
        match self {
            Self::Whole(dist) => {
                let overhead = first.unwrap_or(inside.overhead_cpu);
                (overhead + dist.at(streams.service, index), SimDuration::ZERO)
            }
            Self::Parts { overhead, cpu, wait } => {
                let (cpu, wait) = (cpu.at(streams.service, index), wait.at(streams.wait, index));
                match first {
                    Some(first) => (first + cpu, wait),
                    None => (inside.overhead_cpu + cpu, wait + overhead.at(streams.overhead, index)),
                }
            }
        }
    }
}

impl ColdModel {
    /// The `ordinal`-th start of a function; the second value is the whole response where the model says that instead.
    pub(crate) fn draw(&self, streams: &FunctionStreams, ordinal: u64) -> (ColdStart, Option<SimDuration>) {
        let none = ColdStart {
            sandbox: SimDuration::ZERO,
            init: SimDuration::ZERO,
            first_request: SimDuration::ZERO,
            cpu: SimDuration::ZERO,
        };
        match self {
            Self::Response(dist) => (none, Some(dist.at(streams.cold, ordinal))),
            Self::Start(dist) => {
                let init = dist.at(streams.cold, ordinal);
                (ColdStart { init, ..none }, None)
            }
            Self::Measured(samples) => (pick(samples, streams.cold, ordinal).unwrap_or(none), None),
            Self::Placed { environment, starts } => {
                let [sandbox, start] = [0, 1].map(|k| 2 * ordinal + k);
                let measured = pick(starts, streams.cold, start).unwrap_or(none);
                let placed = ColdStart {
                    sandbox: environment.at(streams.cold, sandbox),
                    ..measured
                };
                (placed, None)
            }
            Self::Restored { fetch, resume, starts } => {
                let [fetched, resumed, first] = [0, 1, 2].map(|k| 3 * ordinal + k);
                let measured = pick(starts, streams.cold, first).unwrap_or(none);
                let restored = ColdStart {
                    sandbox: fetch.at(streams.cold, fetched),
                    init: resume.at(streams.cold, resumed),
                    first_request: measured.first_request,
                    cpu: SimDuration::ZERO,
                };
                (restored, None)
            }
        }
    }
}

/// One of the measured starts, each with equal chance.
fn pick(starts: &[ColdStart], stream: Stream, index: u64) -> Option<ColdStart> {
    let rank = (u128::from(stream.bits(index)) * starts.len() as u128) >> 64;
    starts.get(rank as usize).copied()
}
