//! A scatter of variants as SVG: a marker and a cross of 95% intervals for each, and the line that the SLO draws.
//!
//! Labels stand beside their markers. Each takes the first free place among eight, so that none covers another label, a marker
//! or an interval.

mod axis;
mod place;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use axis::Axis;
use place::{Frame, Place};

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
}
