//! A chart in words, for people who cannot see it: the latest, lowest and highest value of each line.

use super::card::Charted;
use crate::app::{model::device::Metric, text, view::state::App};
use leptos::prelude::*;

/// What the chart shows now.
pub(super) fn summary(charted: &Charted) -> String {
    let app = charted.device.app;
    let minutes = app.dash.view.with(|view| view.minutes);
    app.link.second.track();
    let to = app.dash.now();
    let from = to - f64::from(minutes) * 60_000.0;
    let lines = charted.shown().into_iter().map(|name| {
        let line = charted.device.read(|device| {
            let metric = device.metrics.get(&name)?;
            line(app, &name, metric, (from, to))
        });
        line.unwrap_or_else(|| text::fill(app.texts().chart_line_empty, &[&name]))
    });
    let lines: Vec<String> = lines.collect();
    text::fill(
        app.texts().chart_of,
        &[&minutes.to_string(), &lines.join(" ")],
    )
}

fn line(app: App, name: &str, metric: &Metric, (from, to): (f64, f64)) -> Option<String> {
    let mut buckets = metric.series.window(from, to);
    let first = *buckets.next()?;
    let (mut min, mut max, mut last) = (first.min, first.max, first.last);
    for bucket in buckets {
        min = min.min(bucket.min);
        max = max.max(bucket.max);
        last = bucket.last;
    }
    let unit = metric.unit.as_deref().unwrap_or_default();
    let written = |value| {
        let (value, unit) = app.prefs.intl.with_value(|intl| intl.quantity(value, unit));
        format!("{value} {unit}").trim_end().to_owned()
    };
    let [last, min, max] = [last, min, max].map(written);
    Some(text::fill(
        app.texts().chart_line,
        &[name, &last, &min, &max],
    ))
}
