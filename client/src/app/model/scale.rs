//! The axes of a chart: a round range, its ticks, and where a line is broken. Any finite numbers will do.
//!
//! Not here: where on the canvas a value stands (`plot`), and how a tick is written (`number`).

use super::series::{Bucket, Series};

/// The most ticks of an axis.
const MAX_TICKS: u32 = 20;
/// The least part of its greatest number that a range spans: noise is not blown up to a mountain range.
const LEAST_SPREAD: f64 = 0.02;
/// The least spread of a range that is not 0: below it, round steps would not be exact any more.
const TINY: f64 = 1e-300;

/// A range of values with round ends and the distance of its ticks. All numbers in it are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The upper end, above `low`.
    pub high: f64,
    /// The distance of two ticks, above 0.
    pub step: f64,
    /// How many of them there are between the ends, 1 to 20.
    steps: u32,
}

impl Range {
    /// A round range around the finite numbers `min..=max` with about `ticks` ticks. What is never negative has no
    /// negative axis.
    pub fn around(min: f64, max: f64, ticks: usize) -> Self {
        let size = max.abs().max(min.abs());
        let least = if size == 0.0 {
            1.0
        } else {
            size * LEAST_SPREAD
        };
        let spread = (max - min).max(least).max(TINY);
        let pad = (spread - (max - min)) / 2.0;
        let step = round_step(spread / ticks.max(1) as f64);
        let floor = if min >= 0.0 { 0.0 } else { f64::MIN };
        let low = (((min - pad) / step).floor() * step).min(min).max(floor);
        let high = (((max + pad) / step).ceil() * step)
            .max(max)
            .max(low + step);
        let range = Self {
            low,
            high,
            step,
            steps: ((high - low) / step)
                .round()
                .clamp(1.0, f64::from(MAX_TICKS)) as u32,
        };
        if (high - low).is_finite() && high > low {
            range
        } else {
            Self::widest(min, max)
        }
    }

    /// The range of numbers so large that no round one around them is finite: from the least to the greatest.
    fn widest(min: f64, max: f64) -> Self {
        let (low, high) = if min < max {
            (min, max)
        } else {
            (min.min(0.0), max.max(0.0))
        };
        Self {
            low,
            high,
            step: high / 2.0 - low / 2.0,
            steps: 2,
        }
    }

    /// The values at which ticks stand, from low to high.
    pub fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let Self {
            low,
            high,
            step,
            steps,
        } = *self;
        (0..=steps).map(move |index| {
            // By halves: the distance of two finite numbers need not be finite.
            let tick = (low / 2.0 + f64::from(index) * (step / 2.0)) * 2.0;
            // A rounding error may lead beyond the greatest number.
            let tick = tick.min(high);
            // What should be 0 may be a rounding error.
            if tick.abs() < step * 1e-9 { 0.0 } else { tick }
        })
    }

    /// Where `value` stands between low (0) and high (1); what lies outside stands at the nearer end.
    pub fn fraction(&self, value: f64) -> f64 {
        let fraction = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        fraction.clamp(0.0, 1.0)
    }
}

/// The range that shows all of `series` between `from` and `to`; `None` when there is nothing.
pub fn range_of<'a>(
    series: impl Iterator<Item = &'a Series>,
    from: f64,
    to: f64,
    ticks: usize,
) -> Option<Range> {
    let mut extremes: Option<(f64, f64)> = None;
    for series in series {
        for bucket in series.window(from, to) {
            let (min, max) = extremes.unwrap_or((bucket.min, bucket.max));
            extremes = Some((min.min(bucket.min), max.max(bucket.max)));
        }
    }
    extremes.map(|(min, max)| Range::around(min, max, ticks))
}

/// 1, 2 or 5 times a power of ten, at least `rough`, which is finite and above 0.
fn round_step(rough: f64) -> f64 {
    let (power, factor) = split(rough);
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|round| factor <= round + 1e-9)
        .unwrap_or(10.0);
    round * power
}

/// The greatest power of ten that is not above `value`, and by what it is to be multiplied. The loop ends for any number.
fn split(value: f64) -> (f64, f64) {
    let mut exponent = 0;
    let mut power = 1.0;
    for _ in 0..f64::MAX_10_EXP {
        if power > value {
            exponent -= 1;
        } else if power * 10.0 <= value {
            exponent += 1;
        } else {
            break;
        }
        power = power_of_ten(exponent);
    }
    (power, value / power)
}

/// By squares, so that rounding errors stay small.
fn power_of_ten(exponent: i32) -> f64 {
    let (mut power, mut square, mut left) = (1.0, 10.0, exponent.unsigned_abs());
    while left > 0 {
        if left % 2 == 1 {
            power *= square;
        }
        square *= square;
        left /= 2;
    }
    if exponent < 0 { 1.0 / power } else { power }
}

/// The runs of buckets between which nothing came for longer than `gap` milliseconds.
pub fn runs<'a>(buckets: impl Iterator<Item = &'a Bucket>, gap: f64) -> Vec<Vec<Bucket>> {
    let mut runs: Vec<Vec<Bucket>> = Vec::new();
    for bucket in buckets {
        let joins =
            |run: &&mut Vec<Bucket>| run.last().is_some_and(|last| bucket.at - last.at <= gap);
        match runs.last_mut().filter(joins) {
            Some(run) => run.push(*bucket),
            None => runs.push(vec![*bucket]),
        }
    }
    runs
}

/// The round times from `from` to `to`, with room for about `count` of them, and their distance; times in milliseconds.
pub fn time_ticks(from: f64, to: f64, count: usize) -> (Vec<f64>, f64) {
    let step = time_step(to - from, count);
    let first = (from / step).ceil() * step;
    let ticks = (0..MAX_TICKS).map(|index| first + f64::from(index) * step);
    (ticks.take_while(|at| *at <= to).collect(), step)
}

/// The distance of the time axis's ticks, in milliseconds, for a window of `span` that has room for `count` of them.
fn time_step(span: f64, count: usize) -> f64 {
    const STEPS: [f64; 7] = [5e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3];
    let rough = span / count.max(1) as f64;
    STEPS
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(1_800e3)
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
