//! Confidence intervals of a mean over independent replications.

/// A mean with its 95% confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The mean over the replications.
    pub mean: f64,
    /// The lower and upper end of the interval; `None` with one replication.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// Returns half the width of the interval; `None` with one replication.
    pub fn half_width(&self) -> Option<f64> {
        self.interval.map(|(low, high)| (high - low) / 2.0)
    }

    /// Returns true if the interval holds `value`; false with one replication.
    pub fn contains(&self, value: f64) -> bool {
        self.interval.is_some_and(|(low, high)| low <= value && value <= high)
    }
}

/// Returns the mean of independent values with its 95% interval by Student's t; `None` if there are no values or one of
/// them is not finite.
///
/// Source: Law, Simulation Modeling and Analysis, section 4.5.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    estimate_at_looks(values, 1)
}

/// Returns the same for values that are looked at up to `looks` times, which stop when one look shows what is wanted. Each look has
/// an interval of 1 - 5%/looks, so that all of them hold the mean together with 95%, whenever they stop.
///
/// Source: the inequality of Bonferroni; see Law, Simulation Modeling and Analysis, section 9.7.
pub fn estimate_at_looks(values: &[f64], looks: u32) -> Option<Estimate> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let interval = (values.len() > 1).then(|| {
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let t = match looks {
            1 => student_975(values.len() - 1),
            _ => student(
                values.len() - 1,
                super::normal::quantile(1.0 - 0.025 / f64::from(looks)),
            ),
        };
        let half = t * (variance / n).sqrt();
        (mean - half, mean + half)
    });
    Some(Estimate { mean, interval })
}

/// Returns the 97.5% point of Student's t with `df` degrees of freedom.
///
/// Exact to four digits: a table for 1 to 10, and above that the expansion of Fisher and Cornish (Abramowitz and Stegun
/// 26.7.5).
pub fn student_975(df: usize) -> f64 {
    const TABLE: [f64; 10] = [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    ];
    if let Some(value) = df.checked_sub(1).and_then(|i| TABLE.get(i)) {
        return *value;
    }
    student(df, 1.959_963_984_540_054)
}

/// Returns the point of Student's t with `df` degrees of freedom whose probability is that of the normal point `z`, within 1% for `df`
/// of 9 and more and probabilities up to 0.999, by the expansion of Fisher and Cornish (Abramowitz and Stegun 26.7.5).
fn student(df: usize, z: f64) -> f64 {
    let n = df as f64;
    z + (z.powi(3) + z) / (4.0 * n)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n)
        + (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / (384.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_matches_the_tables() {
        for (df, t) in [
            (1, 12.7062),
            (10, 2.2281),
            (11, 2.2010),
            (19, 2.0930),
            (30, 2.0423),
            (120, 1.9799),
        ] {
            assert!((student_975(df) - t).abs() < 2e-4, "{df}: {}", student_975(df));
        }
    }

    #[test]
    fn more_looks_make_each_interval_wider() {
        // t(19) at 0.975 is 2.0930, at 1 - 0.025 / 5 = 0.995 it is 2.8609.
        let t = student(19, crate::stats::normal::quantile(0.995));
        assert!((t - 2.8609).abs() < 2e-3, "{t}");
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        let half = |looks| estimate_at_looks(&values, looks).unwrap().half_width().unwrap();
        assert!((half(5) / half(1) - 2.8609 / 2.0930).abs() < 1e-3);
        assert_eq!(estimate_at_looks(&values, 1), estimate(&values));
    }

    #[test]
    fn an_interval_needs_two_values_and_unknown_stays_unknown() {
        assert_eq!(estimate(&[]), None);
        assert_eq!(estimate(&[1.0, f64::NAN]), None);
        assert_eq!(estimate(&[2.0]).unwrap().interval, None);
        let e = estimate(&[1.0, 2.0, 3.0]).unwrap();
        assert!((e.mean - 2.0).abs() < 1e-12);
        // s = 1, t(2) = 4.3027, half width = 4.3027 / sqrt(3).
        assert!((e.half_width().unwrap() - 2.4842).abs() < 1e-3);
        assert!(e.contains(2.0) && !e.contains(4.6));
    }
}
