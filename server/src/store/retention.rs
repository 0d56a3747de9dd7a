//! Forgetting what is too much or too old, in steps so small that a sender between them does not wait. A room of which
//! nothing is left is forgotten itself, but for its last number (`marks`).

use super::{Archive, REMEMBERED, archive::Room, error::SaveError, lived, save::millis};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::Topic;

/// The most messages, and the most receipts, that one step forgets.
const STEP: u64 = 1_000;
/// The most rooms that one step looks at.
const STEP_ROOMS: usize = 100;
/// Between two sweeps while little is said.
const EVERY: Duration = Duration::from_secs(60);
/// A sweep begins early when so many messages were stored since the last one.
const AFTER_SAVED: usize = 10_000;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The messages that are kept of a room.
    pub messages: u64,
    /// How long a message is kept.
    pub age: Duration,
    /// The receipts that are kept of all rooms together, besides those that are older than [`REMEMBERED`].
    pub receipts: u64,
}

impl Limits {
    /// Where memory is all there is.
    pub(super) const IN_MEMORY: Self = Self {
        messages: 100,
        age: Duration::MAX,
        receipts: 100_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: 100_000,
            age: Duration::from_secs(365 * 24 * 60 * 60),
            receipts: u64::MAX,
        }
    }
}

/// How far a sweep is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The rooms that are still to be looked at.
    rooms: VecDeque<Topic>,
    receipts: bool,
    /// When the last one began ([`Times::aged`](super::Times::aged)).
    begun: u64,
    saved: usize,
}

impl Sweep {
    /// Counts what is new.
    pub(super) fn saved(&mut self, messages: usize) {
        self.saved += messages;
    }

    fn is_under_way(&self) -> bool {
        self.receipts || !self.rooms.is_empty()
    }
}

impl Archive {
    /// Forgets a little of what is too much or too old; false when there is nothing more to do for now.
    ///
    /// # Errors
    /// When the database cannot be written: this sweep is given up.
    pub(super) fn sweep(&mut self) -> Result<bool, SaveError> {
        let is_gone = self.place().was_gone();
        if is_gone || (!self.sweep.is_under_way() && !self.begin_sweep()) {
            return Ok(false);
        }
        self.keep_age(lived::SELDOM)?;
        let swept = self.sweep_step();
        if swept.is_err() {
            self.sweep.rooms.clear();
            self.sweep.receipts = false;
        }
        swept?;
        Ok(self.sweep.is_under_way())
    }

    fn begin_sweep(&mut self) -> bool {
        let now = self.times().aged;
        let waited = now.abs_diff(self.sweep.begun) >= millis(EVERY);
        if !waited && self.sweep.saved < AFTER_SAVED {
            return false;
        }
        self.sweep = Sweep {
            rooms: self.rooms.keys().cloned().collect(),
            receipts: true,
            begun: now,
            saved: 0,
        };
        true
    }

    fn sweep_step(&mut self) -> Result<(), SaveError> {
        if self.sweep.receipts {
            self.sweep.receipts = self.forget_receipts()?;
            return Ok(());
        }
        let mut empty = Vec::new();
        for _ in 0..STEP_ROOMS {
            let Some(topic) = self.sweep.rooms.pop_front() else {
                break;
            };
            let Some(mut room) = self.rooms.get(&topic).copied() else {
                continue;
            };
            if self.forget_messages(&mut room)? {
                self.rooms.insert(topic.clone(), room);
                self.sweep.rooms.push_front(topic);
                break;
            }
            if self.is_empty(&room)? {
                empty.push((topic, room));
            }
        }
        self.forget_rooms(empty)
    }

    /// Whether nothing is kept of a room that somebody could ask for.
    fn is_empty(&self, room: &Room) -> rusqlite::Result<bool> {
        if room.at.first <= room.at.last {
            return Ok(false);
        }
        let receipt = "SELECT EXISTS (SELECT 1 FROM receipt WHERE room = ?1)";
        let has_receipts: bool = self
            .db
            .prepare_cached(receipt)?
            .query_row([room.number], |row| row.get(0))?;
        Ok(!has_receipts)
    }

    /// Forgets rooms of which nothing is kept: only how far they were numbered stays.
    fn forget_rooms(&mut self, empty: Vec<(Topic, Room)>) -> Result<(), SaveError> {
        if empty.is_empty() {
            return Ok(());
        }
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let places = empty.iter().map(|(topic, _)| self.marks.place(topic));
        let places: Vec<_> = places.collect();
        for ((_, room), mark) in empty.iter().zip(&places) {
            transaction
                .prepare_cached(
                    "INSERT INTO forgotten (mark, last) VALUES (?1, ?2)
                     ON CONFLICT (mark) DO UPDATE SET last = max(last, excluded.last)",
                )?
                .execute(params![mark, room.at.last])?;
            transaction
                .prepare_cached("DELETE FROM room WHERE number = ?1")?
                .execute([room.number])?;
        }
        transaction.commit()?;
        for ((topic, room), mark) in empty.into_iter().zip(places) {
            self.rooms.remove(&topic);
            self.of_guests -= usize::from(room.is_guests);
            self.marks.raise(mark, room.at.last);
            self.forgotten.push(topic);
        }
        Ok(())
    }

    /// Forgets the oldest messages of a room, never one behind one that is kept; false where all are kept.
    fn forget_messages(&self, room: &mut Room) -> rusqlite::Result<bool> {
        let (first, last) = (room.at.first, room.at.last);
        if first > last {
            return Ok(false);
        }
        let too_many = last.saturating_sub(self.limits.messages);
        let keep = self.first_young(room)?.max(too_many + 1);
        let keep = keep.min(first + STEP);
        if keep <= first {
            return Ok(false);
        }
        self.db
            .prepare_cached("DELETE FROM message WHERE room = ?1 AND seq < ?2")?
            .execute(params![room.number, keep])?;
        room.at.first = keep;
        Ok(true)
    }

    /// The first message of the next step that is not too old, or the first behind the step.
    fn first_young(&self, room: &Room) -> rusqlite::Result<u64> {
        let since = self.times().aged.saturating_sub(millis(self.limits.age));
        let behind = room.at.last.saturating_add(1).min(room.at.first + STEP);
        let young = self
            .db
            .prepare_cached(
                "SELECT seq FROM message WHERE room = ?1 AND seq >= ?2 AND seq < ?3 AND born >= ?4
                 ORDER BY seq LIMIT 1",
            )?
            .query_row(params![room.number, room.at.first, behind, since], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(young.unwrap_or(behind))
    }

    /// Forgets the oldest receipts; false where all are kept.
    fn forget_receipts(&self) -> rusqlite::Result<bool> {
        let since = self.times().aged.saturating_sub(millis(REMEMBERED));
        let most = i64::try_from(self.limits.receipts).unwrap_or(i64::MAX);
        let forgotten = self
            .db
            .prepare_cached(
                "DELETE FROM receipt WHERE number IN (
                     SELECT number FROM (SELECT number, born FROM receipt ORDER BY number LIMIT ?3)
                     WHERE born <= ?1 OR number <= (SELECT max(number) FROM receipt) - ?2
                 )",
            )?
            .execute(params![since, most, STEP])?;
        Ok(forgotten > 0)
    }
}
