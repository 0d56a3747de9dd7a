//! Stores the counted time in the database, so that it continues over restarts and a wrong clock at a start deletes nothing.

use super::{
    Age, Archive, Clock,
    age::{Lived, Times},
    error::SaveError,
    save::millis,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::{sync::Arc, time::Duration};

/// How much of it a crash may take while something is said.
pub(super) const OFTEN: Duration = Duration::from_secs(60);
/// The same, while nothing is said.
pub(super) const SELDOM: Duration = Duration::from_secs(10 * 60);

/// The time, the lead of the wall clock, and how long that has been, as settings.
const NAMES: [&str; 3] = ["age", "age_ahead", "age_trusted"];

impl Archive {
    /// The times of now.
    pub(super) fn times(&self) -> Times {
        self.age().now()
    }

    /// Stores the counted time if that is due.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(super) fn keep_age(&mut self, every: Duration) -> Result<(), SaveError> {
        let lived = self.age().lived();
        if lived.aged.saturating_sub(self.age_kept) >= millis(every) {
            write(&self.db, lived)?;
            self.age_kept = lived.aged;
        }
        Ok(())
    }
}

/// The stored time.
pub(super) fn load(db: &Connection, clock: Clock) -> rusqlite::Result<Arc<Age>> {
    let [aged, ahead, trusted] = NAMES.map(|name| setting(db, name));
    let lived = match (aged?, ahead?, trusted?) {
        (Some(aged), ahead, trusted) => Lived {
            aged,
            ahead: ahead.unwrap_or_default(),
            trusted: trusted.unwrap_or_default(),
        },
        (None, ..) => first(db, clock())?,
    };
    let age = Age::going_on(lived.after_a_crash(clock()), clock, clock);
    let born = age.now().born;
    // Messages that were stamped while the clock was far ahead must not stay until that time comes.
    for table in ["message", "receipt"] {
        let clamp = format!("UPDATE {table} SET born = ?1 WHERE born > ?1");
        db.execute(&clamp, [born])?;
    }
    Ok(age)
}

/// A database in which time was not counted yet: nothing in it is older than the clock says, which may be wrong.
fn first(db: &Connection, now: u64) -> rusqlite::Result<Lived> {
    let newest = "SELECT max(born) FROM message";
    let newest: Option<u64> = db.query_row(newest, [], |row| row.get(0))?;
    let lived = Lived::from(newest.map_or(now, |newest| newest.min(now)));
    write(db, lived)?;
    Ok(lived)
}

impl Lived {
    /// What was lived, as far as it may not have been written down before a crash, where the wall clock says that time
    /// has passed.
    fn after_a_crash(self, wall: u64) -> Self {
        let unwritten = wall.saturating_sub(self.aged).min(millis(SELDOM));
        Self {
            aged: self.aged + unwritten,
            ahead: self.ahead.saturating_sub(unwritten),
            ..self
        }
    }
}

fn setting(db: &Connection, name: &str) -> rusqlite::Result<Option<u64>> {
    let value = "SELECT value FROM setting WHERE name = ?1";
    db.query_row(value, [name], |row| row.get(0)).optional()
}

fn write(db: &Connection, lived: Lived) -> rusqlite::Result<()> {
    let [aged, ahead, trusted] = NAMES;
    db.prepare_cached(
        "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2), (?3, ?4), (?5, ?6)",
    )?
    .execute(params![
        aged,
        lived.aged,
        ahead,
        lived.ahead,
        trusted,
        lived.trusted
    ])
    .map(drop)
}
