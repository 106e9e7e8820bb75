//! Node types that are built in, and the clouds that offer them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::catalog;

/// A cloud with managed Kubernetes clusters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon EKS on EC2.
    #[default]
    Aws,
    /// Google GKE on Compute Engine.
    Gcp,
    /// Azure AKS on virtual machines.
    Azure,
}

/// One table of `models/nodes/clouds.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CloudFacts {
    /// The first part of the meters of nodes.
    node_meter: String,
    /// The meter of a cluster.
    cluster_meter: String,
    /// The price list that is used by default, without its date.
    price_list: String,
}

static CLOUDS: LazyLock<BTreeMap<String, CloudFacts>> =
    LazyLock::new(|| toml::from_str(catalog::CLOUDS).expect("the built-in facts about clouds"));

impl Cloud {
    /// Returns the name of the cloud in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }

    fn facts(self) -> &'static CloudFacts {
        &CLOUDS[self.name()]
    }

    /// Returns the meter of a node of this type in price lists, such as `ec2.m7i.large` or `ec2.spot.m7i.large`.
    pub fn node_meter(self, instance_type: &str, spot: bool) -> String {
        let spot = if spot { "spot." } else { "" };
        format!("{}.{spot}{instance_type}", self.facts().node_meter)
    }

    /// Returns true if this is the meter of a spot node of one of the clouds.
    pub fn is_spot_meter(meter: &str) -> bool {
        CLOUDS.values().any(|facts| {
            let of_node = meter.strip_prefix(facts.node_meter.as_str());
            of_node.is_some_and(|rest| rest.starts_with(".spot."))
        })
    }

    /// Returns the meter of a cluster in price lists.
    pub fn cluster_meter(self) -> &'static str {
        &self.facts().cluster_meter
    }

    /// Returns the name, without its date, of the built-in price list that is used if a scenario names none.
    pub fn price_list(self) -> &'static str {
        &self.facts().price_list
    }
}

/// A node type of a cloud provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeType {
    /// The name that the provider uses, such as `m7i.large`.
    pub instance_type: String,
    /// The number of virtual CPUs.
    pub vcpu: u32,
    /// The memory in MiB.
    pub memory_mib: u32,
    /// The architecture, `amd64` or `arm64`.
    pub arch: String,
    /// The baseline bandwidth of the network in Gbit/s.
    pub network_gbps: f64,
    /// The largest number of network interfaces; `None` if their addresses do not limit the number of pods.
    pub max_enis: Option<u32>,
    /// The number of IPv4 addresses on each interface.
    pub ipv4_per_eni: Option<u32>,
    /// True if the CPU is on credit or shared, as for the families T3 and T4g, the shared cores of E2, and B.
    pub burstable: bool,
    /// The cloud that offers the type.
    #[serde(skip)]
    pub cloud: Cloud,
}

/// The largest number of pods on a node: the limit of managed node groups of EKS for types with fewer than 30 vCPU, and the
/// default of the other clouds.
const MOST_PODS: u32 = 110;

impl NodeType {
    /// Returns the number of pods for which the network has addresses: `ENIs * (addresses - 1) + 2`, at most 110.
    ///
    /// Source: awslabs/amazon-eks-ami.
    pub fn max_pods(&self) -> u32 {
        let by_addresses = self.max_enis.zip(self.ipv4_per_eni);
        by_addresses.map_or(MOST_PODS, |(enis, addresses)| {
            (enis * addresses.saturating_sub(1) + 2).min(MOST_PODS)
        })
    }

    /// Returns the number of bytes that the network carries in a second.
    pub fn network_bytes_per_s(&self) -> f64 {
        self.network_gbps * 1e9 / 8.0
    }
}

/// Returns all node types in the order of the files.
pub fn all() -> Vec<NodeType> {
    let mut all = Vec::new();
    for &(cloud, text) in catalog::NODE_TYPES {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        all.extend(reader.deserialize().map(|row| {
            let node: NodeType = row.unwrap_or_else(|error| unreachable!("built-in node types: {error}"));
            NodeType { cloud, ..node }
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_limited_by_addresses() {
        let all = all();
        let of = |name: &str| all.iter().find(|node| node.instance_type == name).unwrap();
        // 3 x 9 + 2, 4 x 14 + 2, and 8 x 29 + 2 cut to 110.
        assert_eq!(of("m5.large").max_pods(), 29);
        assert_eq!(of("m7i.xlarge").max_pods(), 58);
        assert_eq!(of("m7i.4xlarge").max_pods(), 110);
        assert_eq!((of("m7i.large").vcpu, of("m7i.large").memory_mib), (2, 8_192));
        let mut names: Vec<&str> = all.iter().map(|node| node.instance_type.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|node| node.network_bytes_per_s() > 0.0));
    }
}
