//! Who is registered, invited and no longer let in: the same database as the messages, through a connection of its own.
//!
//! Also `tertulia user` writes here, while a server runs: [`Accounts::version`] tells the server that it did.
//!
//! Not here: what a password or a token is (`identity`).

use super::{
    DataDir, StoreError,
    notes::{self, Member},
    open,
    place::Place,
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The public id.
    pub id: String,
    /// The name as it is shown.
    pub name: String,
    /// What all names have in common that look the same; of one user only.
    pub folded: String,
    /// The password's hash, as a PHC string.
    pub password: String,
    /// Which password it is, from 1; tokens are good for one only.
    pub generation: u64,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub made: u64,
}

/// The name that a guest took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestName {
    /// The public id.
    pub id: String,
    /// The name.
    pub name: String,
    /// When the guest's last token expires, in milliseconds since 1970-01-01 UTC: then nobody can be it any more.
    pub until: u64,
}

/// All that is to be known when a server starts, and when an account was changed.
#[derive(Clone, Debug, Default)]
pub struct Everybody {
    /// The registered users.
    pub accounts: Vec<Account>,
    /// The names that guests took.
    pub guests: Vec<GuestName>,
    /// The tokens that are revoked with all their renewals, and when the last of those expires, in milliseconds since
    /// 1970-01-01 UTC.
    pub revoked: Vec<(String, u64)>,
    /// Who may be in which private room.
    pub members: Vec<Member>,
    /// Another number when an account was changed.
    pub version: u64,
}

/// The accounts of a database.
#[derive(Debug)]
pub struct Accounts {
    db: Connection,
    file: PathBuf,
    place: Place,
    /// Dropped after the database is closed. A server holds its own.
    _directory: Option<DataDir>,
}

impl Accounts {
    /// Those of a data directory that this process uses already.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn beside(directory: &Path) -> Result<Self, StoreError> {
        let (db, file) = open::again(directory)?;
        let _directory = None;
        Ok(Self {
            db,
            place: Place::of(&file),
            file,
            _directory,
        })
    }

    /// Those of a data directory, which is made where there is none; also while a server uses it.
    ///
    /// # Errors
    /// When the database is damaged, of another version than the server that uses it, or cannot be opened.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        match DataDir::open(directory) {
            Ok(taken) => {
                let (db, file) = open::open(&taken)?;
                let _directory = Some(taken);
                Ok(Self {
                    db,
                    place: Place::of(&file),
                    file,
                    _directory,
                })
            }
            Err(StoreError::InUse { .. }) => Self::beside(directory),
            Err(error) => Err(error),
        }
    }

    /// Those that are gone with the process.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn in_memory() -> Result<Self, StoreError> {
        let file = PathBuf::from(super::archive::MEMORY);
        let db = open::in_memory().map_err(|error| StoreError::of(&file, &error))?;
        let _directory = None;
        Ok(Self {
            db,
            place: Place::of(&file),
            file,
            _directory,
        })
    }

    /// All there is, what is expired by `now` forgotten.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn everybody(&mut self, now: u64) -> Result<Everybody, StoreError> {
        self.change(|db| {
            notes::forget(db, now)?;
            Ok(Everybody {
                accounts: accounts(db)?,
                guests: guests(db)?,
                revoked: revoked(db)?,
                members: members(db)?,
                version: version(db)?,
            })
        })
    }

    /// The registered users, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        accounts(&self.db).map_err(|error| StoreError::of(&self.file, &error))
    }

    /// Another number when an account was changed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn version(&self) -> Result<u64, StoreError> {
        version(&self.db).map_err(|error| StoreError::of(&self.file, &error))
    }

    /// Adds an account. Returns false if its name is taken, or if another account `excludes` it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add(
        &mut self,
        account: &Account,
        excludes: impl Fn(&Account) -> bool,
    ) -> Result<bool, StoreError> {
        self.change(|db| {
            if accounts(db)?.iter().any(excludes) {
                return Ok(false);
            }
            let added = db.execute(
                "INSERT OR IGNORE INTO account (id, name, folded, password, generation, made)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    account.id,
                    account.name,
                    account.folded,
                    account.password,
                    account.generation,
                    account.made
                ],
            )?;
            changed(db, added)
        })
    }

    /// Gives an account another password: its tokens are no longer good. False where there is no such account.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_password(&mut self, folded: &str, password: &str) -> Result<bool, StoreError> {
        self.change(|db| {
            let set = db.execute(
                "UPDATE account SET password = ?2, generation = generation + 1 WHERE folded = ?1",
                [folded, password],
            )?;
            changed(db, set)
        })
    }

    /// Removes an account, and it from all rooms; false where there is no such account.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove(&mut self, folded: &str) -> Result<bool, StoreError> {
        self.change(|db| {
            db.execute(
                "DELETE FROM member WHERE user IN (SELECT id FROM account WHERE folded = ?1)",
                [folded],
            )?;
            let removed = db.execute("DELETE FROM account WHERE folded = ?1", [folded])?;
            changed(db, removed)
        })
    }

    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let immediate = TransactionBehavior::Immediate;
        let changed = (self.db.transaction_with_behavior(immediate)).and_then(|transaction| {
            let changed = change(&transaction)?;
            transaction.commit()?;
            Ok(changed)
        });
        let changed = changed.map_err(|error| StoreError::of(&self.file, &error))?;
        // After the commit: what was removed before it is not on any disk.
        match self.place.is_gone() {
            true => Err(StoreError::Gone {
                file: self.file.clone(),
            }),
            false => Ok(changed),
        }
    }
}

/// Tells a server that it has to read again.
fn changed(db: &Connection, rows: usize) -> rusqlite::Result<bool> {
    if rows > 0 {
        db.execute(
            "INSERT INTO setting (name, value) VALUES ('accounts', 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1",
            [],
        )?;
    }
    Ok(rows > 0)
}

fn version(db: &Connection) -> rusqlite::Result<u64> {
    let mut version = db.prepare_cached("SELECT value FROM setting WHERE name = 'accounts'")?;
    let version = version.query_row([], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0))
}

fn accounts(db: &Connection) -> rusqlite::Result<Vec<Account>> {
    let columns = "id, name, folded, password, generation, made";
    db.prepare(&format!("SELECT {columns} FROM account ORDER BY folded"))?
        .query_map([], |row| {
            Ok(Account {
                id: row.get(0)?,
                name: row.get(1)?,
                folded: row.get(2)?,
                password: row.get(3)?,
                generation: row.get(4)?,
                made: row.get(5)?,
            })
        })?
        .collect()
}

fn guests(db: &Connection) -> rusqlite::Result<Vec<GuestName>> {
    db.prepare("SELECT id, name, until FROM guest")?
        .query_map([], |row| {
            Ok(GuestName {
                id: row.get(0)?,
                name: row.get(1)?,
                until: row.get(2)?,
            })
        })?
        .collect()
}

fn revoked(db: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    db.prepare("SELECT token, until FROM revoked")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn members(db: &Connection) -> rusqlite::Result<Vec<Member>> {
    db.prepare("SELECT room, user, at, owns FROM member")?
        .query_map([], |row| {
            Ok(Member {
                room: row.get(0)?,
                user: row.get(1)?,
                at: row.get(2)?,
                owns: row.get(3)?,
            })
        })?
        .collect()
}
