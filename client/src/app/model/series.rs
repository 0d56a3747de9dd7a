//! The recent values of one metric: a ring of short buckets, so that any rate fits in bounded memory.
//!
//! Not here: how it is drawn (`scale`, `plot` and the view). Times are milliseconds of the page's time line (`clock`).

use std::collections::VecDeque;

/// The time that a full ring covers at least, in milliseconds.
pub const SPAN_MS: f64 = 900_000.0;
/// The most buckets kept, where there is room for them: two a second.
pub const MAX_BUCKETS: usize = 1_800;
/// How many usual intervals may pass before the line is broken.
const GAP_INTERVALS: f64 = 3.0;
/// The shortest gap that breaks the line, in milliseconds.
const MIN_GAP_MS: f64 = 3_000.0;

/// The values of a short time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The time of the first value, in milliseconds.
    pub at: f64,
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The last value.
    pub last: f64,
}

/// The recent values of one metric, oldest first. All numbers in it are finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    buckets: VecDeque<Bucket>,
    last_at: Option<f64>,
    interval: Option<f64>,
}

impl Series {
    /// Adds `value`, seen at `at`, and keeps at most `room` buckets. Time does not go back: what was seen earlier than
    /// the last value counts as seen with it. What is not finite is left out.
    pub fn push(&mut self, at: f64, value: f64, room: usize) {
        if !at.is_finite() || !value.is_finite() {
            return;
        }
        let at = self.last_at.map_or(at, |last| at.max(last));
        self.learn_interval(at);
        self.last_at = Some(at);
        let room = room.clamp(1, MAX_BUCKETS);
        match self.buckets.back_mut() {
            Some(bucket) if at - bucket.at < SPAN_MS / room as f64 => {
                bucket.min = bucket.min.min(value);
                bucket.max = bucket.max.max(value);
                bucket.last = value;
            }
            _ => self.append(at, value, room),
        }
    }

    /// The buckets, oldest first.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = &Bucket> {
        self.buckets.iter()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The usual interval between values, in milliseconds, once there were two.
    pub fn interval(&self) -> Option<f64> {
        self.interval
    }

    /// The time without a value, in milliseconds, from which the line is broken.
    pub fn gap(&self) -> f64 {
        self.interval
            .map_or(MIN_GAP_MS, |usual| (usual * GAP_INTERVALS).max(MIN_GAP_MS))
    }

    /// The buckets that `from..=to` touches, and one shortly before them so that the line enters from the edge.
    pub fn window(&self, from: f64, to: f64) -> impl Iterator<Item = &Bucket> {
        let first = self.buckets.partition_point(|bucket| bucket.at < from);
        let before = first.checked_sub(1).filter(|&before| {
            let reaches = |bucket: &Bucket| from - bucket.at <= self.gap();
            self.buckets.get(before).is_some_and(reaches)
        });
        self.buckets
            .range(before.unwrap_or(first)..)
            .take_while(move |bucket| bucket.at <= to)
    }

    /// The bucket closest to `at` within the gap.
    pub fn nearest(&self, at: f64) -> Option<&Bucket> {
        let after = self.buckets.partition_point(|bucket| bucket.at < at);
        let candidates = [after.checked_sub(1), Some(after)];
        candidates
            .into_iter()
            .flatten()
            .filter_map(|index| self.buckets.get(index))
            .min_by(|left, right| (left.at - at).abs().total_cmp(&(right.at - at).abs()))
            .filter(|bucket| (bucket.at - at).abs() < self.gap())
    }

    fn append(&mut self, at: f64, value: f64, room: usize) {
        let surplus = (self.buckets.len() + 1).saturating_sub(room);
        self.buckets.drain(..surplus);
        if surplus > 1 {
            // There is less room than there was.
            self.buckets.shrink_to(room);
        }
        self.buckets.push_back(Bucket {
            at,
            min: value,
            max: value,
            last: value,
        });
    }

