//! Token buckets: how much may come, how fast, and how long to wait where more came. Pure: the time is an argument.
//!
//! Who has anything left may take more than that: what is as large as the whole bucket comes through too, and the debt
//! is waited for afterwards.

use std::time::{Duration, Instant};

/// For how long what is allowed may come all at once.
const BURST_SECONDS: f64 = 100.0;

/// How much may come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    /// In the long run, a second.
    pub(super) per_second: f64,
    /// At once.
    pub(super) burst: f64,
}

impl Rate {
    /// So much a second, and what may come in [`BURST_SECONDS`] at once.
    pub(super) fn new(per_second: f64) -> Self {
        Self {
            per_second,
            burst: per_second * BURST_SECONDS,
        }
    }
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// Below 0 where more was taken than there was.
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: rate.burst,
            at: now,
        }
    }

    /// How long until something may be taken; zero where it may be now.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.left = (self.left + since * self.rate.per_second).min(self.rate.burst);
        // What is less than one, by the rounding of floats too, is nothing.
        let missing = 1.0_f64.min(self.rate.burst) - self.left;
        if missing <= 1e-6 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(missing / self.rate.per_second).unwrap_or(Duration::MAX)
    }

    /// Takes something: after [`Self::wait`] has said that it may be taken.
    pub(super) fn spend(&mut self, amount: f64) {
        self.left -= amount;
    }

    /// Takes something where it may be taken.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        match self.wait(now) {
            Duration::ZERO => {
                self.spend(amount);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// Whether nothing was taken that has not come back: it is as good as a new one.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.wait(now);
        self.left >= self.rate.burst
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Rate};
    use std::time::{Duration, Instant};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_comes_at_once_and_then_so_much_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::new(2.0), start);
        for _ in 0..200 {
            bucket.take(1.0, start).unwrap();
        }
        assert_eq!(bucket.take(1.0, start), Err(SECOND / 2));
        assert_eq!(bucket.take(1.0, start + SECOND / 4), Err(SECOND / 4));
        bucket.take(1.0, start + SECOND / 2).unwrap();
        let mut taken = 0;
        for step in 0..1_000 {
            let now = start + SECOND / 2 + step * SECOND / 100;
            taken += u32::from(bucket.take(1.0, now).is_ok());
        }
        assert!((19..=20).contains(&taken), "{taken}");
    }

    #[test]
    fn what_is_greater_than_the_bucket_comes_through_and_is_waited_for() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::new(10.0), start);
        bucket.take(2_000.0, start).unwrap();
        let wait = bucket.take(1.0, start).unwrap_err();
        assert!((wait.as_secs_f64() - 100.1).abs() < 0.001, "{wait:?}");
        assert!(!bucket.is_full(start + 199 * SECOND) && bucket.is_full(start + 200 * SECOND));
    }

    #[test]
    fn time_that_runs_backwards_gives_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::new(1.0), start + SECOND);
        bucket.take(100.0, start).unwrap();
        assert_eq!(bucket.take(1.0, start), Err(SECOND));
        bucket.take(1.0, start + 2 * SECOND).unwrap();
    }
}
