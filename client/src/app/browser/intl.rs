//! Numbers, times and days as the reader's language writes them, by the browser's `Intl`.
//!
//! Not here: which decimals and units to show (`model::number`).

use crate::app::{
    model::number::{self, Style},
    text::Lang,
};
use js_sys::{
    Array, Date, Function,
    Intl::{DateTimeFormat, NumberFormat},
    Object, Reflect,
};
use wasm_bindgen::JsValue;

/// The most decimals of a number.
const MAX_DECIMALS: usize = 6;

/// The formatters of one language; making one is slow, so they are made once.
pub(crate) struct Intl {
    /// By their decimals.
    numbers: Vec<Function>,
    scientific: Function,
    time: Function,
    time_with_seconds: Function,
    day: Function,
}

impl Intl {
    pub(crate) fn new(lang: Lang) -> Self {
        let locales = Array::of1(&lang.tag().into());
        let date = |options: &[(&str, &str)]| {
            DateTimeFormat::new(
                &locales,
                &object(options.iter().map(|(k, v)| (*k, (*v).into()))),
            )
            .format()
        };
        let two = "2-digit";
        let time = [("hour", two), ("minute", two), ("hourCycle", "h23")];
        let time_with_seconds = [time[0], time[1], time[2], ("second", two)];
        Self {
            numbers: (0..=MAX_DECIMALS)
                .map(|decimals| number_format(&locales, decimals, "standard"))
                .collect(),
            scientific: number_format(&locales, MAX_DECIMALS, "scientific"),
            time: date(&time),
            time_with_seconds: date(&time_with_seconds),
            day: date(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]),
        }
    }

    /// A number in that style.
    pub(crate) fn number(&self, value: f64, style: Style) -> String {
        let format = match style {
            Style::Fixed(decimals) => self.numbers.get(usize::from(decimals)),
            Style::Scientific if value == 0.0 => self.numbers.first(),
            Style::Scientific => None,
        };
        call(format.unwrap_or(&self.scientific), &value.into())
    }

    /// A value and its unit as people read it.
    pub(crate) fn quantity(&self, value: f64, unit: &str) -> (String, String) {
        let readable = number::readable(value, unit);
        (
            self.number(readable.value, readable.style),
            format!("{}{}", readable.prefix, readable.unit),
        )
    }

    /// Hour and minute.
    pub(crate) fn time(&self, at: f64) -> String {
        call(&self.time, &Date::new(&at.into()))
    }

    /// Hour, minute and second.
    pub(crate) fn time_with_seconds(&self, at: f64) -> String {
        call(&self.time_with_seconds, &Date::new(&at.into()))
    }

    /// Weekday, day and month.
    pub(crate) fn day(&self, at: f64) -> String {
        call(&self.day, &Date::new(&at.into()))
    }
}

/// The reader's time zone as it is today.
#[derive(Clone, Copy)]
pub(crate) struct TimeZone {
    /// Local time minus UTC, in milliseconds.
    offset: f64,
}

/// The reader's time zone.
pub(crate) fn time_zone() -> TimeZone {
    let offset = -Date::new_0().get_timezone_offset() * 60_000.0;
    TimeZone { offset }
}

impl TimeZone {
    /// A number for the day on which a time falls.
    pub(crate) fn day_number(self, at: u64) -> i64 {
        ((at as f64 + self.offset) / 86_400_000.0).floor() as i64
    }
}

fn number_format(locales: &Array, decimals: usize, notation: &str) -> Function {
    let options = [
        ("maximumFractionDigits", JsValue::from(decimals as u32)),
        ("notation", notation.into()),
    ];
    NumberFormat::new(locales, &object(options.into_iter())).format()
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, JsValue)>) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
}

fn call(format: &Function, value: &JsValue) -> String {
    let text = format.call1(&JsValue::UNDEFINED, value).ok();
    text.and_then(|text| text.as_string()).unwrap_or_default()
}
