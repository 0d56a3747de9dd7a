//! How old something is, on a machine whose clock may be wrong: this counts the time that really passed.
//!
//! People are shown the wall clock's time; data expires by this one. It starts at the wall clock's time and follows a steady
//! clock, which nobody sets, also over restarts. The wall clock may be ahead of it because somebody set it, or because the
//! machine was off. Such a lead counts only once the machine has run for [`TRUST`] without the wall clock going back.
//!
//! Not here: what is too old (`retention`, `hub::history`), and tokens, which expire by the wall clock.

use super::{Clock, save::millis};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long the server must run with a wall clock that is ahead before the lead counts.
pub const TRUST: Duration = Duration::from_secs(24 * 60 * 60);
/// How much a wall clock that is corrected little by little goes back meanwhile.
const SLEW: Duration = Duration::from_secs(60);

/// The times of one moment, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// What the wall clock says.
    pub wall: u64,
    /// The time by which data expires: it never jumps.
    pub aged: u64,
    /// The stamp of data that begins to age now: the later of `aged` and `wall`, whichever of them is right.
    pub born: u64,
}

/// The part that outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lived {
    /// The time, in milliseconds since 1970-01-01 UTC.
    pub(super) aged: u64,
    /// By how much the wall clock has been ahead at least, in milliseconds.
    pub(super) ahead: u64,
    /// For how long it has been, in milliseconds in which the server ran.
    pub(super) trusted: u64,
}

impl Lived {
    /// The state that begins at a time.
    pub(super) fn from(aged: u64) -> Self {
        Self {
            aged,
            ahead: 0,
            trusted: 0,
        }
    }

    /// Adds the time that passed; `wall` is what the wall clock says now.
    fn pass(&mut self, passed: u64, wall: u64) {
        self.aged = self.aged.saturating_add(passed);
        let ahead = wall.saturating_sub(self.aged);
        if self.ahead == 0 || ahead.saturating_add(millis(SLEW)) < self.ahead {
            (self.ahead, self.trusted) = (ahead, 0);
            return;
        }
        self.trusted = self.trusted.saturating_add(passed);
        if self.trusted >= millis(TRUST) {
            let counts = self.ahead.min(ahead);
            self.aged += counts;
            (self.ahead, self.trusted) = (ahead - counts, 0);
        }
    }
}

/// Counts the time.
#[derive(Debug)]
pub struct Age {
    clock: Clock,
    steady: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lived: Lived,
    /// What the steady clock said last.
    steady: u64,
}

impl Age {
    /// Begins now, with the wall clock as the steady clock.
    pub fn new(clock: Clock) -> Arc<Self> {
        Self::going_on(Lived::from(clock()), clock, clock)
    }

    /// Continues from the state that an earlier process stored.
    pub(super) fn going_on(lived: Lived, clock: Clock, steady: Clock) -> Arc<Self> {
        let state = State {
            lived,
            steady: steady(),
        };
        Arc::new(Self {
            clock,
            steady,
            state: Mutex::new(state),
        })
    }

    /// The wall clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The times of now.
    pub fn now(&self) -> Times {
        let wall = (self.clock)();
        let aged = self.lived_at(wall).aged;
        Times {
            wall,
            aged,
            born: aged.max(wall),
        }
    }

    /// The state to store.
    pub(super) fn lived(&self) -> Lived {
        self.lived_at((self.clock)())
    }

    fn lived_at(&self, wall: u64) -> Lived {
        let mut state = self.state();
        let steady = (self.steady)();
        let passed = steady.saturating_sub(state.steady);
        state.steady = state.steady.max(steady);
        state.lived.pass(passed, wall);
        state.lived
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lived, TRUST, millis};

    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const START: u64 = 1_800_000_000_000;

    /// A machine on which time passes by the minute.
    struct Machine {
        lived: Lived,
        wall: u64,
    }

    impl Machine {
        fn new() -> Self {
            let lived = Lived::from(START);
            Self { lived, wall: START }
        }

        /// It runs; gives how much older everything became.
        fn runs(&mut self, time: u64) -> u64 {
            let before = self.lived.aged;
            for _ in 0..time / MINUTE {
                self.wall += MINUTE;
                self.lived.pass(MINUTE, self.wall);
            }
            self.lived.aged - before
        }

        /// Its clock is set forward, or it is off: to what is lived both are the same.
        fn jumps(&mut self, time: u64) {
            self.wall += time;
        }
    }

    #[test]
    fn time_that_passes_counts_and_a_jump_does_not() {
        let mut machine = Machine::new();
        assert_eq!(machine.runs(3 * DAY), 3 * DAY);
        machine.jumps(370 * DAY);
        assert_eq!(machine.runs(23 * HOUR), 23 * HOUR);
        machine.wall -= 370 * DAY;
        assert_eq!(machine.runs(30 * DAY), 30 * DAY);
        // Back is no other: nothing becomes younger, and time goes on.
        machine.wall -= 370 * DAY;
        assert_eq!(machine.runs(30 * DAY), 30 * DAY);
        machine.wall += 370 * DAY;
        assert_eq!(machine.runs(30 * DAY), 30 * DAY);
    }

    #[test]
    fn time_off_counts_once_the_clock_is_trusted() {
        let mut machine = Machine::new();
        machine.runs(DAY);
        machine.jumps(30 * DAY);
        let until = millis(TRUST);
        assert_eq!(machine.runs(until), until);
        assert_eq!(machine.runs(HOUR), 30 * DAY + HOUR);
        assert_eq!(machine.lived.aged, machine.wall);
    }

    #[test]
    fn a_machine_that_runs_two_hours_a_day_ages_nevertheless() {
        let mut machine = Machine::new();
        for _ in 0..365 {
            machine.runs(2 * HOUR);
            machine.jumps(22 * HOUR);
        }
        let behind = machine.wall - machine.lived.aged;
        assert!(behind < 40 * DAY, "{} days", behind / DAY);
    }

    #[test]
    fn a_second_jump_is_trusted_by_itself() {
        let mut machine = Machine::new();
        machine.jumps(HOUR);
        machine.runs(23 * HOUR);
        machine.jumps(370 * DAY);
        // The hour counts by now; the year is seen for as long only.
        assert_eq!(machine.runs(2 * HOUR), 3 * HOUR);
        machine.wall -= 370 * DAY;
        assert_eq!(machine.runs(2 * DAY), 2 * DAY);
    }

    #[test]
    fn a_clock_that_is_slewed_is_a_good_one() {
        let mut machine = Machine::new();
        machine.jumps(DAY);
        for _ in 0..2 * DAY / MINUTE {
            machine.runs(MINUTE);
            // 500 millionths, as NTP does it.
            machine.wall -= 30;
        }
        assert!(machine.wall.abs_diff(machine.lived.aged) < 2 * MINUTE);
    }
}
