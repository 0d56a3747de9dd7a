//! Three lights: the browser's link to the server, the server's bridge to the broker, the devices.
//!
//! Each says in words what its colour says.

use super::icons;
use crate::{
    app::{
        model::link,
        text,
        view::{
            content::{Content, content},
            parts::{live, words},
            state::{App, Lights, app},
        },
    },
    connection::Link,
};
use leptos::prelude::*;
use tertulia_shared::bridge::BridgeState;

/// The status line; where there is little room, one light that opens it.
#[component]
pub(crate) fn StatusLine() -> impl IntoView {
    let app = app();
    let tone = live(move || icons::light(worst(app).tone));
    view! {
        <button
            type="button"
            class="quiet all"
            popovertarget="status"
            data-testid="status-all"
            data-tone=words(move || worst(app).tone.to_owned())
            aria-label=words(move || all(app))
        >
            {tone}
            <span class="how" prop:textContent=content(move || brief(app))></span>
        </button>
        <div id="status" class="status" popover role="group" aria-label=app.texts().status>
            {link_light(app)}
            {bridge_light(app)}
            {devices_light(app)}
        </div>
    }
}

/// What a light says.
struct Sign {
    tone: &'static str,
    what: &'static str,
    how: String,
}

impl Sign {
    fn words(&self) -> String {
        format!("{}: {}", self.what, self.how)
    }
}

/// The most telling light: the first link of the chain that does not work, or else the server's.
fn worst(app: App) -> Sign {
    let (link, bridge) = (link_sign(app), bridge_sign(app));
    if link.tone == "good" && bridge.tone != "good" {
        bridge
    } else {
        link
    }
}

/// What all lights say.
fn all(app: App) -> String {
    let signs = [link_sign(app), bridge_sign(app), devices_sign(app)];
    signs.map(|sign| sign.words()).join("; ")
}

/// What the one light says: a part of what all say.
fn brief(app: App) -> String {
    let worst = worst(app);
    match worst.tone {
        "good" => app.texts().link_connected.to_owned(),
        _ => worst.words(),
    }
}

fn link_light(app: App) -> AnyView {
    let lights = app.link.lights;
    let link = words(move || lights.with(link_word).to_owned());
    let transport = words(move || lights.with(transport));
    view! {
        <span class="light" data-testid="status-link" data-link=link data-transport=transport>
            {live(move || light(link_sign(app)))}
        </span>
    }
    .into_any()
}

fn link_sign(app: App) -> Sign {
    let lights = app.link.lights;
    Sign {
        tone: match lights.with(link_word) {
            "connected" => "good",
            "disconnected" => "bad",
            _ => "wait",
        },
        what: app.texts().link,
        how: lights.with(|lights| link_words(app, lights)),
    }
}

fn link_word(lights: &Lights) -> &'static str {
    let status = lights.status.as_ref();
    status.map_or("connecting", link::word)
}

fn transport(lights: &Lights) -> String {
    let transport = lights.status.as_ref().and_then(|status| status.transport);
    transport
        .map(|transport| transport.to_string())
        .unwrap_or_default()
}

fn link_words(app: App, lights: &Lights) -> String {
    let texts = app.texts();
    let status = lights.status.as_ref();
    let is_silent = status.is_some_and(|status| status.is_silent);
    let (state, attempt) = match status.map(|status| &status.link) {
        Some(Link::Connected) if is_silent => (texts.link_silent, 0),
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
    view! {
        <span class="light" data-testid="status-bridge" data-state=state title=broker>
            {live(move || light(bridge_sign(app)))}
        </span>
    }
    .into_any()
}

fn bridge_sign(app: App) -> Sign {
    let texts = app.texts();
    let (word, attempt) = bridge(&app.link.lights.get());
    let (tone, words) = match word {
        "up" => ("good", texts.bridge_up),
        "down" => ("bad", texts.bridge_down),
        _ => ("idle", texts.unknown),
    };
    Sign {
        tone,
        what: texts.bridge,
        how: with_attempt(app, words, attempt),
    }
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
    view! {
        <span class="light" data-testid="status-devices">
            {live(move || light(devices_sign(app)))}
        </span>
    }
    .into_any()
}

fn devices_sign(app: App) -> Sign {
    let texts = app.texts();
    let (all, online) = app.dash.view.with(|view| view.count);
    let can_know = app.link.lights.with(Lights::bridge_is_up);
    let (tone, how) = match (all, can_know) {
        (0, _) => ("idle", texts.devices_none.to_owned()),
        (_, false) => ("idle", texts.unknown.to_owned()),
        (_, true) => {
            let tone = if online > 0 { "good" } else { "idle" };
            let counts = [&*online.to_string(), &*all.to_string()];
            (tone, text::fill(texts.devices_online, &counts))
        }
    };
    Sign {
        tone,
        what: texts.devices,
        how,
    }
}

fn light(sign: Sign) -> AnyView {
    let Sign { tone, what, how } = sign;
    view! {
        <span class="tone" data-tone=tone>{icons::light(tone)}</span>
        <span class="what">{what}</span>
        <span class="how" prop:textContent=Content::from(how)></span>
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
