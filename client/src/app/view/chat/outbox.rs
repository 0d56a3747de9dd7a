//! What waits to be sent outlives the page: the browser stores a copy of each message, and which tab sends it.
//!
//! Each load of the page is a tab with a name of its own. A message belongs to the tab in which it was written. A tab that was
//! left, was loaded again or has crashed does not answer a roll call, and the tab that called sends what it left. So two
//! tabs send one message only where one of them was too busy to answer, and then the server takes it once, by its id. Not
//! here: sending (`sending`).

use crate::app::{
    browser::{self, storage},
    model::{
        chat_log::ChatLog,
        failure::Failure,
        message::{Delivery, Message},
        outbox::{ABANDONED_AFTER_MS, Waiting},
        room_name,
    },
    view::{refresh, state::App},
};
use leptos::prelude::*;
use std::{cell::Cell, time::Duration};
use tertulia_shared::wire::number::number;

/// How long a tab may take to answer a roll call.
const ANSWER_WITHIN: Duration = Duration::from_millis(700);
/// How long the answer of a tab is kept, in milliseconds.
const ANSWER_KEPT_MS: f64 = 60_000.0;

/// The stored name of a roll call; its text is the time of the call.
const ROLL: &str = "roll";
/// The prefix of the stored answer of a tab; its text is the time of the answer.
const TAB: &str = "tab.";
/// What stands before the id of a message.
const MESSAGE: &str = "outbox.";

thread_local! {
    /// The name of this tab.
    static HERE: String = browser::random_id();
    /// When the last message was written.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Answers when another tab calls the roll, and gives up what another tab sends.
pub(crate) fn start(app: App) {
    storage::on_change(move |name| {
        if name == ROLL {
            storage::set(&[TAB, &here()].concat(), &browser::now().to_string());
        } else if let Some(id) = name.strip_prefix(MESSAGE)
            && !is_sent_here(id)
        {
            forget(app, id);
        }
    });
}

/// A message of this reader and this tab, as it is kept.
pub(crate) fn waiting(app: App, room: &str, text: &str) -> Waiting {
    let at = (browser::now() as u64).max(LAST.get() + 1);
    LAST.set(at);
    let name = app.chat.view.with_untracked(|view| view.name.clone());
    Waiting {
        id: browser::random_id(),
        user: user(app),
        tab: here(),
        at,
        room: room.to_owned(),
        name: name.unwrap_or_default(),
        text: text.to_owned(),
    }
}

/// Keeps a message.
pub(crate) fn keep(waiting: &Waiting) {
    storage::set(&key(&waiting.id), &waiting.to_text());
}

/// Stores what waits under the reader's new id: the same person has another id now.
pub(crate) fn keep_all(app: App) {
    let user = user(app);
    app.chat.logs.with_value(|logs| {
        for (room, log) in logs.iter() {
            let unsent = log.unsent();
            let own = unsent.filter(|it| it.delivery != Delivery::Failed(Failure::SignedOut));
            own.for_each(|message| keep(&of(message, room, &user)));
        }
    });
}

/// Keeps the message `id` of a room, which waits again.
pub(crate) fn keep_again(app: App, room: &str, id: &str) {
    let user = user(app);
    app.chat.logs.with_value(|logs| {
        let mut unsent = logs.get(room).into_iter().flat_map(|log| log.unsent());
        if let Some(message) = unsent.find(|message| *message.id == *id) {
            keep(&of(message, room, &user));
        }
    });
}

fn of(message: &Message, room: &str, user: &str) -> Waiting {
    Waiting {
        id: message.id.to_string(),
        user: user.to_owned(),
        tab: here(),
        at: message.at,
        room: room.to_owned(),
        name: message.name.to_string(),
        text: message.text.to_string(),
    }
}

/// Removes the stored copies of messages that no longer wait.
pub(crate) fn settle(log: &mut ChatLog) {
    for id in log.take_ended() {
        storage::set(&key(&id), "");
    }
}

/// Whether this tab sends the message `id`: no other one took it over.
pub(crate) fn is_sent_here(id: &str) -> bool {
    let kept = storage::get(&key(id)).and_then(|text| Waiting::from_text(id, &text));
    kept.is_none_or(|waiting| waiting.tab == here())
}

/// Removes a message that another tab sends; the room brings it.
pub(crate) fn forget(app: App, id: &str) {
    app.chat.changed.set_value(true);
    app.chat
        .logs
        .update_value(|logs| logs.iter_mut().for_each(|(_, log)| log.forget(id)));
    refresh::soon(app);
}

/// Calls the roll, and takes over what the reader left in tabs that do not answer; then does `then`.
pub(crate) fn call(app: App, then: fn(App)) {
    let called = browser::now();
    storage::set(ROLL, &called.to_string());
    set_timeout(
        move || {
            take_over(app, called);
            then(app);
        },
        ANSWER_WITHIN,
    );
}

fn take_over(app: App, called: f64) {
    let user = user(app);
    let mut left: Vec<Waiting> = Vec::new();
    for name in storage::names(MESSAGE) {
        let id = name.strip_prefix(MESSAGE).unwrap_or_default();
        let kept = storage::get(&name).and_then(|text| Waiting::from_text(id, &text));
        match kept {
            Some(waiting) if waiting.user == user => left.push(waiting),
            Some(waiting) if called as u64 <= waiting.at + ABANDONED_AFTER_MS => {}
            _ => storage::set(&name, ""),
        }
    }
    left.retain(|waiting| waiting.tab == here() || !has_answered(&waiting.tab, called));
    for mut waiting in left {
        waiting.tab = here();
        LAST.set(LAST.get().max(waiting.at));
        keep(&waiting);
        app.chat
            .change_log(&waiting.room, |log| log.write(&waiting));
        app.chat.view.update(|view| {
            if !view.recent.contains(&waiting.room) {
                room_name::remember(&mut view.recent, &waiting.room);
            }
        });
    }
    for name in storage::names(TAB) {
        let tab = name.strip_prefix(TAB).unwrap_or_default();
        if !has_answered(tab, called - ANSWER_KEPT_MS) {
            storage::set(&name, "");
        }
    }
}

fn has_answered(tab: &str, called: f64) -> bool {
    let answered = storage::get(&[TAB, tab].concat());
    let at: Option<f64> = answered.and_then(|at| number(&at));
    at.is_some_and(|at| at >= called)
}

/// Who writes: whom the session token stands for, or a name on a server that gives no tokens.
fn user(app: App) -> String {
    let who = app.chat.who.get_value();
    let origin = browser::server();
    match app.chat.view.with_untracked(|view| view.name.clone()) {
        Some(name) if who.is_empty() => [&origin, " ~", &name].concat(),
        _ => [&*origin, " ", &who].concat(),
    }
}

fn here() -> String {
    HERE.with(Clone::clone)
}

fn key(id: &str) -> String {
    [MESSAGE, id].concat()
}
