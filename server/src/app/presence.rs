//! Who is in which chat room: users, however many connections each has.

use super::{SERVER, Session, policy, session::author};
use crate::{hub::Hub, identity::Person};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::{
    Reject, Topic,
    chat::Author,
    presence::{Change, People, PresenceChange, PresenceList},
};

/// The peers of each room that has any. Changes are published under the lock, so that they are told in their order.
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<Topic, BTreeMap<String, Here>>,
    /// In which rooms a peer is.
    peers: HashMap<String, BTreeSet<Topic>>,
}

/// A peer in a room.
#[derive(Debug)]
struct Here {
    /// Name and tag as they were last told.
    author: Author,
    connections: usize,
}

impl Presence {
    /// A connection of somebody joins a room: with the first one it enters.
    pub(super) fn enter(&self, hub: &Hub, room: &Topic, person: &Person) {
        let mut state = self.state();
        let author = author(person);
        let peers = state.rooms.entry(room.clone()).or_default();
        if let Some(here) = peers.get_mut(&author.peer) {
            here.connections += 1;
            return;
        }
        let here = Here {
            author: author.clone(),
            connections: 1,
        };
        peers.insert(author.peer.clone(), here);
        let rooms = state.peers.entry(author.peer.clone()).or_default();
        rooms.insert(room.clone());
        tell(hub, room, author, Change::Entered);
    }

    /// A connection of a peer leaves a room: with the last one it is gone.
    pub(super) fn leave(&self, hub: &Hub, room: &Topic, peer: &str) {
        let mut state = self.state();
        let Some(peers) = state.rooms.get_mut(room) else {
            return;
        };
        let Some(here) = peers.get_mut(peer) else {
            return;
        };
        here.connections -= 1;
        if here.connections > 0 {
            return;
        }
        let Some(Here { author, .. }) = peers.remove(peer) else {
            return;
        };
        let is_empty = peers.is_empty();
        if is_empty {
            state.rooms.remove(room);
        }
        state.forget(peer, room);
        tell(hub, room, author, Change::Left);
        if is_empty {
            hub.remove(&policy::presence_topic(room));
        }
    }

    /// Tells the rooms of people whose name or tag changed.
    pub(super) fn renamed(&self, hub: &Hub, people: &[Arc<Person>]) {
        if !people.is_empty() {
            let mut state = self.state();
            people.iter().for_each(|person| state.renamed(hub, person));
        }
    }

    /// The peers of a room, ordered by peer id.
    fn people(&self, room: &Topic) -> Vec<Author> {
        let state = self.state();
        let peers = state.rooms.get(room).into_iter().flatten();
        peers.map(|(_, here)| here.author.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells the current name and tag of somebody in each room that was last told others.
    fn renamed(&mut self, hub: &Hub, person: &Person) {
        let author = author(person);
        for room in self.peers.get(&author.peer).into_iter().flatten() {
            let here = self.rooms.get_mut(room);
            let here = here.and_then(|peers| peers.get_mut(&author.peer));
            let Some(here) = here.filter(|here| here.author != author) else {
                continue;
            };
            here.author.clone_from(&author);
            tell(hub, room, author.clone(), Change::Renamed);
        }
    }

    fn forget(&mut self, peer: &str, room: &Topic) {
        if let Some(rooms) = self.peers.get_mut(peer) {
            rooms.remove(room);
            if rooms.is_empty() {
                self.peers.remove(peer);
            }
        }
    }
}

/// Lists who is in a chat room; asking needs no join, but who may not join may not ask.
///
/// # Errors
/// When the room is no chat room, or not open to this one.
pub fn list(session: &Session, request: PresenceList) -> Result<People, Reject> {
    let room = policy::chat_topic(&request.room)?;
    session.may_join(&room.clone().into())?;
    let app = &session.app;
    if policy::is_private(&room) && !app.identity.is_member(&room, &session.user) {
        return Err(policy::not_yours(room.as_str()));
    }
    Ok(People {
        people: app.presence.people(&room),
    })
}

fn tell(hub: &Hub, room: &Topic, author: Author, change: Change) {
    let event = PresenceChange {
        room: room.clone(),
        peer: author.peer,
        name: author.name,
        tag: author.tag,
        change,
    };
    let told = hub.publish(&policy::presence_topic(room), SERVER, false, |_| event);
    if let Err(error) = told {
        tracing::warn!(%error, "presence is not told");
    }
}
