//! Meters: observers that turn facts into billed quantities, as integers. The vendor's rounding applies to each
//! invocation or to each interval, so it happens here, before anything is added up.
//!
//! One file for each way of billing, and one line in each list here.

mod active;
mod cloud_run;
mod executions;
mod fargate;
mod flex;
mod hourly;
mod lambda;
mod managed;
mod nodes;
mod served;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::assumption::Assumption;
use crate::model::price::{PriceError, PriceList};
use crate::sim::fact::{Fact, Finished};
use crate::sim::observe::Observer;
use crate::sim::platform::PlatformSpec;
use crate::units::SimDuration;
pub use cloud_run::{CloudRunMeter, CloudRunMeterSpec, CloudRunUsage};
pub use executions::{ExecutionsMeter, ExecutionsMeterSpec, ExecutionsUsage, MemoryLine};
pub use fargate::{FargateMeter, FargateMeterSpec, FargateUsage};
pub use flex::{FlexMeter, FlexMeterSpec, FlexUsage};
pub use hourly::{Hourly, Reading};
pub use lambda::{LambdaMeter, LambdaMeterSpec, LambdaUsage};
pub use managed::{ManagedMeter, ManagedMeterSpec, ManagedUsage};
pub use nodes::{NodesMeter, NodesMeterSpec, NodesUsage};
pub use served::{Served, ServedMeter};

/// Quantities by meter, in the units of the price list.
pub type Quantities = BTreeMap<String, Decimal>;

/// How what happens on a platform becomes billed quantities.
#[derive(Debug, Clone, PartialEq)]
pub enum MeterSpec {
    /// AWS Lambda.
    Lambda(LambdaMeterSpec),
    /// Google Cloud Run.
    CloudRun(CloudRunMeterSpec),
    /// Azure Functions, Consumption plan.
    Executions(ExecutionsMeterSpec),
    /// Azure Functions, Flex Consumption plan.
    Flex(FlexMeterSpec),
    /// Nodes of a cluster.
    Nodes(NodesMeterSpec),
    /// AWS Fargate.
    Fargate(FargateMeterSpec),
    /// AWS Lambda Managed Instances.
    Managed(ManagedMeterSpec),
}

/// What a meter has to know of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Metered {
    /// Memory of its instances by requests in service, where it was measured.
    pub memory: Option<MemoryLine>,
    /// What one of its pods requests: thousandths of a core, and MiB.
    pub requests: (u64, u64),
}

/// Billed quantities of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// Of AWS Lambda.
    Lambda(LambdaUsage),
    /// Of Google Cloud Run.
    CloudRun(CloudRunUsage),
    /// Of Azure Functions on the Consumption plan.
    Executions(ExecutionsUsage),
    /// Of Azure Functions on the Flex Consumption plan.
    Flex(FlexUsage),
    /// Of nodes of a cluster.
    Nodes(NodesUsage),
    /// Of AWS Fargate.
    Fargate(FargateUsage),
    /// Of AWS Lambda Managed Instances.
    Managed(ManagedUsage),
}

/// Watches a run and counts what is billed.
#[derive(Debug)]
pub enum Meter {
    /// On AWS Lambda.
    Lambda(LambdaMeter),
    /// On Google Cloud Run.
    CloudRun(CloudRunMeter),
    /// On the Consumption plan of Azure Functions.
    Executions(ExecutionsMeter),
    /// On the Flex Consumption plan of Azure Functions.
    Flex(FlexMeter),
    /// On nodes of a cluster.
    Nodes(NodesMeter),
    /// On AWS Fargate.
    Fargate(FargateMeter),
    /// On AWS Lambda Managed Instances.
    Managed(ManagedMeter),
}

impl MeterSpec {
    /// The rules of `list` for a platform, as they were on a day; `None` as the day: that from which the list stands.
    /// `None` where the list has no prices of this platform.
    ///
    /// # Errors
    /// If the list has prices of the platform and no rules for it.
    pub fn of(platform: &PlatformSpec, list: &PriceList, rules_of: Option<Date>) -> Result<Option<Self>, PriceError> {
        Ok(match (list.provider.as_str(), platform) {
            ("aws", PlatformSpec::Lambda(spec)) => Some(Self::Lambda(LambdaMeterSpec::new(spec, list, rules_of)?)),
            ("gcp", PlatformSpec::CloudRun(spec)) => Some(Self::CloudRun(CloudRunMeterSpec::new(spec, list)?)),
            ("azure", PlatformSpec::AzureFunctions(spec)) => {
                Some(Self::Executions(ExecutionsMeterSpec::new(spec, list)?))
            }
            ("aws", PlatformSpec::LambdaManaged(spec)) => ManagedMeterSpec::new(spec, list)?.map(Self::Managed),
            ("aws", PlatformSpec::Fargate(spec)) => Some(Self::Fargate(FargateMeterSpec::new(spec, list)?)),
            ("aws" | "gcp" | "azure", PlatformSpec::Kubernetes(_) | PlatformSpec::Knative(_)) => {
                platform.pods().map(|pods| Self::Nodes(NodesMeterSpec::new(pods)))
            }
            ("azure", PlatformSpec::AzureFlex(spec)) => Some(Self::Flex(FlexMeterSpec::new(spec, list)?)),
            _ => None,
        })
    }

