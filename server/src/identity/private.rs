//! The private rooms: whose they are, who may be in them, and when they are nobody's again. Pure: the time is an argument.
//!
//! A room in which something was said of which anything is kept stays its members'. Any other is free again: a guest's, who is
//! whoever asks, once nobody has come to it for [`UNUSED_FOR`]; anybody's in which it is alone, when it begins one too many.
//! Nobody loses a room in which somebody is. All guests together have half of the rooms at most, and their rooms half of
//! the members.
//!
//! Not here: what is said in them (`store`).

#[cfg(test)]
mod tests;

use super::{begun::busy, user::is_account};
use crate::store::Member;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};
use tertulia_shared::{Code, Reject, Topic};

/// The most private rooms.
const MAX_ROOMS: usize = 50_000;
/// The most of them that are guests'.
const MAX_ROOMS_OF_GUESTS: usize = MAX_ROOMS / 2;
/// The most rooms of one user.
const MAX_OWNED: usize = 100;
/// The most members of a room.
const MAX_MEMBERS: usize = 1_000;
/// The most members of all rooms together: about 100 MB.
const MAX_MEMBERS_IN_ALL: usize = 500_000;
/// The most of them that are in rooms of guests.
const MAX_MEMBERS_OF_GUESTS: usize = MAX_MEMBERS_IN_ALL / 2;
/// When a guest's room in which nothing was said is free again: by then a token that nobody renewed is long expired.
const UNUSED_FOR: u64 = milliseconds(Duration::from_secs(60 * 24 * 60 * 60));
/// How exactly it is kept when somebody was there.
const A_DAY: u64 = milliseconds(Duration::from_secs(24 * 60 * 60));

const fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs() * 1_000
}

/// All private rooms.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: HashMap<String, Room>,
    /// The rooms that are a user's.
    owned: HashMap<String, HashSet<String>>,
    of_guests: usize,
    /// The members of all rooms.
    members: usize,
    /// Those of guests' rooms.
    members_of_guests: usize,
}

#[derive(Debug, Default)]
struct Room {
    owner: Option<String>,
    /// When each member was last seen, in milliseconds since 1970-01-01 UTC, to a day.
    members: BTreeMap<String, u64>,
    /// The connections that are in it now.
    inside: usize,
    /// Whether something was said in it of which anything is kept.
    is_used: bool,
    /// Whether the owner could not be written to disk. Such a room has no owner once everybody has left it.
    given_up: bool,
}

/// What becomes of somebody at the door of a private room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is in; where something changed by that it is to be written down.
    Member(Option<Member>),
    /// It may make the room its own: when this is written down.
    Begins(Member),
    /// It is not in.
    Refused,
}

impl Rooms {
    /// Those that were written down.
    pub(super) fn new(members: Vec<Member>) -> Self {
        let mut rooms = Self::default();
        for member in &members {
            rooms.write(member);
        }
        rooms
    }

    /// Whether somebody may be in a room at the time `now`. One that nobody ever was in it may begin where it
    /// `may_begin` any.
    ///
    /// # Errors
    /// When it is one too many to begin.
    pub(super) fn enter(
        &self,
        room: &Topic,
        user: &str,
        (may_begin, now): (bool, u64),
    ) -> Result<Entry, Reject> {
        if let Some(known) = self.rooms.get(room.as_str()) {
            let Some(seen) = known.members.get(user) else {
                return Ok(Entry::Refused);
            };
            if known.given_up {
                return Err(busy());
            }
            let is_news = now >= seen.saturating_add(A_DAY);
            let owns = known.owner.as_deref() == Some(user);
            return Ok(Entry::Member(
                is_news.then(|| member(room, user, (now, owns))),
            ));
        }
        if !may_begin {
            return Ok(Entry::Refused);
        }
        self.has_place(room, user)?;
        Ok(Entry::Begins(member(room, user, (now, true))))
    }

    fn has_place(&self, room: &Topic, user: &str) -> Result<(), Reject> {
        let one_too_many = |why: String| {
            let problem = format!("room `{room}` would be one too many: {why}");
            Err(Reject::new(Code::ServerFull, problem))
        };
        if self
            .owned
            .get(user)
            .is_some_and(|owned| owned.len() >= MAX_OWNED)
        {
            return one_too_many(format!("{MAX_OWNED} private rooms a user are allowed"));
        }
        if self.rooms.len() >= MAX_ROOMS {
            return one_too_many(format!("the server keeps {MAX_ROOMS} private rooms"));
        }
        if self.members >= MAX_MEMBERS_IN_ALL {
            return one_too_many(format!("they have {MAX_MEMBERS_IN_ALL} members in all"));
        }
        if is_account(user) {
            return Ok(());
        }
        if self.of_guests >= MAX_ROOMS_OF_GUESTS {
            return one_too_many(format!("{MAX_ROOMS_OF_GUESTS} are guests' already; log in"));
        }
        if self.members_of_guests >= MAX_MEMBERS_OF_GUESTS {
            let why =
                format!("those of guests have {MAX_MEMBERS_OF_GUESTS} members in all; log in");
            return one_too_many(why);
        }
        Ok(())
    }

    /// Whether somebody is in a room, or was invited to it.
    pub(super) fn is_member(&self, room: &Topic, user: &str) -> bool {
        let room = self.rooms.get(room.as_str());
        room.is_some_and(|room| !room.given_up && room.members.contains_key(user))
    }

