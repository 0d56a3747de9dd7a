//! Who is in which chat room: users, however many connections each has.

use super::{SERVER, Session, policy, session::author};
use crate::{hub::Hub, identity::Person};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tertulia_shared::{
    Event, Reject, Topic,
    chat::Author,
    presence::{BATCH, Change, LISTED, People, PresenceChange, PresenceChanges, PresenceList},
};
use tokio::time::sleep;

/// Between two batches of a large room.
const EVERY: Duration = Duration::from_secs(1);

/// The peers of each room that has any. Changes are published under the lock, so that they are told in their order.
#[derive(Debug, Default)]
pub(super) struct Presence {
    state: Mutex<State>,
    /// Whether nobody is told anything any more.
    is_silent: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<Topic, Room>,
    /// In which rooms a peer is.
    peers: HashMap<String, BTreeSet<Topic>>,
}

#[derive(Debug, Default)]
struct Room {
    peers: BTreeMap<String, Here>,
    /// Whether changes are told in batches: from more than [`LISTED`] people on, until half of them are left.
    is_large: bool,
    batch: Batch,
}

/// A peer in a room.
#[derive(Debug)]
struct Here {
    /// Name and tag as they were last told.
    author: Author,
    connections: usize,
}

/// The changes of a large room that are not told yet. One by one they would cost the square of its people when all of them come
/// or go.
#[derive(Debug, Default)]
struct Batch {
    changes: BTreeMap<String, PresenceChange>,
    left_out: u32,
}

impl Presence {
    /// A connection of somebody joins a room: with the first one it enters.
    pub(super) fn enter(&self, hub: &Hub, topic: &Topic, person: &Person) {
        let mut state = self.state();
        let author = author(person);
        let room = state.rooms.entry(topic.clone()).or_default();
        if let Some(here) = room.peers.get_mut(&author.peer) {
            here.connections += 1;
            return;
        }
        let here = Here {
            author: author.clone(),
            connections: 1,
        };
        room.peers.insert(author.peer.clone(), here);
        let peer = author.peer.clone();
        room.tell(hub, topic, author, Change::Entered);
        let rooms = state.peers.entry(peer).or_default();
        rooms.insert(topic.clone());
    }

    /// A connection of a peer leaves a room: with the last one it is gone.
    pub(super) fn leave(&self, hub: &Hub, topic: &Topic, peer: &str) {
        if self.is_silent.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.state();
        let Some(room) = state.rooms.get_mut(topic) else {
            return;
        };
        let Some(here) = room.peers.get_mut(peer) else {
            return;
        };
        here.connections -= 1;
        if here.connections > 0 {
            return;
        }
        let Some(Here { author, .. }) = room.peers.remove(peer) else {
            return;
        };
        if room.peers.is_empty() {
            state.rooms.remove(topic);
            hub.remove(&policy::presence_topic(topic));
        } else {
            room.tell(hub, topic, author, Change::Left);
        }
        state.forget(peer, topic);
    }

    /// Whether a peer is in a room.
    pub(super) fn is_in(&self, room: &Topic, peer: &str) -> bool {
        let state = self.state();
        let room = state.rooms.get(room);
        room.is_some_and(|room| room.peers.contains_key(peer))
    }

    /// Tells the rooms of people whose name or tag changed.
    pub(super) fn renamed(&self, hub: &Hub, people: &[Arc<Person>]) {
        if !people.is_empty() {
            let mut state = self.state();
            people.iter().for_each(|person| state.renamed(hub, person));
        }
    }

    /// Tells large rooms what changed, until it is dropped.
    pub(super) async fn tell_batches(&self, hub: &Hub) {
        loop {
            sleep(EVERY).await;
            for (topic, room) in &mut self.state().rooms {
                room.tell_batch(hub, topic);
            }
        }
    }

    /// Tells nobody any more who leaves.
    pub(super) fn silence(&self) {
        self.is_silent.store(true, Ordering::Relaxed);
    }

    /// The peers of a room, ordered by peer id.
    fn people(&self, topic: &Topic) -> People {
        let state = self.state();
        let peers = state.rooms.get(topic).map(|room| &room.peers);
        let listed = peers.into_iter().flatten().take(LISTED);
        People {
            people: listed.map(|(_, here)| here.author.clone()).collect(),
            count: peers.map_or(0, count),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells the current name and tag of somebody in each room that was last told others.
    fn renamed(&mut self, hub: &Hub, person: &Person) {
        let author = author(person);
        for topic in self.peers.get(&author.peer).into_iter().flatten() {
            let Some(room) = self.rooms.get_mut(topic) else {
                continue;
            };
            let here = room.peers.get_mut(&author.peer);
            let Some(here) = here.filter(|here| here.author != author) else {
                continue;
            };
            here.author.clone_from(&author);
            room.tell(hub, topic, author.clone(), Change::Renamed);
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

impl Room {
    /// Tells a change at once in a small room, and later in a large one.
    fn tell(&mut self, hub: &Hub, topic: &Topic, author: Author, change: Change) {
        let event = PresenceChange {
            room: topic.clone(),
            peer: author.peer,
            name: author.name,
            tag: author.tag,
            change,
        };
        let until = if self.is_large { LISTED / 2 } else { LISTED };
        // Behind a batch that is not told yet, changes wait too: they are told in their order.
        self.is_large = self.peers.len() > until || !self.batch.changes.is_empty();
        match self.is_large {
            true => self.batch.add(event),
            false => publish(hub, topic, event),
        }
    }

    fn tell_batch(&mut self, hub: &Hub, topic: &Topic) {
        if self.batch.changes.is_empty() {
            return;
        }
        let Batch { changes, left_out } = std::mem::take(&mut self.batch);
        let event = PresenceChanges {
            room: topic.clone(),
            count: count(&self.peers),
            changes: changes.into_values().collect(),
            left_out,
        };
        publish(hub, topic, event);
    }
}

impl Batch {
    fn add(&mut self, event: PresenceChange) {
        let is_full = self.changes.len() >= BATCH;
        match self.changes.get_mut(&event.peer) {
            // Who entered under another name is still to be told.
            Some(before) if event.change == Change::Renamed => {
                let change = before.change;
                *before = PresenceChange { change, ..event };
            }
            Some(before) => *before = event,
            None if is_full => self.left_out = self.left_out.saturating_add(1),
            None => {
                self.changes.insert(event.peer.clone(), event);
            }
        }
    }
}

fn count(peers: &BTreeMap<String, Here>) -> u32 {
    u32::try_from(peers.len()).unwrap_or(u32::MAX)
}

fn publish<E: Event>(hub: &Hub, room: &Topic, event: E) {
    let told = hub.publish(&policy::presence_topic(room), SERVER, false, |_| event);
    if let Err(error) = told {
        tracing::warn!(%error, "could not publish presence");
    }
}

/// Lists who is in a chat room, up to [`LISTED`] of them; asking needs no join, but who may not join may not ask.
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
    Ok(app.presence.people(&room))
}
