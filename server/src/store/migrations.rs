//! The schema, as the numbered steps that led to it. A step that was released is never changed: a new one follows it.

use rusqlite::{Connection, Transaction};

/// The steps: number n brings a database from n - 1 to n, its `user_version`.
const STEPS: [(u32, &str); 7] = [
    (1, CHAT),
    (2, IDENTITY),
    (3, OWNERS),
    (4, FORGOTTEN),
    (5, SCOPES),
    (6, AGES),
    (7, TAGS),
];

/// The newest schema that this build knows.
pub(super) const NEWEST: u32 = STEPS[STEPS.len() - 1].0;

/// `room.last` stays when its messages are gone: no number is given twice. A receipt outlives its message.
const CHAT: &str = "
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
    number INTEGER PRIMARY KEY,
    topic  TEXT NOT NULL UNIQUE,
    last   INTEGER NOT NULL
) STRICT;

CREATE TABLE message (
    room   INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL, -- milliseconds since 1970-01-01 UTC
    id     TEXT NOT NULL,
    peer   TEXT NOT NULL,
    name   TEXT NOT NULL,
    text   TEXT NOT NULL,
    source INTEGER NOT NULL, -- 0 a client, 1 a broker
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipt (
    number INTEGER PRIMARY KEY, -- in the order of arrival
    room   INTEGER NOT NULL,
    id     TEXT NOT NULL,
    sender TEXT,                -- null for all whom the server cannot tell apart
    text   INTEGER NOT NULL,    -- the hash of the text
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    UNIQUE (room, id)
) STRICT;
";

/// Times are milliseconds since 1970-01-01 UTC. A revoked token and a guest's name are kept until they mean nothing.
const IDENTITY: &str = "
CREATE TABLE account (
    id         TEXT PRIMARY KEY,     -- the public one
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL UNIQUE, -- what names have in common that look the same
    password   TEXT NOT NULL,        -- its hash
    generation INTEGER NOT NULL,     -- one more with each password
    made       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE guest (
    id    TEXT PRIMARY KEY,
    name  TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revoked (
    token TEXT PRIMARY KEY, -- its id
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    room TEXT NOT NULL,
    user TEXT NOT NULL,     -- the public id of an account or a guest
    at   INTEGER NOT NULL,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
";

/// A private room is its first member's; `at` becomes when a member was last seen there.
const OWNERS: &str = "
ALTER TABLE member ADD COLUMN owns INTEGER NOT NULL DEFAULT 0;
UPDATE member SET owns = 1 WHERE at = (SELECT min(at) FROM member AS first WHERE first.room = member.room);
";

/// A room of which nothing is kept is forgotten but for its last number, which it may share with others.
const FORGOTTEN: &str = "
ALTER TABLE room ADD COLUMN guests INTEGER NOT NULL DEFAULT 0; -- 1 where a guest began it

CREATE TABLE forgotten (
    mark INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;
";

/// A short id counts for its sender only, any other for the whole room. A message without an id has an empty one.
const SCOPES: &str = "
CREATE TABLE receipt_by_scope (
    number INTEGER PRIMARY KEY, -- in the order of arrival
    room   INTEGER NOT NULL,
    id     TEXT NOT NULL,
    scope  TEXT NOT NULL,       -- the sender, or empty for the whole room
    sender TEXT,                -- null for all whom the server cannot tell apart
    text   INTEGER NOT NULL,    -- the hash of the text
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    UNIQUE (room, id, scope)
) STRICT;

INSERT INTO receipt_by_scope
SELECT number, room, id, iif(length(id) < 16, coalesce(sender, ''), ''), sender, text, seq, at FROM receipt;

DROP TABLE receipt;
ALTER TABLE receipt_by_scope RENAME TO receipt;
";

/// Data expires by a time that no clock sets.
const AGES: &str = "
ALTER TABLE message ADD COLUMN born INTEGER NOT NULL DEFAULT 0; -- from when on it ages
ALTER TABLE receipt ADD COLUMN born INTEGER NOT NULL DEFAULT 0;
UPDATE message SET born = at;
UPDATE receipt SET born = at;
";

/// The tag that the author had when it sent the message.
const TAGS: &str = "ALTER TABLE message ADD COLUMN tag TEXT;";

/// The schema that a database has.
pub(super) fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database to [`NEWEST`], each step whole or not at all.
pub(super) fn run(db: &mut Connection) -> rusqlite::Result<()> {
    let version = version(db)?;
    for (number, sql) in STEPS.iter().filter(|(number, _)| *number > version) {
        let step: Transaction<'_> = db.transaction()?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", number)?;
        step.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{NEWEST, STEPS, run, version};
    use rusqlite::Connection;

    #[test]
    fn a_room_is_its_first_members() {
        let mut db = Connection::open_in_memory().unwrap();
        for (number, sql) in &STEPS[..2] {
            db.execute_batch(sql).unwrap();
            db.pragma_update(None, "user_version", number).unwrap();
        }
        let members = "INSERT INTO member VALUES ('a', 'ada', 1), ('a', 'bob', 2), ('b', 'bob', 3)";
        db.execute_batch(members).unwrap();
        run(&mut db).unwrap();
        let mut owners = db
            .prepare("SELECT room, user FROM member WHERE owns ORDER BY room")
            .unwrap();
        let owners: Vec<(String, String)> = owners
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            owners,
            [("a", "ada"), ("b", "bob")].map(|(a, b)| (a.into(), b.into()))
        );
    }

    #[test]
    fn short_ids_become_their_senders_and_long_ones_stay_the_rooms() {
        let mut db = Connection::open_in_memory().unwrap();
        for (number, sql) in &STEPS[..4] {
            db.execute_batch(sql).unwrap();
            db.pragma_update(None, "user_version", number).unwrap();
        }
        let receipts = "INSERT INTO receipt VALUES
            (3, 1, '1', 'ada', 0, 1, 5), (4, 1, '2', NULL, 0, 2, 5), (7, 1, 'sixteen-letters!', 'ada', 0, 3, 5)";
        db.execute_batch(receipts).unwrap();
        run(&mut db).unwrap();
        let mut scopes = db.prepare("SELECT number, scope FROM receipt").unwrap();
        let scopes = scopes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let scopes: Vec<(i64, String)> = scopes.unwrap().map(Result::unwrap).collect();
        assert_eq!(
            scopes,
            [(3, "ada"), (4, ""), (7, "")].map(|(number, scope)| (number, scope.into()))
        );
    }

    #[test]
    fn steps_are_numbered_without_holes_and_run_once() {
        for (index, (number, _)) in STEPS.iter().enumerate() {
            assert_eq!(*number as usize, index + 1);
        }
        let mut db = Connection::open_in_memory().unwrap();
        assert_eq!(version(&db).unwrap(), 0);
        for _ in 0..2 {
            run(&mut db).unwrap();
            assert_eq!(version(&db).unwrap(), NEWEST);
        }
    }
}
