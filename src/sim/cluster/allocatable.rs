//! Resources of a node for pods: its capacity less the reservations of the vendor's kubelet settings.
//!
//! Sources: EKS, awslabs/amazon-eks-ami, nodeadm, kubelet configuration; GKE, "Plan GKE Standard node sizes"; AKS, "Resource
//! reservations"; all read 2026. What system daemons use beyond that is not known.

use crate::model::nodes::Cloud;
use crate::units::{MemoryMib, MilliCpu};

/// The vendor whose kubelet settings hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon Elastic Kubernetes Service.
    Eks,
    /// Google Kubernetes Engine.
    Gke,
    /// Azure Kubernetes Service, 1.29 and later.
    Aks,
}

impl Vendor {
    /// That of a cloud's nodes.
    pub fn of(cloud: Cloud) -> Self {
        match cloud {
            Cloud::Aws => Self::Eks,
            Cloud::Gcp => Self::Gke,
            Cloud::Azure => Self::Aks,
        }
    }

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eks => "eks",
            Self::Gke => "gke",
            Self::Aks => "aks",
        }
    }
}

/// A node's CPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// CPU.
    pub cpu: MilliCpu,
    /// Memory.
    pub memory: MemoryMib,
}

/// Memory below which the kubelet evicts pods.
const EVICTION_MIB: u32 = 100;

/// Resources for pods on a node of this capacity that takes up to `max_pods`; 0 where all is reserved.
pub fn allocatable(vendor: Vendor, capacity: Size, max_pods: u32) -> Size {
    let total = capacity.memory.0;
    let memory = match vendor {
        Vendor::Eks => 255 + 11 * max_pods,
        Vendor::Gke => gke_memory(total),
        // In MB of 10^6 bytes, as the page has it.
        Vendor::Aks => ((20 * u64::from(max_pods) + 50) * 1_000_000 / 1_048_576).min(u64::from(total) / 4) as u32,
    };
    let cpu = match vendor {
        Vendor::Eks | Vendor::Gke => by_core(capacity.cpu),
        Vendor::Aks => aks_cpu(capacity.cpu),
    };
    Size {
        cpu: MilliCpu(capacity.cpu.0.saturating_sub(cpu)),
        memory: MemoryMib(total.saturating_sub(memory + EVICTION_MIB)),
    }
}

/// 6% of the first core, 1% of the second, 0.5% of the next two, 0.25% of all others, in thousandths of a core.
fn by_core(cpu: MilliCpu) -> u32 {
    let steps = [(1_000, 240), (1_000, 40), (2_000, 20), (u32::MAX, 10)];
    let mut left = cpu.0;
    let mut reserved = 0;
    for (width, per_4000) in steps {
        let part = left.min(width);
        reserved += u64::from(part) * per_4000;
        left -= part;
    }
    (reserved / 4_000) as u32
}

/// 255 MiB below 1 GiB; else 25% of the first 4 GiB, 20% of the next 4, 10% of the next 8, 6% of the next 112 and 2% of what
/// is above.
fn gke_memory(total: u32) -> u32 {
    if total < 1024 {
        return 255;
    }
    let steps = [(4_096, 25), (4_096, 20), (8_192, 10), (114_688, 6), (u32::MAX, 2)];
    let mut left = total;
    let mut reserved = 0;
    for (width, percent) in steps {
        let part = left.min(width);
        reserved += u64::from(part) * percent;
        left -= part;
    }
    (reserved / 100) as u32
}

/// The table of the page; between its rows along straight lines, which is a choice.
fn aks_cpu(cpu: MilliCpu) -> u32 {
    const TABLE: [(u32, u32); 7] = [
        (1_000, 60),
        (2_000, 100),
        (4_000, 140),
        (8_000, 180),
        (16_000, 260),
        (32_000, 420),
        (64_000, 740),
    ];
    let after = TABLE.partition_point(|&(cores, _)| cores < cpu.0);
    let (below, above) = match after {
        0 => return TABLE[0].1,
        n if n == TABLE.len() => (TABLE[n - 2], TABLE[n - 1]),
        n => (TABLE[n - 1], TABLE[n]),
    };
    below.1 + (cpu.0 - below.0) * (above.1 - below.1) / (above.0 - below.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vendor: Vendor, vcpu: u32, gib: u32, max_pods: u32) -> (u32, u32) {
        let capacity = Size {
            cpu: MilliCpu(1000 * vcpu),
            memory: MemoryMib(1024 * gib),
        };
        let size = allocatable(vendor, capacity, max_pods);
        (size.cpu.0, size.memory.0)
    }

    /// By hand from the pages; 3,920 of 4,000 is the check that GKE's page gives.
    #[test]
    fn vendors_reserve_as_their_pages_say() {
        // An m5.xlarge has room for 58 pods: 255 + 638 + 100 MiB.
        assert_eq!(of(Vendor::Eks, 4, 16, 58), (3_920, 16_384 - 993));
        assert_eq!(of(Vendor::Eks, 2, 8, 29), (1_930, 8_192 - 674));
        assert_eq!(of(Vendor::Eks, 8, 32, 58).0, 8_000 - 90);
        // 1,024 + 819.2 + 819.2 = 2,662 MiB of 16 GiB.
        assert_eq!(of(Vendor::Gke, 4, 16, 110), (3_920, 16_384 - 2_662 - 100));
        assert_eq!(of(Vendor::Gke, 1, 1, 110), (940, 1_024 - 256 - 100));
        // 20 MB x 30 + 50 MB = 619.9 MiB.
        assert_eq!(of(Vendor::Aks, 4, 16, 30), (3_860, 16_384 - 619 - 100));
        // A quarter of the memory, where that is less.
        assert_eq!(of(Vendor::Aks, 2, 4, 250), (1_900, 4_096 - 1_024 - 100));
        assert_eq!(of(Vendor::Aks, 6, 24, 30).0, 6_000 - 160);
        assert_eq!(of(Vendor::Aks, 96, 384, 30).0, 96_000 - 1_060);
    }
}
