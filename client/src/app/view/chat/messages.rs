//! The log: follows its end while the reader is there, and never moves under one who scrolled up.

use super::message::Line;
use crate::app::{
    text,
    view::state::{App, app},
};
use leptos::{ev, html, prelude::*};

/// How close to the end still counts as there, in pixels.
const AT_END_PX: i32 = 64;

/// The messages of the room.
#[component]
pub(crate) fn Messages() -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let log = NodeRef::<html::Div>::new();
    let unseen = follow(app, log);
    let on_scroll = move |_| {
        let Some(log) = log.get_untracked() else {
            return;
        };
        let below = log.scroll_height() - log.scroll_top() - log.client_height();
        let follows = below < AT_END_PX;
        if chat.follows.get_untracked() != follows {
            chat.follows.set(follows);
        }
    };
    let is_empty = move || chat.rows.with(Vec::is_empty);
    view! {
        <div class="log-frame">
            <div
                class="log"
                role="log"
                aria-live="polite"
                aria-label=texts.messages
                tabindex="0"
                data-testid="messages"
                node_ref=log
                on:scroll=on_scroll
            >
                <Show when=is_empty>
                    <Empty />
                </Show>
                <Show when=move || { chat.dropped.get() > 0 }>
                    <p class="missed">{move || text::fill(texts.dropped, &[&chat.dropped.get().to_string()])}</p>
                </Show>
                <For each=move || chat.rows.get() key=|row| row.key() let:row>
                    <Line row=row />
                </For>
            </div>
            <Show when=move || { unseen.get() > 0 }>
                <button type="button" class="unseen" data-testid="new-messages" on:click=move |_| chat.follows.set(true)>
                    "↓ " {move || text::plural(unseen.get(), texts.new_one, texts.new_many)}
                </button>
            </Show>
        </div>
    }
}

/// Keeps the end in view while the reader follows; else counts what came since, which is the result.
fn follow(app: App, log: NodeRef<html::Div>) -> RwSignal<u64> {
    let chat = app.chat;
    let unseen = RwSignal::new(0);
    let seen = StoredValue::new(0);
    let to_end = move || {
        request_animation_frame(move || {
            if let Some(log) = log.get_untracked() {
                log.set_scroll_top(log.scroll_height());
            }
        });
    };
    Effect::new(move |_| {
        chat.rows.track();
        app.prefs.tab.track();
        let received = chat.received.get();
        if chat.follows.get() {
            to_end();
            seen.set_value(received);
        }
        unseen.set(received.saturating_sub(seen.get_value()));
    });
    let resized = window_event_listener(ev::resize, move |_| {
        if chat.follows.get_untracked() {
            to_end();
        }
    });
    on_cleanup(move || resized.remove());
    unseen
}

/// What stands in a room in which nothing was said yet.
#[component]
fn Empty() -> impl IntoView {
    let app = app();
    let texts = app.texts();
    let room = move || app.chat.room.get();
    view! {
        <div class="empty">
            <p class="title">{move || text::fill(texts.chat_empty, &[&room()])}</p>
            <p>{texts.chat_empty_hint}</p>
            <code>{move || format!("mosquitto_pub -t chat/{} -m '¡Hola!'", room())}</code>
        </div>
    }
}
