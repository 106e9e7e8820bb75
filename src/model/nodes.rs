//! Node types that are built in.

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

impl Cloud {
    /// What price lists call a node of a type.
    pub fn node_meter(self, instance_type: &str, spot: bool) -> String {
        let service = match self {
            Self::Aws => "ec2",
            Self::Gcp => "gke",
            Self::Azure => "aks",
        };
        let spot = if spot { "spot." } else { "" };
        format!("{service}.{spot}{instance_type}")
    }

    /// What price lists call a cluster.
    pub fn cluster_meter(self) -> &'static str {
        match self {
            Self::Aws => "eks.cluster.standard_support",
            Self::Gcp => "gke.cluster",
            Self::Azure => "aks.standard",
        }
    }

    /// The newest built-in price list of the cloud, by which those choose nodes who choose by price.
    pub fn price_list(self) -> &'static str {
        match self {
            Self::Aws => "aws-us-east-1",
            Self::Gcp => "gcp-us-central1",
            Self::Azure => "azure-eastus",
        }
    }
}

/// A node type of a cloud provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeType {
    /// The provider's name for it, such as `m7i.large`.
    pub instance_type: String,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// `amd64` or `arm64`.
    pub arch: String,
    /// Baseline bandwidth of its network in Gbit/s.
    pub network_gbps: f64,
    /// Network interfaces that it may have, where pods have addresses of theirs.
    pub max_enis: Option<u32>,
    /// IPv4 addresses on each.
    pub ipv4_per_eni: Option<u32>,
    /// Whose it is.
    #[serde(skip)]
    pub cloud: Cloud,
}

/// Most pods in managed node groups of EKS of types with fewer than 30 vCPU, and the default of the other clouds.
const MOST_PODS: u32 = 110;

impl NodeType {
    /// Pods for which the network has addresses. Source: awslabs/amazon-eks-ami, `ENIs * (addresses - 1) + 2`, at most 110.
    pub fn max_pods(&self) -> u32 {
        let by_addresses = self.max_enis.zip(self.ipv4_per_eni);
        by_addresses.map_or(MOST_PODS, |(enis, addresses)| {
            (enis * addresses.saturating_sub(1) + 2).min(MOST_PODS)
        })
    }

    /// Whether it has its CPU on credit only, or shares it: the families T3 and T4g, E2's shared cores, and B.
    pub fn is_burstable(&self) -> bool {
        let name = &self.instance_type;
        match self.cloud {
            Cloud::Aws => name.starts_with('t'),
            Cloud::Gcp => ["e2-micro", "e2-small", "e2-medium"].contains(&name.as_str()),
            Cloud::Azure => name.starts_with('B'),
        }
    }

    /// Bytes that come over its network in a second.
    pub fn network_bytes_per_s(&self) -> f64 {
        self.network_gbps * 1e9 / 8.0
    }
}

/// All of them, in the order of the files.
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