    /// Meters that the list lacks, in words.
    pub fn problems(&self, list: &PriceList) -> Vec<String> {
        let meters = match self {
            Self::Lambda(spec) => spec.meters(),
            Self::CloudRun(spec) => spec.meters(),
            Self::Executions(spec) => spec.meters(),
            Self::Flex(spec) => spec.meters(),
            Self::Nodes(spec) => spec.meters(),
            Self::Fargate(spec) => spec.meters().to_vec(),
            Self::Managed(spec) => spec.meters(),
        };
        let missing = meters.into_iter().filter_map(|meter| list.price(meter).err());
        missing.map(|error| error.to_string()).collect()
    }

    /// Choices on the way to the bill that move it, in words.
    pub fn assumptions(&self) -> Vec<Assumption> {
        match self {
            Self::Lambda(_) => Vec::new(),
            Self::CloudRun(spec) => spec.assumptions(),
            Self::Executions(spec) => spec.assumptions(),
            Self::Flex(spec) => spec.assumptions(),
            Self::Nodes(spec) => spec.assumptions(),
            Self::Fargate(spec) => spec.assumptions(),
            Self::Managed(spec) => spec.assumptions(),
        }
    }

    /// Whether it has to be told what each instance does.
    pub fn needs_activity(&self) -> bool {
        !matches!(self, Self::Lambda(_) | Self::Nodes(_) | Self::Managed(_))
    }

    /// Milliseconds that are billed for one request, where requests alone are billed for; else 0.
    #[inline]
    pub fn billed_ms(&self, request: &Finished) -> u64 {
        match self {
            Self::Lambda(spec) => spec.billed_ms(request),
            _ => 0,
        }
    }

    /// What so many requests with so many billed milliseconds are, where nothing else is billed.
    pub fn by_request(&self, requests: u64, billed_ms: u64) -> Option<Usage> {
        match self {
            Self::Lambda(spec) if spec.is_by_request() => Some(Usage::Lambda(LambdaUsage {
                requests,
                billed_ms,
                ..LambdaUsage::default()
            })),
            _ => None,
        }
    }

    /// Nothing used.
    pub fn nothing(&self) -> Usage {
        match self {
            Self::Lambda(_) => Usage::Lambda(LambdaUsage::default()),
            Self::CloudRun(_) => Usage::CloudRun(CloudRunUsage::default()),
            Self::Executions(_) => Usage::Executions(ExecutionsUsage::default()),
            Self::Flex(_) => Usage::Flex(FlexUsage::default()),
            Self::Nodes(_) => Usage::Nodes(NodesUsage::default()),
            Self::Fargate(_) => Usage::Fargate(FargateUsage::default()),
            Self::Managed(_) => Usage::Managed(ManagedUsage::default()),
        }
    }

    /// A meter for these services.
    pub fn start(&self, warm_up: SimDuration, metered: &[Metered]) -> Meter {
        let services = metered.len();
        match self {
            Self::Lambda(spec) => Meter::Lambda(LambdaMeter::new(spec.clone(), warm_up, services)),
            Self::CloudRun(spec) => Meter::CloudRun(CloudRunMeter::new(spec.clone(), warm_up, services)),
            Self::Executions(spec) => {
                let memory: Vec<_> = metered.iter().map(|service| service.memory).collect();
                Meter::Executions(ExecutionsMeter::new(spec.clone(), warm_up, &memory))
            }
            Self::Flex(spec) => Meter::Flex(FlexMeter::new(spec.clone(), warm_up, services)),
            Self::Nodes(spec) => {
                let requests: Vec<_> = metered.iter().map(|service| service.requests).collect();
                Meter::Nodes(NodesMeter::new(spec, warm_up, &requests))
            }
            Self::Managed(_) => Meter::Managed(ManagedMeter::new(warm_up, services)),
            Self::Fargate(spec) => {
                let sizes: Vec<_> = metered.iter().map(|service| service.requests).collect();
                Meter::Fargate(FargateMeter::new(spec.clone(), warm_up, &sizes))
            }
        }
    }

    /// The quantities by meter.
    pub fn quantities(&self, usage: &Usage) -> Quantities {
        match (self, usage) {
            (Self::Lambda(spec), Usage::Lambda(usage)) => spec.quantities(usage),
            (Self::CloudRun(spec), Usage::CloudRun(usage)) => spec.quantities(usage),
            (Self::Executions(spec), Usage::Executions(usage)) => spec.quantities(usage),
            (Self::Flex(spec), Usage::Flex(usage)) => spec.quantities(usage),
            (Self::Nodes(spec), Usage::Nodes(usage)) => spec.quantities(usage),
            (Self::Fargate(spec), Usage::Fargate(usage)) => spec.quantities(usage),
            (Self::Managed(spec), Usage::Managed(usage)) => spec.quantities(usage),
            _ => mixed(),
        }
    }

