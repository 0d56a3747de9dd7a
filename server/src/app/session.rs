//! What the server knows of one connection: its public id, its name and its rooms.

use super::{
    App,
    policy::{is_private, not_yours, rules::Asker},
};
use crate::{
    hub::Reader,
    identity::{Pass, Person, Shown, Stay, User, name::folded, nameless},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tertulia_shared::{
    Filter, Reject, Topic,
    chat::{Author, is_short_id},
};
use tokio_util::sync::CancellationToken;

/// The most messages that wait for one connection; what comes beyond is told as missed.
pub(super) const READER_CAPACITY: usize = 8_192;

/// The sessions from which on those that ended are removed.
const FIRST_CLEANING: usize = 64;

/// One connection. Dropping it leaves all its rooms.
#[derive(Debug)]
pub struct Session {
    pub(super) app: Arc<App>,
    /// For what is done later.
    pub(super) this: Weak<Self>,
    pub(super) user: User,
    /// The name of a registered user, as rules compare it.
    account: Option<String>,
    pub(super) stay: Stay,
    pub(super) reader: Arc<Reader>,
    state: Mutex<State>,
}

/// What changes during a connection.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rooms: BTreeSet<Filter>,
    /// The number after which the messages of a room came, for rooms that are topics.
    pub(super) joined_after: BTreeMap<Filter, u64>,
    /// The rooms to which nobody had said anything before.
    pub(super) begun: BTreeSet<Topic>,
    /// After this nothing may be joined: nobody would leave it.
    pub(super) ended: bool,
}

impl Session {
    /// A connection of this user; it reads the bridge's status from the start.
    pub fn new(app: Arc<App>, user: User) -> Arc<Self> {
        let reader = Arc::new(app.hub.reader(READER_CAPACITY));
        reader.subscribe(&super::policy::bridge_topic().into());
        if user.is_known() {
            reader.subscribe(&super::policy::user_topic(&user.id).into());
        }
        let registered = user.name.as_deref().filter(|_| user.is_registered());
        let account = registered.map(folded);
        let session = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            account,
            stay: app.identity.enter(&user),
            user,
            reader,
            state: Mutex::default(),
            app,
        });
        session.app.sessions.add(&session);
        let renamed = session.stay.renamed();
        session.app.presence.renamed(&session.app.hub, renamed);
        session
    }

    /// A connection of the user whose token this is, or of a guest without one; from this machine (`is_here`) or elsewhere.
    ///
    /// # Errors
    /// As [`App::admit`].
    pub fn begin(app: &Arc<App>, token: Option<&str>, is_here: bool) -> Result<Arc<Self>, Reject> {
        let session = Self::new(Arc::clone(app), app.admit(token, is_here)?);
        // From now on it ends with its token; what became of that until now is asked again.
        match &session.user.pass {
            Some(pass) if !session.is_good(pass) => app.admit(token, is_here).map(|_| session),
            _ => Ok(session),
        }
    }

    fn is_good(&self, pass: &Pass) -> bool {
        let User { id, standing, .. } = &self.user;
        self.app.identity.is_good(id, *standing, pass)
    }

    /// Cancelled when the connection is to be closed: who was let in would not be any more.
    pub fn over(&self) -> &CancellationToken {
        self.stay.over()
    }

    /// What this connection is to be sent.
    pub fn reader(&self) -> Arc<Reader> {
        Arc::clone(&self.reader)
    }

    /// The public id, which is no secret.
    pub fn peer(&self) -> &str {
        &self.user.id
    }

    /// Leaves all rooms; further joins are refused. A second time does nothing.
    pub fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        for room in std::mem::take(&mut state.rooms) {
            self.reader.unsubscribe(&room);
            self.leaves(&room);
            if let Some(room) = super::policy::chat_room(&room) {
                self.app.presence.leave(&self.app.hub, &room, self.peer());
            }
        }
    }

    /// Goes out of a private room, when nothing of it is heard any more.
    pub(super) fn leaves(&self, room: &Filter) {
        if let Some(topic) = room.as_topic().filter(is_private) {
            self.app.identity.leaves(&topic);
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose retries this one's are: no stranger can be told from another one that lost its connection and is back.
    pub fn sender(&self) -> Option<String> {
        self.user.is_known().then(|| self.user.id.clone())
    }

    /// The sender for whom a message id counts. A short id counts for this user, or for this connection if it has no token.
    pub(super) fn sender_of(&self, id: Option<&str>) -> Option<String> {
        let is_own = self.user.is_known() || id.is_some_and(is_short_id);
        is_own.then(|| self.user.id.clone())
    }

    /// Who this is: before it took a name, `guest-` and the start of its id.
    pub(super) fn author(&self) -> Author {
        author(self.stay.person())
    }

    /// Whether this one may read a room, as far as the rules go.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn may_join(&self, room: &Filter) -> Result<(), Reject> {
        let allowed = self.app.policy().may_join(self.asker(), room);
        allowed
            .then_some(())
            .ok_or_else(|| not_yours(room.as_str()))
    }

    /// Whether this one may publish to a topic; to a private room who is in it may.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn may_publish(&self, topic: &Topic) -> Result<(), Reject> {
        let allowed = self.app.policy().may_publish(self.asker(), topic);
        let is_open = || !is_private(topic) || self.app.identity.may_say(topic, &self.user);
        (allowed && is_open())
            .then_some(())
            .ok_or_else(|| not_yours(topic.as_str()))
    }

    /// Ends the connection where it is in a room that it may no longer join.
    pub(super) fn check_rooms(&self) {
        let rooms = self.state().rooms.clone();
        if rooms.iter().any(|room| self.may_join(room).is_err()) {
            self.stay.over().cancel();
        }
    }

    fn asker(&self) -> Asker<'_> {
        match &self.account {
            Some(name) => Asker::Registered(name),
            None => Asker::Guest,
        }
    }
}

/// Somebody as the author of what it says.
pub(super) fn author(person: &Person) -> Author {
    let Shown { name, tag } = person.shown();
    Author {
        peer: person.id.clone(),
        name: name.unwrap_or_else(|| nameless(&person.id)),
        tag,
    }
}

/// The connections, to be looked at when the rules change.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Weak<Session>>>);

impl Sessions {
    fn add(&self, session: &Arc<Session>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            all.retain(|session| session.strong_count() > 0);
            // At least as many again may come before the next cleaning.
            let more = all.len().max(FIRST_CLEANING);
            all.reserve_exact(more);
        }
        all.push(Arc::downgrade(session));
    }

    /// Those that are connected.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}
