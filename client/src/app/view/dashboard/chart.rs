//! The live chart of a device: when to draw. At most once a frame, and only when data changed or time moved a pixel.
//!
//! Not here: how it is drawn (`paint`).

use super::{
    card::{Charted, Watched},
    paint::{self, Line, Picture},
    tile,
};
use crate::app::{
    text,
    view::{
        parts::words,
        state::{App, Tab},
    },
};
use leptos::{ev, html, prelude::*};

/// The width of the plot that is assumed to tell when time moved a pixel, in pixels.
const USUAL_WIDTH: f64 = 320.0;

/// Where the pointer is when it is not on the chart.
const AWAY: f64 = -1.0;

/// The chart of the metrics that the reader chose.
#[component]
pub(super) fn Chart(device: Watched, charted: Charted) -> impl IntoView {
    let app = device.app;
    let texts = app.texts();
    let canvas = NodeRef::<html::Canvas>::new();
    let pointer = RwSignal::new(AWAY);
    redraw(device, charted, canvas, pointer);
    let label = move || {
        let names = charted.shown.with(|names| names.join(", "));
        text::fill(texts.chart_of, &[&names])
    };
    view! {
        <canvas
            class="chart"
            role="img"
            data-testid="chart"
            aria-label=words(label)
            node_ref=canvas
            on:pointermove=move |event: ev::PointerEvent| pointer.set(f64::from(event.offset_x()))
            on:pointerleave=move |_| pointer.set(AWAY)
        ></canvas>
    }
}

/// Draws after each change of what the chart shows.
fn redraw(
    device: Watched,
    charted: Charted,
    canvas: NodeRef<html::Canvas>,
    pointer: RwSignal<f64>,
) {
    let app = device.app;
    let asked = StoredValue::new(false);
    let resized = RwSignal::new(0_u32);
    let listener = window_event_listener(ev::resize, move |_| resized.update(|count| *count += 1));
    on_cleanup(move || listener.remove());
    Effect::new(move |before: Option<Looks>| {
        let (minutes, look) = (
            app.dash.view.with(|view| view.minutes),
            app.prefs.look.get(),
        );
        let looks = Looks {
            version: device.version.get(),
            column: column(app.link.moment.get(), minutes),
            minutes,
            pointer: pointer.get(),
            is_dark: look.is_dark(),
            tab: look.tab,
            resized: resized.get(),
            shown: charted.shown.get(),
        };
        if asked.get_value() || before.as_ref() == Some(&looks) {
            return looks;
        }
        asked.set_value(true);
        let device = device.clone();
        request_animation_frame(move || {
            // The card may be gone by now, and its handles with it.
            if asked.try_set_value(false).is_none() {
                draw(&device, charted, canvas, pointer.get_untracked());
            }
        });
        looks
    });
}

/// What a drawing depends on.
#[derive(PartialEq)]
struct Looks {
    version: u32,
    column: i64,
    minutes: u32,
    pointer: f64,
    is_dark: bool,
    tab: Tab,
    resized: u32,
    shown: Vec<String>,
}

/// Grows when time has moved a pixel.
fn column(now: f64, minutes: u32) -> i64 {
    let pixel_ms = f64::from(minutes) * 60_000.0 / USUAL_WIDTH;
    (now / pixel_ms).floor() as i64
}

fn draw(device: &Watched, charted: Charted, canvas: NodeRef<html::Canvas>, pointer: f64) {
    let app = device.app;
    let Some(canvas) = canvas.get_untracked() else {
        return;
    };
    let now = now(app);
    let span = f64::from(app.dash.view.with_untracked(|view| view.minutes)) * 60_000.0;
    app.dash.devices.with_value(|devices| {
        let Some(device) = devices.get(&device.name) else {
            return;
        };
        let names = charted.shown.get_untracked();
        let lines: Vec<Line<'_>> = names
            .iter()
            .filter_map(|name| {
                let metric = device.metrics.get(name)?;
                let color = tile::color(device, name);
                Some(Line {
                    name,
                    metric,
                    color,
                })
            })
            .collect();
        app.prefs.intl.with_value(|intl| {
            let picture = Picture {
                lines: &lines,
                from: now - span,
                to: now,
                pointer,
                intl,
                waiting: app.texts().chart_waiting,
            };
            paint::paint(&canvas, &picture);
        });
    });
}

/// The server's time now.
fn now(app: App) -> f64 {
    let local = crate::app::browser::now();
    app.dash.clock.with_value(|clock| clock.now(local))
}
