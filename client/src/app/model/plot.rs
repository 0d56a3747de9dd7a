//! Where a value stands on the canvas of a chart, and which value stands where.
//!
//! Not here: drawing (the view), and the ends of the axes (`scale`).

use super::scale::Range;

/// The part of a canvas that is inside the axes, in pixels, and what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plot {
    /// The left edge.
    pub left: f64,
    /// The right edge, at least `left`.
    pub right: f64,
    /// The upper edge.
    pub top: f64,
    /// The lower edge, at least `top`.
    pub bottom: f64,
    /// The time at the left edge.
    pub from: f64,
    /// The time at the right edge, after `from`.
    pub to: f64,
    /// The values from the lower to the upper edge.
    pub range: Range,
}

impl Plot {
    /// Where a time stands from the left. What was before the left edge stands outside of it, by one width at most.
    pub fn x(&self, at: f64) -> f64 {
        let fraction = (at - self.from) / (self.to - self.from);
        self.left + fraction.clamp(-1.0, 1.0) * (self.right - self.left)
    }

    /// Where a value stands from the top; never outside.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - self.range.fraction(value) * (self.bottom - self.top)
    }

    /// The time at a place from the left; `None` when that is outside.
    pub fn time(&self, x: f64) -> Option<f64> {
        let fraction = (x - self.left) / (self.right - self.left);
        (0.0..=1.0)
            .contains(&fraction)
            .then_some(self.from + fraction * (self.to - self.from))
    }
}
