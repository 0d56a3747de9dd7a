//! The chat: names, and messages in rooms.
//!
//! Not here: how a message is numbered and kept, and what makes a retry harmless (`store`).

use super::{App, CLIENT, MQTT, Session, policy};
use crate::{
    hub::{Hub, Message, Stamp},
    identity::Identity,
    store::{Draft, Outcome, Saved, Source, Told},
};
use serde_json::value::to_raw_value;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};
use tertulia_shared::{
    Code, Event, Reject, Topic,
    chat::{Author, ChatEnter, ChatMessage, ChatSend, Entered, Receipt, Via},
};
use tokio::sync::oneshot;

/// Takes or changes the name of a user, in all its connections.
///
/// # Errors
/// When the name is not allowed, belongs to a registered user or is reserved, or looks like one that does; when a registered
/// user asks for another name than its own.
pub fn enter(session: &Session, request: ChatEnter) -> Result<Entered, Reject> {
    let app = &session.app;
    let name = app.identity.may_be_called(&session.user, &request.name)?;
    app.identity.remember_name(&session.user, &name);
    let renamed = session.stay.rename(name);
    app.presence.renamed(&app.hub, &renamed);
    Ok(Entered {
        peer: session.user.id.clone(),
    })
}

/// Gives a text to the store, in the order of calls. What comes back says later whether it is on disk: the same id and
/// text again within a day give the same receipt and send nothing. A message without an id is always a new one.
///
/// # Errors
/// When the room, the text or the id is not allowed, or the room is one too many.
pub fn send(session: &Session, request: ChatSend) -> Result<Sent, Reject> {
    let room = policy::chat_topic(&request.room)?;
    session.may_publish(&room)?;
    policy::text(&request.text)?;
    request.id.as_deref().map_or(Ok(()), policy::id)?;
    begin(session, &room)?;
    let draft = Draft {
        room,
        sender: session.sender_of(request.id.as_deref()),
        id: request.id,
        from: session.author(),
        text: request.text,
        source: Source::Client,
        is_registered: session.user.is_registered(),
    };
    let (settle, outcome) = oneshot::channel();
    // Whoever asked may have gone.
    let settle = move |outcome| drop(settle.send(outcome));
    let app = Arc::clone(&session.app);
    if !policy::is_private(&draft.room) {
        app.store.save(draft, Box::new(settle));
        return Ok(Sent(outcome));
    }
    let (room, identity) = (draft.room.clone(), Arc::clone(&app.identity));
    identity.once_kept(&room, &session.user, move |kept| match kept {
        Ok(()) => app.store.save(draft, Box::new(settle)),
        Err(reject) => settle(Err(reject)),
    });
    Ok(Sent(outcome))
}

/// A text that was given to the store.
#[derive(Debug)]
pub struct Sent(oneshot::Receiver<Outcome>);

impl Sent {
    /// Waits until the text is on disk and on its way to the room's readers.
    ///
    /// # Errors
    /// When the id was used for another text, the server keeps as many rooms as it can, or it could not be stored.
    pub async fn done(self) -> Result<Receipt, Reject> {
        let gone = |_| {
            let problem = "the server stops; send the same again with the same id";
            Err(Reject::new(Code::StorageFailed, problem))
        };
        self.0.await.unwrap_or_else(gone)
    }
}

/// Counts a room in which nobody has said anything yet.
fn begin(session: &Session, room: &Topic) -> Result<(), Reject> {
    if session.app.store.knows(room) {
        return Ok(());
    }
    let mut state = session.state();
    if state.begun.contains(room) {
        return Ok(());
    }
    if state.begun.len() >= policy::MAX_BEGUN {
        let limit = policy::MAX_BEGUN;
        return Err(Reject::new(
            Code::ServerFull,
            format!("room `{room}`: {limit} rooms were begun, no more are allowed"),
        ));
    }
    state.begun.insert(room.clone());
    Ok(())
}

/// Whom a broker names as the author of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker<'a> {
    /// On another broker: the name that the publisher gave, which nobody has proved.
    Called(Option<&'a str>),
    /// On this server's own broker, which knows who published: the public id of a registered user, or else the name that
    /// the publisher gave.
    Known(Option<&'a str>, Option<&'a str>),
}

impl Speaker<'_> {
    /// The registered user that it is.
    fn account(self, app: &App) -> Option<Author> {
        let Self::Known(Some(id), _) = self else {
            return None;
        };
        let name = app.identity.registered_name(id)?;
        Some(Author::new(id, name))
    }
}

/// A text that came through a broker; the same id and text again say nothing. An id that was used for another text is
/// replaced, and a name is made one that is allowed: nobody waits for a refusal. What cannot be stored is a fault.
///
/// # Errors
/// When the room, the text or the id is not allowed.
pub fn relay(
    app: &App,
    room: &Topic,
    from: Speaker<'_>,
    id: String,
    text: String,
) -> Result<(), Reject> {
    let room = policy::chat_topic(room.as_str())?;
    if policy::is_private(&room) {
        return Err(policy::not_yours(room.as_str()));
    }
    policy::text(&text)?;
    policy::id(&id)?;
    let draft = Draft {
        room,
        id: Some(id),
        sender: None,
        is_registered: from.account(app).is_some(),
        from: speaker(app, from),
        text,
        source: Source::Broker,
    };
    let counts = Arc::clone(&app.counts);
    let settle = move |outcome: Outcome| {
        if let Err(reject) = outcome {
            tracing::debug!(%reject, "a message of the broker is lost");
            counts.faults.fetch_add(1, Ordering::Relaxed);
        }
    };
    app.store.save(draft, Box::new(settle));
    Ok(())
}

/// The author of a broker's message. A name that only registered users may have is not proved by it, and not shown.
fn speaker(app: &App, from: Speaker<'_>) -> Author {
    if let Some(account) = from.account(app) {
        return account;
    }
    let (Speaker::Called(name) | Speaker::Known(_, name)) = from;
    let name = name.and_then(policy::nearest_name);
    let name = name.filter(|name| !app.identity.is_kept(name));
    Author::new(MQTT.0, name.unwrap_or_else(|| MQTT.0.to_owned()))
}

/// Hands what is stored to the hub, and has it forget what is not kept any more.
pub(super) fn publisher(hub: Arc<Hub>, identity: Arc<Identity>) -> impl Fn(Told) + Send + Sync {
    move |told| match told {
        Told::Saved(saved) => {
            if policy::is_private(&saved.room) {
                identity.mark_used(&saved.room);
            }
            let born = saved.born;
            if let Some(message) = message(saved) {
                hub.deliver_stored(message, born);
            }
        }
        Told::Forgotten(room) => {
            hub.remove(&room);
            identity.mark_unused(&room);
        }
    }
}

/// A stored message as the hub has it.
pub(super) fn message(saved: Saved) -> Option<Message> {
    let Saved { seq, at, .. } = saved;
    let topic = saved.room.clone();
    let body = to_raw_value(&ChatMessage {
        room: saved.room,
        seq,
        id: saved.id,
        from: saved.from,
        text: saved.text,
        at,
        via: (saved.source == Source::Broker).then_some(Via::Mqtt),
    });
    let body = body
        .inspect_err(|error| tracing::error!(%topic, seq, %error, "a message does not encode"))
        .ok()?;
    Some(Message {
        topic,
        stamp: Stamp { seq, at },
        origin: match saved.source {
            Source::Client => CLIENT,
            Source::Broker => MQTT,
        },
        event: ChatMessage::NAME,
        body,
        since: Instant::now(),
    })
}
