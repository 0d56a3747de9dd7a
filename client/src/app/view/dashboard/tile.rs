//! One value: what, how much, how old. A click charts it.

use super::card::{Charted, Watched};
use crate::app::{
    model::{
        age::Age,
        command::is_on,
        device::{Device, Metric},
        selection::MAX_SERIES,
    },
    view::{
        content::Content,
        parts::{live, nothing, press, words},
        state::App,
    },
};
use leptos::prelude::*;
use tertulia_shared::sensor::Value;

/// The tile of a metric.
pub(super) fn tile(device: &Watched, metric: String, charted: &Charted) -> AnyView {
    let app = device.app;
    let of = || (device.clone(), metric.clone());
    let (watched, name) = of();
    let class = words(move || watched.read(|device| class(app, device, &name)));
    let (watched, name) = of();
    let values = live(move || {
        let values =
            watched.read(|device| device.metrics.get(&name).map(|metric| values(app, metric)));
        values.unwrap_or_else(nothing)
    });
    let (of_chart, name) = (charted.clone(), metric.clone());
    let is_charted = words(move || of_chart.shown().contains(&name).to_string());
    let (of_chart, name) = (charted.clone(), metric.clone());
    let toggle = press(move || of_chart.toggle(&name));
    view! {
        <button
            type="button"
            class=class
            data-testid="tile"
            data-metric=metric.clone()
            aria-pressed=is_charted
            title=app.texts().show_in_chart
            on:click=toggle
        >
            <span class="metric" translate="no">{metric.replace('_', " ")}</span>
            {values}
        </button>
    }
    .into_any()
}

/// The value with its unit, and its age.
fn values(app: App, metric: &Metric) -> AnyView {
    let texts = app.texts();
    let unit = metric.unit.as_deref().unwrap_or_default();
    let (value, unit) = written(app, &metric.value, unit);
    let (age, is_stale) = age(app, metric);
    // Seen by the dashed frame, heard by the word.
    let stale = if is_stale && age.is_some() {
        texts.stale
    } else {
        ""
    };
    let age = age.map_or_else(|| texts.age_unknown.to_owned(), |age| texts.age(age));
    view! {
        <span class="value" translate="no">
            <span prop:textContent=Content::from(value)></span>
            <span class="unit" prop:textContent=Content::from(unit)></span>
        </span>
        <span class="age">
            <span class="hidden" prop:textContent=Content::from(stale)></span> <span prop:textContent=Content::from(age)></span>
        </span>
    }
    .into_any()
}

fn class(app: App, device: &Device, name: &str) -> String {
    let metric = device.metrics.get(name);
    let is_stale = metric.is_some_and(|metric| age(app, metric).1);
    let stale = if is_stale { " stale" } else { "" };
    let width = metric.map_or("", |metric| width(app, metric));
    format!("tile series-{}{stale}{width}", color(device, name))
}

/// The room that the value needs: nothing of it is ever cut off.
fn width(app: App, metric: &Metric) -> &'static str {
    let unit = metric.unit.as_deref().unwrap_or_default();
    let (value, unit) = written(app, &metric.value, unit);
    match value.chars().count() + unit.chars().count() {
        0..=9 => "",
        10..=22 => " wide",
        _ => " wide long",
    }
}

/// How old the value is, where anybody knows, and whether that is too old.
fn age(app: App, metric: &Metric) -> (Option<Age>, bool) {
    app.link.second.track();
    let now = app.dash.latest();
    let age = metric.seen.map(|seen| Age::between(seen, now));
    (age, metric.is_stale(now))
}

/// The place in the palette of the metric `name`: the same however many are charted.
pub(super) fn color(device: &Device, name: &str) -> usize {
    let place = device.metrics.position(name);
    place.unwrap_or_default() % MAX_SERIES
}

/// A value and its unit as people read them.
pub(super) fn written(app: App, value: &Value, unit: &str) -> (String, String) {
    let texts = app.texts();
    let words = match (value, is_on(value)) {
        (Value::Number(number), _) => {
            let intl = app.prefs.intl;
            return intl.with_value(|intl| intl.quantity(*number, unit));
        }
        (Value::Flag(true), _) | (_, Some(true)) => texts.on,
        (Value::Flag(false), _) | (_, Some(false)) => texts.off,
        (Value::Text(text), None) => return (text.clone(), unit.to_owned()),
    };
    (words.to_owned(), String::new())
}
