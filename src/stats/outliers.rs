//! Outliers: values far from the others. They are labelled and never deleted, because the tail is part of the answer.

use super::order;

/// Returns the positions of outliers: values further from the median than ten scaled median absolute deviations.
///
/// Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), with the threshold that hyperfine uses.
pub fn positions(values: &[f64]) -> Vec<usize> {
    let Some(median) = order::median(&order::sorted(values.iter().copied())) else {
        return Vec::new();
    };
    let deviations = order::sorted(values.iter().map(|value| (value - median).abs()));
    let scale = 1.4826 * order::median(&deviations).unwrap_or(0.0);
    let far = |value: f64| scale > 0.0 && (value - median).abs() > 10.0 * scale;
    (0..values.len()).filter(|&i| far(values[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_values_are_found_on_both_sides() {
        let mut totals: Vec<f64> = (0..20).map(|i| 100.0 + f64::from(i % 5)).collect();
        assert!(positions(&totals).is_empty());
        totals[0] = 300.0;
        totals[7] = 20.0;
        assert_eq!(positions(&totals), [0, 7]);
        assert!(positions(&[]).is_empty() && positions(&[1.0, 1.0, 9.0]).is_empty());
    }
}
