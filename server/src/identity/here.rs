//! Who is connected now: one name for all connections of a user, and the connections whose token may go bad.

use super::{
    known::Known,
    name::folded,
    user::{Pass, Standing, User, is_account},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// A user who is connected: its name is the same in all its connections.
#[derive(Debug)]
pub struct Person {
    /// The public id.
    pub id: String,
    name: Mutex<Option<String>>,
}

impl Person {
    /// The name, where it has one.
    pub fn name(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Gives it another name.
    pub fn rename(&self, name: String) {
        *self.lock() = Some(name);
    }

    /// Takes its name from it where that is a registered user's now.
    fn give_back(&self, known: &Known) {
        let mut name = self.lock();
        if name.as_deref().is_some_and(|name| is_taken(name, known)) {
            *name = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everybody who is connected.
#[derive(Debug, Default)]
pub(super) struct Here(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    stays: HashMap<u64, Entry>,
    /// Those with a token, and how many connections they have.
    people: HashMap<String, (Arc<Person>, usize)>,
    /// No token goes bad by itself before this.
    earliest: u64,
}

#[derive(Debug)]
struct Entry {
    person: Arc<Person>,
    standing: Standing,
    pass: Option<Pass>,
    over: CancellationToken,
}

/// One connection of a user, until it is dropped.
#[derive(Debug)]
pub struct Stay {
    here: Arc<Here>,
    number: u64,
    person: Arc<Person>,
    over: CancellationToken,
}

impl Stay {
    /// Who it is.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Cancelled when the connection is to be closed: its token is expired or revoked, or its name is another's now.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut state = self.here.state();
        let Some(entry) = state.stays.remove(&self.number) else {
            return;
        };
        let id = &entry.person.id;
        let Some((_, connections)) = state.people.get_mut(id) else {
            return;
        };
        *connections -= 1;
        if *connections == 0 {
            state.people.remove(id);
        }
    }
}

impl Here {
    /// Somebody connects; where its token is not good `now` that is over at once. A guest whose name was registered comes
    /// in without it.
    pub(super) fn enter(self: &Arc<Self>, user: &User, known: &Known, now: u64) -> Stay {
        let mut state = self.state();
        let fresh = || {
            Arc::new(Person {
                id: user.id.clone(),
                name: Mutex::new(user.name.clone()),
            })
        };
        let person = if user.is_known() {
            let people = state.people.entry(user.id.clone());
            let (person, connections) = people.or_insert_with(|| (fresh(), 0));
            *connections += 1;
            Arc::clone(person)
        } else {
            fresh()
        };
        if user.standing != Standing::Registered {
            person.give_back(known);
        }
        let number = state.next;
        state.next += 1;
        let over = CancellationToken::new();
        if let Some(pass) = &user.pass {
            state.earliest = state.earliest.min(pass.expires);
        }
        let entry = Entry {
            person: Arc::clone(&person),
            standing: user.standing,
            pass: user.pass.clone(),
            over: over.clone(),
        };
        if entry.token_problem(known, now).is_some() {
            over.cancel();
        }
        state.stays.insert(number, entry);
        Stay {
            here: Arc::clone(self),
            number,
            person,
            over,
        }
    }

    /// Whether a token may have expired by `now`.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.state().earliest <= now
    }

    /// Ends the connections whose token is not good any more; where there are other accounts, those of guests too whose name
    /// was registered.
    pub(super) fn check(&self, known: &Known, now: u64, other_accounts: bool) {
        let mut state = self.state();
        let (mut earliest, mut ended) = (u64::MAX, Vec::new());
        for entry in state.stays.values() {
            if let Some(why) = entry.problem(known, now, other_accounts) {
                tracing::debug!(
                    peer = entry.person.id,
                    why,
                    "a connection is no longer let in"
                );
                entry.over.cancel();
                ended.push(Arc::clone(&entry.person));
            } else if let Some(pass) = &entry.pass {
                earliest = earliest.min(pass.expires);
            }
        }
        state.earliest = earliest;
        // Who comes back does not wait until the last of these connections is closed.
        let guests = ended.iter().filter(|person| !is_account(&person.id));
        guests.for_each(|person| person.give_back(known));
    }

    /// The public id of the one guest with a token who is connected and has this name.
    pub(super) fn guest_named(&self, name: &str) -> Result<Option<String>, Several> {
        let state = self.state();
        let called = |person: &Person| person.name().is_some_and(|it| folded(&it) == name);
        let mut found = state.people.values().filter(|(person, _)| called(person));
        let first = found.next().map(|(person, _)| person.id.clone());
        match found.next() {
            Some(_) => Err(Several),
            None => Ok(first),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_taken(name: &str, known: &Known) -> bool {
    known.named(&folded(name)).is_some()
}

/// Several have the same name.
pub(super) struct Several;

impl Entry {
    fn problem(&self, known: &Known, now: u64, other_accounts: bool) -> Option<&'static str> {
        let name_taken = || other_accounts.then(|| self.name_taken(known)).flatten();
        self.token_problem(known, now).or_else(name_taken)
    }

    fn token_problem(&self, known: &Known, now: u64) -> Option<&'static str> {
        let pass = self.pass.as_ref()?;
        known.problem(&self.person.id, self.standing, pass, now)
    }

    fn name_taken(&self, known: &Known) -> Option<&'static str> {
        let name = self.person.name();
        let name = name.filter(|_| self.standing != Standing::Registered)?;
        is_taken(&name, known).then_some("its name is registered now")
    }
}
