//! Meters: observers that turn facts of a run into billed quantities.
//!
//! A meter rounds each invocation or each interval as the provider does and adds up integers, so rounding happens before
//! anything is summed. A way of billing is one file in `meter/` that implements [`Billing`], and one row in the list below.

mod active;
mod billing;
mod cloud_run;
mod executions;
mod fargate;
mod flex;
mod hourly;
mod lambda;
mod list;
mod managed;
mod memory_line;
mod nodes;
mod served;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

pub use billing::{Billing, ClusterPart, Counts, MeteredService, Tally};
pub use hourly::{Hourly, Reading};
pub use list::MeterRow;
use list::meters;
pub use memory_line::MemoryLine;
pub use served::{Served, ServedMeter};

/// Quantities by meter, in the units of the price list.
pub type Quantities = BTreeMap<String, Decimal>;

meters! {
    /// AWS Lambda.
    Lambda(lambda::LambdaMeterSpec) prices Invocations by ["aws"],
    /// AWS Lambda Managed Instances.
    Managed(managed::ManagedMeterSpec) prices HostTime by ["aws"],
    /// Google Cloud Run.
    CloudRun(cloud_run::CloudRunMeterSpec) prices InstanceTime by ["gcp"],
    /// Azure Functions, Consumption plan.
    Executions(executions::ExecutionsMeterSpec) prices MemoryShare by ["azure"],
    /// Azure Functions, Flex Consumption plan.
    Flex(flex::FlexMeterSpec) prices ExecutingTime by ["azure"],
    /// Nodes of a cluster.
    Nodes(nodes::NodesMeterSpec) prices NodeTime by ["aws", "gcp", "azure"],
    /// AWS Fargate.
    Fargate(fargate::FargateMeterSpec) prices TaskTime by ["aws"],
}
