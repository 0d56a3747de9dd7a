//! The page's time line, and where the stamps of the server stand on it: ages and charts must not depend on any clock
//! being right, nor on one staying as it is.
//!
//! The time line is the browser's monotonic clock and the sleep that this clock left out. The offset between it and the
//! server's clock comes from `server:time`, and is asked for again when a stamp or the browser's date contradicts what was
//! measured. Not here: reading a clock, and asking.

/// How far a stamp or the date may be off before the clocks are compared again, in milliseconds.
pub const TOLERANCE_MS: f64 = 2_000.0;
/// The shortest time between two questions, in milliseconds.
pub const PAUSE_MS: f64 = 2_000.0;

/// What the browser's two clocks say at one moment, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// Since any moment: it never jumps, but may stand still while the machine sleeps.
    pub monotonic: f64,
    /// Since 1970: it counts sleep, but jumps when somebody sets it.
    pub date: f64,
}

/// The page's time line and the server's clock beside it. A time of the page is in milliseconds since any moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// What the monotonic clock left out.
    slept: f64,
    /// Server time minus page time; until it is measured, as if the browser's date were right.
    offset: f64,
    is_measured: bool,
    /// The browser's clocks when they were last looked at.
    last: Now,
    /// By how much the date went on ahead of the monotonic clock since the offset was measured: sleep, or somebody set it.
    jump: f64,
    /// Whether the server is to be asked.
    is_wanted: bool,
    /// When it was asked, while the answer is to come, by the monotonic clock.
    asked: Option<f64>,
    last_asked: Option<f64>,
}

/// When something was seen, by what its stamp says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// When, as a time of the page; never after it arrived.
    pub at: f64,
    /// Whether the stamp lies in the server's future, so that nobody knows when it was: the server's clock was set.
    pub is_ahead: bool,
    /// When it arrived, where the stamp is so far off that the clocks are to be compared first.
    pub doubt: Option<f64>,
}

/// What a comparison of the clocks found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compared {
    /// The sleep that the time line has taken in, in milliseconds.
    pub slept: f64,
    /// Whether the server's clock was not where it was thought to be.
    pub has_moved: bool,
}

impl Clock {
    /// A time line that begins now.
    pub fn new(now: Now) -> Self {
        Self {
            slept: 0.0,
            offset: now.date - now.monotonic,
            is_measured: false,
            last: now,
            jump: 0.0,
            is_wanted: true,
            asked: None,
            last_asked: None,
        }
    }

    /// The time of the page.
    pub fn page(&self, now: Now) -> f64 {
        now.monotonic + self.slept
    }

    /// The time of the page as far as it may have gone on while the machine slept: for ages, while nobody knows better.
    pub fn latest(&self, now: Now) -> f64 {
        self.page(now) + self.jump.max(0.0)
    }

    /// The server's time at a time of the page, in milliseconds since 1970.
    pub fn server(&self, page: f64) -> f64 {
        page + self.offset
    }

    /// Looks at the browser's clocks: a date that jumped is a reason to ask. An answer on its way says nothing then.
    pub fn look(&mut self, now: Now) {
        let jump = (now.date - self.last.date) - (now.monotonic - self.last.monotonic);
        if jump.abs() > TOLERANCE_MS {
            self.jump += jump;
            self.want();
        }
        self.last = now;
    }

    /// There is a new connection: perhaps to another server.
    pub fn connected(&mut self) {
        self.want();
        self.last_asked = None;
    }

    /// Whether to ask the server now; the caller does.
    pub fn asks(&mut self, now: Now) -> bool {
        let rests = self
            .last_asked
            .is_some_and(|last| now.monotonic - last < PAUSE_MS);
        if !self.is_wanted || rests || self.asked.is_some() {
            return false;
        }
        (self.asked, self.last_asked) = (Some(now.monotonic), Some(now.monotonic));
        true
    }

    /// The server answered that it is `at`, or did not answer.
    pub fn answered(&mut self, at: Option<u64>, now: Now) -> Option<Compared> {
        self.look(now);
        let asked = self.asked.take()?;
        let middle = (asked + now.monotonic) / 2.0 + self.slept;
        let offset = at? as f64 - middle;
        let moved = offset - self.offset;
        // Both clocks went on by the same while the monotonic one stood still.
        let has_slept = self.is_measured
            && self.jump > TOLERANCE_MS
            && (moved - self.jump).abs() < TOLERANCE_MS.max(self.jump / 10.0);
        let slept = if has_slept { self.jump } else { 0.0 };
        let compared = Compared {
            slept,
            has_moved: (moved - slept).abs() > TOLERANCE_MS || slept > 0.0,
        };
        self.slept += slept;
        self.offset = offset - slept;
        (self.is_measured, self.is_wanted, self.jump) = (true, false, 0.0);
        Some(compared)
    }

    /// When something was seen that the server stamped `at` and that arrived now. A stamp that is far from the server's
    /// time is an old value, or the server's clock was set: the clocks are to be compared.
    pub fn seen(&mut self, at: u64, now: Now) -> Seen {
        let seen = self.seen_by(at, self.page(now));
        if seen.doubt.is_some() {
            self.is_wanted = true;
        }
        seen
    }

