//! The chat: names, and messages in rooms.

use super::{App, CLIENT, MQTT, Session, not_published, policy};
use crate::hub::Origin;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};
use tertulia_shared::{
    Reject, Topic,
    chat::{Author, ChatEnter, ChatMessage, ChatSend, Entered, Receipt},
};

/// The ids that are remembered of one room.
pub const RECEIPTS_PER_ROOM: usize = 1_000;
/// The ids that are remembered of all rooms together.
pub const MAX_RECEIPTS: usize = 100_000;

/// Takes or changes the name of a connection.
///
/// # Errors
/// When the name is empty, too long, or has a control character.
pub fn enter(session: &Session, request: ChatEnter) -> Result<Entered, Reject> {
    let name = policy::name(&request.name)?;
    let mut state = session.state();
    state.name = Some(name);
    for room in state.rooms.iter().filter_map(policy::chat_room) {
        let author = session.author(&state);
        session.app.presence.rename(&session.app.hub, &room, author);
    }
    Ok(Entered {
        peer: session.peer.clone(),
    })
}

/// Sends a text to a room; the same id again gives the same receipt and sends nothing.
///
/// # Errors
/// When the room, the text or the id is not allowed.
pub fn send(session: &Session, request: ChatSend) -> Result<Receipt, Reject> {
    let room = policy::chat_topic(&request.room)?;
    policy::text(&request.text)?;
    policy::id(&request.id)?;
    let from = session.author(&session.state());
    let said = Said {
        room,
        id: request.id,
        from,
        text: request.text,
    };
    say(&session.app, CLIENT, said)
}

/// A text that came through a broker; an id that was said already says nothing again.
///
/// # Errors
/// When the room, the text, the id or the name is not allowed.
pub fn relay(
    app: &App,
    room: &Topic,
    from: Option<&str>,
    id: String,
    text: String,
) -> Result<Receipt, Reject> {
    let room = policy::chat_topic(room.as_str())?;
    policy::text(&text)?;
    policy::id(&id)?;
    let name = policy::name(from.unwrap_or(MQTT.0))?;
    let peer = MQTT.0.to_owned();
    let from = Author { peer, name };
    say(
        app,
        MQTT,
        Said {
            room,
            id,
            from,
            text,
        },
    )
}

/// A checked message without its stamp.
struct Said {
    room: Topic,
    id: String,
    from: Author,
    text: String,
}

fn say(app: &App, origin: Origin, said: Said) -> Result<Receipt, Reject> {
    let key = (said.room.clone(), said.id.clone());
    app.receipts.once(key, || {
        let room = said.room.clone();
        let stamp = app.hub.publish(&room, origin, false, |stamp| ChatMessage {
            room: said.room,
            seq: stamp.seq,
            id: said.id,
            from: said.from,
            text: said.text,
            at: stamp.at,
        });
        let stamp = stamp.map_err(not_published)?;
        Ok(Receipt {
            seq: stamp.seq,
            at: stamp.at,
        })
    })
}

/// The receipts of the latest ids, so that a retry says nothing twice.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    known: Mutex<Known>,
}

type Key = (Topic, String);

#[derive(Debug, Default)]
struct Known {
    receipts: HashMap<Key, Receipt>,
    rooms: HashMap<Topic, VecDeque<String>>,
    /// Every key in the order of arrival; those that their room forgot already may still stand here.
    all: VecDeque<Key>,
}

impl Receipts {
    /// The receipt of the key, or what `publish` gives, under one lock: two at a time are one.
    fn once(
        &self,
        key: Key,
        publish: impl FnOnce() -> Result<Receipt, Reject>,
    ) -> Result<Receipt, Reject> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receipt) = known.receipts.get(&key) {
            return Ok(receipt.clone());
        }
        let receipt = publish()?;
        known.remember(key, receipt.clone());
        Ok(receipt)
    }
}

impl Known {
    fn remember(&mut self, key: Key, receipt: Receipt) {
        let ids = self.rooms.entry(key.0.clone()).or_default();
        ids.push_back(key.1.clone());
        if ids.len() > RECEIPTS_PER_ROOM
            && let Some(id) = ids.pop_front()
        {
            self.receipts.remove(&(key.0.clone(), id));
        }
        self.receipts.insert(key.clone(), receipt);
        self.all.push_back(key);
        if self.all.len() > MAX_RECEIPTS
            && let Some(oldest) = self.all.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// Forgets the oldest key of all: unless its room forgot it before, it is the oldest of its room.
    fn forget(&mut self, key: &Key) {
        let Some(ids) = self.rooms.get_mut(&key.0) else {
            return;
        };
        if ids.front() == Some(&key.1) {
            ids.pop_front();
            self.receipts.remove(key);
        }
        if self.rooms.get(&key.0).is_some_and(VecDeque::is_empty) {
            self.rooms.remove(&key.0);
        }
    }
}
