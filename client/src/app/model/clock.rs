//! The server's clock as seen from this browser: ages and charts must not depend on two clocks agreeing.
//!
//! Not here: reading a clock. Each event carries when the server stamped it; the caller says when it arrived.

/// The pause between two arrivals that rules out one burst of retained values, in milliseconds.
const APART_MS: f64 = 500.0;
/// How far the delays of two live events may differ, in milliseconds.
const JITTER_MS: f64 = 1_500.0;

/// An estimate of how far the server's clock is behind this browser's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerClock {
    /// Browser time minus server time, in milliseconds.
    offset: f64,
    /// When an event arrived and how far its stamp was behind.
    last: Option<(f64, f64)>,
}

impl ServerClock {
    /// Learns from an event that was stamped `at` and arrived at `arrived`.
    ///
    /// A stamp ahead of this browser's clock is believed at once; one behind only when a second event, later, is
    /// behind by as much: a retained value is behind because it is old.
    pub fn observe(&mut self, at: f64, arrived: f64) {
        let behind = arrived - at;
        if behind < self.offset.min(0.0) {
            self.offset = behind;
        }
        match self.last {
            Some((when, _)) if arrived - when < APART_MS => {}
            Some((_, earlier)) => {
                if (behind - earlier).abs() < JITTER_MS {
                    self.offset = behind.min(earlier);
                }
                self.last = Some((arrived, behind));
            }
            None => self.last = Some((arrived, behind)),
        }
    }

    /// The server's time when this browser's clock shows `local`.
    pub fn now(&self, local: f64) -> f64 {
        local - self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::ServerClock;

    #[test]
    fn equal_clocks_give_the_delay_only() {
        let mut clock = ServerClock::default();
        clock.observe(1_000.0, 1_020.0);
        clock.observe(2_000.0, 2_030.0);
        assert_eq!(clock.now(5_000.0), 4_980.0);
    }

    #[test]
    fn a_server_ahead_is_believed_at_once() {
        let mut clock = ServerClock::default();
        clock.observe(61_000.0, 1_000.0);
        assert_eq!(clock.now(2_000.0), 62_000.0);
    }

    #[test]
    fn a_server_behind_is_believed_when_live_events_agree() {
        let mut clock = ServerClock::default();
        clock.observe(1_000.0, 601_000.0);
        assert_eq!(clock.now(601_000.0), 601_000.0);
        clock.observe(2_000.0, 602_010.0);
        assert_eq!(clock.now(603_000.0), 3_000.0);
    }

    #[test]
    fn a_burst_of_old_values_is_not_taken_for_a_slow_clock() {
        let mut clock = ServerClock::default();
        clock.observe(1_000.0, 900_000.0);
        clock.observe(1_001.0, 900_001.0);
        assert_eq!(clock.now(900_002.0), 900_002.0);
    }
}
