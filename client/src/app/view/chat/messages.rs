//! The log: follows its end while the reader is there, and never moves under one who scrolled up.

use super::{actions, message};
use crate::app::{
    browser,
    model::{room_name, rows::Row},
    text,
    view::{
        content::content,
        hint,
        parts::{button, effect, list, live, memo, note, nothing, when, words},
        refresh,
        state::{App, app},
    },
};
use leptos::{html, prelude::*};
use std::cell::Cell;

/// How close to the end still counts as there, in pixels.
const AT_END_PX: i32 = 64;

/// The messages of the room.
#[component]
pub(crate) fn Messages() -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let log = NodeRef::<html::Div>::new();
    let unseen = follow(app, log);
    hold(app);
    let last_top = Cell::new(0);
    let on_scroll = move |_| {
        let Some(log) = log.get_untracked() else {
            return;
        };
        let top = log.scroll_top();
        let is_at_end = log.scroll_height() - top - log.client_height() < AT_END_PX;
        // What is added below moves the end away too: only who goes up stops to follow.
        let goes_up = top < last_top.replace(top);
        let follows = is_at_end || (chat.follows.get_untracked() && !goes_up);
        if chat.follows.get_untracked() != follows {
            chat.follows.set(follows);
        }
    };
    let class = move || {
        if chat.follows.get() {
            "log follows"
        } else {
            "log"
        }
        .to_owned()
    };
    let is_empty = move || chat.view.with(|view| view.rows.is_empty());
    let dropped = move || chat.view.with(|view| view.dropped);
    let dropped_words = move || {
        note(
            "missed",
            text::fill(texts.dropped, &[&dropped().to_string()]),
        )
    };
    let rows = move || chat.view.with(|view| view.rows.clone());
    view! {
        <div class="log-frame">
            <div
                class=words(class)
                role="log"
                aria-live="off"
                aria-label=texts.messages
                tabindex="0"
                data-testid="messages"
                node_ref=log
                on:scroll=on_scroll
            >
                {when(is_empty, || view! { <Empty /> }.into_any())}
                {live(move || if dropped() > 0 { dropped_words() } else { nothing() })}
                <For each=rows key=Row::key children=message::line />
            </div>
            {when(move || unseen.get() > 0, move || pill(app, unseen))}
            <Announced />
        </div>
    }
}

/// Has a screen reader read new messages. The log itself is silent, because history and another room are not news.
#[component]
fn Announced() -> impl IntoView {
    let announced = app().chat.announced;
    let line = |line: String| {
        let (_, words) = line.split_once('\n').unwrap_or_default();
        view! { <p>{words.to_owned()}</p> }.into_any()
    };
    view! {
        <div class="hidden" aria-live="polite" data-testid="announced">
            {list(move || announced.get(), line)}
        </div>
    }
}

/// Nothing is removed from the log of the current room while its reader looks at older messages.
fn hold(app: App) {
    let chat = app.chat;
    let mut before = (chat.room(), false);
    effect(move || {
        let now = (
            chat.view.with(|view| view.room.clone()),
            !chat.follows.get(),
        );
        if now != before {
            let left = Some((&before.0, false)).filter(|_| before.0 != now.0);
            for (room, holds) in left.into_iter().chain([(&now.0, now.1)]) {
                chat.change_log(room, |log| log.hold(holds));
            }
            before = now;
            refresh::soon(app);
        }
    });
}

/// Says how many messages came below, and goes there.
fn pill(app: App, unseen: RwSignal<u32>) -> AnyView {
    let texts = app.texts();
    let count = move || {
        let count = text::plural(unseen.get().into(), texts.new_one, texts.new_many);
        format!("↓ {count}")
    };
    button(["unseen", "new-messages"], count, move || {
        app.chat.follows.set(true);
    })
}

/// Keeps the end in view while the reader follows; else counts what came since, which is the result.
fn follow(app: App, log: NodeRef<html::Div>) -> RwSignal<u32> {
    let chat = app.chat;
    let unseen = RwSignal::new(0);
    let seen = Cell::new(0);
    let to_end = move || {
        request_animation_frame(move || {
            // The log may be gone by now, and its handle with it.
            if let Some(log) = log.try_get_untracked().flatten() {
                log.set_scroll_top(log.scroll_height());
            }
        });
    };
    effect(move || {
        if let Some(log) = log.get() {
            // Something else takes of its place, such as a form, a keyboard or another screen.
            let resized = move || {
                if chat.follows.get_untracked() {
                    to_end();
                }
            };
            browser::on_resize(&log, Box::new(resized));
        }
    });
    effect(move || {
        app.prefs.look.track();
        let received = chat.view.with(|view| view.received);
        if chat.follows.get() {
            to_end();
            seen.set(received);
        }
        unseen.set(received.saturating_sub(seen.get()) as u32);
    });
    unseen
}

/// What stands in a room in which nothing was said yet.
#[component]
fn Empty() -> impl IntoView {
    let app = app();
    let texts = app.texts();
    let room = move || app.chat.view.with(|view| view.room.clone());
    let is_private = memo(move || actions::is_private(&room()));
    // It is open to those that are invited, and to no broker.
    let hint = move || match is_private.get() {
        true => view! {
            <p>{texts.private_hint}</p>
            <code>"/invite Ana"</code>
        }
        .into_any(),
        false => hint::publish(
            app,
            [texts.chat_empty_hint, texts.chat_empty_hint_alone],
            move || (room_name::topic(&room()), "¡Hola!"),
        ),
    };
    view! {
        <div class="empty">
            <p
                class="title"
                prop:textContent=content(move || text::fill(texts.chat_empty, &[&room()]))
            ></p>
            {live(hint)}
        </div>
    }
}
