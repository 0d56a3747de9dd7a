//! Time since the driver began, never backwards, sleep included.

use std::time::Duration;

/// Reads the page's two clocks: `performance.now()` never jumps but may stop while the machine sleeps, `Date.now()`
/// counts sleep but jumps when somebody sets it. Each reading goes on by whichever advanced further, so that sleep
/// counts; a date set forward looks like sleep, and a date set back changes nothing.
#[derive(Debug)]
pub(super) struct Clock {
    elapsed_ms: f64,
    performance_ms: f64,
    date_ms: f64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            elapsed_ms: 0.0,
            performance_ms: performance_ms(),
            date_ms: js_sys::Date::now(),
        }
    }

    pub(super) fn now(&mut self) -> Duration {
        let (performance, date) = (performance_ms(), js_sys::Date::now());
        let advance = (performance - self.performance_ms).max(date - self.date_ms);
        self.elapsed_ms += advance.max(0.0);
        self.performance_ms = performance;
        self.date_ms = date;
        Duration::from_micros((self.elapsed_ms * 1_000.0) as u64)
    }
}

/// 0 where the page has no such clock; the date then counts alone.
fn performance_ms() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |performance| performance.now())
}
