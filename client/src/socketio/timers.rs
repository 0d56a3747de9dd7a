//! A table of named deadlines, the only place where a part of the machine keeps time.

use std::{collections::BTreeMap, time::Duration};

/// Deadlines by name, each in time since the driver's epoch.
#[derive(Debug)]
pub(super) struct Timers<K> {
    deadlines: BTreeMap<K, Duration>,
}

impl<K: Ord + Copy> Timers<K> {
    pub(super) fn new() -> Self {
        Self {
            deadlines: BTreeMap::new(),
        }
    }

    /// Sets or moves a deadline.
    pub(super) fn set(&mut self, key: K, deadline: Duration) {
        self.deadlines.insert(key, deadline);
    }

    /// Forgets a deadline.
    pub(super) fn clear(&mut self, key: K) {
        self.deadlines.remove(&key);
    }

    /// Forgets all deadlines.
    pub(super) fn clear_all(&mut self) {
        self.deadlines.clear();
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Duration> {
        self.deadlines.values().min().copied()
    }

    /// Takes the earliest deadline that has passed at `now`.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<K> {
        let (key, _) = self
            .deadlines
            .iter()
            .map(|(key, deadline)| (*key, *deadline))
            .filter(|(_, deadline)| *deadline <= now)
            .min_by_key(|(_, deadline)| *deadline)?;
        self.deadlines.remove(&key);
        Some(key)
    }
}
