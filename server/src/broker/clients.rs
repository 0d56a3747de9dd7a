//! Who came to the embedded broker by which client id: from where, and by which rules.
//!
//! Not here: whether it may (`doorman`).

use crate::{app::policy::rules::Policy, broker::INTERNAL, identity::Pass};
use mqtt5::broker::AuthResult;
use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) who: Who,
    pub(super) pass: Option<Pass>,
    /// Where it comes from.
    pub(super) from: IpAddr,
    /// The rules that held when it came.
    pub(super) policy: Arc<Policy>,
    /// The filters that it comes back to and has not been asked about yet.
    returns_to: Arc<Mutex<HashSet<String>>>,
    /// Whether it was looked at: from then on it is connected or gone.
    seen: bool,
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A link of this process.
    Internal,
    /// Somebody without an account.
    Guest,
    /// The registered user with this public id.
    Registered(String),
}

impl Who {
    /// The user as the broker knows it.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Internal => Some(INTERNAL),
            Self::Guest => None,
            Self::Registered(id) => Some(id),
        }
    }

    /// That it is let in.
    pub(super) fn welcome(&self) -> AuthResult {
        match self.user() {
            Some(user) => AuthResult::success_with_user(user),
            None => AuthResult::success(),
        }
    }
}

impl Client {
    /// Somebody who has just been let in.
    pub(super) fn new((who, pass): (Who, Option<Pass>), from: IpAddr, policy: Arc<Policy>) -> Self {
        Self {
            who,
            pass,
            from,
            policy,
            returns_to: Arc::default(),
            seen: false,
        }
    }

    /// The same, back to these filters of its session.
    pub(super) fn back_to(self, filters: impl Iterator<Item = String>) -> Self {
        let returns_to = Arc::new(Mutex::new(filters.collect()));
        Self { returns_to, ..self }
    }

    /// Whether it comes back to a filter; true once for each.
    pub(super) fn takes_up(&self, filter: &str) -> bool {
        let returns_to = self.returns_to.lock();
        let mut returns_to = returns_to.unwrap_or_else(PoisonError::into_inner);
        returns_to.remove(filter)
    }

    /// Whether it has not been looked at yet.
    pub(super) fn is_new(&self) -> bool {
        !self.seen
    }

    /// Whether it is the same one, let in by the same.
    fn is(&self, other: &Self) -> bool {
        (&self.who, &self.pass, self.from, self.seen)
            == (&other.who, &other.pass, other.from, other.seen)
            && Arc::ptr_eq(&self.policy, &other.policy)
    }
}

/// The clients by their ids. They are asked for with each publish: nothing of them is copied for that.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<HashMap<String, Arc<Client>>>);

impl Clients {
    /// Somebody comes, in the place of who had the id before.
    pub(super) fn enter(&self, id: &str, client: Client) {
        self.all().insert(id.to_owned(), Arc::new(client));
    }

    /// Who has an id, or had it until just now.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Client>> {
        self.all().get(id).cloned()
    }

    /// All, as they are now.
    pub(super) fn list(&self) -> Vec<(String, Arc<Client>)> {
        let all = self.all();
        let client = |(id, client): (&String, &Arc<Client>)| (id.clone(), Arc::clone(client));
        all.iter().map(client).collect()
    }

    /// Forgets a client that is gone; one that is just coming may not be there yet.
    pub(super) fn note(&self, id: &str, client: &Client, connected: bool) {
        let mut all = self.all();
        let Some(now) = all.get_mut(id).filter(|now| now.is(client)) else {
            return;
        };
        if !connected && now.seen {
            all.remove(id);
        } else {
            Arc::make_mut(now).seen = true;
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Client>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
