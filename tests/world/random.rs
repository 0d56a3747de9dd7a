//! Random numbers that can be had again: a test that uses them prints its seed.

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// The variable that gives the seed.
const SEED: &str = "TERTULIA_TEST_SEED";

/// Random numbers from a seed.
#[derive(Debug)]
pub(crate) struct Random {
    /// With which the same numbers come again, as the variable's value too.
    pub(crate) seed: u64,
    numbers: StdRng,
}

impl Random {
    /// With the seed of the environment, or another one each time; the seed is printed, and shown where the test fails.
    pub(crate) fn seeded(what: &str) -> Self {
        let seed =
            std::env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
        println!("{what}: {SEED}={seed}");
        Self::new(seed)
    }

    fn new(seed: u64) -> Self {
        Self {
            seed,
            numbers: StdRng::seed_from_u64(seed),
        }
    }

    /// Another one, which goes on by itself.
    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.numbers.random())
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.numbers.random_range(..end)
    }

    /// Milliseconds below `end`.
    pub(crate) fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}
