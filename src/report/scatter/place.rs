//! Places for labels that cover nothing else.

use plotters::style::text_anchor::{HPos, VPos};

use super::{LETTERS, RADIUS};

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

impl Frame {
    /// The rectangle of a line and `margin` pixels around it.
    pub(super) fn around(a: (i32, i32), b: (i32, i32), margin: i32) -> Self {
        Self {
            left: a.0.min(b.0) - margin,
            right: a.0.max(b.0) + margin,
            top: a.1.min(b.1) - margin,
            bottom: a.1.max(b.1) + margin,
        }
    }

    /// About the rectangle of a text. A letter of the usual fonts is less than 0.6 as wide as high.
    pub(super) fn of_text(text: &str, at: (i32, i32), across: HPos, down: VPos) -> Self {
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

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    pub(super) fn holds(&self, other: &Self) -> bool {
        self.left <= other.left && other.right <= self.right && self.top <= other.top && other.bottom <= self.bottom
    }
}

/// A place for a label.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) at: (i32, i32),
    pub(super) across: HPos,
    pub(super) down: VPos,
    pub(super) frame: Frame,
}

impl Place {
    /// The first place near `centre` that is free and inside the plot; the first of all if there is none.
    pub(super) fn free(label: &str, centre: (i32, i32), taken: &[Frame], inside: Frame) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