    /// The same, for something that arrived at a time of the page.
    pub fn seen_by(&self, at: u64, arrived: f64) -> Seen {
        let behind = self.server(arrived) - at as f64;
        Seen {
            at: arrived - behind.max(0.0),
            is_ahead: behind < -TOLERANCE_MS,
            doubt: (behind.abs() > TOLERANCE_MS).then_some(arrived),
        }
    }

    fn want(&mut self) {
        (self.is_wanted, self.asked) = (true, None);
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Compared, Now, PAUSE_MS};

    const HOUR: f64 = 3_600_000.0;

    fn now(monotonic: f64, date: f64) -> Now {
        Now { monotonic, date }
    }

    /// A clock that has asked at 0 ms, with a server whose clock shows `server` then; the browser's shows `date`.
    fn measured(date: f64, server: u64) -> Clock {
        let mut clock = Clock::new(now(0.0, date));
        assert!(clock.asks(now(0.0, date)));
        let first = clock.answered(Some(server), now(0.0, date));
        assert!(first.is_some());
        clock
    }

    #[test]
    fn the_offset_is_measured_and_not_what_the_browsers_date_says() {
        let clock = measured(9.0 * HOUR, 1_000_000);
        assert_eq!(clock.server(5_000.0), 1_005_000.0);
        let seen = clock.seen_by(1_004_000, 5_000.0);
        assert_eq!((seen.at, seen.is_ahead, seen.doubt), (4_000.0, false, None));
    }

    #[test]
    fn an_answer_counts_for_the_middle_of_its_way() {
        let mut clock = Clock::new(now(0.0, 0.0));
        assert!(clock.asks(now(0.0, 0.0)));
        clock.answered(Some(1_000_000), now(400.0, 400.0));
        assert_eq!(clock.server(200.0), 1_000_000.0);
    }

    #[test]
    fn a_browsers_date_that_is_set_changes_nothing() {
        for jump in [5.0 * HOUR, -5.0 * HOUR] {
            let mut clock = measured(HOUR, 1_000_000);
            let later = now(10_000.0, HOUR + 10_000.0 + jump);
            clock.look(later);
            assert!(clock.asks(later));
            let compared = clock.answered(Some(1_010_000), later);
            assert_eq!(compared, Some(Compared::default()));
            assert_eq!(clock.page(later), 10_000.0);
            assert_eq!(clock.latest(later), 10_000.0);
            assert_eq!(clock.server(10_000.0), 1_010_000.0);
        }
    }

    #[test]
    fn sleep_that_the_monotonic_clock_left_out_is_taken_in() {
        let mut clock = measured(HOUR, 1_000_000);
        let awake = now(10_000.0, HOUR + 10_000.0 + 8.0 * HOUR);
        clock.look(awake);
        assert_eq!(clock.latest(awake), 10_000.0 + 8.0 * HOUR);
        assert!(clock.asks(awake));
        let at = 1_010_000 + 8 * HOUR as u64;
        let compared = clock.answered(Some(at), awake).unwrap();
        assert_eq!((compared.slept, compared.has_moved), (8.0 * HOUR, true));
        assert_eq!(clock.page(awake), 10_000.0 + 8.0 * HOUR);
        assert_eq!(clock.latest(awake), clock.page(awake));
        assert_eq!(clock.server(clock.page(awake)), at as f64);
    }

    #[test]
    fn a_servers_clock_that_is_set_is_measured_anew() {
        let mut clock = measured(0.0, 10_000_000);
        let later = now(60_000.0, 60_000.0);
        let back = clock.seen(10_060_000 - HOUR as u64, later);
        assert_eq!((back.at, back.doubt), (60_000.0 - HOUR, Some(60_000.0)));
        assert!(clock.asks(later));
        let compared = clock.answered(Some(10_060_000 - HOUR as u64), later);
        let (slept, has_moved) = (0.0, true);
        assert_eq!(compared, Some(Compared { slept, has_moved }));
        let seen = clock.seen(10_060_000 - HOUR as u64, later);
        assert_eq!((seen.at, seen.doubt), (60_000.0, None));
        let ahead = clock.seen(10_060_000, later);
        assert!(ahead.is_ahead && ahead.at == 60_000.0);
    }

    #[test]
    fn it_asks_once_at_a_time_and_not_too_often() {
        let mut clock = measured(0.0, 10_000_000);
        assert!(!clock.asks(now(60_000.0, 60_000.0)), "for no reason");
        for old in 0..100 {
            clock.seen(old, now(60_000.0, 60_000.0));
        }
        assert!(clock.asks(now(60_000.0, 60_000.0)));
        assert!(!clock.asks(now(90_000.0, 90_000.0)), "it is asked");
        assert_eq!(clock.answered(None, now(60_010.0, 60_010.0)), None);
        assert!(!clock.asks(now(60_020.0, 60_020.0)), "too soon");
        assert!(clock.asks(now(60_010.0 + PAUSE_MS, 60_010.0 + PAUSE_MS)));
    }

    #[test]
    fn an_answer_over_a_jump_says_nothing() {
        let mut clock = measured(0.0, 10_000_000);
        clock.connected();
        assert!(clock.asks(now(10.0, 10.0)));
        assert_eq!(clock.answered(Some(10_000_020), now(20.0, HOUR)), None);
        clock.connected();
        assert!(clock.asks(now(30.0, HOUR + 10.0)));
    }
}
