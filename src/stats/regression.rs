//! A straight line through points, by least squares.

use super::interval::student_975;

/// The line `y = intercept + slope x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The growth of y per unit of x.
    pub slope: f64,
    /// The value at x = 0.
    pub intercept: f64,
    /// Half the width of the 95% interval of the slope, for independent errors of equal variance; `None` with fewer than
    /// three points.
    pub slope_half_width: Option<f64>,
}

impl Line {
    /// Returns the 95% interval of the slope.
    pub fn slope_interval(&self) -> Option<(f64, f64)> {
        self.slope_half_width.map(|half| (self.slope - half, self.slope + half))
    }

    /// Returns true if the 95% interval of the slope lies above 0.
    pub fn rises(&self) -> bool {
        self.slope_interval().is_some_and(|(low, _)| low > 0.0)
    }
}

/// Fits a line to `points` by least squares; `None` with fewer than two different values of x.
///
/// Source: Draper and Smith, Applied Regression Analysis (1998), sections 1.2 to 1.4.
pub fn line(points: &[(f64, f64)]) -> Option<Line> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sxx: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    if points.len() < 2 || sxx <= 0.0 {
        return None;
    }
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / sxx;
    let intercept = y - slope * x;
    let residuals: f64 = points.iter().map(|p| (p.1 - intercept - slope * p.0).powi(2)).sum();
    let slope_half_width = (points.len() > 2).then(|| {
        let error = (residuals / (n - 2.0) / sxx).sqrt();
        student_975(points.len() - 2) * error
    });
    Some(Line {
        slope,
        intercept,
        slope_half_width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_line_is_found_without_doubt() {
        let points: Vec<(f64, f64)> = (0..5).map(|x| (f64::from(x), 3.0 + 2.0 * f64::from(x))).collect();
        let line = line(&points).unwrap();
        assert!((line.slope - 2.0).abs() < 1e-12 && (line.intercept - 3.0).abs() < 1e-12);
        assert!(line.slope_half_width.unwrap() < 1e-12 && line.rises());
    }

    /// Five points with the slope, its standard error and t = 3.182 worked out by hand.
    #[test]
    fn the_interval_is_the_textbook_one() {
        let points = [(1.0, 2.0), (2.0, 4.0), (3.0, 5.0), (4.0, 4.0), (5.0, 5.0)];
        let line = line(&points).unwrap();
        assert!((line.slope - 0.6).abs() < 1e-12 && (line.intercept - 2.2).abs() < 1e-12);
        // Residual sum of squares 2.4, hence s^2 = 0.8 and a standard error of sqrt(0.8 / 10).
        let half = line.slope_half_width.unwrap();
        assert!((half - 3.182 * 0.08_f64.sqrt()).abs() < 1e-3, "{half}");
        assert!(!line.rises());
    }

    #[test]
    fn too_few_points_give_less() {
        assert_eq!(line(&[(1.0, 1.0)]), None);
        assert_eq!(line(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(line(&[(0.0, 1.0), (1.0, 2.0)]).unwrap().slope_half_width, None);
    }
}
