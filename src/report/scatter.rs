//! A scatter of variants as SVG: a marker and a cross of 95% intervals for each, and the line that the SLO draws.
//!
//! Labels stand beside their markers. Each takes the first free place among eight, so that none covers another label, a marker
//! or an interval.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height of the picture, in pixels.
const SIZE: (u32, u32) = (860, 480);
/// Size of the letters, in pixels.
const LETTERS: f64 = 15.0;
/// Radius of a marker, in pixels.
const RADIUS: i32 = 6;
/// The colours of Okabe and Ito, which people with colour blindness can tell apart; used in turn.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(90, 90, 90),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(95, 95, 95);
const GRID: RGBColor = RGBColor(225, 225, 225);
const SLO: RGBColor = RGBColor(176, 0, 32);

/// A picture to draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scatter {
    /// The line above the picture.
    pub title: String,
    /// How to read it, in smaller letters below the title.
    pub note: String,
    /// Name and unit of the horizontal axis.
    pub x_axis: String,
    /// Name and unit of the vertical axis.
    pub y_axis: String,
    /// The markers, in the order of their colours.
    pub points: Vec<Point>,
    /// A horizontal line and its label.
    pub line: Option<(f64, String)>,
}

/// One marker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// The name beside it.
    pub label: String,
    /// Horizontal value.
    pub x: Extent,
    /// Vertical value.
    pub y: Extent,
    /// True if the marker is filled, false if it is hollow.
    pub filled: bool,
}

/// A value with its interval; both ends are the value itself where no interval is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    /// Lower end.
    pub low: f64,
    /// The value.
    pub value: f64,
    /// Upper end.
    pub high: f64,
}

/// Draws the picture; `None` if it has no point.
pub(super) fn svg(scatter: &Scatter) -> Option<String> {
    if scatter.points.is_empty() {
        return None;
    }
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    // Writing into a string cannot fail.
    draw(&root, scatter).unwrap_or_else(|error| panic!("a picture: {error}"));
    drop(root);
    text.push('\n');
    Some(text)
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn draw(root: &DrawingArea<SVGBackend<'_>, Shift>, scatter: &Scatter) -> Outcome {
    root.fill(&WHITE)?;
    let line = scatter.line.iter().map(|(value, _)| *value);
    let x = Axis::over(scatter.points.iter().map(|point| point.x), 0.10);
    let y = Axis::over(
        scatter
            .points
            .iter()
            .map(|point| point.y)
            .chain(line.map(Extent::exact)),
        0.08,
    );
    let mut chart = ChartBuilder::on(root)
        .margin(14)
        .margin_top(66)
        .margin_right(28)
        .x_label_area_size(52)
        .y_label_area_size(78)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(font(0.93).color(&INK))
        .axis_desc_style(font(1.0).color(&INK))
        .x_desc(x.titled(&scatter.x_axis))
        .y_desc(y.titled(&scatter.y_axis))
        .x_label_formatter(&|value| x.label(*value))
        .y_label_formatter(&|value| y.label(*value))
        .draw()?;

    root.draw_text(&scatter.title, &font(1.2).color(&INK), (20, 14))?;
    root.draw_text(&scatter.note, &font(0.9).color(&FAINT), (20, 38))?;

    let area = chart.plotting_area();
    let at = |x: f64, y: f64| area.map_coordinate(&(x, y));
    let (across, down) = area.get_pixel_range();
    let mut taken: Vec<Frame> = Vec::new();
    if let Some((value, label)) = &scatter.line {
        let (_, height) = at(x.low, *value);
        for from in (across.start..across.end).step_by(10) {
            let dash = [(from, height), ((from + 6).min(across.end), height)];
            root.draw(&PathElement::new(dash, SLO.stroke_width(2)))?;
        }
        taken.push(Frame::around((across.start, height), (across.end, height), 2));
        let frame = Frame::of_text(label, (across.end - 6, height - 5), HPos::Right, VPos::Bottom);
        root.draw_text(
            label,
            &anchored(&SLO, HPos::Right, VPos::Bottom),
            (across.end - 6, height - 5),
        )?;
        taken.push(frame);
    }
    for point in &scatter.points {
        let (x, y) = (point.x, point.y);
        taken.push(Frame::around(at(x.low, y.value), at(x.high, y.value), RADIUS));
        taken.push(Frame::around(at(x.value, y.low), at(x.value, y.high), RADIUS));
    }
    let inside = Frame {
        left: across.start,
        right: across.end,
        top: down.start,
        bottom: down.end,
    };
    for (point, colour) in scatter.points.iter().zip(COLOURS.iter().cycle()) {
        let (x, y) = (point.x, point.y);
        bar(root, at(x.low, y.value), at(x.high, y.value), *colour)?;
        bar(root, at(x.value, y.low), at(x.value, y.high), *colour)?;
        let centre = at(x.value, y.value);
        let fill = if point.filled { colour } else { &WHITE };
        root.draw(&Circle::new(centre, RADIUS, fill.filled()))?;
        root.draw(&Circle::new(centre, RADIUS, colour.stroke_width(2)))?;
        let place = Place::free(&point.label, centre, &taken, inside);
        root.draw_text(
            &point.label,
            &anchored(&darker(*colour), place.across, place.down),
            place.at,
        )?;
        taken.push(place.frame);
    }
    Ok(())
}

/// A line with a short stroke across each end; nothing where it would be hidden by the marker.
fn bar(root: &DrawingArea<SVGBackend<'_>, Shift>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Outcome {
    let level = from.1 == to.1;
    if (to.0 - from.0).abs().max((to.1 - from.1).abs()) <= RADIUS * 2 {
        return Ok(());
    }
    root.draw(&PathElement::new([from, to], colour.stroke_width(2)))?;
    for (x, y) in [from, to] {
        let end = if level {
            [(x, y - 5), (x, y + 5)]
        } else {
            [(x - 5, y), (x + 5, y)]
        };
        root.draw(&PathElement::new(end, colour.stroke_width(2)))?;
    }
    Ok(())
}

fn font(times: f64) -> FontDesc<'static> {
    ("sans-serif", LETTERS * times).into_font()
}

