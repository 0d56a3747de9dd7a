//! What the server knows by heart of accounts, guests and revoked tokens: nobody who serves waits for it.

use super::{
    look::{is_reserved, looks},
    user::{Pass, Standing},
};
use crate::store::{Account, Everybody, GuestName};
use std::collections::{HashMap, HashSet};
use tertulia_shared::{Code, Reject};

/// The most guests whose names are kept; of further ones the token's own name stays.
const MAX_GUESTS: usize = 100_000;
/// The most sign-ins that are revoked and whose tokens are not expired; one more is refused. About 15 MB.
const MAX_REVOKED: usize = 200_000;
/// The most of them where guests' are revoked: whoever asks is a guest.
const MAX_REVOKED_OF_GUESTS: usize = MAX_REVOKED / 2;
/// Why a token is not good whose family is revoked.
pub(super) const REVOKED: &str = "the session token is revoked; ask for another one";
/// Between two looks at what is expired, in milliseconds.
const FORGET_EVERY: u64 = 60_000;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    accounts: HashMap<String, Account>,
    /// Public ids by folded name.
    names: HashMap<String, String>,
    /// What their names look like.
    looks: HashSet<String>,
    guests: HashMap<String, GuestName>,
    /// The families of tokens that are revoked, and when the last of each expires.
    revoked: HashMap<String, u64>,
    /// Those of which that is not on disk yet, or could not be written.
    unwritten: HashSet<String>,
    /// What is expired is forgotten then.
    forget_at: u64,
    pub(super) version: u64,
}

impl Known {
    /// What the database says at the start.
    pub(super) fn new(everybody: Everybody) -> Self {
        let mut known = Self::default();
        let guests = everybody.guests.iter();
        known.guests = guests.map(|it| (it.id.clone(), it.clone())).collect();
        known.learn(everybody);
        known
    }

    /// Takes over what another process changes: accounts. The rest is newer here.
    pub(super) fn learn(&mut self, everybody: Everybody) {
        self.version = everybody.version;
        self.revoked.extend(everybody.revoked);
        let accounts = || everybody.accounts.iter();
        self.names = accounts()
            .map(|account| (account.folded.clone(), account.id.clone()))
            .collect();
        self.looks = accounts().flat_map(|it| looks(&it.name)).collect();
        self.accounts = accounts()
            .map(|account| (account.id.clone(), account.clone()))
            .collect();
    }

    /// Whether anybody is registered.
    pub(super) fn has_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The account that has a name.
    pub(super) fn named(&self, folded: &str) -> Option<&Account> {
        self.accounts.get(self.names.get(folded)?)
    }

