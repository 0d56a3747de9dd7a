//! How old a value is, and whether it is stale.
//!
//! Not here: the words for it (`text`).

/// The age after which a value of a known cadence is stale at the earliest, in milliseconds.
pub const STALE_AFTER_MS: f64 = 15_000.0;
/// The age after which a value that came only once is stale, in milliseconds.
pub const STALE_ALONE_MS: f64 = 60_000.0;
/// How many usual intervals may pass without a value before it is stale.
pub const STALE_INTERVALS: f64 = 3.0;

/// An age in the largest unit that gives at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Under two seconds.
    Now,
    /// Seconds, 2 to 59.
    Seconds(u32),
    /// Minutes, 1 to 59.
    Minutes(u32),
    /// Hours, 1 to 47.
    Hours(u32),
    /// Days, from 2.
    Days(u32),
}

impl Age {
    /// The age of something that happened at `at` when it is `now`; what lies ahead counts as now.
    pub fn between(at: f64, now: f64) -> Self {
        let seconds = ((now - at) / 1_000.0).max(0.0) as u32;
        match seconds {
            0..=1 => Self::Now,
            2..=59 => Self::Seconds(seconds),
            60..=3_599 => Self::Minutes(seconds / 60),
            3_600..=172_799 => Self::Hours(seconds / 3_600),
            _ => Self::Days(seconds / 86_400),
        }
    }
}

/// Whether a value of age `age_ms` is stale, given the usual interval between values where it is known.
pub fn is_stale(age_ms: f64, usual_interval_ms: Option<f64>) -> bool {
    let limit = match usual_interval_ms {
        Some(interval) => (STALE_INTERVALS * interval).max(STALE_AFTER_MS),
        None => STALE_ALONE_MS,
    };
    age_ms > limit
}

#[cfg(test)]
mod tests {
    use super::{Age, is_stale};

    #[test]
    fn takes_the_largest_unit() {
        for (seconds, age) in [
            (-5.0, Age::Now),
            (1.9, Age::Now),
            (2.0, Age::Seconds(2)),
            (59.9, Age::Seconds(59)),
            (60.0, Age::Minutes(1)),
            (3_599.0, Age::Minutes(59)),
            (3_600.0, Age::Hours(1)),
            (172_800.0, Age::Days(2)),
        ] {
            assert_eq!(Age::between(1_000.0, 1_000.0 + seconds * 1_000.0), age);
        }
    }

    #[test]
    fn a_slow_device_is_not_stale_between_its_values() {
        assert!(!is_stale(14_000.0, Some(1_000.0)));
        assert!(is_stale(16_000.0, Some(1_000.0)));
        assert!(!is_stale(170_000.0, Some(60_000.0)));
        assert!(is_stale(181_000.0, Some(60_000.0)));
        assert!(!is_stale(59_000.0, None));
        assert!(is_stale(61_000.0, None));
    }
}
