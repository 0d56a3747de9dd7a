//! What the reader asks of the chat: take a name, go to a room, say something.
//!
//! What is said waits in the log until the link is there and the name is taken, so that nothing goes out under a
//! guest's name. Not here: how it looks.

use crate::app::{
    browser::{self, storage},
    model::{failure::Failure, room_name},
    view::{refresh, session::emit, state::App},
};
use leptos::{prelude::*, task::spawn_local};
use std::sync::Arc;
use tertulia_shared::{
    Code, Reject,
    chat::{ChatEnter, ChatSend},
    presence::PresenceList,
    room::{RoomJoin, RoomLeave},
};

/// The link is there: takes the name and joins the room again.
pub(crate) fn connected(app: App) {
    if let Some(name) = app.chat.name.get_untracked() {
        enter(app, name);
    }
    let room = app.chat.room.get_untracked();
    go(app, room);
}

/// Takes a name. Without a link it is taken as soon as there is one.
pub(crate) fn enter(app: App, name: String) {
    let chat = app.chat;
    chat.name_failure.set(None);
    if name.is_empty() {
        let reject = Reject::new(Code::BadName, app.texts().bad_name);
        chat.name_failure.set(Some(Failure::Refused(reject)));
        return;
    }
    if !app.link.is_up() {
        remember_name(app, name);
        return;
    }
    let entered = emit(app, &ChatEnter { name: name.clone() });
    spawn_local(async move {
        match entered.await {
            Ok(entered) => {
                chat.peer.set(Some(entered.peer));
                remember_name(app, name);
                flush(app);
            }
            // The link took the answer along; it is asked again with the next one.
            Err(Failure::LinkLost) => remember_name(app, name),
            Err(failure) => {
                if matches!(failure, Failure::Refused(_))
                    && chat.peer.with_untracked(Option::is_none)
                {
                    chat.name.set(None);
                }
                chat.name_failure.set(Some(failure));
            }
        }
    });
}

fn remember_name(app: App, name: String) {
    storage::set("name", &name);
    app.chat.name.set(Some(name));
}

/// Goes to the room `name`, out of the one before. Without a link it is joined as soon as there is one.
pub(crate) fn go(app: App, name: String) {
    let chat = app.chat;
    chat.room_failure.set(None);
    if !app.link.is_up() {
        show_room(app, &name);
        return;
    }
    let room = room_name::topic(&name);
    let joined = emit(app, &RoomJoin { room: room.clone() });
    let people = emit(app, &PresenceList { room });
    spawn_local(async move {
        match joined.await {
            Ok(joined) => {
                leave(app, &name);
                show_room(app, &name);
                chat.change_log(&name, |log| log.joined(joined.epoch));
            }
            Err(failure) => {
                chat.room_failure.set(Some(failure));
                return;
            }
        }
        if let Ok(list) = people.await
            && chat.room.with_untracked(|room| *room == name)
        {
            chat.change_people(|people| people.replace(list.people));
        }
        refresh::soon(app);
    });
}

/// Leaves the current room when it is another than `next`.
fn leave(app: App, next: &str) {
    let current = app.chat.room.get_untracked();
    if current != next {
        let room = room_name::topic(&current);
        let left = emit(app, &RoomLeave { room });
        spawn_local(async move {
            let _ = left.await;
        });
    }
}

fn show_room(app: App, name: &str) {
    let chat = app.chat;
    if chat.room.with_untracked(|room| *room != name) {
        chat.change_people(|people| people.replace(Vec::new()));
        chat.follows.set(true);
        chat.room.set(name.to_owned());
    }
    chat.changed.set_value(true);
    chat.recent
        .update(|recent| room_name::remember(recent, name));
    storage::set("room", name);
    storage::set(
        "rooms",
        &chat.recent.with_untracked(|recent| recent.join("\n")),
    );
    refresh::soon(app);
}

/// Says `text` in the current room.
pub(crate) fn say(app: App, text: &str) {
    let chat = app.chat;
    let room = chat.room.get_untracked();
    let name = chat.name.get_untracked().unwrap_or_default();
    let now = browser::now() as u64;
    chat.change_log(&room, |log| {
        log.write(&browser::random_id(), &name, text, now)
    });
    chat.follows.set(true);
    flush(app);
}

/// Sends a failed message of the current room again.
pub(crate) fn retry(app: App, id: &str) {
    let room = app.chat.room.get_untracked();
    app.chat.change_log(&room, |log| log.retry(id));
    flush(app);
}

/// Drops a failed message of the current room.
pub(crate) fn discard(app: App, id: &str) {
    let room = app.chat.room.get_untracked();
    app.chat.change_log(&room, |log| log.discard(id));
    refresh::soon(app);
}

/// Sends what waits, in every room, once the link is there and the name is taken.
fn flush(app: App) {
    let chat = app.chat;
    refresh::soon(app);
    if !app.link.is_up() || chat.peer.with_untracked(Option::is_none) {
        return;
    }
    let rooms: Vec<String> = chat.logs.with_value(|logs| logs.keys().cloned().collect());
    for room in rooms {
        let queued = chat.change_log(&room, |log| log.take_queued());
        for (id, text) in queued.unwrap_or_default() {
            send(app, room.clone(), id, &text);
        }
    }
}

fn send(app: App, room: String, id: Arc<str>, text: &str) {
    let sent = emit(
        app,
        &ChatSend {
            room: room_name::topic(&room),
            text: text.to_owned(),
            id: id.to_string(),
        },
    );
    spawn_local(async move {
        match sent.await {
            Ok(receipt) => {
                app.chat
                    .change_log(&room, |log| log.accepted(&id, &receipt));
                refresh::soon(app);
            }
            Err(failure) => {
                let link_is_up = failure != Failure::LinkLost && app.link.is_up();
                app.chat
                    .change_log(&room, |log| log.failed(&id, failure, link_is_up));
                flush(app);
            }
        }
    });
}
