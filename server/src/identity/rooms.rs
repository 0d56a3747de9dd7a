//! Who may be in which private room: kept with the accounts.

use super::{
    Identity, User,
    begun::busy,
    ledger::failed,
    lock,
    name::folded,
    private::{Entry, Rooms},
    tag,
    visible::shown,
};
use crate::store::{Member, Note};
use std::sync::Arc;
use tertulia_shared::{Code, Reject, Topic};

/// The most choices that a refusal lists.
const MAX_CHOICES: usize = 8;

impl Identity {
    /// Whether somebody may be in a private room, which it is in from then on until it [`leaves`](Identity::leaves). One
    /// that is nobody's, and where nothing was ever said, becomes the first one's who has a token; where that would be one
    /// too many, another one gives way in which it said nothing.
    ///
    /// # Errors
    /// When it would be one too many, or too much waits for the disk.
    pub fn lets_in(&self, room: &Topic, user: &User, was_used: bool) -> Result<bool, Reject> {
        let may_begin = user.is_known() && !was_used;
        let mut rooms = self.rooms();
        let asked = (may_begin, self.age.now().born);
        let mut entry = rooms.enter(room, &user.id, asked);
        if entry.is_err()
            && let Some(spare) = rooms.spare(&user.id)
        {
            self.ledger.keep(Note::Freed(spare.clone()))?;
            rooms.remove(&spare);
            entry = rooms.enter(room, &user.id, asked);
        }
        match entry? {
            Entry::Refused => return Ok(false),
            Entry::Member(None) => {}
            Entry::Member(Some(seen)) => {
                // Where that does not fit it is noted the next time.
                if self.ledger.keep(Note::Member(seen.clone())).is_ok() {
                    rooms.write(&seen);
                }
            }
            Entry::Begins(owner) => self.begin(&mut rooms, &owner)?,
        }
        rooms.go_in(room);
        Ok(true)
    }

    /// Writes the owner of a room to disk. Until that is done, whatever happens in the room waits.
    fn begin(&self, rooms: &mut Rooms, owner: &Member) -> Result<(), Reject> {
        let room = owner.room.clone();
        let (all, begun) = (Arc::clone(&self.rooms), Arc::clone(&self.begun));
        if !self.in_memory {
            begun.begin(&room);
        }
        let settle = move |written: Result<(), Reject>| {
            if written.is_err() {
                lock(&all).give_up(&room);
            }
            while let Some(waiting) = begun.next(&room) {
                waiting.into_iter().for_each(|wait| wait(written.clone()));
            }
        };
        let noted = self.ledger.note(Note::Begun(owner.clone()), settle);
        if noted.is_err() {
            self.begun.next(&owner.room);
        }
        noted?;
        rooms.write(owner);
        Ok(())
    }

    /// Runs `act` once the owner of a private room is on disk: at once if it already is, and in the order of calls. `act` is
    /// told if the owner could not be written, or if the user has left the room.
    pub fn once_kept(
        &self,
        room: &Topic,
        user: &User,
        act: impl FnOnce(Result<(), Reject>) + Send + 'static,
    ) {
        let Some(act) = self.begun.wait(room.as_str(), Box::new(act)) else {
            return;
        };
        // What is given up is that before nothing waits for it any more.
        act(match self.is_member(room, user) {
            true => Ok(()),
            false => Err(failed()),
        });
    }

    /// A connection that was let into a private room is not in it any more.
    pub fn leaves(&self, room: &Topic) {
        self.rooms().go_out(room);
    }

    /// Takes over in which rooms something was said before the start.
    pub fn learn_used<'a>(&self, rooms: impl Iterator<Item = &'a Topic>) {
        let mut known = self.rooms();
        rooms.for_each(|room| known.mark_used(room));
    }

    /// Something was said in a private room, which from then on stays its members'.
    pub fn mark_used(&self, room: &Topic) {
        self.rooms().mark_used(room);
    }

    /// Nothing is kept any more of what was said in a room: it is as one in which nothing was said.
    pub fn mark_unused(&self, room: &Topic) {
        self.rooms().mark_unused(room);
    }

    /// Whether somebody may say something in a private room, which from then on stays its members'.
    pub fn may_say(&self, room: &Topic, user: &User) -> bool {
        let mut rooms = self.rooms();
        let is_member = rooms.is_member(room, &user.id);
        if is_member {
            rooms.mark_used(room);
        }
        is_member
    }

    /// Frees the private rooms that nobody used for long.
    pub(super) fn free_rooms(&self) {
        for room in self.rooms().free(self.age.now().aged) {
            tracing::info!(room, "a private room is nobody's any more");
            // Where that does not fit it is freed again after the next start.
            let _ = self.ledger.keep(Note::Freed(room));
        }
    }

    /// Whether somebody is in a private room, or was invited to it.
    pub fn is_member(&self, room: &Topic, user: &User) -> bool {
        self.rooms().is_member(room, &user.id)
    }

    /// Finds the public id of a registered user, or of a connected guest with a token, by name. `NAME·TAG` names one of
    /// several guests whose names look the same.
    ///
    /// # Errors
    /// When nobody has the name (`bad-name`), or several guests do (`ambiguous-name`).
    pub fn named(&self, text: &str) -> Result<String, Reject> {
        if let Some(account) = self.known().named(&folded(text)) {
            return Ok(account.id.clone());
        }
        let (name, tag) = tag::split(text).map_or((text, None), |(name, tag)| (name, Some(tag)));
        let mut guests = self.here.guests_like(name);
        guests.retain(|(guest, _)| tag.is_none_or(|tag| guest.has_tag(tag)));
        let are_several = guests.len() > 1;
        guests.retain(|(_, has_token)| *has_token);
        match guests.first() {
            None => {
                let who = "nobody who is registered or here with a token";
                let problem = format!("{who} is called `{}`", shown(text));
                Err(Reject::new(Code::BadName, problem))
            }
            Some((guest, _)) if !are_several => Ok(guest.id.clone()),
            Some(_) => Err(ambiguous(
                text,
                guests.iter().map(|(guest, _)| guest.tagged()),
            )),
        }
    }

    /// Lets somebody into a private room from now on; what comes back says later whether that is kept.
    ///
    /// # Errors
    /// When it has too many members, or is not on disk itself, or too much waits for the disk.
    pub fn invite(
        &self,
        room: &Topic,
        id: &str,
    ) -> Result<impl Future<Output = Result<(), Reject>> + Send + use<>, Reject> {
        let mut rooms = self.rooms();
        if self.begun.has(room.as_str()) {
            return Err(busy());
        }
        let member = rooms.invite(room, id, self.age.now().born)?;
        let kept = self.ledger.keeping(Note::Member(member.clone()))?;
        rooms.write(&member);
        Ok(kept)
    }
}

/// The refusal of a name that several guests have. It lists each of them with its tag.
fn ambiguous(name: &str, guests: impl Iterator<Item = String>) -> Reject {
    let choices: Vec<_> = guests.take(MAX_CHOICES).collect();
    let problem = format!(
        "several guests are called `{}`; say which one: {}",
        shown(name),
        choices.join(", ")
    );
    Reject::new(Code::AmbiguousName, problem).choices(choices)
}
