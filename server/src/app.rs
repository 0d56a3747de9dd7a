//! Our features: one synchronous function an event, which accepts with an acknowledgement or refuses with a reason.
//!
//! Not here: how events come and go (`edge`, `bridge`) and how messages are numbered (`hub`).

mod answer;
pub mod chat;
pub mod clock;
pub mod device;
pub mod policy;
pub mod presence;
mod recall;
pub mod room;
pub mod sensor;
mod session;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Answered};
pub use session::Session;

use crate::{
    config::Guests,
    hub::{Durable, Hub, Origin},
    identity::{Identity, IdentityError, SESSION_FOR, User},
    store::{Archive, Store},
};
use policy::rules::Policy;
use std::sync::{Arc, PoisonError, RwLock, atomic::AtomicU64};
use tertulia_shared::{Code, Reject, room::CHAT};

/// The origin of what browsers and other Socket.IO clients publish.
pub const CLIENT: Origin = Origin("client");
/// The origin of what comes through a broker.
pub const MQTT: Origin = Origin("mqtt");
/// The origin of what the server says of itself.
pub const SERVER: Origin = Origin("server");

/// What went wrong between the hub and the broker since the server started.
#[derive(Debug, Default)]
pub struct Counts {
    /// The publishes that said nothing that could be taken.
    pub faults: AtomicU64,
    /// The chat messages that did not fit into the way to the broker.
    pub unsent: AtomicU64,
}

/// Who may do what.
#[derive(Debug)]
pub struct Rules {
    /// Who may join and publish what.
    pub policy: Policy,
    /// Who may come without an account.
    pub guests: Guests,
}

/// The refusal of somebody who has no account where one is needed.
pub fn account_needed() -> Reject {
    let problem = "nobody is let in here without an account; log in";
    Reject::new(Code::AccountNeeded, problem)
}

/// What all connections share.
#[derive(Debug)]
pub struct App {
    /// The hub.
    pub hub: Arc<Hub>,
    /// What is kept.
    pub store: Store,
    /// Who is known.
    pub identity: Arc<Identity>,
    /// What went wrong since the start.
    pub counts: Arc<Counts>,
    policy: RwLock<Arc<Policy>>,
    guests: Guests,
    sessions: session::Sessions,
    presence: presence::Presence,
    commands: device::Commands,
}

impl App {
    /// The features on what is stored, for guests too and with the built-in rules; device commands go to `commands`.
    ///
    /// # Errors
    /// When who is known cannot be read, or a thread does not start.
    pub fn new(archive: Archive, commands: device::Commands) -> Result<Arc<Self>, IdentityError> {
        let identity = Identity::open(archive.directory(), archive.age(), SESSION_FOR)?;
        let rules = Rules {
            policy: Policy::default(),
            guests: Guests::Everywhere,
        };
        Self::with(archive, commands, identity, rules)
    }

    /// As [`App::new`], with these rules.
    ///
    /// # Errors
    /// When the thread that stores does not start.
    pub fn with(
        archive: Archive,
        commands: device::Commands,
        identity: Identity,
        rules: Rules,
    ) -> Result<Arc<Self>, IdentityError> {
        let chat = Durable {
            level: CHAT,
            epoch: archive.epoch(),
        };
        let hub = Hub::with_durable(archive.age(), chat);
        hub.go_on(archive.marks());
        identity.learn_used(archive.rooms().map(|(room, _)| room));
        let identity = Arc::new(identity);
        let publisher = chat::publisher(Arc::clone(&hub), Arc::clone(&identity));
        let store = Store::start(archive, publisher)?;
        Ok(Arc::new(Self {
            hub,
            store,
            identity,
            counts: Arc::default(),
            policy: RwLock::new(Arc::new(rules.policy)),
            guests: rules.guests,
            sessions: session::Sessions::default(),
            presence: presence::Presence::default(),
            commands,
        }))
    }

    /// Whom to let in by Socket.IO, from this machine (`is_here`) or from elsewhere.
    ///
    /// # Errors
    /// When the token is not good (`bad-token`), or there is none and guests are not let in (`account-needed`).
    pub fn admit(&self, token: Option<&str>, is_here: bool) -> Result<User, Reject> {
        let user = match token {
            Some(token) => self.identity.admit(token)?,
            None => User::stranger(),
        };
        if user.is_registered() || self.guests.let_in(is_here) {
            return Ok(user);
        }
        Err(account_needed())
    }

    /// Whether a client may come without an account, from this machine (`is_here`) or from elsewhere.
    pub fn lets_guests_in(&self, is_here: bool) -> bool {
        self.guests.let_in(is_here)
    }

    /// Tells large rooms once a second who came and went, until it is dropped.
    pub async fn tell_presence(self: Arc<Self>) {
        self.presence.tell_batches(&self.hub).await;
    }

    /// Tells nobody any more who leaves: the server is stopping, and everybody does.
    pub fn silence_presence(&self) {
        self.presence.silence();
    }

    /// The rules of now.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes other rules: connections in rooms that they may no longer join are ended.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        for session in self.sessions.all() {
            session.check_rooms();
        }
    }
}
