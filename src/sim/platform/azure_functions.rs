//! Azure Functions on the Consumption plan: instances of one size that serve many requests at a time, of which at most one a
//! second is added.
//!
//! Sources: Azure Functions documentation, "Event-driven scaling", "Azure Functions hosting options", "host.json reference",
//! read 2026. By which rule the scale controller decides is not published: that it adds an instance while more requests are
//! in flight than the instances have slots, or while requests wait long for one, removes one after a time below half of that,
//! and the idle time of the last one (M. Shilkov, mikhail.io, January 2021: 20 to 30 minutes) are choices.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::assumption::{Assumption, Topic};
use crate::rng::{Draws, Purpose};
use crate::sim::platform::billed_by::{BilledBy, MemoryShare};
use crate::sim::platform::kubernetes::ClusterPlan;
use crate::sim::platform::{
    Admission, FleetView, InstanceView, KeepAlive, Platform, PlatformKind, Scale, Shape, Ticks, Used,
};
use crate::sim::pool::Routing;
use crate::sim::setup::InitialState;
use crate::units::{MemoryMib, MilliCpu, SimDuration, SimTime};

/// Size of an instance. Source: "Azure Functions hosting options".
const CPU: MilliCpu = MilliCpu(1000);
pub(crate) const MEMORY: MemoryMib = MemoryMib(1536);
/// A request that is not answered in this time gets an error from the load balancer.
const HTTP_LIMIT: SimDuration = SimDuration::from_secs(230);

/// Waits of this long are looked at.
const DELAYS: SimDuration = SimDuration::from_secs(10);

/// The trigger of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Requests: an instance more every second at most.
    Http,
    /// Anything else: one every thirty seconds at most.
    Other,
}

/// `[platform.azure-functions]`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AzureFunctionsSpec {
    /// The trigger of the functions.
    pub trigger: Trigger,
    /// Requests that one instance serves at a time: `maxConcurrentRequests` of host.json.
    pub max_concurrent_requests: u32,
    /// Most instances of a function app: 200 on Windows, 100 on Linux, or fewer.
    pub function_app_scale_limit: u32,
    /// Memory that an instance uses on average while it executes something, for the bill; `None`: as measured.
    pub average_memory: Option<MemoryMib>,
    /// A function that runs longer is cut off.
    pub function_timeout: SimDuration,
    /// An instance is added while the 95th percentile of the time that requests of the last 10 s have waited for a slot is
    /// longer, starts of a first instance not counted.
    pub queue_delay: SimDuration,
    /// Time below half load after which instances are removed.
    pub scale_in_after: SimDuration,
    /// An instance without a request ends after this time.
    pub idle_timeout: SimDuration,
    /// Which of several instances with a free slot takes a request.
    pub routing: Routing,
}

impl Default for AzureFunctionsSpec {
    fn default() -> Self {
        Self {
            trigger: Trigger::Http,
            max_concurrent_requests: 100,
            function_app_scale_limit: 200,
            average_memory: None,
            function_timeout: SimDuration::from_secs(300),
            queue_delay: SimDuration::from_secs(1),
            scale_in_after: SimDuration::from_secs(600),
            idle_timeout: SimDuration::from_secs(1200),
            routing: Routing::RoundRobin,
        }
    }
}

impl AzureFunctionsSpec {
    /// Time between two instances that are added.
    fn pace(&self) -> SimDuration {
        SimDuration::from_secs(match self.trigger {
            Trigger::Http => 1,
            Trigger::Other => 30,
        })
    }

    /// The longest wait for a slot. The limit is that of the load balancer for HTTP; a queue has none.
    fn longest_wait(&self) -> Option<SimDuration> {
        match self.trigger {
            Trigger::Http => Some(HTTP_LIMIT),
            Trigger::Other => None,
        }
    }
}

