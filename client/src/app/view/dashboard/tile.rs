//! One value: what, how much, how old. A click charts it.

use super::card::{Charted, Watched};
use crate::app::{
    model::{
        age::{Age, is_stale},
        command::is_on,
        devices::{Device, Metric},
        selection::MAX_SERIES,
    },
    view::state::App,
};
use leptos::prelude::*;
use tertulia_shared::sensor::Value;

/// A tile as it stands on the screen.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    value: String,
    unit: String,
    at: u64,
    usual_interval: Option<f64>,
    can_chart: bool,
    /// The place in the palette.
    color: usize,
}

/// The tile of a metric.
#[component]
pub(super) fn Tile(device: Watched, metric: String, charted: Charted) -> impl IntoView {
    let app = device.app;
    let texts = app.texts();
    let name = metric.clone();
    let shown = device.memo(move |device| shown(app, device, &name).unwrap_or_default());
    let age = Memo::new(move |_| {
        let now = app
            .dash
            .clock
            .with_value(|clock| clock.now(app.link.second.get()));
        let (at, usual) = shown.with(|shown| (shown.at as f64, shown.usual_interval));
        (Age::between(at, now), is_stale(now - at, usual))
    });
    let name = metric.clone();
    let is_charted = Memo::new(move |_| charted.shown.with(|names| names.contains(&name)));
    let name = metric.clone();
    let toggle = move |_| charted.toggle(&device, &name);
    let words = move || {
        let (age, stale) = age.get();
        let age = texts.age(age);
        if stale {
            format!("{} · {age}", texts.stale)
        } else {
            age
        }
    };
    view! {
        <button
            type="button"
            class=move || format!("tile series-{}", shown.with(|shown| shown.color))
            data-testid="tile"
            data-metric=metric.clone()
            class:stale=move || age.get().1
            aria-pressed=move || is_charted.get().to_string()
            disabled=move || shown.with(|shown| !shown.can_chart)
            title=texts.show_in_chart
            on:click=toggle
        >
            <span class="metric">{metric.replace('_', " ")}</span>
            <span class="value">
                {move || shown.with(|shown| shown.value.clone())}
                <span class="unit">{move || shown.with(|shown| shown.unit.clone())}</span>
            </span>
            <span class="age">{words}</span>
        </button>
    }
}

fn shown(app: App, device: &Device, name: &str) -> Option<Shown> {
    let metric = device.metrics.get(name)?;
    let (value, unit) = written(app, metric);
    Some(Shown {
        value,
        unit,
        at: metric.at,
        usual_interval: metric.series.interval(),
        can_chart: metric.series.buckets().next().is_some(),
        color: color(device, name),
    })
}

/// The place in the palette of the metric `name`: the same however many are charted.
pub(super) fn color(device: &Device, name: &str) -> usize {
    let place = device.metrics.keys().position(|metric| metric == name);
    place.unwrap_or_default() % MAX_SERIES
}

fn written(app: App, metric: &Metric) -> (String, String) {
    let texts = app.texts();
    let unit = metric.unit.as_deref().unwrap_or_default();
    match (&metric.value, is_on(&metric.value)) {
        (Value::Number(number), _) => app
            .prefs
            .intl
            .with_value(|intl| intl.quantity(*number, unit)),
        (_, Some(true)) => (texts.on.to_owned(), String::new()),
        (_, Some(false)) => (texts.off.to_owned(), String::new()),
        (value, None) => (value.to_string(), unit.to_owned()),
    }
}
