//! Numbering and writing a batch of messages: one transaction, all or nothing.

use super::{
    Archive, Draft, MAX_ROOMS, MAX_ROOMS_OF_GUESTS, Marks, Position, REMEMBERED, Saved, Source,
    Times, archive::Room, error::SaveError, lived,
};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use tertulia_shared::{
    Code, Reject, Topic,
    chat::{Receipt, is_short_id},
};

/// How much of an id is repeated in a refusal, in characters.
const SHOWN_CHARS: usize = 40;

/// What became of a draft in its transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is numbered and stored.
    New(Saved),
    /// It was stored before.
    Again(Receipt),
    /// It is not stored; what else is in the transaction is.
    Refused(Reject),
}

impl Archive {
    /// Numbers and stores drafts in their order: when this returns they are on disk.
    ///
    /// # Errors
    /// When the database cannot take them: then none is numbered and none is stored.
    pub(super) fn save(&mut self, drafts: Vec<Draft>) -> Result<Vec<Verdict>, SaveError> {
        if self.place().was_gone() {
            self.check_place()?;
        }
        let times = self.times();
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch {
            transaction,
            rooms: &self.rooms,
            marks: &self.marks,
            begun: self.rooms.len(),
            of_guests: self.of_guests,
            changed: BTreeMap::new(),
            times,
        };
        let verdicts: Result<Vec<_>, _> =
            drafts.into_iter().map(|draft| batch.take(draft)).collect();
        let (verdicts, of_guests) = (verdicts?, batch.of_guests);
        let changed = batch.commit()?;
        // After the commit: what was removed before it is not on any disk.
        self.check_place()?;
        self.rooms.extend(changed);
        self.of_guests = of_guests;
        self.sweep.saved(verdicts.len());
        // What is stored is stored: where this fails, time goes on from before at the next start.
        let _ = self.keep_age(lived::OFTEN);
        Ok(verdicts)
    }
}

/// A transaction under way: what it changes is known to others once it is on disk.
struct Batch<'a> {
    transaction: Transaction<'a>,
    rooms: &'a BTreeMap<Topic, Room>,
    marks: &'a Marks,
    /// How many rooms there are then, and how many of them guests began.
    begun: usize,
    of_guests: usize,
    changed: BTreeMap<Topic, Room>,
    times: Times,
}

/// An id that was used.
struct Used {
    sender: Option<String>,
    text: i64,
    receipt: Receipt,
}

