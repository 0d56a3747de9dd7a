//! What the axes of a chart promise, for any finite numbers.

use super::{MAX_TICKS, Range, range_of, runs, time_step, time_ticks};
use crate::app::model::series::{MAX_BUCKETS, Series};

#[track_caller]
fn check(min: f64, max: f64, low: f64, high: f64) {
    let range = Range::around(min, max, 4);
    assert!((range.low - low).abs() < 1e-6, "{range:?}");
    assert!((range.high - high).abs() < 1e-6, "{range:?}");
    assert!(range.step > 0.0);
}

#[test]
fn ends_are_round() {
    check(0.0, 100.0, 0.0, 100.0);
    check(21.3, 21.9, 21.2, 22.0);
    check(-3.0, 7.0, -5.0, 10.0);
    check(1_200.0, 86_000.0, 0.0, 100_000.0);
}

#[test]
fn a_constant_has_a_range_too() {
    for value in [0.0, 5.0, -2.0, 1e9, 5e-324, f64::MAX, f64::MIN] {
        let range = Range::around(value, value, 4);
        assert!(range.low <= value && value <= range.high && range.low < range.high);
    }
}

#[test]
fn no_tick_is_beyond_the_greatest_number() {
    let range = Range::around(-1.4822657520746342e305, f64::MAX, 4);
    let ticks: Vec<f64> = range.ticks().collect();
    assert_eq!(ticks.last(), Some(&f64::MAX), "{ticks:?}");
}

#[test]
fn what_is_never_negative_has_no_negative_axis() {
    assert_eq!(Range::around(0.0, 0.0, 4).low, 0.0);
    assert_eq!(Range::around(0.01, 0.02, 4).low, 0.01);
}

#[test]
fn ticks_reach_from_end_to_end() {
    let ticks: Vec<f64> = Range::around(0.0, 9.0, 4).ticks().collect();
    assert_eq!(ticks, [0.0, 5.0, 10.0]);
    let ticks: Vec<f64> = Range::around(1.2e-7, 1.5e-7, 3).ticks().collect();
    assert!((ticks[1] - ticks[0] - 1e-8).abs() < 1e-15, "{ticks:?}");
    let ticks: Vec<f64> = Range::around(-0.3, 0.3, 3).ticks().collect();
    assert!(ticks.contains(&0.0), "{ticks:?}");
}

#[test]
fn a_gap_breaks_the_line() {
    let mut series = Series::default();
    for at in [0.0, 1_000.0, 2_000.0, 9_000.0, 10_000.0] {
        series.push(at, 1.0, MAX_BUCKETS);
    }
    let runs = runs(series.buckets(), 3_000.0);
    assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn nothing_has_no_range() {
    assert!(range_of([Series::default()].iter(), 0.0, 1.0, 4).is_none());
}

#[test]
fn time_ticks_are_round_times() {
    assert_eq!(time_step(60e3, 4), 15e3);
    assert_eq!(time_step(300e3, 4), 120e3);
    assert_eq!(time_step(900e3, 4), 300e3);
    assert_eq!(time_step(1e9, 1), 1_800e3);
    let (ticks, step) = time_ticks(1_000.0, 61_000.0, 4);
    assert_eq!((ticks, step), (vec![15e3, 30e3, 45e3, 60e3], 15e3));
    for (from, to) in [(0.0, 1e300), (1e300, 1e301), (5.0, 5.0), (9.0, 3.0)] {
        assert!(time_ticks(from, to, 4).0.len() <= MAX_TICKS as usize);
    }
}

/// With random numbers, which only native tests have.
#[cfg(not(target_arch = "wasm32"))]
mod any {
    use super::{MAX_BUCKETS, MAX_TICKS, Series, range_of};
    use crate::app::model::plot::Plot;

    /// A finite number: of any size, or one of those with which arithmetic goes wrong, or close to the one before.
    fn number(random: &mut arbitrary::Unstructured<'_>, before: f64) -> arbitrary::Result<f64> {
        const ODD: [f64; 12] = [
            0.0,
            -0.0,
            5e-324,
            -5e-324,
            1e39,
            3.5e38,
            -4e38,
            1.7e308,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            f64::EPSILON,
        ];
        let number = match random.int_in_range(0..=3)? {
            0 => f64::from_bits(random.arbitrary()?),
            1 => *random.choose(&ODD)?,
            2 => before.next_up(),
            _ => before,
        };
        Ok(if number.is_finite() { number } else { 1.0 })
    }

    /// Breaks when: some finite numbers make a loop without end, a range that is none, or a point outside of the canvas.
    #[test]
    fn any_finite_numbers_have_axes_and_places() {
        arbtest::arbtest(|random| {
            let mut series = Series::default();
            let (mut at, mut value) = (0.0, 1.0);
            for _ in 0..random.int_in_range(1..=8)? {
                value = number(random, value)?;
                at += f64::from(random.int_in_range(0..=9_000_u16)?);
                series.push(at, value, MAX_BUCKETS);
            }
            let ticks = random.int_in_range(0..=6_usize)?;
            let range = range_of([&series].into_iter(), 0.0, at, ticks).unwrap();
            assert!(range.low.is_finite() && range.high.is_finite(), "{range:?}");
            assert!(range.low < range.high && range.step > 0.0, "{range:?}");
            let all: Vec<f64> = range.ticks().collect();
            assert!(
                (2..=MAX_TICKS as usize + 1).contains(&all.len()),
                "{range:?}"
            );
            assert!(all.iter().all(|tick| tick.is_finite()), "{range:?} {all:?}");
            assert!(
                all.windows(2).all(|two| two[0] < two[1]),
                "{range:?} {all:?}"
            );
            let (from, to) = (at - 300_000.0, at);
            let plot = Plot {
                left: 60.0,
                right: 320.0,
                top: 20.0,
                bottom: 140.0,
                from,
                to,
                range,
            };
            for bucket in series.buckets() {
                assert!((-200.0..=320.0).contains(&plot.x(bucket.at)), "{bucket:?}");
                for value in [bucket.min, bucket.max, bucket.last] {
                    let y = plot.y(value);
                    assert!((20.0..=140.0).contains(&y), "{value} at {y} in {range:?}");
                }
                assert!(
                    range.low <= bucket.min && bucket.max <= range.high,
                    "{range:?}"
                );
            }
            assert_eq!(plot.time(330.0), None);
            assert_eq!(plot.time(320.0), Some(to));
            Ok(())
        })
        .budget_ms(1_000);
    }
}
