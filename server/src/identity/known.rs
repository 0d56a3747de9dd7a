//! What the server knows by heart of accounts, guests, revoked tokens and private rooms: nobody who serves waits for it.

use super::user::{Pass, Standing};
use crate::store::{Account, Everybody, GuestName};
use std::collections::{BTreeSet, HashMap};
use tertulia_shared::{Code, Reject, Topic};

/// The most guests whose names are kept; of further ones the token's own name stays.
const MAX_GUESTS: usize = 100_000;
/// The most private rooms.
const MAX_ROOMS: usize = 50_000;
/// The most private rooms that one user begins between two starts of the server.
const MAX_BEGUN: usize = 100;
/// The most members of a private room.
const MAX_MEMBERS: usize = 1_000;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    accounts: HashMap<String, Account>,
    /// Public ids by folded name.
    names: HashMap<String, String>,
    guests: HashMap<String, GuestName>,
    /// When a revoked token expires.
    revoked: HashMap<String, u64>,
    members: HashMap<String, BTreeSet<String>>,
    begun: HashMap<String, usize>,
    pub(super) version: u64,
}

impl Known {
    /// What the database says at the start.
    pub(super) fn new(everybody: Everybody) -> Self {
        let mut known = Self::default();
        for (room, user) in &everybody.members {
            let members = known.members.entry(room.clone()).or_default();
            members.insert(user.clone());
        }
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

    /// The account that has a name, or one that looks like it.
    pub(super) fn named(&self, folded: &str) -> Option<&Account> {
        self.accounts.get(self.names.get(folded)?)
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

    /// A token is no longer good.
    pub(super) fn revoke(&mut self, pass: &Pass) {
        self.revoked.insert(pass.token.clone(), pass.expires);
    }

    /// Why a token that is signed is not good at the time `now`; `None` where it is.
    pub(super) fn problem(&self, id: &str, standing: Standing, pass: &Pass, now: u64) -> Problem {
        if pass.expires <= now {
            return Some("the session token is expired; ask for another one");
        }
        if self.revoked.contains_key(&pass.token) {
            return Some("the session token is revoked; ask for another one");
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

    /// Forgets what means nothing any more.
    pub(super) fn forget(&mut self, now: u64) {
        self.revoked.retain(|_, until| *until > now);
        self.guests.retain(|_, guest| guest.until > now);
    }

    /// Whether somebody may be in a private room. One that nobody ever was in becomes `id`'s where it `may_begin` one.
    ///
    /// # Errors
    /// When it is one too many to begin.
    pub(super) fn lets_in(
        &mut self,
        room: &Topic,
        id: &str,
        may_begin: bool,
    ) -> Result<Entry, Reject> {
        if let Some(members) = self.members.get(room.as_str()) {
            return Ok(match members.contains(id) {
                true => Entry::Member,
                false => Entry::Refused,
            });
        }
        if !may_begin {
            return Ok(Entry::Refused);
        }
        let begun = self.begun.get(id).copied().unwrap_or(0);
        if begun >= MAX_BEGUN || self.members.len() >= MAX_ROOMS {
            let problem = format!(
                "room `{room}` would be one too many: {MAX_BEGUN} private rooms a user are allowed"
            );
            return Err(Reject::new(Code::ServerFull, problem));
        }
        self.begun.insert(id.to_owned(), begun + 1);
        let owner = BTreeSet::from([id.to_owned()]);
        self.members.insert(room.as_str().to_owned(), owner);
        Ok(Entry::Begun)
    }

    /// Whether somebody is in a private room, or was invited to it.
    pub(super) fn is_member(&self, room: &Topic, id: &str) -> bool {
        let members = self.members.get(room.as_str());
        members.is_some_and(|members| members.contains(id))
    }

    /// Lets somebody into a private room.
    ///
    /// # Errors
    /// When it has too many members.
    pub(super) fn invite(&mut self, room: &Topic, id: &str) -> Result<(), Reject> {
        let members = self.members.entry(room.as_str().to_owned()).or_default();
        if members.len() >= MAX_MEMBERS && !members.contains(id) {
            let problem = format!("room `{room}` has {MAX_MEMBERS} members, no more are allowed");
            return Err(Reject::new(Code::ServerFull, problem));
        }
        members.insert(id.to_owned());
        Ok(())
    }
}

/// Why a token is not good.
pub(super) type Problem = Option<&'static str>;

/// What becomes of somebody at the door of a private room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is in.
    Member,
    /// It is in, and the first: that is to be written down.
    Begun,
    /// It is not in.
    Refused,
}
