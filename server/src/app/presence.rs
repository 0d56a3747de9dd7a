//! Who is in which chat room, by connection.

use super::{SERVER, Session, policy};
use crate::hub::Hub;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::{
    Reject, Topic,
    chat::Author,
    presence::{Change, People, PresenceChange, PresenceList},
};

/// Names by peer.
type Peers = BTreeMap<String, String>;

/// The peers of each room that has any. Changes are published under the lock, so that they are told in their order.
#[derive(Debug, Default)]
pub(super) struct Presence {
    rooms: Mutex<BTreeMap<Topic, Peers>>,
}

impl Presence {
    /// Adds a peer to a room.
    pub(super) fn enter(&self, hub: &Hub, room: &Topic, author: Author) {
        let mut rooms = self.rooms();
        let peers = rooms.entry(room.clone()).or_default();
        peers.insert(author.peer.clone(), author.name.clone());
        tell(hub, room, author, Change::Entered);
    }

    /// Removes a peer from a room.
    pub(super) fn leave(&self, hub: &Hub, room: &Topic, peer: &str) {
        let mut rooms = self.rooms();
        let Some(peers) = rooms.get_mut(room) else {
            return;
        };
        let Some(name) = peers.remove(peer) else {
            return;
        };
        let is_empty = peers.is_empty();
        let peer = peer.to_owned();
        tell(hub, room, Author { peer, name }, Change::Left);
        if is_empty {
            rooms.remove(room);
            hub.remove(&policy::presence_topic(room));
        }
    }

    /// Renames a peer in a room that it is in.
    pub(super) fn rename(&self, hub: &Hub, room: &Topic, author: Author) {
        let mut rooms = self.rooms();
        let Some(name) = rooms
            .get_mut(room)
            .and_then(|peers| peers.get_mut(&author.peer))
        else {
            return;
        };
        if *name != author.name {
            name.clone_from(&author.name);
            tell(hub, room, author, Change::Renamed);
        }
    }

    /// The peers of a room, ordered by peer id.
    fn people(&self, room: &Topic) -> Vec<Author> {
        let author = |(peer, name): (&String, &String)| Author {
            peer: peer.clone(),
            name: name.clone(),
        };
        self.rooms()
            .get(room)
            .into_iter()
            .flatten()
            .map(author)
            .collect()
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeMap<Topic, Peers>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists who is in a chat room; asking needs no join.
///
/// # Errors
/// When the room is no chat room.
pub fn list(session: &Session, request: PresenceList) -> Result<People, Reject> {
    let room = policy::chat_topic(&request.room)?;
    Ok(People {
        people: session.app.presence.people(&room),
    })
}

fn tell(hub: &Hub, room: &Topic, author: Author, change: Change) {
    let event = PresenceChange {
        room: room.clone(),
        peer: author.peer,
        name: author.name,
        change,
    };
    let told = hub.publish(&policy::presence_topic(room), SERVER, false, |_| event);
    if let Err(error) = told {
        tracing::warn!(%error, "presence is not told");
    }
}
