//! The dashboard: one card a device, which appear by themselves.

pub(crate) mod actions;
mod card;
mod chart;
mod command_form;
mod controls;
pub(crate) mod intake;
mod paint;
mod state;
mod summary;
mod tile;
mod toolbar;

use super::{
    hint,
    parts::{list, live, note, press, when, words},
    state::{App, app},
};
use crate::app::{browser::storage, model::devices::MAX_DEVICES, text};
use leptos::prelude::*;
pub(crate) use state::DashState;
use state::SPANS;

/// The dashboard.
#[component]
pub(crate) fn DashboardPanel() -> impl IntoView {
    let app = app();
    let (view, texts) = (app.dash.view, app.texts());
    let is_empty = move || view.with(|view| view.count.0 == 0);
    let names = move || view.with(|view| view.names.clone());
    view! {
        <div class="dash-head">
            <h2>{texts.devices}</h2>
            <div class="spans" role="group" aria-label=texts.window>
                {SPANS.map(|minutes| span(app, minutes)).into_iter().collect_view()}
            </div>
        </div>
        {live(move || notes(app))}
        {when(move || toolbar::is_needed(app), move || toolbar::toolbar(app))}
        {when(is_empty, move || empty(app))}
        <div class="cards">{list(names, move |name| card::card(app, name))}</div>
        {live(move || toolbar::more(app))}
    }
}

/// Chooses a time span for the charts.
fn span(app: App, minutes: u32) -> AnyView {
    let view = app.dash.view;
    let choose = press(move || {
        storage::set("minutes", &minutes.to_string());
        view.update(|view| view.minutes = minutes);
    });
    let is_chosen = words(move || view.with(|view| view.minutes == minutes).to_string());
    view! {
        <button type="button" aria-pressed=is_chosen on:click=choose>
            {text::fill(app.texts().minutes, &[&minutes.to_string()])}
        </button>
    }
    .into_any()
}

fn empty(app: App) -> AnyView {
    let texts = app.texts();
    view! {
        <div class="empty">
            <p class="title">{texts.no_devices}</p>
            {hint::publish(
                app,
                [texts.no_devices_hint, texts.no_devices_hint_alone],
                || ("sensors/kitchen/temperature".to_owned(), "21.5"),
            )}
        </div>
    }
    .into_any()
}

/// What the dashboard does not show, and why.
fn notes(app: App) -> AnyView {
    let texts = app.texts();
    let mut notes = Vec::new();
    app.dash.view.with(|view| {
        if view.hidden > 0 {
            let counts = [MAX_DEVICES, view.hidden].map(|count| count.to_string());
            notes.push(text::fill(
                texts.more_devices,
                &counts.each_ref().map(|it| &**it),
            ));
        }
        if view.skipped > 0 {
            notes.push(text::fill(texts.skipped, &[&view.skipped.to_string()]));
        }
        if let Some(failure) = &view.failure {
            notes.push(text::fill(
                texts.dashboard_refused,
                &[&texts.failure(failure)],
            ));
        }
    });
    let notes: Vec<AnyView> = notes.into_iter().map(|words| note("note", words)).collect();
    notes.into_any()
}
