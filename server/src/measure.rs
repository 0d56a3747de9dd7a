//! Instruments: counts and histograms, kept where things happen and read by `edge/metrics`.
//!
//! Not here: how they are written for Prometheus (`edge/metrics/text`).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tertulia_shared::{Direction, catalogue};

/// Counts by the name of an event of the catalogue; what has none there is counted together.
#[derive(Debug)]
pub struct ByEvent {
    counts: Vec<(&'static str, AtomicU64)>,
    others: AtomicU64,
}

impl ByEvent {
    /// A count from 0 for each event of that direction.
    pub fn new(direction: Direction) -> Self {
        let names = catalogue::entries().filter(|entry| entry.direction == direction);
        Self {
            counts: names.map(|entry| (entry.name, AtomicU64::new(0))).collect(),
            others: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub fn add(&self, event: &str) {
        let known = self.counts.iter().find(|(name, _)| *name == event);
        known
            .map_or(&self.others, |(_, count)| count)
            .fetch_add(1, Ordering::Relaxed);
    }

    /// The names and their counts, `unknown` last.
    pub fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let others = ("unknown", &self.others);
        let known = self.counts.iter().map(|(name, count)| (*name, count));
        known
            .chain([others])
            .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

/// The upper bounds of the buckets of a [`Histogram`], in microseconds.
const BOUNDS_US: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000, 30_000_000,
];

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One count a bucket, and what is longer than the last bound.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    /// In nanoseconds: 584 years fit.
    sum: AtomicU64,
}

/// What a [`Histogram`] says.
#[derive(Debug)]
pub struct Distribution {
    /// For each bound in seconds, how many took at most that long; the last one is of all.
    pub up_to: Vec<(f64, u64)>,
    /// The sum of all, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// Counts something that took that long.
    pub fn add(&self, took: Duration) {
        let micros = took.as_micros();
        let bucket = BOUNDS_US.partition_point(|bound| u128::from(*bound) < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was counted until now.
    pub fn read(&self) -> Distribution {
        let bounds = BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6);
        let mut total = 0;
        let up_to = bounds
            .chain([f64::INFINITY])
            .zip(&self.buckets)
            .map(|(bound, count)| {
                total += count.load(Ordering::Relaxed);
                (bound, total)
            });
        Distribution {
            up_to: up_to.collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / 1e9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BOUNDS_US, ByEvent, Histogram};
    use std::time::Duration;
    use tertulia_shared::{Direction, Event, chat::ChatSend};

    #[test]
    fn events_are_counted_by_name_and_strangers_together() {
        let counts = ByEvent::new(Direction::ClientToServer);
        for name in [ChatSend::NAME, ChatSend::NAME, "no:such", "nor:this"] {
            counts.add(name);
        }
        let read: Vec<_> = counts.read().filter(|(_, count)| *count > 0).collect();
        assert_eq!(read, [(ChatSend::NAME, 2), ("unknown", 2)]);
    }

    #[test]
    fn a_duration_is_in_every_bucket_from_its_own_on() {
        let histogram = Histogram::default();
        for micros in [0, 250, 251, 1_000_000, 60_000_000] {
            histogram.add(Duration::from_micros(micros));
        }
        let read = histogram.read();
        let count = |bound: f64| read.up_to.iter().find(|(at, _)| *at == bound).unwrap().1;
        assert_eq!((count(0.000_25), count(0.000_5), count(0.5)), (2, 3, 3));
        assert_eq!((count(1.0), count(30.0), count(f64::INFINITY)), (4, 4, 5));
        assert!((read.sum - 61.000_501).abs() < 1e-9, "{}", read.sum);
        assert!(BOUNDS_US.is_sorted());
    }
}