impl Batch<'_> {
    fn take(&mut self, mut draft: Draft) -> rusqlite::Result<Verdict> {
        let known = self.changed.get(&draft.room);
        let Some(room) = known.or_else(|| self.rooms.get(&draft.room)).copied() else {
            return self.begin(draft);
        };
        let text = hash(&[&draft.text]);
        if let Some(used) = self.used(room, &draft)? {
            match draft.source {
                _ if used.text == text && used.is_of(&draft) => {
                    return Ok(Verdict::Again(used.receipt));
                }
                Source::Client => return Ok(Verdict::Refused(id_used(&draft))),
                Source::Broker => draft.id = Some(replacement(&draft)),
            }
            if let Some(used) = self.used(room, &draft)? {
                return Ok(Verdict::Again(used.receipt));
            }
        }
        self.store(room, draft, text).map(Verdict::New)
    }

    /// The first message of a room.
    fn begin(&mut self, draft: Draft) -> rusqlite::Result<Verdict> {
        let is_guests = !draft.is_registered;
        if let Some(reject) = self.is_full(&draft.room, is_guests) {
            return Ok(Verdict::Refused(reject));
        }
        let last = self.marks.of(&draft.room);
        self.transaction
            .prepare_cached("INSERT INTO room (topic, last, guests) VALUES (?1, ?2, ?3)")?
            .execute(params![draft.room.as_str(), last, is_guests])?;
        let first = last + 1;
        let room = Room {
            number: self.transaction.last_insert_rowid(),
            at: Position { first, last },
            is_guests,
        };
        self.begun += 1;
        self.of_guests += usize::from(is_guests);
        let text = hash(&[&draft.text]);
        self.store(room, draft, text).map(Verdict::New)
    }

    fn is_full(&self, room: &Topic, is_guests: bool) -> Option<Reject> {
        let why = if self.begun >= MAX_ROOMS {
            format!("the server keeps {MAX_ROOMS} already")
        } else if is_guests && self.of_guests >= MAX_ROOMS_OF_GUESTS {
            format!("guests have begun {MAX_ROOMS_OF_GUESTS} already; log in")
        } else {
            return None;
        };
        let problem = format!("room `{room}` is new and {why}");
        Some(Reject::new(Code::ServerFull, problem))
    }

    /// What the id of a draft was used for within the last day.
    fn used(&self, room: Room, draft: &Draft) -> rusqlite::Result<Option<Used>> {
        let Some(id) = &draft.id else {
            return Ok(None);
        };
        let since = self.times.aged.saturating_sub(millis(REMEMBERED));
        self.transaction
            .prepare_cached(
                "SELECT sender, text, seq, at FROM receipt
                 WHERE room = ?1 AND id = ?2 AND scope = ?3 AND born > ?4",
            )?
            .query_row(params![room.number, id, scope(draft), since], |row| {
                Ok(Used {
                    sender: row.get(0)?,
                    text: row.get(1)?,
                    receipt: Receipt {
                        seq: row.get(2)?,
                        at: row.get(3)?,
                    },
                })
            })
            .optional()
    }

    fn store(&mut self, mut room: Room, draft: Draft, text: i64) -> rusqlite::Result<Saved> {
        room.at.last += 1;
        let (seq, at, born) = (room.at.last, self.times.wall, self.times.born);
        let source = match draft.source {
            Source::Client => 0,
            Source::Broker => 1,
        };
        let from = &draft.from;
        self.transaction
            .prepare_cached("INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
            .execute(params![
                room.number,
                seq,
                at,
                // None is kept as an empty one.
                draft.id.as_deref().unwrap_or_default(),
                from.peer,
                from.name,
                draft.text,
                source,
                born,
                from.tag
            ])?;
        self.store_receipt(room, &draft, text)?;
        self.changed.insert(draft.room.clone(), room);
        Ok(Saved {
            room: draft.room,
            seq,
            at,
            born,
            id: draft.id,
            from: draft.from,
            text: draft.text,
            source: draft.source,
        })
    }

    fn store_receipt(&self, room: Room, draft: &Draft, text: i64) -> rusqlite::Result<()> {
        let Some(id) = &draft.id else {
            return Ok(());
        };
        // An id that was forgotten gives way.
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO receipt (room, id, scope, sender, text, seq, at, born)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                room.number,
                id,
                scope(draft),
                draft.sender,
                text,
                room.at.last,
                self.times.wall,
                self.times.born
            ])
            .map(drop)
    }

    fn commit(self) -> rusqlite::Result<BTreeMap<Topic, Room>> {
        {
            let mut update = self
                .transaction
                .prepare_cached("UPDATE room SET last = ?2 WHERE number = ?1")?;
            for room in self.changed.values() {
                update.execute(params![room.number, room.at.last])?;
            }
        }
        self.transaction.commit()?;
        Ok(self.changed)
    }
}

impl Used {
    /// Whether a draft is the same one again: what a broker brings may have gone out here.
    fn is_of(&self, draft: &Draft) -> bool {
        draft.source == Source::Broker || self.sender == draft.sender
    }
}

/// For whom the id of a draft counts: a short one for its sender, any other for the whole room.
fn scope(draft: &Draft) -> &str {
    let is_short = draft.id.as_deref().is_some_and(is_short_id);
    let sender = draft.sender.as_deref().filter(|_| is_short);
    sender.unwrap_or_default()
}

fn id_used(draft: &Draft) -> Reject {
    let id = draft.id.as_deref().unwrap_or_default();
    let shown: String = id.chars().take(SHOWN_CHARS).collect();
    let problem = format!("id `{shown}` was used for another text in this room");
    Reject::new(Code::BadId, problem)
}

/// Another id, always the same for the same id and text.
fn replacement(draft: &Draft) -> String {
    let id = draft.id.as_deref().unwrap_or_default();
    let hash = hash(&[draft.room.as_str(), id, &draft.text]);
    format!("mqtt-{hash:016x}")
}

/// FNV-1a, 64 bits: the same in every build, as what is stored must be. Who makes two texts with one hash cheats himself.
pub(super) fn hash(parts: &[&str]) -> i64 {
    let end_of_part = [0xff];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.as_bytes().iter().chain(&end_of_part) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash.cast_signed()
}

/// A duration in milliseconds.
pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
