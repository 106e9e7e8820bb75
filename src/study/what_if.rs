//! A class of time that is gone: the same variants with one thing switched off and the same random numbers. Requests that queued
//! behind others whose cause is gone are in time then as well, which counting causes cannot show.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use super::result::Study;
use crate::model::dist::Dist;
use crate::scenario::Variant;
use crate::sim::client::Retry;
use crate::sim::setup::{ColdModel, CpuLimit, ServiceTime};
use crate::units::{MilliCpu, SimDuration};

/// More CPU than requests can use.
const MUCH: u32 = 1_000;

/// Something that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Switch {
    /// Starts take no time: neither creating an instance nor its initialisation, nor what its first requests cost more.
    Starts,
    /// Images are there.
    Images,
    /// Each request has a core to itself.
    Cpu,
    /// The platform has no limits.
    Limits,
    /// Clients do not try again.
    Retries,
}

impl Switch {
    /// All switches.
    pub const ALL: [Self; 5] = [Self::Starts, Self::Images, Self::Cpu, Self::Limits, Self::Retries];

    /// The variant with it switched off; `None` where there is nothing to switch off.
    pub fn off(self, variant: &Variant) -> Option<Variant> {
        let mut changed = variant.clone();
        let mut any = false;
        match self {
            Self::Starts => {
                for service in &mut changed.services {
                    service.setup.cold = ColdModel::Start(Dist::Constant(SimDuration::ZERO));
                    service.setup.code_warm_up = None;
                    any = true;
                }
            }
            Self::Images => {
                for workload in changed.cluster.iter_mut().flat_map(|plan| &mut plan.workloads) {
                    any |= workload.image.take().is_some();
                }
            }
            Self::Cpu => {
                for service in &mut changed.services {
                    any |= on_cores_of_their_own(&mut service.setup);
                }
            }
            Self::Limits => {
                if let Some(platform) = variant.platform.part().without_limits() {
                    changed.platform = platform;
                    any = true;
                }
            }
            Self::Retries => {
                for service in &mut changed.services {
                    if let Some(client) = &mut service.setup.client {
                        let Retry {
                            rejected,
                            timed_out,
                            failed,
                            ..
                        } = client.retry;
                        any |= rejected.is_some() || timed_out.is_some() || failed.is_some();
                        client.retry = Retry {
                            rejected: None,
                            timed_out: None,
                            failed: None,
                            ..client.retry
                        };
                    }
                }
            }
        }
        any.then_some(changed)
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starts => "starts take no time",
            Self::Images => "images are there",
            Self::Cpu => "every request has a core to itself",
            Self::Limits => "the platform has no limits",
            Self::Retries => "clients do not try again",
        })
    }
}

/// Gives each request a core to itself. Returns false if it has one already.
fn on_cores_of_their_own(setup: &mut crate::sim::setup::ServiceSetup) -> bool {
    let share = f64::from(setup.shape.cpu.0.min(1_000)) / 1e3;
    if let Some(inside) = &mut setup.inside {
        inside.turns = None;
        inside.discipline = None;
        inside.workers = None;
        inside.boost = None;
        inside.cpu = CpuLimit {
            quota: MilliCpu(1_000 * MUCH),
            cores: MUCH,
            period: None,
        };
        return true;
    }
    match &mut setup.warm {
        ServiceTime::Parts { overhead, cpu, .. } if share < 1.0 => {
            *overhead = overhead.clone().scaled(share);
            *cpu = cpu.clone().scaled(share);
            setup.shape.cpu = MilliCpu(1_000);
            true
        }
        _ => false,
    }
}

/// The violations of a variant with something switched off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WhatIf {
    /// The name of the variant.
    pub variant: String,
    /// The thing that is switched off.
    pub switch: Switch,
    /// The violations of the variant as it is, in the mean over replications.
    pub before: f64,
    /// The violations with it switched off.
    pub after: f64,
}

impl Study {
    /// Adds what became of the violations with something switched off. `others` are the variants for which there was something to
    /// switch off, under the names that they have here.
    pub fn add_what_if(&mut self, switch: Switch, others: &Self) {
        for other in &others.variants {
            let violations = |study: &Self, name: &str| {
                let variant = study.variants.iter().find(|variant| variant.name() == name)?;
                variant.all().float(Metric::SloViolations)
            };
            let (before, after) = (violations(self, other.name()), violations(others, other.name()));
            if let Some((before, after)) = before.zip(after) {
                self.what_if.push(WhatIf {
                    variant: other.name().to_string(),
                    switch,
                    before,
                    after,
                });
            }
        }
    }
}
