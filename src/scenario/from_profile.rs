//! From a measured profile to a service, with everything that is assumed on the way put into words.

use std::collections::BTreeMap;

use super::concurrency;
use super::instance::{self, InstanceSpec};
use super::measured::{self, Law, Sized, Wanted};
use super::memory::Room;
use super::plan::Planner;
use super::resolve::Resolved;
use super::work::{CpuSpec, Work};
use crate::assumption::{Assumption, Topic};
use crate::model::dist::Dist;
use crate::model::profile::{CpuMode, FrameworkProfile, MeasuredConfig};
use crate::sim::platform::PlatformSpec;
use crate::sim::setup::{ColdModel, ServiceTime};
use crate::units::{MemoryMib, SimDuration};

impl Planner<'_> {
    /// The service of a measured framework.
    pub(super) fn measured(&mut self, profile: &FrameworkProfile, work: Option<&Work>) -> Result<Resolved, String> {
        let name = &profile.name;
        let on_lambda = matches!(self.scenario.platform, PlatformSpec::Lambda(_));
        let sized = measured::at_size(
            profile,
            &Wanted {
                cpu: self.shape.cpu,
                memory: self.shape.memory,
                interpolate: self.scenario.interpolate,
                boosted: on_lambda || self.shape.boost.is_some(),
            },
        )?;
        self.machines.entry(profile.machine()).or_default().insert(name.clone());
        let most_in_flight = self.memory(profile, &sized)?;
        let instance = self.instance(profile);
        if let Some(law) = &sized.law {
            self.assume(self.law(name, law, work, instance.is_some()));
        }
        self.assume(Topic::Work.small(
            "an empty handler costs what /healthz was measured to take with one request in flight, network round trip \
             taken off; a cold start is one measured start with its phases together",
        ));
        self.assume(sized.warm_up.assumption(name));
        if profile.runs.iter().any(MeasuredConfig::is_cpu_alone) {
            self.assume(Topic::Work.large(format!(
                "CPU time per request of {name} was measured with one request at a time, which costs more than under load; \
                 other profiles may have that of a busy server"
            )));
        }
        if profile.is_of_processes() {
            self.assume(Topic::ColdStart.large(format!(
                "{name} was measured as processes, without containers: creating an environment is not in its cold starts, \
                 which are lower bounds; process start to listening socket stands for initialisation"
            )));
        } else if on_lambda {
            let [environment, cpu] = lambda(name, sized.cpu_mode);
            self.assume(environment);
            self.assume(cpu);
        }
        let (cpu, wait) = self.work(name, work, &sized.cpu_ms, instance.is_some())?;
        let mut overhead = sized.overhead;
        let mut inside = None;
        if let Some(instance) = instance {
            let overhead_ms = sized.cpu_ms.get(measured::EMPTY_ROUTE).copied().unwrap_or(0.0);
            let overhead_cpu = SimDuration::from_millis_f64(overhead_ms);
            overhead = instance::without_cpu(&overhead, overhead_cpu.scale(1.0 / self.share()));
            inside = Some(instance.inside(&self.shape, overhead_cpu));
        }
        Ok(Resolved {
            warm: ServiceTime::Parts { overhead, cpu, wait },
            warm_up: sized.warm_up.curve(),
            cold: ColdModel::Measured(sized.cold.into()),
            most_in_flight,
            inside,
            memory: sized.memory.line(),
            image: profile
                .image
                .compressed_bytes
                .map(|compressed| (compressed, profile.image.unpacked_bytes)),
            source: format!("measured {}", profile.measured_on()),
        })
    }

    /// What requests share inside an instance: what the scenario says, or what was measured where there are several at a
    /// time; `None`: nothing.
    fn instance(&mut self, profile: &FrameworkProfile) -> Option<InstanceSpec> {
        let chosen = match self.scenario.instance {
            Some(instance) => Some(instance),
            None if self.shape.concurrency <= 1 => None,
            None => {
                let measured = concurrency::of(profile, self.shape.cpu);
                if measured.is_none() {
                    self.assume(Topic::Concurrency.factor(format!(
                        "{}: requests inside an instance take their own time, however many there are: what they share was not \
                         measured; [instance] says it",
                        profile.name
                    )));
                }
                measured.map(|(instance, text)| {
                    self.assume(text);
                    instance.assumptions().into_iter().for_each(|text| self.assume(text));
                    instance
                })
            }
        };
        chosen.filter(InstanceSpec::shares)
    }

    /// The most requests in flight for which an instance has memory; `None`: any number.
    fn memory(&mut self, profile: &FrameworkProfile, sized: &Sized) -> Result<Option<u32>, String> {
        let name = &profile.name;
        let limit = self.shape.memory.unwrap_or(sized.warm_memory);
        let concurrency = self.shape.concurrency;
        let room = sized.memory.room(limit, concurrency);
        let room = room.map_err(|problem| format!("{name} needs more memory than {limit}: {problem}"))?;
        if profile.is_of_processes() {
            self.assume(Topic::Memory.small(format!(
                "{name} was measured as processes of a host, without a memory limit; under {limit} the same times are assumed"
            )));
        } else {
            self.assumptions.extend(under_limits(limit, sized));
        }
        if concurrency <= 1 {
            return Ok(None);
        }
        let mib = |bytes: Option<f64>| bytes.unwrap_or_default() / 1_048_576.0;
        let line = format!(
            "{:.1} MiB of anonymous memory with one request in flight and {:.3} MiB for each further one, measured up to {}",
            mib(sized.memory.at_one),
            mib(sized.memory.growth),
            sized.memory.seen
        );
        let (most, text) = match room {
            Room::Enough => (
                None,
                Topic::Memory.note(format!(
                    "{name}: under {limit} an instance has memory for all {concurrency} requests at a time ({line})"
                )),
            ),
            Room::AtMost(most) => (
                Some(most),
                Topic::Memory.factor(format!(
                    "{name}: under {limit} an instance with more than {most} requests in flight is killed ({line})"
                )),
            ),
            Room::Unknown => (
                None,
                Topic::Memory.large(format!(
                    "{name}: memory under concurrency is not modelled and no instance is killed for want of it: growth with \
                     requests in flight was not measured, or lies within noise"
                )),
            ),
        };
        self.assume(text);
        Ok(most)
    }

    /// How a size between measured ones came about. Of the routes those that are used are told.
    fn law(&self, name: &str, law: &Law, work: Option<&Work>, shares: bool) -> Assumption {
        let percent = |share: f64| format!("{:.0}%", 100.0 * share);
        let mut misses = vec![
            format!("{} in a phase of a start", percent(law.start_miss)),
            format!("{} in an empty handler", percent(law.overhead_miss)),
        ];
        let mut routes: BTreeMap<&str, f64> = BTreeMap::new();
        let mut used = |route: &str| routes.extend(law.cpu_misses.get_key_value(route).map(|(k, v)| (k.as_str(), *v)));
        if shares {
            used(measured::EMPTY_ROUTE);
        }
        if let Some(CpuSpec::Route { route, .. }) = work.and_then(|work| work.cpu.as_ref()) {
            used(route);
        }
        misses.extend(
            routes
                .iter()
                .map(|(route, miss)| format!("{} in the CPU time of /{route}", percent(*miss))),
        );
        misses.extend(law.warm_up_miss.map(|miss| format!("{} in the warm-up", percent(miss))));
        let sizes: Vec<String> = law.sizes.iter().map(|cpu| cpu.as_vcpu().to_string()).collect();
        Topic::Profile.large(format!(
            "{name} at {cpu} vCPU is interpolated: what was measured at {nearest} vCPU, the nearest in 1/cpu, with times scaled \
             by the law T = a + b/cpu (a, b >= 0), fitted to the medians at {} vCPU by least squares on relative errors; it \
             misses them by at most {}; memory{} as measured at {nearest} vCPU",
            sizes.join(", "),
            misses.join(", "),
            if law.warm_up_miss.is_some() {
                " is"
            } else {
                " and warm-up are"
            },
            cpu = self.shape.cpu.as_vcpu(),
            nearest = law.nearest.as_vcpu(),
        ))
    }

    /// The work's CPU part, stretched to the instance's CPU, and its waiting part.
    fn work(
        &mut self,
        name: &str,
        work: Option<&Work>,
        cpu_ms: &BTreeMap<String, f64>,
        shares: bool,
    ) -> Result<(Dist, Dist), String> {
        let none = Dist::Constant(SimDuration::ZERO);
        let Some(work) = work else {
            return Ok((none.clone(), none));
        };
        // Where requests share the CPU, the engine stretches.
        let share = if shares { 1.0 } else { self.share() };
        let cpu = match &work.cpu {
            None => none.clone(),
            Some(CpuSpec::Route { route, times }) => {
                let per_request = cpu_ms.get(route).ok_or_else(|| {
                    let known: Vec<&str> = cpu_ms.keys().map(String::as_str).collect();
                    format!(
                        "`work.cpu.route` is `{route}`, measured for {name} are {}",
                        known.join(", ")
                    )
                })?;
                if !(times.is_finite() && *times >= 0.0) {
                    return Err("`work.cpu.times` must be a number of at least 0".into());
                }
                self.assume(Topic::Work.large(
                    "the work's CPU time is the mean measured for the route times the factor; it is the same for every \
                     request, and one thread does it",
                ));
                Dist::Constant(SimDuration::from_millis_f64(per_request * times / share))
            }
            Some(CpuSpec::Time(spec)) => self.dist("work.cpu", spec)?.scaled(1.0 / share),
        };
        let wait = match &work.io {
            None => none,
            Some(spec) => self.dist("work.io", spec)?,
        };
        Ok((cpu, wait))
    }

    /// The share of a core that one request can have: a handler runs on one thread and gains nothing above one vCPU.
    fn share(&self) -> f64 {
        self.shape.cpu.as_vcpu().min(1.0)
    }
}

