//! The file and its directory: private, used once at a time, and never overwritten where something is wrong with it.

use super::{directory, draft, open, opened, saved};
use crate::store::{StoreError, migrations::NEWEST};
use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
};

fn database(directory: &Path) -> PathBuf {
    directory.join("tertulia.db")
}

/// A directory with a database of 2,000 messages.
fn filled() -> tempfile::TempDir {
    let directory = directory();
    let mut archive = open(directory.path());
    let drafts = (0..2_000).map(|id| draft("chat/a", &id.to_string(), "something to say"));
    archive.save(drafts.collect()).unwrap();
    directory
}

/// The refusal to open, which must leave the file as it is.
fn refusal(directory: &Path) -> StoreError {
    let before = fs::read(database(directory)).unwrap();
    let error = opened(directory).unwrap_err();
    assert_eq!(fs::read(database(directory)).unwrap(), before);
    error
}

#[track_caller]
fn names_the_file(error: &StoreError, directory: &Path) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(
        text.contains(&database(directory).display().to_string()),
        "{text}"
    );
    assert!(
        text.contains("backup") && text.contains("--data-dir"),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn what_is_damaged_is_named_and_left_alone() {
    let damages: [fn(&Path); 4] = [
        |file| {
            fs::write(
                file,
                "no database at all, and longer than its header would be ".repeat(9),
            )
            .unwrap()
        },
        |file| fs::write(file, "").unwrap(),
        // Cut in the middle, as a copy that was not finished.
        |file| {
            fs::OpenOptions::new()
                .write(true)
                .open(file)
                .unwrap()
                .set_len(4_096 * 20)
                .unwrap()
        },
        // A page in the middle is not what was written.
        |file| {
            let file = fs::OpenOptions::new().write(true).open(file).unwrap();
            file.write_all_at(&[0xa5; 4_096], 4_096 * 10).unwrap();
        },
    ];
    for damage in damages {
        let directory = filled();
        damage(&database(directory.path()));
        names_the_file(&refusal(directory.path()), directory.path());
    }
}

#[test]
fn a_log_without_its_database_is_not_thrown_away() {
    let directory = filled();
    fs::remove_file(database(directory.path())).unwrap();
    let log = directory.path().join("tertulia.db-wal");
    fs::write(&log, "the rest").unwrap();
    names_the_file(&opened(directory.path()).unwrap_err(), directory.path());
    assert_eq!(fs::read_to_string(&log).unwrap(), "the rest");
    assert!(!database(directory.path()).exists());
}

#[test]
fn another_programs_database_is_left_alone() {
    let directory = directory();
    let other = rusqlite::Connection::open(database(directory.path())).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let error = refusal(directory.path());
    assert!(
        error.to_string().contains("no database of tertulia"),
        "{error}"
    );
}

#[test]
fn a_newer_schema_is_refused() {
    let directory = filled();
    let newer = rusqlite::Connection::open(database(directory.path())).unwrap();
    newer
        .pragma_update(None, "user_version", NEWEST + 1)
        .unwrap();
    drop(newer);
    let error = refusal(directory.path());
    assert!(
        matches!(error, StoreError::Newer { found, .. } if found == NEWEST + 1),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("newer tertulia (schema {}", NEWEST + 1)),
        "{error}"
    );
}

#[test]
fn a_directory_serves_one_at_a_time() {
    let directory = directory();
    let first = open(directory.path());
    let error = opened(directory.path()).unwrap_err();
    let process = format!("(process {})", std::process::id());
    assert!(error.to_string().contains(&process), "{error}");
    drop(first);
    open(directory.path());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = directory();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = opened(&file.join("data")).unwrap_err();
    assert!(matches!(error, StoreError::Directory { .. }), "{error:?}");
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn what_is_made_is_for_its_owner_only() {
    let parent = directory();
    let directory = parent.path().join("a/data");
    let mut archive = open(&directory);
    saved(&mut archive, draft("chat/a", "1", "x"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files = fs::read_dir(&directory).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    // The lock, the database, its log and the log's index.
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_start_that_was_cut_short_is_begun_again() {
    let directory = directory();
    fs::write(directory.path().join("tertulia.db.new"), "half of it").unwrap();
    let mut archive = open(directory.path());
    assert_eq!(saved(&mut archive, draft("chat/a", "1", "x")).seq, 1);
}
