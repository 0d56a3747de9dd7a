//! The private rooms: whose they are, who may be in them, and when they are nobody's again. Pure: the time is an argument.
//!
//! A guest is whoever asks, so that all guests together have half of the rooms at most, and a room of guests alone is free
//! again once none of them has come to it for [`UNUSED_FOR`]. Not here: what is said in them (`store`).

use super::user::is_account;
use crate::store::Member;
use std::{
    collections::{BTreeMap, HashMap},
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
/// When a room of guests alone is free again: by then a token that none of them renewed is long expired.
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
    /// How many rooms are a user's.
    owned: HashMap<String, usize>,
    of_guests: usize,
}

#[derive(Debug, Default)]
struct Room {
    owner: Option<String>,
    /// When each member was last seen, in milliseconds since 1970-01-01 UTC, to a day.
    members: BTreeMap<String, u64>,
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
            .is_some_and(|owned| *owned >= MAX_OWNED)
        {
            return one_too_many(format!("{MAX_OWNED} private rooms a user are allowed"));
        }
        if self.rooms.len() >= MAX_ROOMS {
            return one_too_many(format!("the server keeps {MAX_ROOMS} private rooms"));
        }
        if !is_account(user) && self.of_guests >= MAX_ROOMS_OF_GUESTS {
            return one_too_many(format!("{MAX_ROOMS_OF_GUESTS} are guests' already; log in"));
        }
        Ok(())
    }

    /// Whether somebody is in a room, or was invited to it.
    pub(super) fn is_member(&self, room: &Topic, user: &str) -> bool {
        let room = self.rooms.get(room.as_str());
        room.is_some_and(|room| room.members.contains_key(user))
    }

    /// Whether one more may be let into a room; gives what is to be written down.
    ///
    /// # Errors
    /// When it has too many members.
    pub(super) fn invite(&self, room: &Topic, user: &str, now: u64) -> Result<Member, Reject> {
        let known = self.rooms.get(room.as_str());
        let is_full = known.is_some_and(|known| {
            known.members.len() >= MAX_MEMBERS && !known.members.contains_key(user)
        });
        if is_full {
            let problem = format!("room `{room}` has {MAX_MEMBERS} members, no more are allowed");
            return Err(Reject::new(Code::ServerFull, problem));
        }
        let owns = known.is_some_and(|known| known.owner.as_deref() == Some(user));
        Ok(member(room, user, (now, owns)))
    }

    /// Takes over what is written down.
    pub(super) fn write(&mut self, member: &Member) {
        let room = self.rooms.entry(member.room.clone()).or_default();
        room.members.insert(member.user.clone(), member.at);
        if member.owns && room.owner.is_none() {
            room.owner = Some(member.user.clone());
            *self.owned.entry(member.user.clone()).or_default() += 1;
            self.of_guests += usize::from(!is_account(&member.user));
        }
    }

    /// Frees the rooms of guests alone to which nobody came for long; gives their names.
    pub(super) fn free(&mut self, now: u64) -> Vec<String> {
        let is_unused = |room: &Room| {
            let mut members = room.members.iter();
            members.all(|(user, at)| !is_account(user) && at.saturating_add(UNUSED_FOR) <= now)
        };
        let unused = self.rooms.iter().filter(|(_, room)| is_unused(room));
        let unused: Vec<_> = unused.map(|(name, _)| name.clone()).collect();
        for name in &unused {
            self.remove(name);
        }
        unused
    }

    fn remove(&mut self, name: &str) {
        let room = self.rooms.remove(name);
        let Some(owner) = room.and_then(|room| room.owner) else {
            return;
        };
        self.of_guests -= usize::from(!is_account(&owner));
        if let Some(owned) = self.owned.get_mut(&owner) {
            *owned -= 1;
            if *owned == 0 {
                self.owned.remove(&owner);
            }
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

#[cfg(test)]
mod tests {
    use super::{A_DAY, Entry, MAX_OWNED, MAX_ROOMS_OF_GUESTS, Rooms, UNUSED_FOR};
    use crate::identity::{new_account, user::random_id};
    use tertulia_shared::{Code, Topic};

    fn room(number: usize) -> Topic {
        Topic::new(format!("chat/private/{number}")).unwrap()
    }

    fn account() -> String {
        new_account("Ada", String::new(), 0).id
    }

    fn begin(rooms: &mut Rooms, number: usize, user: &str) -> Result<(), Code> {
        match rooms.enter(&room(number), user, (true, 1)) {
            Ok(Entry::Begins(owner)) => {
                rooms.write(&owner);
                Ok(())
            }
            Ok(other) => panic!("{other:?}"),
            Err(reject) => Err(reject.code),
        }
    }

    #[test]
    fn one_user_begins_so_many_and_guests_leave_half_of_them_to_others() {
        let mut rooms = Rooms::default();
        let ada = account();
        for number in 0..MAX_OWNED {
            begin(&mut rooms, number, &ada).unwrap();
        }
        assert_eq!(begin(&mut rooms, MAX_OWNED, &ada), Err(Code::ServerFull));
        let mut number = MAX_OWNED;
        let begun = std::iter::from_fn(|| {
            number += 1;
            begin(&mut rooms, number, &random_id()).ok()
        });
        assert_eq!(begun.count(), MAX_ROOMS_OF_GUESTS);
        begin(&mut rooms, 0x10_0000, &account()).unwrap();
        // What was written down counts as much after a restart.
        let kept = rooms.rooms.iter().flat_map(|(name, room)| {
            let owner = room.owner.as_deref();
            let member = |(user, at): (&String, &u64)| crate::store::Member {
                room: name.clone(),
                user: user.clone(),
                at: *at,
                owns: owner == Some(user),
            };
            room.members.iter().map(member).collect::<Vec<_>>()
        });
        let mut again = Rooms::new(kept.collect());
        assert_eq!(begin(&mut again, MAX_OWNED, &ada), Err(Code::ServerFull));
        let guests = begin(&mut again, MAX_OWNED, &random_id());
        assert_eq!(guests, Err(Code::ServerFull));
    }

    #[test]
    fn a_room_of_guests_is_free_again_once_none_of_them_comes_for_long() {
        let mut rooms = Rooms::default();
        let (ada, bob, zoe) = (random_id(), random_id(), account());
        for number in 0..3 {
            begin(&mut rooms, number, &ada).unwrap();
        }
        let bobs = rooms.invite(&room(1), &bob, 1).unwrap();
        rooms.write(&bobs);
        let zoes = rooms.invite(&room(2), &zoe, 1).unwrap();
        rooms.write(&zoes);
        assert_eq!(rooms.free(UNUSED_FOR), Vec::<String>::new());
        // Within a day nothing is written for who comes again.
        let comes = |rooms: &Rooms, at| rooms.enter(&room(1), &bob, (true, at)).unwrap();
        assert_eq!(comes(&rooms, A_DAY), Entry::Member(None));
        let Entry::Member(Some(seen)) = comes(&rooms, A_DAY + 1) else {
            panic!("it is not noted");
        };
        rooms.write(&seen);
        assert_eq!(rooms.free(UNUSED_FOR + 1), ["chat/private/0"]);
        assert!(rooms.is_member(&room(1), &ada) && rooms.is_member(&room(2), &ada));
        assert_eq!(rooms.free(2 * UNUSED_FOR), ["chat/private/1"]);
        assert_eq!((rooms.of_guests, rooms.owned[&ada]), (1, 1));
        begin(&mut rooms, 0, &bob).unwrap();
    }
}