/// Under which memory limits was measured what is used at `memory`, unless it was all measured there.
fn under_limits(memory: MemoryMib, sized: &Sized) -> Option<Assumption> {
    let (cold, warm) = (sized.cold_memory, sized.warm_memory);
    if cold == memory && warm == memory {
        None
    } else if cold == warm {
        Some(Topic::Memory.small(format!(
            "profiles were measured under a memory limit of {cold}; at {memory} the same times are assumed"
        )))
    } else {
        Some(Topic::Memory.small(format!(
            "cold starts were measured under a memory limit of {cold}, warm requests under {warm}; at {memory} the same times are \
             assumed"
        )))
    }
}

/// What stands for Lambda's environments and their initialisation.
fn lambda(name: &str, cpu_mode: CpuMode) -> [Assumption; 2] {
    match cpu_mode {
        CpuMode::Flat => [
            Topic::ColdStart.large("measured with containers: creating and starting the container stands for Lambda's environment (waited for, not \
             billed), process start to listening socket for its init (billed where the price list says so)"),
            Topic::ColdStart.factor("the CPU limit was in force from the start of the container; Lambda is reported to give initialisation more CPU \
             than the memory buys, so that cold starts below 1 vCPU are rather upper bounds"),
        ],
        CpuMode::BoostedInit => [
            Topic::ColdStart.large(format!(
                "{name} was measured with containers: creating and starting the container stands for Lambda's environment \
                 (waited for, not billed), process start to the first answer of /healthz for its init (billed where the price \
                 list says so)"
            )),
            Topic::ColdStart.large(format!(
                "{name} had 2 vCPUs (more where the limit is higher) until /healthz had answered, as Lambda is reported to \
                 give initialisation more CPU than the memory buys, and the CPU limit from then on; the overhead of a first \
                 request is that of the first request of /json under the limit"
            )),
        ],
    }
}
