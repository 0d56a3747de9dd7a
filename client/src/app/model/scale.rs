//! The axes of a chart: a round range, its ticks, and where a line is broken.
//!
//! Not here: pixels of a real canvas and colours (the view).

use super::series::{Bucket, Series};

/// A range of values with round ends and the distance of its ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The upper end, above `low`.
    pub high: f64,
    /// The distance of two ticks, above 0.
    pub step: f64,
}

impl Range {
    /// A round range around `min..=max` with about `ticks` ticks. Percent that fit into 0 to 100 keep that range's floor.
    pub fn around(min: f64, max: f64, ticks: usize) -> Self {
        let spread = (max - min).max(max.abs().max(min.abs()) * 0.02).max(1e-9);
        let pad = (spread - (max - min)) / 2.0;
        let step = round_step(spread / ticks.max(1) as f64);
        let floor = if min >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        let low = (((min - pad) / step).floor() * step).max(floor);
        let high = ((max + pad) / step).ceil() * step;
        Self {
            low,
            high: if high > low { high } else { low + step },
            step,
        }
    }

    /// The values at which ticks stand, from low to high.
    pub fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let Self { low, high, step } = *self;
        let count = ((high - low) / step).round().clamp(1.0, 20.0) as u32;
        (0..=count).map(move |index| low + f64::from(index) * step)
    }

    /// Where `value` stands between low (0) and high (1).
    pub fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The range that shows all of `series` between `from` and `to`; `None` when there is nothing.
pub fn range_of<'a>(
    series: impl Iterator<Item = &'a Series>,
    from: f64,
    to: f64,
    ticks: usize,
) -> Option<Range> {
    let mut extremes: Option<(f32, f32)> = None;
    for series in series {
        for bucket in series.window(from, to) {
            let (min, max) = extremes.unwrap_or((bucket.min, bucket.max));
            extremes = Some((min.min(bucket.min), max.max(bucket.max)));
        }
    }
    extremes.map(|(min, max)| Range::around(f64::from(min), f64::from(max), ticks))
}

/// 1, 2 or 5 times a power of ten, at least `rough`.
fn round_step(rough: f64) -> f64 {
    let mut power = 1.0;
    while power > rough && power > f64::MIN_POSITIVE {
        power /= 10.0;
    }
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    let factor = rough / power;
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|round| factor <= round + 1e-9)
        .unwrap_or(10.0);
    round * power
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

/// The distance of the time axis's ticks, in milliseconds, for a window of `span` that has room for `count` of them.
pub fn time_step(span: f64, count: usize) -> f64 {
    const STEPS: [f64; 7] = [5e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3];
    let rough = span / count.max(1) as f64;
    STEPS
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(1_800e3)
}

#[cfg(test)]
mod tests {
    use super::{Range, range_of, runs, time_step};
    use crate::app::model::series::Series;

    #[track_caller]
    fn check(min: f64, max: f64, low: f64, high: f64) {
        let range = Range::around(min, max, 4);
        assert!((range.low - low).abs() < 1e-6, "{range:?}");
        assert!((range.high - high).abs() < 1e-6, "{range:?}");
        assert!(range.step > 0.0);
    }

    #[test]
    fn ends_are_round() {
        check(0.0, 100.0, 0.0, 150.0_f64.min(100.0));
        check(21.3, 21.9, 21.2, 22.0);
        check(-3.0, 7.0, -5.0, 10.0);
        check(1_200.0, 86_000.0, 0.0, 100_000.0);
    }

    #[test]
    fn a_constant_has_a_range_too() {
        for value in [0.0, 5.0, -2.0, 1e9] {
            let range = Range::around(value, value, 4);
            assert!(range.low <= value && value <= range.high && range.low < range.high);
        }
    }

    #[test]
    fn what_is_never_negative_has_no_negative_axis() {
        assert_eq!(Range::around(0.0, 0.0, 4).low, 0.0);
        assert_eq!(Range::around(0.01, 0.02, 4).low, 0.01);
    }

    #[test]
    fn ticks_reach_from_end_to_end() {
        let ticks: Vec<f64> = Range::around(0.0, 9.0, 4).ticks().collect();
        assert_eq!(ticks, [0.0, 5.0, 10.0]);
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let mut series = Series::default();
        for at in [0.0, 1_000.0, 2_000.0, 9_000.0, 10_000.0] {
            series.push(at, 1.0);
        }
        let runs = runs(series.buckets(), 3_000.0);
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn nothing_has_no_range() {
        assert!(range_of([Series::default()].iter(), 0.0, 1.0, 4).is_none());
    }

    #[test]
    fn time_ticks_are_round_times() {
        assert_eq!(time_step(60e3, 4), 15e3);
        assert_eq!(time_step(300e3, 4), 120e3);
        assert_eq!(time_step(900e3, 4), 300e3);
        assert_eq!(time_step(1e9, 1), 1_800e3);
    }
}