    /// Whether one more may be let into a room; gives what is to be written down.
    ///
    /// # Errors
    /// When it has too many members.
    pub(super) fn invite(&self, room: &Topic, user: &str, now: u64) -> Result<Member, Reject> {
        let known = self.rooms.get(room.as_str());
        let is_in = known.is_some_and(|known| known.members.contains_key(user));
        let too_many = match known {
            _ if is_in => None,
            Some(known) if known.members.len() >= MAX_MEMBERS => {
                Some(format!("room `{room}` has {MAX_MEMBERS} members"))
            }
            _ if self.members >= MAX_MEMBERS_IN_ALL => Some(format!(
                "all private rooms have {MAX_MEMBERS_IN_ALL} members"
            )),
            Some(known) if known.is_guests() && self.members_of_guests >= MAX_MEMBERS_OF_GUESTS => {
                Some(format!(
                    "all private rooms of guests have {MAX_MEMBERS_OF_GUESTS} members"
                ))
            }
            _ => None,
        };
        if let Some(why) = too_many {
            let problem = format!("{why}, no more are allowed");
            return Err(Reject::new(Code::ServerFull, problem));
        }
        let owns = known.is_some_and(|known| known.owner.as_deref() == Some(user));
        Ok(member(room, user, (now, owns)))
    }

    /// Takes over what is written down.
    pub(super) fn write(&mut self, member: &Member) {
        let room = self.rooms.entry(member.room.clone()).or_default();
        let of_guests = room.members_of_guests();
        let before = room.members.insert(member.user.clone(), member.at);
        self.members += usize::from(before.is_none());
        if member.owns && room.owner.is_none() {
            room.owner = Some(member.user.clone());
            let owned = self.owned.entry(member.user.clone()).or_default();
            owned.insert(member.room.clone());
            self.of_guests += usize::from(!is_account(&member.user));
        }
        self.members_of_guests += room.members_of_guests() - of_guests;
    }

    /// A connection goes into a room; until it leaves, nobody loses the room.
    pub(super) fn go_in(&mut self, room: &Topic) {
        if let Some(room) = self.rooms.get_mut(room.as_str()) {
            room.inside += 1;
        }
    }

    /// A connection leaves a room.
    pub(super) fn go_out(&mut self, room: &Topic) {
        let Some(known) = self.rooms.get_mut(room.as_str()) else {
            return;
        };
        known.inside = known.inside.saturating_sub(1);
        if known.given_up && known.inside == 0 {
            self.remove(room.as_str());
        }
    }

    /// The owner of a room could not be written to disk: nobody else may enter, and once all have left the room is free.
    pub(super) fn give_up(&mut self, room: &str) {
        let Some(known) = self.rooms.get_mut(room) else {
            return;
        };
        known.given_up = true;
        if known.inside == 0 {
            self.remove(room);
        }
    }

    /// Something is said in a room, or was before: from then on it stays its members'.
    pub(super) fn mark_used(&mut self, room: &Topic) {
        if let Some(room) = self.rooms.get_mut(room.as_str()) {
            room.is_used = true;
        }
    }

    /// Nothing is kept any more of what was said in a room.
    pub(super) fn mark_unused(&mut self, room: &Topic) {
        if let Some(room) = self.rooms.get_mut(room.as_str()) {
            room.is_used = false;
        }
    }

    /// The room that a user can spare: where it is alone, nothing was said, and it has not been for the longest time.
    pub(super) fn spare(&self, user: &str) -> Option<String> {
        let owned = self.owned.get(user)?.iter();
        let known = owned.filter_map(|name| Some((name, self.rooms.get(name)?)));
        let spare = known.filter(|(_, room)| room.is_empty() && room.members.len() <= 1);
        let oldest = spare.min_by_key(|(_, room)| room.members.get(user).copied());
        oldest.map(|(name, _)| name.clone())
    }

    /// Frees the rooms of guests in which nothing was said and to which nobody came for long; gives their names.
    pub(super) fn free(&mut self, now: u64) -> Vec<String> {
        let is_unused = |room: &Room| {
            let is_accounts = room.owner.as_deref().is_some_and(is_account);
            let mut seen = room.members.values();
            let nobody_came = seen.all(|at| at.saturating_add(UNUSED_FOR) <= now);
            room.is_empty() && !is_accounts && nobody_came
        };
        let unused = self.rooms.iter().filter(|(_, room)| is_unused(room));
        let unused: Vec<_> = unused.map(|(name, _)| name.clone()).collect();
        for name in &unused {
            self.remove(name);
        }
        unused
    }

    /// Frees a room.
    pub(super) fn remove(&mut self, name: &str) {
        let Some(room) = self.rooms.remove(name) else {
            return;
        };
        self.members -= room.members.len();
        self.members_of_guests -= room.members_of_guests();
        let Some(owner) = room.owner else {
            return;
        };
        self.of_guests -= usize::from(!is_account(&owner));
        if let Some(owned) = self.owned.get_mut(&owner) {
            owned.remove(name);
            if owned.is_empty() {
                self.owned.remove(&owner);
            }
        }
    }
}

impl Room {
    /// Whether nobody is in it, and nothing was ever said.
    fn is_empty(&self) -> bool {
        self.inside == 0 && !self.is_used
    }

    /// Whether it is a guest's.
    fn is_guests(&self) -> bool {
        let mut owner = self.owner.iter();
        owner.any(|owner| !is_account(owner))
    }

    /// How many members it has, where it is a guest's.
    fn members_of_guests(&self) -> usize {
        match self.is_guests() {
            true => self.members.len(),
            false => 0,
        }
    }
}

fn member(room: &Topic, user: &str, (at, owns): (u64, bool)) -> Member {
    Member {
        room: room.as_str().to_owned(),
        user: user.to_owned(),
        at,
        owns,
    }
}
