//! The database and what is known of it by heart: the rooms and their positions.

use super::{
    Age, Clock, DataDir, Limits, Marks, Position, Saved, Source, StoreError, error::SaveError,
    lived, open, place::Place, retention::Sweep,
};
use rusqlite::{Connection, Row, params};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};
use tertulia_shared::{Topic, chat::Author};

/// What is named where there is no file.
pub(super) const MEMORY: &str = ":memory:";

/// The stored messages, opened and checked.
#[derive(Debug)]
pub struct Archive {
    pub(super) db: Connection,
    age: Arc<Age>,
    /// When that was written down.
    pub(super) age_kept: u64,
    pub(super) rooms: BTreeMap<Topic, Room>,
    /// How many of them guests began.
    pub(super) of_guests: usize,
    pub(super) marks: Arc<Marks>,
    /// The rooms that were forgotten and of which nobody was told.
    pub(super) forgotten: Vec<Topic>,
    pub(super) limits: Limits,
    pub(super) sweep: Sweep,
    epoch: u64,
    file: PathBuf,
    place: Arc<Place>,
    /// Dropped after the database is closed: the next server finds it whole.
    directory: Option<DataDir>,
}

/// A room's number in the database, and its position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) number: i64,
    pub(super) at: Position,
    /// Whether a guest began it.
    pub(super) is_guests: bool,
}

impl Archive {
    /// Opens what is in a data directory; a new database where there is none.
    ///
    /// # Errors
    /// When the database is damaged, newer than this build, or cannot be opened. Nothing was written then.
    pub fn open(directory: DataDir, clock: Clock, limits: Limits) -> Result<Self, StoreError> {
        let (db, file) = open::open(&directory)?;
        Self::load(db, file.clone(), clock, limits)
            .map(|archive| Self {
                directory: Some(directory),
                place: Arc::new(Place::of(&archive.file)),
                ..archive
            })
            .map_err(|error| StoreError::of(file, &error))
    }

    /// One that is gone with the process, and keeps little: what readers ask for is in the hub.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory(clock: Clock) -> Result<Self, StoreError> {
        open::in_memory()
            .and_then(|db| Self::load(db, MEMORY.into(), clock, Limits::IN_MEMORY))
            .map_err(|error| StoreError::of(MEMORY, &error))
    }

    /// The same, which keeps so much.
    #[cfg(test)]
    pub(crate) fn keeping(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, where time is measured by a clock that nobody sets: right after it was opened.
    #[must_use]
    pub fn measured_by(self, steady: Clock) -> Self {
        let age = Age::going_on(self.age.lived(), self.age.clock(), steady);
        Self { age, ..self }
    }

    fn load(db: Connection, file: PathBuf, clock: Clock, limits: Limits) -> rusqlite::Result<Self> {
        let rooms = rooms(&db)?;
        let epoch = epoch(&db, clock)?;
        let age = lived::load(&db, clock)?;
        let marks = Arc::new(Marks::new(marks(&db)?));
        Ok(Self {
            db,
            age_kept: age.now().aged,
            age,
            of_guests: rooms.values().filter(|room| room.is_guests).count(),
            rooms,
            marks,
            forgotten: Vec::new(),
            limits,
            sweep: Sweep::default(),
            epoch,
            file,
            place: Arc::default(),
            directory: None,
        })
    }

    /// When the database was made, in milliseconds since 1970-01-01 UTC: numbers of another epoch do not compare.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The times by which messages are stamped and forgotten.
    pub fn age(&self) -> Arc<Age> {
        Arc::clone(&self.age)
    }

    /// The database's file, for messages about it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where its files are to be.
    pub(super) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    /// Looks whether the database is still where it was opened.
    ///
    /// # Errors
    /// When it is not, for good.
    pub(super) fn check_place(&self) -> Result<(), SaveError> {
        if !self.place.is_gone() {
            return Ok(());
        }
        let file = self.file.clone();
        Err(SaveError::Gone(StoreError::Gone { file }))
    }

    /// The data directory, for what else is kept there; `None` in memory.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(DataDir::path)
    }

    /// Whether what is stored is gone with the process.
    pub fn is_in_memory(&self) -> bool {
        self.directory.is_none()
    }

    /// The rooms in which something was said, and where their streams are.
    pub fn rooms(&self) -> impl Iterator<Item = (&Topic, Position)> {
        self.rooms.iter().map(|(topic, room)| (topic, room.at))
    }

    /// Where the rooms stand that were forgotten.
    pub fn marks(&self) -> Arc<Marks> {
        Arc::clone(&self.marks)
    }

    /// The newest messages of a room, at most `limit`, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn history(&self, room: &Topic, limit: u64) -> Result<Vec<Saved>, StoreError> {
        let Some(found) = self.rooms.get(room) else {
            return Ok(Vec::new());
        };
        let after = found.at.last.saturating_sub(limit);
        self.read(room, found.number, after)
            .map_err(|error| StoreError::of(&self.file, &error))
    }

    fn read(&self, room: &Topic, number: i64, after: u64) -> rusqlite::Result<Vec<Saved>> {
        self.db
            .prepare_cached(
                "SELECT seq, at, id, peer, name, text, source, born, tag FROM message
                 WHERE room = ?1 AND seq > ?2 ORDER BY seq",
            )?
            .query_map(params![number, after], |row| saved(room, row))?
            .collect()
    }
}

fn saved(room: &Topic, row: &Row<'_>) -> rusqlite::Result<Saved> {
    let source = match row.get(6)? {
        0 => Source::Client,
        _ => Source::Broker,
    };
    Ok(Saved {
        room: room.clone(),
        seq: row.get(0)?,
        at: row.get(1)?,
        // None is kept as an empty one.
        id: Some(row.get(2)?).filter(|id: &String| !id.is_empty()),
        from: Author {
            peer: row.get(3)?,
            name: row.get(4)?,
            tag: row.get(8)?,
        },
        text: row.get(5)?,
        source,
        born: row.get(7)?,
    })
}

fn rooms(db: &Connection) -> rusqlite::Result<BTreeMap<Topic, Room>> {
    let first = "SELECT seq FROM message WHERE room = number ORDER BY seq LIMIT 1";
    let columns = format!("topic, number, last, ({first}), guests");
    db.prepare(&format!("SELECT {columns} FROM room"))?
        .query_map([], |row| {
            let topic: String = row.get(0)?;
            let topic = Topic::new(topic).map_err(|error| {
                let kind = rusqlite::types::Type::Text;
                rusqlite::Error::FromSqlConversionFailure(0, kind, Box::new(error))
            })?;
            let last: u64 = row.get(2)?;
            let first: Option<u64> = row.get(3)?;
            let first = first.unwrap_or(last + 1);
            let number = row.get(1)?;
            Ok((
                topic,
                Room {
                    number,
                    at: Position { first, last },
                    is_guests: row.get(4)?,
                },
            ))
        })?
        .collect()
}

fn marks(db: &Connection) -> rusqlite::Result<HashMap<u32, u64>> {
    db.prepare("SELECT mark, last FROM forgotten")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The epoch is made with the first start.
fn epoch(db: &Connection, clock: Clock) -> rusqlite::Result<u64> {
    db.execute(
        "INSERT OR IGNORE INTO setting (name, value) VALUES ('epoch', ?1)",
        [clock()],
    )?;
    db.query_row(
        "SELECT value FROM setting WHERE name = 'epoch'",
        [],
        |row| row.get(0),
    )
}