impl PlatformKind for AzureFunctionsSpec {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_concurrent_requests == 0 {
            problems.push("`max-concurrent-requests` must be at least 1".into());
        }
        if !(1..=200).contains(&self.function_app_scale_limit) {
            problems.push(format!(
                "`function-app-scale-limit` is {}, the plan offers 1 to 200 (100 on Linux)",
                self.function_app_scale_limit
            ));
        }
        if self.function_timeout == SimDuration::ZERO || self.function_timeout > SimDuration::from_secs(600) {
            problems.push(format!(
                "`function-timeout` is {}, the plan offers up to 600s",
                self.function_timeout
            ));
        }
        if let Some(memory) = self.average_memory
            && !(1..=MEMORY.0).contains(&memory.0)
        {
            problems.push(format!("`average-memory` is {memory}, an instance has {MEMORY}"));
        }
        problems
    }

    fn assumptions(&self) -> Vec<Assumption> {
        vec![
            Topic::Capacity
                .factor(format!(
                    "Azure adds an instance every {} at most, while more requests are in flight or wait than the instances have \
                     slots (the rule is not published; a choice)",
                    self.pace(),
                ))
                .source("Azure Functions documentation, \"Event-driven scaling\"", "2026"),
            Topic::Capacity.large(format!(
                "Azure also adds one while the 95th percentile of the waits for a slot in the last {DELAYS} is above {} (a choice)",
                self.queue_delay,
            )),
            Topic::Capacity.large(format!(
                "after {} below half of the slots Azure removes an instance every 10s, and an idle one ends after {} (choices)",
                self.scale_in_after, self.idle_timeout
            )),
            Topic::Platform
                .small(match self.longest_wait() {
                    Some(limit) => format!(
                        "an instance of the Consumption plan has 1 vCPU and 1.5 GiB, and requests wait up to {limit} for a slot"
                    ),
                    None => "an instance of the Consumption plan has 1 vCPU and 1.5 GiB, and messages wait for a slot as long as it \
                             takes"
                        .to_string(),
                })
                .source("Azure Functions documentation, \"Azure Functions hosting options\"", "2026"),
            Topic::Platform.small(format!(
                "requests to Azure go to instances by the rule `{}` (a choice)",
                self.routing.name()
            )),
        ]
    }

    fn billed_by<'a>(&'a self, _: Option<&'a ClusterPlan>) -> BilledBy<'a> {
        BilledBy::MemoryShare(MemoryShare {
            instance_memory: MEMORY,
            average_memory: self.average_memory,
            average_memory_key: "platform.azure-functions.average-memory",
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            cpu: CPU,
            boost: None,
            memory: Some(MEMORY),
            concurrency: self.max_concurrent_requests,
            routing: self.routing,
            timeout: Some(self.function_timeout),
            init_limit: None,
            queue_timeout: self.longest_wait(),
            queue_refuses: false,
            starts_ahead: true,
            initial: InitialState::default(),
        }
    }

    fn build(&self, draws: Draws, _: &[&str]) -> Box<dyn Platform> {
        let share = draws.stream(Purpose::Phase, 0).uniform(0);
        Box::new(AzureFunctions {
            first: SimTime::ZERO + SimDuration::from_secs(1).scale(share),
            spec: self.clone(),
            apps: BTreeMap::new(),
        })
    }
}

/// The state of the platform during a run.
#[derive(Debug)]
pub struct AzureFunctions {
    spec: AzureFunctionsSpec,
    /// When the scale controller looks first.
    first: SimTime,
    apps: BTreeMap<(u16, u32), App>,
}

/// The state of a function app in the scale controller.
#[derive(Debug, Default)]
struct App {
    /// When an instance was added last.
    added: Option<SimTime>,
    /// Since when the load is below half.
    low_since: Option<SimTime>,
    removed: SimTime,
    /// Since when there is an instance that is up.
    up: Option<SimTime>,
    delays: Delays,
}

/// The time that requests have waited for a slot, by second.
#[derive(Debug, Default)]
struct Delays(VecDeque<Second>);

/// Requests that came to an instance in a second.
#[derive(Debug)]
struct Second {
    number: u64,
    at_once: usize,
    waits: Vec<SimDuration>,
}

impl Delays {
    fn note(&mut self, now: SimTime, wait: SimDuration) {
        let number = now.0 / 1_000_000_000;
        if self.0.back().is_none_or(|last| last.number < number) {
            self.0.push_back(Second {
                number,
                at_once: 0,
                waits: Vec::new(),
            });
            let oldest = number.saturating_sub(DELAYS.0 / 1_000_000_000);
            while self.0.front().is_some_and(|first| first.number < oldest) {
                self.0.pop_front();
            }
        }
        if let Some(last) = self.0.back_mut() {
            match wait {
                SimDuration::ZERO => last.at_once += 1,
                _ => last.waits.push(wait),
            }
        }
    }

    /// The 95th percentile over the window; zero if nothing came.
    fn p95(&self, now: SimTime) -> SimDuration {
        let oldest = (now.0 / 1_000_000_000).saturating_sub(DELAYS.0 / 1_000_000_000);
        let window = || self.0.iter().filter(|second| second.number >= oldest);
        let at_once: usize = window().map(|second| second.at_once).sum();
        let mut waits: Vec<SimDuration> = window().flat_map(|second| second.waits.iter().copied()).collect();
        waits.sort_unstable();
        let rank = (19 * (at_once + waits.len())).div_ceil(20);
        match rank.checked_sub(at_once + 1) {
            Some(place) => waits.get(place).copied().unwrap_or(SimDuration::ZERO),
            None => SimDuration::ZERO,
        }
    }
}

impl Platform for AzureFunctions {
    fn admit(&mut self, view: &FleetView) -> Admission {
        if view.free {
            let app = self.apps.entry((view.service, view.function)).or_default();
            app.delays.note(view.now, SimDuration::ZERO);
            return Admission::Warm;
        }
        // From zero the first request starts an instance; beyond it the scale controller does.
        let first = view.instances == 0;
        if first {
            let app = self.apps.entry((view.service, view.function)).or_default();
            app.added = Some(view.now);
            app.up = None;
        }
        Admission::Queue {
            at_most: self.spec.longest_wait().unwrap_or(SimDuration::MAX),
            start: first,
        }
    }

    fn idle(&mut self, instance: &InstanceView) -> KeepAlive {
        KeepAlive::Until(instance.now + self.spec.idle_timeout)
    }

