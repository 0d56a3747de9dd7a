//! The key that signs tokens: made at the first start, kept where only the server's own user reads it.

use crate::store::{private_file, sync};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use std::{
    fmt::{self, Debug},
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The key in the data directory.
const FILE: &str = "session.key";
/// What is not yet a whole key.
const UNFINISHED: &str = "session.key.new";
/// How long a key is, in bytes: as long as what it makes (RFC 7518 §3.2 asks for at least that).
const KEY_BYTES: usize = 32;
/// What nobody but the owner may be allowed.
const OTHERS: u32 = 0o077;

/// Why there is no key: one line that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others may have read it.
    #[error(
        "session key {path} may be read or changed by others (mode {mode:o}): `chmod 600` it, or remove it, which ends \
         all sessions", path = .path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not what was written.
    #[error(
        "session key {path} is damaged; put a backup in its place, or remove it, which ends all sessions",
        path = .0.display()
    )]
    Damaged(PathBuf),
    /// It cannot be read or made.
    #[error("session key {path}: {reason}", path = .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
}

/// A secret by which tokens are signed. Shown without itself.
pub struct Key(hmac::Key);

impl Key {
    /// The key of a data directory, a new one where there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, is damaged, or others may read it.
    pub fn open(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join(FILE);
        match fs::symlink_metadata(&path) {
            Ok(_) => read(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(directory, path),
            Err(reason) => Err(KeyError::Unusable { path, reason }),
        }
    }

    /// One that is gone with the process.
    pub fn random() -> Self {
        Self::new(&rand::random())
    }

    fn new(secret: &[u8; KEY_BYTES]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Signs a text: HMAC with SHA-256.
    pub(super) fn sign(&self, text: &str) -> hmac::Tag {
        hmac::sign(&self.0, text.as_bytes())
    }

    /// Whether this key signed a text; takes as long whatever is wrong.
    pub(super) fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        hmac::verify(&self.0, text.as_bytes(), signature).is_ok()
    }
}

impl Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

fn read(path: PathBuf) -> Result<Key, KeyError> {
    let unusable = |reason| KeyError::Unusable {
        path: path.clone(),
        reason,
    };
    let mode = fs::metadata(&path).map_err(unusable)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeyError::Open { path, mode });
    }
    let text = fs::read(&path).map_err(unusable)?;
    let secret = URL_SAFE_NO_PAD.decode(text.trim_ascii_end());
    let secret: Option<[u8; KEY_BYTES]> = secret.ok().and_then(|secret| secret.try_into().ok());
    match secret {
        Some(secret) => Ok(Key::new(&secret)),
        None => Err(KeyError::Damaged(path)),
    }
}

/// Made whole or not at all: after a crash there is a key or none.
fn make(directory: &Path, path: PathBuf) -> Result<Key, KeyError> {
    let secret: [u8; KEY_BYTES] = rand::random();
    let unfinished = directory.join(UNFINISHED);
    let written = private_file(&unfinished).and_then(|mut file| {
        file.set_len(0)?;
        writeln!(file, "{}", URL_SAFE_NO_PAD.encode(secret))?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync(directory)
    });
    match written {
        Ok(()) => Ok(Key::new(&secret)),
        Err(reason) => Err(KeyError::Unusable { path, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, Key, KeyError};
    use std::{fs, os::unix::fs::PermissionsExt};
    use tempfile::TempDir;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let folder = TempDir::new().unwrap();
        let first = Key::open(folder.path()).unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = Key::open(folder.path()).unwrap();
        assert!(again.has_signed("text", first.sign("text").as_ref()));
        assert!(!Key::random().has_signed("text", first.sign("text").as_ref()));
        let secret = fs::read_to_string(file).unwrap();
        assert!(!format!("{first:?}").contains(secret.trim()));
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_damaged_is_refused_and_left() {
        let folder = TempDir::new().unwrap();
        Key::open(folder.path()).unwrap();
        let file = folder.path().join(FILE);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Key::open(folder.path()).unwrap_err();
        assert!(matches!(refused, KeyError::Open { mode: 0o640, .. }));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let whole = fs::read(&file).unwrap();
        for damaged in [
            &b""[..],
            &whole[..20],
            b"\xff\xfe",
            &[&whole[..], &whole].concat(),
        ] {
            fs::write(&file, damaged).unwrap();
            assert!(matches!(
                Key::open(folder.path()),
                Err(KeyError::Damaged(_))
            ));
            assert_eq!(fs::read(&file).unwrap(), damaged);
        }
    }
}
