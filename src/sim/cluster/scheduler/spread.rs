//! PodTopologySpread with the constraints that hold where a pod has none of its own: over hosts with a skew of 3, over zones
//! with one of 5, both as a wish.

use super::MOST;

/// `maxSkew` over hosts and zones. Source: plugin PodTopologySpread, system defaults.
pub(super) const SKEWS: [u32; 2] = [3, 5];

/// Pods of the group in the domains of a node, weighted: the raw score, of which less is better. `domains` is the number of
/// hosts and of zones.
pub(super) fn raw(matching: [u32; 2], domains: [usize; 2]) -> i64 {
    let mut sum = 0.0;
    for i in 0..2 {
        let weight = ((domains[i] + 2) as f64).ln();
        sum += f64::from(matching[i]) * weight + f64::from(SKEWS[i] - 1);
    }
    sum.round() as i64
}

/// Turns raw scores into scores, those of all nodes that are looked at together.
pub fn spread(raw: &mut [i64]) {
    let least = raw.iter().copied().min().unwrap_or(0);
    let most = raw.iter().copied().max().unwrap_or(0);
    for score in raw {
        *score = if most == 0 {
            MOST
        } else {
            MOST * (most + least - *score) / most
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three hosts in two zones with 2, 1 and 0 pods of the group: ln 5 for each on the host and ln 4 for each in its zone,
    /// and 2 + 4.
    #[test]
    fn hosts_and_zones_with_fewer_pods_are_better() {
        let domains = [3, 2];
        let mut scores = [raw([2, 3], domains), raw([1, 3], domains), raw([0, 0], domains)];
        assert_eq!(scores, [13, 12, 6]);
        spread(&mut scores);
        assert_eq!(scores, [46, 53, 100]);
    }
}
