//! Whether the database's files are still where they were opened. If somebody removes or replaces them, the server would go on
//! writing to files that nobody can find.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// The files of an open database.
#[derive(Debug, Default)]
pub(super) struct Place {
    files: Vec<(PathBuf, Identity)>,
    gone: AtomicBool,
}

/// The identity of a file: its device and inode.
type Identity = (u64, u64);

impl Place {
    /// The files of a database that was just opened: itself and its log.
    pub(super) fn of(file: &Path) -> Self {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let files = [file.to_owned(), log.into()];
        let there = files.into_iter().filter_map(|file| {
            let identity = identity(&file).ok()?;
            Some((file, identity))
        });
        Self {
            files: there.collect(),
            gone: AtomicBool::new(false),
        }
    }

    /// Checks whether a file is gone or replaced. The answer stays once it was yes: what was written meanwhile may be lost.
    pub(super) fn is_gone(&self) -> bool {
        if self.was_gone() {
            return true;
        }
        let mut files = self.files.iter();
        // A file that cannot be looked at now may well be there.
        let gone = files.any(|(file, opened)| match identity(file) {
            Ok(now) => now != *opened,
            Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        });
        if gone {
            self.gone.store(true, Ordering::Relaxed);
        }
        gone
    }

    /// Whether it was gone at the last look.
    pub(super) fn was_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

fn identity(file: &Path) -> io::Result<Identity> {
    let there = fs::metadata(file)?;
    Ok((there.dev(), there.ino()))
}
