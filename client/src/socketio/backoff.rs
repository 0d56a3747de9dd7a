//! How long to wait before reconnection attempt n: doubling, bounded, spread by a seeded jitter.

use std::time::Duration;

/// Delays that double from `min` to `max`, each moved at random by at most `jitter` of itself.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    jitter: f64,
    attempt: u32,
    random: u64,
}

impl Backoff {
    /// Delays between `min` and `max`; `jitter` from 0 to 1; equal seeds give equal delays.
    pub fn new(min: Duration, max: Duration, jitter: f64, seed: u64) -> Self {
        Self {
            min,
            max,
            jitter: jitter.clamp(0.0, 1.0),
            attempt: 0,
            random: seed,
        }
    }

    /// The attempts since the last reset.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Starts again at `min`.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// Counts one more attempt and gives the delay before it, at most `max`.
    pub fn next_delay(&mut self) -> Duration {
        let doubled = self.min.saturating_mul(1 << self.attempt.min(20));
        self.attempt = self.attempt.saturating_add(1);
        let base = doubled.min(self.max);
        let spread = 1.0 + self.jitter * (2.0 * self.random_fraction() - 1.0);
        // A cast saturates: no delay is too long to be one.
        let nanos = base.as_nanos() as f64 * spread;
        Duration::from_nanos(nanos as u64).min(self.max)
    }

    /// The next number of SplitMix64, as a fraction from 0 to below 1.
    fn random_fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 40) as f64 / (1_u64 << 24) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    const MIN: Duration = Duration::from_secs(1);
    const MAX: Duration = Duration::from_secs(5);

    #[test]
    fn doubles_up_to_the_longest() {
        let mut backoff = Backoff::new(MIN, MAX, 0.0, 1);
        let delays: Vec<_> = (0..5).map(|_| backoff.next_delay().as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.next_delay(), MIN);
    }

    #[test]
    fn jitter_spreads_many_clients_over_the_whole_window() {
        let first = |seed| Backoff::new(MIN, MAX, 0.5, seed).next_delay().as_millis();
        let delays: Vec<_> = (0..1_000).map(first).collect();
        assert!(delays.iter().all(|delay| (500..=1_500).contains(delay)));
        let tenths = |delay: &u128| (delay - 500) / 100;
        for tenth in 0..10 {
            let count = delays.iter().filter(|delay| tenths(delay) == tenth).count();
            assert!((50..=150).contains(&count), "{count} in tenth {tenth}");
        }
    }

    #[test]
    fn the_hundredth_attempt_does_not_overflow() {
        let mut backoff = Backoff::new(MIN, MAX, 0.5, 1);
        for _ in 0..100 {
            assert!(backoff.next_delay() <= MAX);
        }
    }
}
