//! The page's two clocks.

use crate::clock::Reading;
use std::time::Duration;

/// `performance.now()` may stand still while the machine sleeps; `Date.now()` counts sleep.
pub(super) fn reading() -> Reading {
    let date = js_sys::Date::now();
    let monotonic = web_sys::window()
        .and_then(|window| window.performance())
        .map_or(date, |performance| performance.now());
    Reading {
        monotonic: duration(monotonic),
        date: duration(date),
    }
}

/// A negative number becomes 0.
fn duration(ms: f64) -> Duration {
    Duration::from_micros((ms * 1_000.0) as u64)
}
