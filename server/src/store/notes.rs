//! What a running server writes down of people: as values, so that many of them go into one transaction.

use super::{Accounts, GuestName, StoreError};
use rusqlite::{Transaction, params};

/// Something to be written down. Times are milliseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The name that a guest took.
    Guest(GuestName),
    /// Tokens that are revoked.
    Revoked {
        /// The id of the first of them: the others are its renewals.
        token: String,
        /// When the last of them expires.
        until: u64,
    },
    /// Who may be in a private room.
    Member(Member),
    /// Who makes a private room its own: nobody else may be in it from then on, also where it was not noted that it was
    /// freed.
    Begun(Member),
    /// A private room that is nobody's any more.
    Freed(String),
    /// What is expired by now is forgotten.
    Expired(u64),
}

/// Somebody who may be in a private room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The room.
    pub room: String,
    /// The public id.
    pub user: String,
    /// When it was last seen there, to a day; at first when it was let in.
    pub at: u64,
    /// Whether the room is its own.
    pub owns: bool,
}

impl Accounts {
    /// Writes notes down, in their order: all or none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note(&mut self, notes: &[Note]) -> Result<(), StoreError> {
        self.change(|db| notes.iter().try_for_each(|note| write(db, note)))
    }
}

fn write(db: &Transaction<'_>, note: &Note) -> rusqlite::Result<()> {
    match note {
        Note::Guest(guest) => execute(
            db,
            "INSERT OR REPLACE INTO guest (id, name, until) VALUES (?1, ?2, ?3)",
            params![guest.id, guest.name, guest.until],
        ),
        Note::Revoked { token, until } => execute(
            db,
            "INSERT OR IGNORE INTO revoked (token, until) VALUES (?1, ?2)",
            params![token, until],
        ),
        Note::Member(member) => let_in(db, member),
        Note::Begun(owner) => {
            free(db, &owner.room)?;
            let_in(db, owner)
        }
        Note::Freed(room) => free(db, room),
        Note::Expired(now) => forget(db, *now),
    }
}

fn let_in(db: &Transaction<'_>, member: &Member) -> rusqlite::Result<()> {
    execute(
        db,
        "INSERT INTO member (room, user, at, owns) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (room, user) DO UPDATE SET at = excluded.at",
        params![member.room, member.user, member.at, member.owns],
    )
}

fn free(db: &Transaction<'_>, room: &str) -> rusqlite::Result<()> {
    execute(db, "DELETE FROM member WHERE room = ?1", [room])
}

/// Forgets what is expired.
pub(super) fn forget(db: &Transaction<'_>, now: u64) -> rusqlite::Result<()> {
    execute(db, "DELETE FROM revoked WHERE until <= ?1", [now])?;
    execute(db, "DELETE FROM guest WHERE until <= ?1", [now])
}

fn execute(db: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(values).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Member, Note};
    use crate::store::Accounts;

    /// Breaks when: a room was freed, that is not written, and who was in it before is in its next owner's after a restart.
    #[test]
    fn who_begins_a_room_is_alone_in_it() {
        let mut accounts = Accounts::in_memory().unwrap();
        let member = |user: &str, owns| Member {
            room: "chat/private/plans".to_owned(),
            user: user.to_owned(),
            at: 1,
            owns,
        };
        let before = [
            Note::Begun(member("ada", true)),
            Note::Member(member("bob", false)),
        ];
        accounts.note(&before).unwrap();
        assert_eq!(accounts.everybody(0).unwrap().members.len(), 2);
        accounts.note(&[Note::Begun(member("eve", true))]).unwrap();
        let members = accounts.everybody(0).unwrap().members;
        assert_eq!(members, [member("eve", true)]);
    }
}
