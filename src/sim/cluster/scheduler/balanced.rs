//! NodeResourcesBalancedAllocation: the more alike the shares of a node's resources that are asked for, the better.

use super::MOST;
use super::allocated::Share;

/// Population standard deviation of the requested fractions, each at most 1.
fn deviation(shares: &[Share]) -> f64 {
    let fractions = || {
        let known = shares.iter().filter(|share| share.allocatable > 0);
        known.map(|share| (share.requested as f64 / share.allocatable as f64).min(1.0))
    };
    let count = fractions().count();
    if count == 2 {
        let mut two = fractions();
        let (a, b) = (two.next().unwrap_or(0.0), two.next().unwrap_or(0.0));
        return (a - b).abs() / 2.0;
    }
    if count < 2 {
        return 0.0;
    }
    let mean = fractions().sum::<f64>() / count as f64;
    let variance = fractions().map(|fraction| (fraction - mean).powi(2)).sum::<f64>() / count as f64;
    variance.sqrt()
}

/// The score up to release 1.35, with the pod counted in.
pub fn balanced(shares: &[Share]) -> i64 {
    ((1.0 - deviation(shares)) * MOST as f64) as i64
}

/// The score from release 1.36 on: by how much the pod changes the balance. Approximate: read from the description of pull
/// request 135573, whose rounding was not seen. `before` is without the pod.
pub fn balanced_change(before: &[Share], after: &[Share]) -> i64 {
    (75.0 + 50.0 * (deviation(before) - deviation(after))) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(requested: [u64; 2]) -> [Share; 2] {
        requested.map(|requested| Share {
            allocatable: 100,
            requested,
            weight: 1,
        })
    }

    #[test]
    fn a_pod_that_changes_nothing_gets_three_quarters() {
        assert_eq!(balanced_change(&shares([10, 10]), &shares([30, 30])), 75);
        assert_eq!(balanced_change(&shares([0, 0]), &shares([100, 0])), 50);
        assert_eq!(balanced_change(&shares([100, 0]), &shares([100, 100])), 100);
        assert_eq!(balanced(&shares([200, 100])), 100);
    }
}
