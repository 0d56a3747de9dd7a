//! Opening the database file: made whole or not at all, checked before anything is written to it.

use super::{
    StoreError,
    directory::{DataDir, private_file, sync},
    migrations,
};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The database in the data directory.
const FILE: &str = "tertulia.db";
/// What is not yet a whole database.
const UNFINISHED: &str = "tertulia.db.new";
/// Marks a database as ours: `TERT`.
const APPLICATION: u32 = 0x5445_5254;

/// Opens the database of a directory, a new one where there is none.
///
/// # Errors
/// When it is damaged, newer than this build, not ours, or cannot be opened.
pub(super) fn open(directory: &DataDir) -> Result<(Connection, PathBuf), StoreError> {
    let file = directory.path().join(FILE);
    if !file.exists() {
        create(directory, &file)?;
    }
    let mut db = checked(&file)?;
    prepare(&mut db).map_err(|error| StoreError::of(&file, &error))?;
    Ok((db, file))
}

/// Opens the database of a directory a second time, beside who has opened, checked and migrated it.
///
/// # Errors
/// When it has another schema than this build's, or cannot be opened.
pub(super) fn again(directory: &Path) -> Result<(Connection, PathBuf), StoreError> {
    let file = directory.join(FILE);
    let sqlite = |error: rusqlite::Error| StoreError::of(&file, &error);
    let db = connect(&file).map_err(sqlite)?;
    let (found, known) = (
        migrations::version(&db).map_err(sqlite)?,
        migrations::NEWEST,
    );
    if found != known {
        return Err(StoreError::OtherVersion { file, found, known });
    }
    // A commit returns when it is on disk.
    db.pragma_update(None, "synchronous", "full")
        .map_err(sqlite)?;
    Ok((db, file))
}

/// A database that is gone with the process.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let mut db = Connection::open_in_memory()?;
    migrations::run(&mut db)?;
    Ok(db)
}

fn create(directory: &DataDir, file: &Path) -> Result<(), StoreError> {
    let log = directory.path().join(format!("{FILE}-wal"));
    if log.exists() {
        return Err(StoreError::Damaged {
            file: file.to_owned(),
            reason: format!("it is missing, but its log {} is there", log.display()),
        });
    }
    let unfinished = directory.path().join(UNFINISHED);
    let unusable = |error: io::Error| StoreError::Unusable {
        file: file.to_owned(),
        reason: error.to_string(),
    };
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => drop(private_file(&unfinished).map_err(unusable)?),
    }
    fill(&unfinished).map_err(|error| StoreError::of(file, &error))?;
    sync(&unfinished)
        .and_then(|()| fs::rename(&unfinished, file))
        .and_then(|()| sync(directory.path()))
        .map_err(unusable)
}

fn fill(file: &Path) -> rusqlite::Result<()> {
    let mut db = connect(file)?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    migrations::run(&mut db)?;
    db.close().map_err(|(_, error)| error)
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}

/// Opens a file and looks whether it is whole and ours.
fn checked(file: &Path) -> Result<Connection, StoreError> {
    let damaged = |reason: &str| StoreError::Damaged {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    let io = |error: io::Error| StoreError::Unusable {
        file: file.to_owned(),
        reason: error.to_string(),
    };
    // SQLite takes an empty file for a new database: here it is one that was lost.
    if fs::metadata(file).map_err(io)?.len() == 0 {
        return Err(damaged("it is empty"));
    }
    drop(private_file(file).map_err(io)?);
    let sqlite = |error: rusqlite::Error| StoreError::of(file, &error);
    let db = connect(file).map_err(sqlite)?;
    // Whatever is found, closing leaves the file and its log as they are.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(sqlite)?;
    let application: u32 = db
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(sqlite)?;
    if application != APPLICATION {
        return Err(damaged("it is no database of tertulia"));
    }
    let (found, known) = (
        migrations::version(&db).map_err(sqlite)?,
        migrations::NEWEST,
    );
    if found > known {
        let file = file.to_owned();
        return Err(StoreError::Newer { file, found, known });
    }
    let verdict: String = db
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(sqlite)?;
    if verdict != "ok" {
        return Err(damaged(&verdict.replace('\n', " ")));
    }
    Ok(db)
}

/// From here on the file is written to.
fn prepare(db: &mut Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    // A commit returns when it is on disk.
    db.pragma_update(None, "synchronous", "full")?;
    migrations::run(db)
}

#[cfg(test)]
mod tests {
    use super::{again, open};
    use crate::store::DataDir;
    use rusqlite::Connection;

    /// SQLite's number for it: the log is synced at each commit.
    const FULL: i64 = 2;

    /// Breaks when: a power cut takes what was acknowledged.
    #[test]
    fn a_commit_is_on_disk_when_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let taken = DataDir::open(folder.path()).unwrap();
        let (first, _) = open(&taken).unwrap();
        let (second, _) = again(folder.path()).unwrap();
        let asked = |db: &Connection| {
            let mode: String = db
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap();
            let sync: i64 = db
                .pragma_query_value(None, "synchronous", |row| row.get(0))
                .unwrap();
            (mode, sync)
        };
        for db in [&first, &second] {
            assert_eq!(asked(db), ("wal".to_owned(), FULL));
        }
    }
}
