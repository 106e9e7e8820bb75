//! Node types that are built in.

use serde::Deserialize;

use super::catalog;

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
    /// Network interfaces that it may have.
    pub max_enis: u32,
    /// IPv4 addresses on each.
    pub ipv4_per_eni: u32,
}

/// Most pods in managed node groups of types with fewer than 30 vCPU.
const MOST_PODS: u32 = 110;

impl NodeType {
    /// Pods for which the network has addresses. Source: awslabs/amazon-eks-ami, `ENIs * (addresses - 1) + 2`, at most 110.
    pub fn max_pods(&self) -> u32 {
        (self.max_enis * self.ipv4_per_eni.saturating_sub(1) + 2).min(MOST_PODS)
    }

    /// Whether it has its CPU on credit only: the families T3 and T4g.
    pub fn is_burstable(&self) -> bool {
        self.instance_type.starts_with('t')
    }

    /// Bytes that come over its network in a second.
    pub fn network_bytes_per_s(&self) -> f64 {
        self.network_gbps * 1e9 / 8.0
    }
}

/// All of them, in the order of the file.
pub fn all() -> Vec<NodeType> {
    let mut reader = csv::Reader::from_reader(catalog::NODE_TYPES.as_bytes());
    reader
        .deserialize()
        .map(|row| row.unwrap_or_else(|error| unreachable!("built-in node types: {error}")))
        .collect()
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