    /// Whether a name is a registered user's, or looks like one's.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        looks(name).iter().any(|look| self.looks.contains(look))
    }

    /// Whether nobody without an account may have a name.
    pub(super) fn is_kept(&self, name: &str) -> bool {
        is_reserved(name) || self.is_taken(name)
    }

    pub(super) fn guest_name(&self, id: &str) -> Option<&str> {
        self.guests.get(id).map(|guest| guest.name.as_str())
    }

    /// Keeps a guest's name; gives what is to be written down.
    pub(super) fn keep_guest(&mut self, id: &str, name: &str, until: u64) -> Option<GuestName> {
        let before = self.guests.get(id);
        if before.is_none() && self.guests.len() >= MAX_GUESTS {
            return None;
        }
        let guest = GuestName {
            id: id.to_owned(),
            name: name.to_owned(),
            until: before.map_or(until, |before| before.until.max(until)),
        };
        if before == Some(&guest) {
            return None;
        }
        self.guests.insert(id.to_owned(), guest.clone());
        Some(guest)
    }

    /// Whether one more token may be revoked. It does not look which of them are expired: [`Known::forget`] is soon done.
    ///
    /// # Errors
    /// When as many are as may be.
    pub(super) fn may_revoke(&self, standing: Standing) -> Result<(), Reject> {
        let most = match standing {
            Standing::Registered => MAX_REVOKED,
            _ => MAX_REVOKED_OF_GUESTS,
        };
        if self.revoked.len() < most {
            return Ok(());
        }
        let problem = "as many tokens are revoked as the server keeps; it is good until it expires";
        Err(Reject::new(Code::ServerFull, problem))
    }

    /// A family of tokens, of which the last expires at `until`, is no longer good; that is to be written.
    pub(super) fn revoke(&mut self, family: &str, until: u64) {
        self.revoked.insert(family.to_owned(), until);
        self.unwritten.insert(family.to_owned());
    }

    /// That a family is revoked is on disk.
    pub(super) fn wrote(&mut self, family: &str) {
        self.unwritten.remove(family);
    }

    /// Whether a family was revoked, and that is not known to be on disk.
    pub(super) fn is_unwritten(&self, family: &str) -> bool {
        self.unwritten.contains(family)
    }

    /// Whether a family is revoked.
    pub(super) fn is_revoked(&self, family: &str) -> bool {
        self.revoked.contains_key(family)
    }

    /// Why a token that is signed is not good at the time `now`; `None` where it is.
    pub(super) fn problem(&self, id: &str, standing: Standing, pass: &Pass, now: u64) -> Problem {
        if pass.expires <= now {
            return Some("the session token is expired; ask for another one");
        }
        if self.is_revoked(&pass.family) {
            return Some(REVOKED);
        }
        if standing != Standing::Registered {
            return None;
        }
        match self.account(id) {
            None => Some("the session token is revoked: its account was removed"),
            Some(account) if account.generation != pass.generation => {
                Some("the session token is revoked: its account has another password")
            }
            Some(_) => None,
        }
    }

    /// Whether it is time to forget what is expired.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.forget_at <= now
    }

    /// Forgets what means nothing any more; says whether there was anything.
    pub(super) fn forget(&mut self, now: u64) -> bool {
        let before = self.revoked.len() + self.guests.len();
        self.revoked.retain(|_, until| *until > now);
        self.unwritten.retain(|it| self.revoked.contains_key(it));
        self.guests.retain(|_, guest| guest.until > now);
        self.forget_at = now.saturating_add(FORGET_EVERY);
        self.revoked.len() + self.guests.len() < before
    }
}

/// Why a token is not good.
pub(super) type Problem = Option<&'static str>;

#[cfg(test)]
mod tests {
    use super::{Known, MAX_REVOKED, MAX_REVOKED_OF_GUESTS, Standing};
    use tertulia_shared::Code;

    #[test]
    fn revoked_tokens_are_bounded_and_forgotten_when_they_expire() {
        let mut known = Known::default();
        let revoke = |known: &mut Known, standing, number: usize| {
            let expires = if number == 0 { 10 } else { 20 };
            let may = known.may_revoke(standing).map_err(|it| it.code);
            may.map(|()| known.revoke(&number.to_string(), expires))
        };
        let (guest, registered) = (Standing::Guest, Standing::Registered);
        for number in 0..MAX_REVOKED_OF_GUESTS {
            revoke(&mut known, guest, number).unwrap();
        }
        let one_more = MAX_REVOKED_OF_GUESTS;
        let refused = Err(Code::ServerFull);
        assert_eq!(revoke(&mut known, guest, one_more), refused);
        for number in one_more..MAX_REVOKED {
            revoke(&mut known, registered, number).unwrap();
        }
        assert_eq!(revoke(&mut known, registered, MAX_REVOKED), refused);
        // What a refusal does not do, the next look does.
        assert!(known.is_due(10) && known.forget(10));
        revoke(&mut known, registered, MAX_REVOKED).unwrap();
        assert_eq!(known.revoked.len(), MAX_REVOKED);
        assert!(!known.is_due(20) && known.forget(20) && known.revoked.is_empty());
    }
}
