//! Three lights: the browser's link to the server, the server's bridge to the broker, the devices.
//!
//! Each says in words what its colour says.

use super::icons;
use crate::{
    app::{model::link, text, view::state::app},
    socketio::Link,
};
use leptos::prelude::*;
use tertulia_shared::bridge::BridgeState;

/// The status line.
#[component]
pub(crate) fn StatusLine() -> impl IntoView {
    let texts = app().texts();
    view! {
        <div class="status" role="group" aria-label=texts.status>
            <LinkLight />
            <BridgeLight />
            <DevicesLight />
        </div>
    }
}

#[component]
fn LinkLight() -> impl IntoView {
    let status = app().link.status;
    let texts = app().texts();
    let word = move || {
        status.with(|status| {
            status
                .as_ref()
                .map_or("disconnected", |status| link::word(&status.link))
        })
    };
    let transport = move || {
        status.with(|status| {
            let transport = status.as_ref().and_then(|status| status.transport);
            transport
                .map(|transport| transport.to_string())
                .unwrap_or_default()
        })
    };
    let words =
        move || match status.with(|status| status.as_ref().map(|status| status.link.clone())) {
            Some(Link::Connected) => texts.link_connected.to_owned(),
            Some(Link::Connecting { attempt: 0 }) => texts.link_connecting.to_owned(),
            Some(Link::Connecting { attempt }) => with_attempt(texts.link_connecting, attempt),
            Some(Link::Waiting { attempt, .. }) => with_attempt(texts.link_waiting, attempt),
            Some(Link::Disconnected(_)) | None => texts.link_disconnected.to_owned(),
        };
    let with_transport = move || match transport().as_str() {
        "" => words(),
        transport => format!("{} · {transport}", words()),
    };
    let tone = move || match word() {
        "connected" => "good",
        "disconnected" => "bad",
        _ => "wait",
    };
    view! {
        <span
            class="light"
            data-testid="status-link"
            data-link=word
            data-transport=transport
            data-tone=tone
        >
            {move || icons::light(tone())}
            <span class="what">{texts.link}</span>
            <span class="how">{with_transport}</span>
        </span>
    }
}

fn with_attempt(words: &str, attempt: u32) -> String {
    let texts = app().texts();
    format!(
        "{words} · {}",
        text::fill(texts.attempt, &[&attempt.to_string()])
    )
}

#[component]
fn BridgeLight() -> impl IntoView {
    let bridge = app().link.bridge;
    let texts = app().texts();
    let state =
        move || bridge.with(|bridge| bridge.as_ref().map(|bridge| (bridge.state, bridge.attempt)));
    let word = move || match state() {
        Some((BridgeState::Up, _)) => "up",
        Some((BridgeState::Down, _)) => "down",
        None => "unknown",
    };
    let words = move || match state() {
        Some((BridgeState::Up, _)) => texts.bridge_up.to_owned(),
        Some((BridgeState::Down, 0)) => texts.bridge_down.to_owned(),
        Some((BridgeState::Down, attempt)) => with_attempt(texts.bridge_down, attempt),
        None => texts.unknown.to_owned(),
    };
    let tone = move || match word() {
        "up" => "good",
        "down" => "bad",
        _ => "idle",
    };
    let broker = move || bridge.with(|bridge| bridge.as_ref().map(|bridge| bridge.broker.clone()));
    view! {
        <span class="light" data-testid="status-bridge" data-state=word data-tone=tone title=broker>
            {move || icons::light(tone())}
            <span class="what">{texts.bridge}</span>
            <span class="how">{words}</span>
        </span>
    }
}

#[component]
fn DevicesLight() -> impl IntoView {
    let count = app().dash.count;
    let texts = app().texts();
    let words = move || match count.get() {
        (0, _) => texts.devices_none.to_owned(),
        (all, online) => text::fill(
            texts.devices_online,
            &[&online.to_string(), &all.to_string()],
        ),
    };
    let tone = move || match count.get() {
        (_, 0) => "idle",
        _ => "good",
    };
    view! {
        <span class="light" data-testid="status-devices" data-tone=tone>
            {move || icons::light(tone())}
            <span class="what">{texts.devices}</span>
            <span class="how">{words}</span>
        </span>
    }
}
