//! `[extras]` as a scenario says it.

use serde::Deserialize;

use crate::units::{Bytes, SimDuration};

/// `[extras]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExtrasSpec {
    /// What a request brings in, headers and all.
    #[serde(default)]
    pub request_size: Bytes,
    /// What an answer sends out, headers and all.
    #[serde(default)]
    pub response_size: Bytes,
    /// Whether answers go to the internet.
    #[serde(default)]
    pub internet: bool,
    /// An Application Load Balancer in front of all services.
    pub load_balancer: Option<BalancerSpec>,
    /// An API Gateway in front of all services.
    pub api_gateway: Option<Api>,
    /// A NAT gateway behind them.
    pub nat: Option<NatSpec>,
    /// What they exchange with other services and databases in the same region.
    pub inter_zone: Option<InterZoneSpec>,
    /// What they log.
    pub logs: Option<LogsSpec>,
    /// Their images in a registry.
    pub registry: Option<RegistrySpec>,
    /// Public IPv4 addresses.
    #[serde(default)]
    pub public_ipv4: u32,
}

/// `[extras.load-balancer]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BalancerSpec {
    /// New connections for each request: 1 without keep-alive.
    pub connections: String,
    /// Rules that a request is compared with.
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
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// An HTTP API.
    Http,
    /// A REST API.
    Rest,
}

/// `[extras.nat]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct NatSpec {
    /// Gateways, one for each zone.
    pub gateways: u32,
    /// What a request sends out through it, such as calls of other services.
    pub sent: Bytes,
    /// What a request gets back through it.
    pub received: Bytes,
    /// Whether images are pulled through it.
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
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct InterZoneSpec {
    /// What a request sends to others.
    pub sent: Bytes,
    /// What a request gets from others.
    pub received: Bytes,
    /// The share of it that crosses the border of a zone: two thirds where three zones are alike.
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
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogsSpec {
    /// What a request logs.
    pub size: Bytes,
    /// How long it is kept; default: it is not billed for that.
    pub retention: Option<SimDuration>,
}

/// `[extras.registry]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RegistrySpec {
    /// Versions of each image that are kept, as if they shared no layers.
    pub versions: u32,
}

impl Default for RegistrySpec {
    fn default() -> Self {
        Self { versions: 1 }
    }
}
