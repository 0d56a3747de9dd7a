//! What the devices of the dashboard promise whatever the clocks do: nothing waits, and both clocks are virtual.

use super::{
    Devices,
    tests::{metric, reading},
};
use crate::app::model::clock::{Clock, Now};
use tertulia_shared::sensor::Value;

const HOUR: u64 = 3_600_000;

/// A page of which the browser's and the server's clocks are tried: the browser's monotonic clock shows `ms`, its date is
/// `skew` ahead of that, and the server's clock `offset`.
struct Page {
    devices: Devices,
    clock: Clock,
    offset: u64,
    skew: f64,
}

impl Page {
    fn new() -> Self {
        let mut page = Self {
            devices: Devices::default(),
            clock: Clock::new(now(0.0)),
            offset: 100 * HOUR,
            skew: 0.0,
        };
        page.compare(0.0);
        page
    }

    /// A reading that the server stamps `ago` before it comes, at `ms`.
    fn hears(&mut self, ms: f64, value: f64, ago: u64) {
        let at = ms as u64 + self.offset - ago;
        let seen = self.clock.seen(at, self.now(ms));
        self.devices
            .reading(reading("kitchen", "t", value, at), seen);
    }

    fn now(&self, ms: f64) -> Now {
        Now {
            monotonic: ms,
            date: ms + self.skew,
        }
    }

    fn compare(&mut self, ms: f64) {
        let now = self.now(ms);
        self.clock.look(now);
        if self.clock.asks(now) {
            let compared = self.clock.answered(Some(ms as u64 + self.offset), now);
            self.devices.settle(&self.clock, compared.unwrap());
        }
    }

    /// The age of the value, and how many points its chart has.
    fn age(&self, ms: f64) -> (Option<f64>, usize) {
        let metric = metric(&self.devices, "kitchen", "t");
        let age = metric
            .seen
            .map(|seen| self.clock.latest(self.now(ms)) - seen);
        (age, metric.series.buckets().count())
    }

    fn value(&self) -> Value {
        metric(&self.devices, "kitchen", "t").value.clone()
    }
}

fn now(ms: f64) -> Now {
    Now {
        monotonic: ms,
        date: ms,
    }
}

/// Breaks when: stamps decide what is newer.
#[test]
fn a_servers_clock_that_is_set_back_hides_no_reading() {
    let mut page = Page::new();
    page.hears(10_000.0, 20.0, 0);
    page.hears(11_000.0, 21.0, 0);
    page.offset -= HOUR;
    page.hears(12_000.0, 22.0, 0);
    assert_eq!(page.value(), Value::Number(22.0));
    assert_eq!(page.age(12_000.0).0, Some(1_000.0), "not compared yet");
    page.compare(12_000.0);
    assert_eq!(page.age(12_000.0).0, Some(0.0));
    page.hears(13_000.0, 23.0, 0);
    assert_eq!(page.value(), Value::Number(23.0));
    assert_eq!(page.age(13_000.0), (Some(0.0), 3));
}

#[test]
fn a_servers_clock_that_is_set_forward_makes_nothing_stale() {
    let mut page = Page::new();
    page.hears(10_000.0, 20.0, 0);
    page.offset += HOUR;
    page.hears(11_000.0, 21.0, 0);
    assert_eq!(page.age(11_000.0).0, Some(0.0));
    page.compare(11_000.0);
    page.hears(12_000.0, 22.0, 0);
    assert_eq!(page.age(12_000.0), (Some(0.0), 3));
}

/// Breaks when: a value that a rare device sent after the clock was set keeps the age that its stamp says.
#[test]
fn a_rare_device_is_fresh_after_the_servers_clock_was_set_back() {
    let mut page = Page::new();
    page.hears(10_000.0, 20.0, 0);
    page.offset -= HOUR;
    page.hears(2.0 * HOUR as f64, 21.0, 0);
    page.compare(2.0 * HOUR as f64);
    assert_eq!(page.age(2.0 * HOUR as f64).0, Some(0.0));
}

