//! What the reader asks of the chat: take a name, go to a room.
//!
//! Not here: what is said (`sending`), how it looks, and session tokens (`sign`).

use super::{notice::Notice, outbox, sending};
use crate::app::{
    browser::storage,
    model::{announce::Announcer, failure::Failure, people::People, room_name},
    view::{
        refresh,
        session::{ask, later},
        sign,
        state::App,
    },
};
use leptos::prelude::*;
use tertulia_shared::{Code, Reject, chat::ChatEnter, presence::PresenceList, room::PRIVATE};

/// How many messages of a room that was not visited yet are asked for.
const HISTORY: u32 = 50;

/// Wants the room that the reader was in last, and brings back what was left unsent.
pub(crate) fn start(app: App) {
    sending::start(app);
    join(app);
}

fn join(app: App) {
    app.link.want(&room_name::topic(&app.chat.room()), HISTORY);
}

/// The link is there: takes the name, where no token says who the reader is.
pub(crate) fn connected(app: App) {
    let chat = app.chat;
    chat.is_renewed.set_value(false);
    let who = chat.who.get_value();
    chat.view.update(|view| {
        view.asks_password = false;
        if !who.is_empty() {
            view.peer = Some(who.clone());
            view.name = storage::get("name");
        }
    });
    chat.be(&who);
    let (name, has_token, was_refused) = chat.view.with_untracked(|view| {
        let was_refused = view.room_failure.is_some();
        (view.name.clone(), view.peer.is_some(), was_refused)
    });
    // Who comes now may be let in.
    if was_refused {
        join(app);
    }
    match name {
        Some(_) if has_token => sending::connected(app),
        Some(name) => sign::enter(app, name, String::new()),
        None => {}
    }
}

/// Takes a name, and proves it with a password where there is one.
pub(crate) fn enter(app: App, name: String, password: String) {
    app.chat.view.update(|view| view.name_failure = None);
    if name.is_empty() {
        let reject = Reject::new(Code::BadName, app.texts().bad_name);
        app.chat
            .view
            .update(|view| view.name_failure = Some(Failure::Refused(reject)));
    } else if password.is_empty() && sign::pass().is_some() && app.link.is_up() {
        rename(app, name);
    } else {
        sign::enter(app, name, password);
    }
}

/// Takes a name for this connection. Without a link it is taken as soon as there is one.
pub(crate) fn rename(app: App, name: String) {
    let chat = app.chat;
    if !app.link.is_up() {
        remember_name(app, name);
        return;
    }
    let event = ChatEnter { name };
    ask(app, &event.clone(), move |entered| match entered {
        Ok(entered) => {
            chat.be(&entered.peer);
            chat.view.update(|view| view.peer = Some(entered.peer));
            remember_name(app, event.name);
            outbox::keep_all(app);
            sending::connected(app);
        }
        // The link took the answer along; it is asked again with the next one.
        Err(Failure::LinkLost) => remember_name(app, event.name),
        Err(failure) if failure.wait().is_some() => {
            let wait = failure.wait().unwrap_or_default();
            later(app, wait, move || rename(app, event.name));
        }
        Err(Failure::Refused(reject)) if reject.code == Code::NameTaken => {
            sign::refused(app, reject);
        }
        Err(failure) => chat.view.update(|view| {
            if view.peer.is_none() && matches!(failure, Failure::Refused(_)) {
                view.name = None;
            }
            view.name_failure = Some(failure);
        }),
    });
}

pub(crate) fn remember_name(app: App, name: String) {
    storage::set("name", &name);
    app.chat.view.update(|view| view.name = Some(name));
}

/// Goes to the room `name`, out of the one before as soon as it is joined. Without a link that is at once.
pub(crate) fn go(app: App, name: String) {
    let chat = app.chat;
    chat.view.update(|view| {
        view.room_failure = None;
        view.notice = Notice::default();
    });
    let before = chat.goal.get_value();
    if before != name && before != chat.room() {
        app.link.leave(&room_name::topic(&before));
    }
    chat.goal.set_value(name.clone());
    app.link.want(&room_name::topic(&name), HISTORY);
    if !app.link.is_up() {
        show_room(app, &name);
    }
}

/// What became of joining a room, at the reader's wish or with a new link.
pub(crate) fn joined(app: App, name: &str, joined: Result<(), Failure>) {
    let chat = app.chat;
    if chat.goal.with_value(|goal| *goal != name) {
        return;
    }
    match joined {
        Ok(()) => {
            chat.view.update(|view| view.room_failure = None);
            show_room(app, name);
            list_people(app, name.to_owned());
        }
        // It is joined with the next one.
        Err(Failure::LinkLost) => {}
        Err(failure) => {
            if !failure.is_transient() {
                chat.goal.set_value(chat.room());
            }
            chat.view.update(|view| view.room_failure = Some(failure));
        }
    }
}

/// Asks who is in the room `name`, which is the current one.
pub(crate) fn list_people(app: App, name: String) {
    let chat = app.chat;
    let room = room_name::topic(&name);
    chat.change_people(People::ask);
    ask(app, &PresenceList { room }, move |list| {
        if chat.room() == name {
            chat.change_people(|people| people.listed(list.ok()));
            // It is answered behind the history that was joined with: what comes now is new.
            chat.announcer
                .update_value(|announcer| announcer.listen(&name));
            refresh::soon(app);
        }
    });
}

/// Shows the room `name`, and leaves the one before.
fn show_room(app: App, name: &str) {
    let chat = app.chat;
    let before = chat.room();
    if before != name {
        app.link.leave(&room_name::topic(&before));
        chat.announcer.update_value(Announcer::pause);
        chat.change_people(|people| *people = People::default());
        chat.follows.set(true);
    }
    chat.view.update(|view| {
        view.room = name.to_owned();
        room_name::remember(&mut view.recent, name);
        view.invitations
            .retain(|invitation| invitation.lines().next() != Some(name));
        // Never the lines of one room below the name of another one.
        refresh::fill(app, view);
    });
    let recent = chat.view.with_untracked(|view| view.recent.join("\n"));
    storage::set("room", name);
    storage::set("rooms", &recent);
    refresh::soon(app);
}

/// Whether the room of that name is entered by invitation only.
pub(crate) fn is_private(name: &str) -> bool {
    name.split('/').next() == Some(PRIVATE)
}
