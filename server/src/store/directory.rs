//! The data directory: for its owner only, and for one server at a time.

use super::StoreError;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The permissions of the directory when it is made here.
const DIRECTORY_MODE: u32 = 0o700;
/// The permissions of the files in it.
const FILE_MODE: u32 = 0o600;
/// The file that is locked while a server runs; it says which process that is.
const LOCK: &str = "tertulia.lock";
/// The longest process number that is read from it, in bytes.
const MAX_PROCESS_BYTES: u64 = 20;

/// A data directory that this process uses alone, until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory where there is none, and takes it.
    ///
    /// # Errors
    /// When it cannot be made or another server uses it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let unusable = |reason| StoreError::Directory {
            path: path.to_owned(),
            reason,
        };
        create(path).map_err(unusable)?;
        let mut lock = private_file(&path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => sign(&mut lock).map_err(unusable)?,
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: path.to_owned(),
                    by: owner(&mut lock),
                });
            }
            Err(TryLockError::Error(reason)) => return Err(unusable(reason)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A directory that was there keeps its permissions: it may be no one's but the user's to change.
fn create(path: &Path) -> io::Result<()> {
    if let Ok(there) = fs::metadata(path) {
        let mode = there.permissions().mode() & 0o777;
        if there.is_dir() && mode & 0o077 != 0 {
            let path = path.display();
            tracing::warn!("data directory {path} has mode {mode:o}: {DIRECTORY_MODE:o} is safer");
        }
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)?;
    // A new name is on disk once its directory is.
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), sync)
}

/// Opens a file to read and write, made where it is missing, for its owner only.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// Brings a directory's names, or a file, to the disk.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    write!(lock, "{}", std::process::id())
}

fn owner(lock: &mut File) -> String {
    let mut process = String::new();
    let read = lock.seek(SeekFrom::Start(0)).and_then(|_| {
        lock.take(MAX_PROCESS_BYTES)
            .read_to_string(&mut process)
            .map(drop)
    });
    match (read, process.parse::<u32>()) {
        (Ok(()), Ok(process)) => format!(" (process {process})"),
        _ => String::new(),
    }
}