#[test]
fn sleep_makes_values_old_and_those_after_it_new() {
    let mut page = Page::new();
    page.hears(10_000.0, 20.0, 0);
    let awake = Now {
        monotonic: 11_000.0,
        date: 11_000.0 + 8.0 * HOUR as f64,
    };
    page.clock.look(awake);
    let age = page.clock.latest(awake) - metric(&page.devices, "kitchen", "t").seen.unwrap();
    assert_eq!(age, 1_000.0 + 8.0 * HOUR as f64);
    // One comes before the clocks are compared.
    let at = 11_000 + page.offset + 8 * HOUR;
    let seen = page.clock.seen(at, awake);
    page.devices
        .reading(reading("kitchen", "t", 21.0, at), seen);
    assert!(page.clock.asks(awake));
    let compared = page.clock.answered(Some(at), awake).unwrap();
    page.devices.settle(&page.clock, compared);
    let metric = metric(&page.devices, "kitchen", "t");
    assert_eq!(metric.seen, Some(page.clock.page(awake)));
    let times: Vec<f64> = metric.series.buckets().map(|bucket| bucket.at).collect();
    assert_eq!(times[1] - times[0], 1_000.0 + 8.0 * HOUR as f64);
}

#[test]
fn history_fills_the_chart_where_it_was_and_does_not_look_new() {
    let mut page = Page::new();
    for ago in (1..=600).rev() {
        page.hears(5.0, ago as f64, ago * 1_000);
    }
    assert_eq!(page.age(5.0), (Some(1_000.0), 600));
    page.compare(5_000.0);
    assert_eq!(page.age(5_000.0).0, Some(5_995.0));
    let metric = metric(&page.devices, "kitchen", "t");
    let first = metric.series.buckets().next().unwrap().at;
    assert_eq!(first, 5.0 - 600_000.0);
}

/// Breaks when: what the server stamped before its clock was set back piles up at the right edge of the chart, or is now.
#[test]
fn history_from_before_the_servers_clock_was_set_back_has_no_age() {
    let mut page = Page::new();
    for second in 0..60 {
        let at = page.offset + HOUR + second * 1_000;
        let seen = page.clock.seen(at, now(5.0));
        page.devices.reading(reading("kitchen", "t", 1.0, at), seen);
    }
    page.compare(2_500.0);
    assert_eq!(page.age(2_500.0), (None, 0));
    page.hears(3_000.0, 2.0, 1_000);
    assert_eq!(page.age(3_000.0), (Some(1_000.0), 1));
}

/// Breaks when: a stamp from the server's future moves the honest one after it to when it arrived.
#[test]
fn history_after_the_servers_clock_was_set_back_keeps_its_age() {
    let mut page = Page::new();
    let at = page.offset + HOUR;
    let seen = page.clock.seen(at, now(5_000.0));
    page.devices.reading(reading("kitchen", "t", 1.0, at), seen);
    page.hears(5_000.0, 2.0, 4_000);
    assert_eq!(page.age(5_000.0), (Some(4_000.0), 1));
}

/// Breaks when: some order of set clocks, sleep and readings hides a value, ages a fresh one or mixes up the chart.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn whatever_the_clocks_do_the_last_value_is_shown_and_fresh() {
    use crate::app::model::clock::TOLERANCE_MS;
    arbtest::arbtest(|random| {
        let (mut page, mut ms) = (Page::new(), 0.0);
        for number in 0..random.int_in_range(1..=40)? {
            ms += f64::from(random.int_in_range(0..=20_000)?);
            let hours = random.int_in_range(0..=200)?;
            match random.int_in_range(0..=4)? {
                0 => page.offset = hours * HOUR,
                1 => page.skew = (hours * HOUR) as f64,
                2 => {
                    // The machine sleeps, and its monotonic clock with it.
                    page.offset += hours * HOUR;
                    page.skew += (hours * HOUR) as f64;
                }
                _ => {}
            }
            page.hears(ms, f64::from(number), 0);
            assert_eq!(page.value(), Value::Number(f64::from(number)));
            if random.arbitrary()? {
                page.compare(ms);
            }
        }
        // The page looks at the clocks each second.
        for _ in 0..4 {
            ms += 1_000.0;
            page.hears(ms, -1.0, 0);
            page.compare(ms);
        }
        let age = page.age(ms).0.expect("a value of now has an age");
        assert!((0.0..=TOLERANCE_MS).contains(&age), "{age}");
        let now = page.clock.page(page.now(ms));
        let buckets = metric(&page.devices, "kitchen", "t").series.buckets();
        let times: Vec<f64> = buckets.map(|bucket| bucket.at).collect();
        assert!(
            times.is_sorted() && times.iter().all(|at| *at <= now),
            "{times:?} at {now}"
        );
        Ok(())
    });
}