    /// The part of the quantities that was billed for starting instances.
    pub fn start_quantities(&self, usage: &Usage) -> Quantities {
        match (self, usage) {
            (Self::Lambda(spec), Usage::Lambda(usage)) => spec.init_quantities(usage),
            (Self::CloudRun(spec), Usage::CloudRun(usage)) => spec.start_quantities(usage),
            // Starts cost nothing.
            (Self::Executions(_), Usage::Executions(_))
            | (Self::Flex(_), Usage::Flex(_))
            | (Self::Nodes(_), Usage::Nodes(_))
            | (Self::Fargate(_), Usage::Fargate(_))
            | (Self::Managed(_), Usage::Managed(_)) => Quantities::new(),
            _ => mixed(),
        }
    }

    /// The part of the quantities that was billed for instances without a request; `None` where it is not told apart.
    pub fn idle_quantities(&self, usage: &Usage) -> Option<Quantities> {
        match (self, usage) {
            // On demand nothing is charged for an environment without a request. What of provisioned concurrency is idle is
            // not told apart.
            (Self::Lambda(spec), Usage::Lambda(_)) => spec.is_by_request().then(Quantities::new),
            (Self::CloudRun(spec), Usage::CloudRun(usage)) => Some(spec.idle_quantities(usage)),
            (Self::Executions(_), Usage::Executions(_)) => Some(Quantities::new()),
            (Self::Flex(spec), Usage::Flex(usage)) => Some(spec.idle_quantities(usage)),
            // What of a node is idle is in the packing report.
            (Self::Nodes(_), Usage::Nodes(_))
            | (Self::Fargate(_), Usage::Fargate(_))
            | (Self::Managed(_), Usage::Managed(_)) => None,
            _ => mixed(),
        }
    }
}

fn mixed() -> ! {
    unreachable!("usage of one platform is priced by the meter of that platform")
}

impl Usage {
    /// Adds the quantities of `other`, which comes from a meter of the same kind.
    pub fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Lambda(usage), Self::Lambda(other)) => usage.add(other),
            (Self::CloudRun(usage), Self::CloudRun(other)) => usage.add(other),
            (Self::Executions(usage), Self::Executions(other)) => usage.add(other),
            (Self::Flex(usage), Self::Flex(other)) => usage.add(other),
            (Self::Nodes(usage), Self::Nodes(other)) => usage.add(other),
            (Self::Fargate(usage), Self::Fargate(other)) => usage.add(other),
            (Self::Managed(usage), Self::Managed(other)) => usage.add(other),
            _ => mixed(),
        }
    }
}

impl Meter {
    /// What was counted, by service: of requests so far, of time up to the last sample.
    pub fn usage(&self) -> Vec<Usage> {
        match self {
            Self::Lambda(meter) => meter.usage().into_iter().map(Usage::Lambda).collect(),
            Self::CloudRun(meter) => meter.usage().into_iter().map(Usage::CloudRun).collect(),
            Self::Executions(meter) => meter.usage().into_iter().map(Usage::Executions).collect(),
            Self::Flex(meter) => meter.usage().into_iter().map(Usage::Flex).collect(),
            Self::Nodes(meter) => meter.usage().into_iter().map(Usage::Nodes).collect(),
            Self::Fargate(meter) => meter.usage().into_iter().map(Usage::Fargate).collect(),
            Self::Managed(meter) => meter.usage().into_iter().map(Usage::Managed).collect(),
        }
    }
}

impl Observer for Meter {
    #[inline]
    fn observe(&mut self, fact: &Fact) {
        match self {
            Self::Lambda(meter) => meter.observe(fact),
            Self::CloudRun(meter) => meter.observe(fact),
            Self::Executions(meter) => meter.observe(fact),
            Self::Flex(meter) => meter.observe(fact),
            Self::Nodes(meter) => meter.observe(fact),
            Self::Fargate(meter) => meter.observe(fact),
            Self::Managed(meter) => meter.observe(fact),
        }
    }
}

/// A sum of thousandths of vCPU, or of MiB, over milliseconds, in units of one over a second.
fn thousandths(sum: u128) -> Decimal {
    let micro = i128::try_from(sum)
        .ok()
        .and_then(|sum| Decimal::try_from_i128_with_scale(sum, 6).ok());
    micro
        .unwrap_or_else(|| panic!("{sum} milli-units over milliseconds overflow a decimal"))
        .normalize()
}

/// MiB over milliseconds in GiB over seconds. Google and Microsoft alike bill multiples of 1,024 MiB, whatever they call
/// them.
fn gib_seconds(mib_ms: u128) -> Decimal {
    let mib_seconds = i128::try_from(mib_ms)
        .ok()
        .and_then(|sum| Decimal::try_from_i128_with_scale(sum, 3).ok());
    let mib_seconds = mib_seconds.unwrap_or_else(|| panic!("{mib_ms} MiB-ms overflow a decimal"));
    (mib_seconds / Decimal::from(1024)).normalize()
}
