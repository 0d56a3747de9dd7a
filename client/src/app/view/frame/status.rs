//! Three lights: the browser's link to the server, the server's bridge to the broker, the devices.
//!
//! Each says in words what its colour says.

use super::icons;
use crate::{
    app::{
        model::link,
        text,
        view::{
            parts::{live, words},
            state::{App, Lights, app},
        },
    },
    connection::Link,
};
use leptos::prelude::*;
use tertulia_shared::bridge::BridgeState;

/// The status line.
#[component]
pub(crate) fn StatusLine() -> impl IntoView {
    let app = app();
    view! {
        <div class="status" role="group" aria-label=app.texts().status>
            {link_light(app)}
            {bridge_light(app)}
            {devices_light(app)}
        </div>
    }
}

fn link_light(app: App) -> AnyView {
    let lights = app.link.lights;
    let link = words(move || lights.with(link_word).to_owned());
    let transport = words(move || lights.with(transport));
    let inside = live(move || {
        let tone = match lights.with(link_word) {
            "connected" => "good",
            "disconnected" => "bad",
            _ => "wait",
        };
        light(
            tone,
            app.texts().link,
            lights.with(|lights| link_words(app, lights)),
        )
    });
    view! {
        <span class="light" data-testid="status-link" data-link=link data-transport=transport>
            {inside}
        </span>
    }
    .into_any()
}

fn link_word(lights: &Lights) -> &'static str {
    let status = lights.status.as_ref();
    status.map_or("connecting", |status| link::word(&status.link))
}

fn transport(lights: &Lights) -> String {
    let transport = lights.status.as_ref().and_then(|status| status.transport);
    transport
        .map(|transport| transport.to_string())
        .unwrap_or_default()
}

fn link_words(app: App, lights: &Lights) -> String {
    let texts = app.texts();
    let (state, attempt) = match lights.status.as_ref().map(|status| &status.link) {
        Some(Link::Connected) => (texts.link_connected, 0),
        Some(Link::Connecting { attempt }) => (texts.link_connecting, *attempt),
        Some(Link::Waiting { attempt, .. }) => (texts.link_waiting, *attempt),
        Some(Link::Disconnected(_)) => (texts.link_disconnected, 0),
        None => (texts.link_connecting, 0),
    };
    let words = with_attempt(app, state, attempt);
    match transport(lights).as_str() {
        "" => words,
        transport => format!("{words} · {transport}"),
    }
}

fn bridge_light(app: App) -> AnyView {
    let lights = app.link.lights;
    let state = words(move || bridge(&lights.get()).0.to_owned());
    let broker = words(move || {
        let bridge = lights.get().bridge;
        bridge.map(|bridge| bridge.broker).unwrap_or_default()
    });
    let inside = live(move || {
        let texts = app.texts();
        let (word, attempt) = bridge(&lights.get());
        let (tone, words) = match word {
            "up" => ("good", texts.bridge_up),
            "down" => ("bad", texts.bridge_down),
            _ => ("idle", texts.unknown),
        };
        light(tone, texts.bridge, with_attempt(app, words, attempt))
    });
    view! {
        <span class="light" data-testid="status-bridge" data-state=state title=broker>
            {inside}
        </span>
    }
    .into_any()
}

/// The state of the bridge in one word, and its attempt.
fn bridge(lights: &Lights) -> (&'static str, u32) {
    let bridge = lights.bridge.as_ref();
    match bridge.map(|bridge| (bridge.state, bridge.attempt)) {
        Some((BridgeState::Up, _)) => ("up", 0),
        Some((BridgeState::Down, attempt)) => ("down", attempt),
        None => ("unknown", 0),
    }
}

fn devices_light(app: App) -> AnyView {
    let inside = live(move || {
        let texts = app.texts();
        let (all, online) = app.dash.view.with(|view| view.count);
        let can_know = app.link.lights.with(Lights::bridge_is_up);
        let (tone, words) = match (all, can_know) {
            (0, _) => ("idle", texts.devices_none.to_owned()),
            (_, false) => ("idle", texts.unknown.to_owned()),
            (_, true) => {
                let tone = if online > 0 { "good" } else { "idle" };
                let counts = [&*online.to_string(), &*all.to_string()];
                (tone, text::fill(texts.devices_online, &counts))
            }
        };
        light(tone, texts.devices, words)
    });
    view! { <span class="light" data-testid="status-devices">{inside}</span> }.into_any()
}

fn light(tone: &'static str, what: &'static str, how: String) -> AnyView {
    view! {
        <span class="tone" data-tone=tone>{icons::light(tone)}</span>
        <span class="what">{what}</span>
        <span class="how">{how}</span>
    }
    .into_any()
}

fn with_attempt(app: App, words: &str, attempt: u32) -> String {
    match attempt {
        0 => words.to_owned(),
        _ => {
            let attempt = text::fill(app.texts().attempt, &[&attempt.to_string()]);
            format!("{words} · {attempt}")
        }
    }
}
