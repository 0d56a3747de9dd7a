//! What the server knows of one connection: its public id, its name and its rooms.

use super::App;
use crate::{hub::Reader, identity::User};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::{Filter, Topic, chat::Author};

/// The most messages that wait for one connection; what comes beyond is told as missed.
pub(super) const READER_CAPACITY: usize = 8_192;

/// One connection. Dropping it leaves all its rooms.
#[derive(Debug)]
pub struct Session {
    pub(super) app: Arc<App>,
    pub(super) user: User,
    pub(super) reader: Arc<Reader>,
    state: Mutex<State>,
}

/// What changes during a connection.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) name: Option<String>,
    pub(super) rooms: BTreeSet<Filter>,
    /// The number after which the messages of a room came, for rooms that are topics.
    pub(super) joined_after: BTreeMap<Filter, u64>,
    /// The rooms to which nobody had said anything before.
    pub(super) begun: BTreeSet<Topic>,
    /// After this nothing may be joined: nobody would leave it.
    pub(super) ended: bool,
}

impl Session {
    /// A connection of this user; it reads the bridge's status from the start.
    pub fn new(app: Arc<App>, user: User) -> Arc<Self> {
        let reader = Arc::new(app.hub.reader(READER_CAPACITY));
        reader.subscribe(&super::policy::bridge_topic().into());
        Arc::new(Self {
            app,
            user,
            reader,
            state: Mutex::default(),
        })
    }

    /// What this connection is to be sent.
    pub fn reader(&self) -> Arc<Reader> {
        Arc::clone(&self.reader)
    }

    /// The public id, which is no secret.
    pub fn peer(&self) -> &str {
        &self.user.id
    }

    /// Leaves all rooms; further joins are refused. A second time does nothing.
    pub fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        for room in std::mem::take(&mut state.rooms) {
            self.reader.unsubscribe(&room);
            if let Some(room) = super::policy::chat_room(&room) {
                self.app.presence.leave(&self.app.hub, &room, self.peer());
            }
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose retries this one's are: no stranger can be told from another one that lost its connection and is back.
    pub fn sender(&self) -> Option<String> {
        self.user.is_known().then(|| self.user.id.clone())
    }

    /// Who this is: before it took a name, `guest-` and the start of its id.
    pub(super) fn author(&self, state: &State) -> Author {
        let name = state.name.clone().unwrap_or_else(|| {
            let start: String = self.peer().chars().take(4).collect();
            format!("guest-{start}")
        });
        Author {
            peer: self.user.id.clone(),
            name,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}
