//! NodeResourcesFit with LeastAllocated or MostAllocated. All divisions are of whole numbers.

use super::MOST;

/// A resource of a node, the pod that is to be placed counted in. Resources that a node does not have, and extended ones
/// that the pod does not ask for, are left out by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Resources for pods.
    pub allocatable: u64,
    /// Requests of pods.
    pub requested: u64,
    /// Weight among the resources.
    pub weight: u64,
}

fn mean(shares: &[Share], score: impl Fn(&Share) -> u64) -> i64 {
    let mut sum = 0;
    let mut weights = 0;
    for share in shares.iter().filter(|share| share.allocatable > 0) {
        sum += score(share) * share.weight;
        weights += share.weight;
    }
    sum.checked_div(weights).unwrap_or(0) as i64
}

fn part(of: u64, all: u64) -> u64 {
    (u128::from(of) * MOST as u128 / u128::from(all)) as u64
}

/// The more is left, the better.
pub fn least_allocated(shares: &[Share]) -> i64 {
    mean(shares, |share| {
        part(share.allocatable.saturating_sub(share.requested), share.allocatable)
    })
}

/// The less is left, the better.
pub fn most_allocated(shares: &[Share]) -> i64 {
    mean(shares, |share| {
        part(share.requested.min(share.allocatable), share.allocatable)
    })
}
