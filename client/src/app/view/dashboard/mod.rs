//! The dashboard: one card a device, which appear by themselves.

pub(crate) mod actions;
mod card;
mod chart;
mod command_form;
mod controls;
mod paint;
mod tile;

use super::state::app;
use crate::app::{browser::storage, text};
use card::Card;
use leptos::prelude::*;

/// The time spans that charts can show, in minutes.
const SPANS: [u32; 3] = [1, 5, 15];

/// The dashboard.
#[component]
pub(crate) fn DashboardPanel() -> impl IntoView {
    let app = app();
    let (dash, texts) = (app.dash, app.texts());
    let is_empty = move || dash.names.with(Vec::is_empty);
    view! {
        <div class="dash-head">
            <h2>{texts.devices}</h2>
            <Spans />
        </div>
        <Notes />
        <Show when=is_empty>
            <div class="empty">
                <p class="title">{texts.no_devices}</p>
                <p>{texts.no_devices_hint}</p>
                <code>"mosquitto_pub -t sensors/kitchen/temperature -m 21.5"</code>
            </div>
        </Show>
        <div class="cards">
            <For each=move || dash.names.get() key=Clone::clone let:name>
                <Card name=name />
            </For>
        </div>
    }
}

/// The choice of the charts' time span.
#[component]
fn Spans() -> impl IntoView {
    let app = app();
    let (minutes, texts) = (app.dash.minutes, app.texts());
    let span = move |span: u32| {
        let choose = move |_| {
            storage::set("minutes", &span.to_string());
            minutes.set(span);
        };
        view! {
            <button type="button" aria-pressed=move || (minutes.get() == span).to_string() on:click=choose>
                {text::fill(texts.minutes, &[&span.to_string()])}
            </button>
        }
    };
    view! {
        <div class="spans" role="group" aria-label=texts.window>
            {SPANS.map(span).into_iter().collect_view()}
        </div>
    }
}

/// What the dashboard does not show, and why.
#[component]
fn Notes() -> impl IntoView {
    let app = app();
    let (dash, texts) = (app.dash, app.texts());
    let counted = move |count: u64, template: &str| {
        (count > 0).then(|| text::fill(template, &[&count.to_string()]))
    };
    let hidden = move || counted(dash.hidden.get() as u64, texts.more_devices);
    let skipped = move || counted(dash.skipped.get(), texts.skipped);
    let refused = move || {
        let failure = dash.failure.get()?;
        Some(text::fill(
            texts.dashboard_refused,
            &[&texts.failure(&failure)],
        ))
    };
    let note = move |words: Option<String>| {
        words.map(|words| view! { <p class="note" role="status">{words}</p> })
    };
    view! {
        {move || note(hidden())}
        {move || note(skipped())}
        {move || note(refused())}
    }
}
