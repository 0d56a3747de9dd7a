//! Passwords: hashed by argon2id, off the threads that serve, a few at a time.
//!
//! The cost is OWASP's first choice (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{PasswordHash, SaltString},
};
use std::sync::Arc;
use tertulia_shared::{Code, Reject};
use tokio::sync::Semaphore;

/// The shortest password, in characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1_024;
/// The memory that hashing one takes, in kibibytes.
const MEMORY_KIB: u32 = 19 * 1_024;
/// How often it goes over that memory.
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The salt's length, in bytes.
const SALT_BYTES: usize = 16;
/// How many are hashed at the same time.
const AT_ONCE: usize = 2;
/// How many may wait for it; one more is told to come back.
const MAX_WAITING: usize = 64;
/// When to come back, in milliseconds.
const COME_BACK: u64 = 2_000;
/// What is verified for a name that nobody has, so that it takes as long: the hash of a password that nobody knows.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is easily guessed.
    #[error("the password is too short; at least {MIN_PASSWORD_CHARS} characters are needed")]
    Short,
    /// It is too long.
    #[error("the password is too long; at most {MAX_PASSWORD_BYTES} bytes are allowed")]
    Long,
    /// It cannot be hashed here.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// Hashes a password with a new salt, as a PHC string. It takes its time.
///
/// # Errors
/// When it is too short or too long.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(PasswordError::Short);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::Long);
    }
    let failed = |error: argon2::password_hash::Error| PasswordError::Hash(error.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; SALT_BYTES]>()).map_err(failed)?;
    let hashed = argon2().map_err(failed)?;
    let hashed = hashed.hash_password(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(failed)
}

fn argon2() -> Result<Argon2<'static>, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Whether a hash is that password's; without a hash never, after as long a time.
fn is_right(password: &str, hash: Option<&str>) -> bool {
    let known = hash.is_some();
    // The costs are those of the hash.
    let hash = PasswordHash::new(hash.unwrap_or(NOBODYS));
    let right = hash.is_ok_and(|hash| {
        let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
        verified.is_ok()
    });
    known && right
}

/// Checks passwords, a few at a time: logins must not starve the rest.
#[derive(Debug)]
pub(super) struct Checks {
    slots: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(AT_ONCE + MAX_WAITING)),
        }
    }
}

impl Checks {
    /// Whether a hash is that password's.
    ///
    /// # Errors
    /// When too many wait already.
    pub(super) async fn is_right(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, Reject> {
        let Ok(_place) = Arc::clone(&self.queue).try_acquire_owned() else {
            return Err(busy());
        };
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let checked = tokio::task::spawn_blocking(move || {
            // Held until it is hashed, also where whoever asked is gone.
            let _slot = slot;
            password.len() <= MAX_PASSWORD_BYTES && is_right(&password, hash.as_deref())
        });
        checked.await.map_err(|_| busy())
    }
}

fn busy() -> Reject {
    let many = "too many log in at the same time; try again a little later";
    Reject::new(Code::RateLimited, many).retry_after(COME_BACK)
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Checks, MAX_WAITING, NOBODYS, PasswordError, hash, is_right};
    use argon2::password_hash::PasswordHash;
    use tertulia_shared::Code;

    #[test]
    fn a_hash_is_one_passwords_and_says_what_it_cost() {
        let hashed = hash("correct horse").unwrap();
        assert!(
            hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hashed}"
        );
        assert_ne!(hashed, hash("correct horse").unwrap());
        assert!(is_right("correct horse", Some(&hashed)));
        assert!(!is_right("correct horsf", Some(&hashed)));
        assert!(!is_right("correct horse", None) && !is_right("", None));
        assert!(!is_right("correct horse", Some("no hash")));
        assert_eq!(hash("1234567"), Err(PasswordError::Short));
        assert_eq!(hash(&"x".repeat(1_025)), Err(PasswordError::Long));
    }

    /// The cost is that of the hash, whatever the machine does meanwhile.
    #[test]
    fn a_name_that_nobody_has_takes_as_long() {
        let hashed = hash("correct horse").unwrap();
        let (known, unknown) = (PasswordHash::new(&hashed), PasswordHash::new(NOBODYS));
        let (known, unknown) = (known.unwrap(), unknown.unwrap());
        assert_eq!(
            (known.algorithm, known.version, &known.params),
            (unknown.algorithm, unknown.version, &unknown.params)
        );
        let length = |hash: PasswordHash<'_>| hash.hash.map(|hash| hash.len());
        assert_eq!(length(known), length(unknown));
        assert!(!is_right("wrong", None));
    }

    #[tokio::test]
    async fn one_too_many_is_told_when_to_come_back() {
        let checks = Checks::default();
        let all = checks.queue.clone();
        let _taken = all
            .acquire_many_owned(u32::try_from(AT_ONCE + MAX_WAITING).unwrap())
            .await;
        let refused = checks.is_right("password".into(), None).await.unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        assert!(refused.retry_after.is_some());
    }
}
