//! The banner that tells a gap in the link, once it is long enough to bother anybody with, or that the link is doubtful.

use crate::{
    app::{
        text,
        view::{
            content::content,
            parts::{plain_button, when},
            sign,
            state::{App, app},
        },
    },
    connection::{Connection, Link},
};
use leptos::prelude::*;

/// Says that there is no link, when the next attempt comes, and lets the reader try now.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let app = app();
    let link = app.link;
    let is_told = move || {
        let now = link.moment.get();
        link.lights.with(|lights| lights.gap.is_told(now))
    };
    when(is_told, move || banner(app))
}

fn banner(app: App) -> AnyView {
    let retry = plain_button(["", "retry-now"], app.texts().retry_now, move || {
        sign::with_connection(app, Connection::open);
    });
    view! {
        <div class="banner" role="status" data-testid="banner">
            <span prop:textContent=content(move || state(app))></span>
            <span class="attempt" aria-hidden="true" prop:textContent=content(move || attempt(app))></span>
            {retry}
        </div>
    }
    .into_any()
}

fn state(app: App) -> String {
    let texts = app.texts();
    let now = app.link.second.get();
    app.link.lights.with(|lights| {
        if let Some(seconds) = lights.gap.countdown(now) {
            return text::fill(texts.banner_waiting, &[&seconds.to_string()]);
        }
        match lights.status.as_ref().map(|status| &status.link) {
            Some(Link::Connected) => texts.banner_silent.to_owned(),
            Some(Link::Disconnected(_)) => texts.banner_disconnected.to_owned(),
            _ => texts.banner_connecting.to_owned(),
        }
    })
}

fn attempt(app: App) -> String {
    match app.link.lights.with(|lights| lights.gap.attempt) {
        0 => String::new(),
        attempt => text::fill(app.texts().attempt, &[&attempt.to_string()]),
    }
}
