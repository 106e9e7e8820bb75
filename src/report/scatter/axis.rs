//! A scale with round ticks.

use std::fmt::Write as _;

use plotters::coord::ranged1d::{KeyPointHint, Ranged, ValueFormatter};

use super::Extent;

/// A scale with ticks at round values: linear from zero, or by powers of ten where values are far apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) logarithmic: bool,
}

impl Axis {
    /// The scale that shows all of `extents`, with `margin` of its length left free above.
    pub(super) fn over(extents: impl Iterator<Item = Extent>, margin: f64) -> Self {
        let (low, high) = extents.fold((f64::MAX, f64::MIN), |(low, high), extent| {
            (low.min(extent.low), high.max(extent.high))
        });
        let logarithmic = low > 0.0 && high / low > 8.0;
        if logarithmic {
            let beyond = (high / low).powf(margin);
            return Self {
                low: low / beyond,
                high: high * beyond * beyond,
                logarithmic,
            };
        }
        let high = if high > 0.0 { high } else { 1.0 };
        Self {
            low: low.min(0.0),
            high: high + (high - low.min(0.0)) * margin * 1.6,
            logarithmic,
        }
    }

    /// The name of the axis, which says so if it is logarithmic.
    pub(super) fn titled(self, name: &str) -> String {
        let scale = if self.logarithmic { " (log scale)" } else { "" };
        format!("{name}{scale}")
    }

    /// Round values within the scale: 1, 2 and 5 times a power of ten.
    pub(super) fn ticks(self) -> Vec<f64> {
        if self.logarithmic {
            let first = self.low.log10().floor() as i32;
            let last = self.high.log10().ceil() as i32;
            let all = (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power)));
            return all.filter(|tick| (self.low..=self.high).contains(tick)).collect();
        }
        let rough = (self.high - self.low) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|count| count as f64 * step).collect()
    }

    /// A tick as text, with thousands apart.
    pub(super) fn label(self, value: f64) -> String {
        let rounded = format!("{value:.4}");
        let rounded = rounded.trim_end_matches('0').trim_end_matches('.');
        let (whole, rest) = rounded.split_once('.').unwrap_or((rounded, ""));
        let mut text = String::new();
        for (position, digit) in whole.chars().enumerate() {
            if position > 0 && (whole.len() - position).is_multiple_of(3) && whole.as_bytes()[position - 1] != b'-' {
                text.push(',');
            }
            text.push(digit);
        }
        if !rest.is_empty() {
            let _ = write!(text, ".{rest}");
        }
        text
    }
}

impl Ranged for Axis {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_an_axis_of_far_apart_values_is_logarithmic() {
        let over = |values: [f64; 2]| Axis::over(values.into_iter().map(Extent::exact), 0.1);
        let near = over([5.2, 6.1]);
        assert_eq!(near.ticks().first(), Some(&0.0));
        assert!(
            near.ticks().iter().all(|tick| (tick * 2.0).fract() == 0.0),
            "{:?}",
            near.ticks()
        );
        let far = over([250.0, 5100.0]);
        assert!(far.logarithmic);
        assert_eq!(far.ticks(), [200.0, 500.0, 1000.0, 2000.0, 5000.0]);
        assert_eq!(far.label(1000.0), "1,000");
        assert_eq!(far.label(0.5), "0.5");
    }
}
