//! The law `y = a + b / x` with `a` and `b` at least 0, such as a time with a fixed part and a part that shrinks with the
//! CPU limit `x`.

/// The law `y = fixed + shared / x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reciprocal {
    /// The part that does not depend on `x`, at least 0.
    pub fixed: f64,
    /// The value at `x = 1` of the part that halves when `x` doubles, at least 0.
    pub shared: f64,
}

impl Reciprocal {
    /// Fits the law to points `(x, y)` by least squares on relative errors. Two points are met exactly unless a part would
    /// be negative. `None` without two different `x`, with an `x` that is not above 0, or with a `y` below 0.
    ///
    /// Errors are relative because the noise of a time is about proportional to it, and because the values that are scaled
    /// by the law have the same relative error as the law. A `y` of 0 counts as a thousandth of the largest.
    ///
    /// Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23: with two unknowns the best
    /// non-negative pair is the best of all, or the better of those in which one of the two is 0.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let usable = |&(x, y): &(f64, f64)| x.is_finite() && x > 0.0 && y.is_finite() && y >= 0.0;
        let &(first, _) = points.first()?;
        if !points.iter().all(usable) || points.iter().all(|&(x, _)| x == first) {
            return None;
        }
        let largest = points.iter().map(|&(_, y)| y).fold(0.0, f64::max);
        if largest == 0.0 {
            let (fixed, shared) = (0.0, 0.0);
            return Some(Self { fixed, shared });
        }
        // Divided by its y, each point says `1 = fixed u + shared v`, or 0 instead of 1 where y is 0.
        let rows: Vec<(f64, f64, f64)> = points
            .iter()
            .map(|&(x, y)| {
                let scale = y.max(largest / 1000.0);
                (1.0 / scale, 1.0 / (x * scale), y / scale)
            })
            .collect();
        let sum = |of: fn(&(f64, f64, f64)) -> f64| rows.iter().map(of).sum::<f64>();
        let (uu, uv, vv) = (sum(|r| r.0 * r.0), sum(|r| r.0 * r.1), sum(|r| r.1 * r.1));
        let (uy, vy) = (sum(|r| r.0 * r.2), sum(|r| r.1 * r.2));
        let determinant = uu * vv - uv * uv;
        let best = Self {
            fixed: (uy * vv - vy * uv) / determinant,
            shared: (vy * uu - uy * uv) / determinant,
        };
        if best.fixed >= 0.0 && best.shared >= 0.0 {
            return Some(best);
        }
        let error = |law: &Self| -> f64 {
            let each = rows.iter().map(|r| law.fixed * r.0 + law.shared * r.1 - r.2);
            each.map(|e| e * e).sum()
        };
        let constant = Self {
            fixed: uy / uu,
            shared: 0.0,
        };
        let proportional = Self {
            fixed: 0.0,
            shared: vy / vv,
        };
        Some(if error(&constant) <= error(&proportional) {
            constant
        } else {
            proportional
        })
    }

    /// Returns the value of the law at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.fixed + self.shared / x
    }

    /// Returns the factor by which a value at `from` becomes a value at `to`; 1 if the law is 0 at `from`.
    pub fn factor(&self, from: f64, to: f64) -> f64 {
        let (from, to) = (self.at(from), self.at(to));
        if from > 0.0 { to / from } else { 1.0 }
    }

    /// Returns the largest distance of the law from a point, as a share of the y of the point. Points with a y of 0 do not
    /// count.
    pub fn worst_miss(&self, points: &[(f64, f64)]) -> f64 {
        let counted = points.iter().filter(|(_, y)| *y > 0.0);
        counted.map(|&(x, y)| (self.at(x) / y - 1.0).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * (1.0 + b.abs())
    }

    #[test]
    fn an_exact_law_is_found_again() {
        for (fixed, shared) in [(230.0, 110.0), (0.0, 4000.0), (6.0, 0.0), (1e-3, 2e-4)] {
            let points = [0.25, 0.5, 1.0, 2.0].map(|x| (x, fixed + shared / x));
            let law = Reciprocal::fit(&points).unwrap();
            assert!(close(law.fixed, fixed) && close(law.shared, shared), "{law:?}");
            assert!(law.worst_miss(&points) < 1e-9);
            assert!(close(
                law.factor(2.0, 0.5),
                (fixed + 2.0 * shared) / (fixed + shared / 2.0)
            ));
        }
    }

    #[test]
    fn two_points_are_met() {
        let points = [(0.5, 9.0), (1.0, 5.0)];
        let law = Reciprocal::fit(&points).unwrap();
        assert!(close(law.fixed, 1.0) && close(law.shared, 4.0), "{law:?}");
        // Three quarters: 1 + 4 / 0.75.
        assert!(close(law.at(0.75), 1.0 + 16.0 / 3.0));
    }

    /// Both by hand. More than proportional: only `b / x` is left, with rows `1 = b / 2` and `1 = b 2 / 5`, so that
    /// b = (1/2 + 2/5) / (1/4 + 4/25). Rising: only a constant, with a = (1 + 1/2) / (1 + 1/4).
    #[test]
    fn no_part_is_ever_negative() {
        let steep = [(1.0, 2.0), (0.5, 5.0)];
        let law = Reciprocal::fit(&steep).unwrap();
        assert!(
            close(law.fixed, 0.0) && close(law.shared, (0.5 + 0.4) / (0.25 + 0.16)),
            "{law:?}"
        );
        let rises = [(0.5, 1.0), (1.0, 2.0)];
        let law = Reciprocal::fit(&rises).unwrap();
        assert!(close(law.fixed, 1.5 / 1.25) && law.shared == 0.0, "{law:?}");
        // 1.2 is 20% above 1, and 40% below 2.
        assert!(close(law.worst_miss(&rises), 0.4));
    }

    #[test]
    fn small_values_count_as_much_as_large_ones() {
        // Errors of 10% up and down at both ends. Least squares on absolute errors would follow the first and miss the third
        // by a fifth.
        let points = [(0.1, 1100.0), (0.2, 450.0), (1.0, 90.0), (2.0, 55.0)];
        let law = Reciprocal::fit(&points).unwrap();
        assert!(law.worst_miss(&points) < 0.15, "{law:?}");
    }

    #[test]
    fn points_without_a_law() {
        assert_eq!(Reciprocal::fit(&[]), None);
        assert_eq!(Reciprocal::fit(&[(1.0, 2.0)]), None);
        assert_eq!(Reciprocal::fit(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(Reciprocal::fit(&[(0.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(Reciprocal::fit(&[(0.5, -2.0), (1.0, 3.0)]), None);
        let nothing = Reciprocal::fit(&[(0.5, 0.0), (1.0, 0.0)]).unwrap();
        assert_eq!((nothing.at(3.0), nothing.factor(1.0, 3.0)), (0.0, 1.0));
    }
}
