//! What the reader says, and when it goes out.
//!
//! What is said waits in the log until the link is there, the name is taken and the server takes more, so that nothing
//! goes out under a guest's name. Of each room one message is under way at a time. One that nobody refused is sent again
//! under the same id, which the server takes once. Not here: how it outlives the page (`outbox`), and how it looks.

use super::{
    actions::{go, is_private},
    notice::Notice,
    outbox,
};
use crate::app::{
    browser,
    model::{failure::Failure, outbox::MAX_WAITING, room_name, slash, slash::Typed},
    text,
    view::{
        refresh,
        session::{ask, later},
        state::App,
    },
};
use leptos::prelude::*;
use std::{cell::Cell, sync::Arc};
use tertulia_shared::{Code, chat::ChatSend, room::RoomInvite};

/// How long to wait, in milliseconds, before a message goes out again that was not answered.
const AGAIN_MS: u64 = 1_000;

thread_local! {
    /// Until when nothing is said, by the browser's clock: the server asked for that.
    static PAUSED_UNTIL: Cell<f64> = const { Cell::new(0.0) };
    /// Whether what an earlier visit left is here, which goes out first.
    static IS_COMPLETE: Cell<bool> = const { Cell::new(false) };
}

/// Brings back what an earlier visit left.
pub(crate) fn start(app: App) {
    outbox::start(app);
    outbox::call(app, complete);
}

fn complete(app: App) {
    IS_COMPLETE.set(true);
    flush(app);
}

/// The link is up and the reader is known: sends what waits, and what other tabs left.
pub(crate) fn connected(app: App) {
    PAUSED_UNTIL.set(0.0);
    outbox::call(app, complete);
}

/// Does what was typed. Returns false if that failed, so that the text stays in the composer; a notice says why.
pub(crate) fn say(app: App, typed: &str) -> bool {
    let texts = app.texts();
    let answer = match slash::parse(typed) {
        Typed::Text(text) => write(app, &text),
        Typed::Help => return tell(app, texts.commands.to_owned()),
        Typed::Join(name) => match room_name::parse(&name) {
            Some(name) => {
                go(app, name);
                None
            }
            None => Some(texts.join_what.to_owned()),
        },
        Typed::Invite(name) => invite(app, name),
        Typed::Unknown(word) => {
            let unknown = text::fill(texts.unknown_command, &[&word]);
            Some([&*unknown, texts.commands].join("\n"))
        }
    };
    let is_done = answer.is_none();
    tell(app, answer.unwrap_or_default());
    is_done
}

fn tell(app: App, notice: impl Into<Notice>) -> bool {
    let notice = notice.into();
    app.chat.view.update(|view| view.notice = notice);
    true
}

/// Says `text` in the current room, or gives why not.
fn write(app: App, text: &str) -> Option<String> {
    let chat = app.chat;
    let waiting = chat.logs.with_value(|logs| {
        let counts = logs.iter().map(|(_, log)| log.unsent().count());
        counts.sum::<usize>()
    });
    if waiting >= MAX_WAITING {
        let count = MAX_WAITING.to_string();
        return Some(text::fill(app.texts().too_many_waiting, &[&count]));
    }
    let waiting = outbox::waiting(app, &chat.room(), text);
    outbox::keep(&waiting);
    chat.change_log(&waiting.room, |log| log.write(&waiting));
    chat.follows.set(true);
    flush(app);
    None
}

/// Invites to the current room, or gives why not.
fn invite(app: App, name: String) -> Option<String> {
    let (texts, room) = (app.texts(), app.chat.room());
    if !is_private(&room) {
        return Some(text::fill(texts.room_is_open, &[&room]));
    }
    if name.is_empty() {
        return Some(texts.invite_whom.to_owned());
    }
    let room = room_name::topic(&room);
    let invitation = RoomInvite { room, name };
    ask(app, &invitation.clone(), move |invited| {
        let words = match &invited {
            Ok(()) => text::fill(texts.may_join, &[&invitation.name]),
            Err(Failure::Refused(reject)) if reject.code == Code::BadName => {
                texts.nobody.to_owned()
            }
            Err(failure) => texts.failure(failure),
        };
        let choices = match invited {
            Err(Failure::Refused(reject)) => reject.choices,
            _ => Vec::new(),
        };
        tell(app, Notice { words, choices });
    });
    None
}

/// Invites the person that the reader chose among several with the same name.
pub(crate) fn choose(app: App, name: String) {
    let refused = invite(app, name);
    tell(app, refused.unwrap_or_default());
}

/// Sends a failed message of the current room again.
pub(crate) fn retry(app: App, id: &str) {
    let room = app.chat.room();
    let fresh = browser::random_id();
    let id = app.chat.change_log(&room, |log| log.retry(id, &fresh));
    if let Some(id) = id.flatten() {
        outbox::keep_again(app, &room, &id);
    }
    flush(app);
}

/// Drops a failed message of the current room.
pub(crate) fn discard(app: App, id: &str) {
    let room = app.chat.room();
    app.chat.change_log(&room, |log| log.discard(id));
    refresh::soon(app);
}

/// Sends what waits, in every room, once the link is there and the name is taken.
pub(crate) fn flush(app: App) {
    let chat = app.chat;
    refresh::soon(app);
    let is_paused = browser::now() < PAUSED_UNTIL.get() || !IS_COMPLETE.get();
    if is_paused || !app.link.is_up() || chat.view.with_untracked(|view| view.peer.is_none()) {
        return;
    }
    let rooms: Vec<String> = chat.logs.with_value(|logs| logs.names());
    for room in rooms {
        let next = chat.change_log(&room, |log| log.take_next());
        if let Some((id, text)) = next.flatten() {
            send(app, room, id, &text);
        }
    }
}

fn send(app: App, room: String, id: Arc<str>, text: &str) {
    if !outbox::is_sent_here(&id) {
        outbox::forget(app, &id);
        return flush(app);
    }
    let event = ChatSend {
        room: room_name::topic(&room),
        text: text.to_owned(),
        id: Some(id.to_string()),
    };
    ask(app, &event, move |sent| {
        let chat = app.chat;
        match sent {
            Ok(receipt) => {
                chat.change_log(&room, |log| log.accepted(&id, &receipt));
            }
            Err(failure) => {
                if failure.is_transient() {
                    let wait = failure.wait().unwrap_or(AGAIN_MS);
                    PAUSED_UNTIL.set(browser::now() + wait as f64);
                    later(app, wait + 1, move || flush(app));
                }
                chat.change_log(&room, |log| log.failed(&id, failure));
            }
        }
        flush(app);
    });
}
