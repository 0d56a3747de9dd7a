//! The places for sessions that outlive their connections: how many there are, and how many are guests'.
//!
//! The broker keeps a session for everybody who is connected; here only those count that stay when their clients go. Not here:
//! the sessions (`sessions`).

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The most sessions that outlive their connections.
const MAX_SESSIONS: usize = 5_000;
/// How many of them guests may have: they are not to keep those out who have an account.
const MAX_GUESTS: usize = MAX_SESSIONS / 2;

#[derive(Clone, Copy, Debug)]
struct Place {
    guest: bool,
    /// Whether it was looked at: from then on its session is there or over.
    seen: bool,
}

/// Who has a place, by client ids.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<String, Place>>);

impl Places {
    /// Takes a place, or says that there is none; who has one keeps it.
    pub(super) fn take(&self, id: &str, guest: bool) -> bool {
        let mut all = self.all();
        if all.contains_key(id) {
            return true;
        }
        let guests = all.values().filter(|place| place.guest).count();
        let is_full = all.len() >= MAX_SESSIONS || (guest && guests >= MAX_GUESTS);
        if !is_full {
            all.insert(id.to_owned(), Place { guest, seen: false });
        }
        !is_full
    }

    /// Frees the places of those whose sessions are no longer among these; one that was just taken may have none yet.
    pub(super) fn keep(&self, sessions: &HashSet<String>) {
        self.all().retain(|id, place| {
            let stays = !place.seen || sessions.contains(id);
            place.seen = true;
            stays
        });
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_GUESTS, MAX_SESSIONS, Places};
    use std::collections::HashSet;

    /// Breaks when: guests keep those out who have an account, or a place is never free again.
    #[test]
    fn guests_have_at_most_half_of_the_places() {
        let places = Places::default();
        let ids: HashSet<_> = (0..MAX_SESSIONS).map(|n| n.to_string()).collect();
        let taken = ids.iter().filter(|id| places.take(id, true)).count();
        assert_eq!(taken, MAX_GUESTS);
        let taken = ids.iter().filter(|id| places.take(id, false)).count();
        assert_eq!(taken, MAX_SESSIONS);
        assert!(!places.take("new", true) && !places.take("new", false));
        // Their sessions may come just now.
        places.keep(&HashSet::new());
        assert!(!places.take("new", false));
        places.keep(&ids);
        assert!(!places.take("new", false));
        places.keep(&HashSet::new());
        assert!(places.take("new", true));
    }
}