    fn came_up(&mut self, service: u16, function: u32, now: SimTime, _: SimDuration) {
        self.apps.entry((service, function)).or_default().up.get_or_insert(now);
    }

    fn waited(&mut self, service: u16, function: u32, arrived: SimTime, now: SimTime) {
        let app = self.apps.entry((service, function)).or_default();
        // Before there was an instance it waited for a start and not for a slot.
        let since = arrived.max(app.up.unwrap_or(now));
        app.delays.note(now, now.since(since));
    }

    fn ticks(&self, _: u16) -> Option<Ticks> {
        Some(Ticks {
            first: self.first,
            every: SimDuration::from_secs(1),
        })
    }

    fn scale(&mut self, view: &FleetView, _: &Used) -> Scale {
        let spec = &self.spec;
        let app = self.apps.entry((view.service, view.function)).or_default();
        let slots = u64::from(spec.max_concurrent_requests) * u64::from(view.instances);
        let load = u64::from(view.in_flight) + u64::from(view.queued);
        let mut scale = Scale::default();
        if 2 * load >= slots {
            app.low_since = None;
        } else {
            let since = *app.low_since.get_or_insert(view.now);
            let paced = view.now.since(app.removed) >= SimDuration::from_secs(10);
            if view.instances > 1 && paced && view.now.since(since) >= spec.scale_in_after {
                app.removed = view.now;
                scale.stop = 1;
            }
        }
        let paced = app.added.is_none_or(|added| view.now.since(added) >= spec.pace());
        let late = app.delays.p95(view.now) > spec.queue_delay;
        if (load > slots || late) && view.instances < spec.function_app_scale_limit && paced {
            app.added = Some(view.now);
            scale.start = 1;
        }
        scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(ms: u64) -> FleetView {
        FleetView::empty(SimTime(ms * 1_000_000))
    }

    /// "Event-driven scaling": for HTTP triggers new instances at most once per second, for others once every 30 seconds.
    #[test]
    fn at_most_one_instance_a_second() {
        for (trigger, after_a_minute) in [(Trigger::Http, 61), (Trigger::Other, 3)] {
            let spec = AzureFunctionsSpec {
                trigger,
                ..AzureFunctionsSpec::default()
            };
            let mut platform = spec.build(Draws::new(1, 0), &["f"]);
            let first = platform.admit(&view(0));
            assert!(matches!(first, Admission::Queue { start: true, .. }), "{first:?}");
            let mut instances = 1;
            for second in 1..=60 {
                let scale = platform.scale(
                    &FleetView {
                        instances,
                        in_flight: 50_000,
                        ..view(1_000 * second)
                    },
                    &Used::default(),
                );
                instances += scale.start;
            }
            assert_eq!(instances, after_a_minute, "{trigger:?}");
        }
    }

    /// Nineteen of twenty requests decide, those of the last 10 s.
    #[test]
    fn it_grows_while_requests_wait_for_a_slot() {
        let mut platform = AzureFunctionsSpec::default().build(Draws::new(1, 0), &["f"]);
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        let look = |platform: &mut Box<dyn Platform>, second: u64| {
            let view = FleetView {
                instances: 1,
                in_flight: 60,
                ..view(1_000 * second)
            };
            platform.scale(&view, &Used::default()).start
        };
        // A start of 5 s is no wait for a slot.
        let _ = platform.admit(&view(0));
        platform.came_up(0, 0, at(5), SimDuration::from_secs(5));
        (0..20).for_each(|_| platform.waited(0, 0, at(0), at(5)));
        assert_eq!(look(&mut platform, 5), 0);
        // One of twenty-one waits for 2 s, then two of twenty-two.
        platform.waited(0, 0, at(8), at(10));
        assert_eq!(look(&mut platform, 10), 0);
        platform.waited(0, 0, at(8), at(10));
        assert_eq!(look(&mut platform, 11), 1);
        assert_eq!(look(&mut platform, 12), 1);
        // They are forgotten.
        assert_eq!(look(&mut platform, 21), 0);
    }

    #[test]
    fn it_grows_beyond_its_slots_and_shrinks_after_ten_minutes_below_half() {
        let mut platform = AzureFunctionsSpec::default().build(Draws::new(1, 0), &["f"]);
        let mut look = |second: u64, instances: u32, in_flight: u32| {
            let view = FleetView {
                instances,
                in_flight,
                ..view(1_000 * second)
            };
            let scale = platform.scale(&view, &Used::default());
            (scale.start, scale.stop)
        };
        assert_eq!(look(0, 3, 300), (0, 0));
        assert_eq!(look(1, 3, 301), (1, 0));
        assert_eq!(look(2, 4, 199), (0, 0));
        assert_eq!(look(601, 4, 100), (0, 0));
        assert_eq!(look(602, 4, 100), (0, 1));
        assert_eq!(look(603, 3, 100), (0, 0));
        assert_eq!(look(612, 3, 100), (0, 1));
        // Half of two instances' slots.
        assert_eq!(look(622, 2, 100), (0, 0));
        assert_eq!(look(700, 1, 1), (0, 0));
    }
}
