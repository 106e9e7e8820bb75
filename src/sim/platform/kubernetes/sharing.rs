//! The CPU of a node: pods use up to their limits as long as the node has CPU. When it has not, it is shared by their requests, as the
//! kernel shares it by the weights of control groups.
//!
//! The shares are worked out again after a period, and when a pod that had nothing to do gets a request on a node that is short. Between
//! two looks nobody gets more than its share, and all shares together are no more than the node has: what its pods could use at the look
//! goes to them, and the rest is spread over all of them for what may come.
//! Nodes whose pods could not use up the CPU even at their limits are left alone.
//!
//! Source: Kubernetes documentation, "Resource Management for Pods and Containers" (requests become CPU weights); Linux kernel
//! documentation, cgroup-v2, "cpu.weight". Choices: pods have what is allocatable less the requests of DaemonSets; the period.

use super::Kubernetes;
use super::nodes::NodeState;
use crate::sim::platform::control::{InstanceId, Order, Sight};

/// The least weight of a pod: one without a request has two shares of 1,024 for a core.
const LEAST_WEIGHT: u64 = 2;

/// A pod on a node, in thousandths of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    request: u64,
    limit: u64,
    /// The CPU that it could use now.
    demand: u64,
}

/// Shares the CPU of all nodes.
pub(super) fn share(platform: &mut Kubernetes, sight: &mut dyn Sight, orders: &mut Vec<Order>) {
    let mut nodes = platform.nodes.in_state(NodeState::Ready);
    nodes.extend(platform.nodes.in_state(NodeState::Draining));
    for node in nodes {
        if !platform.nodes.get(node).failed {
            share_node(platform, node, sight, orders);
        }
    }
}

/// Shares the CPU of one node.
pub(super) fn share_node(platform: &mut Kubernetes, node: u32, sight: &mut dyn Sight, orders: &mut Vec<Order>) {
    let capacity = platform.nodes.cpu_for_pods(node);
    let numbers = platform.nodes.pods(node);
    let mut pods: Vec<(InstanceId, Claim)> = Vec::new();
    for &number in &numbers {
        let Some(pod) = platform.pods.get(number).filter(|pod| !pod.lost) else {
            continue;
        };
        let workload = &platform.workloads[pod.id.service as usize];
        let claim = Claim {
            request: workload.cpu_request(),
            limit: workload.cpu_limit(),
            demand: 0,
        };
        pods.push((pod.id, claim));
    }
    let at_limits: u64 = pods.iter().map(|(_, claim)| claim.limit).sum();
    let shares = if at_limits <= capacity {
        pods.iter().map(|(_, claim)| claim.limit).collect()
    } else {
        for (id, claim) in &mut pods {
            claim.demand = sight.demand(*id);
        }
        let claims: Vec<Claim> = pods.iter().map(|(_, claim)| *claim).collect();
        fair(capacity, &claims)
    };
    for ((id, claim), share) in pods.into_iter().zip(shares) {
        let Some(pod) = platform.pods.get_mut(id.number) else {
            continue;
        };
        if pod.cpu_share.unwrap_or(claim.limit) != share {
            pod.cpu_share = Some(share);
            orders.push(Order::Limit {
                instance: id,
                cpu: share,
            });
        }
    }
}

/// The shares of `capacity`: first by weight up to what each could use, then the rest by weight up to the limits.
fn fair(capacity: u64, claims: &[Claim]) -> Vec<u64> {
    let mut shares = vec![0; claims.len()];
    let wanted: Vec<u64> = claims.iter().map(|claim| claim.demand.min(claim.limit)).collect();
    let left = fill(capacity, claims, &wanted, &mut shares);
    let limits: Vec<u64> = claims.iter().map(|claim| claim.limit).collect();
    fill(left, claims, &limits, &mut shares);
    shares
}

/// Adds `left` to shares by weight, up to `most` of each. Returns what nobody could take.
fn fill(mut left: u64, claims: &[Claim], most: &[u64], shares: &mut [u64]) -> u64 {
    loop {
        let hungry: Vec<usize> = (0..claims.len()).filter(|&i| shares[i] < most[i]).collect();
        let weights: u64 = hungry.iter().map(|&i| claims[i].request.max(LEAST_WEIGHT)).sum();
        if left == 0 || weights == 0 {
            return left;
        }
        let part = |i: usize| {
            (u128::from(left) * u128::from(claims[i].request.max(LEAST_WEIGHT)) / u128::from(weights)) as u64
        };
        // Those whose part is more than they can take get that, and the others share the rest in the next round.
        let full: Vec<usize> = hungry
            .iter()
            .copied()
            .filter(|&i| part(i) >= most[i] - shares[i])
            .collect();
        if full.is_empty() {
            let mut given = 0;
            for &i in &hungry {
                shares[i] += part(i);
                given += part(i);
            }
            // Less than a thousandth of a core for each is lost to rounding.
            return if given == 0 { 0 } else { left - given };
        }
        for i in full {
            left -= most[i] - shares[i];
            shares[i] = most[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claim(request: u64, limit: u64, demand: u64) -> Claim {
        Claim { request, limit, demand }
    }

    #[test]
    fn busy_pods_share_by_their_requests() {
        // Weights 1 to 3 on two cores.
        assert_eq!(
            fair(2_000, &[claim(250, 2_000, 2_000), claim(750, 2_000, 2_000)]),
            [500, 1_500]
        );
        // One that needs little leaves the rest to the other.
        assert_eq!(
            fair(2_000, &[claim(1_000, 2_000, 200), claim(1_000, 2_000, 2_000)]),
            [200, 1_800]
        );
        // A limit holds even if nobody else wants the CPU; what is left goes to whom may want it.
        assert_eq!(
            fair(2_000, &[claim(500, 1_000, 1_000), claim(500, 4_000, 0)]),
            [1_000, 1_000]
        );
        // Fourteen pods that burst to a core each on two cores: an equal part for each.
        let shares = fair(2_000, &[claim(100, 1_000, 1_000); 14]);
        assert!(shares.iter().all(|share| (142..=143).contains(share)), "{shares:?}");
    }

    proptest! {
        #[test]
        fn no_node_delivers_more_than_it_has(
            capacity in 1u64..64_000,
            claims in prop::collection::vec((0u64..4_000, 1u64..8_000, 0u64..10_000), 1..40),
        ) {
            let claims: Vec<Claim> = claims.into_iter().map(|(request, limit, demand)| claim(request, limit, demand)).collect();
            let shares = fair(capacity, &claims);
            let given: u64 = shares.iter().sum();
            prop_assert!(given <= capacity);
            prop_assert!(shares.iter().zip(&claims).all(|(share, claim)| *share <= claim.limit));
            // All of it is given away, but for rounding, as long as somebody could use it.
            let limits: u64 = claims.iter().map(|claim| claim.limit).sum();
            prop_assert!(given + 2 * claims.len() as u64 >= capacity.min(limits), "{given} of {capacity}");
            // Who wants more than it has does not have less per weight than one that has all it wants.
            for (a, share) in claims.iter().zip(&shares) {
                if *share < a.demand.min(a.limit) {
                    for (b, other) in claims.iter().zip(&shares) {
                        let weight = |claim: &Claim| claim.request.max(LEAST_WEIGHT) as f64;
                        prop_assert!(
                            *share as f64 / weight(a) + 2.0 >= (*other as f64 - 2.0) / weight(b) || *other <= b.demand.min(b.limit),
                            "{a:?} {share}, {b:?} {other}"
                        );
                    }
                }
            }
        }
    }
}
