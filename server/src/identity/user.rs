//! Who somebody is: a guest or a registered user, with a public id that is no secret.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// How random an id is, in bytes.
const ID_BYTES: usize = 16;
/// How long it is then, in characters of base64.
const ID_CHARS: usize = (ID_BYTES * 8).div_ceil(6);
/// What an account's id begins with.
const ACCOUNT: &str = "u-";

/// What somebody is to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Without a token: another one at each connection.
    Stranger,
    /// With a token that was given for a name alone.
    Guest,
    /// With an account.
    Registered,
}

/// Somebody who is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The public id: for a stranger a new one each time, for all others the same in all tabs and after all restarts.
    pub id: String,
    /// The name to be shown, where there is one yet.
    pub name: Option<String>,
    /// What it is to the server.
    pub standing: Standing,
    /// What let it in; `None` for a stranger.
    pub pass: Option<Pass>,
}

/// The token by which somebody was let in, without what makes it a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pass {
    /// What the token has in common with all that come of the same sign-in; empty where a password let in.
    pub family: String,
    /// The longest that one of these was good from its issue on, as far as this one tells, in seconds.
    pub life: u64,
    /// When it expires, in milliseconds since 1970-01-01 UTC.
    pub expires: u64,
    /// Which of the user's passwords it was given for; 0 for a guest.
    pub generation: u64,
}

impl User {
    /// Somebody of whom nothing is known.
    pub fn stranger() -> Self {
        Self {
            id: random_id(),
            name: None,
            standing: Standing::Stranger,
            pass: None,
        }
    }

    /// Whether it has an account.
    pub fn is_registered(&self) -> bool {
        self.standing == Standing::Registered
    }

    /// Whether it is the same one after a lost connection.
    pub fn is_known(&self) -> bool {
        self.standing != Standing::Stranger
    }
}

/// An id that nobody else has.
pub(super) fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; ID_BYTES]>())
}

/// The id of an account: no guest's has its length.
pub(super) fn account_id() -> String {
    format!("{ACCOUNT}{}", random_id())
}

/// Whether an id is an account's.
pub(super) fn is_account(id: &str) -> bool {
    id.len() == ACCOUNT.len() + ID_CHARS && id.starts_with(ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::{account_id, is_account, random_id};

    #[test]
    fn an_account_is_told_from_a_guest() {
        assert!(is_account(&account_id()));
        let like_one = format!("u-{}", &random_id()[2..]);
        assert!(!is_account(&random_id()) && !is_account(&like_one));
    }
}
