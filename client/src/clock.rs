//! Time since a driver began, never backwards, sleep included: from two clocks that the driver reads.
//!
//! Not here: the clocks themselves, which `web` and `native` have.

use std::time::Duration;

/// How far the date may run ahead before that counts as sleep: it ticks coarsely and is corrected a little at a time.
const TOLERANCE: Duration = Duration::from_secs(1);

/// What the two clocks say at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Since any moment: it never jumps, but may stand still while the machine sleeps.
    pub(crate) monotonic: Duration,
    /// Since 1970: it counts sleep, but jumps when somebody sets it.
    pub(crate) date: Duration,
}

/// Follows the first clock, and goes on by what the date is ahead of it: that was sleep. A date set forward looks like
/// sleep, and a date set back changes nothing.
#[derive(Debug)]
pub(crate) struct Clock {
    elapsed: Duration,
    /// What the first clock said last, and what the date should have said then.
    last: Reading,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn new(now: Reading) -> Self {
        Self {
            elapsed: Duration::ZERO,
            last: now,
        }
    }

    /// The time since the beginning.
    pub(crate) fn now(&mut self, now: Reading) -> Duration {
        let awake = now.monotonic.saturating_sub(self.last.monotonic);
        let expected = self.last.date.saturating_add(awake);
        let asleep = now.date.saturating_sub(expected);
        let has_slept = asleep > TOLERANCE;
        self.last = Reading {
            monotonic: now.monotonic,
            date: if has_slept {
                now.date
            } else {
                expected.min(now.date)
            },
        };
        let slept = if has_slept { asleep } else { Duration::ZERO };
        self.elapsed = self.elapsed.saturating_add(awake).saturating_add(slept);
        self.elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Reading};
    use std::time::Duration;

    fn reading(monotonic_ms: u64, date_ms: u64) -> Reading {
        Reading {
            monotonic: Duration::from_millis(monotonic_ms),
            date: Duration::from_millis(1_000_000 + date_ms),
        }
    }

    /// The milliseconds that a new clock says at each of these.
    fn said(readings: &[(u64, u64)]) -> Vec<u128> {
        let mut clock = Clock::new(reading(0, 0));
        let now = readings
            .iter()
            .map(|(monotonic, date)| clock.now(reading(*monotonic, *date)));
        now.map(|now| now.as_millis()).collect()
    }

    #[test]
    fn both_clocks_go_on_alike() {
        assert_eq!(said(&[(5, 5), (5, 5), (60_000, 60_000)]), [5, 5, 60_000]);
    }

    #[test]
    fn sleep_counts_whichever_clock_sees_it() {
        assert_eq!(
            said(&[(10, 3_600_010), (20, 3_600_020)]),
            [3_600_010, 3_600_020]
        );
        assert_eq!(
            said(&[(3_600_010, 10), (3_600_020, 20)]),
            [3_600_010, 3_600_020]
        );
        assert_eq!(said(&[(10, 5_010), (20, 10_020)]), [5_010, 10_020]);
    }

    #[test]
    fn a_date_set_back_changes_nothing_and_hides_no_sleep() {
        let back = [(2_000_000, 2_000_000), (2_000_010, 10), (2_000_020, 60_020)];
        assert_eq!(said(&back), [2_000_000, 2_000_010, 2_060_020]);
    }

    /// Breaks when: each reading goes on by whichever clock advanced further; time runs almost twice as fast then.
    #[test]
    fn a_date_that_ticks_coarsely_does_not_hurry_the_clock() {
        let mut clock = Clock::new(reading(0, 0));
        let mut now = Duration::ZERO;
        for micros in (0..10_000_000).step_by(100) {
            now = clock.now(Reading {
                monotonic: Duration::from_micros(micros),
                date: Duration::from_millis(1_000_000 + micros / 1_000),
            });
        }
        assert_eq!(now, Duration::from_micros(9_999_900));
    }
}