    /// A running mean that an outage does not spoil: no interval counts for more than four usual ones.
    fn learn_interval(&mut self, at: f64) {
        let Some(last) = self.last_at else { return };
        let interval = at - last;
        self.interval = Some(match self.interval {
            Some(usual) => usual + (interval.min(4.0 * usual) - usual) / 8.0,
            None => interval,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BUCKETS, SPAN_MS, Series};

    const BUCKET_MS: f64 = SPAN_MS / MAX_BUCKETS as f64;

    fn steady(count: usize, interval: f64) -> Series {
        let mut series = Series::default();
        for index in 0..count {
            series.push(index as f64 * interval, index as f64, MAX_BUCKETS);
        }
        series
    }

    #[test]
    fn memory_is_bounded_at_any_rate() {
        assert_eq!(steady(10_000, 1_000.0).buckets().count(), MAX_BUCKETS);
        let fast = steady(10_000, 1.0);
        assert_eq!(fast.buckets().count(), 10_000 / BUCKET_MS as usize);
        let first = fast.buckets().next().unwrap();
        assert_eq!((first.min, first.max, first.last), (0.0, 499.0, 499.0));
    }

    #[test]
    fn less_room_makes_wider_buckets_of_the_same_span() {
        let mut series = steady(MAX_BUCKETS, 1_000.0);
        let start = MAX_BUCKETS as f64 * 1_000.0;
        for index in 0..1_000 {
            series.push(start + f64::from(index) * 1_000.0, 1.0, 60);
        }
        assert_eq!(series.buckets().count(), 60);
        assert!(series.buckets.capacity() < 2 * 60);
        let times: Vec<f64> = series.buckets().map(|bucket| bucket.at).collect();
        assert!(times[59] - times[0] > 0.9 * SPAN_MS, "{times:?}");
    }

    #[test]
    fn time_does_not_go_back() {
        let mut series = steady(3, 1_000.0);
        series.push(500.0, 99.0, MAX_BUCKETS);
        let last = series.buckets().last().unwrap();
        assert_eq!((last.at, last.max, last.last), (2_000.0, 99.0, 99.0));
        assert_eq!(series.buckets().count(), 3);
    }

    #[test]
    fn numbers_are_kept_as_they_are_and_only_finite_ones() {
        let mut series = Series::default();
        let extremes = [1e39, 3.5e38, -4e38, f64::MAX, 5e-324, f64::MIN];
        for (second, value) in extremes.into_iter().enumerate() {
            series.push(second as f64 * 1_000.0, value, MAX_BUCKETS);
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            series.push(9_000.0, value, MAX_BUCKETS);
            series.push(value, 1.0, MAX_BUCKETS);
        }
        let kept: Vec<f64> = series.buckets().map(|bucket| bucket.last).collect();
        assert_eq!(kept, extremes);
    }

    #[test]
    fn the_gap_follows_the_cadence() {
        assert_eq!(Series::default().gap(), 3_000.0);
        assert_eq!(steady(10, 1_000.0).gap(), 3_000.0);
        assert_eq!(steady(10, 60_000.0).gap(), 180_000.0);
    }

    #[test]
    fn an_outage_does_not_hide_itself() {
        let mut series = steady(100, 1_000.0);
        series.push(999_000.0, 1.0, MAX_BUCKETS);
        assert!(series.gap() < 5_000.0);
    }

    #[test]
    fn a_window_enters_from_the_edge() {
        let series = steady(10, 1_000.0);
        let times: Vec<f64> = series.window(2_500.0, 5_000.0).map(|b| b.at).collect();
        assert_eq!(times, [2_000.0, 3_000.0, 4_000.0, 5_000.0]);
        assert_eq!(series.window(90_000.0, 99_000.0).count(), 0);
    }

    #[test]
    fn the_nearest_value_is_not_far() {
        let series = steady(10, 1_000.0);
        assert_eq!(series.nearest(2_400.0).unwrap().at, 2_000.0);
        assert_eq!(series.nearest(2_600.0).unwrap().at, 3_000.0);
        assert!(series.nearest(13_000.0).is_none());
        assert!(Series::default().nearest(0.0).is_none());
    }
}
