//! Chat messages that the broker does not get: all are counted, a line is logged now and then.

use std::time::{Duration, Instant};

/// Between two lines.
const QUIET: Duration = Duration::from_secs(60);

/// What it did not get since the last line.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    unsaid: u64,
    said: Option<Instant>,
}

impl Overflow {
    /// Counts messages; gives what is to be logged where it is time for a line.
    pub(super) fn add(&mut self, messages: u64, now: Instant) -> Option<u64> {
        self.unsaid += messages;
        if self
            .said
            .is_some_and(|said| now.duration_since(said) < QUIET)
        {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::{Overflow, QUIET};
    use std::time::{Duration, Instant};

    #[test]
    fn one_line_a_minute_tells_them_all() {
        let (mut overflow, start) = (Overflow::default(), Instant::now());
        assert_eq!(overflow.add(3, start), Some(3));
        for seconds in 1..10 {
            assert_eq!(overflow.add(1, start + Duration::from_secs(seconds)), None);
        }
        assert_eq!(overflow.add(1, start + QUIET), Some(10));
    }
}
