//! NodeResourcesFit with RequestedToCapacityRatio: a score by utilisation, along straight lines between given points.

use super::allocated::Share;

/// A point of the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Percent of what a node has.
    pub utilisation: i64,
    /// Score there: ten times what the API takes.
    pub score: i64,
}

/// The score at a utilisation, cut to a whole number on each line; beyond the ends it is that of the end. Points are in
/// order of utilisation.
pub fn piecewise(shape: &[Point], utilisation: i64) -> i64 {
    let after = shape.partition_point(|point| point.utilisation < utilisation);
    match (after.checked_sub(1).map(|before| shape[before]), shape.get(after)) {
        (Some(before), Some(next)) => {
            let width = next.utilisation - before.utilisation;
            before.score + (next.score - before.score) * (utilisation - before.utilisation) / width
        }
        (None, Some(first)) => first.score,
        (Some(last), None) => last.score,
        (None, None) => 0,
    }
}

/// The weighted mean over resources whose score is above 0, rounded half away from zero.
pub fn requested_to_capacity(shares: &[Share], shape: &[Point]) -> i64 {
    let (mut sum, mut weights) = (0, 0);
    for share in shares {
        let utilisation = if share.allocatable == 0 || share.requested > share.allocatable {
            100
        } else {
            (u128::from(share.requested) * 100 / u128::from(share.allocatable)) as i64
        };
        let score = piecewise(shape, utilisation);
        if score > 0 {
            sum += score * share.weight as i64;
            weights += share.weight as i64;
        }
    }
    if weights == 0 {
        0
    } else {
        (2 * sum + weights) / (2 * weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up_and_what_is_too_much_counts_as_full() {
        let shape = [(0, 0), (100, 100)].map(|(utilisation, score)| Point { utilisation, score });
        let share = |requested, weight| Share {
            allocatable: 1_000,
            requested,
            weight,
        };
        assert_eq!(requested_to_capacity(&[share(500, 1), share(510, 1)], &shape), 51);
        assert_eq!(requested_to_capacity(&[share(500, 3), share(510, 1)], &shape), 50);
        assert_eq!(requested_to_capacity(&[share(2_000, 1)], &shape), 100);
        // A resource that scores nothing does not count.
        assert_eq!(requested_to_capacity(&[share(0, 9), share(400, 1)], &shape), 40);
        assert_eq!(requested_to_capacity(&[], &shape), 0);
    }
}
