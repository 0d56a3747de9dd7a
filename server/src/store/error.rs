//! Why the store does not open, or could not keep a message.

use rusqlite::{ErrorCode, ffi};
use std::{io, path::PathBuf};
use tertulia_shared::{Code, Reject};

/// Why the data cannot be used: one line that says what to change. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory cannot be made or read.
    #[error("data directory {path}: {reason}; choose another one with --data-dir", path = .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Another server uses the data directory.
    #[error(
        "data directory {path} is in use by another server{by}; stop that one, or choose another directory with \
         --data-dir", path = .path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, where it is known: ` (process 7)`.
        by: String,
    },
    /// The file is not what was written.
    #[error(
        "database {file} is damaged: {reason}; it was left as it is: put a backup in its place, or choose another \
         directory with --data-dir", file = .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer server wrote the file.
    #[error(
        "database {file} was written by a newer tertulia (schema {found}, this one knows {known}); run that one, or \
         choose another directory with --data-dir", file = .file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The newest schema that this build knows.
        known: u32,
    },
    /// The server that uses the file is not of this build.
    #[error(
        "database {file} is in use by another version of tertulia (schema {found}, this one knows {known}); start the \
         server anew with this one, or use that one", file = .file.display()
    )]
    OtherVersion {
        /// The file.
        file: PathBuf,
        /// The schema of the file.
        found: u32,
        /// The schema of this build.
        known: u32,
    },
    /// There is no room for what is to be written.
    #[error("database {file}: no room is left on its disk", file = .file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// Somebody removed or replaced the file under the server.
    #[error(
        "database {file} is gone, or another one is in its place: nothing is stored any more; put it back or choose \
         another directory with --data-dir, and start the server anew", file = .file.display()
    )]
    Gone {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be opened, read or written now.
    #[error("database {file}: {reason}", file = .file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The thread that writes does not start.
    #[error("cannot start the thread that writes the database: {0}")]
    Thread(io::Error),
}

impl StoreError {
    /// What SQLite's error says of a file.
    pub(super) fn of(file: impl Into<PathBuf>, error: &rusqlite::Error) -> Self {
        let (file, reason) = (file.into(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { file, reason }
            }
            _ if is_full(error) => Self::Full { file },
            _ => Self::Unusable { file, reason },
        }
    }

    /// The refusal of what could not be written for this.
    pub fn reject(&self) -> Reject {
        match self {
            Self::Full { .. } => Reject::new(
                Code::StorageFull,
                "the server's disk is full; try again later",
            ),
            _ => Reject::new(
                Code::StorageFailed,
                "the server could not keep it now; try again later",
            ),
        }
    }
}

/// Why a whole batch was not kept: nothing of it was numbered.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum SaveError {
    /// SQLite's reason.
    Sqlite(#[from] rusqlite::Error),
    /// The database is not where it was.
    Gone(StoreError),
}

impl SaveError {
    /// The refusal of each message of the batch: one may be stored since it was sent before.
    pub(super) fn reject(&self) -> Reject {
        match self {
            Self::Sqlite(error) if is_full(error) => Reject::new(
                Code::StorageFull,
                "the server's disk is full; try again later with the same id",
            ),
            _ => failed(),
        }
    }
}

/// Whether there is no room on the disk: for the file, its log, or the index of the log, which SQLite tells as an I/O error.
fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || extended == Some(ffi::SQLITE_IOERR_SHMSIZE)
}

/// The refusal of what could not be kept.
pub(super) fn failed() -> Reject {
    Reject::new(
        Code::StorageFailed,
        "the server could not keep the message now; send it again with the same id",
    )
}
