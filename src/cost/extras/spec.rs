//! The table `[extras]` of a scenario.

use serde::Deserialize;

use crate::units::{Bytes, SimDuration};

/// `[extras]`: what services cost beside their compute.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExtrasSpec {
    /// Size of a request with its headers.
    #[serde(default)]
    pub request_size: Bytes,
    /// Size of an answer with its headers.
    #[serde(default)]
    pub response_size: Bytes,
    /// True if answers go to the internet.
    #[serde(default)]
    pub internet: bool,
    /// An Application Load Balancer in front of all services.
    pub load_balancer: Option<BalancerSpec>,
    /// An API Gateway in front of all services.
    pub api_gateway: Option<Api>,
    /// NAT gateways behind the services.
    pub nat: Option<NatSpec>,
    /// Traffic with other services and databases in the same region.
    pub inter_zone: Option<InterZoneSpec>,
    /// Their logs.
    pub logs: Option<LogsSpec>,
    /// Their images in a registry.
    pub registry: Option<RegistrySpec>,
    /// Number of public IPv4 addresses.
    #[serde(default)]
    pub public_ipv4: u32,
}

/// `[extras.load-balancer]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BalancerSpec {
    /// New connections for each request, such as `"0.1"`; `"1"` without keep-alive.
    pub connections: String,
    /// Rules that each request is compared with.
    pub rules: u32,
}

impl Default for BalancerSpec {
    fn default() -> Self {
        Self {
            connections: "1".into(),
            rules: 1,
        }
    }
}

/// Kinds of API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// An HTTP API.
    Http,
    /// A REST API.
    Rest,
}

/// `[extras.nat]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NatSpec {
    /// Number of gateways, usually one for each zone.
    pub gateways: u32,
    /// Bytes that each request sends through them, for example in calls of other services.
    pub sent: Bytes,
    /// Bytes that each request receives through them.
    pub received: Bytes,
    /// True if images are pulled through them.
    pub pulls: bool,
}

impl Default for NatSpec {
    fn default() -> Self {
        Self {
            gateways: 1,
            sent: Bytes(0),
            received: Bytes(0),
            pulls: false,
        }
    }
}

/// `[extras.inter-zone]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct InterZoneSpec {
    /// Bytes that each request sends.
    pub sent: Bytes,
    /// Bytes that each request receives.
    pub received: Bytes,
    /// Share of the traffic that crosses zones, from `"0"` to `"1"`: two thirds for three equal zones.
    pub share: String,
}

impl Default for InterZoneSpec {
    fn default() -> Self {
        Self {
            sent: Bytes(0),
            received: Bytes(0),
            share: "1".into(),
        }
    }
}

/// `[extras.logs]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogsSpec {
    /// Bytes of logs for each request.
    pub size: Bytes,
    /// Time for which logs are kept; default: their storage is not billed.
    pub retention: Option<SimDuration>,
}

/// `[extras.registry]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RegistrySpec {
    /// Versions of each image that are kept. They are billed as if they shared no layers.
    pub versions: u32,
}

impl Default for RegistrySpec {
    fn default() -> Self {
        Self { versions: 1 }
    }
}
