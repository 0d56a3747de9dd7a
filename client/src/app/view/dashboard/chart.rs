//! The live chart of a device: when to draw. At most once a frame, and only when data changed or time moved a pixel.
//!
//! Not here: how it is drawn (`paint`).

use super::{
    card::{Charted, Watched},
    paint::{self, Line, Picture},
    summary::summary,
    tile,
};
use crate::app::view::{
    parts::{effect, words},
    state::{App, Look},
};
use leptos::{ev, html, prelude::*};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use web_sys::HtmlCanvasElement;

/// The width of the plot that is assumed to tell when time moved a pixel, in pixels.
const USUAL_WIDTH: f64 = 320.0;

/// Where the pointer is when it is not on the chart.
const AWAY: f64 = -1.0;

/// The chart of the metrics that the reader chose.
#[component]
pub(super) fn Chart(charted: Charted) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let pointer = RwSignal::new(AWAY);
    redraw(charted.clone(), canvas, pointer);
    let label = move || summary(&charted);
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
fn redraw(charted: Charted, canvas: NodeRef<html::Canvas>, pointer: RwSignal<f64>) {
    let drawn: Rc<RefCell<Option<Looks>>> = Rc::default();
    let is_asked = Rc::new(Cell::new(false));
    effect(move || {
        let looks = Looks::of(&charted, pointer);
        if drawn.borrow().as_ref() == Some(&looks) {
            return;
        }
        drawn.replace(Some(looks));
        if is_asked.replace(true) {
            return;
        }
        let (device, drawn, is_asked) = (charted.device.clone(), drawn.clone(), is_asked.clone());
        request_animation_frame(move || {
            is_asked.set(false);
            // The card may be gone by now, and the canvas with it.
            let canvas = canvas.try_get_untracked().flatten();
            if let (Some(canvas), Some(looks)) = (canvas, &*drawn.borrow()) {
                draw(&device, looks, &canvas);
            }
        });
    });
}

/// What a drawing depends on.
#[derive(PartialEq)]
struct Looks {
    version: u32,
    column: i64,
    minutes: u32,
    pointer: f64,
    look: Look,
    shown: Vec<String>,
}

impl Looks {
    fn of(charted: &Charted, pointer: RwSignal<f64>) -> Self {
        let Watched { app, version, .. } = charted.device;
        let (look, minutes) = (
            app.prefs.look.get(),
            app.dash.view.with(|view| view.minutes),
        );
        Self {
            version: version.get(),
            column: column(app, minutes),
            minutes,
            pointer: pointer.get(),
            look,
            shown: charted.shown(),
        }
    }
}

/// Grows when time has moved a pixel.
fn column(app: App, minutes: u32) -> i64 {
    app.link.moment.track();
    let pixel_ms = f64::from(minutes) * 60_000.0 / USUAL_WIDTH;
    (app.dash.now() / pixel_ms).floor() as i64
}

fn draw(device: &Watched, looks: &Looks, canvas: &HtmlCanvasElement) {
    let app = device.app;
    let now = app.dash.now();
    let server = app.dash.clock.with_value(|clock| clock.server(now));
    let span = f64::from(looks.minutes) * 60_000.0;
    app.dash.devices.with_value(|devices| {
        let Some(device) = devices.get(&device.name) else {
            return;
        };
        let names = &looks.shown;
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
                clock: server - now,
                pointer: looks.pointer,
                intl,
                waiting: app.texts().chart_waiting,
            };
            paint::paint(canvas, &picture);
        });
    });
}
