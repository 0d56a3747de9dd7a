//! A table of named deadlines, the only place where a part of the machine keeps time.

use std::time::Duration;

/// Deadlines by name, each in time since the driver's epoch. There are as many as names, a handful.
#[derive(Debug)]
pub(super) struct Timers<K> {
    deadlines: Vec<(K, Duration)>,
}

impl<K: Eq + Copy> Timers<K> {
    pub(super) fn new() -> Self {
        Self {
            deadlines: Vec::new(),
        }
    }

    /// Sets or moves a deadline.
    pub(super) fn set(&mut self, key: K, deadline: Duration) {
        self.clear(key);
        self.deadlines.push((key, deadline));
    }

    /// Forgets a deadline.
    pub(super) fn clear(&mut self, key: K) {
        self.deadlines.retain(|(other, _)| *other != key);
    }

    /// Forgets all deadlines.
    pub(super) fn clear_all(&mut self) {
        self.deadlines.clear();
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Duration> {
        self.earliest().map(|(_, deadline)| deadline)
    }

    /// Takes the earliest deadline that has passed at `now`.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<K> {
        let (key, _) = self.earliest().filter(|(_, deadline)| *deadline <= now)?;
        self.clear(key);
        Some(key)
    }

    fn earliest(&self) -> Option<(K, Duration)> {
        self.deadlines
            .iter()
            .copied()
            .min_by_key(|(_, deadline)| *deadline)
    }
}
