//! The receipts of the latest ids of chat rooms, so that a retry says nothing twice.
//!
//! Not here: what is said (`chat`).

use super::policy;
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::{Code, Reject, Topic, chat::Receipt};

/// The ids that are remembered of one room.
pub(super) const RECEIPTS_PER_ROOM: usize = 1_000;
/// The ids that are remembered of all rooms together.
pub(super) const MAX_RECEIPTS: usize = 100_000;

/// A room and a client-made id.
pub(super) type Key = (Topic, String);

/// The receipts that are remembered.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    texts: RandomState,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    receipts: HashMap<Key, Given>,
    rooms: HashMap<Topic, VecDeque<String>>,
    /// Every key in the order of arrival; those that their room forgot already may still stand here.
    all: VecDeque<Key>,
}

#[derive(Clone, Debug)]
struct Given {
    receipt: Receipt,
    /// Tells a retry from another text with the same id.
    text: u64,
}

impl Receipts {
    /// The receipt of the key, or what `publish` gives, under one lock: two at a time are one.
    ///
    /// # Errors
    /// When the id was used for another text, or `publish` fails.
    pub(super) fn once(
        &self,
        key: Key,
        text: &str,
        publish: impl FnOnce() -> Result<Receipt, Reject>,
    ) -> Result<Receipt, Reject> {
        let text = self.texts.hash_one(text);
        let mut known = self.known();
        match known.receipts.get(&key) {
            Some(given) if given.text == text => Ok(given.receipt.clone()),
            Some(_) => {
                let id = policy::shown(&key.1);
                let problem = format!("id `{id}` was used for another text in this room");
                Err(Reject::new(Code::BadId, problem))
            }
            None => {
                let receipt = publish()?;
                let given = Given {
                    receipt: receipt.clone(),
                    text,
                };
                known.remember(key, given);
                Ok(receipt)
            }
        }
    }

    /// The id, or another one where it was used for another text: always the same for the same id and text.
    pub(super) fn unused(&self, room: Topic, id: String, text: &str) -> String {
        let hash = self.texts.hash_one(text);
        let key = (room, id);
        let used = self.known().receipts.get(&key).map(|given| given.text);
        if used.is_some_and(|used| used != hash) {
            return format!("mqtt-{:016x}", self.texts.hash_one((&key, text)));
        }
        key.1
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn remember(&mut self, key: Key, given: Given) {
        let ids = self.rooms.entry(key.0.clone()).or_default();
        ids.push_back(key.1.clone());
        if ids.len() > RECEIPTS_PER_ROOM
            && let Some(id) = ids.pop_front()
        {
            self.receipts.remove(&(key.0.clone(), id));
        }
        self.receipts.insert(key.clone(), given);
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
