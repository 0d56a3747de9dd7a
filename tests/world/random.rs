//! Random numbers that can be had again: a test that uses them prints its seed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The variable that gives the seed.
const SEED: &str = "TERTULIA_TEST_SEED";

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// With the seed of the environment, or another one each time; the seed is printed, and shown where the test fails.
    pub(crate) fn seeded(what: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed =
            std::env::var(SEED).map_or(since.as_nanos() as u64, |seed| seed.parse().unwrap());
        println!("{what}: {SEED}={seed}");
        Self(seed)
    }

    /// Another one, which goes on by itself.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Milliseconds below `end`.
    pub(crate) fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}
