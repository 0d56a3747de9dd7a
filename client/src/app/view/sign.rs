//! Who the reader is to the server: a session token that is asked for, kept, given at each connect and given back.
//!
//! A server that gives no tokens is only told the name. Not here: what a token is (`sign_in`, `model::pass`).

use super::{
    chat::{actions, outbox},
    parts::run,
    state::{App, ChatView},
};
use crate::{
    app::{
        browser::{self, storage},
        model::{failure::Failure, pass::Pass, room_name},
    },
    connection::{Auth, Connection},
    sign_in::{self, Granted, SignIn, SignInError},
    web,
};
use leptos::prelude::*;
use std::{future::Future, pin::Pin};
use tertulia_shared::{Code, Reject};

/// What is asked at each connect: the token that is kept, renewed when half its life is over.
pub(crate) fn auth(app: App) -> Auth {
    Auth::ask(move || async move {
        let pass = fresh_pass().await;
        meet(app, pass.as_ref());
        sign_in::auth(&pass?.token)
    })
}

/// The reader is whom the token stands for that is kept.
pub(crate) fn start(app: App) {
    meet(app, pass().as_ref());
}

async fn fresh_pass() -> Option<Pass> {
    let pass = pass()?;
    if (browser::now() as u64) < pass.renew_at {
        return Some(pass);
    }
    let renewed = post(Some(&pass.token), SignIn::default()).await;
    let now = self::pass();
    match renewed {
        // The reader has not signed out meanwhile, nor become somebody else.
        Ok(granted) if now.as_ref() == Some(&pass) => Some(keep(&granted)),
        // What is wrong with the old one, the server says when it sees it.
        _ => now,
    }
}

/// The reader is whom the token stands for from the next connection on. Another tab may have changed that; whoever takes a
/// first name in this one is who wrote here before.
fn meet(app: App, pass: Option<&Pass>) {
    let chat = app.chat;
    let who = pass.map(|pass| pass.peer.clone()).unwrap_or_default();
    let before = chat.who.get_value();
    if before != who {
        let name = storage::get("name");
        if !before.is_empty() || chat.view.with_untracked(|view| view.name != name) {
            forget(app);
        }
        chat.be(&who);
        chat.who.set_value(who);
        outbox::keep_all(app);
    }
}

/// The token that is kept. It is read each time: another tab may have changed it.
pub(crate) fn pass() -> Option<Pass> {
    Pass::from_text(&storage::get(&key())?)
}

/// Takes a name, by a token where the server gives them.
pub(crate) fn enter(app: App, name: String, password: String) {
    run(async move {
        let asked = SignIn {
            name: name.clone(),
            password,
        };
        match post(None, asked).await {
            Ok(granted) => signed_in(app, &granted),
            Err(SignInError::Rejected(reject)) => refused(app, reject),
            Err(SignInError::NoSessions(_) | SignInError::Unreachable(_)) => {
                actions::rename(app, name)
            }
        }
    });
}

fn signed_in(app: App, granted: &Granted) {
    let pass = keep(granted);
    actions::remember_name(app, granted.name.clone());
    meet(app, Some(&pass));
    reconnect(app);
}

/// The server refused the token, or who has none: asks who the reader is. A guest whose token is not good any more gets
/// another one, once for each connection that is made.
pub(crate) fn refused(app: App, reject: Reject) {
    let chat = app.chat;
    let before = pass().map(|pass| pass.registered);
    if reject.code == Code::BadToken {
        storage::set(&key(), "");
        let name = chat.view.with_untracked(|view| view.name.clone());
        if let (Some(name), Some(false)) = (name, before)
            && !chat.is_renewed.get_value()
        {
            chat.is_renewed.set_value(true);
            // It is the same person.
            chat.who.set_value(String::new());
            return enter(app, name, String::new());
        }
        disown(app);
    }
    let asks_password = before == Some(true)
        || matches!(
            reject.code,
            Code::NameTaken | Code::BadPassword | Code::AccountNeeded
        );
    chat.view.update(|view| {
        view.asks_password |= asks_password;
        view.name_failure = Some(Failure::Refused(reject));
        if view.peer.is_none() {
            view.name = None;
        }
    });
}

/// Gives the token back, and is nobody from now on.
pub(crate) fn sign_out(app: App) {
    let given_back = pass();
    storage::set(&key(), "");
    storage::set("name", "");
    for draft in storage::names("draft.") {
        storage::set(&draft, "");
    }
    forget(app);
    // Nothing comes for who has left, however long that takes.
    with_connection(app, Connection::disconnect);
    run(async move {
        if let Some(pass) = given_back {
            let _ = web::request("DELETE", &url(), Some(&pass.token), None).await;
        }
        reconnect(app);
    });
}

/// The reader is nobody any more.
fn forget(app: App) {
    app.chat.who.set_value(String::new());
    app.chat.mine.set_value(Vec::new());
    app.chat.view.update(ChatView::forget_reader);
    disown(app);
}

/// What was written so far does not go out in another name. What private rooms brought comes again for who may be there.
fn disown(app: App) {
    app.chat.changed.set_value(true);
    app.chat.logs.update_value(|logs| {
        for (room, log) in logs.iter_mut() {
            let is_private = actions::is_private(room);
            log.disown(is_private);
            if is_private {
                app.link.forget(&room_name::topic(room));
            }
        }
    });
}

fn reconnect(app: App) {
    with_connection(app, |connection| {
        connection.disconnect();
        connection.open();
    });
}

/// Does that with the connection, where there is one.
pub(crate) fn with_connection(app: App, act: fn(&Connection)) {
    app.link.connection.with_value(|connection| {
        connection.iter().for_each(act);
    });
}

fn keep(granted: &Granted) -> Pass {
    let pass = Pass::granted(granted, browser::now() as u64);
    storage::set(&key(), &pass.to_text());
    pass
}

/// A token is for the server that gave it alone.
fn key() -> String {
    ["session.", &browser::server()].concat()
}

fn url() -> String {
    [&*browser::server(), sign_in::PATH].concat()
}

/// One shape for all who ask, so that it is in the page once.
fn post<'a>(
    token: Option<&'a str>,
    sign_in: SignIn,
) -> Pin<Box<dyn Future<Output = Result<Granted, SignInError>> + 'a>> {
    Box::pin(async move {
        let body = Some(sign_in.to_body());
        let answer = web::request("POST", &url(), token, body).await;
        let (status, body) = answer.map_err(SignInError::Unreachable)?;
        sign_in::granted(status, &body)
    })
}