fn anchored(colour: &RGBColor, across: HPos, down: VPos) -> TextStyle<'static> {
    font(1.0).color(colour).pos(Pos::new(across, down))
}

/// A colour for letters, which need more contrast to white than a marker does.
fn darker(colour: RGBColor) -> RGBColor {
    let part = |share: u8| (u16::from(share) * 3 / 4) as u8;
    RGBColor(part(colour.0), part(colour.1), part(colour.2))
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

impl Frame {
    /// The rectangle of a line and `margin` pixels around it.
    fn around(a: (i32, i32), b: (i32, i32), margin: i32) -> Self {
        Self {
            left: a.0.min(b.0) - margin,
            right: a.0.max(b.0) + margin,
            top: a.1.min(b.1) - margin,
            bottom: a.1.max(b.1) + margin,
        }
    }

    /// About the rectangle of a text. A letter of the usual fonts is less than 0.6 as wide as high.
    fn of_text(text: &str, at: (i32, i32), across: HPos, down: VPos) -> Self {
        let width = (text.chars().count() as f64 * LETTERS * 0.6).ceil() as i32;
        let height = LETTERS as i32;
        let left = match across {
            HPos::Left => at.0,
            HPos::Center => at.0 - width / 2,
            HPos::Right => at.0 - width,
        };
        let top = match down {
            VPos::Top => at.1,
            VPos::Center => at.1 - height / 2,
            VPos::Bottom => at.1 - height,
        };
        Self {
            left,
            right: left + width,
            top,
            bottom: top + height,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn holds(&self, other: &Self) -> bool {
        self.left <= other.left && other.right <= self.right && self.top <= other.top && other.bottom <= self.bottom
    }
}

/// A place for a label.
#[derive(Clone, Copy)]
struct Place {
    at: (i32, i32),
    across: HPos,
    down: VPos,
    frame: Frame,
}

impl Place {
    /// The first place near `centre` that is free and inside the plot; the first of all if there is none.
    fn free(label: &str, centre: (i32, i32), taken: &[Frame], inside: Frame) -> Self {
        let mut places = (1..=6).flat_map(|ring| {
            let far = RADIUS + 5 * ring;
            [
                (far, 0, HPos::Left, VPos::Center),
                (-far, 0, HPos::Right, VPos::Center),
                (0, -far, HPos::Center, VPos::Bottom),
                (0, far, HPos::Center, VPos::Top),
                (far, -far, HPos::Left, VPos::Bottom),
                (far, far, HPos::Left, VPos::Top),
                (-far, -far, HPos::Right, VPos::Bottom),
                (-far, far, HPos::Right, VPos::Top),
            ]
        });
        let place = |(right, below, across, down): (i32, i32, HPos, VPos)| {
            let at = (centre.0 + right, centre.1 + below);
            let frame = Frame::of_text(label, at, across, down);
            Self {
                at,
                across,
                down,
                frame,
            }
        };
        let first = (RADIUS + 5, 0, HPos::Left, VPos::Center);
        let free = |place: &Self| inside.holds(&place.frame) && !taken.iter().any(|frame| frame.overlaps(&place.frame));
        places.by_ref().map(place).find(free).unwrap_or_else(|| place(first))
    }
}

impl Extent {
    /// A value without an interval.
    pub(super) fn exact(value: f64) -> Self {
        Self {
            low: value,
            value,
            high: value,
        }
    }
}

/// A scale with ticks at round values: linear from zero, or by powers of ten where values are far apart.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    /// The scale that shows all of `extents`, with `margin` of its length left free above.
    fn over(extents: impl Iterator<Item = Extent>, margin: f64) -> Self {
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
    fn titled(self, name: &str) -> String {
        let scale = if self.logarithmic { " (log scale)" } else { "" };
        format!("{name}{scale}")
    }

    /// Round values within the scale: 1, 2 and 5 times a power of ten.
    fn ticks(self) -> Vec<f64> {
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
    fn label(self, value: f64) -> String {
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

    fn crowd(count: usize) -> Scatter {
        let point = |i: usize| Point {
            label: format!("framework {i}"),
            x: Extent::exact(30.0 + (i * 7 % 17) as f64),
            y: Extent {
                low: 200.0 + (i * 5 % 17) as f64 * 60.0,
                value: 220.0 + (i * 5 % 17) as f64 * 60.0,
                high: 240.0 + (i * 5 % 17) as f64 * 60.0,
            },
            filled: true,
        };
        Scatter {
            title: "a <crowd>".to_string(),
            note: String::new(),
            x_axis: "cost".to_string(),
            y_axis: "latency".to_string(),
            points: (0..count).map(point).collect(),
            line: Some((1000.0, "SLO".to_string())),
        }
    }

    #[test]
    fn the_same_points_give_the_same_bytes() {
        assert_eq!(svg(&crowd(17)), svg(&crowd(17)));
        assert_eq!(svg(&crowd(0)), None);
        let text = svg(&crowd(1)).unwrap();
        assert!(
            text.contains("a &lt;crowd&gt;") && text.contains("framework 0"),
            "{text}"
        );
    }

    #[test]
    fn a_label_covers_nothing_that_is_there() {
        let inside = Frame {
            left: 0,
            right: 400,
            top: 0,
            bottom: 400,
        };
        // Markers in a row, closer to each other than their labels are wide.
        let markers: Vec<(i32, i32)> = (0..6).map(|i| (100 + 20 * i, 200)).collect();
        let mut taken: Vec<Frame> = markers.iter().map(|at| Frame::around(*at, *at, RADIUS)).collect();
        for centre in markers {
            let place = Place::free("spring-boot", centre, &taken, inside);
            assert!(inside.holds(&place.frame), "{:?}", place.frame);
            assert!(
                !taken.iter().any(|frame| frame.overlaps(&place.frame)),
                "{:?}",
                place.frame
            );
            taken.push(place.frame);
        }
    }

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
